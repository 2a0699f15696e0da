// SPDX-License-Identifier: Apache-2.0
// Checks a descriptor: its author reads the sentence, so it names the port or the parameter.
#include "worker/describe_check.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "schemas/limits.h"
#include "worker/param.h"

// What the broker reads of a descriptor at most.
#define VERSION_BYTES_MAX 64
#define TEXT_BYTES_MAX 4096
#define WANTS_MAX 16
#define INDEX_DIGITS_MAX 3  // "_63"

// Every check below returns true, or false after it said why here.
static bool refuse(struct text *reason, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct text *reason, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    text_add_format_list(reason, format, list);
    va_end(list);
    return false;
}

static uint32_t set_of_pixels(void)
{
#define X(name, text, planes, bytes) | SB_BIT(SB_PIXEL_##name)
    return 0 SB_PIXELS(X);
#undef X
}

static uint32_t set_of_samples(void)
{
#define X(name, text, bytes) | SB_BIT(SB_SAMPLE_##name)
    return 0 SB_SAMPLES(X);
#undef X
}

// The kinds that a port of this type can carry.
static uint32_t set_of_kinds(enum sb_port_type type)
{
    uint32_t set = 0;
#define X(name, text, port)                                                                        \
    if (type == SB_PORT_ANY || type == (port)) {                                                   \
        set |= SB_BIT(SB_FORMAT_##name);                                                           \
    }
    SB_FORMAT_KINDS(X)
#undef X
    return set;
}

static bool is_range(uint32_t lowest, uint32_t highest, uint32_t limit)
{
    return lowest <= limit && highest <= limit && (highest == 0 || lowest <= highest);
}

static bool check_formats(const struct sb_port *port, struct text *reason)
{
    if ((port->pixels & ~set_of_pixels()) != 0 || (port->samples & ~set_of_samples()) != 0) {
        return refuse(reason, "has port '%s' with a pixel or sample format that does not exist",
                      port->name);
    }
    uint32_t memories = SB_BIT(SB_MEMORY_CPU) | SB_BIT(SB_MEMORY_GPU);
    if ((port->memories & ~memories) != 0) {
        return refuse(reason, "has port '%s' with a memory that does not exist", port->name);
    }
    if ((port->kinds & ~set_of_kinds(port->type)) != 0) {
        return refuse(reason, "has port '%s' with kinds that a port of type %s cannot carry",
                      port->name, sb_port_type_name(port->type));
    }
    if (!is_range(port->rate_min, port->rate_max, SB_AUDIO_RATE_MAX) ||
        !is_range(port->channels_min, port->channels_max, SB_AUDIO_CHANNELS_MAX)) {
        return refuse(reason, "has port '%s' with bounds of rate or channels that hold for nothing",
                      port->name);
    }
    struct sb_format message = {.kind = SB_FORMAT_MESSAGE};
    if (port->message != NULL && (!text_copy(message.name, sizeof message.name, port->message) ||
                                  sb_format_check(&message) != 0)) {
        return refuse(reason, "has port '%s' with a message that is no protobuf name", port->name);
    }
    return true;
}

static bool check_port(const struct sb_port *port, struct text *reason)
{
    if (port->name == NULL || !text_is_id(port->name)) {
        return refuse(reason, "has a port whose name is not [a-z][a-z0-9_-]*");
    }
    if (port->type < SB_PORT_VIDEO || port->type > SB_PORT_ANY) {
        return refuse(reason, "has port '%s' without a type", port->name);
    }
    if (port->count > SB_PORT_ARRAY_MAX) {
        return refuse(reason, "has port '%s' with %u members; at most %d are allowed", port->name,
                      port->count, SB_PORT_ARRAY_MAX);
    }
    if (port->count > 0 && strlen(port->name) + INDEX_DIGITS_MAX >= SB_NAME_BYTES_MAX) {
        return refuse(reason, "has port '%s' whose name leaves no room for the number of a member",
                      port->name);
    }
    if (port->help != NULL && strlen(port->help) > TEXT_BYTES_MAX) {
        return refuse(reason, "has port '%s' with a help of more than %d bytes", port->name,
                      TEXT_BYTES_MAX);
    }
    if (port->holds > LIMIT_CLAIMS_MAX || port->claims > LIMIT_CLAIMS_MAX) {
        return refuse(reason, "has port '%s' with %u frames to keep; at most %d are allowed",
                      port->name, port->holds > port->claims ? port->holds : port->claims,
                      LIMIT_CLAIMS_MAX);
    }
    if ((uint32_t)port->delivery > SB_DELIVERY_LATEST) {
        return refuse(reason, "has port '%s' with a delivery that does not exist", port->name);
    }
    if (port->max_payload > LIMIT_PAYLOAD_BYTES_MAX) {
        return refuse(reason, "has port '%s' with a max_payload above 4 GiB", port->name);
    }
    return check_formats(port, reason);
}

// True when this is the name of the port, or of a member of the array.
static bool has_name(const struct sb_port *port, const char *name)
{
    if (port->count == 0) {
        return strcmp(port->name, name) == 0;
    }
    for (uint32_t i = 0; i < port->count; i++) {
        char bytes[SB_NAME_BYTES_MAX + INDEX_DIGITS_MAX];
        struct text member = TEXT_OVER(bytes);
        text_add_format(&member, "%s_%u", port->name, i);
        if (strcmp(bytes, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool check_ports(const struct sb_port *ports, size_t count, struct text *reason)
{
    if (count > SB_PORTS_MAX) {
        return refuse(reason, "has %zu inputs or outputs; at most %d are allowed", count,
                      SB_PORTS_MAX);
    }
    if (count > 0 && ports == NULL) {
        return refuse(reason, "counts %zu ports and has no table of them", count);
    }
    for (size_t i = 0; i < count; i++) {
        if (!check_port(&ports[i], reason)) {
            return false;
        }
        for (size_t other = 0; other < i; other++) {
            if (strcmp(ports[i].name, ports[other].name) == 0 ||
                has_name(&ports[i], ports[other].name) || has_name(&ports[other], ports[i].name)) {
                return refuse(reason, "has two ports of one name: '%s' and '%s'", ports[other].name,
                              ports[i].name);
            }
        }
    }
    return true;
}

static bool check_follows(const struct sb_processor *processor, struct text *reason)
{
    for (size_t i = 0; i < processor->output_count; i++) {
        const struct sb_port *output = &processor->outputs[i];
        const struct sb_port *input = NULL;
        for (size_t n = 0; output->follows != NULL && n < processor->input_count; n++) {
            if (has_name(&processor->inputs[n], output->follows)) {
                input = &processor->inputs[n];
            }
        }
        if (output->follows != NULL && input == NULL) {
            return refuse(reason, "has output '%s', which follows '%s', which is no input",
                          output->name, output->follows);
        }
        if (input != NULL && output->type != SB_PORT_ANY && output->type != input->type) {
            return refuse(reason, "has output '%s' of type %s, which follows '%s' of type %s",
                          output->name, sb_port_type_name(output->type), output->follows,
                          sb_port_type_name(input->type));
        }
    }
    return true;
}

static size_t count_words(const char *const *words, size_t limit)
{
    size_t count = 0;
    while (words != NULL && count <= limit && words[count] != NULL) {
        count++;
    }
    return count;
}

static bool check_param(const struct sb_param *param, struct text *reason)
{
    if (param->name == NULL || !text_is_id(param->name)) {
        return refuse(reason, "has a parameter whose name is not [a-z][a-z0-9_-]*");
    }
    if (param->type < SB_PARAM_INT || param->type > SB_PARAM_PATH) {
        return refuse(reason, "has parameter '%s' without a type", param->name);
    }
    if (!isfinite(param->minimum) || !isfinite(param->maximum)) {
        return refuse(reason, "has parameter '%s' with bounds that are no numbers; leave both 0",
                      param->name);
    }
    if (param->help != NULL && strlen(param->help) > TEXT_BYTES_MAX) {
        return refuse(reason, "has parameter '%s' with a help of more than %d bytes", param->name,
                      TEXT_BYTES_MAX);
    }
    size_t choices = count_words(param->choices, SB_CHOICES_MAX);
    if (choices > SB_CHOICES_MAX || (param->type == SB_PARAM_CHOICE && choices == 0)) {
        return refuse(reason, "has parameter '%s' with no choices or more than %d", param->name,
                      SB_CHOICES_MAX);
    }
    if (param->initial == NULL) {
        return true;
    }
    if (strlen(param->initial) >= SB_STRING_BYTES_MAX) {
        return refuse(reason, "has parameter '%s' with a default of more than %d bytes",
                      param->name, SB_STRING_BYTES_MAX - 1);
    }
    struct param_value value;
    char why[LIMIT_ERROR_TEXT_BYTES_MAX];
    if (param_parse(param, param->initial, &value, why, sizeof why) != 0) {
        return refuse(reason, "has a default that does not fit: %s", why);
    }
    return true;
}

static bool check_params(const struct sb_processor *processor, struct text *reason)
{
    if (processor->param_count > SB_PARAMS_MAX) {
        return refuse(reason, "has %zu parameters; at most %d are allowed", processor->param_count,
                      SB_PARAMS_MAX);
    }
    if (processor->param_count > 0 && processor->params == NULL) {
        return refuse(reason, "counts %zu parameters and has no table of them",
                      processor->param_count);
    }
    for (size_t i = 0; i < processor->param_count; i++) {
        const struct sb_param *param = &processor->params[i];
        if (!check_param(param, reason)) {
            return false;
        }
        for (size_t other = 0; other < i; other++) {
            if (strcmp(param->name, processor->params[other].name) == 0) {
                return refuse(reason, "has two parameters of one name: '%s'", param->name);
            }
        }
    }
    return true;
}

const char *describe_check_mode(const struct sb_processor *processor, enum sb_mode mode)
{
    bool has_frames = processor->on_frame != NULL || processor->on_frames != NULL;
    switch (mode) {
    case SB_MODE_TICK:
        return processor->on_tick == NULL ? "has mode tick and no on_tick" : NULL;
    case SB_MODE_CONTINUOUS:
        return processor->on_loop == NULL ? "has mode continuous and no on_loop" : NULL;
    case SB_MODE_MANUAL:
        return processor->run == NULL ? "has mode manual and no run" : NULL;
    case SB_MODE_REACTIVE:
    case SB_MODE_DEFAULT:
        return !has_frames ? "has mode reactive and neither on_frame nor on_frames" : NULL;
    default:
        return "has a mode that does not exist";
    }
}

static bool is_duration(int64_t ns)
{
    return ns >= 0 && ns <= LIMIT_DURATION_NS_MAX;
}

static bool check_timing(const struct sb_processor *processor, struct text *reason)
{
    const char *problem = describe_check_mode(processor, processor->mode);
    if (problem != NULL) {
        return refuse(reason, "%s", problem);
    }
    if ((uint32_t)processor->activation > SB_ACTIVATE_EVERY) {
        return refuse(reason, "has an activation that does not exist");
    }
    if (!is_duration(processor->interval_ns) || !is_duration(processor->batch_within_ns)) {
        return refuse(reason, "has an interval or a time limit that is out of bounds");
    }
    bool is_batch = processor->activation == SB_ACTIVATE_BATCH;
    if (processor->batch_count > LIMIT_CLAIMS_MAX || (is_batch && processor->batch_count == 0)) {
        return refuse(reason, "has batches of %u frames; from 1 to %d are allowed",
                      processor->batch_count, LIMIT_CLAIMS_MAX);
    }
    if (processor->activation == SB_ACTIVATE_EVERY && processor->interval_ns == 0) {
        return refuse(reason, "has activation every and no interval_ns");
    }
    return true;
}

static bool check_program(const struct sb_processor *processor, struct text *reason)
{
    if (processor->name == NULL || !text_is_id(processor->name)) {
        return refuse(reason, "has a name that is not [a-z][a-z0-9_-]*");
    }
    if (processor->version == NULL || strlen(processor->version) >= VERSION_BYTES_MAX) {
        return refuse(reason, "has no version, or one of %d bytes or more", VERSION_BYTES_MAX);
    }
    if (processor->summary != NULL && strlen(processor->summary) > TEXT_BYTES_MAX) {
        return refuse(reason, "has a summary of more than %d bytes", TEXT_BYTES_MAX);
    }
    if (count_words(processor->wants, WANTS_MAX) > WANTS_MAX) {
        return refuse(reason, "wants more than %d things", WANTS_MAX);
    }
    return true;
}

int describe_check(const struct sb_processor *processor, char *reason, size_t reason_bytes)
{
    struct text why = text_over(reason, reason_bytes);
    if (processor->struct_size != sizeof *processor) {
        // Nothing behind the size means what it says.
        (void)refuse(&why, "the processor was compiled for another version of this library");
        return -EINVAL;
    }
    text_add_format(&why, "processor '%.64s' ", processor->name != NULL ? processor->name : "?");
    bool is_fine = check_program(processor, &why) &&
                   check_ports(processor->inputs, processor->input_count, &why) &&
                   check_ports(processor->outputs, processor->output_count, &why) &&
                   check_follows(processor, &why) && check_params(processor, &why) &&
                   check_timing(processor, &why);
    if (!is_fine) {
        return -EINVAL;
    }
    reason[0] = '\0';
    return 0;
}
