// SPDX-License-Identifier: Apache-2.0
// A device for a test, with the validation layer, which must have nothing to say.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <streambroker/gpu.h>

#define RIG_SKIP 77

// The driver's own memory and threads are not the sanitizers' business.
static inline int rig_run(const struct CMUnitTest *tests, size_t count)
{
#ifdef SB_SANITIZE_NAME
    (void)tests;
    (void)count;
    printf("skipped: a driver's memory and threads mean nothing to a sanitizer\n");
    return RIG_SKIP;
#else
    struct sb_gpu_device device;
    if (sb_gpu_list(&device, 1) < 1) {
        printf("skipped: there is no Vulkan driver\n");
        return RIG_SKIP;
    }
    return _cmocka_run_group_tests("gpu", tests, count, NULL, NULL);
#endif
}

static inline struct sb_gpu *rig_open(void)
{
    struct sb_gpu_options options = {.struct_size = sizeof options, .is_validated = true};
    struct sb_gpu *gpu = NULL;
    assert_int_equal(sb_gpu_open(NULL, &options, &gpu), 0);
    return gpu;
}

static inline void rig_close(struct sb_gpu *gpu)
{
    assert_int_equal(sb_gpu_counts_of(gpu).complaints, 0);
    sb_gpu_close(gpu);
}
