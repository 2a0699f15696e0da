// SPDX-License-Identifier: Apache-2.0
// The verb for frames that were given up.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "broker/broker.h"
#include "broker/control/control_verb.h"
#include "broker/supervision/letter_office.h"
#include "broker/supervision/letter_replay.h"

#define LETTER 0  // in the numbers of a call

static json_t *letter_json(const struct dead_letter *letter, int64_t now_ns)
{
    json_t *json =
        json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:f}", "id",
                  (json_int_t)letter->id, "node", letter->node, "link", letter->link, "to",
                  letter->to, "generation", (json_int_t)letter->generation, "seq",
                  (json_int_t)letter->seq, "deaths", (json_int_t)letter->deaths, "reason",
                  letter->reason, "state", dead_letters_state_name(letter->state), "age_s",
                  (double)(now_ns - letter->time_ns) / (double)CLOCK_NS_PER_S);
    json_t *file = letter->file[0] == '\0' ? json_null() : json_string(letter->file);
    if (json != NULL) {
        json_object_set_new(json, "file", file);
    }
    return json;
}

static int list(struct control_call *call)
{
    const struct dead_letters *letters = &call->broker->dead_letters;
    int64_t now_ns = clock_now_ns();
    for (size_t i = 0; i < dead_letters_count(letters); i++) {
        control_call_say(call, letter_json(dead_letters_at(letters, i), now_ns));
    }
    return 0;
}

// The letter that the field "id" names. Returns 0, or a code after control_call_refuse().
static int find(struct control_call *call, struct dead_letter **out_letter)
{
    const char *word = control_call_field(call, "id");
    if (word == NULL) {
        return control_call_refuse(call, CONTROL_CODE_USAGE, "which letter? Give its id");
    }
    char *end;
    errno = 0;
    unsigned long long id = strtoull(word, &end, 10);
    struct dead_letter *letter = errno != 0 || end == word || *end != '\0'
                                     ? NULL
                                     : dead_letters_find(&call->broker->dead_letters, id);
    if (letter == NULL) {
        return control_call_refuse(call, CONTROL_CODE_NO_SUCH,
                                   "there is no dead letter %s (any more)", word);
    }
    *out_letter = letter;
    return 0;
}

static int show(struct control_call *call)
{
    struct dead_letter *letter = NULL;
    int failed = find(call, &letter);
    if (failed == 0) {
        control_call_say(call, letter_json(letter, clock_now_ns()));
    }
    return failed;
}

static int drop(struct control_call *call)
{
    struct dead_letter *letter = NULL;
    int failed = find(call, &letter);
    if (failed != 0) {
        return failed;
    }
    failed = letter_office_drop(call->broker, letter->id);
    if (failed == -EBUSY) {
        return control_call_refuse(call, CONTROL_CODE_FAILED, "its file is being written");
    }
    if (failed != 0) {
        return control_call_refuse(call, CONTROL_CODE_FAILED, "cannot remove its file: %s",
                                   strerrordesc_np(-failed));
    }
    return 0;
}

static int look_at_replay(struct control_call *call)
{
    char text[LIMIT_ERROR_TEXT_BYTES_MAX];
    int code = letter_replay_result(call->broker, call->numbers[LETTER], text, sizeof text);
    if (code == -EAGAIN) {
        return CONTROL_LATER;
    }
    return code == 0 ? 0 : control_call_refuse(call, (enum control_code)code, "%s", text);
}

static int begin_replay(struct control_call *call)
{
    char text[LIMIT_ERROR_TEXT_BYTES_MAX] = "it cannot be sent";
    int failed = letter_replay_begin(call->broker, call->numbers[LETTER], text, sizeof text);
    switch (failed) {
    case 0:
        return control_call_later(call, look_at_replay, INT64_MAX);
    case -EBUSY:
        return call->broker->phase == BROKER_ENDED
                   ? control_call_refuse(call, CONTROL_CODE_FAILED, "the graph has ended")
                   : CONTROL_LATER;
    case -ENODATA:
        return control_call_refuse(call, CONTROL_CODE_NO_SUCH, "its payload was not kept");
    case -ENOENT:
        return control_call_refuse(call, CONTROL_CODE_NO_SUCH, "it is forgotten");
    case -ENOTDIR:
        return control_call_refuse(call, CONTROL_CODE_NO_SUCH, "%s", text);
    case -ENOMEM:
        return control_call_refuse(call, CONTROL_CODE_INTERNAL, "out of memory");
    case -ESRCH:
        return control_call_refuse(call, CONTROL_CODE_NOT_RUNNING, "%s", text);
    default:
        return control_call_refuse(call, CONTROL_CODE_INVALID, "%s", text);
    }
}

static int replay(struct control_call *call)
{
    struct dead_letter *letter = NULL;
    int failed = find(call, &letter);
    if (failed != 0) {
        return failed;
    }
    call->numbers[LETTER] = letter->id;
    int begun = begin_replay(call);
    // Its turn comes.
    return begun == CONTROL_LATER && call->look == NULL
               ? control_call_later(call, begin_replay, INT64_MAX)
               : begun;
}

int control_letters_act(struct control_call *call)
{
    static const struct {
        const char *word;
        int (*act)(struct control_call *call);
    } actions[] = {{"list", list}, {"show", show}, {"replay", replay}, {"drop", drop}};
    const char *action = control_call_field(call, "action");
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(action, actions[i].word) == 0) {
            return actions[i].act(call);
        }
    }
    return control_call_refuse(call, CONTROL_CODE_USAGE,
                               "dead-letters has no '%s': it has list, show, replay and drop",
                               action);
}
