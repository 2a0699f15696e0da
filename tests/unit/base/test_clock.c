// SPDX-License-Identifier: Apache-2.0
// The clocks: which one is which.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

static int64_t read_clock(clockid_t id)
{
    struct timespec time;
    assert_int_equal(clock_gettime(id, &time), 0);
    return time.tv_sec * CLOCK_NS_PER_S + time.tv_nsec;
}

// R-DATA-032
static void now_is_monotonic_and_the_wall_clock_is_not_used_for_it(void **state)
{
    (void)state;
    int64_t before = read_clock(CLOCK_MONOTONIC);
    int64_t now = clock_now_ns();
    int64_t after = read_clock(CLOCK_MONOTONIC);
    assert_true(before <= now && now <= after);
    before = read_clock(CLOCK_REALTIME);
    now = clock_wall_ns();
    after = read_clock(CLOCK_REALTIME);
    assert_true(before <= now && now <= after);
}

static void cpu_time_is_that_of_this_thread(void **state)
{
    (void)state;
    int64_t before = clock_thread_cpu_ns();
    while (clock_thread_cpu_ns() < before + CLOCK_NS_PER_MS) {
        clock_pause();
    }
    assert_true(clock_thread_cpu_ns() <= read_clock(CLOCK_PROCESS_CPUTIME_ID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(now_is_monotonic_and_the_wall_clock_is_not_used_for_it),
        cmocka_unit_test(cpu_time_is_that_of_this_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
