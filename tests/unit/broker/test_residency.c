// SPDX-License-Identifier: Apache-2.0
// Where frames are worked on: a GPU where both ends can, and why not where it is the CPU.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/graph/descriptor.h"
#include "broker/graph/residency.h"

#define CPU SB_BIT(SB_MEMORY_CPU)
#define GPU SB_BIT(SB_MEMORY_GPU)

static const char *wants_gpu[] = {"gpu"};

static struct descriptor_port port_on(uint32_t memories)
{
    return (struct descriptor_port){.name = "video", .formats = {.memories = memories}};
}

// R-NEG-012
static void a_gpu_is_chosen_where_both_ends_can(void **state)
{
    (void)state;
    assert_int_equal(residency_choose(CPU | GPU, CPU | GPU), SB_MEMORY_GPU);
    assert_int_equal(residency_choose(GPU, CPU | GPU), SB_MEMORY_GPU);
    assert_int_equal(residency_choose(CPU, CPU | GPU), SB_MEMORY_CPU);
    assert_int_equal(residency_choose(CPU, CPU), SB_MEMORY_CPU);
}

// R-GPU-012
static void a_node_whose_gpu_is_off_keeps_its_frames_on_the_cpu_where_it_can(void **state)
{
    (void)state;
    struct graph_node node = {.gpu = GRAPH_GPU_OFF};
    struct descriptor_port both = port_on(CPU | GPU);
    struct descriptor_port gpu = port_on(GPU);
    assert_int_equal(residency_memories(&node, &both), CPU);
    assert_int_equal(residency_memories(&node, &gpu), GPU);
    node.gpu = GRAPH_GPU_PREFER;
    assert_int_equal(residency_memories(&node, &both), CPU | GPU);
}

static void expect_said(struct graph_node *node, const char *text)
{
    struct graph graph = {.file = "g.yaml", .node_count = 1, .nodes = node};
    struct diags diags;
    memset(&diags, 0, sizeof diags);
    node->id = "n";
    residency_check_node(&graph, node, &diags);
    assert_int_equal(diags.count, text != NULL ? 1 : 0);
    if (text != NULL) {
        assert_non_null(strstr(diags.items[0].diag.text, text));
    }
}

// R-GPU-012 R-GPU-014
static void what_a_node_says_about_its_gpu_must_fit_its_processor(void **state)
{
    (void)state;
    struct descriptor_port gpu = port_on(GPU);
    struct descriptor_port cpu = port_on(CPU);
    struct descriptor blur = {
        .name = "gpu-blur", .wants = wants_gpu, .want_count = 1, .inputs = &gpu, .input_count = 1};
    struct descriptor plain = {.name = "blur", .inputs = &cpu, .input_count = 1};
    const char *devices[] = {"gpu"};
    struct graph_node node = {.sandbox = {.tier = GRAPH_TIER_TRUSTED}};
    node.found.descriptor = &blur;
    expect_said(&node, NULL);
    node.gpu = GRAPH_GPU_REQUIRE;
    expect_said(&node, NULL);
    node.gpu = GRAPH_GPU_OFF;
    expect_said(&node, "has gpu: off, but 'gpu-blur' works on a GPU only");
    node.found.descriptor = &plain;
    expect_said(&node, NULL);
    node.gpu = GRAPH_GPU_REQUIRE;
    expect_said(&node, "has gpu: require, but 'blur' works on the CPU only");
#ifndef SB_SANITIZE_NAME
    node = (struct graph_node){.sandbox = {.tier = GRAPH_TIER_UNTRUSTED}};
    node.found.descriptor = &blur;
    expect_said(&node, "add sandbox: {devices: [gpu]}");
    node.sandbox.devices = (struct graph_strings){.count = 1, .items = devices};
    expect_said(&node, NULL);
#else
    (void)devices;
#endif
}

// R-GPU-013
static void the_reason_names_the_end_that_keeps_frames_off_the_gpu(void **state)
{
    (void)state;
    char text[256];
    struct descriptor_port gpu = port_on(GPU);
    struct descriptor_port both = port_on(CPU | GPU);
    struct descriptor_port cpu = port_on(CPU);
    struct graph_node nodes[2] = {{.id = "a"}, {.id = "b"}};
    struct graph graph = {.node_count = 2, .nodes = nodes};
    struct graph_link link = {.from = {.node = "a", .port = "video"},
                              .to = {.node = "b", .port = "video"},
                              .found = {.from_node = 0,
                                        .to_node = 1,
                                        .from_port = &gpu,
                                        .to_port = &both,
                                        .memory = SB_MEMORY_GPU}};
    residency_reason(&graph, &link, text, sizeof text);
    assert_non_null(strstr(text, "a.video and b.video both work on a GPU"));
    link.found.memory = SB_MEMORY_CPU;
    link.found.from_port = &cpu;
    residency_reason(&graph, &link, text, sizeof text);
    assert_string_equal(text, "a.video works on the CPU");
    link.found.from_port = &both;
    nodes[1].gpu = GRAPH_GPU_OFF;
    residency_reason(&graph, &link, text, sizeof text);
    assert_string_equal(text, "gpu is off for b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gpu_is_chosen_where_both_ends_can),
        cmocka_unit_test(a_node_whose_gpu_is_off_keeps_its_frames_on_the_cpu_where_it_can),
        cmocka_unit_test(what_a_node_says_about_its_gpu_must_fit_its_processor),
        cmocka_unit_test(the_reason_names_the_end_that_keeps_frames_off_the_gpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
