// SPDX-License-Identifier: Apache-2.0
// The header of a control datagram.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "schemas/wire.h"

static void a_header_comes_out_as_it_went_in(void **state)
{
    (void)state;
    const struct wire_header header = {
        .version = WIRE_PROTOCOL_VERSION, .type = 0x1234, .fd_count = 2};
    uint8_t bytes[WIRE_HEADER_BYTES];
    memset(bytes, 0xee, sizeof bytes);
    wire_put_header(&header, bytes);
    assert_memory_equal(bytes, "\x01\x00\x34\x12\x02\x00\x00\x00", sizeof bytes);
    struct wire_header got;
    assert_int_equal(wire_get_header(bytes, sizeof bytes, 2, &got), 0);
    assert_int_equal(got.version, WIRE_PROTOCOL_VERSION);
    assert_int_equal(got.type, 0x1234);
    assert_int_equal(got.fd_count, 2);
}

static void a_wrong_header_is_refused_and_nothing_is_written(void **state)
{
    (void)state;
    static const char good[] = "\x01\x00\x05\x00\x00\x00\x00\x00";
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = {{0, 2}, {1, 1}, {4, 1}, {5, 1}, {6, 1}, {7, 1}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        uint8_t bytes[WIRE_HEADER_BYTES];
        memcpy(bytes, good, sizeof bytes);
        struct wire_header got = {.type = 77};
        assert_int_equal(wire_get_header(bytes, sizeof bytes, 1, &got), -EPROTO);
        bytes[changes[i].at] = changes[i].value;
        assert_int_equal(wire_get_header(bytes, sizeof bytes, 0, &got), -EPROTO);
        assert_int_equal(got.type, 77);
    }
}

static void a_datagram_is_neither_too_short_nor_too_long(void **state)
{
    (void)state;
    static uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX + 1] = {WIRE_PROTOCOL_VERSION};
    struct wire_header got;
    for (size_t size_bytes = 0; size_bytes < WIRE_HEADER_BYTES; size_bytes++) {
        assert_int_equal(wire_get_header(bytes, size_bytes, 0, &got), -EPROTO);
    }
    assert_int_equal(wire_get_header(bytes, LIMIT_MESSAGE_BYTES_MAX, 0, &got), 0);
    assert_int_equal(wire_get_header(bytes, LIMIT_MESSAGE_BYTES_MAX + 1, 0, &got), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_comes_out_as_it_went_in),
        cmocka_unit_test(a_wrong_header_is_refused_and_nothing_is_written),
        cmocka_unit_test(a_datagram_is_neither_too_short_nor_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
