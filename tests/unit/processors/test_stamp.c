// SPDX-License-Identifier: Apache-2.0
// Payloads that prove themselves: any changed byte is found.
// test: uses=base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "processors/common/stamp.h"

static void what_is_filled_is_right_at_every_size(void **state)
{
    (void)state;
    unsigned char bytes[257];
    for (size_t size = 0; size <= 256; size++) {
        bytes[size] = 0x5a;
        stamp_fill(bytes, size, size * 3);
        assert_true(stamp_is_right(bytes, size, size * 3));
        assert_int_equal(bytes[size], 0x5a);
    }
}

static void one_changed_bit_is_found_wherever_it_is(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 8, 16, 64, 100};
    unsigned char bytes[100];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        stamp_fill(bytes, sizes[i], 77);
        for (size_t bit = 0; bit < sizes[i] * 8; bit++) {
            bytes[bit / 8] = (unsigned char)(bytes[bit / 8] ^ 1U << bit % 8);
            assert_false(stamp_is_right(bytes, sizes[i], 77));
            bytes[bit / 8] = (unsigned char)(bytes[bit / 8] ^ 1U << bit % 8);
        }
        assert_true(stamp_is_right(bytes, sizes[i], 77));
    }
}

static void another_number_or_size_is_found(void **state)
{
    (void)state;
    unsigned char bytes[64];
    stamp_fill(bytes, sizeof bytes, 5);
    assert_false(stamp_is_right(bytes, sizeof bytes, 6));
    assert_false(stamp_is_right(bytes, 63, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_filled_is_right_at_every_size),
        cmocka_unit_test(one_changed_bit_is_found_wherever_it_is),
        cmocka_unit_test(another_number_or_size_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
