// SPDX-License-Identifier: Apache-2.0
// Frames as PNG and WAV.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <png.h>

#include "tools/tap_save.h"

static char path[64];

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/tap_save.XXXXXX");
    int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static void the_kind_is_that_of_the_name(void **state)
{
    (void)state;
    assert_int_equal(tap_save_kind("a.png"), TAP_SAVE_PNG);
    assert_int_equal(tap_save_kind("/x/y.wav"), TAP_SAVE_WAV);
    assert_int_equal(tap_save_kind("png"), TAP_SAVE_NONE);
    assert_int_equal(tap_save_kind(".png"), TAP_SAVE_NONE);
}

static void a_picture_is_the_picture(void **state)
{
    (void)state;
    static const uint8_t pixels[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7};
    struct tap_frame frame = {.kind = "video",
                              .width = 2,
                              .height = 2,
                              .bytes = pixels,
                              .sent = sizeof pixels,
                              .total = sizeof pixels};
    char why[128];
    assert_int_equal(tap_save_png(path, &frame, why, sizeof why), 0);
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_int_not_equal(png_image_begin_read_from_file(&image, path), 0);
    image.format = PNG_FORMAT_RGB;
    uint8_t read[sizeof pixels];
    assert_int_equal(PNG_IMAGE_SIZE(image), sizeof read);
    assert_int_not_equal(png_image_finish_read(&image, NULL, read, 0, NULL), 0);
    assert_memory_equal(read, pixels, sizeof pixels);
}

static void what_is_no_whole_picture_is_refused(void **state)
{
    (void)state;
    static const uint8_t pixels[12];
    struct tap_frame frame = {
        .kind = "audio", .width = 2, .height = 2, .bytes = pixels, .sent = sizeof pixels};
    char why[128];
    assert_int_equal(tap_save_png(path, &frame, why, sizeof why), -EINVAL);
    snprintf(frame.kind, sizeof frame.kind, "video");
    frame.sent = 11;
    assert_int_equal(tap_save_png(path, &frame, why, sizeof why), -EINVAL);
    assert_string_equal(why, "the frame is not all there");
}

static void sound_is_appended_and_the_header_tells_how_much(void **state)
{
    (void)state;
    static const uint8_t samples[] = {1, 0, 2, 0, 3, 0, 4, 0};
    struct tap_frame frame = {.kind = "audio",
                              .sample = "s16",
                              .rate = 8000,
                              .channels = 2,
                              .bytes = samples,
                              .sent = sizeof samples};
    struct tap_wav wav = {.file = NULL};
    char why[128];
    assert_int_equal(tap_save_wav(&wav, path, &frame, why, sizeof why), 0);
    assert_int_equal(tap_save_wav(&wav, path, &frame, why, sizeof why), 0);
    frame.rate = 16000;
    assert_int_equal(tap_save_wav(&wav, path, &frame, why, sizeof why), -EINVAL);
    assert_int_equal(tap_save_wav_end(&wav), 0);
    uint8_t bytes[64];
    FILE *file = fopen(path, "rb");
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), 44 + 16);
    fclose(file);
    static const uint8_t header[] = {'R', 'I', 'F', 'F', 52,  0,   0,   0,   'W', 'A', 'V',
                                     'E', 'f', 'm', 't', ' ', 16,  0,   0,   0,   1,   0,
                                     2,   0,   64,  31,  0,   0,   0,   125, 0,   0,   4,
                                     0,   16,  0,   'd', 'a', 't', 'a', 16,  0,   0,   0};
    assert_memory_equal(bytes, header, sizeof header);
    assert_memory_equal(bytes + 44, samples, sizeof samples);
    assert_memory_equal(bytes + 52, samples, sizeof samples);
}

static void nothing_that_came_is_no_file(void **state)
{
    (void)state;
    struct tap_wav wav = {.file = NULL};
    assert_int_equal(tap_save_wav_end(&wav), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kind_is_that_of_the_name),
        cmocka_unit_test_setup_teardown(a_picture_is_the_picture, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_whole_picture_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(sound_is_appended_and_the_header_tells_how_much, setup,
                                        teardown),
        cmocka_unit_test(nothing_that_came_is_no_file),
    };
    return cmocka_run_group_tests_name("tap_save", tests, NULL, NULL);
}
