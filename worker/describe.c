// SPDX-License-Identifier: Apache-2.0
// Prints a descriptor as JSON.
#include "worker/describe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "worker/describe_check.h"

#define JSON_BYTES_MAX 262144
#define DESCRIBE_SCHEMA 1

static void add_string(struct text *json, const char *key, const char *value)
{
    text_add_format(json, "\"%s\":", key);
    if (value == NULL) {
        text_add(json, "null");
    } else {
        text_add_json(json, value, strlen(value));
    }
}

static void add_list(struct text *json, const char *key, const char *const *words)
{
    text_add_format(json, "\"%s\":[", key);
    for (size_t i = 0; words != NULL && words[i] != NULL; i++) {
        text_add(json, i == 0 ? "" : ",");
        text_add_json(json, words[i], strlen(words[i]));
    }
    text_add(json, "]");
}

static const char *pixel_name(uint32_t value)
{
    return sb_pixel_name((enum sb_pixel)value);
}

static const char *sample_name(uint32_t value)
{
    return sb_sample_name((enum sb_sample)value);
}

static const char *memory_name(uint32_t value)
{
    return sb_memory_name((enum sb_memory)value);
}

static const char *kind_name(uint32_t value)
{
    return sb_format_kind_name((enum sb_format_kind)value);
}

static void add_set(struct text *json, const char *key, uint32_t set,
                    const char *(*name)(uint32_t value))
{
    text_add_format(json, "\"%s\":[", key);
    const char *separator = "";
    for (uint32_t value = 1; value < 32; value++) {
        if ((set & SB_BIT(value)) != 0) {
            text_add_format(json, "%s\"%s\"", separator, name(value));
            separator = ",";
        }
    }
    text_add(json, "]");
}

static void add_formats(struct text *json, const struct sb_port *port)
{
    text_add(json, "\"formats\":{");
    uint32_t memories = port->memories != 0 ? port->memories : SB_BIT(SB_MEMORY_CPU);
    add_set(json, "memories", memories, memory_name);
    text_add(json, ",");
    add_set(json, "kinds", port->kinds, kind_name);
    text_add(json, ",");
    add_set(json, "pixels", port->pixels, pixel_name);
    text_add(json, ",");
    add_set(json, "samples", port->samples, sample_name);
    text_add_format(json, ",\"rate\":[%u,%u],\"channels\":[%u,%u],", port->rate_min, port->rate_max,
                    port->channels_min, port->channels_max);
    add_string(json, "message", port->message);
    text_add(json, "}");
}

static const char *const delivery_names[] = {[SB_DELIVERY_DEFAULT] = "lossless",
#define X(name, text) [SB_DELIVERY_##name] = text,
                                             SB_DELIVERIES(X)
#undef X
};

static const char *const mode_names[] = {[SB_MODE_DEFAULT] = "reactive",
#define X(name, text) [SB_MODE_##name] = text,
                                         SB_MODES(X)
#undef X
};

static const char *const activation_names[] = {[SB_ACTIVATE_DEFAULT] = "any",
#define X(name, text) [SB_ACTIVATE_##name] = text,
                                               SB_ACTIVATIONS(X)
#undef X
};

static const char *const type_names[] = {
#define X(name, text) [SB_PARAM_##name] = text,
    SB_PARAM_TYPES(X)
#undef X
};

static const char *boolean(bool value)
{
    return value ? "true" : "false";
}

static void add_port(struct text *json, const struct sb_port *port, bool is_output)
{
    text_add(json, "{");
    add_string(json, "name", port->name);
    text_add(json, ",");
    add_string(json, "type", sb_port_type_name(port->type));
    text_add(json, ",");
    add_string(json, "help", port->help != NULL ? port->help : "");
    text_add_format(json, ",\"count\":%u,", port->count);
    if (is_output) {
        text_add_format(json, "\"claims\":%u,\"one_per_step\":%s,\"max_payload\":%llu,",
                        port->claims > 0 ? port->claims : 1, boolean(port->is_one_per_step),
                        (unsigned long long)port->max_payload);
        add_string(json, "follows", port->follows);
    } else {
        text_add_format(json, "\"optional\":%s,\"delivery\":\"%s\",\"holds\":%u,\"memory\":%s",
                        boolean(port->is_optional), delivery_names[port->delivery],
                        port->holds > 0 ? port->holds : 1, boolean(port->is_memory));
    }
    text_add(json, ",");
    add_formats(json, port);
    text_add(json, "}");
}

static void add_ports(struct text *json, const char *key, const struct sb_port *ports, size_t count,
                      bool is_output)
{
    text_add_format(json, "\"%s\":[", key);
    for (size_t i = 0; i < count; i++) {
        text_add(json, i == 0 ? "" : ",");
        add_port(json, &ports[i], is_output);
    }
    text_add(json, "]");
}

static void add_param(struct text *json, const struct sb_param *param)
{
    text_add(json, "{");
    add_string(json, "name", param->name);
    text_add_format(json, ",\"type\":\"%s\",", type_names[param->type]);
    add_string(json, "help", param->help != NULL ? param->help : "");
    text_add(json, ",");
    add_string(json, "default", param->initial);
    text_add_format(json, ",\"minimum\":%.17g,\"maximum\":%.17g,", param->minimum, param->maximum);
    add_list(json, "choices", param->choices);
    text_add_format(json, ",\"fixed\":%s}", boolean(param->is_fixed));
}

// The modes for which it has a call-back: a graph can ask for these and no other.
static void add_modes(struct text *json, const struct sb_processor *processor)
{
    const char *names[ARRAY_COUNT(mode_names) + 1] = {NULL};
    size_t count = 0;
    for (size_t mode = SB_MODE_DEFAULT + 1; mode < ARRAY_COUNT(mode_names); mode++) {
        if (describe_check_mode(processor, (enum sb_mode)mode) == NULL) {
            names[count++] = mode_names[mode];
        }
    }
    add_list(json, "modes", names);
    text_add(json, ",");
}

static void add_all(struct text *json, const struct sb_processor *processor)
{
    text_add_format(json, "{\"streambroker\":%d,", DESCRIBE_SCHEMA);
    add_string(json, "name", processor->name);
    text_add(json, ",");
    add_string(json, "version", processor->version);
    text_add(json, ",");
    add_string(json, "summary", processor->summary != NULL ? processor->summary : "");
    text_add_format(json,
                    ",\"mode\":\"%s\",\"interval_ns\":%lld,"
                    "\"activation\":{\"kind\":\"%s\",\"count\":%u,\"within_ns\":%lld},",
                    mode_names[processor->mode], (long long)processor->interval_ns,
                    activation_names[processor->activation], processor->batch_count,
                    (long long)processor->batch_within_ns);
    add_modes(json, processor);
    add_list(json, "wants", processor->wants);
    text_add(json, ",");
    add_ports(json, "inputs", processor->inputs, processor->input_count, false);
    text_add(json, ",");
    add_ports(json, "outputs", processor->outputs, processor->output_count, true);
    text_add(json, ",\"params\":[");
    for (size_t i = 0; i < processor->param_count; i++) {
        text_add(json, i == 0 ? "" : ",");
        add_param(json, &processor->params[i]);
    }
    text_add(json, "]}");
}

int describe_json(const struct sb_processor *processor, char **out_json, size_t *out_count)
{
    char *bytes = malloc(JSON_BYTES_MAX);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    struct text json = text_over(bytes, JSON_BYTES_MAX);
    add_all(&json, processor);
    if (json.is_cut) {
        free(bytes);
        return -E2BIG;
    }
    *out_json = bytes;
    *out_count = json.length;
    return 0;
}
