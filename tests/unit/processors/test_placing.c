// SPDX-License-Identifier: Apache-2.0
// Where the pictures of an overlay lie: inside, even, in shape, and not over each other.
// test: uses=base
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processors/overlay/placing.h"

static void check_rectangle(const struct placing *placing, struct placing_rectangle rectangle,
                            struct placing_size picture)
{
    assert_int_equal(rectangle.x % 2 + rectangle.y % 2 + rectangle.width % 2 + rectangle.height % 2,
                     0);
    assert_true(rectangle.x + rectangle.width <= placing->width);
    assert_true(rectangle.y + rectangle.height <= placing->height);
    assert_true(rectangle.width > 0 && rectangle.height > 0);
    // Right to the two pixels that an even size costs.
    double wanted = (double)rectangle.width * picture.height / picture.width;
    assert_true(fabs(wanted - rectangle.height) <= 2.0 * picture.height / picture.width + 2);
}

static void every_mode_puts_every_picture_inside_and_apart(void **state)
{
    (void)state;
    static const struct placing_size picture = {640, 360};
    static const enum placing_mode modes[] = {PLACING_SIDE_BY_SIDE, PLACING_GRID,
                                              PLACING_VERTICAL_STACK};
    for (size_t m = 0; m < 3; m++) {
        for (uint32_t count = 1; count <= PLACING_PICTURES_MAX; count++) {
            struct placing_size whole = placing_whole(modes[m], count, picture);
            struct placing placing = {modes[m],    PLACING_TOP_LEFT, 0.25,
                                      whole.width, whole.height,     count};
            struct placing_rectangle all[PLACING_PICTURES_MAX];
            for (uint32_t i = 0; i < count; i++) {
                all[i] = placing_of(&placing, i, picture);
                check_rectangle(&placing, all[i], picture);
                assert_int_equal(all[i].width, picture.width);
                for (uint32_t j = 0; j < i; j++) {
                    assert_true(all[i].x >= all[j].x + all[j].width ||
                                all[j].x >= all[i].x + all[i].width ||
                                all[i].y >= all[j].y + all[j].height ||
                                all[j].y >= all[i].y + all[i].height);
                }
            }
        }
    }
}

static void pip_fills_the_whole_and_puts_small_ones_into_the_corner(void **state)
{
    (void)state;
    struct placing_size picture = {640, 360};
    struct placing placing = {PLACING_PIP, PLACING_BOTTOM_RIGHT, 0.25, 640, 360, 3};
    struct placing_rectangle main_one = placing_of(&placing, 0, picture);
    assert_int_equal(main_one.width, 640);
    assert_int_equal(main_one.height, 360);
    struct placing_rectangle first = placing_of(&placing, 1, picture);
    struct placing_rectangle second = placing_of(&placing, 2, picture);
    check_rectangle(&placing, first, picture);
    check_rectangle(&placing, second, picture);
    assert_int_equal(first.width, 160);
    assert_int_equal(first.height, 90);
    assert_int_equal(first.x + first.width, 640 - 16);
    assert_int_equal(first.y + first.height, 360 - 16);
    assert_true(second.x + second.width < first.x);
    placing.corner = PLACING_TOP_LEFT;
    first = placing_of(&placing, 1, picture);
    assert_int_equal(first.x, 16);
    assert_int_equal(first.y, 16);
}

static void a_small_picture_without_room_is_left_out(void **state)
{
    (void)state;
    struct placing placing = {PLACING_PIP, PLACING_TOP_LEFT, 0.5, 320, 180, 9};
    struct placing_size tall = {100, 1000};
    struct placing_size picture = {320, 180};
    assert_int_equal(placing_of(&placing, 1, tall).width, 0);
    assert_true(placing_of(&placing, 1, picture).width > 0);
    assert_int_equal(placing_of(&placing, 2, picture).width, 0);
    assert_int_equal(placing_of(&placing, 1, (struct placing_size){0, 0}).width, 0);
}

static void a_picture_of_another_shape_keeps_it_inside_its_cell(void **state)
{
    (void)state;
    struct placing placing = {PLACING_GRID, PLACING_TOP_LEFT, 0.25, 640, 360, 4};
    struct placing_size tall = {180, 320};
    struct placing_rectangle rectangle = placing_of(&placing, 3, tall);
    check_rectangle(&placing, rectangle, tall);
    assert_int_equal(rectangle.height, 180);
    assert_true(rectangle.x >= 320 && rectangle.y >= 180);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mode_puts_every_picture_inside_and_apart),
        cmocka_unit_test(pip_fills_the_whole_and_puts_small_ones_into_the_corner),
        cmocka_unit_test(a_small_picture_without_room_is_left_out),
        cmocka_unit_test(a_picture_of_another_shape_keeps_it_inside_its_cell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
