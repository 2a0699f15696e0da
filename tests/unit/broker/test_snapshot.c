// SPDX-License-Identifier: Apache-2.0
// The snapshot of a graph holds what is known of its nodes and links.
#include <unistd.h>

#include "base/clock.h"
#include "broker/snapshot.h"
#include "unit/broker/graph_fixture.h"

#define GRAPH                                                                                      \
    "version: 1\nnodes:\n  sink: {exec: [sink], sandbox: trusted, optional: true}\n"               \
    "  src: {exec: [source], config: {path: x}, sandbox: trusted}\n"                               \
    "  blur: {exec: [blur], sandbox: trusted}\nlinks:\n  - blur.video -> sink.in\n"                \
    "  - {from: src.video, to: blur.video, depth: 8}\n"

static void open_broker(struct fixture *fixture, struct broker *broker, struct graph **out_graph)
{
    struct diags diags;
    *out_graph = fixture_check(fixture, GRAPH, &diags);
    assert_int_equal(diags.count, 0);
    *broker =
        (struct broker){.graph = *out_graph, .loaded_ns = clock_now_ns(), .phase = BROKER_RUNNING};
    assert_int_equal(actual_create(*out_graph, &broker->actual), 0);
}

static void close_broker(struct broker *broker, struct graph *graph)
{
    actual_destroy(broker->actual);
    graph_destroy(graph);
}

// R-SUP-060
static void nodes_are_sorted_by_id_and_carry_what_is_known_of_them(void **state)
{
    struct broker broker;
    struct graph *graph;
    open_broker(*state, &broker, &graph);
    struct actual_node *sink = broker.actual->nodes[0];
    sink->life.state = NODE_BACKING_OFF;
    sink->life.generation = 4;
    sink->restart.total = 3;
    sink->restart_at_ns = clock_now_ns() + CLOCK_NS_PER_S;
    sink->stalls = 2;
    sink->counts.frames_in = 70;
    exit_reason_from_wait(&sink->reason, 11);
    struct actual_node *source = broker.actual->nodes[1];
    source->life.state = NODE_RUNNING;
    source->pid = getpid();
    source->begun_ns = clock_now_ns();
    struct status_page page = {.phase = WORKER_NO_SPACE};
    atomic_store(&page.frames_out, 90);
    source->status = &page;
    struct snapshot snapshot;
    assert_int_equal(snapshot_take(&broker, &snapshot), 0);
    assert_int_equal(snapshot.node_count, 3);
    assert_string_equal(snapshot.nodes[0].id, "blur");
    assert_string_equal(snapshot.nodes[1].id, "sink");
    assert_string_equal(snapshot.nodes[2].id, "src");
    const struct snapshot_node *node = &snapshot.nodes[1];
    assert_int_equal(node->state, NODE_BACKING_OFF);
    assert_false(node->is_alive);
    assert_true(node->is_optional);
    assert_int_equal(node->tier, GRAPH_TIER_TRUSTED);
    assert_int_equal(node->generation, 4);
    assert_int_equal(node->restarts, 3);
    assert_int_equal(node->stalls, 2);
    assert_int_equal(node->counts.frames_in, 70);
    assert_string_equal(node->last_reason, "signal 11 (SIGSEGV)");
    assert_in_range(node->restart_in_ns, 1, CLOCK_NS_PER_S);
    assert_int_equal(node->usage.cpu_ns, 0);
    node = &snapshot.nodes[2];
    assert_true(node->is_alive);
    assert_int_equal(node->pid, getpid());
    assert_int_equal(node->phase, WORKER_NO_SPACE);
    assert_int_equal(node->counts.frames_out, 90);
    assert_true(node->usage.cpu_ns > 0 && node->usage.memory_bytes > 0);
    assert_int_equal(node->restart_in_ns, -1);
    assert_string_equal(node->last_reason, "");
    snapshot_fini(&snapshot);
    source->status = NULL;
    close_broker(&broker, graph);
}

// R-SUP-061
static void links_carry_their_ends_state_and_depth(void **state)
{
    struct broker broker;
    struct graph *graph;
    open_broker(*state, &broker, &graph);
    broker.actual->links[1]->past =
        (struct account){.published = 12, .released = 9, .abandoned = 3};
    struct snapshot snapshot;
    assert_int_equal(snapshot_take(&broker, &snapshot), 0);
    assert_int_equal(snapshot.link_count, 2);
    const struct snapshot_link *link = &snapshot.links[1];
    assert_string_equal(link->name, "src.video -> blur.video");
    assert_string_equal(link->from, "src.video");
    assert_string_equal(link->to, "blur.video");
    assert_int_equal(link->state, LINK_PENDING);
    assert_int_equal(link->depth, 8);
    assert_int_equal(link->filled, 0);
    assert_int_equal(link->newest_age_ns, -1);
    assert_int_equal(link->account.published, 12);
    assert_true(account_is_balanced(&link->account));
    snapshot_fini(&snapshot);
    close_broker(&broker, graph);
}

// R-SUP-062
static void processes_that_were_left_behind_are_counted_and_named(void **state)
{
    struct broker broker;
    struct graph *graph;
    open_broker(*state, &broker, &graph);
    struct stuck_process left[] = {{.serial = 9, .pid = 77, .node = "blur", .generation = 2}};
    broker.left = left;
    broker.left_count = 1;
    struct snapshot snapshot;
    assert_int_equal(snapshot_take(&broker, &snapshot), 0);
    assert_int_equal(snapshot.detached_count, 1);
    assert_string_equal(snapshot.detached[0].node, "blur");
    assert_int_equal(snapshot.detached[0].pid, 77);
    snapshot_fini(&snapshot);
    broker.left_count = 0;
    assert_int_equal(snapshot_take(&broker, &snapshot), 0);
    assert_int_equal(snapshot.detached_count, 0);
    snapshot_fini(&snapshot);
    close_broker(&broker, graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nodes_are_sorted_by_id_and_carry_what_is_known_of_them,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(links_carry_their_ends_state_and_depth, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(processes_that_were_left_behind_are_counted_and_named,
                                        fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
