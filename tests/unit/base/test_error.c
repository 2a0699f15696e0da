// SPDX-License-Identifier: Apache-2.0
// Errors have names and texts, whatever their sign.
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <streambroker/error.h>

static void a_code_is_found_with_either_sign(void **state)
{
    (void)state;
    assert_string_equal(sb_error_name(-EPIPE), "EPIPE");
    assert_string_equal(sb_error_name(EPIPE), "EPIPE");
    assert_string_equal(sb_error_text(-EPIPE), "the port has ended");
    assert_string_equal(sb_error_text(-EMSGSIZE), "too large");
}

static void what_is_not_known_has_a_text_too(void **state)
{
    (void)state;
    static const int codes[] = {-4095, INT_MIN, INT_MAX};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_string_equal(sb_error_name(codes[i]), "?");
        assert_string_equal(sb_error_text(codes[i]), "unknown error");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_is_found_with_either_sign),
        cmocka_unit_test(what_is_not_known_has_a_text_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
