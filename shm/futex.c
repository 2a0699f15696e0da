// SPDX-License-Identifier: Apache-2.0
// futex_waitv, with a fallback for kernels that lack it.
#include "shm/futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

#define FALLBACK_SLICE_NS CLOCK_NS_PER_MS

static _Atomic bool has_no_waitv;

void futex_set_add(struct futex_set *set, const _Atomic uint32_t *word)
{
    SB_ASSERT(set->count < FUTEX_SET_MAX);
    set->entries[set->count].word = word;
    set->entries[set->count].expected = atomic_load_explicit(word, memory_order_acquire);
    set->count++;
}

static struct timespec timespec_of(int64_t ns)
{
    // The kernel refuses a time before its clock began: a deadline so far back is over.
    ns = ns > 0 ? ns : 0;
    return (struct timespec){.tv_sec = ns / CLOCK_NS_PER_S, .tv_nsec = ns % CLOCK_NS_PER_S};
}

static long wait_one(const _Atomic uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
    struct timespec until = timespec_of(deadline_ns);
    // FUTEX_WAIT_BITSET takes an absolute CLOCK_MONOTONIC time, FUTEX_WAIT a relative one.
    return syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected,
                   deadline_ns == FUTEX_NO_DEADLINE ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
}

static bool has_changed(const struct futex_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        uint32_t now = atomic_load_explicit(set->entries[i].word, memory_order_acquire);
        if (now != set->entries[i].expected) {
            return true;
        }
    }
    return false;
}

static int wait_in_slices(const struct futex_set *set, int64_t deadline_ns)
{
    while (!has_changed(set)) {
        int64_t now_ns = clock_now_ns();
        if (now_ns >= deadline_ns) {
            return -ETIMEDOUT;
        }
        int64_t slice_ns = now_ns + FALLBACK_SLICE_NS;
        wait_one(set->entries[0].word, set->entries[0].expected,
                 slice_ns < deadline_ns ? slice_ns : deadline_ns);
    }
    return 0;
}

static long wait_many(const struct futex_set *set, int64_t deadline_ns)
{
    struct futex_waitv waiters[FUTEX_SET_MAX];
    for (uint32_t i = 0; i < set->count; i++) {
        waiters[i] = (struct futex_waitv){.uaddr = (uintptr_t)set->entries[i].word,
                                          .val = set->entries[i].expected,
                                          .flags = FUTEX_32};
    }
    struct timespec until = timespec_of(deadline_ns);
    return syscall(SYS_futex_waitv, waiters, set->count, 0,
                   deadline_ns == FUTEX_NO_DEADLINE ? NULL : &until, CLOCK_MONOTONIC);
}

int futex_set_sleep(const struct futex_set *set, int64_t deadline_ns, bool *out_has_slept)
{
    *out_has_slept = true;
    SB_ASSERT(set->count > 0);
    if (set->count > 1 && atomic_load_explicit(&has_no_waitv, memory_order_relaxed)) {
        return wait_in_slices(set, deadline_ns);
    }
    long result = set->count == 1
                      ? wait_one(set->entries[0].word, set->entries[0].expected, deadline_ns)
                      : wait_many(set, deadline_ns);
    if (result >= 0 || errno == EAGAIN || errno == EINTR) {
        *out_has_slept = result >= 0 || errno != EAGAIN;
        return 0;
    }
    if (errno == ETIMEDOUT) {
        return -ETIMEDOUT;
    }
    // A sandbox may answer EPERM where an old kernel answers ENOSYS.
    SB_ASSERT(errno == ENOSYS || errno == EPERM);
    atomic_store_explicit(&has_no_waitv, true, memory_order_relaxed);
    return wait_in_slices(set, deadline_ns);
}

int futex_set_wait(const struct futex_set *set, int64_t deadline_ns)
{
    bool has_slept;
    return futex_set_sleep(set, deadline_ns, &has_slept);
}

void futex_bump_and_wake(_Atomic uint32_t *word)
{
    atomic_fetch_add_explicit(word, 1, memory_order_seq_cst);
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
