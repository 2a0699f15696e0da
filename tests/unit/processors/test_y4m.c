// SPDX-License-Identifier: Apache-2.0
// YUV4MPEG2 headers: made, read, and refused.
// test: uses=base
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "processors/common/y4m.h"

static FILE *file_of(const char *bytes)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_true(fputs(bytes, file) >= 0);
    rewind(file);
    return file;
}

static int read_header(const char *bytes, struct sb_video_format *out_format)
{
    char text[Y4M_TEXT_BYTES] = "";
    FILE *file = file_of(bytes);
    int result = y4m_read_header(file, out_format, text);
    fclose(file);
    assert_int_equal(result < 0, text[0] != '\0');
    return result;
}

static void what_is_made_can_be_read(void **state)
{
    (void)state;
    static const struct sb_video_format formats[] = {{SB_PIXEL_I420, 640, 360, 30000, 1001},
                                                     {SB_PIXEL_GRAY8, 3, 5, 25, 1}};
    for (size_t i = 0; i < 2; i++) {
        char line[Y4M_HEADER_BYTES_MAX];
        struct sb_video_format format = {0};
        int count = y4m_make_header(&formats[i], line);
        assert_int_equal(count, strlen(line));
        assert_int_equal(read_header(line, &format), 0);
        assert_memory_equal(&format, &formats[i], sizeof format);
    }
}

static void headers_of_other_programs_are_read(void **state)
{
    (void)state;
    struct sb_video_format format = {0};
    assert_int_equal(
        read_header("YUV4MPEG2 W16 H8 F0:0 Ip A0:0 C420mpeg2 XYSCSS=420MPEG2\n", &format), 0);
    assert_int_equal(format.pixel, SB_PIXEL_I420);
    assert_int_equal(format.width, 16);
    assert_int_equal(format.fps_numerator, 0);
    assert_int_equal(read_header("YUV4MPEG2 W16 H8\n", &format), 0);
}

static void wrong_headers_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "YUV4MPEG2",
        "YUV4MPEG2 W16 H8",
        "MPEG W16 H8\n",
        "YUV4MPEG2 W16\n",
        "YUV4MPEG2 W-16 H8\n",
        "YUV4MPEG2 W16 H8x\n",
        "YUV4MPEG2 W15 H8 F30:1\n",
        "YUV4MPEG2 W16 H8 F30\n",
        "YUV4MPEG2 W16 H8 C422\n",
        "YUV4MPEG2 W99999999999 H8\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sb_video_format format = {0};
        assert_int_equal(read_header(wrong[i], &format), -EPROTO);
        assert_int_equal(format.width, 0);
    }
    char endless[2 * Y4M_HEADER_BYTES_MAX];
    struct sb_video_format format = {0};
    memset(endless, 'W', sizeof endless);
    memcpy(endless, "YUV4MPEG2 ", 10);
    endless[sizeof endless - 1] = '\0';
    assert_int_equal(read_header(endless, &format), -EPROTO);
}

static void each_frame_has_its_line(void **state)
{
    (void)state;
    char text[Y4M_TEXT_BYTES];
    FILE *file = file_of("FRAME\nFRAME Ip\nFRAMES\n");
    assert_int_equal(y4m_read_frame_line(file, text), 1);
    assert_int_equal(y4m_read_frame_line(file, text), 1);
    assert_int_equal(y4m_read_frame_line(file, text), -EPROTO);
    assert_non_null(strstr(text, "at byte "));
    assert_int_equal(y4m_read_frame_line(file, text), 0);
    fclose(file);
    assert_true(y4m_can_hold(SB_PIXEL_I420));
    assert_false(y4m_can_hold(SB_PIXEL_RGBA));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_can_be_read),
        cmocka_unit_test(headers_of_other_programs_are_read),
        cmocka_unit_test(wrong_headers_are_refused),
        cmocka_unit_test(each_frame_has_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
