// SPDX-License-Identifier: Apache-2.0
// The limits of a node, from the words of the graph to what a process is started with.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "broker/broker.h"
#include "broker/lives/metering.h"

#define MIB ((uint64_t)1 << 20)
#define ALL (1U << CGROUP_MEMORY | 1U << CGROUP_CPU | 1U << CGROUP_PIDS)

// A node as the parser leaves it when nothing is written.
static struct graph_node plain(enum graph_tier tier)
{
    return (struct graph_node){
        .id = "n", .sandbox = {.tier = tier}, .limits = {.pids = 64, .files = 256}};
}

static uint64_t rlimit_of(const struct sandbox_plan *plan, int resource)
{
    for (size_t i = 0; i < plan->rlimit_count; i++) {
        if (plan->rlimits[i].resource == resource) {
            return plan->rlimits[i].value;
        }
    }
    return 0;
}

// R-METER-008
static void an_untrusted_node_is_limited_and_a_trusted_one_only_where_it_is_written(void **state)
{
    (void)state;
    struct graph_node node = plain(GRAPH_TIER_UNTRUSTED);
    struct metering_limits limits = metering_limits_of(&node);
    assert_int_equal(limits.memory_bytes, 1024 * MIB);
    assert_int_equal(limits.pids, 64);
    assert_int_equal(limits.files, 256);
    assert_int_equal(limits.cpu_permille, 0);
    assert_true(metering_is_wanted(&node));

    node = plain(GRAPH_TIER_TRUSTED);
    limits = metering_limits_of(&node);
    assert_int_equal(limits.memory_bytes, 0);
    assert_int_equal(limits.pids, 0);
    assert_int_equal(limits.files, 0);
    assert_false(metering_is_wanted(&node));

    node.limits.memory = 64 * MIB;
    node.places[GRAPH_FIELD_NODE_FILES_LIMIT].line = 7;
    limits = metering_limits_of(&node);
    assert_int_equal(limits.memory_bytes, 64 * MIB);
    assert_int_equal(limits.files, 256);
    assert_true(metering_is_wanted(&node));

    node = plain(GRAPH_TIER_UNTRUSTED);
    node.limits.memory = GRAPH_NONE_BYTES;
    assert_int_equal(metering_limits_of(&node).memory_bytes, 0);
}

// R-METER-005
static void groups_do_what_they_can_and_limits_per_process_the_rest(void **state)
{
    (void)state;
    struct broker broker = {.metering = {.meters = {.step = CGROUP_STEP_V2, .has = ALL}}};
    struct graph_node node = plain(GRAPH_TIER_UNTRUSTED);
    node.limits.cpu_permille = 500;
    struct sandbox_plan plan = {.tier = SANDBOX_UNTRUSTED};
    metering_fill(&broker, &node, &plan);
    assert_true(plan.is_metered);
    assert_int_equal(plan.meters.memory_bytes, 1024 * MIB);
    assert_int_equal(plan.meters.cpu_permille, 500);
    // What the sandbox itself needs is on top.
    assert_int_equal(plan.meters.pids, 66);
    assert_int_equal(rlimit_of(&plan, RLIMIT_NOFILE), 256);
    assert_int_equal(rlimit_of(&plan, RLIMIT_DATA), 0);
    assert_int_equal(rlimit_of(&plan, RLIMIT_NPROC), 0);

    broker.metering.meters = (struct launch_meters){.step = CGROUP_STEP_RLIMITS};
    plan = (struct sandbox_plan){.tier = SANDBOX_UNTRUSTED};
    metering_fill(&broker, &node, &plan);
    assert_false(plan.is_metered);
    assert_int_equal(rlimit_of(&plan, RLIMIT_DATA), 2048 * MIB);
    assert_int_equal(rlimit_of(&plan, RLIMIT_NPROC), 66);
}

// R-SAND-017
static void a_description_has_at_least_the_limits_of_a_node_that_says_nothing(void **state)
{
    (void)state;
    struct graph_node node = plain(GRAPH_TIER_UNSET);
    node.limits.memory = 16 * MIB;
    node.limits.pids = 4;
    node.limits.cpu_permille = 10;
    struct metering_limits limits = metering_limits_of_description(&node);
    assert_int_equal(limits.memory_bytes, 1024 * MIB);
    assert_int_equal(limits.pids, 64);
    assert_int_equal(limits.files, 256);
    assert_int_equal(limits.cpu_permille, 0);

    node.limits.memory = 4096 * MIB;
    node.limits.pids = 200;
    node.limits.files = 1000;
    limits = metering_limits_of_description(&node);
    assert_int_equal(limits.memory_bytes, 4096 * MIB);
    assert_int_equal(limits.pids, 200);
    assert_int_equal(limits.files, 1000);

    node.limits.memory = GRAPH_NONE_BYTES;
    assert_int_equal(metering_limits_of_description(&node).memory_bytes, 0);
}

// R-METER-006
static void an_end_for_memory_names_the_limit_and_another_end_does_not(void **state)
{
    (void)state;
    struct graph_node node = plain(GRAPH_TIER_TRUSTED);
    node.limits.memory = 64 * MIB;
    char why[128] = "";
    struct cgroup_counts counts = {.oom_kills = 1, .memory_hits = 9};
    assert_true(metering_explain(&node, SIGKILL, &counts, why, sizeof why));
    assert_string_equal(why, "it was at its limit of 64MiB");
    counts.memory_hits = 0;
    assert_true(metering_explain(&node, SIGKILL, &counts, why, sizeof why));
    assert_string_equal(why, "the machine had none left");
    // A child of it may have been killed: it ended by itself.
    assert_false(metering_explain(&node, 3 << 8, &counts, why, sizeof why));
    assert_false(metering_explain(&node, SIGSEGV, &counts, why, sizeof why));
    counts.oom_kills = 0;
    assert_false(metering_explain(&node, SIGKILL, &counts, why, sizeof why));
}

static void the_step_in_force_is_one_line_with_what_is_missing(void **state)
{
    (void)state;
    char line[256];
    struct launch_meters meters = {.step = CGROUP_STEP_V2, .has = ALL};
    metering_describe(&meters, line, sizeof line);
    assert_string_equal(line, "cgroups, version 2");
    meters = (struct launch_meters){.step = CGROUP_STEP_V1,
                                    .has = 1U << CGROUP_MEMORY | 1U << CGROUP_PIDS};
    metering_describe(&meters, line, sizeof line);
    assert_string_equal(line, "cgroups, version 1, without cpu");
    meters = (struct launch_meters){.step = CGROUP_STEP_RLIMITS, .why = "nothing is mounted"};
    metering_describe(&meters, line, sizeof line);
    assert_non_null(strstr(line, "nothing is mounted"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_untrusted_node_is_limited_and_a_trusted_one_only_where_it_is_written),
        cmocka_unit_test(groups_do_what_they_can_and_limits_per_process_the_rest),
        cmocka_unit_test(a_description_has_at_least_the_limits_of_a_node_that_says_nothing),
        cmocka_unit_test(an_end_for_memory_names_the_limit_and_another_end_does_not),
        cmocka_unit_test(the_step_in_force_is_one_line_with_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
