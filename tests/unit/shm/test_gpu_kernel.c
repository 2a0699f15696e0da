// SPDX-License-Identifier: Apache-2.0
// Shaders as kernels, within their limits.
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

static const uint32_t words[] =
#include "gpu_add.inc"
    ;

static void a_shader_above_a_limit_is_refused(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    const struct sb_gpu_shader good = {words, sizeof words, 2, 8};
    struct sb_gpu_shader bad[] = {good, good, good, good, good};
    bad[0].span_count = 0;
    bad[1].span_count = SB_GPU_SPANS_MAX + 1;
    bad[2].push_bytes = SB_GPU_PUSH_BYTES + 4;
    bad[3].push_bytes = 6;
    bad[4].size_bytes -= 1;
    struct sb_gpu_kernel *kernel = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(sb_gpu_kernel_make(gpu, &bad[i], &kernel), -EINVAL);
        assert_null(kernel);
    }
    assert_int_equal(sb_gpu_kernel_make(gpu, &good, &kernel), 0);
    assert_non_null(kernel);
    rig_close(gpu);
}

static void a_device_keeps_many_kernels_and_frees_them_all(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    const struct sb_gpu_shader shader = {words, sizeof words, 2, 8};
    struct sb_gpu_kernel *kernels[8];
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(sb_gpu_kernel_make(gpu, &shader, &kernels[i]), 0);
        assert_true(i == 0 || kernels[i] != kernels[i - 1]);
    }
    rig_close(gpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shader_above_a_limit_is_refused),
        cmocka_unit_test(a_device_keeps_many_kernels_and_frees_them_all),
    };
    return rig_run(tests, sizeof tests / sizeof tests[0]);
}
