// SPDX-License-Identifier: Apache-2.0
// Which frames of a link were in work when their readers died, how often, and which are skipped
// because of it. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct poison_frame {
    uint64_t seq;
    uint32_t deaths;
    bool is_skipped;
};

struct poison {
    struct poison_frame *frames;  // owned, in no order
    size_t count;
    size_t capacity;
};

// A reader died with this frame in work. Returns its deaths; it is skipped from now on when they
// reach `after`. 0 when it cannot be counted.
uint32_t poison_add(struct poison *poison, uint64_t seq, uint32_t after);

// Forgets frames up to retired: they are released, whoever did it.
void poison_prune(struct poison *poison, uint64_t retired);

bool poison_is_skipped(const struct poison *poison, uint64_t seq);

// Writes at most max seqs to skip; returns how many.
size_t poison_skips(const struct poison *poison, uint64_t *out_seqs, size_t max);

// The number of the next attempt at the frames that come again: 2 after one death.
uint32_t poison_attempt(const struct poison *poison);

void poison_fini(struct poison *poison);
