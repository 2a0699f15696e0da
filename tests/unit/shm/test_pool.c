// SPDX-License-Identifier: Apache-2.0
// Payload slots as their producer keeps them.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schemas/limits.h"
#include "shm/pool.h"

static void every_slot_can_be_claimed_once_and_then_there_is_none(void **state)
{
    (void)state;
    struct pool pool;
    uint8_t bytes[8 * 128];
    uint8_t is_claimed[8] = {0};
    assert_int_equal(pool_init(&pool, bytes, 8, 64), 0);
    for (int i = 0; i < 8; i++) {
        uint32_t slot = pool_claim(&pool);
        assert_true(slot < 8);
        assert_int_equal(is_claimed[slot]++, 0);
    }
    assert_int_equal(pool_claim(&pool), POOL_SLOT_NONE);
    pool_fini(&pool);
}

// R-DATA-002
static void a_slot_is_free_when_nobody_counts_on_it(void **state)
{
    (void)state;
    struct pool pool;
    uint8_t bytes[128];
    assert_int_equal(pool_init(&pool, bytes, 1, 64), 0);
    uint32_t slot = pool_claim(&pool);
    pool_lend(&pool, slot);
    pool_lend(&pool, slot);
    pool_drop(&pool, slot);
    pool_drop(&pool, slot);
    assert_int_equal(pool_claim(&pool), POOL_SLOT_NONE);
    pool_drop(&pool, slot);
    assert_int_equal(pool_claim(&pool), slot);
    pool_fini(&pool);
}

static void the_slot_freed_last_is_used_first(void **state)
{
    (void)state;
    struct pool pool;
    uint8_t bytes[4 * 128];
    assert_int_equal(pool_init(&pool, bytes, 4, 64), 0);
    assert_int_equal(pool_claim(&pool), 0);
    assert_int_equal(pool_claim(&pool), 1);
    assert_int_equal(pool_claim(&pool), 2);
    pool_drop(&pool, 1);
    pool_drop(&pool, 0);
    assert_int_equal(pool_claim(&pool), 0);
    assert_int_equal(pool_claim(&pool), 1);
    assert_int_equal(pool_claim(&pool), 3);
    pool_fini(&pool);
}

static void slots_begin_on_cache_lines_and_do_not_overlap(void **state)
{
    (void)state;
    const uint64_t sizes[] = {0, 1, 63, 64, 65, 1000, 4096};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct pool pool;
        uint64_t total = pool_bytes(3, sizes[i]);
        uint8_t *bytes = aligned_alloc(CACHE_LINE_BYTES, total);
        assert_non_null(bytes);
        assert_int_equal(pool_init(&pool, bytes, 3, sizes[i]), 0);
        for (uint32_t slot = 0; slot < 3; slot++) {
            uint8_t *header = (uint8_t *)pool_header(&pool, slot);
            uint8_t *payload = pool_payload(&pool, slot);
            assert_int_equal((uintptr_t)header % CACHE_LINE_BYTES, 0);
            assert_ptr_equal(payload, header + sizeof(struct frame_header));
            assert_true(payload + sizes[i] <= bytes + total);
            assert_true(slot == 2 || payload + sizes[i] <= (uint8_t *)pool_header(&pool, slot + 1));
        }
        pool_fini(&pool);
        free(bytes);
    }
}

static void sizes_beyond_the_limits_are_refused(void **state)
{
    (void)state;
    struct pool pool = {0};
    assert_int_equal(pool_bytes(0, 64), 0);
    assert_int_equal(pool_bytes(LIMIT_SLOTS_MAX + 1, 64), 0);
    assert_int_equal(pool_bytes(1, LIMIT_PAYLOAD_BYTES_MAX + 1), 0);
    assert_int_equal(pool_bytes(1, UINT64_MAX), 0);
    assert_int_equal(pool_bytes(LIMIT_SLOTS_MAX, LIMIT_PAYLOAD_BYTES_MAX), 0);
    assert_true(pool_bytes(1, LIMIT_PAYLOAD_BYTES_MAX) > LIMIT_PAYLOAD_BYTES_MAX);
    assert_true(pool_bytes(LIMIT_SLOTS_MAX, 64) == LIMIT_SLOTS_MAX * UINT64_C(128));
    assert_int_equal(pool_init(&pool, NULL, 0, 64), -EINVAL);
    assert_null(pool.free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_slot_can_be_claimed_once_and_then_there_is_none),
        cmocka_unit_test(a_slot_is_free_when_nobody_counts_on_it),
        cmocka_unit_test(the_slot_freed_last_is_used_first),
        cmocka_unit_test(slots_begin_on_cache_lines_and_do_not_overlap),
        cmocka_unit_test(sizes_beyond_the_limits_are_refused),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
