// SPDX-License-Identifier: Apache-2.0
// Batches: what comes later sees what was written before; a lost device ends the program.
// test: needs=gpu_objects uses=gpu_objects,streambroker_lib packages=vulkan
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <vulkan/vulkan.h>

#include "gpu_rig.h"

static const uint32_t words[] =
#include "gpu_add.inc"
    ;

#define COUNT 5000000U  // more than fits into one row of groups

static VkResult answer = VK_SUCCESS;

// The driver's own, until a test wants a device that is lost, which no driver gives on demand.
VKAPI_ATTR VkResult VKAPI_CALL vkQueueSubmit(VkQueue queue, uint32_t count,
                                             const VkSubmitInfo *submits, VkFence fence)
{
    PFN_vkQueueSubmit submit = NULL;
    void *symbol = dlsym(RTLD_NEXT, "vkQueueSubmit");
    memcpy(&submit, &symbol, sizeof submit);
    return answer == VK_SUCCESS ? submit(queue, count, submits, fence) : answer;
}

struct push {
    uint32_t count;
    uint32_t number;
};

static struct sb_gpu_kernel *make_kernel(struct sb_gpu *gpu)
{
    const struct sb_gpu_shader shader = {words, sizeof words, 2, sizeof(struct push)};
    struct sb_gpu_kernel *kernel;
    assert_int_equal(sb_gpu_kernel_make(gpu, &shader, &kernel), 0);
    return kernel;
}

static void add(struct sb_gpu *gpu, struct sb_gpu_kernel *kernel, const struct sb_gpu_span *spans,
                uint32_t number)
{
    struct push push = {COUNT, number};
    struct sb_gpu_run run = {.spans = spans, .push = &push, .invocations = COUNT};
    assert_int_equal(sb_gpu_dispatch(gpu, kernel, &run), 0);
}

static void each_command_sees_what_those_before_it_wrote(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    struct sb_gpu_kernel *kernel = make_kernel(gpu);
    struct sb_gpu_span spans[3];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sb_gpu_memory_make(gpu, COUNT * 4ULL, &spans[i]), 0);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        ((uint32_t *)spans[0].host)[i] = i;
    }
    for (uint32_t round = 1; round <= 3; round++) {
        assert_int_equal(sb_gpu_begin(gpu), 0);
        add(gpu, kernel, spans, 1000);
        add(gpu, kernel, spans + 1, round);
        assert_int_equal(sb_gpu_copy(gpu, &spans[2], &spans[1]), 0);
        assert_int_equal(sb_gpu_finish(gpu), 0);
        for (uint32_t i = 0; i < COUNT; i++) {
            if (((const uint32_t *)spans[1].host)[i] != i + 1000 + round) {
                fail_msg("word %u", i);
            }
        }
    }
    assert_int_equal(sb_gpu_counts_of(gpu).batches, 3);
    sb_gpu_memory_free(gpu, &spans[0]);
    sb_gpu_memory_free(gpu, &spans[0]);
    rig_close(gpu);
}

static void calls_out_of_their_order_are_errors_and_change_nothing(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    struct sb_gpu_kernel *kernel = make_kernel(gpu);
    struct sb_gpu_span span;
    struct sb_gpu_span nothing = {0};
    struct sb_frame frame = {.size_bytes = 4};
    struct sb_buffer buffer = {.size_bytes = 4, .capacity_bytes = 4};
    assert_int_equal(sb_gpu_memory_make(gpu, 0, &span), -EINVAL);
    assert_int_equal(sb_gpu_memory_make(gpu, 64, &span), 0);
    struct sb_gpu_span spans[2] = {span, nothing};
    struct push push = {1, 1};
    struct sb_gpu_run run = {.spans = spans, .push = &push, .invocations = 1};
    assert_int_equal(sb_gpu_finish(gpu), -EINVAL);
    assert_int_equal(sb_gpu_copy(gpu, &span, &span), -EINVAL);
    assert_int_equal(sb_gpu_begin(gpu), 0);
    assert_int_equal(sb_gpu_begin(gpu), -EBUSY);
    assert_int_equal(sb_gpu_read(gpu, &frame, &nothing), -EINVAL);
    assert_int_equal(sb_gpu_write(gpu, &buffer, &nothing), -EINVAL);
    assert_int_equal(sb_gpu_dispatch(gpu, kernel, &run), -EINVAL);
    spans[1] = span;
    run.invocations = 0;
    assert_int_equal(sb_gpu_dispatch(gpu, kernel, &run), -EINVAL);
    sb_gpu_cancel(gpu);
    assert_int_equal(sb_gpu_finish(gpu), -EINVAL);
    sb_gpu_cancel(gpu);
    assert_int_equal(sb_gpu_counts_of(gpu).batches, 0);
    rig_close(gpu);
}

// R-GPU-015: a copy of bytes onto themselves is something that it must name.
static void what_the_validation_layer_says_is_counted(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    struct sb_gpu_span span;
    assert_int_equal(sb_gpu_memory_make(gpu, 64, &span), 0);
    assert_int_equal(sb_gpu_begin(gpu), 0);
    assert_int_equal(sb_gpu_copy(gpu, &span, &span), 0);
    sb_gpu_cancel(gpu);
    assert_true(sb_gpu_counts_of(gpu).complaints > 0);
    sb_gpu_close(gpu);
}

static void a_batch_has_room_for_its_limit_of_commands_and_no_more(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    struct sb_gpu_kernel *kernel = make_kernel(gpu);
    struct sb_gpu_span spans[2];
    assert_int_equal(sb_gpu_memory_make(gpu, 64, &spans[0]), 0);
    assert_int_equal(sb_gpu_memory_make(gpu, 64, &spans[1]), 0);
    struct push push = {1, 1};
    struct sb_gpu_run run = {.spans = spans, .push = &push, .invocations = 1};
    assert_int_equal(sb_gpu_begin(gpu), 0);
    for (int i = 0; i < SB_GPU_COMMANDS_MAX; i++) {
        assert_int_equal(sb_gpu_dispatch(gpu, kernel, &run), 0);
    }
    assert_int_equal(sb_gpu_dispatch(gpu, kernel, &run), -E2BIG);
    assert_int_equal(sb_gpu_finish(gpu), 0);
    rig_close(gpu);
}

// R-GPU-016
static void a_lost_device_ends_the_program_with_a_wish_for_a_fresh_start(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(fds[1], STDERR_FILENO);
        struct sb_gpu_options options = {.struct_size = sizeof options};
        struct sb_gpu *gpu;
        if (sb_gpu_open(NULL, &options, &gpu) != 0 || sb_gpu_begin(gpu) != 0) {
            _exit(1);
        }
        answer = VK_ERROR_DEVICE_LOST;
        (void)sb_gpu_finish(gpu);
        _exit(2);
    }
    close(fds[1]);
    int status;
    char said[512] = "";
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(read(fds[0], said, sizeof said - 1) > 0);
    close(fds[0]);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), SB_EXIT_RESTART);
    assert_non_null(strstr(said, "device lost: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_sees_what_those_before_it_wrote),
        cmocka_unit_test(calls_out_of_their_order_are_errors_and_change_nothing),
        cmocka_unit_test(what_the_validation_layer_says_is_counted),
        cmocka_unit_test(a_batch_has_room_for_its_limit_of_commands_and_no_more),
        cmocka_unit_test(a_lost_device_ends_the_program_with_a_wish_for_a_fresh_start),
    };
    return rig_run(tests, sizeof tests / sizeof tests[0]);
}
