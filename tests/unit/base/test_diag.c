// SPDX-License-Identifier: Apache-2.0
// A diagnosis holds its text, cut at the end.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"

static void a_text_is_formatted_and_the_place_is_kept(void **state)
{
    (void)state;
    struct diag diag = {.file = "g.yaml", .line = 3, .column = 7};
    diag_set(&diag, "depth %d is too %s", 0, "small");
    assert_string_equal(diag.text, "depth 0 is too small");
    assert_string_equal(diag.file, "g.yaml");
    assert_int_equal(diag.line, 3);
    assert_int_equal(diag.column, 7);
}

static void a_long_text_is_cut(void **state)
{
    (void)state;
    struct diag diag = {0};
    diag_set(&diag, "%*d", 2 * DIAG_TEXT_BYTES_MAX, 1);
    assert_int_equal(strlen(diag.text), DIAG_TEXT_BYTES_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_formatted_and_the_place_is_kept),
        cmocka_unit_test(a_long_text_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
