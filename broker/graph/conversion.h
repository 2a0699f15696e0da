// SPDX-License-Identifier: Apache-2.0
// Which stock processors join an output and an input that do not meet. Pure: two sides in, the
// shortest chain out; of two that are equally long the one that converter.def names first.
//
// A side is a set: before anyone runs it is what a descriptor says, later one format that is
// offered. What is not bounded is 0, as in struct sb_port.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <streambroker/format.h>

#define CONVERSION_STEPS_MAX 3
#define CONVERSION_PARAMS_MAX 3
#define CONVERSION_VALUE_BYTES 16

// What of a format a converter can change, as bits.
enum conversion_change {
    CONVERSION_PIXEL = 1,
    CONVERSION_SIZE = 2,
    CONVERSION_SAMPLE = 4,
    CONVERSION_RATE = 8,
    CONVERSION_CHANNELS = 16,
};

enum converter {
#define CONVERTER(NAME, processor, KIND, CHANGES, pixels, FROM, TO) CONVERTER_##NAME,
#include "broker/graph/converter.def"
#undef CONVERTER
    CONVERTER_COUNT
};

struct conversion_side {
    enum sb_format_kind kind;
    uint32_t memories;  // set of SB_BIT(enum sb_memory), never 0
    uint32_t pixels;    // set of SB_BIT(enum sb_pixel)
    uint32_t width;     // 0 = any
    uint32_t height;
    uint32_t samples;  // set of SB_BIT(enum sb_sample)
    uint32_t rate_min;
    uint32_t rate_max;
    uint32_t channels_min;
    uint32_t channels_max;
};

// A parameter of a converter, as a graph file would give it.
struct conversion_param {
    const char *name;
    char value[CONVERSION_VALUE_BYTES];
};

struct conversion_step {
    enum converter converter;
    size_t param_count;
    struct conversion_param params[CONVERSION_PARAMS_MAX];
};

struct conversion {
    size_t step_count;
    struct conversion_step steps[CONVERSION_STEPS_MAX];
};

// The side of an output that offers this one format from a set of memories.
struct conversion_side conversion_side_of(const struct sb_format *format, uint32_t memories);

// True when one format can be given and taken.
bool conversion_meets(const struct conversion_side *from, const struct conversion_side *to);

// Finds the shortest chain between sides that do not meet. Returns 0; -ENOENT when there is none.
int conversion_find(const struct conversion_side *from, const struct conversion_side *to,
                    struct conversion *out_conversion);

const char *conversion_processor(enum converter converter);
enum sb_format_kind conversion_kind(enum converter converter);

// True when it works on a GPU, at one end at least.
bool conversion_is_on_gpu(enum converter converter);

// "'convert'", "'scale' and 'convert'": for messages.
void conversion_text(const struct conversion *conversion, char *out, size_t size_bytes);
