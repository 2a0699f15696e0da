// SPDX-License-Identifier: Apache-2.0
// Tries the control sockets of this user's brokers.
#include "tools/reach.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "tools/table.h"

#define LIST_MS 1000  // for each broker of a list: one that is stopped must not hold it up

// The brokers that are there, while looking for the only one.
struct search {
    int timeout_ms;
    size_t count;
    char names[1024];  // "a, b"
    struct sb_control *found;
};

static int try_one(void *context, const char *path)
{
    struct search *search = context;
    struct sb_control *control = NULL;
    int failed = sb_control_connect(path, search->timeout_ms, &control);
    if (failed != 0 && failed != -ETIMEDOUT) {
        return 0;
    }
    struct text names = {.bytes = search->names,
                         .size_bytes = sizeof search->names,
                         .length = strlen(search->names)};
    text_add(&names, search->count > 0 ? ", " : "");
    search->count++;
    if (failed != 0) {
        const char *name = strrchr(path, '/') + 1;
        text_add_bytes(&names, name, strcspn(name, "."));
        return 0;
    }
    text_add(&names, sb_control_graph(control));
    sb_control_close(search->found);
    search->found = control;
    return 0;
}

static int find_only(const struct verb_call *call, int timeout_ms, bool is_quiet,
                     struct sb_control **out_control)
{
    struct search search = {.timeout_ms = timeout_ms};
    int failed = sb_control_list(try_one, &search);
    if (failed == 0 && search.count == 1 && search.found != NULL) {
        *out_control = search.found;
        return 0;
    }
    // One that is only starting, or stopped, may answer whoever tries again.
    bool is_silent = search.count > 0 && search.found == NULL;
    sb_control_close(search.found);
    const char *word = call->verb->word;
    if (search.count > 1 && !is_silent) {
        fprintf(stderr, "streamctl %s: which graph? %s are running: write --graph NAME\n", word,
                search.names);
        return VERB_USAGE;
    }
    if (is_silent && !is_quiet) {
        fprintf(stderr, "streamctl %s: %s %s; see whether it is stopped\n", word, search.names,
                search.count > 1 ? "have brokers that do not answer"
                                 : "has a broker that does not answer");
    } else if (!is_quiet) {
        fprintf(stderr,
                "streamctl %s: no broker of yours is running%s%s; start one with "
                "streambroker GRAPH, or write --socket PATH\n",
                word, failed != 0 ? ": " : "", failed != 0 ? strerrordesc_np(-failed) : "");
    }
    return VERB_UNREACHABLE;
}

// Why nobody answers at a path, and what to do.
static const char *reason_of(const char *path, int error)
{
    struct stat status;
    bool is_there = stat(path, &status) == 0;
    if (is_there && !S_ISSOCK(status.st_mode)) {
        return "is no socket; write the path of a control socket";
    }
    if (error == -EACCES && is_there && status.st_uid == geteuid()) {
        return "closed the connection at once: it has as many clients as it takes, or is no "
               "broker's; try again, or see streamctl list";
    }
    if (error == -EPROTOTYPE || error == -EPROTO) {
        return "is no control socket of a broker of this version";
    }
    if (error == -ETIMEDOUT) {
        return "has a broker that does not answer; see whether it is stopped";
    }
    if (error == -ECONNREFUSED && is_there) {
        return "was left by a broker that has ended; start it again";
    }
    return error == -ENOENT || error == -ECONNREFUSED
               ? "is not there: no broker runs with this socket; streamctl list shows those that do"
               : strerrordesc_np(-error);
}

static int explain(const struct verb_call *call, const char *path, int error)
{
    struct stat status;
    bool is_refused =
        error == -EACCES &&
        (stat(path, &status) != 0 || (S_ISSOCK(status.st_mode) && status.st_uid != geteuid()));
    fprintf(stderr, "streamctl %s: %s %s\n", call->verb->word, path,
            is_refused ? "belongs to another user; ask as that user" : reason_of(path, error));
    return is_refused ? VERB_REFUSED : VERB_UNREACHABLE;
}

int reach_broker(const struct verb_call *call, int timeout_ms, bool is_quiet,
                 struct sb_control **out_control)
{
    const char *path = call->values[VERB_OPTION_ANY_SOCKET];
    const char *graph = call->values[VERB_OPTION_ANY_GRAPH];
    char place[SB_CONTROL_PATH_BYTES_MAX];
    if (path == NULL && graph == NULL) {
        return find_only(call, timeout_ms, is_quiet, out_control);
    }
    if (path == NULL) {
        int failed = sb_control_path(graph, place, sizeof place);
        if (failed != 0) {
            fprintf(stderr,
                    "streamctl %s: '%s' is no name of a graph; streamctl list shows those that "
                    "run\n",
                    call->verb->word, graph);
            return VERB_USAGE;
        }
        path = place;
    }
    int failed = sb_control_connect(path, timeout_ms, out_control);
    if (failed != 0 && is_quiet) {
        return VERB_UNREACHABLE;
    }
    return failed == 0 ? 0 : explain(call, path, failed);
}

// Every broker whose process and socket live; one that does not answer is there all the same.
static int add_broker(void *context, const char *path)
{
    struct sb_control *control;
    int failed = sb_control_connect(path, LIST_MS, &control);
    if (failed == -ECONNREFUSED || failed == -ENOENT || failed == -EACCES) {
        return 0;
    }
    json_t *entry = NULL;
    const char *document = NULL;
    if (failed == 0 && sb_control_call(control, "status", NULL, 0, LIST_MS, &document) == 0 &&
        document != NULL) {
        entry = json_loads(document, 0, NULL);
    }
    if (entry == NULL) {
        entry = json_pack("{s:s}", "state", "not answering");
        const char *name = strrchr(path, '/') + 1;
        json_object_set_new(entry, "graph", json_stringn(name, strcspn(name, ".")));
    }
    json_object_set_new(entry, "socket", json_string(path));
    json_array_append_new(context, entry);
    if (failed == 0) {
        sb_control_close(control);
    }
    return 0;
}

int reach_list(const struct verb_call *call)
{
    json_t *brokers = json_array();
    int failed = sb_control_list(add_broker, brokers);
    if (failed != 0) {
        fprintf(stderr, "streamctl list: %s\n", strerrordesc_np(-failed));
    } else if (verb_value(call, "--json") != NULL) {
        json_dumpf(brokers, stdout, JSON_COMPACT);
        printf("\n");
    } else {
        table_print(TABLE_BROKERS, brokers, verb_value(call, "-q") != NULL, 0, stdout);
    }
    json_decref(brokers);
    return failed != 0 ? VERB_INTERNAL : VERB_OK;
}
