// SPDX-License-Identifier: Apache-2.0
// The newest log lines, for readers who were not there when they were written.
//
// Each reader goes through the ring at its own pace; one that is too slow is told how many it
// missed. Lines come from the thread of the loop and from that of memory, so there is a lock.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "schemas/limits.h"

#define LOG_RING_LINES 512

struct log_ring_line {
    uint64_t serial;  // from 1, without gaps
    int64_t time_ns;  // CLOCK_REALTIME
    enum log_level level;
    char node[LIMIT_NODE_ID_BYTES_MAX];  // empty for the broker itself
    uint32_t generation;
    const char *stream;  // "log", "stdout" or "stderr"
    bool is_intercepted;
    char *text;  // owned by the ring; may hold any bytes but zero
};

struct log_ring {
    pthread_mutex_t lock;
    uint64_t last_serial;
    struct log_ring_line lines[LOG_RING_LINES];
};

// Returns 0 or -ENOMEM. Every log line of the program goes into it from now on.
int log_ring_create(struct log_ring **out_ring);
void log_ring_destroy(struct log_ring *ring);

uint64_t log_ring_last(struct log_ring *ring);

// Copies the first line from serial on that is of this node (NULL: of anybody). Returns 1 with the
// line, whose text the caller frees; 0 when there is none. out_missed: how many from serial on were
// overwritten, whoever's they were. *serial becomes that of the line to ask for next.
int log_ring_next(struct log_ring *ring, const char *node, uint64_t *serial,
                  struct log_ring_line *out_line, uint64_t *out_missed);
