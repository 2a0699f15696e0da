// SPDX-License-Identifier: Apache-2.0
// Keeps figures by key and round.
#include "tools/bench/figures.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

static struct figure *find_or_make(struct figures *figures, const char *key)
{
    for (size_t i = 0; i < figures->count; i++) {
        if (strcmp(figures->list[i].key, key) == 0) {
            return &figures->list[i];
        }
    }
    SB_ASSERT(figures->count < FIGURES_MAX);
    struct figure *figure = &figures->list[figures->count++];
    text_copy(figure->key, sizeof figure->key, key);
    figure->unit = "";
    return figure;
}

void figures_add(struct figures *figures, unsigned round, const char *unit, double value,
                 const char *key, ...)
{
    char name[FIGURES_KEY_BYTES];
    va_list list;
    va_start(list, key);
    vsnprintf(name, sizeof name, key, list);
    va_end(list);
    SB_ASSERT(round < FIGURES_ROUNDS_MAX);
    struct figure *figure = find_or_make(figures, name);
    figure->unit = unit;
    figure->values[round] = value;
    figure->has_value[round] = true;
}

void figures_miss(struct figures *figures, const char *reason, const char *key, ...)
{
    char name[FIGURES_KEY_BYTES];
    va_list list;
    va_start(list, key);
    vsnprintf(name, sizeof name, key, list);
    va_end(list);
    text_copy(find_or_make(figures, name)->missing, sizeof figures->list[0].missing, reason);
}

const struct figure *figures_find(const struct figures *figures, const char *key)
{
    for (size_t i = 0; i < figures->count; i++) {
        if (strcmp(figures->list[i].key, key) == 0) {
            return &figures->list[i];
        }
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

// The values of a figure, sorted. Returns how many.
static size_t sorted_values(const struct figure *figure, double out[FIGURES_ROUNDS_MAX])
{
    size_t count = 0;
    for (unsigned i = 0; i < FIGURES_ROUNDS_MAX; i++) {
        if (figure->has_value[i]) {
            out[count++] = figure->values[i];
        }
    }
    qsort(out, count, sizeof *out, compare);
    return count;
}

bool figures_median(const struct figures *figures, const char *key, double *out_median)
{
    const struct figure *figure = figures_find(figures, key);
    double values[FIGURES_ROUNDS_MAX];
    size_t count = figure != NULL ? sorted_values(figure, values) : 0;
    if (count == 0) {
        return false;
    }
    *out_median = median_of(values, count);
    return true;
}

bool figures_ratio(const struct figures *figures, const char *above, const char *below,
                   double *out_ratio)
{
    const struct figure *a = figures_find(figures, above);
    const struct figure *b = figures_find(figures, below);
    double ratios[FIGURES_ROUNDS_MAX];
    size_t count = 0;
    for (unsigned i = 0; a != NULL && b != NULL && i < FIGURES_ROUNDS_MAX; i++) {
        if (a->has_value[i] && b->has_value[i] && b->values[i] > 0) {
            ratios[count++] = a->values[i] / b->values[i];
        }
    }
    if (count == 0) {
        return false;
    }
    *out_ratio = median_of(ratios, count);
    return true;
}

struct json_t *figures_json(const struct figures *figures)
{
    json_t *object = json_object();
    for (size_t i = 0; i < figures->count; i++) {
        const struct figure *figure = &figures->list[i];
        double values[FIGURES_ROUNDS_MAX];
        size_t count = sorted_values(figure, values);
        json_t *entry = json_object();
        if (count == 0) {
            json_object_set_new(entry, "missing", json_string(figure->missing));
        } else {
            json_t *rounds = json_array();
            for (unsigned r = 0; r < FIGURES_ROUNDS_MAX; r++) {
                if (figure->has_value[r]) {
                    json_array_append_new(rounds, json_real(figure->values[r]));
                }
            }
            json_object_set_new(entry, "unit", json_string(figure->unit));
            json_object_set_new(entry, "median", json_real(median_of(values, count)));
            json_object_set_new(entry, "rounds", rounds);
        }
        json_object_set_new(object, figure->key, entry);
    }
    return object;
}

void figures_print(const struct figures *figures)
{
    for (size_t i = 0; i < figures->count; i++) {
        const struct figure *figure = &figures->list[i];
        double values[FIGURES_ROUNDS_MAX];
        size_t count = sorted_values(figure, values);
        if (count == 0) {
            printf("%-46s not available: %s\n", figure->key, figure->missing);
        } else {
            double lowest = values[0];
            double highest = values[count - 1];
            printf("%-46s %14.4g %-8s (%.4g .. %.4g)\n", figure->key, median_of(values, count),
                   figure->unit, lowest, highest);
        }
    }
}
