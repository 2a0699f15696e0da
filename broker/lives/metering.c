// SPDX-License-Identifier: Apache-2.0
// Limits from the graph into the plan of a process, and the polling where the kernel has no groups.
#include "broker/lives/metering.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/broker.h"
#include "broker/lives/cage.h"
#include "broker/lives/life.h"
#include "broker/lives/usage.h"

#define MEMORY_UNTRUSTED (UINT64_C(1) << 30)
#define PIDS_UNTRUSTED 64
#define FILES_UNTRUSTED 256

// Around an untrusted worker: bwrap, and the first process of its namespace.
#define PIDS_AROUND 2

// How often the memory of workers is looked at where no cgroup holds it.
#define LOOK_NS (100 * CLOCK_NS_PER_MS)

// Address space is more than memory, so the limit of a process is only there for what is taken
// between two looks.
#define DATA_TIMES 2

// For the kernel to let go of the groups of processes that were killed.
#define SWEEP_NS (500 * CLOCK_NS_PER_MS)
#define SWEEP_AGAIN_MS 10

#define ALL_METERS (1U << CGROUP_MEMORY | 1U << CGROUP_CPU | 1U << CGROUP_PIDS)

static bool is_untrusted(const struct graph_node *node)
{
    return cage_is_wanted(node);
}

static bool is_written(const struct graph_node *node, enum graph_field field)
{
    return node->places[field].line > 0;
}

struct metering_limits metering_limits_of(const struct graph_node *node)
{
    bool is_default = is_untrusted(node);
    struct metering_limits limits = {.cpu_permille = node->limits.cpu_permille};
    uint64_t memory = node->limits.memory;
    if (memory == 0) {
        memory = is_default ? MEMORY_UNTRUSTED : GRAPH_NONE_BYTES;
    }
    limits.memory_bytes = memory == GRAPH_NONE_BYTES ? 0 : memory;
    if (is_default || is_written(node, GRAPH_FIELD_NODE_PIDS_LIMIT)) {
        limits.pids = node->limits.pids;
    }
    if (is_default || is_written(node, GRAPH_FIELD_NODE_FILES_LIMIT)) {
        limits.files = node->limits.files;
    }
    return limits;
}

struct metering_limits metering_limits_of_description(const struct graph_node *node)
{
    uint64_t memory = node->limits.memory;
    uint32_t pids = node->limits.pids;
    uint32_t files = node->limits.files;
    struct metering_limits limits = {.pids = pids > PIDS_UNTRUSTED ? pids : PIDS_UNTRUSTED,
                                     .files = files > FILES_UNTRUSTED ? files : FILES_UNTRUSTED};
    if (memory != GRAPH_NONE_BYTES) {
        limits.memory_bytes = memory > MEMORY_UNTRUSTED ? memory : MEMORY_UNTRUSTED;
    }
    return limits;
}

bool metering_is_wanted(const struct graph_node *node)
{
    struct metering_limits limits = metering_limits_of(node);
    return is_untrusted(node) || limits.memory_bytes != 0 || limits.cpu_permille != 0 ||
           limits.pids != 0;
}

// --- What the machine has ---------------------------------------------------------------------

void metering_describe(const struct launch_meters *meters, char *out, size_t size_bytes)
{
    struct text text = text_over(out, size_bytes);
    text_add(&text, cgroup_step_text(meters->step));
    if (meters->step == CGROUP_STEP_RLIMITS) {
        text_add_format(&text, " (%s)", meters->why);
        return;
    }
    for (size_t i = 0; i < CGROUP_CONTROLLERS_COUNT; i++) {
        if ((meters->has >> i & 1) == 0) {
            text_add_format(&text, ", without %s",
                            cgroup_find_controller_name((enum cgroup_controller)i));
        }
    }
}

// Whether what a node requires is there in full.
static bool has_meter(const struct launch_meters *meters, const char *word)
{
    if (strcmp(word, "own-uid") == 0) {
        return meters->is_own_uid != 0;
    }
    if (strcmp(word, "tls") == 0) {
        return true;  // no meter: the check of the graph saw to it
    }
    uint32_t has = meters->step == CGROUP_STEP_RLIMITS ? 0 : meters->has;
    for (size_t i = 0; i < CGROUP_CONTROLLERS_COUNT; i++) {
        if (strcmp(word, cgroup_find_controller_name((enum cgroup_controller)i)) == 0) {
            return (has >> i & 1) != 0;
        }
    }
    return has == ALL_METERS;
}

static bool refuse(const struct broker *broker, const struct graph_node *node)
{
    bool is_refused = false;
    for (size_t i = 0; i < node->sandbox.require.count; i++) {
        const char *word = node->sandbox.require.items[i];
        if (has_meter(&broker->metering.meters, word)) {
            continue;
        }
        struct graph_place place = node->sandbox.require.places[i];
        char step[256];
        metering_describe(&broker->metering.meters, step, sizeof step);
        log_line(LOG_ERROR,
                 "%s:%u:%u: node '%s' requires '%s', which this machine does not give: %s; leave "
                 "it out, or see streamctl doctor",
                 broker->graph->file, place.line, place.column, node->id, word,
                 strcmp(word, "own-uid") == 0 ? "the broker was not started as root" : step);
        is_refused = true;
    }
    return is_refused;
}

static bool is_enforced(const struct launch_meters *meters, const struct graph_node *node)
{
    struct metering_limits limits = metering_limits_of(node);
    uint32_t wanted = (limits.memory_bytes != 0 ? 1U << CGROUP_MEMORY : 0) |
                      (limits.cpu_permille != 0 ? 1U << CGROUP_CPU : 0) |
                      (limits.pids != 0 ? 1U << CGROUP_PIDS : 0);
    return meters->step != CGROUP_STEP_RLIMITS && (wanted & ~meters->has) == 0;
}

// count: of nodes whose limits are not enforced in full
static void warn(const struct launch_meters *meters, size_t count)
{
    char step[256];
    metering_describe(meters, step, sizeof step);
    if (count > 0) {
        log_line(LOG_WARNING,
                 "the limits of %zu node%s are not enforced in full: %s; streamctl doctor says "
                 "what is missing",
                 count, count == 1 ? "" : "s", step);
    } else {
        log_line(LOG_DEBUG, "limits are enforced by %s", step);
    }
}

int metering_open(struct broker *broker)
{
    struct metering *metering = &broker->metering;
    metering->due_ns = INT64_MAX;
    bool is_any = false;
    for (size_t i = 0; i < broker->graph->node_count; i++) {
        const struct graph_node *node = &broker->graph->nodes[i];
        is_any = is_any || metering_is_wanted(node) || node->sandbox.require.count > 0;
    }
    if (!is_any || metering->is_open) {
        return 0;
    }
    int failed = launcher_meters(broker->launcher, &metering->meters);
    if (failed != 0) {
        return failed;
    }
    metering->is_open = true;
    bool is_refused = false;
    size_t weak_count = 0;
    for (size_t i = 0; i < broker->graph->node_count; i++) {
        const struct graph_node *node = &broker->graph->nodes[i];
        is_refused = refuse(broker, node) || is_refused;
        weak_count += metering_is_wanted(node) && !is_enforced(&metering->meters, node);
    }
    if (is_refused) {
        return -EACCES;
    }
    warn(&metering->meters, weak_count);
    return 0;
}

int metering_join(struct broker *broker, const struct graph_node *node)
{
    struct metering *metering = &broker->metering;
    if (metering->is_open || !metering_is_wanted(node)) {
        return 0;
    }
    int failed = launcher_meters(broker->launcher, &metering->meters);
    if (failed == 0) {
        metering->is_open = true;
        warn(&metering->meters, is_enforced(&metering->meters, node) ? 0 : 1);
    }
    return failed;
}

// --- One process ------------------------------------------------------------------------------

static void add_rlimit(struct sandbox_plan *plan, int resource, uint64_t value)
{
    SB_ASSERT(plan->rlimit_count < SANDBOX_RLIMITS_MAX);
    plan->rlimits[plan->rlimit_count++] =
        (struct sandbox_rlimit){.resource = resource, .value = value};
}

static void fill(const struct launch_meters *meters, const struct metering_limits *limits,
                 bool is_caged, struct sandbox_plan *plan)
{
    bool has_groups = meters->step != CGROUP_STEP_RLIMITS;
    uint32_t pids = limits->pids != 0 && is_caged ? limits->pids + PIDS_AROUND : limits->pids;
    plan->meters = (struct cgroup_limits){
        .memory_bytes = limits->memory_bytes, .cpu_permille = limits->cpu_permille, .pids = pids};
    if (limits->files != 0) {
        add_rlimit(plan, RLIMIT_NOFILE, limits->files);
    }
    if (limits->memory_bytes != 0 && !(has_groups && (meters->has >> CGROUP_MEMORY & 1) != 0)) {
        add_rlimit(plan, RLIMIT_DATA, DATA_TIMES * limits->memory_bytes);
    }
    // Without a user of its own the kernel counts the processes of everybody who shares it.
    bool is_counted = has_groups && (meters->has >> CGROUP_PIDS & 1) != 0;
    if (pids != 0 && is_caged && !is_counted) {
        add_rlimit(plan, RLIMIT_NPROC, pids);
    }
}

void metering_fill(const struct broker *broker, const struct graph_node *node,
                   struct sandbox_plan *plan)
{
    const struct launch_meters *meters = &broker->metering.meters;
    struct metering_limits limits = metering_limits_of(node);
    plan->is_metered = meters->step != CGROUP_STEP_RLIMITS && metering_is_wanted(node);
    fill(meters, &limits, is_untrusted(node), plan);
}

int metering_fill_description(struct launcher *launcher, const struct graph_node *node,
                              struct sandbox_plan *plan)
{
    if (plan->tier != SANDBOX_UNTRUSTED) {
        return 0;
    }
    struct launch_meters meters;
    int failed = launcher_meters(launcher, &meters);
    if (failed != 0) {
        return failed;
    }
    struct metering_limits limits = metering_limits_of_description(node);
    plan->is_metered = meters.step != CGROUP_STEP_RLIMITS;
    fill(&meters, &limits, true, plan);
    return 0;
}

bool metering_explain(const struct graph_node *node, int wait_status,
                      const struct cgroup_counts *counts, char *out_text, size_t size_bytes)
{
    if (counts->oom_kills == 0 || !WIFSIGNALED(wait_status) || WTERMSIG(wait_status) != SIGKILL) {
        return false;
    }
    struct text text = text_over(out_text, size_bytes);
    uint64_t limit_bytes = metering_limits_of(node).memory_bytes;
    if (counts->memory_hits > 0 && limit_bytes != 0) {
        char limit[32];
        units_format_size(limit_bytes, limit, sizeof limit);
        text_add_format(&text, "it was at its limit of %s", limit);
    } else {
        text_add(&text, "the machine had none left");
    }
    return true;
}

// --- Where no group holds the memory ----------------------------------------------------------

static bool is_polled(const struct broker *broker, const struct actual_node *node)
{
    const struct launch_meters *meters = &broker->metering.meters;
    bool is_held = meters->step != CGROUP_STEP_RLIMITS && (meters->has >> CGROUP_MEMORY & 1) != 0;
    return !is_held && node->pid > 0 && !node->is_killed &&
           metering_limits_of(node->wanted).memory_bytes != 0;
}

int64_t metering_due_ns(const struct broker *broker)
{
    return broker->metering.due_ns;
}

void metering_begin(struct broker *broker, const struct actual_node *node)
{
    if (is_polled(broker, node) && broker->metering.due_ns == INT64_MAX) {
        broker->metering.due_ns = clock_now_ns() + LOOK_NS;
        broker_arm_timer(broker);
    }
}

void metering_look(struct broker *broker, int64_t now_ns)
{
    bool is_any = false;
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        struct actual_node *node = broker->actual->nodes[i];
        if (!is_polled(broker, node)) {
            continue;
        }
        is_any = true;
        uint64_t limit_bytes = metering_limits_of(node->wanted).memory_bytes;
        uint64_t has_bytes = usage_read(node->pid).memory_bytes;
        if (has_bytes > limit_bytes) {
            char limit[32];
            char has[32];
            units_format_size(limit_bytes, limit, sizeof limit);
            units_format_size(has_bytes, has, sizeof has);
            life_kill(broker, node, EXIT_REASON_OOM, "it had %s, its limit is %s", has, limit);
        }
    }
    broker->metering.due_ns = is_any ? now_ns + LOOK_NS : INT64_MAX;
}

void metering_sweep(const struct broker *broker)
{
    if (broker->metering.meters.step == CGROUP_STEP_RLIMITS) {
        return;
    }
    int64_t deadline_ns = clock_now_ns() + SWEEP_NS;
    while (cgroup_sweep() && clock_now_ns() < deadline_ns) {
        poll(NULL, 0, SWEEP_AGAIN_MS);
    }
}
