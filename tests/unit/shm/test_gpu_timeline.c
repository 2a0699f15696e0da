// SPDX-License-Identifier: Apache-2.0
// Counters that the device sets when work is done, and what of another process is taken for one.
// test: needs=gpu_objects uses=gpu_objects,streambroker_lib packages=vulkan
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "unit/shm/gpu_rig.h"

#define BYTES 4096
#define SOON_NS UINT64_C(10000000)
#define LATE_NS UINT64_C(10000000000)

static struct sb_gpu_timeline *make(struct sb_gpu *gpu)
{
    struct sb_gpu_timeline *timeline = NULL;
    int failed = sb_gpu_timeline_make(gpu, &timeline);
    if (failed == -ENOTSUP) {
        print_message("skipped: the device has no timelines\n");
        sb_gpu_close(gpu);
        skip();
    }
    assert_int_equal(failed, 0);
    return timeline;
}

static void begin_copy(struct sb_gpu *gpu, struct sb_gpu_span spans[2])
{
    assert_int_equal(sb_gpu_begin(gpu), 0);
    assert_int_equal(sb_gpu_copy(gpu, &spans[0], &spans[1]), 0);
}

// R-GPU-033
static void a_timeline_has_its_value_when_the_work_is_done_and_not_before(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    struct sb_gpu_timeline *timeline = make(gpu);
    struct sb_gpu_span spans[2];
    assert_int_equal(sb_gpu_memory_make(gpu, BYTES, &spans[0]), 0);
    assert_int_equal(sb_gpu_memory_make(gpu, BYTES, &spans[1]), 0);
    for (uint64_t value = 1; value <= 3; value++) {
        assert_int_equal(sb_gpu_timeline_wait(gpu, timeline, value, SOON_NS), -ETIMEDOUT);
        memset(spans[0].host, (int)value, BYTES);
        begin_copy(gpu, spans);
        assert_int_equal(sb_gpu_submit(gpu, timeline, value), 0);
        assert_int_equal(sb_gpu_timeline_wait(gpu, timeline, value, LATE_NS), 0);
        assert_memory_equal(spans[1].host, spans[0].host, BYTES);
    }
    begin_copy(gpu, spans);
    assert_int_equal(sb_gpu_submit(gpu, timeline, 3), -EINVAL);
    assert_int_equal(sb_gpu_finish(gpu), 0);
    assert_int_equal(sb_gpu_submit(gpu, timeline, 4), -EINVAL);
    assert_int_equal(sb_gpu_counts_of(gpu).batches, 4);
    sb_gpu_timeline_free(gpu, timeline);
    sb_gpu_timeline_free(gpu, NULL);
    rig_close(gpu);
}

static void a_batch_waits_for_the_one_before_that_nobody_waited_for(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    struct sb_gpu_timeline *timeline = make(gpu);
    struct sb_gpu_span spans[2];
    assert_int_equal(sb_gpu_memory_make(gpu, BYTES, &spans[0]), 0);
    assert_int_equal(sb_gpu_memory_make(gpu, BYTES, &spans[1]), 0);
    for (uint64_t value = 1; value <= 50; value++) {
        begin_copy(gpu, spans);
        assert_int_equal(sb_gpu_submit(gpu, timeline, value), 0);
    }
    assert_int_equal(sb_gpu_begin(gpu), 0);
    assert_int_equal(sb_gpu_timeline_wait(gpu, timeline, 50, LATE_NS), 0);
    sb_gpu_cancel(gpu);
    begin_copy(gpu, spans);
    assert_int_equal(sb_gpu_submit(gpu, timeline, 51), 0);
    // What runs when the device is closed is waited for.
    rig_close(gpu);
}

// R-GPU-033: where it can be shared, the other end sees the same counter.
static void a_timeline_that_can_be_shared_is_the_same_for_who_imports_it(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    struct sb_gpu_timeline *timeline = make(gpu);
    const struct sb_gpu_device *device = sb_gpu_device_of(gpu);
    struct sb_gpu_handle handle = {.fd = -1, .is_trusted = true};
    memcpy(handle.device_uuid, device->device_uuid, SB_GPU_UUID_BYTES);
    memcpy(handle.driver_uuid, device->driver_uuid, SB_GPU_UUID_BYTES);
    if (!device->can_share_timeline) {
        assert_int_equal(sb_gpu_timeline_export(gpu, timeline, &handle.fd), -ENOTSUP);
        assert_int_equal(handle.fd, -1);
        print_message("skipped: %s shares no timelines\n", device->name);
    } else {
        struct sb_gpu_timeline *other;
        assert_int_equal(sb_gpu_timeline_export(gpu, timeline, &handle.fd), 0);
        assert_int_equal(sb_gpu_timeline_import(gpu, &handle, &other), 0);
        assert_int_equal(close(handle.fd), 0);
        assert_int_equal(sb_gpu_begin(gpu), 0);
        assert_int_equal(sb_gpu_submit(gpu, other, 7), -EINVAL);
        assert_int_equal(sb_gpu_submit(gpu, timeline, 7), 0);
        assert_int_equal(sb_gpu_timeline_wait(gpu, other, 7, LATE_NS), 0);
        assert_int_equal(sb_gpu_timeline_wait(gpu, other, 8, SOON_NS), -ETIMEDOUT);
    }
    rig_close(gpu);
}

// R-GPU-020 R-GPU-021
static void what_is_no_timeline_of_this_device_is_refused_and_stays_open(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    const struct sb_gpu_device *device = sb_gpu_device_of(gpu);
    struct sb_gpu_timeline *timeline = NULL;
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct sb_gpu_handle handle = {.fd = fd, .is_trusted = true};
    assert_int_equal(sb_gpu_timeline_import(gpu, &handle, &timeline), -EXDEV);
    memcpy(handle.device_uuid, device->device_uuid, SB_GPU_UUID_BYTES);
    memcpy(handle.driver_uuid, device->driver_uuid, SB_GPU_UUID_BYTES);
    assert_int_equal(sb_gpu_timeline_import(gpu, &handle, &timeline), -EPROTO);
    handle.is_trusted = false;
    assert_int_equal(sb_gpu_timeline_import(gpu, &handle, &timeline),
                     device->is_software ? -EPERM : -EPROTO);
    assert_null(timeline);
    assert_int_equal(close(fd), 0);
    rig_close(gpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timeline_has_its_value_when_the_work_is_done_and_not_before),
        cmocka_unit_test(a_batch_waits_for_the_one_before_that_nobody_waited_for),
        cmocka_unit_test(a_timeline_that_can_be_shared_is_the_same_for_who_imports_it),
        cmocka_unit_test(what_is_no_timeline_of_this_device_is_refused_and_stays_open),
    };
    return rig_run(tests, sizeof tests / sizeof tests[0]);
}
