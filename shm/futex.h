// SPDX-License-Identifier: Apache-2.0
// Sleeping on shared words and waking those who sleep.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FUTEX_SET_MAX 128
#define FUTEX_NO_DEADLINE INT64_MAX

// Words to sleep on, each with the value that it had before the conditions were checked last.
struct futex_set {
    uint32_t count;
    struct {
        const _Atomic uint32_t *word;
        uint32_t expected;
    } entries[FUTEX_SET_MAX];
};

static inline void futex_set_clear(struct futex_set *set)
{
    set->count = 0;
}

// Loads the word and remembers it. Do this before the wish is stored and the condition re-checked.
void futex_set_add(struct futex_set *set, const _Atomic uint32_t *word);

// Sleeps until one word changed, until deadline_ns (CLOCK_MONOTONIC), or for no reason: the caller
// checks its conditions again. Returns 0, or -ETIMEDOUT at the deadline. One system call; where
// the kernel has no futex_waitv (before 5.16) several words are slept on in slices of one
// millisecond.
int futex_set_wait(const struct futex_set *set, int64_t deadline_ns);

// The same, and says whether it slept at all: it did not when a word had changed already.
int futex_set_sleep(const struct futex_set *set, int64_t deadline_ns, bool *out_has_slept);

// Changes the word, then wakes all who sleep on it. The word must be writable by this process.
void futex_bump_and_wake(_Atomic uint32_t *word);
