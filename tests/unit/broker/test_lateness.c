// SPDX-License-Identifier: Apache-2.0
// Buckets and quantiles of lateness.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/lateness.h"

static void nothing_counted_has_no_quantile(void **state)
{
    (void)state;
    struct lateness lateness = {.total = 0};
    assert_int_equal(lateness_quantile_ns(&lateness, 500), 0);
    assert_int_equal(lateness_quantile_ns(&lateness, 1000), 0);
}

static void a_quantile_is_the_bound_of_its_bucket(void **state)
{
    (void)state;
    struct lateness lateness = {.total = 0};
    for (int i = 0; i < 98; i++) {
        lateness_note(&lateness, 3000);
    }
    lateness_note(&lateness, 100000);
    lateness_note(&lateness, 5000000);
    assert_int_equal(lateness_quantile_ns(&lateness, 500), 4000);
    assert_int_equal(lateness_quantile_ns(&lateness, 980), 4000);
    assert_int_equal(lateness_quantile_ns(&lateness, 990), 128000);
    assert_int_equal(lateness_quantile_ns(&lateness, 1000), 5000000);
}

static void what_is_in_time_and_what_is_endless_are_counted_too(void **state)
{
    (void)state;
    struct lateness lateness = {.total = 0};
    lateness_note(&lateness, -5);
    assert_int_equal(lateness_quantile_ns(&lateness, 1000), 0);
    lateness_note(&lateness, INT64_MAX);
    assert_int_equal(lateness.counts[LATENESS_BUCKETS - 1], 1);
    assert_true(lateness_quantile_ns(&lateness, 1000) > INT64_C(1000000000));
    json_t *json = lateness_json(&lateness);
    assert_int_equal(json_integer_value(json_object_get(json, "count")), 2);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_counted_has_no_quantile),
        cmocka_unit_test(a_quantile_is_the_bound_of_its_bucket),
        cmocka_unit_test(what_is_in_time_and_what_is_endless_are_counted_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
