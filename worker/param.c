// SPDX-License-Identifier: Apache-2.0
// Parses, checks, keeps and gives out parameters.
#include "worker/param.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "base/units.h"

static int check_bounds(const struct sb_param *param, double value, char *reason,
                        size_t reason_bytes)
{
    if (param->minimum < param->maximum && (value < param->minimum || value > param->maximum)) {
        snprintf(reason, reason_bytes, "parameter '%s' is %g; it must be from %g to %g",
                 param->name, value, param->minimum, param->maximum);
        return -EINVAL;
    }
    return 0;
}

static int parse_choice(const struct sb_param *param, const char *text,
                        struct param_value *out_value)
{
    for (int i = 0; param->choices[i] != NULL; i++) {
        if (strcmp(param->choices[i], text) == 0) {
            out_value->number = i;
            return 0;
        }
    }
    return -EINVAL;
}

static int parse_by_type(const struct sb_param *param, const char *text, struct param_value *value)
{
    uint64_t size;
    bool is_on;
    int failed = 0;
    switch (param->type) {
    case SB_PARAM_INT:
        failed = units_parse_integer(text, &value->number);
        value->real = (double)value->number;
        break;
    case SB_PARAM_REAL:
        failed = units_parse_real(text, &value->real);
        break;
    case SB_PARAM_BOOL:
        failed = units_parse_bool(text, &is_on);
        value->number = failed == 0 && is_on;
        break;
    case SB_PARAM_DURATION:
        failed = units_parse_duration(text, &value->number);
        value->real = (double)value->number;
        break;
    case SB_PARAM_SIZE:
        failed = units_parse_size(text, &size);
        value->number = failed == 0 ? (int64_t)size : 0;
        value->real = (double)value->number;
        break;
    case SB_PARAM_CHOICE:
        failed = parse_choice(param, text, value);
        break;
    case SB_PARAM_STRING:
    case SB_PARAM_PATH:
        value->real = (double)strlen(text);
        break;
    case SB_PARAM_NONE:
    default:
        failed = -EINVAL;
        break;
    }
    return failed;
}

static const char *const type_names[] = {
#define X(name, text) [SB_PARAM_##name] = text,
    SB_PARAM_TYPES(X)
#undef X
};

int param_parse(const struct sb_param *param, const char *text, struct param_value *out_value,
                char *reason, size_t reason_bytes)
{
    struct param_value value = {0};
    if (parse_by_type(param, text, &value) != 0) {
        snprintf(reason, reason_bytes, "parameter '%s' is '%.200s', which is no %s", param->name,
                 text, type_names[param->type]);
        return -EINVAL;
    }
    bool is_bounded = param->type != SB_PARAM_BOOL && param->type != SB_PARAM_CHOICE;
    if (is_bounded && check_bounds(param, value.real, reason, reason_bytes) != 0) {
        return -EINVAL;
    }
    *out_value = value;
    return 0;
}

static bool is_text(const struct sb_param *param)
{
    return param->type == SB_PARAM_STRING || param->type == SB_PARAM_PATH;
}

static void free_values(const struct sb_processor *processor, struct param_value *values)
{
    for (size_t i = 0; values != NULL && i < processor->param_count; i++) {
        free(values[i].text);
    }
    free(values);
}

static int parse_owned(const struct sb_param *param, const char *text, struct param_value *value,
                       char *reason, size_t reason_bytes)
{
    struct param_value parsed;
    int failed = param_parse(param, text, &parsed, reason, reason_bytes);
    if (failed != 0) {
        return failed;
    }
    if (is_text(param)) {
        parsed.text = strdup(text);
        if (parsed.text == NULL) {
            return -ENOMEM;
        }
    }
    free(value->text);
    *value = parsed;
    return 0;
}

static const struct sb_param *find(const struct sb_processor *processor, const char *name,
                                   size_t *out_index)
{
    for (size_t i = 0; i < processor->param_count; i++) {
        if (strcmp(processor->params[i].name, name) == 0) {
            *out_index = i;
            return &processor->params[i];
        }
    }
    return NULL;
}

int param_init(struct sb_node *node)
{
    const struct sb_processor *processor = node->processor;
    struct param_value *values = calloc(processor->param_count + 1, sizeof *values);
    if (values == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < processor->param_count; i++) {
        const struct sb_param *param = &processor->params[i];
        int failed = param->initial == NULL ? 0
                                            : parse_owned(param, param->initial, &values[i],
                                                          node->error, sizeof node->error);
        if (failed != 0) {
            free_values(processor, values);
            return failed;
        }
    }
    node->params = values;
    return 0;
}

void param_fini(struct sb_node *node)
{
    free_values(node->processor, node->params);
    free_values(node->processor, node->old_params);
    node->params = NULL;
    node->old_params = NULL;
}

static struct param_value *copy_values(const struct sb_node *node)
{
    size_t count = node->processor->param_count;
    struct param_value *copy = calloc(count + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = node->params[i];
        copy[i].text = node->params[i].text != NULL ? strdup(node->params[i].text) : NULL;
        if (node->params[i].text != NULL && copy[i].text == NULL) {
            free_values(node->processor, copy);
            return NULL;
        }
    }
    return copy;
}

static bool is_same(const struct param_value *a, const struct param_value *b)
{
    bool is_same_text = (a->text == NULL) == (b->text == NULL) &&
                        (a->text == NULL || strcmp(a->text, b->text) == 0);
    // Both came from the same parser: equal texts give equal bits.
    return is_same_text && a->number == b->number &&
           memcmp(&a->real, &b->real, sizeof a->real) == 0;
}

int param_set(struct sb_node *node, const struct wire_param *params, size_t count)
{
    struct param_value *values = copy_values(node);
    if (values == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        size_t index;
        const struct sb_param *param = find(node->processor, params[i].name, &index);
        int failed = -EINVAL;
        if (param == NULL) {
            snprintf(node->error, sizeof node->error, "there is no parameter '%s'", params[i].name);
        } else {
            failed = parse_owned(param, params[i].value, &values[index], node->error,
                                 sizeof node->error);
        }
        if (failed == 0 && node->is_open && param->is_fixed &&
            !is_same(&values[index], &node->params[index])) {
            snprintf(node->error, sizeof node->error,
                     "parameter '%s' cannot be changed while the node runs", param->name);
            failed = -EINVAL;
        }
        if (failed != 0) {
            free_values(node->processor, values);
            return failed;
        }
    }
    free_values(node->processor, node->old_params);
    node->old_params = node->params;
    node->params = values;
    return 0;
}

void param_restore(struct sb_node *node)
{
    SB_ASSERT(node->old_params != NULL);
    struct param_value *refused = node->params;
    node->params = node->old_params;
    node->old_params = NULL;
    free_values(node->processor, refused);
}

// The value of a declared parameter of one of two types; anything else is a bug of the processor.
static const struct param_value *get(const struct sb_node *node, const char *name, uint32_t allowed)
{
    size_t index;
    const struct sb_param *param = find(node->processor, name, &index);
    if (param == NULL || (SB_BIT(param->type) & allowed) == 0) {
        fprintf(stderr, "<3>bug in processor '%s': it reads parameter '%s', which it declares %s\n",
                node->processor->name, name, param == NULL ? "nowhere" : "with another type");
        abort();
    }
    return &node->params[index];
}

int64_t sb_param_int(const struct sb_node *node, const char *name)
{
    return get(node, name, SB_BIT(SB_PARAM_INT) | SB_BIT(SB_PARAM_DURATION) | SB_BIT(SB_PARAM_SIZE))
        ->number;
}

double sb_param_real(const struct sb_node *node, const char *name)
{
    return get(node, name, SB_BIT(SB_PARAM_REAL) | SB_BIT(SB_PARAM_INT))->real;
}

bool sb_param_bool(const struct sb_node *node, const char *name)
{
    return get(node, name, SB_BIT(SB_PARAM_BOOL))->number != 0;
}

const char *sb_param_string(const struct sb_node *node, const char *name)
{
    const char *text = get(node, name, SB_BIT(SB_PARAM_STRING) | SB_BIT(SB_PARAM_PATH))->text;
    return text != NULL ? text : "";
}

int sb_param_choice(const struct sb_node *node, const char *name)
{
    return (int)get(node, name, SB_BIT(SB_PARAM_CHOICE))->number;
}
