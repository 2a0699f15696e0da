// SPDX-License-Identifier: Apache-2.0
// Edits the graph twice: a node comes, and goes when its frame is over.
#include "broker/supervision/letter_replay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "broker/change/live.h"
#include "broker/control/control_call.h"
#include "broker/graph/graph_edit.h"
#include "broker/links/pages.h"

#define PROGRAM "letter-source"
#define PORT "out"

enum stage {
    STAGE_ADDING,    // the change that adds the node is under way
    STAGE_SENDING,   // its frame is not over
    STAGE_REMOVING,  // the change that takes it out waits or is under way
    STAGE_OVER
};

struct letter_replay {
    uint64_t letter;  // id
    enum stage stage;
    uint64_t ticket;  // of the change, 0 = it waits for its turn
    char node[LIMIT_NODE_ID_BYTES_MAX];
    char to[LIMIT_ADDRESS_BYTES_MAX];
    int code;
    char text[LIVE_TEXT_BYTES];
};

// --- Edits ------------------------------------------------------------------------------------

static int fill_path(const struct broker *broker, const char *file, char *out, size_t size_bytes)
{
    const char *dir = broker->graph->dead_letters.dir;
    struct text text = text_over(out, size_bytes);
    if (dir[0] != '/') {
        text_add_format(&text, "%s/", broker->graph->folder);
    }
    text_add_format(&text, "%s/%s", dir, file);
    return text.is_cut ? -ENAMETOOLONG : 0;
}

static int edit_add(const struct broker *broker, const struct letter_replay *replay,
                    const char *file, struct graph_edit *edit, struct diag *why)
{
    static const char *const exec[] = {PROGRAM};
    char path[PATH_MAX];
    char assignment[PATH_MAX + 32];
    char from[LIMIT_ADDRESS_BYTES_MAX];
    int failed = fill_path(broker, file, path, sizeof path);
    snprintf(assignment, sizeof assignment, "config.path=%s", path);
    snprintf(from, sizeof from, "%s." PORT, replay->node);
    failed = failed != 0 ? failed : graph_edit_add_node(edit, replay->node, exec, 1, why);
    const char *const assignments[] = {assignment, "sandbox=trusted", "restart.when=never"};
    for (size_t i = 0; i < sizeof assignments / sizeof assignments[0] && failed == 0; i++) {
        failed = graph_edit_set_node(edit, replay->node, assignments[i], why);
    }
    return failed != 0 ? failed : graph_edit_connect(edit, from, replay->to, why);
}

// Makes the edit and begins its change. file: add the node; NULL: take it out.
static int change(struct broker *broker, struct letter_replay *replay, const char *file)
{
    struct graph_edit *edit;
    struct diag why = {.text = ""};
    struct diags diags = {.count = 0};
    struct graph *graph = NULL;
    int failed = graph_edit_begin(broker->live.wanted, &edit);
    if (failed != 0) {
        return failed;
    }
    failed = file != NULL ? edit_add(broker, replay, file, edit, &why)
                          : graph_edit_remove_node(edit, replay->node, &why);
    failed = failed != 0 ? failed : graph_edit_load(edit, &graph, &diags);
    graph_edit_destroy(edit);
    if (failed != 0) {
        text_copy(replay->text, sizeof replay->text,
                  diags.count > 0 ? diags.items[0].diag.text : why.text);
        return failed;
    }
    int code = live_check(broker, graph, replay->text, sizeof replay->text);
    if (code != 0) {
        graph_destroy(graph);
        return code == -EINPROGRESS ? code : -EINVAL;
    }
    return live_apply(broker, graph, &replay->ticket);
}

// --- Its course -------------------------------------------------------------------------------

static void end(struct letter_replay *replay, int code, const char *text)
{
    if (replay->code == 0 && code != 0) {
        replay->code = code;
        text_copy(replay->text, sizeof replay->text, text);
    }
}

static struct actual_link *link_of(const struct broker *broker, const struct letter_replay *replay)
{
    struct actual_node *node = actual_find_node(broker->actual, replay->node);
    return node == NULL || node->output_count == 0 || node->outputs[0]->link_count == 0
               ? NULL
               : node->outputs[0]->links[0];
}

// The frame is over when nothing of it is queued or held, and no more comes.
static bool look_at_frame(const struct broker *broker, struct letter_replay *replay)
{
    const struct actual_node *node = actual_find_node(broker->actual, replay->node);
    const struct actual_link *link = link_of(broker, replay);
    if (node == NULL || link == NULL) {
        end(replay, CONTROL_CODE_FAILED, "its node was taken out of the graph");
        return true;
    }
    struct account account = pages_account(link);
    bool is_waiting = account.queued > 0 || account.held > 0;
    if (!node_is_over(node->life.state) || (is_waiting && link_is_up(link->state))) {
        return false;
    }
    if (account.poisoned > 0) {
        end(replay, CONTROL_CODE_FAILED, "it killed its reader again");
    } else if (account.published == 0) {
        end(replay, CONTROL_CODE_BAD_DATA, "its file could not be sent; the log says why");
    } else if (account.released == 0) {
        end(replay, CONTROL_CODE_FAILED, "its reader ended before it took it");
    }
    return true;
}

static void note_change(const struct broker *broker, struct letter_replay *replay, enum stage next)
{
    struct live_result result;
    if (!live_result(broker, replay->ticket, &result)) {
        return;
    }
    bool is_gone = replay->stage == STAGE_ADDING && result.code != 0;
    // All that its node does before it is ready is to read the file.
    bool is_bad = is_gone && result.code == CONTROL_CODE_FAILED;
    end(replay, is_bad ? CONTROL_CODE_BAD_DATA : result.code, result.text);
    replay->stage = is_gone ? STAGE_OVER : next;
    replay->ticket = 0;
}

static void take_out(struct broker *broker, struct letter_replay *replay)
{
    if (replay->ticket != 0) {
        note_change(broker, replay, STAGE_OVER);
        return;
    }
    if (live_is_busy(broker)) {
        return;
    }
    int code = replay->code;
    char text[LIVE_TEXT_BYTES];
    text_copy(text, sizeof text, replay->text);
    int failed = change(broker, replay, NULL);
    if (failed != 0 && failed != -EINPROGRESS) {
        replay->stage = STAGE_OVER;  // somebody else took it out, or the graph ends
    }
    replay->code = code;
    text_copy(replay->text, sizeof replay->text, text);
}

void letter_replay_turn(struct broker *broker)
{
    struct letter_replay *replay = broker->replay;
    if (replay == NULL || replay->stage == STAGE_OVER) {
        return;
    }
    if (broker->phase == BROKER_ENDING || broker->phase == BROKER_ENDED) {
        end(replay, CONTROL_CODE_FAILED, "the graph ended");
        replay->stage = STAGE_OVER;
    } else if (replay->stage == STAGE_ADDING) {
        note_change(broker, replay, STAGE_SENDING);
    } else if (replay->stage == STAGE_SENDING && look_at_frame(broker, replay)) {
        replay->stage = STAGE_REMOVING;
    }
    if (replay->stage == STAGE_REMOVING) {
        take_out(broker, replay);
    }
    struct dead_letter *letter = dead_letters_find(&broker->dead_letters, replay->letter);
    if (replay->stage == STAGE_OVER && letter != NULL && replay->code == 0) {
        letter->state = DEAD_LETTER_REPLAYED;
        health_say(&broker->health, HEALTH_LETTER_SENT, letter->node, letter->generation,
                   letter->seq, "seq %llu of %s was sent again", (unsigned long long)letter->seq,
                   letter->link);
    }
}

int letter_replay_begin(struct broker *broker, uint64_t id, char *text, size_t text_bytes)
{
    const struct dead_letter *letter = dead_letters_find(&broker->dead_letters, id);
    if (letter == NULL || letter->file[0] == '\0' || letter->state == DEAD_LETTER_WRITING) {
        return letter == NULL ? -ENOENT : -ENODATA;
    }
    bool is_sending = broker->replay != NULL && broker->replay->stage != STAGE_OVER;
    if (is_sending || live_is_busy(broker)) {
        text_copy(text, text_bytes, is_sending ? "another letter is being sent" : "it changes");
        return -EBUSY;
    }
    if (broker->live.revision != broker->live.committed) {
        text_copy(text, text_bytes, "changes of the graph wait for a commit");
        return -EINVAL;
    }
    const struct actual_node *reader = actual_find_node(broker->actual, letter->node);
    if (reader == NULL || node_is_over(reader->life.state)) {
        text_copy(text, text_bytes, "its node does not run any more");
        return -ESRCH;
    }
    char path[PATH_MAX];
    if (fill_path(broker, letter->file, path, sizeof path) != 0 || access(path, F_OK) < 0) {
        struct text out = text_over(text, text_bytes);
        text_add_format(&out, "%s: %s", letter->file, strerrordesc_np(ENOENT));
        return -ENOTDIR;
    }
    letter_replay_fini(broker);
    struct letter_replay *replay = calloc(1, sizeof *replay);
    if (replay == NULL) {
        return -ENOMEM;
    }
    *replay = (struct letter_replay){.letter = id, .stage = STAGE_ADDING};
    snprintf(replay->node, sizeof replay->node, "letter-%llu", (unsigned long long)id);
    text_copy(replay->to, sizeof replay->to, letter->to);
    int failed = change(broker, replay, letter->file);
    if (failed != 0) {
        text_copy(text, text_bytes, replay->text);
        free(replay);
        return failed == -ENOMEM ? failed : failed == -EINPROGRESS ? -EBUSY : -EINVAL;
    }
    broker->replay = replay;
    return 0;
}

int letter_replay_result(const struct broker *broker, uint64_t id, char *text, size_t text_bytes)
{
    const struct letter_replay *replay = broker->replay;
    if (replay == NULL || replay->letter != id) {
        text_copy(text, text_bytes, "another letter was sent after it");
        return CONTROL_CODE_FAILED;
    }
    if (replay->stage != STAGE_OVER) {
        return -EAGAIN;
    }
    text_copy(text, text_bytes, replay->text);
    return replay->code;
}

void letter_replay_fini(struct broker *broker)
{
    free(broker->replay);
    broker->replay = NULL;
}
