// SPDX-License-Identifier: Apache-2.0
// Equal bytes have equal hashes, and one bit makes another.
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

#include "base/hash.h"

static void it_is_fnv_1a_of_64_bits(void **state)
{
    (void)state;
    assert_true(hash_bytes("", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(hash_bytes("a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(hash_bytes("foobar", 6) == UINT64_C(0x85944171f73967e8));
}

static void every_bit_counts(void **state)
{
    (void)state;
    uint8_t bytes[16] = {0};
    uint64_t before = hash_bytes(bytes, sizeof bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_true(hash_bytes(bytes, sizeof bytes) != before);
        bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    assert_true(hash_bytes(bytes, sizeof bytes) == before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_fnv_1a_of_64_bits),
        cmocka_unit_test(every_bit_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
