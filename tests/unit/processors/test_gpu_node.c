// SPDX-License-Identifier: Apache-2.0
// What a GPU processor reads from its parameters.
// test: needs=processors_gpu uses=processors_gpu
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "processors/gpu/gpu_node.h"

static void a_uuid_is_read_with_and_without_hyphens(void **state)
{
    (void)state;
    const uint8_t wanted[SB_GPU_UUID_BYTES] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                               0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
    uint8_t uuid[SB_GPU_UUID_BYTES] = {0};
    assert_true(gpu_node_uuid("01234567-89ab-cdef-fedc-ba9876543210", uuid));
    assert_memory_equal(uuid, wanted, sizeof wanted);
    memset(uuid, 0, sizeof uuid);
    assert_true(gpu_node_uuid("0123456789ABCDEFfedcba9876543210", uuid));
    assert_memory_equal(uuid, wanted, sizeof wanted);
}

static void what_is_no_uuid_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    const char *const bad[] = {"", "0123", "g1234567-89ab-cdef-fedc-ba9876543210",
                               "01234567-89ab-cdef-fedc-ba98765432100", "\x10"};
    uint8_t uuid[SB_GPU_UUID_BYTES] = {9};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(gpu_node_uuid(bad[i], uuid));
    }
    assert_int_equal(uuid[0], 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_uuid_is_read_with_and_without_hyphens),
        cmocka_unit_test(what_is_no_uuid_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
