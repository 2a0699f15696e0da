// SPDX-License-Identifier: Apache-2.0
// The head of a dead letter file says what is known, one line each.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "broker/supervision/letter_text.h"

static const struct dead_letter letter = {.node = "blur",
                                          .link = "src.video -> blur.video",
                                          .to = "blur.video",
                                          .link_id = 3,
                                          .seq = 51,
                                          .deaths = 3,
                                          .reason = "bad\nline: x (exit code 3)"};

// R-SUP-044
static void every_line_is_a_key_and_a_value_and_nothing_adds_a_line(void **state)
{
    (void)state;
    char head[LETTER_HEAD_BYTES_MAX];
    struct sb_format format = {.kind = SB_FORMAT_VIDEO,
                               .video = {.pixel = SB_PIXEL_RGBA, .width = 64, .height = 16}};
    assert_int_equal(letter_text_head(&letter, &format, head, sizeof head), 0);
    assert_string_equal(head, "streambroker-letter: 1\nnode: blur\nto: blur.video\n"
                              "link: src.video -> blur.video\nseq: 51\ndeaths: 3\n"
                              "reason: bad\\x0aline: x (exit code 3)\nformat: video rgba 64x16\n");
    assert_int_equal(letter_text_head(&letter, &format, head, 100), -E2BIG);
}

static void the_header_of_the_frame_ends_the_head(void **state)
{
    (void)state;
    char rest[512];
    struct frame_header header = {
        .number = 50, .pts_ns = -7, .duration_ns = 3, .flags = 1, .trace_id = 8, .job_id = 9};
    letter_text_frame(&header, 5000, rest, sizeof rest);
    assert_string_equal(rest, "number: 50\npts-ns: -7\nduration-ns: 3\nflags: 1\ntrace-id: 8\n"
                              "job-id: 9\npayload-bytes: 5000\n\n");
}

static void names_sort_by_time_and_lead_nowhere(void **state)
{
    (void)state;
    char early[DEAD_LETTER_FILE_BYTES];
    char late[DEAD_LETTER_FILE_BYTES];
    letter_text_name(&letter, 999999999999, early, sizeof early);
    letter_text_name(&letter, 1795230660534, late, sizeof late);
    assert_string_equal(late, "1795230660534-blur-3-51.letter");
    assert_true(strcmp(early, late) < 0);
    assert_true(letter_text_is_name(late));
    assert_false(letter_text_is_name("../x.letter"));
    assert_false(letter_text_is_name(".x.letter"));
    assert_false(letter_text_is_name(".letter"));
    assert_false(letter_text_is_name("notes.txt"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_a_key_and_a_value_and_nothing_adds_a_line),
        cmocka_unit_test(the_header_of_the_frame_ends_the_head),
        cmocka_unit_test(names_sort_by_time_and_lead_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
