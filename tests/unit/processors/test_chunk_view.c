// SPDX-License-Identifier: Apache-2.0
// The header of an iceoryx chunk, whose sizes anybody can write, and the count of what was lost.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "processors/iceoryx/chunk_view.h"

// The places of iceoryx's design document.
enum {
    CHUNK_BYTES = 0,
    VERSION = 4,
    ORIGIN = 8,
    SEQUENCE = 16,
    USER_HEADER_BYTES = 24,
    PAYLOAD_BYTES = 28,
    PAYLOAD_OFFSET = 36
};

static void put(unsigned char *chunk, int at, uint32_t value)
{
    memcpy(chunk + at, &value, sizeof value);
}

static void make_chunk(unsigned char chunk[512])
{
    memset(chunk, 0, 512);
    put(chunk, CHUNK_BYTES, 512);
    chunk[VERSION] = 1;
    put(chunk, ORIGIN, 77);
    put(chunk, SEQUENCE, 5);
    put(chunk, USER_HEADER_BYTES, 16);
    put(chunk, PAYLOAD_BYTES, 100);
    put(chunk, PAYLOAD_OFFSET, 64);
}

static void the_fields_of_a_chunk_are_found(void **state)
{
    (void)state;
    _Alignas(8) unsigned char chunk[512];
    struct chunk_view view;
    make_chunk(chunk);
    assert_int_equal(chunk_view_read(chunk, &view), 0);
    assert_int_equal(view.payload_bytes, 100);
    assert_int_equal(view.origin, 77);
    assert_int_equal(view.sequence, 5);
    assert_ptr_equal(view.user_header, chunk + 40);
    assert_int_equal(view.user_header_bytes, 16);
    put(chunk, USER_HEADER_BYTES, 0);
    assert_int_equal(chunk_view_read(chunk, &view), 0);
    assert_null(view.user_header);
}

static void sizes_that_leave_the_chunk_are_refused(void **state)
{
    (void)state;
    static const struct {
        int at;
        uint32_t value;
    } wrong[] = {
        {PAYLOAD_BYTES, 512 - 64 + 1},
        {PAYLOAD_BYTES, UINT32_MAX},
        {PAYLOAD_OFFSET, 55},
        {PAYLOAD_OFFSET, UINT32_MAX},
        {USER_HEADER_BYTES, 25},
        {USER_HEADER_BYTES, UINT32_MAX},
        {CHUNK_BYTES, 163},
        {CHUNK_BYTES, 0},
    };
    _Alignas(8) unsigned char chunk[512];
    struct chunk_view view = {.sequence = 99};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        make_chunk(chunk);
        put(chunk, wrong[i].at, wrong[i].value);
        assert_int_equal(chunk_view_read(chunk, &view), -EPROTO);
    }
    make_chunk(chunk);
    chunk[VERSION] = 2;
    assert_int_equal(chunk_view_read(chunk, &view), -ENOTSUP);
    assert_int_equal(view.sequence, 99);
}

static void gaps_are_counted_per_publisher(void **state)
{
    (void)state;
    struct chunk_counter counter = {.time = 0};
    struct chunk_view a = {.origin = 1, .sequence = 10}, b = {.origin = 2, .sequence = 0};
    assert_int_equal(chunk_view_missed(&counter, &a), 0);
    assert_int_equal(chunk_view_missed(&counter, &b), 0);
    a.sequence = 11;
    assert_int_equal(chunk_view_missed(&counter, &a), 0);
    b.sequence = 4;
    assert_int_equal(chunk_view_missed(&counter, &b), 3);
    a.sequence = 13;
    assert_int_equal(chunk_view_missed(&counter, &a), 1);
    // A number that goes back is another publisher's memory or a lie, not a loss.
    a.sequence = 2;
    assert_int_equal(chunk_view_missed(&counter, &a), 0);
}

static void the_publisher_that_was_silent_longest_is_forgotten_first(void **state)
{
    (void)state;
    struct chunk_counter counter = {.time = 0};
    struct chunk_view view = {.sequence = 1};
    for (uint64_t origin = 0; origin < CHUNK_ORIGINS; origin++) {
        view.origin = origin;
        assert_int_equal(chunk_view_missed(&counter, &view), 0);
    }
    view = (struct chunk_view){.origin = 0, .sequence = 2};
    assert_int_equal(chunk_view_missed(&counter, &view), 0);
    view = (struct chunk_view){.origin = 1000, .sequence = 1};
    assert_int_equal(chunk_view_missed(&counter, &view), 0);
    view = (struct chunk_view){.origin = 0, .sequence = 5};
    assert_int_equal(chunk_view_missed(&counter, &view), 2);
    view = (struct chunk_view){.origin = 1, .sequence = 9};
    assert_int_equal(chunk_view_missed(&counter, &view), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fields_of_a_chunk_are_found),
        cmocka_unit_test(sizes_that_leave_the_chunk_are_refused),
        cmocka_unit_test(gaps_are_counted_per_publisher),
        cmocka_unit_test(the_publisher_that_was_silent_longest_is_forgotten_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
