// SPDX-License-Identifier: Apache-2.0
// Frames that were given up because they killed their readers: what is known of each, newest kept.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "broker/lives/exit_reason.h"
#include "schemas/limits.h"

#define DEAD_LETTERS_MAX 100

#define DEAD_LETTER_FILE_BYTES 160

// What is kept of its payload: enum value, name.
#define DEAD_LETTER_STATES(X)                                                                      \
    X(METADATA, "metadata") /* nothing: the graph names no folder, or it could not be written */   \
    X(WRITING, "writing")                                                                          \
    X(FILE, "file")                                                                                \
    X(REPLAYED, "replayed") /* a file, and it was sent again */

enum dead_letter_state {
#define X(name, text) DEAD_LETTER_##name,
    DEAD_LETTER_STATES(X)
#undef X
};

struct dead_letter {
    uint64_t id;      // from 1, in the order of the deaths
    int64_t time_ns;  // CLOCK_MONOTONIC
    enum dead_letter_state state;
    char file[DEAD_LETTER_FILE_BYTES];  // name in dead_letters.dir, empty without one
    char node[LIMIT_NODE_ID_BYTES_MAX];
    char link[2 * LIMIT_ADDRESS_BYTES_MAX];
    char to[LIMIT_ADDRESS_BYTES_MAX];  // the input
    uint32_t generation;               // of the last life that it killed
    uint32_t link_id;
    uint64_t seq;
    uint32_t deaths;
    char reason[EXIT_REASON_TEXT_BYTES];  // of the last death
};

struct dead_letters {
    uint64_t total;  // of all time; the ones before the newest are forgotten
    size_t count;
    struct dead_letter *letters;  // owned
    uint64_t forgotten;           // payloads that had to go for newer ones
};

void dead_letters_fini(struct dead_letters *letters);

// Copies the letter and gives it its id. Without memory only the total is kept.
uint64_t dead_letters_add(struct dead_letters *letters, const struct dead_letter *letter);

// NULL when it is forgotten, or was dropped.
struct dead_letter *dead_letters_find(const struct dead_letters *letters, uint64_t id);

// Takes a letter out of the list; its file is somebody else's. Returns 0 or -ENOENT.
int dead_letters_drop(struct dead_letters *letters, uint64_t id);

const char *dead_letters_state_name(enum dead_letter_state state);

// How many are kept, and the one at an index, oldest first.
size_t dead_letters_count(const struct dead_letters *letters);
const struct dead_letter *dead_letters_at(const struct dead_letters *letters, size_t index);
