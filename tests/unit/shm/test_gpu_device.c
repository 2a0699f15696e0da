// SPDX-License-Identifier: Apache-2.0
// Which device is opened.
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

#include "gpu_rig.h"

#define DEVICES SB_GPU_DEVICES_MAX

// R-GPU-004
static void a_device_is_chosen_by_its_uuid(void **state)
{
    (void)state;
    struct sb_gpu_device devices[DEVICES];
    int count = sb_gpu_list(devices, DEVICES);
    assert_true(count >= 1);
    for (int i = 0; i < count; i++) {
        struct sb_gpu_options options = {.struct_size = sizeof options,
                                         .device_uuid = devices[i].device_uuid};
        struct sb_gpu *gpu = NULL;
        assert_int_equal(sb_gpu_open(NULL, &options, &gpu), 0);
        assert_memory_equal(sb_gpu_device_of(gpu)->device_uuid, devices[i].device_uuid,
                            SB_GPU_UUID_BYTES);
        sb_gpu_close(gpu);
    }
}

// R-GPU-004
static void a_uuid_that_nobody_has_is_refused(void **state)
{
    (void)state;
    const uint8_t nobody[SB_GPU_UUID_BYTES] = "no such device";
    struct sb_gpu_options options = {.struct_size = sizeof options, .device_uuid = nobody};
    struct sb_gpu *gpu = NULL;
    assert_int_equal(sb_gpu_open(NULL, &options, &gpu), -ENODEV);
    assert_null(gpu);
}

// R-GPU-004
static void hardware_is_listed_before_software_and_can_be_demanded(void **state)
{
    (void)state;
    struct sb_gpu_device devices[DEVICES];
    int count = sb_gpu_list(devices, DEVICES);
    for (int i = 1; i < count; i++) {
        assert_true(devices[i].is_software || !devices[i - 1].is_software);
    }
    struct sb_gpu_options options = {.struct_size = sizeof options, .is_hardware_wanted = true};
    struct sb_gpu *gpu = NULL;
    assert_int_equal(sb_gpu_open(NULL, &options, &gpu), devices[0].is_software ? -ENODEV : 0);
    sb_gpu_close(gpu);
}

static void options_of_another_size_are_refused(void **state)
{
    (void)state;
    struct sb_gpu_options options = {.struct_size = 1};
    struct sb_gpu *gpu = NULL;
    assert_int_equal(sb_gpu_open(NULL, &options, &gpu), -EINVAL);
    assert_null(gpu);
}

// R-GPU-015
static void opening_and_closing_leaves_nothing_that_the_validation_layer_would_name(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    struct sb_gpu_span span;
    assert_int_equal(sb_gpu_memory_make(gpu, 4096, &span), 0);
    rig_close(gpu);
    sb_gpu_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_is_chosen_by_its_uuid),
        cmocka_unit_test(a_uuid_that_nobody_has_is_refused),
        cmocka_unit_test(hardware_is_listed_before_software_and_can_be_demanded),
        cmocka_unit_test(options_of_another_size_are_refused),
        cmocka_unit_test(opening_and_closing_leaves_nothing_that_the_validation_layer_would_name),
    };
    return rig_run(tests, sizeof tests / sizeof tests[0]);
}
