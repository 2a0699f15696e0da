// SPDX-License-Identifier: Apache-2.0
// Types and bounds of parameters, before a worker exists that could complain about them.
#include "broker/graph/check_config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/nearest.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/graph/arena.h"

static const char *type_example(enum sb_param_type type)
{
    switch (type) {
    case SB_PARAM_INT:
        return "a whole number";
    case SB_PARAM_REAL:
        return "a number such as 0.5";
    case SB_PARAM_BOOL:
        return "true or false";
    case SB_PARAM_DURATION:
        return "a duration such as 250ms";
    case SB_PARAM_SIZE:
        return "a size such as 64MiB";
    case SB_PARAM_NONE:
    case SB_PARAM_STRING:
    case SB_PARAM_CHOICE:
    case SB_PARAM_PATH:
        break;
    }
    SB_UNREACHABLE();
}

// Reads what is a number; durations and sizes in nanoseconds and bytes. Bounds are doubles.
static int read_number(enum sb_param_type type, const char *value, double *out_number)
{
    int64_t integer = 0;
    uint64_t size = 0;
    int failed;
    if (type == SB_PARAM_REAL) {
        return units_parse_real(value, out_number);
    }
    if (type == SB_PARAM_SIZE) {
        failed = units_parse_size(value, &size);
        *out_number = (double)size;
        return failed;
    }
    failed = type == SB_PARAM_INT ? units_parse_integer(value, &integer)
                                  : units_parse_duration(value, &integer);
    *out_number = (double)integer;
    return failed;
}

static void format_number(enum sb_param_type type, double number, char out[64])
{
    if (type == SB_PARAM_DURATION && number >= 0) {
        units_format_duration((int64_t)number, out, 64);
    } else if (type == SB_PARAM_SIZE && number >= 0) {
        units_format_size((uint64_t)number, out, 64);
    } else {
        snprintf(out, 64, "%.17g", number);
    }
}

static int check_number(const struct descriptor_param *param, const char *value, char *why,
                        size_t why_bytes)
{
    double number = 0;
    int failed = read_number(param->type, value, &number);
    if (failed == -EINVAL) {
        snprintf(why, why_bytes, "%s is not %s; write one", diags_quote(value).bytes,
                 type_example(param->type));
        return -EINVAL;
    }
    bool has_bounds = param->minimum < param->maximum;
    if (failed != 0 || (has_bounds && (number < param->minimum || number > param->maximum))) {
        char low[64];
        char high[64];
        format_number(param->type, param->minimum, low);
        format_number(param->type, param->maximum, high);
        snprintf(why, why_bytes, "%s is out of bounds; write %s%s%s", diags_quote(value).bytes,
                 has_bounds ? low : "a smaller number", has_bounds ? " to " : "",
                 has_bounds ? high : "");
        return -EINVAL;
    }
    return 0;
}

static int check_choice(const struct descriptor_param *param, const char *value, char *why,
                        size_t why_bytes)
{
    for (size_t i = 0; i < param->choice_count; i++) {
        if (strcmp(param->choices[i], value) == 0) {
            return 0;
        }
    }
    struct text text = text_over(why, why_bytes);
    text_add_format(&text, "%s is no choice; write ", diags_quote(value).bytes);
    for (size_t i = 0; i < param->choice_count; i++) {
        text_add(&text, i == 0 ? "" : i + 1 == param->choice_count ? " or " : ", ");
        text_add_escaped(&text, param->choices[i], strlen(param->choices[i]));
    }
    return -EINVAL;
}

int check_config_value(const struct descriptor_param *param, const char *value, char *why,
                       size_t why_bytes)
{
    bool is_true;
    switch (param->type) {
    case SB_PARAM_INT:
    case SB_PARAM_REAL:
    case SB_PARAM_DURATION:
    case SB_PARAM_SIZE:
        return check_number(param, value, why, why_bytes);
    case SB_PARAM_BOOL:
        if (units_parse_bool(value, &is_true) != 0) {
            snprintf(why, why_bytes, "%s is not %s; write one", diags_quote(value).bytes,
                     type_example(param->type));
            return -EINVAL;
        }
        return 0;
    case SB_PARAM_STRING:
        if (param->minimum < param->maximum && (double)strlen(value) > param->maximum) {
            snprintf(why, why_bytes, "%zu bytes of text; write at most %.0f", strlen(value),
                     param->maximum);
            return -EINVAL;
        }
        return 0;
    case SB_PARAM_CHOICE:
        return check_choice(param, value, why, why_bytes);
    case SB_PARAM_PATH:
        if (value[0] == '\0') {
            snprintf(why, why_bytes, "an empty path; name a file or folder");
            return -EINVAL;
        }
        return 0;
    case SB_PARAM_NONE:
        break;
    }
    SB_UNREACHABLE();
}

const char *check_config_absolute(const struct graph *graph, const char *value)
{
    if (value[0] == '/') {
        return value;
    }
    size_t folder_length = strcmp(graph->folder, "/") == 0 ? 0 : strlen(graph->folder);
    // The folder has no links in it. In a sandbox that shows only the file there would be no way
    // into a folder and out of it again.
    for (;; value += strspn(value, "/")) {
        if (strncmp(value, "./", 2) == 0) {
            value += 2;
        } else if (strncmp(value, "../", 3) == 0) {
            value += 3;
            while (folder_length > 0 && graph->folder[--folder_length] != '/') {
            }
        } else {
            break;
        }
    }
    char *path = arena_alloc(graph->arena, folder_length + strlen(value) + 2, 1);
    if (path != NULL) {
        memcpy(path, graph->folder, folder_length);
        path[folder_length] = '/';
        memcpy(path + folder_length + 1, value, strlen(value));
    }
    return path;
}

static void unknown_param(const struct graph *graph, const struct graph_pair *pair,
                          const struct descriptor *descriptor, struct diags *diags)
{
    struct nearest nearest = nearest_to(pair->name);
    char known[256] = "";
    struct text list = TEXT_OVER(known);
    for (size_t i = 0; i < descriptor->param_count; i++) {
        nearest_offer(&nearest, descriptor->params[i].name);
        text_add_format(&list, "%s%s", i > 0 ? ", " : "", descriptor->params[i].name);
    }
    if (nearest.best[0] != '\0') {
        diags_add(diags, DIAG_ERROR, graph->file, pair->name_place,
                  "'%s' has no parameter %s; did you mean '%s'?", descriptor->name,
                  diags_quote(pair->name).bytes, nearest.best);
    } else {
        diags_add(diags, DIAG_ERROR, graph->file, pair->name_place,
                  "'%s' has no parameter %s; %s%s", descriptor->name, diags_quote(pair->name).bytes,
                  descriptor->param_count > 0 ? "it has " : "leave it out", known);
    }
}

static void check_missing(const struct graph *graph, const struct graph_node *node,
                          const struct descriptor *descriptor, struct diags *diags)
{
    for (size_t i = 0; i < descriptor->param_count; i++) {
        const struct descriptor_param *param = &descriptor->params[i];
        bool is_given = param->initial != NULL;
        for (size_t j = 0; j < node->config.count && !is_given; j++) {
            is_given = strcmp(node->config.items[j].name, param->name) == 0;
        }
        if (!is_given) {
            diags_add(diags, DIAG_ERROR, graph->file,
                      graph_node_place(node, GRAPH_FIELD_NODE_CONFIG),
                      "node %s has no '%s', which '%s' needs; add config: {%s: ...}",
                      diags_quote(node->id).bytes, param->name, descriptor->name, param->name);
        }
    }
}

int check_config(const struct graph *graph, struct graph_node *node,
                 const struct descriptor *descriptor, struct diags *diags)
{
    struct graph_pair *params = arena_alloc(graph->arena, node->config.count, sizeof(*params));
    if (params == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < node->config.count; i++) {
        params[i] = node->config.items[i];
        const struct descriptor_param *param = descriptor_find_param(descriptor, params[i].name);
        char why[DIAG_TEXT_BYTES_MAX];
        if (param == NULL) {
            unknown_param(graph, &params[i], descriptor, diags);
        } else if (check_config_value(param, params[i].value, why, sizeof(why)) != 0) {
            diags_add(diags, DIAG_ERROR, graph->file, params[i].value_place, "%s: %s", param->name,
                      why);
        } else if (param->type == SB_PARAM_PATH) {
            params[i].value = check_config_absolute(graph, params[i].value);
            if (params[i].value == NULL) {
                return -ENOMEM;
            }
        }
    }
    check_missing(graph, node, descriptor, diags);
    node->found.params = (struct graph_pairs){node->config.count, params};
    return 0;
}
