// SPDX-License-Identifier: Apache-2.0
// Pixel formats as Vulkan and the DRM call them.
// test: needs=gpu_objects uses=gpu_objects,streambroker_lib packages=vulkan
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vulkan/vulkan.h>

#include <streambroker/gpu.h>

static void every_pixel_format_has_one_row_and_comes_back_from_its_fourcc(void **state)
{
    (void)state;
    for (int pixel = SB_PIXEL_NONE + 1; pixel <= SB_PIXEL_NV12; pixel++) {
        const struct sb_gpu_format *format = sb_gpu_format_of((enum sb_pixel)pixel);
        assert_non_null(format);
        assert_int_equal(format->pixel, pixel);
        assert_int_equal(sb_gpu_pixel_of_fourcc(format->fourcc), pixel);
    }
    assert_null(sb_gpu_format_of(SB_PIXEL_NONE));
    assert_int_equal(sb_gpu_pixel_of_fourcc(0), SB_PIXEL_NONE);
}

static void packed_formats_are_named_by_their_bytes_in_memory(void **state)
{
    (void)state;
    assert_int_equal(sb_gpu_format_of(SB_PIXEL_RGBA)->vulkan, VK_FORMAT_R8G8B8A8_UNORM);
    // "AB24": a word of alpha, blue, green, red, which a little-endian machine stores as RGBA.
    assert_int_equal(sb_gpu_format_of(SB_PIXEL_RGBA)->fourcc, 0x34324241);
    assert_int_equal(sb_gpu_format_of(SB_PIXEL_NV12)->fourcc, 0x3231564e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pixel_format_has_one_row_and_comes_back_from_its_fourcc),
        cmocka_unit_test(packed_formats_are_named_by_their_bytes_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
