// SPDX-License-Identifier: Apache-2.0
// Every code that the public headers promise has a name and a text.
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <streambroker/error.h>

static void a_code_has_its_name_with_either_sign(void **state)
{
    (void)state;
    assert_string_equal(sb_error_name(-EPIPE), "EPIPE");
    assert_string_equal(sb_error_name(EPIPE), "EPIPE");
    assert_string_equal(sb_error_text(-EPIPE), "the port has ended");
    assert_string_equal(sb_error_name(0), "0");
    assert_string_equal(sb_error_text(0), "no error");
}

static void no_code_that_a_call_returns_is_unknown(void **state)
{
    (void)state;
    // What include/streambroker says behind "Returns:", and what transports return.
    static const int codes[] = {EINVAL,    EPIPE,  EBUSY,   EMSGSIZE,     EAGAIN, EPROTO, ECANCELED,
                                E2BIG,     ENOMEM, EACCES,  ENOENT,       EPERM,  ERANGE, ENOSPC,
                                ETIMEDOUT, EIO,    ENOTSUP, ECONNREFUSED, ENOBUFS};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_string_not_equal(sb_error_name(-codes[i]), "?");
        assert_string_not_equal(sb_error_text(-codes[i]), "unknown error");
        for (size_t other = 0; other < i; other++) {
            assert_string_not_equal(sb_error_name(-codes[i]), sb_error_name(-codes[other]));
            assert_string_not_equal(sb_error_text(-codes[i]), sb_error_text(-codes[other]));
        }
    }
}

static void a_code_that_does_not_exist_is_said_to_be_unknown(void **state)
{
    (void)state;
    const int codes[] = {-12345, 12345, INT_MIN, INT_MAX};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_string_equal(sb_error_name(codes[i]), "?");
        assert_string_equal(sb_error_text(codes[i]), "unknown error");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_has_its_name_with_either_sign),
        cmocka_unit_test(no_code_that_a_call_returns_is_unknown),
        cmocka_unit_test(a_code_that_does_not_exist_is_said_to_be_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
