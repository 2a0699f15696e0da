// SPDX-License-Identifier: Apache-2.0
// Changes the rate of the clock without a gap or a second tick of one number.
#include "broker/change/tempo.h"

#include "base/clock.h"

#define AHEAD_NS (50 * CLOCK_NS_PER_MS)

// A number of seconds in nanoseconds times a numerator needs more than 64 bits.
__extension__ typedef unsigned __int128 wide;

static int64_t due_ns(const struct bell_clock *clock, uint64_t ticks)
{
    wide since_ns =
        (wide)ticks * (uint64_t)CLOCK_NS_PER_S * clock->fps_denominator / clock->fps_numerator;
    return clock->epoch_ns + (int64_t)since_ns;
}

struct bell_clock tempo_follow(const struct bell_clock *clock, const struct graph_fraction *fps,
                               int64_t now_ns)
{
    int64_t periods_ns = due_ns(clock, 2) - clock->epoch_ns;
    int64_t least_ns = now_ns + (periods_ns > AHEAD_NS ? periods_ns : AHEAD_NS);
    uint64_t ticks = 0;
    if (least_ns > clock->epoch_ns) {
        uint64_t second_ns = (uint64_t)CLOCK_NS_PER_S * clock->fps_denominator;
        wide since_ns = (wide)(uint64_t)(least_ns - clock->epoch_ns);
        ticks = (uint64_t)(since_ns * clock->fps_numerator / second_ns) + 1;
    }
    int64_t from_ns = due_ns(clock, ticks);
    return (struct bell_clock){.from_ns = from_ns,
                               .epoch_ns = from_ns,
                               .base = clock->base + ticks,
                               .fps_numerator = fps->numerator,
                               .fps_denominator = fps->denominator};
}

void tempo_set(struct broker *broker)
{
    const struct graph_fraction *fps = &broker->graph->clock.fps;
    struct bell_clock *clock = &broker->clock;
    if (clock->fps_numerator == fps->numerator && clock->fps_denominator == fps->denominator) {
        return;
    }
    if (broker->phase == BROKER_IDLE) {
        clock->fps_numerator = fps->numerator;
        clock->fps_denominator = fps->denominator;
        return;
    }
    *clock = tempo_follow(clock, fps, clock_now_ns());
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        struct actual_node *node = broker->actual->nodes[i];
        if (node->bell.page != NULL) {
            bell_set_clock(&node->bell, clock);
        }
    }
}
