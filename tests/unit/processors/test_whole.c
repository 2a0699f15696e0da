// SPDX-License-Identifier: Apache-2.0
// What is not opened to its end is closed.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processors/common/whole.h"

static int answer;
static int prepared;
static int closed;

static int prepare(struct sb_node *node)
{
    assert_null(node);
    assert_int_equal(closed, 0);
    prepared++;
    return answer;
}

static void close_it(struct sb_node *node)
{
    assert_null(node);
    closed++;
}

static int reset(void **state)
{
    (void)state;
    prepared = 0;
    closed = 0;
    return 0;
}

static void what_was_opened_stays_open(void **state)
{
    (void)state;
    answer = 0;
    assert_int_equal(whole_open(NULL, prepare, close_it), 0);
    assert_int_equal(prepared, 1);
    assert_int_equal(closed, 0);
}

static void what_could_not_be_opened_is_closed_once_and_the_reason_is_kept(void **state)
{
    (void)state;
    answer = -ENOSPC;
    assert_int_equal(whole_open(NULL, prepare, close_it), -ENOSPC);
    assert_int_equal(prepared, 1);
    assert_int_equal(closed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_was_opened_stays_open, reset),
        cmocka_unit_test_setup(what_could_not_be_opened_is_closed_once_and_the_reason_is_kept,
                               reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
