// SPDX-License-Identifier: Apache-2.0
// Makes the node and takes it through the handshake.
#include "worker/boot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <streambroker/version.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/text.h"
#include "shm/segment.h"
#include "worker/carrier_keep.h"
#include "worker/control.h"
#include "worker/describe.h"
#include "worker/describe_check.h"
#include "worker/link_table.h"
#include "worker/node_log.h"
#include "worker/output.h"
#include "worker/output_offer.h"
#include "worker/param.h"
#include "worker/uplink.h"

static uint32_t expanded_count(const struct sb_port *ports, size_t count)
{
    uint32_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += ports[i].count > 0 ? ports[i].count : 1;
    }
    return total;
}

static void expanded_name(const struct sb_port *port, uint32_t index, char *out)
{
    if (port->count > 0) {
        snprintf(out, SB_NAME_BYTES_MAX, "%s_%u", port->name, index);
    } else {
        snprintf(out, SB_NAME_BYTES_MAX, "%s", port->name);
    }
}

static int make_inputs(struct sb_node *node)
{
    const struct sb_processor *processor = node->processor;
    uint32_t count = expanded_count(processor->inputs, processor->input_count);
    node->inputs = calloc((size_t)count + 1, sizeof *node->inputs);
    if (node->inputs == NULL) {
        return -ENOMEM;
    }
    for (size_t p = 0; p < processor->input_count; p++) {
        const struct sb_port *port = &processor->inputs[p];
        uint32_t members = port->count > 0 ? port->count : 1;
        for (uint32_t i = 0; i < members; i++) {
            struct sb_input *input = &node->inputs[node->input_count++];
            *input = (struct sb_input){.node = node, .port = port, .index = i};
            expanded_name(port, i, input->name);
        }
    }
    return 0;
}

static int make_outputs(struct sb_node *node)
{
    const struct sb_processor *processor = node->processor;
    uint32_t count = expanded_count(processor->outputs, processor->output_count);
    node->outputs = calloc((size_t)count + 1, sizeof *node->outputs);
    if (node->outputs == NULL) {
        return -ENOMEM;
    }
    for (size_t p = 0; p < processor->output_count; p++) {
        const struct sb_port *port = &processor->outputs[p];
        uint32_t members = port->count > 0 ? port->count : 1;
        for (uint32_t i = 0; i < members; i++) {
            struct sb_output *output = &node->outputs[node->output_count++];
            *output = (struct sb_output){
                .node = node, .port = port, .claim_max = port->claims > 0 ? port->claims : 1};
            expanded_name(port, i, output->name);
            output->claims = calloc(output->claim_max, sizeof *output->claims);
            if (output->claims == NULL) {
                return -ENOMEM;
            }
        }
    }
    return 0;
}

// Pages of our own until the broker's come, so that nobody has to ask whether they are there.
static int make_pages(struct sb_node *node)
{
    struct status_page *status = calloc(1, sizeof *status);
    struct bell_page *bell = calloc(1, sizeof *bell);
    node->own_status = status;
    node->own_bell = bell;
    if (status == NULL || bell == NULL) {
        return -ENOMEM;
    }
    node->status = status;
    node->bell = bell;
    return 0;
}

int boot_init(struct sb_node *node, const struct sb_processor *processor)
{
    *node = (struct sb_node){.processor = processor, .control = -1, .want = WANT_HOLD};
    text_copy(node->id, sizeof node->id, processor->name);
    node->mode = processor->mode != SB_MODE_DEFAULT ? processor->mode : SB_MODE_REACTIVE;
    node->activation =
        processor->activation != SB_ACTIVATE_DEFAULT ? processor->activation : SB_ACTIVATE_ANY;
    node->interval_ns = processor->interval_ns;
    node->batch_count = processor->batch_count;
    node->batch_within_ns = processor->batch_within_ns;
    node->every_ns = processor->interval_ns;
    node->is_clock_stale = true;
    node->taken_max = LIMIT_STEP_CLAIMS_MAX;
    node->taken = calloc(node->taken_max, sizeof *node->taken);
    node->frames = calloc(node->taken_max, sizeof *node->frames);
    node->incoming = calloc(1, sizeof *node->incoming);
    node->deferred = calloc(1, sizeof *node->deferred);
    node->outgoing = calloc(1, sizeof *node->outgoing);
    if (node->taken == NULL || node->frames == NULL || node->incoming == NULL ||
        node->deferred == NULL || node->outgoing == NULL) {
        return -ENOMEM;
    }
    int failed = make_pages(node);
    failed = failed != 0 ? failed : make_inputs(node);
    failed = failed != 0 ? failed : make_outputs(node);
    failed = failed != 0 ? failed : link_table_init(node);
    return failed != 0 ? failed : param_init(node);
}

void boot_fini(struct sb_node *node)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        free(node->inputs[i].links);
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        output_fini(&node->outputs[i]);
    }
    link_table_fini(node);
    param_fini(node);
    segment_unmap(node->status_map.bytes, node->status_map.size_bytes);
    segment_unmap(node->bell_map.bytes, node->bell_map.size_bytes);
    free(node->own_status);
    free(node->own_bell);
    free(node->inputs);
    free(node->outputs);
    free(node->taken);
    free(node->frames);
    free(node->incoming);
    free(node->deferred);
    free(node->outgoing);
    *node = (struct sb_node){.control = -1};
}

int boot_apply_setup(struct sb_node *node, const struct wire_setup *setup)
{
    text_copy(node->id, sizeof node->id, setup->node_id);
    node->generation = setup->generation;
    text_copy(node->transport_path, sizeof node->transport_path, setup->transport_path);
    if (setup->mode != SB_MODE_DEFAULT) {
        node->mode = setup->mode;
    }
    if (setup->interval_ns > 0) {
        node->interval_ns = setup->interval_ns;
    }
    if (setup->activation != SB_ACTIVATE_DEFAULT) {
        node->activation = setup->activation;
        node->batch_count = setup->batch_count;
        node->batch_within_ns = setup->batch_within_ns;
        node->every_ns = setup->every_ns;
    }
    node->spin_ns = setup->spin_ns;
    node->is_spin_auto = setup->is_spin_auto;
    node->is_clock_precise = setup->is_clock_precise;
    node->step = setup->first_step > 0 ? setup->first_step - 1 : 0;
    node->next_tick = setup->first_tick;
    const char *problem = describe_check_mode(node->processor, node->mode);
    if (problem != NULL) {
        return sb_node_error(node, -EINVAL, "the processor %s", problem);
    }
    int failed = param_set(node, setup->params, setup->param_count);
    for (size_t i = 0; failed == 0 && i < setup->link_count; i++) {
        failed = link_table_add(node, &setup->links[i]);
    }
    return failed;
}

static int send_hello(struct sb_node *node)
{
    char *json;
    size_t length;
    int failed = describe_json(node->processor, &json, &length);
    if (failed != 0) {
        return failed;
    }
    struct wire_hello *hello = &uplink_begin(node, WIRE_HELLO)->hello;
    hello->protocol = WIRE_PROTOCOL_VERSION;
    text_copy(hello->sdk_version, sizeof hello->sdk_version, SB_VERSION_STRING);
    text_copy(hello->name, sizeof hello->name, node->processor->name);
    text_copy(hello->version, sizeof hello->version, node->processor->version);
    hello->digest = hash_bytes(json, length);
    free(json);
    return uplink_send(node);
}

static int receive_setup(struct sb_node *node)
{
    for (;;) {
        int fds[LIMIT_MESSAGE_FDS_MAX];
        size_t fd_count = 0;
        int received = uplink_receive(node, fds, &fd_count);
        if (received < 0) {
            return received;
        }
        if (received == 1) {
            break;
        }
        int failed = uplink_wait(node);
        if (failed != 0) {
            return failed;
        }
    }
    node->phase = WIRE_OPENING;
    return boot_apply_setup(node, &node->incoming->setup);
}

static int tell_failed(struct sb_node *node, const char *what, int code)
{
    struct wire_failed *failed = &uplink_begin(node, WIRE_FAILED)->failed;
    failed->code = code;
    snprintf(failed->text, sizeof failed->text, "%s: %s", what, node_log_error_text(node, code));
    uplink_send(node);
    return code;
}

static int open_processor(struct sb_node *node)
{
    status_phase(node, WORKER_OPENING);
    node->error[0] = '\0';
    int failed = node->processor->open != NULL ? node->processor->open(node) : 0;
    if (failed < 0) {
        return tell_failed(node, "open", failed);
    }
    node->is_open = true;
    output_offer_defaults(node);
    output_offer_send(node);
    uplink_begin(node, WIRE_OPENED);
    return uplink_send(node);
}

int boot_run(struct sb_node *node)
{
    node->control = WORKER_CONTROL_FD;
    node->exit_status = SB_EXIT_FAILED;
    int failed = send_hello(node);
    if (failed != 0) {
        return failed;
    }
    failed = receive_setup(node);
    if (failed != 0) {
        node->exit_status = failed == -EINVAL ? SB_EXIT_BAD_CONFIG : SB_EXIT_FAILED;
        return failed == -EPIPE ? failed : tell_failed(node, "setup", failed);
    }
    // The clock is in the bell page, and open() may ask for its period.
    while (failed == 0 && node->bell_map.bytes == NULL) {
        failed = control_wait_message(node);
    }
    if (failed == 0) {
        failed = open_processor(node);
    }
    while (failed == 0 && !node->is_started) {
        failed = control_wait_message(node);
    }
    // From the first step on, and before the first claim, the agreed formats are known.
    for (uint32_t i = 0; failed == 0 && i < node->output_count; i++) {
        failed = output_adopt_next(&node->outputs[i]);
    }
    if (failed != 0) {
        return failed;
    }
    carrier_keep_await(node);
    status_phase(node, WORKER_READY);
    uplink_begin(node, WIRE_READY);
    failed = uplink_send(node);
    node->phase = WIRE_RUNNING;
    return failed;
}
