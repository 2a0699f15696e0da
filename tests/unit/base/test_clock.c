// SPDX-License-Identifier: Apache-2.0
// Three clocks of the kernel, each told from the others.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

static int64_t read_kernel(clockid_t id)
{
    struct timespec now;
    assert_int_equal(clock_gettime(id, &now), 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// R-DATA-032
static void now_is_the_monotonic_clock(void **state)
{
    (void)state;
    int64_t before_ns = read_kernel(CLOCK_MONOTONIC);
    int64_t now_ns = clock_now_ns();
    int64_t after_ns = read_kernel(CLOCK_MONOTONIC);
    assert_true(before_ns <= now_ns && now_ns <= after_ns);
}

static void wall_time_is_that_of_people(void **state)
{
    (void)state;
    int64_t before_s = (int64_t)time(NULL);
    int64_t wall_ns = clock_wall_ns();
    int64_t after_s = (int64_t)time(NULL);
    // time() may lag behind by one tick of the kernel.
    assert_true(before_s <= wall_ns / CLOCK_NS_PER_S && wall_ns / CLOCK_NS_PER_S <= after_s + 1);
}

static void cpu_time_counts_work_and_no_waiting(void **state)
{
    (void)state;
    int64_t begun_ns = clock_thread_cpu_ns();
    while (clock_thread_cpu_ns() - begun_ns < CLOCK_NS_PER_MS) {
        clock_pause();
    }
    int64_t before_ns = clock_thread_cpu_ns();
    int64_t until_ns = clock_now_ns() + 20 * CLOCK_NS_PER_MS;
    struct timespec until = {.tv_sec = until_ns / CLOCK_NS_PER_S,
                             .tv_nsec = until_ns % CLOCK_NS_PER_S};
    assert_int_equal(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);
    assert_true(clock_now_ns() >= until_ns);
    assert_true(clock_thread_cpu_ns() - before_ns < 10 * CLOCK_NS_PER_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(now_is_the_monotonic_clock),
        cmocka_unit_test(wall_time_is_that_of_people),
        cmocka_unit_test(cpu_time_counts_work_and_no_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
