// SPDX-License-Identifier: Apache-2.0
// Compares figures with the table of goals.
#include "tools/bench/goals.h"

#include <jansson.h>
#include <stdio.h>

#include "base/check.h"

// A cache line that takes longer than this one way crosses from one cache to another.
#define FAR_NS 150

enum comparison { AT_MOST, AT_LEAST };

struct goal {
    const char *id;
    const char *text;
    const char *above;
    const char *below;
    enum comparison comparison;
    double near_bound;
    double far_bound;
    const char *why;
};

static const struct goal goals[] = {
#define GOAL(id, text, above, below, comparison, bound, far, why)                                  \
    {id, text, above, below, comparison, bound, far, why},
#include "tools/bench/goals.def"
#undef GOAL
};

struct verdict {
    bool has_value;
    double value;
    double bound;
    bool is_reached;
    const char *reason;
};

static bool is_far(const struct figures *figures)
{
    double line_ns;
    bool is_known = figures_median(figures, "latency.64.spin.line.p50", &line_ns) ||
                    figures_median(figures, "limits.line", &line_ns);
    return is_known && line_ns > FAR_NS;
}

static const char *reason_of(const struct figures *figures, const struct goal *goal)
{
    const struct figure *above = figures_find(figures, goal->above);
    const struct figure *below = figures_find(figures, goal->below);
    if (above != NULL && above->missing[0] != '\0') {
        return above->missing;
    }
    if (below != NULL && below->missing[0] != '\0') {
        return below->missing;
    }
    return "not measured in this run";
}

static struct verdict judge(const struct figures *figures, const struct goal *goal)
{
    struct verdict verdict = {.bound = is_far(figures) ? goal->far_bound : goal->near_bound};
    verdict.has_value = goal->below[0] == '\0'
                            ? figures_median(figures, goal->above, &verdict.value)
                            : figures_ratio(figures, goal->above, goal->below, &verdict.value);
    if (!verdict.has_value) {
        verdict.reason = reason_of(figures, goal);
        return verdict;
    }
    verdict.is_reached = goal->comparison == AT_MOST ? verdict.value <= verdict.bound
                                                     : verdict.value >= verdict.bound;
    return verdict;
}

static const char *sign(const struct goal *goal)
{
    return goal->comparison == AT_MOST ? "<=" : ">=";
}

void goals_print(const struct figures *figures)
{
    for (size_t i = 0; i < ARRAY_COUNT(goals); i++) {
        struct verdict verdict = judge(figures, &goals[i]);
        if (verdict.has_value) {
            printf("%-5s %-7s %10.4g %s %-8.4g %s\n", goals[i].id,
                   verdict.is_reached ? "reached" : "MISSED", verdict.value, sign(&goals[i]),
                   verdict.bound, goals[i].text);
        } else {
            printf("%-5s %-7s %21s  %s: %s\n", goals[i].id, "-", "", goals[i].text, verdict.reason);
        }
    }
}

struct json_t *goals_json(const struct figures *figures)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ARRAY_COUNT(goals); i++) {
        const struct goal *goal = &goals[i];
        struct verdict verdict = judge(figures, goal);
        json_t *entry = json_object();
        json_object_set_new(entry, "id", json_string(goal->id));
        json_object_set_new(entry, "text", json_string(goal->text));
        json_object_set_new(entry, "figure", json_string(goal->above));
        json_object_set_new(entry, "reference", json_string(goal->below));
        json_object_set_new(entry, "comparison", json_string(sign(goal)));
        json_object_set_new(entry, "goal", json_real(verdict.bound));
        if (verdict.has_value) {
            json_object_set_new(entry, "ratio", json_real(verdict.value));
            json_object_set_new(entry, "reached", json_boolean(verdict.is_reached));
            if (!verdict.is_reached) {
                json_object_set_new(entry, "why", json_string(goal->why));
            }
        } else {
            json_object_set_new(entry, "missing", json_string(verdict.reason));
        }
        json_array_append_new(list, entry);
    }
    return list;
}
