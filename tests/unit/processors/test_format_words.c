// SPDX-License-Identifier: Apache-2.0
// A format in words is the one that is printed in these words.
// test: uses=base
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "processors/iceoryx/format_words.h"

static void what_is_printed_is_read_again(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "video rgba 640x360 30/1",
        "video i420 1920x1080",
        "audio s16 48000 Hz 2 channels",
        "audio f32 44100 Hz 1 channel",
        "tensor f32 1x3x224x224",
        "tensor u8 5",
        "text",
        "binary",
        "binary image/jpeg",
        "message robot.Pose",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sb_format format;
        char again[128];
        assert_int_equal(format_words_read(texts[i], &format), 0);
        sb_format_text(&format, again, sizeof again);
        assert_string_equal(again, texts[i]);
    }
}

static void units_of_audio_may_be_left_out(void **state)
{
    (void)state;
    struct sb_format format;
    assert_int_equal(format_words_read("  audio  s32 8000 1 ", &format), 0);
    assert_int_equal(format.audio.sample, SB_SAMPLE_S32);
    assert_int_equal(format.audio.rate, 8000);
    assert_int_equal(format.audio.channels, 1);
}

static void what_is_no_format_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "film",
        "text more",
        "video",
        "video rgba",
        "video pink 64x64",
        "video rgba 64",
        "video rgba 64x",
        "video rgba 64x64x64",
        "video rgba 0x64",
        "video rgba 63x64 30",
        "video rgba -1x64",
        "video i420 63x64",
        "video rgba 64x64 30/1 more",
        "video rgba 99999999999x64",
        "audio s16",
        "audio s16 48000",
        "audio s16 48000 Hz",
        "audio s16 0 2",
        "audio s16 48000 2 tracks",
        "audio s16 48000 2 channels more",
        "tensor",
        "tensor f32",
        "tensor f32 0",
        "tensor f32 1x",
        "tensor f32 1x2x3x4x5x6x7x8x9",
        "message",
        "binary image/jpeg more",
        "a b c d e f g h i j",
    };
    char longest[300];
    struct sb_format format = {.kind = SB_FORMAT_TEXT};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (format_words_read(texts[i], &format) != -EINVAL) {
            fail_msg("'%s' was taken for a format", texts[i]);
        }
    }
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(format_words_read(longest, &format), -EINVAL);
    memcpy(longest, "binary ", 7);
    longest[7 + SB_FORMAT_NAME_MAX] = '\0';
    assert_int_equal(format_words_read(longest, &format), -EINVAL);
    assert_int_equal(format.kind, SB_FORMAT_TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_printed_is_read_again),
        cmocka_unit_test(units_of_audio_may_be_left_out),
        cmocka_unit_test(what_is_no_format_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
