// SPDX-License-Identifier: Apache-2.0
// Which format a link carries. Pure: what is offered and what is accepted in, a choice out.
//
// Outputs that lead into the same input are agreed together, because that input must get one
// format; an input of type any takes a different format from each of its links.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <streambroker/format.h>

// What an input accepts: the constraints of its port. 0 = no bound, as in struct sb_port.
struct negotiation_input {
    const char *address;  // node.port, borrowed
    enum sb_port_type type;
    uint32_t pixels;
    uint32_t samples;
    uint32_t rate_min;
    uint32_t rate_max;
    uint32_t channels_min;
    uint32_t channels_max;
    uint32_t kinds;
    const char *message;              // full protobuf name, NULL = any; borrowed
    const struct sb_format *settled;  // a link that is not part of this choice carries it; or NULL
};

// What an output can give, best first.
struct negotiation_output {
    const char *address;  // node.port, borrowed
    const struct sb_format *formats;
    size_t format_count;
};

// One choice: outputs that must agree, and every input that one of them leads to.
struct negotiation {
    const struct negotiation_output *outputs;
    size_t output_count;
    const struct negotiation_input *inputs;
    size_t input_count;
};

struct descriptor_port;

// What a port accepts, by its description.
struct negotiation_input negotiation_input_of(const char *address,
                                              const struct descriptor_port *port,
                                              const struct sb_format *settled);

// True when the port takes such frames.
bool negotiation_accepts(const struct negotiation_input *input, const struct sb_format *format);

// Picks the first format of the first output that all other outputs offer too and every input
// accepts. Returns 0 and the format; -ENOENT with a text that shows both sides' lists.
int negotiation_choose(const struct negotiation *negotiation, struct sb_format *out_format,
                       char *text, size_t text_bytes);
