// SPDX-License-Identifier: Apache-2.0
// Lists the devices of this machine, or runs pattern and blur in one process: what the same work
// costs where no frame goes from one process to another.
//
//     gpu-alone                             one line of JSON per device
//     gpu-alone WIDTH HEIGHT RADIUS FRAMES  one line of JSON with the time of a frame
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "processors/gpu/gpu_effect.h"

#define WAITS 200
#define NS_PER_S INT64_C(1000000000)

static int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * NS_PER_S + time.tv_nsec;
}

static int list_devices(void)
{
    struct sb_gpu_device devices[SB_GPU_DEVICES_MAX];
    int count = sb_gpu_list(devices, SB_GPU_DEVICES_MAX);
    for (int i = 0; i < count; i++) {
        const struct sb_gpu_device *device = &devices[i];
        printf("{\"name\": \"%s\", \"software\": %s, \"import_host\": %s, \"share_memory\": %s, "
               "\"share_timeline\": %s, \"uuid\": \"",
               device->name, device->is_software ? "true" : "false",
               device->can_import_host ? "true" : "false",
               device->can_share_memory ? "true" : "false",
               device->can_share_timeline ? "true" : "false");
        for (size_t j = 0; j < SB_GPU_UUID_BYTES; j++) {
            printf("%02x", device->device_uuid[j]);
        }
        printf("\"}\n");
    }
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int compare(const void *a, const void *b)
{
    const int64_t *first = a;
    const int64_t *second = b;
    return (*first > *second) - (*first < *second);
}

// The median of batches of nothing: what every hand-over waits for at least.
static int measure_wait(struct sb_gpu *gpu, int64_t *out_ns)
{
    int64_t spans[WAITS];
    for (int i = 0; i < WAITS; i++) {
        int64_t start = now_ns();
        int failed = sb_gpu_begin(gpu);
        failed = failed == 0 ? sb_gpu_finish(gpu) : failed;
        if (failed != 0) {
            return failed;
        }
        spans[i] = now_ns() - start;
    }
    qsort(spans, WAITS, sizeof spans[0], compare);
    *out_ns = spans[WAITS / 2];
    return 0;
}

struct work {
    struct gpu_effects effects;
    struct gpu_effect_pattern pattern;
    struct sb_video_format format;
    uint32_t radius;
    struct sb_gpu_span spans[3];
};

// Two batches, as in the two processes.
static int draw(struct work *work)
{
    struct sb_gpu *gpu = work->effects.gpu;
    int failed = sb_gpu_begin(gpu);
    failed =
        failed == 0 ? gpu_effect_pattern(&work->effects, &work->pattern, &work->spans[0]) : failed;
    failed = failed == 0 ? sb_gpu_finish(gpu) : failed;
    failed = failed == 0 ? sb_gpu_begin(gpu) : failed;
    failed = failed == 0 ? gpu_effect_blur(&work->effects, &work->format, work->radius, work->spans)
                         : failed;
    work->pattern.number++;
    return failed == 0 ? sb_gpu_finish(gpu) : failed;
}

static int measure(struct work *work, uint64_t frames)
{
    int64_t wait_ns;
    int failed = measure_wait(work->effects.gpu, &wait_ns);
    failed = failed == 0 ? draw(work) : failed;  // compiles the shaders
    int64_t start = now_ns();
    for (uint64_t i = 0; i < frames && failed == 0; i++) {
        failed = draw(work);
    }
    int64_t span_ns = now_ns() - start;
    if (failed == 0) {
        printf("{\"frame_ns\": %" PRId64 ", \"wait_ns\": %" PRId64 "}\n", span_ns / (int64_t)frames,
               wait_ns);
    }
    return failed;
}

static int run(char **words)
{
    uint32_t width = (uint32_t)strtoul(words[0], NULL, 10);
    uint32_t height = (uint32_t)strtoul(words[1], NULL, 10);
    uint64_t frames = strtoull(words[3], NULL, 10);
    struct work work = {
        .pattern = {.width = width, .height = height, .pattern = GPU_PATTERN_NOISE, .seed = 1},
        .format = {.pixel = SB_PIXEL_RGBA, .width = width, .height = height},
        .radius = (uint32_t)strtoul(words[2], NULL, 10),
    };
    struct sb_gpu_options options = {.struct_size = sizeof options};
    int failed = frames == 0 ? -EINVAL : sb_gpu_open(NULL, &options, &work.effects.gpu);
    for (int i = 0; i < 3 && failed == 0; i++) {
        failed = sb_gpu_memory_make(work.effects.gpu, (uint64_t)width * height * 4, &work.spans[i]);
    }
    failed = failed == 0 ? measure(&work, frames) : failed;
    sb_gpu_close(work.effects.gpu);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc == 1) {
        return list_devices();
    }
    if (argc != 5) {
        fprintf(stderr, "usage: gpu-alone [WIDTH HEIGHT RADIUS FRAMES]\n");
        return 2;
    }
    return run(argv + 1);
}
