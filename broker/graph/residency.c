// SPDX-License-Identifier: Apache-2.0
// Chooses between the memories that both ends of a link work on, a GPU first.
#include "broker/graph/residency.h"

#include <string.h>

#include "base/text.h"
#include "broker/graph/descriptor.h"
#include "broker/lives/cage.h"

#define GPU_WORD "gpu"

uint32_t residency_memories(const struct graph_node *node, const struct descriptor_port *port)
{
    uint32_t memories = port->formats.memories;
    uint32_t left = memories & ~SB_BIT(SB_MEMORY_GPU);
    // A port that works on a GPU only stays one: residency_check_node() refuses its node.
    return node->gpu == GRAPH_GPU_OFF && left != 0 ? left : memories;
}

enum sb_memory residency_choose(uint32_t from, uint32_t to)
{
    return (from & to & SB_BIT(SB_MEMORY_GPU)) != 0 ? SB_MEMORY_GPU : SB_MEMORY_CPU;
}

static bool does_want_gpu(const struct descriptor *descriptor)
{
    for (size_t i = 0; i < descriptor->want_count; i++) {
        if (strcmp(descriptor->wants[i], GPU_WORD) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_gpu_port(const struct descriptor *descriptor)
{
    uint32_t memories = 0;
    for (size_t i = 0; i < descriptor->input_count; i++) {
        memories |= descriptor->inputs[i].formats.memories;
    }
    for (size_t i = 0; i < descriptor->output_count; i++) {
        memories |= descriptor->outputs[i].formats.memories;
    }
    return (memories & SB_BIT(SB_MEMORY_GPU)) != 0;
}

bool residency_is_granted(const struct graph_node *node)
{
    for (size_t i = 0; i < node->sandbox.devices.count; i++) {
        if (strcmp(node->sandbox.devices.items[i], GPU_WORD) == 0) {
            return true;
        }
    }
    return !cage_is_wanted(node);
}

void residency_check_node(const struct graph *graph, const struct graph_node *node,
                          struct diags *diags)
{
    const struct descriptor *descriptor = node->found.descriptor;
    struct graph_place place = graph_node_place(node, GRAPH_FIELD_NODE_GPU);
    bool does_want = does_want_gpu(descriptor);
    if (node->gpu == GRAPH_GPU_OFF && does_want) {
        diags_add(diags, DIAG_ERROR, graph->file, place,
                  "node '%s' has gpu: off, but '%s' works on a GPU only; write prefer, or take a "
                  "processor that works on the CPU",
                  node->id, descriptor->name);
    } else if (node->gpu == GRAPH_GPU_REQUIRE && !does_want && !has_gpu_port(descriptor)) {
        diags_add(diags, DIAG_ERROR, graph->file, place,
                  "node '%s' has gpu: require, but '%s' works on the CPU only; leave it out",
                  node->id, descriptor->name);
    } else if (does_want && !residency_is_granted(node)) {
        diags_add(diags, DIAG_ERROR, graph->file, node->place,
                  "node '%s' works on a GPU, which its sandbox does not show; add sandbox: "
                  "{devices: [gpu]}",
                  node->id);
    }
}

// True when this end keeps the frames off a GPU; then the text says so.
static bool add_cpu_end(struct text *text, const struct graph_node *node,
                        const struct graph_end *end, const struct descriptor_port *port)
{
    if ((port->formats.memories & SB_BIT(SB_MEMORY_GPU)) == 0) {
        text_add_format(text, "%s.%s works on the CPU", end->node, end->port);
    } else if ((residency_memories(node, port) & SB_BIT(SB_MEMORY_GPU)) == 0) {
        text_add_format(text, "gpu is off for %s", end->node);
    } else {
        return false;
    }
    return true;
}

void residency_reason(const struct graph *graph, const struct graph_link *link, char *out,
                      size_t size_bytes)
{
    struct text text = text_over(out, size_bytes);
    const struct graph_link_found *found = &link->found;
    if (found->memory == SB_MEMORY_GPU) {
        text_add_format(&text,
                        "%s.%s and %s.%s both work on a GPU; in whose memory is known when both "
                        "have opened one",
                        link->from.node, link->from.port, link->to.node, link->to.port);
    } else if (!add_cpu_end(&text, &graph->nodes[found->from_node], &link->from,
                            found->from_port)) {
        add_cpu_end(&text, &graph->nodes[found->to_node], &link->to, found->to_port);
    }
}
