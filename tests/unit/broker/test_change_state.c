// SPDX-License-Identifier: Apache-2.0
// What a change comes to, and which nodes it still needs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "broker/actual.h"
#include "broker/change/change_state.h"

static void a_change_that_failed_keeps_its_first_reason(void **state)
{
    (void)state;
    struct change change = {.code = 0};
    change_state_fail(&change, 78, "node '%s' is %d too many", "a", 1);
    change_state_fail(&change, 1, "and something else");
    assert_int_equal(change.code, 78);
    assert_string_equal(change.text, "node 'a' is 1 too many");
}

static void a_change_is_about_the_nodes_of_its_items_only(void **state)
{
    (void)state;
    struct actual_node nodes[3] = {{.index = 0}, {.index = 1}, {.index = 2}};
    struct change_item items[] = {{.node = &nodes[0]}, {.link = NULL}, {.node = &nodes[2]}};
    struct change change = {.items = items, .difference = {.count = ARRAY_COUNT(items)}};
    assert_true(change_state_is_about(&change, &nodes[0]));
    assert_false(change_state_is_about(&change, &nodes[1]));
    assert_true(change_state_is_about(&change, &nodes[2]));
    change.difference.count = 0;
    assert_false(change_state_is_about(&change, &nodes[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_that_failed_keeps_its_first_reason),
        cmocka_unit_test(a_change_is_about_the_nodes_of_its_items_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
