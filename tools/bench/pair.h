// SPDX-License-Identifier: Apache-2.0
// Measures a way of sending messages between processes: ping-pong, a stream at full speed, a stream
// at a rate, one writer to several readers. Limits and peers are measured by the same code.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/bench/figures.h"

#define PAIR_READERS_MAX 8
#define PAIR_END UINT64_MAX  // tag of the last message

// What is sent and how it is waited for.
struct pair_shape {
    uint64_t size;     // bytes of a message, 8 or more
    bool is_touched;   // every byte is written and read; else the first 8
    bool is_sleeping;  // a reader sleeps while it waits; else it polls
    int cpus[2];       // of the writer and of the readers, -1 = not pinned
    uint32_t readers;
    uint32_t depth;  // messages in flight, where the peer can be told
    uint32_t rate;   // messages per second of a paced stream
    double seconds;
};

struct pair_summary {
    double p50, p99, p999, max;  // nanoseconds
};

struct pair_result {
    struct pair_summary latency;  // one way: half a round trip, or from stamp to reader
    double rate;                  // messages per second at the slowest reader
    double cpu_ns;                // of both sides, per message
    uint64_t messages;
};

// Where the processes of one measurement meet; made before they are forked.
struct pair_room {
    const struct pair_shape *shape;
    const char *folder;  // for sockets
    unsigned serial;     // a new one for each measurement, for names
    void *state;         // the peer's own
};

struct pair_peer {
    const char *name;
    const char *package;  // of Debian, "" for the system's own
    // Why this shape cannot be measured, or NULL.
    const char *(*missing)(const struct pair_shape *shape);
    int (*prepare)(struct pair_room *room);
    // An end of way 0 (there) or 1 (back): reader 0, 1, ... or the writer (-1). NULL = failed.
    void *(*open)(struct pair_room *room, unsigned way, int reader);
    int (*send)(void *end, uint64_t tag);
    int (*receive)(void *end, uint64_t *out_tag);
    void (*close)(void *end);
    void (*finish)(struct pair_room *room);
};

int pair_ping_pong(const struct pair_peer *peer, const struct pair_shape *shape, const char *folder,
                   struct pair_result *out_result);
int pair_stream(const struct pair_peer *peer, const struct pair_shape *shape, const char *folder,
                struct pair_result *out_result);

// Sorts and reads percentiles.
void pair_summarize(uint32_t *ticks, uint32_t count, double ns_per_tick, double divisor,
                    struct pair_summary *out_summary);

// Messages at the start that are not measured.
uint64_t pair_warmup(const struct pair_shape *shape);

// Runs this process on one CPU; -1 leaves it.
void pair_pin(int cpu);
