// SPDX-License-Identifier: Apache-2.0
// FNV-1a against the vectors that its authors published.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"

static void the_hash_is_the_published_one(void **state)
{
    (void)state;
    assert_int_equal(hash_bytes("", 0), UINT64_C(0xcbf29ce484222325));
    assert_int_equal(hash_bytes("a", 1), UINT64_C(0xaf63dc4c8601ec8c));
    assert_int_equal(hash_bytes("foobar", 6), UINT64_C(0x85944171f73967e8));
}

static void a_byte_above_127_and_a_zero_count(void **state)
{
    (void)state;
    // A signed byte would be widened with ones.
    assert_int_equal(hash_bytes("\xff", 1), UINT64_C(0xaf64724c8602eb6e));
    assert_int_not_equal(hash_bytes("a", 1), hash_bytes("a\0", 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_the_published_one),
        cmocka_unit_test(a_byte_above_127_and_a_zero_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
