// SPDX-License-Identifier: Apache-2.0
// Counts deaths in a window and spaces restarts.
#include "broker/supervision/restart.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DOUBLINGS_MAX 40
#define JITTER_PARTS 10  // a wait is longer by up to one part of this many

static bool is_wanted(enum graph_restart_when when, enum exit_verdict verdict)
{
    switch (verdict) {
    case EXIT_VERDICT_FINISHED:
        return when == GRAPH_RESTART_ALWAYS;
    case EXIT_VERDICT_FAILED:
    case EXIT_VERDICT_RESTART:
        return when != GRAPH_RESTART_NEVER;
    case EXIT_VERDICT_NO_CONFIG:
    case EXIT_VERDICT_BAD_DATA:
    case EXIT_VERDICT_REFUSED:
        return false;
    }
    return false;
}

static void drop_old(struct restart *restart, int64_t before_ns)
{
    size_t gone = 0;
    while (gone < restart->count && restart->deaths[gone] < before_ns) {
        gone++;
    }
    restart->count -= gone;
    if (gone > 0) {
        memmove(restart->deaths, restart->deaths + gone, restart->count * sizeof(int64_t));
    }
}

static bool add(struct restart *restart, int64_t now_ns)
{
    if (restart->count == restart->capacity) {
        size_t capacity = restart->capacity == 0 ? 8 : 2 * restart->capacity;
        int64_t *deaths = realloc(restart->deaths, capacity * sizeof *deaths);
        if (deaths == NULL) {
            return false;
        }
        restart->deaths = deaths;
        restart->capacity = capacity;
    }
    restart->deaths[restart->count++] = now_ns;
    return true;
}

// xorshift: nodes that died together must not come back together.
static uint64_t next_random(struct restart *restart)
{
    uint64_t x = restart->random != 0 ? restart->random : 0x9e3779b97f4a7c15ULL;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    restart->random = x;
    return x;
}

static int64_t delay_of(struct restart *restart, const struct restart_rules *rules)
{
    int64_t delay_ns = rules->delay_ns;
    int64_t most_ns = rules->max_delay_ns > delay_ns ? rules->max_delay_ns : delay_ns;
    for (uint32_t i = 1; i < restart->in_row && i < DOUBLINGS_MAX && delay_ns < most_ns; i++) {
        delay_ns = delay_ns > most_ns / 2 ? most_ns : 2 * delay_ns;
    }
    uint64_t jitter_ns = (uint64_t)delay_ns / JITTER_PARTS;
    return delay_ns + (jitter_ns == 0 ? 0 : (int64_t)(next_random(restart) % jitter_ns));
}

enum restart_answer restart_decide(struct restart *restart, const struct restart_rules *rules,
                                   const struct restart_death *death, int64_t *out_delay_ns)
{
    if (!is_wanted(rules->when, death->verdict)) {
        return RESTART_NEVER;
    }
    if (death->lived_ns >= rules->window_ns) {
        restart->count = 0;
        restart->in_row = 0;
    }
    drop_old(restart, death->now_ns - rules->window_ns);
    bool is_counted = death->verdict != EXIT_VERDICT_RESTART && rules->max != GRAPH_UNLIMITED;
    if (rules->max == 0) {
        return RESTART_SPENT;
    }
    if (is_counted && (restart->count >= rules->max || !add(restart, death->now_ns))) {
        return RESTART_SPENT;
    }
    if (death->verdict != EXIT_VERDICT_RESTART) {
        restart->in_row++;
    }
    restart->total++;
    *out_delay_ns = delay_of(restart, rules);
    return RESTART_AGAIN;
}

void restart_forgive(struct restart *restart, uint32_t count)
{
    restart->count -= count < restart->count ? count : restart->count;
    restart->in_row -= count < restart->in_row ? count : restart->in_row;
}

void restart_doubt(struct restart *restart)
{
    restart->is_doubtful = true;
}

void restart_settle(struct restart *restart, bool is_innocent)
{
    if (restart->is_doubtful && is_innocent) {
        restart_forgive(restart, 1);
    }
    restart->is_doubtful = false;
}

size_t restart_used(const struct restart *restart)
{
    return restart->count;
}

void restart_fini(struct restart *restart)
{
    free(restart->deaths);
    *restart = (struct restart){.count = 0};
}
