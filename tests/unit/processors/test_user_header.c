// SPDX-License-Identifier: Apache-2.0
// The header of frames in iceoryx keeps every format, and what others write there is checked.
// test: uses=base
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "processors/iceoryx/user_header.h"

static const struct sb_frame frame = {.number = 7,
                                      .seq = 9,
                                      .pts_ns = 123456789,
                                      .duration_ns = 1000,
                                      .flags = SB_FRAME_KEYFRAME | SB_FRAME_REDELIVERED,
                                      .trace_id = 11,
                                      .job_id = 13};

static const struct sb_format formats[] = {
    {.kind = SB_FORMAT_VIDEO,
     .video = {.pixel = SB_PIXEL_NV12,
               .width = 640,
               .height = 360,
               .fps_numerator = 30000,
               .fps_denominator = 1001}},
    {.kind = SB_FORMAT_AUDIO, .audio = {.sample = SB_SAMPLE_F32, .rate = 48000, .channels = 2}},
    {.kind = SB_FORMAT_TENSOR,
     .tensor = {.element = SB_ELEMENT_F16, .rank = 4, .shape = {1, 3, 224, 224}}},
    {.kind = SB_FORMAT_TEXT},
    {.kind = SB_FORMAT_BINARY, .name = "image/jpeg"},
    {.kind = SB_FORMAT_BINARY},
    {.kind = SB_FORMAT_MESSAGE, .name = "robot.Pose"},
};

static void every_format_and_field_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct user_header written, read;
        struct sb_format format;
        user_header_write(&frame, &formats[i], &written);
        assert_int_equal(user_header_read(&written, sizeof written, &read, &format), 0);
        assert_true(sb_format_is_equal(&format, &formats[i]));
        assert_int_equal(format.video.fps_numerator, formats[i].video.fps_numerator);
        assert_memory_equal(&read, &written, sizeof read);
        assert_int_equal(read.number, 7);
        assert_int_equal(read.seq, 9);
        assert_int_equal(read.pts_ns, 123456789);
        assert_int_equal(read.duration_ns, 1000);
        assert_int_equal(read.flags, SB_FRAME_KEYFRAME | SB_FRAME_REDELIVERED);
        assert_int_equal(read.trace_id, 11);
        assert_int_equal(read.job_id, 13);
    }
}

static void a_longer_header_of_a_later_version_is_read(void **state)
{
    (void)state;
    struct {
        struct user_header header;
        uint64_t later;
    } longer = {.later = 1};
    struct user_header read;
    struct sb_format format;
    user_header_write(&frame, &formats[0], &longer.header);
    longer.header.size_bytes = sizeof longer;
    assert_int_equal(user_header_read(&longer, sizeof longer, &read, &format), 0);
}

static void what_is_not_ours_is_told_apart_from_what_is_broken(void **state)
{
    (void)state;
    struct user_header good, read = {.number = 5};
    struct sb_format format = {.kind = SB_FORMAT_TEXT};
    user_header_write(&frame, &formats[4], &good);
    assert_int_equal(user_header_read(&good, sizeof good - 1, &read, &format), -ENOENT);
    struct user_header bad = good;
    bad.magic++;
    assert_int_equal(user_header_read(&bad, sizeof bad, &read, &format), -ENOENT);
    bad = good;
    bad.version++;
    assert_int_equal(user_header_read(&bad, sizeof bad, &read, &format), -EPROTO);
    bad = good;
    bad.size_bytes++;
    assert_int_equal(user_header_read(&bad, sizeof bad, &read, &format), -EPROTO);
    bad = good;
    bad.size_bytes--;
    assert_int_equal(user_header_read(&bad, sizeof bad, &read, &format), -EPROTO);
    bad = good;
    bad.duration_ns = -1;
    assert_int_equal(user_header_read(&bad, sizeof bad, &read, &format), -EPROTO);
    bad = good;
    memset(bad.name, 'x', sizeof bad.name);
    assert_int_equal(user_header_read(&bad, sizeof bad, &read, &format), -EPROTO);
    bad = good;
    bad.kind = 99;
    assert_int_equal(user_header_read(&bad, sizeof bad, &read, &format), -EPROTO);
    // What failed changed nothing.
    assert_int_equal(read.number, 5);
    assert_int_equal(format.kind, SB_FORMAT_TEXT);
}

static void a_format_out_of_its_bounds_is_refused(void **state)
{
    (void)state;
    struct user_header header, read;
    struct sb_format format;
    for (int word = 0; word < 3; word++) {
        user_header_write(&frame, &formats[0], &header);
        header.words[word] = UINT32_MAX;
        assert_int_equal(user_header_read(&header, sizeof header, &read, &format), -EPROTO);
    }
    user_header_write(&frame, &formats[2], &header);
    header.words[1] = SB_TENSOR_RANK_MAX + 1;
    assert_int_equal(user_header_read(&header, sizeof header, &read, &format), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_and_field_comes_back),
        cmocka_unit_test(a_longer_header_of_a_later_version_is_read),
        cmocka_unit_test(what_is_not_ours_is_told_apart_from_what_is_broken),
        cmocka_unit_test(a_format_out_of_its_bounds_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
