// SPDX-License-Identifier: Apache-2.0
// Computes ticks and sleeps to them.
#include "worker/tick.h"

#include <errno.h>

#include "base/clock.h"
#include "worker/control.h"
#include "worker/rest.h"

// How long before a precise tick the sleep ends and the spin begins: more than a late wake-up.
#define PRECISE_NS (200 * CLOCK_NS_PER_US)

// Where a worker looks again while there is no clock.
#define NO_CLOCK_WAIT_NS (100 * CLOCK_NS_PER_MS)

// A number of seconds in nanoseconds times a numerator needs more than 64 bits.
__extension__ typedef unsigned __int128 wide;

static void copy_entry(const struct clock_entry *entry, struct tick_clock *out_clock)
{
    *out_clock = (struct tick_clock){
        .from_ns = atomic_load_explicit(&entry->from_ns, memory_order_relaxed),
        .epoch_ns = atomic_load_explicit(&entry->epoch_ns, memory_order_relaxed),
        .base = atomic_load_explicit(&entry->base, memory_order_relaxed),
        .fps_numerator = atomic_load_explicit(&entry->fps_numerator, memory_order_relaxed),
        .fps_denominator = atomic_load_explicit(&entry->fps_denominator, memory_order_relaxed),
    };
    if (out_clock->fps_denominator == 0) {
        out_clock->fps_numerator = 0;
    }
}

void tick_read_clock(const struct bell_page *bell, int64_t now_ns, struct tick_clock *out_clock)
{
    uint32_t index = atomic_load_explicit(&bell->clock, memory_order_acquire) & 1;
    struct tick_clock clock;
    copy_entry(&bell->clocks[index], &clock);
    if (clock.from_ns > now_ns) {
        // The new one is not in force yet; the broker writes the other entry only long after this.
        struct tick_clock before;
        copy_entry(&bell->clocks[1 - index], &before);
        if (before.fps_numerator > 0) {
            clock = before;
        }
    }
    *out_clock = clock;
}

int64_t tick_due_ns(const struct tick_clock *clock, uint64_t number)
{
    uint64_t second_ns = (uint64_t)CLOCK_NS_PER_S * clock->fps_denominator;
    wide since_ns = (wide)(number - clock->base) * second_ns / clock->fps_numerator;
    uint64_t highest_ns = (uint64_t)INT64_MAX - (uint64_t)clock->epoch_ns;
    return since_ns < highest_ns ? clock->epoch_ns + (int64_t)since_ns : INT64_MAX;
}

uint64_t tick_newest(const struct tick_clock *clock, int64_t now_ns)
{
    if (now_ns <= clock->epoch_ns) {
        return clock->base;
    }
    uint64_t since_ns = (uint64_t)(now_ns - clock->epoch_ns);
    uint64_t second_ns = (uint64_t)CLOCK_NS_PER_S * clock->fps_denominator;
    uint64_t count = (uint64_t)((wide)since_ns * clock->fps_numerator / second_ns);
    // The division above rounds down, and so does the due time: one tick may be due already.
    if (tick_due_ns(clock, clock->base + count + 1) <= now_ns) {
        count++;
    }
    return clock->base + count;
}

static int64_t period_of(const struct tick_clock *clock)
{
    if (clock->fps_numerator == 0) {
        return 0;
    }
    return CLOCK_NS_PER_S * clock->fps_denominator / clock->fps_numerator;
}

int64_t tick_period_ns(const struct sb_node *node)
{
    struct tick_clock clock;
    tick_read_clock(node->bell, clock_now_ns(), &clock);
    return period_of(&clock);
}

uint64_t tick_choose(const struct tick_clock *clock, uint64_t wanted, int64_t now_ns,
                     uint64_t *out_missed)
{
    uint64_t newest = tick_newest(clock, now_ns);
    uint64_t chosen = wanted > clock->base ? wanted : clock->base;
    uint64_t first = chosen;
    chosen = newest > chosen ? newest : chosen;
    *out_missed = wanted > clock->base ? chosen - first : 0;
    return chosen;
}

static void sleep_until(struct sb_node *node, int64_t due_ns)
{
    int64_t early_ns = node->is_clock_precise ? PRECISE_NS : 0;
    struct futex_set set;
    while (!is_bell_rung(node) && clock_now_ns() < due_ns - early_ns) {
        rest_begin(node, &set);
        futex_set_wait(&set, due_ns - early_ns);
    }
    while (node->is_clock_precise && !is_bell_rung(node) && clock_now_ns() < due_ns) {
        clock_pause();
    }
}

int tick_wait(struct sb_node *node, uint64_t *out_number, int64_t *out_due_ns)
{
    struct tick_clock clock;
    int64_t now_ns = clock_now_ns();
    tick_read_clock(node->bell, now_ns, &clock);
    if (clock.fps_numerator == 0) {
        sleep_until(node, now_ns + NO_CLOCK_WAIT_NS);
        return 0;
    }
    uint64_t missed;
    uint64_t number = tick_choose(&clock, node->next_tick, now_ns, &missed);
    int64_t due_ns = tick_due_ns(&clock, number);
    if (due_ns > now_ns) {
        sleep_until(node, due_ns);
        now_ns = clock_now_ns();
        if (is_bell_rung(node) || now_ns < due_ns) {
            return 0;
        }
        // The sleep itself may have lasted longer than a period.
        number = tick_choose(&clock, node->next_tick, now_ns, &missed);
        due_ns = tick_due_ns(&clock, number);
        if (due_ns > now_ns) {
            return 0;
        }
    }
    node->missed_ticks += node->has_ticked ? missed : 0;
    // One that ran late is not followed closely: a tick within half a period of it is missed.
    bool is_close = node->has_ticked && now_ns - node->tick_begun_ns < period_of(&clock) / 2;
    node->missed_ticks += is_close ? 1 : 0;
    atomic_store_explicit(&node->status->missed_ticks, node->missed_ticks, memory_order_relaxed);
    node->next_tick = number + 1;
    if (is_close) {
        return 0;
    }
    node->has_ticked = true;
    node->tick_begun_ns = now_ns;
    node->tick_period_ns = period_of(&clock);
    node->clock_ns = now_ns;
    *out_number = number;
    *out_due_ns = due_ns;
    return 1;
}
