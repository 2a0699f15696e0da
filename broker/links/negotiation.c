// SPDX-License-Identifier: Apache-2.0
// One format for each group of links, or both lists in an error.
#include "broker/links/negotiation.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "broker/graph/descriptor.h"

#define FORMAT_TEXT_BYTES 160

static bool is_in_set(uint32_t set, unsigned value)
{
    return set == 0 || (value < 32 && (set & SB_BIT(value)) != 0);
}

static bool is_between(uint32_t value, uint32_t minimum, uint32_t maximum)
{
    return value >= minimum && (maximum == 0 || value <= maximum);
}

static enum sb_port_type port_of_kind(enum sb_format_kind kind)
{
    switch (kind) {
#define X(name, text, port)                                                                        \
    case SB_FORMAT_##name:                                                                         \
        return port;
        SB_FORMAT_KINDS(X)
#undef X
    case SB_FORMAT_NONE:
        break;
    }
    return SB_PORT_NONE;
}

static bool accepts_details(const struct negotiation_input *input, const struct sb_format *format)
{
    if (format->kind == SB_FORMAT_VIDEO) {
        return is_in_set(input->pixels, format->video.pixel);
    }
    if (format->kind == SB_FORMAT_AUDIO) {
        return is_in_set(input->samples, format->audio.sample) &&
               is_between(format->audio.rate, input->rate_min, input->rate_max) &&
               is_between(format->audio.channels, input->channels_min, input->channels_max);
    }
    if (format->kind == SB_FORMAT_MESSAGE && input->message != NULL) {
        return strcmp(format->name, input->message) == 0;
    }
    return true;
}

struct negotiation_input negotiation_input_of(const char *address,
                                              const struct descriptor_port *port,
                                              const struct sb_format *settled)
{
    const struct descriptor_formats *formats = &port->formats;
    return (struct negotiation_input){
        .address = address,
        .type = port->type,
        .pixels = formats->pixels,
        .samples = formats->samples,
        .rate_min = formats->rate_min,
        .rate_max = formats->rate_max,
        .channels_min = formats->channels_min,
        .channels_max = formats->channels_max,
        .kinds = formats->kinds,
        .message = formats->message,
        .settled = settled,
    };
}

bool negotiation_accepts(const struct negotiation_input *input, const struct sb_format *format)
{
    if (input->settled != NULL && input->type != SB_PORT_ANY &&
        !sb_format_is_equal(input->settled, format)) {
        return false;
    }
    bool is_of_type = input->type == SB_PORT_ANY || input->type == port_of_kind(format->kind);
    return is_of_type && is_in_set(input->kinds, format->kind) && accepts_details(input, format);
}

static bool offers(const struct negotiation_output *output, const struct sb_format *format)
{
    for (size_t i = 0; i < output->format_count; i++) {
        if (sb_format_is_equal(&output->formats[i], format)) {
            return true;
        }
    }
    return false;
}

static bool is_common(const struct negotiation *negotiation, const struct sb_format *format)
{
    for (size_t i = 1; i < negotiation->output_count; i++) {
        if (!offers(&negotiation->outputs[i], format)) {
            return false;
        }
    }
    for (size_t i = 0; i < negotiation->input_count; i++) {
        if (!negotiation_accepts(&negotiation->inputs[i], format)) {
            return false;
        }
    }
    return true;
}

// Names of the members of a set: "rgba, rgb".
static void add_set(struct text *text, uint32_t set, const char *(*name)(unsigned))
{
    const char *comma = "";
    for (unsigned value = 1; value < 32; value++) {
        if ((set & SB_BIT(value)) != 0) {
            text_add_format(text, "%s%s", comma, name(value));
            comma = ", ";
        }
    }
}

static const char *pixel_name(unsigned value)
{
    return sb_pixel_name((enum sb_pixel)value);
}

static const char *sample_name(unsigned value)
{
    return sb_sample_name((enum sb_sample)value);
}

static const char *kind_name(unsigned value)
{
    return sb_format_kind_name((enum sb_format_kind)value);
}

static void add_range(struct text *text, const char *what, uint32_t minimum, uint32_t maximum)
{
    if (maximum != 0) {
        text_add_format(text, " %s %u to %u", what, minimum, maximum);
    } else if (minimum != 0) {
        text_add_format(text, " %s from %u", what, minimum);
    }
}

static void add_settled(struct text *text, const struct negotiation_input *input)
{
    if (input->settled != NULL && input->type != SB_PORT_ANY) {
        char format[FORMAT_TEXT_BYTES];
        sb_format_text(input->settled, format, sizeof format);
        text_add_format(text, ", and another link into it carries %s", format);
    }
}

static void add_input(struct text *text, const struct negotiation_input *input)
{
    text_add_format(text, "%s accepts %s", input->address,
                    input->type == SB_PORT_ANY ? "any format" : sb_port_type_name(input->type));
    if (input->kinds != 0) {
        text_add(text, " ");
        add_set(text, input->kinds, kind_name);
    }
    if (input->pixels != 0) {
        text_add(text, " ");
        add_set(text, input->pixels, pixel_name);
    }
    if (input->samples != 0) {
        text_add(text, " ");
        add_set(text, input->samples, sample_name);
    }
    add_range(text, "rate", input->rate_min, input->rate_max);
    add_range(text, "channels", input->channels_min, input->channels_max);
    if (input->message != NULL) {
        text_add_format(text, " %s", input->message);
    }
    add_settled(text, input);
}

static void add_output(struct text *text, const struct negotiation_output *output)
{
    text_add_format(text, "%s offers ", output->address);
    for (size_t i = 0; i < output->format_count; i++) {
        char format[FORMAT_TEXT_BYTES];
        sb_format_text(&output->formats[i], format, sizeof format);
        text_add_format(text, "%s%s", i == 0 ? "" : ", ", format);
    }
    if (output->format_count == 0) {
        text_add(text, "nothing");
    }
}

static void describe(const struct negotiation *negotiation, struct text *text)
{
    text_add(text, "no common format: ");
    for (size_t i = 0; i < negotiation->output_count; i++) {
        text_add(text, i == 0 ? "" : "; ");
        add_output(text, &negotiation->outputs[i]);
    }
    for (size_t i = 0; i < negotiation->input_count; i++) {
        text_add(text, "; ");
        add_input(text, &negotiation->inputs[i]);
    }
}

int negotiation_choose(const struct negotiation *negotiation, struct sb_format *out_format,
                       char *text, size_t text_bytes)
{
    const struct negotiation_output *first = &negotiation->outputs[0];
    for (size_t i = 0; i < first->format_count; i++) {
        if (is_common(negotiation, &first->formats[i])) {
            *out_format = first->formats[i];
            return 0;
        }
    }
    struct text why = text_over(text, text_bytes);
    describe(negotiation, &why);
    return -ENOENT;
}
