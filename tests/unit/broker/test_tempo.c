// SPDX-License-Identifier: Apache-2.0
// Another rate begins at a tick of the one before.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/change/tempo.h"

#define S INT64_C(1000000000)
#define MS INT64_C(1000000)

static const struct bell_clock thirty = {
    .epoch_ns = 5 * S, .base = 100, .fps_numerator = 30, .fps_denominator = 1};

// R-CLOCK-008
static void the_first_tick_of_the_new_rate_is_one_of_the_old_rate(void **state)
{
    (void)state;
    const struct graph_fraction rates[] = {{60, 1}, {10, 1}, {30000, 1001}};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        for (int64_t now_ns = 5 * S; now_ns < 7 * S; now_ns += 7 * MS) {
            struct bell_clock next = tempo_follow(&thirty, &rates[i], now_ns);
            assert_int_equal(next.from_ns, next.epoch_ns);
            assert_int_equal(next.epoch_ns, 5 * S + (int64_t)(next.base - 100) * S / 30);
            assert_true(next.from_ns >= now_ns + 2 * S / 30 - 1);
            assert_true(next.from_ns <= now_ns + 3 * S / 30 + 1);
            assert_int_equal(next.fps_numerator, rates[i].numerator);
            assert_int_equal(next.fps_denominator, rates[i].denominator);
        }
    }
}

static void a_fast_clock_is_changed_no_sooner_than_in_50_ms(void **state)
{
    (void)state;
    const struct bell_clock fast = {.epoch_ns = S, .fps_numerator = 1000, .fps_denominator = 1};
    const struct graph_fraction slow = {1, 1};
    struct bell_clock next = tempo_follow(&fast, &slow, 2 * S);
    assert_int_equal(next.from_ns, 2 * S + 51 * MS);
    assert_int_equal(next.base, 1051);
}

static void a_clock_that_has_not_begun_is_changed_at_its_first_tick(void **state)
{
    (void)state;
    const struct graph_fraction sixty = {60, 1};
    struct bell_clock next = tempo_follow(&thirty, &sixty, S);
    assert_int_equal(next.base, 100);
    assert_int_equal(next.epoch_ns, 5 * S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_tick_of_the_new_rate_is_one_of_the_old_rate),
        cmocka_unit_test(a_fast_clock_is_changed_no_sooner_than_in_50_ms),
        cmocka_unit_test(a_clock_that_has_not_begun_is_changed_at_its_first_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
