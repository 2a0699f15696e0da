// SPDX-License-Identifier: Apache-2.0
// Waits for a broker to be there, and then lets it say when the rest is.
#include "tools/await.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "tools/reach.h"

#define RETRY_MS 20

static int timed_out(const struct verb_call *call, const char *limit)
{
    fprintf(stderr, "streamctl wait: not %s after %s\n",
            call->values[VERB_OPTION_WAIT_FOR] != NULL ? call->values[VERB_OPTION_WAIT_FOR]
                                                       : "running",
            limit);
    return VERB_TIMED_OUT;
}

// Tries again until the broker is there. Returns 0 or an exit status.
static int reach(const struct verb_call *call, int64_t deadline_ns, struct sb_control **out_control)
{
    for (;;) {
        int64_t left_ns = deadline_ns - clock_now_ns();
        int left_ms = left_ns > CLOCK_NS_PER_S ? 1000 : (int)(left_ns / CLOCK_NS_PER_MS);
        int status = reach_broker(call, left_ms > 0 ? left_ms : 0, true, out_control);
        if (status != VERB_UNREACHABLE) {
            return status;
        }
        if (left_ns <= 0) {
            return VERB_TIMED_OUT;
        }
        poll(NULL, 0, RETRY_MS);
    }
}

static bool is_state(const char *word)
{
    return strcmp(word, "running") == 0 || strcmp(word, "paused") == 0 ||
           strcmp(word, "ended") == 0;
}

int await(const struct verb_call *call)
{
    const char *limit = call->values[VERB_OPTION_WAIT_TIMEOUT];
    const char *state = call->values[VERB_OPTION_WAIT_FOR];
    int64_t limit_ns = INT64_MAX / 2;
    if (limit != NULL && (units_parse_duration(limit, &limit_ns) != 0 || limit_ns < 0)) {
        fprintf(stderr, "streamctl wait: '%s' is no time; write 10s or 500ms\n", limit);
        return VERB_USAGE;
    }
    if (state != NULL && !is_state(state)) {
        fprintf(stderr, "streamctl wait: '%s' is nothing to wait for: running, paused or ended\n",
                state);
        return VERB_USAGE;
    }
    int64_t deadline_ns = clock_now_ns() + limit_ns;
    struct sb_control *control;
    int status = 0;
    // What has ended before we came has no broker any more, and is what was waited for.
    bool is_end_wanted = state != NULL && strcmp(state, "ended") == 0;
    if (is_end_wanted) {
        status = reach_broker(call, 1000, true, &control);
        status = status == VERB_UNREACHABLE ? -1 : status;
    } else {
        status = reach(call, deadline_ns, &control);
    }
    if (status == VERB_TIMED_OUT) {
        return timed_out(call, limit);
    }
    if (status != 0) {
        return status < 0 ? VERB_OK : status;
    }
    struct sb_control_field fields[2];
    size_t count = 0;
    if (state != NULL) {
        fields[count++] = (struct sb_control_field){.name = "for", .value = state};
    }
    if (call->argument_count > 0) {
        fields[count++] = (struct sb_control_field){.name = "node", .value = call->arguments[0]};
    }
    int64_t left_ms = (deadline_ns - clock_now_ns()) / CLOCK_NS_PER_MS;
    const char *document;
    int answer = sb_control_call(control, "wait", fields, count,
                                 limit == NULL ? -1 : (int)(left_ms > 0 ? left_ms : 0), &document);
    if (answer > 0) {
        fprintf(stderr, "streamctl wait: %s\n", sb_control_error(control));
    } else if (answer == -ETIMEDOUT) {
        answer = timed_out(call, limit);
    } else if (answer < 0 && !(is_end_wanted && answer == -EPIPE)) {
        fprintf(stderr, "streamctl wait: the broker has ended\n");
        answer = VERB_NOT_RUNNING;
    }
    sb_control_close(control);
    return answer < 0 ? VERB_OK : answer;
}
