// SPDX-License-Identifier: Apache-2.0
// What a processor says about itself: the JSON of `PROCESSOR --describe`, checked, as plain data.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <streambroker/processor.h>

#include "base/diag.h"

#define DESCRIPTOR_BYTES_MAX (256 * 1024)
#define DESCRIPTOR_SCHEMA 1

struct descriptor_formats {
    uint32_t memories;  // set of SB_BIT(SB_MEMORY_...), never 0
    uint32_t kinds;     // set of SB_BIT(SB_FORMAT_...), 0 = no restriction, as everywhere here
    uint32_t pixels;    // set of SB_BIT(SB_PIXEL_...)
    uint32_t samples;   // set of SB_BIT(SB_SAMPLE_...)
    uint32_t rate_min;
    uint32_t rate_max;
    uint32_t channels_min;
    uint32_t channels_max;
    const char *message;  // full protobuf name, NULL = any
};

struct descriptor_port {
    const char *name;
    enum sb_port_type type;
    const char *help;
    uint32_t count;  // 0: one port; n: members name_0 to name_(n-1)
    struct descriptor_formats formats;
    // inputs
    bool is_optional;
    enum sb_delivery delivery;  // never SB_DELIVERY_DEFAULT
    uint32_t holds;             // 1 or more
    bool is_memory;
    // outputs
    uint32_t claims;  // 1 or more
    bool is_one_per_step;
    uint64_t max_payload;  // 0 = says nothing
    const char *follows;   // NULL = none
};

struct descriptor_param {
    const char *name;
    enum sb_param_type type;
    const char *help;
    const char *initial;  // NULL = must be given
    double minimum;
    double maximum;  // bounds hold when minimum < maximum
    size_t choice_count;
    const char *const *choices;
    bool is_fixed;
};

struct descriptor {
    const char *name;
    const char *version;
    const char *summary;
    enum sb_mode mode;  // never SB_MODE_DEFAULT
    uint32_t modes;     // set of SB_BIT(enum sb_mode) that it can run in, 0 = not said
    int64_t interval_ns;
    enum sb_activation activation;  // never SB_ACTIVATE_DEFAULT
    uint32_t batch_count;
    int64_t batch_within_ns;
    size_t want_count;
    const char *const *wants;
    size_t input_count;
    const struct descriptor_port *inputs;
    size_t output_count;
    const struct descriptor_port *outputs;
    size_t param_count;
    const struct descriptor_param *params;
    uint64_t digest;      // hash_bytes() of the JSON without the white space around it
    struct arena *arena;  // owned
};

// Parses and checks what a processor printed: hostile bytes. Returns 0, -EPROTO with out_why->text
// (line and column of the JSON where they are known), or -ENOMEM.
int descriptor_parse(const char *json, size_t count, struct descriptor **out_descriptor,
                     struct diag *out_why);
void descriptor_destroy(struct descriptor *descriptor);

// The port of a name as links write it ("video", "video_3"); out_index is the member, 0 for a
// single port. NULL when there is none.
const struct descriptor_port *descriptor_find_input(const struct descriptor *descriptor,
                                                    const char *name, uint32_t *out_index);
const struct descriptor_port *descriptor_find_output(const struct descriptor *descriptor,
                                                     const char *name, uint32_t *out_index);
const struct descriptor_param *descriptor_find_param(const struct descriptor *descriptor,
                                                     const char *name);
