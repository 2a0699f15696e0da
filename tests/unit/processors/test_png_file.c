// SPDX-License-Identifier: Apache-2.0
// PNG pictures: written here, read back by libpng's simple reader.
// test: uses=processors_png,base
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <png.h>

#include "processors/file-sink/png_file.h"

#define WIDTH 17
#define HEIGHT 9

static void pictures_come_back_as_they_were(void **state)
{
    (void)state;
    static const struct {
        enum sb_pixel pixel;
        png_uint_32 format;
        size_t bytes;
    } kinds[] = {{SB_PIXEL_RGBA, PNG_FORMAT_RGBA, 4},
                 {SB_PIXEL_RGB, PNG_FORMAT_RGB, 3},
                 {SB_PIXEL_GRAY8, PNG_FORMAT_GRAY, 1}};
    for (size_t i = 0; i < 3; i++) {
        uint8_t pixels[WIDTH * HEIGHT * 4];
        uint8_t back[WIDTH * HEIGHT * 4] = {0};
        struct sb_video_format format = {.pixel = kinds[i].pixel, .width = WIDTH, .height = HEIGHT};
        png_image image = {.version = PNG_IMAGE_VERSION};
        for (size_t j = 0; j < sizeof pixels; j++) {
            pixels[j] = (uint8_t)(j * 7 | 1);
        }
        FILE *file = tmpfile();
        assert_non_null(file);
        assert_int_equal(png_file_write(file, &format, pixels), 0);
        rewind(file);
        assert_true(png_image_begin_read_from_stdio(&image, file));
        assert_int_equal(image.width, WIDTH);
        assert_int_equal(image.height, HEIGHT);
        image.format = kinds[i].format;
        assert_true(png_image_finish_read(&image, NULL, back, 0, NULL));
        assert_memory_equal(pixels, back, WIDTH * HEIGHT * kinds[i].bytes);
        fclose(file);
    }
}

static void what_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    struct sb_video_format format = {.pixel = SB_PIXEL_I420, .width = 2, .height = 2};
    uint8_t pixels[6 * 4] = {0};
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    setvbuf(full, NULL, _IONBF, 0);
    assert_int_equal(png_file_write(full, &format, pixels), -EINVAL);
    format.pixel = SB_PIXEL_RGBA;
    assert_int_equal(png_file_write(full, &format, pixels), -EIO);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_come_back_as_they_were),
        cmocka_unit_test(what_cannot_be_written_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
