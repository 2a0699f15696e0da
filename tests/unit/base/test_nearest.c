// SPDX-License-Identifier: Apache-2.0
// The name that was meant is found, and no far one is offered.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/nearest.h"

static const char *best(const char *wanted, const char *const *names)
{
    static struct nearest nearest;
    nearest = nearest_to(wanted);
    for (size_t i = 0; names[i] != NULL; i++) {
        nearest_offer(&nearest, names[i]);
    }
    return nearest.best;
}

static void distances_count_changes_insertions_removals_and_swaps(void **state)
{
    (void)state;
    assert_int_equal(nearest_distance("depth", "depth", 9), 0);
    assert_int_equal(nearest_distance("dept", "depth", 9), 1);
    assert_int_equal(nearest_distance("depht", "depth", 9), 1);
    assert_int_equal(nearest_distance("xepth", "depth", 9), 1);
    assert_int_equal(nearest_distance("", "abc", 9), 3);
    assert_int_equal(nearest_distance("kitten", "sitting", 9), 3);
    assert_int_equal(nearest_distance("abc", "xyz", 1), 2);
}

static void the_nearest_name_is_offered(void **state)
{
    (void)state;
    const char *const names[] = {"delivery", "depth", "memory", "max_lag", NULL};
    assert_string_equal(best("dept", names), "depth");
    assert_string_equal(best("delivry", names), "delivery");
    assert_string_equal(best("mem", names), "memory");
}

static void what_is_far_from_all_names_has_no_offer(void **state)
{
    (void)state;
    const char *const names[] = {"delivery", "depth", NULL};
    assert_string_equal(best("zzzzzz", names), "");
    assert_string_equal(best("", names), "");
}

static void names_longer_than_any_name_are_far(void **state)
{
    (void)state;
    char name[200];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(nearest_distance(name, name, 5), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_count_changes_insertions_removals_and_swaps),
        cmocka_unit_test(the_nearest_name_is_offered),
        cmocka_unit_test(what_is_far_from_all_names_has_no_offer),
        cmocka_unit_test(names_longer_than_any_name_are_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
