// SPDX-License-Identifier: Apache-2.0
// Pictures go into GStreamer's padded rows and come back as they were.
// test: uses=processors_gst,base
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "processors/gst/caps.h"
#include "processors/gst/packing.h"

static void pictures_of_every_format_come_back(void **state)
{
    (void)state;
    // 30 is even and no multiple of 4: rows of most formats are padded.
    static const uint32_t widths[] = {30, 64};
    for (int pixel = 1; pixel <= SB_PIXEL_NV12; pixel++) {
        for (size_t w = 0; w < 2; w++) {
            struct sb_format format = {.kind = SB_FORMAT_VIDEO,
                                       .video = {(enum sb_pixel)pixel, widths[w], 10, 30, 1}};
            size_t bytes = (size_t)sb_format_frame_bytes(&format);
            uint8_t *picture = malloc(bytes);
            uint8_t *back = calloc(1, bytes);
            GstCaps *caps = caps_of_format(&format);
            assert_non_null(picture);
            assert_non_null(back);
            for (size_t i = 0; i < bytes; i++) {
                picture[i] = (uint8_t)(i * 11 + (size_t)pixel);
            }
            GstBuffer *buffer = packing_store(&format.video, caps, picture);
            assert_non_null(buffer);
            assert_true(gst_buffer_get_size(buffer) >= bytes);
            assert_int_equal(packing_load(buffer, caps, &format.video, back, bytes), 0);
            assert_memory_equal(picture, back, bytes);
            gst_buffer_unref(buffer);
            gst_caps_unref(caps);
            free(picture);
            free(back);
        }
    }
}

static void a_buffer_that_is_not_the_picture_is_refused(void **state)
{
    (void)state;
    struct sb_format format = {.kind = SB_FORMAT_VIDEO, .video = {SB_PIXEL_RGBA, 16, 8, 30, 1}};
    struct sb_format other = {.kind = SB_FORMAT_VIDEO, .video = {SB_PIXEL_RGBA, 16, 10, 30, 1}};
    uint8_t picture[16 * 10 * 4] = {0};
    GstCaps *caps = caps_of_format(&format);
    GstBuffer *buffer = packing_store(&format.video, caps, picture);
    GstBuffer *small = gst_buffer_new_allocate(NULL, 16, NULL);
    size_t bytes = 16 * 8 * 4;
    assert_int_equal(packing_load(buffer, caps, &format.video, picture, bytes - 1), -EPROTO);
    assert_int_equal(packing_load(buffer, caps, &other.video, picture, 16 * 10 * 4), -EPROTO);
    assert_int_equal(packing_load(small, caps, &format.video, picture, bytes), -EPROTO);
    gst_buffer_unref(buffer);
    gst_buffer_unref(small);
    gst_caps_unref(caps);
}

static int start(void **state)
{
    (void)state;
    g_setenv("GST_REGISTRY_FORK", "no", TRUE);
    gst_init(NULL, NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_of_every_format_come_back),
        cmocka_unit_test(a_buffer_that_is_not_the_picture_is_refused),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
