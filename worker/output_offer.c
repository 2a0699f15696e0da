// SPDX-License-Identifier: Apache-2.0
// What an output says it can give, and when the broker is told.
#include <errno.h>
#include <string.h>

#include "worker/output_offer.h"
#include "worker/uplink.h"

static const enum sb_port_type port_of_kind[] = {
#define X(name, text, port) [SB_FORMAT_##name] = port,
    SB_FORMAT_KINDS(X)
#undef X
};

static bool is_of_port(const struct sb_port *port, const struct sb_format *format)
{
    return port->type == SB_PORT_ANY || port_of_kind[format->kind] == port->type;
}

bool output_offer_has(const struct sb_output *output, const struct sb_format *format)
{
    for (size_t i = 0; i < output->offer_count; i++) {
        if (sb_format_is_equal(&output->offers[i], format)) {
            return true;
        }
    }
    return false;
}

// The same once more: the answer would be the same memory, and nobody would send it.
static bool is_repeated(const struct sb_output *output, const struct sb_format *formats,
                        size_t count, uint64_t frame_bytes_max)
{
    bool is_same = output->offer_count == count && output->offer_bytes == frame_bytes_max;
    for (size_t i = 0; is_same && i < count; i++) {
        is_same = sb_format_is_equal(&output->offers[i], &formats[i]) != 0;
    }
    return is_same;
}

int sb_output_offer(struct sb_output *output, const struct sb_format *formats, size_t count,
                    uint64_t frame_bytes_max)
{
    if (count > LIMIT_FORMATS_MAX) {
        return -E2BIG;
    }
    if (count == 0 || frame_bytes_max > LIMIT_PAYLOAD_BYTES_MAX) {
        return -EINVAL;
    }
    for (size_t i = 0; i < count; i++) {
        if (sb_format_check(&formats[i]) != 0 || !is_of_port(output->port, &formats[i])) {
            return -EINVAL;
        }
    }
    if (is_repeated(output, formats, count, frame_bytes_max)) {
        return 0;
    }
    memcpy(output->offers, formats, count * sizeof *formats);
    output->offer_count = count;
    output->offer_bytes = frame_bytes_max;
    output->is_offer_new = true;
    output->credit = 0;
    return 0;
}

void output_offer_defaults(struct sb_node *node)
{
    for (uint32_t i = 0; i < node->output_count; i++) {
        struct sb_output *output = &node->outputs[i];
        if (output->offer_count > 0 || output->port->follows != NULL) {
            continue;
        }
        struct sb_format format = {0};
        if (output->port->type == SB_PORT_TEXT) {
            format.kind = SB_FORMAT_TEXT;
        } else if (output->port->type == SB_PORT_DATA) {
            format.kind = SB_FORMAT_BINARY;
        } else {
            continue;
        }
        sb_output_offer(output, &format, 1, output->port->max_payload);
    }
}

void output_offer_follow(struct sb_node *node, const struct sb_input *input)
{
    for (uint32_t i = 0; i < node->output_count; i++) {
        struct sb_output *output = &node->outputs[i];
        if (output->port->follows != NULL && strcmp(output->port->follows, input->name) == 0) {
            // What came in a slot of this size goes out in one, unless the port says otherwise.
            uint64_t bytes =
                output->port->max_payload > 0 ? output->port->max_payload : input->frame_bytes_max;
            sb_output_offer(output, &input->format, 1, bytes);
        }
    }
}

// False when the memory that it has is that of links which are gone: then it needs new memory.
static bool has_carrier(const struct sb_output *output)
{
    for (uint32_t i = 0; i < output->link_count; i++) {
        if (output->now->writers[i].page != NULL && !output->links[i]->is_leaving) {
            return true;
        }
    }
    return false;
}

void output_offer_again(struct sb_output *output)
{
    if (output->offer_count > 0 && !output->is_ended) {
        output->is_offer_new = true;
        if (output->node->is_open) {
            output_offer_send(output->node);
        }
    }
}

void output_offer_send(struct sb_node *node)
{
    for (uint32_t i = 0; i < node->output_count; i++) {
        struct sb_output *output = &node->outputs[i];
        if (!output->is_offer_new) {
            continue;
        }
        output->is_offer_new = false;
        if (output->live_count == 0) {
            continue;
        }
        bool is_same = output->now != NULL && has_carrier(output) &&
                       output->offer_bytes <= output->now->pool.payload_bytes &&
                       sb_format_is_equal(&output->now->format, &output->offers[0]);
        if (is_same) {
            output->is_format_wanted = false;
            continue;
        }
        // From here on a claim waits for the memory of the new format.
        output->is_format_wanted = true;
        struct wire_message *message = uplink_begin(node, WIRE_FORMATS);
        struct wire_formats *formats = &message->formats;
        memcpy(formats->output, output->name, sizeof formats->output);
        formats->format_count = output->offer_count;
        memcpy(formats->formats, output->offers, output->offer_count * sizeof output->offers[0]);
        formats->frame_bytes_max = output->offer_bytes;
        uplink_send(node);
    }
}
