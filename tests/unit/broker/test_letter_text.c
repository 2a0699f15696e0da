// SPDX-License-Identifier: Apache-2.0
// The head of a dead letter file says what is known, one line each.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "broker/letter_text.h"

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
                              "reason: bad\\x0aline: x (exit code 3)\nkind: video\npixel: rgba\n"
                              "width: 64\nheight: 16\nfps-numerator: 0\nfps-denominator: 0\n");
}

static void every_kind_of_format_has_its_fields(void **state)
{
    (void)state;
    char head[LETTER_HEAD_BYTES_MAX];
    struct sb_format audio = {.kind = SB_FORMAT_AUDIO,
                              .audio = {.sample = SB_SAMPLE_F32, .rate = 48000, .channels = 2}};
    assert_int_equal(letter_text_head(&letter, &audio, head, sizeof head), 0);
    assert_non_null(strstr(head, "kind: audio\nsample: f32\nrate: 48000\nchannels: 2\n"));
    struct sb_format tensor = {.kind = SB_FORMAT_TENSOR,
                               .tensor = {.element = SB_ELEMENT_F16, .rank = 2, .shape = {3, 4}}};
    assert_int_equal(letter_text_head(&letter, &tensor, head, sizeof head), 0);
    assert_non_null(strstr(head, "kind: tensor\nelement: f16\nshape: 3\nshape: 4\n"));
    struct sb_format message = {.kind = SB_FORMAT_MESSAGE, .name = "a.b.C"};
    assert_int_equal(letter_text_head(&letter, &message, head, sizeof head), 0);
    assert_non_null(strstr(head, "kind: message\nname: a.b.C\n"));
    assert_int_equal(letter_text_head(&letter, &message, head, 100), -E2BIG);
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
        cmocka_unit_test(every_kind_of_format_has_its_fields),
        cmocka_unit_test(the_header_of_the_frame_ends_the_head),
        cmocka_unit_test(names_sort_by_time_and_lead_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
