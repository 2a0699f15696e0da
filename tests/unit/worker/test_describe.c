// SPDX-License-Identifier: Apache-2.0
// The descriptor as JSON: what brokers and tools of other builds read.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "program_run.h"
#include "worker/describe.h"

static int take_frame(struct sb_node *node, const struct sb_frame *frame)
{
    (void)node;
    (void)frame;
    return 0;
}

static const char *const shapes[] = {"round", "sq\"uare", NULL};
static const char *const wants[] = {"network", "gpu", NULL};

static const struct sb_port inputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "Pictures\nand \"more\".",
     .count = 16,
     .is_optional = true,
     .delivery = SB_DELIVERY_LATEST,
     .holds = 2,
     .is_memory = true,
     .pixels = SB_BIT(SB_PIXEL_RGBA) | SB_BIT(SB_PIXEL_NV12)},
    {.name = "audio",
     .type = SB_PORT_AUDIO,
     .samples = SB_BIT(SB_SAMPLE_F32),
     .rate_min = 8000,
     .rate_max = 48000,
     .channels_min = 1,
     .channels_max = 8},
};

static const struct sb_port outputs[] = {
    {.name = "out",
     .type = SB_PORT_VIDEO,
     .claims = 3,
     .is_one_per_step = true,
     .max_payload = UINT64_C(1) << 32,
     .follows = "video_0"},
    {.name = "data",
     .type = SB_PORT_DATA,
     .kinds = SB_BIT(SB_FORMAT_MESSAGE),
     .message = "sb.test.Note"},
};

static const struct sb_param params[] = {
    {.name = "ratio",
     .type = SB_PARAM_REAL,
     .help = "A share of one.",
     .initial = "0.1",
     .minimum = 0.1,
     .maximum = 1e300,
     .is_fixed = true},
    {.name = "shape", .type = SB_PARAM_CHOICE, .choices = shapes},
};

static const struct sb_processor sample = {
    .struct_size = sizeof sample,
    .name = "sample",
    .version = "1.2.3",
    .summary = "One of everything.",
    .inputs = inputs,
    .input_count = 2,
    .outputs = outputs,
    .output_count = 2,
    .params = params,
    .param_count = 2,
    .interval_ns = 5,
    .activation = SB_ACTIVATE_BATCH,
    .batch_count = 8,
    .batch_within_ns = 20000000,
    .wants = wants,
    .on_frame = take_frame,
};

static const struct sb_processor least = {
    .struct_size = sizeof least,
    .name = "least",
    .version = "0",
    .on_frame = take_frame,
};

static void read_golden(char *bytes, size_t size_bytes)
{
    char path[4096];
    const char *root = getenv("SB_SOURCE_DIR");
    assert_non_null(root);
    snprintf(path, sizeof path, "%s/tests/golden/describe.json", root);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    bytes[fread(bytes, 1, size_bytes - 1, file)] = '\0';
    fclose(file);
}

// R-WORKER-016: the bytes of a release before are those of this one.
static void a_descriptor_has_the_bytes_of_the_golden_file(void **state)
{
    (void)state;
    static struct program full;
    static struct program empty;
    static char golden[PROGRAM_BYTES_MAX];
    static char now[2 * PROGRAM_BYTES_MAX];
    program_run(&full, &sample, "--describe");
    program_run(&empty, &least, "--describe");
    assert_int_equal(full.status, 0);
    assert_int_equal(empty.status, 0);
    snprintf(now, sizeof now, "%s%s", full.out, empty.out);
    read_golden(golden, sizeof golden);
    if (strcmp(golden, now) != 0) {
        // When the change is wanted: raise DESCRIBE_SCHEMA, put these lines into the file.
        print_error("is now:\n%s", now);
    }
    assert_string_equal(golden, now);
}

static void a_descriptor_that_is_too_large_is_refused_as_a_whole(void **state)
{
    (void)state;
    static char help[4097];
    memset(help, '\n', sizeof help - 1);
    static struct sb_port many[SB_PORTS_MAX];
    for (uint32_t i = 0; i < SB_PORTS_MAX; i++) {
        many[i] = (struct sb_port){.name = "x", .type = SB_PORT_TEXT, .help = help};
    }
    struct sb_processor large = least;
    large.inputs = many;
    large.input_count = SB_PORTS_MAX;
    char *json = NULL;
    size_t count = 7;
    assert_int_equal(describe_json(&large, &json, &count), -E2BIG);
    assert_null(json);
    assert_int_equal(count, 7);
    large.input_count = 1;
    assert_int_equal(describe_json(&large, &json, &count), 0);
    assert_int_equal(strlen(json), count);
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_descriptor_has_the_bytes_of_the_golden_file),
        cmocka_unit_test(a_descriptor_that_is_too_large_is_refused_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
