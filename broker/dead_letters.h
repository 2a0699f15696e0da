// SPDX-License-Identifier: Apache-2.0
// Frames that were given up because they killed their readers: what is known of each, newest kept.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "broker/exit_reason.h"
#include "schemas/limits.h"

#define DEAD_LETTERS_MAX 100

struct dead_letter {
    int64_t time_ns;  // CLOCK_MONOTONIC
    char node[LIMIT_NODE_ID_BYTES_MAX];
    char link[2 * LIMIT_ADDRESS_BYTES_MAX];
    uint64_t seq;
    uint32_t deaths;
    char reason[EXIT_REASON_TEXT_BYTES];  // of the last death
};

struct dead_letters {
    uint64_t total;               // of all time; the ones before the newest are forgotten
    struct dead_letter *letters;  // owned
};

void dead_letters_fini(struct dead_letters *letters);

// Copies the letter. Without memory only the total is kept.
void dead_letters_add(struct dead_letters *letters, const struct dead_letter *letter);

// How many are kept, and the one at an index, oldest first.
size_t dead_letters_count(const struct dead_letters *letters);
const struct dead_letter *dead_letters_at(const struct dead_letters *letters, size_t index);
