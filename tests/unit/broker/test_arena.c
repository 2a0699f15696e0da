// SPDX-License-Identifier: Apache-2.0
// Pieces are zeroed, apart from each other, and bounded as a whole.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/graph/arena.h"

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena *arena = arena_create(1024 * 1024);
    unsigned char *before = NULL;
    for (int i = 0; i < 1000; i++) {
        unsigned char *piece = arena_alloc(arena, 1, 37);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % 16, 0);
        for (int j = 0; j < 37; j++) {
            assert_int_equal(piece[j], 0);
        }
        memset(piece, 0xFF, 37);
        assert_true(before == NULL || piece >= before + 37 || piece + 37 <= before);
        before = piece;
    }
    arena_destroy(arena);
}

static void what_is_above_the_budget_is_refused_and_the_rest_stays(void **state)
{
    (void)state;
    struct arena *arena = arena_create(1000);
    assert_null(arena_alloc(arena, 1, 1001));
    assert_null(arena_alloc(arena, SIZE_MAX / 2, 4));
    assert_non_null(arena_alloc(arena, 1, 900));
    assert_null(arena_alloc(arena, 1, 200));
    assert_non_null(arena_alloc(arena, 1, 16));
    arena_destroy(arena);
}

static void copies_are_terminated_and_may_be_empty(void **state)
{
    (void)state;
    struct arena *arena = arena_create(1000);
    assert_string_equal(arena_copy(arena, "abcdef", 3), "abc");
    assert_string_equal(arena_copy(arena, NULL, 0), "");
    assert_string_equal(arena_copy_string(arena, "xyz"), "xyz");
    assert_non_null(arena_alloc(arena, 0, 8));
    arena_destroy(arena);
    arena_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(what_is_above_the_budget_is_refused_and_the_rest_stays),
        cmocka_unit_test(copies_are_terminated_and_may_be_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
