// SPDX-License-Identifier: Apache-2.0
// The planes of each pixel format against the layout of the public API.
// test: uses=base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processors/common/planes.h"

static void planes_agree_with_the_layout_of_every_format(void **state)
{
    (void)state;
    for (int pixel = 1; pixel <= SB_PIXEL_NV12; pixel++) {
        struct sb_video_format format = {.pixel = (enum sb_pixel)pixel, .width = 48, .height = 32};
        struct sb_video_layout layout;
        struct plane_shape shapes[SB_PLANES_MAX];
        uint32_t count = planes_shapes(format.pixel, shapes);
        assert_int_equal(sb_video_layout_get(&format, &layout), 0);
        assert_int_equal(count > 0, (PLANES_PIXELS & SB_BIT(pixel)) != 0);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(count, layout.plane_count);
            assert_int_equal(layout.planes[i].rows, format.height >> shapes[i].shift_y);
            assert_int_equal(layout.planes[i].row_bytes,
                             (format.width >> shapes[i].shift_x) * shapes[i].channels);
        }
    }
}

static void yuy2_and_unknown_formats_have_none(void **state)
{
    (void)state;
    struct plane_shape shapes[SB_PLANES_MAX];
    assert_int_equal(planes_shapes(SB_PIXEL_YUY2, shapes), 0);
    assert_int_equal(planes_shapes(SB_PIXEL_NONE, shapes), 0);
    assert_int_equal(planes_shapes((enum sb_pixel)99, shapes), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planes_agree_with_the_layout_of_every_format),
        cmocka_unit_test(yuy2_and_unknown_formats_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
