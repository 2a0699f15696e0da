// SPDX-License-Identifier: Apache-2.0
// A frame as a line, in hex and as text.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/tap_view.h"

static struct tap_frame frame_of(uint64_t number, int64_t seen_ns, const char *bytes)
{
    return (struct tap_frame){.number = number,
                              .seq = 3,
                              .pts_ns = seen_ns - 1500000,
                              .seen_ns = seen_ns,
                              .size = strlen(bytes),
                              .total = strlen(bytes),
                              .sent = strlen(bytes),
                              .format = "text",
                              .bytes = (const uint8_t *)bytes};
}

static char *printed;
static size_t printed_count;

static FILE *begin(void)
{
    free(printed);
    return open_memstream(&printed, &printed_count);
}

static void a_line_has_number_rate_age_size_and_format(void **state)
{
    (void)state;
    struct tap_view view = {.has_before = false};
    struct tap_frame first = frame_of(10, 1000000000, "abc");
    struct tap_frame second = frame_of(40, 2000000000, "abcd");
    FILE *out = begin();
    tap_view_line(&view, &first, out);
    tap_view_line(&view, &second, out);
    fclose(out);
    assert_string_equal(printed, "#10  1.500 ms old  3 bytes  text\n"
                                 "#40  30.0/s  1.500 ms old  4 bytes  text\n");
}

static void a_producer_that_begins_again_has_no_rate(void **state)
{
    (void)state;
    struct tap_view view = {.has_before = true, .number = 900, .seen_ns = 5};
    struct tap_frame frame = frame_of(1, 1000000000, "x");
    FILE *out = begin();
    tap_view_json(&view, &frame, out);
    fclose(out);
    assert_string_equal(printed, "{\"number\": 1, \"seq\": 3, \"rate\": null, \"latency_ms\": "
                                 "1.500000, \"size\": 1, \"format\": \"text\"}\n");
}

static void hex_shows_offset_bytes_and_characters(void **state)
{
    (void)state;
    struct tap_frame frame = frame_of(1, 0, "streambroker: 16\x01z");
    FILE *out = begin();
    tap_view_hex(&frame, out);
    fclose(out);
    assert_string_equal(printed, "  000000  73 74 72 65 61 6d 62 72 6f 6b 65 72 3a 20 31 36"
                                 "  streambroker: 16\n"
                                 "  000010  01 7a                                          "
                                 "  .z\n");
}

static void text_is_harmless_on_a_terminal(void **state)
{
    (void)state;
    struct tap_frame frame = frame_of(1, 0, "red \033[31m\n");
    frame.total = 100;
    FILE *out = begin();
    tap_view_text(&frame, out);
    fclose(out);
    assert_string_equal(printed, "  red \\x1b[31m...\n");
}

static int teardown(void **state)
{
    (void)state;
    free(printed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_number_rate_age_size_and_format),
        cmocka_unit_test(a_producer_that_begins_again_has_no_rate),
        cmocka_unit_test(hex_shows_offset_bytes_and_characters),
        cmocka_unit_test(text_is_harmless_on_a_terminal),
    };
    return cmocka_run_group_tests_name("tap_view", tests, NULL, teardown);
}
