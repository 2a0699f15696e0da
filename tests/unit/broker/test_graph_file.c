// SPDX-License-Identifier: Apache-2.0
// What a graph file may say, and the message for each thing that it may not.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/graph/graph_file.h"
#include "unit/broker/graph_text.h"

// The file is refused, and one of the messages is exactly this.
static void assert_message(const char *text, const char *message)
{
    struct diags diags = {.count = 0};
    struct graph *graph = NULL;
    assert_int_equal(graph_file_load("g.yaml", text, strlen(text), &graph, &diags), -EINVAL);
    assert_null(graph);
    assert_int_equal(diags_exit_status(&diags), 78);
    char line[DIAGS_LINE_BYTES_MAX] = "";
    for (size_t i = 0; i < diags.count; i++) {
        diags_format(&diags.items[i], line, sizeof(line));
        if (strcmp(line, message) == 0) {
            return;
        }
    }
    diags_print(&diags, stderr);
    assert_string_equal(line, message);
}

// A message about a node that has this line under its id, which is line 4 of the file.
static void assert_node_message(const char *line, const char *message)
{
    char text[512];
    snprintf(text, sizeof(text), "version: 1\nnodes:\n  a: {exec: [x],\n    %s}\n", line);
    assert_message(text, message);
}

static void assert_link_message(const char *link, const char *message)
{
    char text[512];
    snprintf(text, sizeof(text), "version: 1\nnodes: {}\nlinks:\n  - %s\n", link);
    assert_message(text, message);
}

static const char whole[] = "version: 1\n"
                            "name: demo\n"
                            "clock: {fps: \"30000/1001\", precise: true}\n"
                            "commit: manual\n"
                            "limits: {nodes: 300, shared_memory: 25%}\n"
                            "signatures: {policy: warn, keys: [keys/]}\n"
                            "dead_letters: {dir: dead, max: 1MiB}\n"
                            "nodes:\n"
                            "  a:\n"
                            "    exec: [prog, -x, 5]\n"
                            "    config: {radius: 4, name: 'x y'}\n"
                            "    run: {mode: tick, interval: 10ms, priority: high, cpus: [0, 2],"
                            " spin: auto}\n"
                            "    activate: {batch: 8, within: 20ms}\n"
                            "    restart: {when: always, max: unlimited, window: 1m, delay: 1s,"
                            " max_delay: 1h, then: stop-graph}\n"
                            "    on_crash: {frame: skip, poison_after: 1}\n"
                            "    on_stall: detach\n"
                            "    timeouts: {start: 1s, process: 2s, stop: 3s}\n"
                            "    sandbox: {tier: trusted, read: [r], write: [w], network: true,"
                            " devices: [gpu], env: {K: V}}\n"
                            "    limits: {memory: none, cpu: 50%, pids: 1, files: 16,"
                            " log_rate: none}\n"
                            "    gpu: off\n"
                            "    optional: true\n"
                            "  b: {exec: [prog], activate: {every: 1s}}\n"
                            "links:\n"
                            "  - a.video->b.video\n"
                            "  - {from: a.audio, to: b.audio, depth: 8, delivery: latest,"
                            " auto_transfer: false, transport: ring, max_payload: 64MiB,"
                            " memory: huge, max_lag: 2s}\n";

// R-GRAPH-001 R-GRAPH-018
static void every_key_of_the_format_is_read(void **state)
{
    (void)state;
    struct graph *graph = graph_text_load(whole);
    assert_string_equal(graph->name, "demo");
    assert_int_equal(graph->clock.fps.numerator, 30000);
    assert_int_equal(graph->clock.fps.denominator, 1001);
    assert_true(graph->clock.is_precise);
    assert_int_equal(graph->commit, GRAPH_COMMIT_MANUAL);
    assert_int_equal(graph->limits.nodes, 300);
    assert_int_equal(graph->limits.shared_memory.permille, 250);
    assert_int_equal(graph->signatures.policy, GRAPH_POLICY_WARN);
    assert_string_equal(graph->dead_letters.dir, "dead");
    assert_int_equal(graph->dead_letters.max, 1 << 20);
    const struct graph_node *a = &graph->nodes[0];
    assert_int_equal(a->exec.count, 3);
    assert_string_equal(a->exec.items[2], "5");
    assert_string_equal(a->config.items[0].name, "name");
    assert_string_equal(a->config.items[1].value, "4");
    assert_int_equal(a->run.mode, SB_MODE_TICK);
    assert_int_equal(a->run.interval_ns, 10000000);
    assert_int_equal(a->run.priority, GRAPH_PRIORITY_HIGH);
    assert_int_equal(a->run.cpus.items[1], 2);
    assert_int_equal(a->run.spin_ns, GRAPH_AUTO_NS);
    assert_int_equal(a->activate.kind, SB_ACTIVATE_BATCH);
    assert_int_equal(a->activate.within_ns, 20000000);
    assert_int_equal(a->restart.max, GRAPH_UNLIMITED);
    assert_int_equal(a->restart.max_delay_ns, INT64_C(3600000000000));
    assert_int_equal(a->restart.then, GRAPH_GIVE_UP_STOP_GRAPH);
    assert_int_equal(a->on_crash.frame, GRAPH_CRASH_FRAME_SKIP);
    assert_int_equal(a->on_stall, GRAPH_STALL_DETACH);
    assert_int_equal(a->timeouts.stop_ns, INT64_C(3000000000));
    assert_int_equal(a->sandbox.tier, GRAPH_TIER_TRUSTED);
    assert_string_equal(a->sandbox.env.items[0].value, "V");
    assert_int_equal(a->limits.memory, GRAPH_NONE_BYTES);
    assert_int_equal(a->limits.cpu_permille, 500);
    assert_int_equal(a->gpu, GRAPH_GPU_OFF);
    assert_true(a->is_optional);
    assert_int_equal(graph->nodes[1].activate.kind, SB_ACTIVATE_EVERY);
    assert_string_equal(graph->links[0].to.port, "video");
    const struct graph_link *link = &graph->links[1];
    assert_int_equal(link->depth, 8);
    assert_int_equal(link->delivery, SB_DELIVERY_LATEST);
    assert_false(link->is_auto_transfer);
    assert_int_equal(link->max_payload, 64 << 20);
    assert_int_equal(link->memory, GRAPH_MEMORY_HUGE);
    assert_int_equal(link->max_lag_ns, INT64_C(2000000000));
    graph_destroy(graph);
}

// R-CLOCK-001
static void what_is_not_given_has_its_default(void **state)
{
    (void)state;
    struct graph *graph =
        graph_text_load("version: 1\nnodes: {a: {exec: [x]}}\nlinks: [a.out -> a.in]\n");
    assert_string_equal(graph->name, "g");
    assert_int_equal(graph->clock.fps.numerator, 30);
    assert_int_equal(graph->limits.nodes, GRAPH_NODES_DEFAULT);
    assert_int_equal(graph->limits.shared_memory.permille, 500);
    const struct graph_node *node = &graph->nodes[0];
    assert_int_equal(node->timeouts.start_ns, INT64_C(10000000000));
    assert_int_equal(node->timeouts.process_ns, INT64_C(5000000000));
    assert_int_equal(node->restart.max, 5);
    assert_int_equal(node->restart.when, GRAPH_RESTART_ON_FAILURE);
    assert_int_equal(node->sandbox.tier, GRAPH_TIER_UNSET);
    assert_int_equal(node->limits.pids, 64);
    assert_int_equal(node->activate.kind, SB_ACTIVATE_DEFAULT);
    assert_int_equal(graph->links[0].depth, 0);
    assert_int_equal(graph->links[0].max_lag_ns, GRAPH_NONE_NS);
    assert_true(graph->links[0].is_auto_transfer);
    assert_string_equal(graph->links[0].transport, "ring");
    graph_destroy(graph);
}

// R-GRAPH-023
static void a_graph_without_nodes_is_valid(void **state)
{
    (void)state;
    struct graph *graph = graph_text_load("version: 1\nnodes:\n");
    assert_int_equal(graph->node_count, 0);
    graph_destroy(graph);
}

// R-GRAPH-008
static void an_unknown_key_is_refused_with_the_nearest(void **state)
{
    (void)state;
    assert_link_message("{from: a.b, to: c.d, dept: 3}",
                        "g.yaml:4:26: unknown key 'dept'; did you mean 'depth'?");
    assert_node_message("timeouts: {strat: 1s}",
                        "g.yaml:4:16: unknown key 'strat'; did you mean 'start'?");
    assert_message("version: 1\nnode: {}\n",
                   "g.yaml:2:1: unknown key 'node'; did you mean 'nodes'?");
    assert_node_message("on_crash: {zzzzzz: 1}",
                        "g.yaml:4:16: unknown key 'zzzzzz'; known here: frame, poison_after");
    assert_node_message(
        "run.mode: tick",
        "g.yaml:4:5: unknown key 'run.mode'; known here: exec, config, run, activate, "
        "restart, on_crash, on_stall, timeouts, sandbox, limits, optional, gpu; parameters of "
        "its processor go under config");
}

// R-GRAPH-009
static void a_node_that_is_there_twice_is_refused(void **state)
{
    (void)state;
    assert_message("version: 1\nnodes:\n  a: {exec: [x]}\n  a: {exec: [y]}\n",
                   "g.yaml:4:3: duplicate key 'a', first in line 3 column 3; remove one of the "
                   "two");
}

// R-GRAPH-013
static void a_wrong_unit_is_refused_with_those_that_fit(void **state)
{
    (void)state;
    assert_node_message("timeouts: {start: 10}",
                        "g.yaml:4:23: timeouts.start: '10' is not a duration; write a number "
                        "with ns, us, ms, s, m or h, such as 250ms");
    assert_node_message("limits: {memory: 5s}",
                        "g.yaml:4:22: limits.memory: '5s' is not a size; write bytes, or a "
                        "number with KiB, MiB or GiB, such as 64MiB, or none");
    assert_node_message("limits: {cpu: 50}",
                        "g.yaml:4:19: limits.cpu: '50' is not a percentage; write a percentage "
                        "such as 50%");
    assert_node_message("optional: yes", "g.yaml:4:15: optional: 'yes' is neither true nor "
                                         "false; write one of them");
}

// R-GRAPH-014
static void a_number_out_of_bounds_is_refused_with_them(void **state)
{
    (void)state;
    assert_link_message("{from: a.b, to: c.d, depth: 0}",
                        "g.yaml:4:33: depth: '0' is out of bounds; write 1 to 65536");
    assert_message("version: 1\nclock: {fps: 0}\nnodes: {}\n",
                   "g.yaml:2:14: clock.fps: '0' is out of bounds; write more than 0 and at most "
                   "10000");
    assert_message("version: 1\nclock: {fps: -1}\nnodes: {}\n",
                   "g.yaml:2:14: clock.fps: '-1' is out of bounds; write more than 0 and at most "
                   "10000");
    assert_message("version: 1\nclock: {fps: 10001}\nnodes: {}\n",
                   "g.yaml:2:14: clock.fps: '10001' is out of bounds; write more than 0 and at "
                   "most 10000");
    assert_message("version: 2\nnodes: {}\n",
                   "g.yaml:1:10: version: '2' is not known here; write 1");
    assert_node_message("limits: {pids: 99999999999999999999}",
                        "g.yaml:4:20: limits.pids: '99999999999999999999' is out of bounds; "
                        "write 1 to 65536");
}

// R-GRAPH-011
static void an_address_that_is_not_node_and_port_is_refused(void **state)
{
    (void)state;
    assert_link_message("a.b.c -> d.e",
                        "g.yaml:4:5: 'a.b.c' is not one node and one port; write node.port");
    assert_link_message("a -> d.e",
                        "g.yaml:4:5: 'a' is not one node and one port; write node.port");
    assert_link_message("a.b -> d",
                        "g.yaml:4:12: 'd' is not one node and one port; write node.port");
    assert_link_message("{from: a.b, to: .x}",
                        "g.yaml:4:21: '.x' is not one node and one port; write node.port");
    assert_link_message("a.b", "g.yaml:4:5: 'a.b' is no link; write from.port -> to.port");
    assert_link_message("a.B -> c.d",
                        "g.yaml:4:5: 'a.B' is no address; write node.port, each of a-z, 0-9, _ "
                        "and -");
}

// R-GRAPH-012 R-GRAPH-031
static void a_node_id_that_is_none_is_refused_and_shown_escaped(void **state)
{
    (void)state;
    assert_message("version: 1\nnodes: {Big: {exec: [x]}}\n",
                   "g.yaml:2:9: 'Big' is no node id; write 1 to 63 of a-z, 0-9, _ and -, a letter "
                   "first");
    assert_message("version: 1\nnodes: {\"a\\x1b[31m\": {exec: [x]}}\n",
                   "g.yaml:2:9: 'a\\x1b[31m' is no node id; write 1 to 63 of a-z, 0-9, _ and -, a "
                   "letter first");
}

// R-DATA-006
static void an_unknown_word_is_refused_with_the_known_ones(void **state)
{
    (void)state;
    assert_link_message("{from: a.b, to: c.d, delivery: best}",
                        "g.yaml:4:36: delivery: 'best' is not known here; write lossless, ordered "
                        "or latest");
    assert_node_message("sandbox: {require: [cgroup, gpu]}",
                        "g.yaml:4:33: sandbox.require: 'gpu' is not known here; write cgroup, "
                        "own-uid, memory, cpu, pids or tls");
    assert_node_message("activate: sometimes",
                        "g.yaml:4:15: activate: 'sometimes' is not known here; write any or all");
}

static void a_wrong_shape_is_refused_with_the_right_one(void **state)
{
    (void)state;
    assert_message("version: 1\nnodes: [a]\n",
                   "g.yaml:2:8: 'nodes' is a list; write a mapping, as {id: {exec: [program]}}");
    assert_message("version: 1\nnodes: {a: {exec: prog}}\n",
                   "g.yaml:2:19: 'exec' is a value; write a list, as [a, b]");
    assert_message("version: 1\nnodes: {a: {exec: []}}\n",
                   "g.yaml:2:19: exec names no program; write [program] or [program, argument]");
    assert_node_message("timeouts: 5s",
                        "g.yaml:4:15: 'timeouts' is a value; write a mapping, as {key: value}");
    assert_node_message("limits: {pids: \"5\"}",
                        "g.yaml:4:20: '5' is text in quotes; write it without them");
    assert_node_message("limits: {pids: \"many\"}",
                        "g.yaml:4:20: limits.pids: 'many' is not a number; write a whole number "
                        "such as 16");
    assert_node_message("optional: ~",
                        "g.yaml:4:15: 'optional' has no value; write one, or leave the key out");
    assert_message("- 1\n", "g.yaml:1:1: 'the graph' is a list; write version: 1 and nodes:");
    assert_message("", "g.yaml:1:1: the file is empty; write version: 1 and nodes:");
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    assert_message("nodes: {}\n", "g.yaml:1:1: the graph has no 'version'; add it (number)");
    assert_message("version: 1\n", "g.yaml:1:1: the graph has no 'nodes'; add them, {} for none");
    assert_message("version: 1\nnodes: {a: {}}\n",
                   "g.yaml:2:9: node 'a' has no 'exec'; add it (list)");
    assert_link_message("{from: a.b}", "g.yaml:4:5: the link has no 'to'; add it (node.port)");
}

static void a_batch_and_an_interval_exclude_each_other(void **state)
{
    (void)state;
    assert_node_message("activate: {batch: 2, every: 1s}",
                        "g.yaml:4:33: activate has both 'batch' and 'every'; write one of them");
    assert_node_message("activate: {within: 1s}",
                        "g.yaml:4:24: 'within' is the time limit of a batch; add 'batch', or "
                        "write 'every'");
}

// R-GRAPH-017
static void more_nodes_than_the_limit_are_refused_with_both_numbers(void **state)
{
    (void)state;
    assert_message("version: 1\nlimits: {nodes: 1}\nnodes: {a: {exec: [x]}, b: {exec: [x]}}\n",
                   "g.yaml:3:8: 2 nodes, at most 1 are allowed; raise limits.nodes or split the "
                   "graph");
}

// R-GRAPH-002
static void all_errors_are_reported_in_one_run(void **state)
{
    (void)state;
    struct diags diags = {.count = 0};
    struct graph *graph = NULL;
    const char *text = "version: 1\nfoo: 1\nclock: {fps: 0}\nnodes:\n  a: {exec: [x], depth: 1}\n"
                       "  a: {exec: [x]}\n  C: {}\nlinks: [a.b, {from: x}]\n";
    assert_int_equal(graph_file_load("g.yaml", text, strlen(text), &graph, &diags), -EINVAL);
    assert_int_equal(diags.counts[DIAG_ERROR], 9);
}

static void keys_turn_the_policy_to_warn_unless_it_is_written(void **state)
{
    (void)state;
    struct graph *graph = graph_text_load("version: 1\nnodes: {}\nsignatures: {keys: [k]}\n");
    assert_int_equal(graph->signatures.policy, GRAPH_POLICY_WARN);
    graph_destroy(graph);
    graph = graph_text_load("version: 1\nnodes: {}\nsignatures: {keys: [k], policy: off}\n");
    assert_int_equal(graph->signatures.policy, GRAPH_POLICY_OFF);
    graph_destroy(graph);
}

static void a_name_is_made_of_the_files_name(void **state)
{
    (void)state;
    const char *text = "version: 1\nnodes: {}\n";
    struct diags diags = {.count = 0};
    struct graph *graph = NULL;
    assert_int_equal(graph_file_load("/tmp/9 My Graph.v2.yaml", text, strlen(text), &graph, &diags),
                     0);
    assert_string_equal(graph->name, "my-graph");
    assert_string_equal(graph->folder, "/tmp");
    graph_destroy(graph);
}

// R-GRAPH-003
static void a_file_that_cannot_be_read_says_why(void **state)
{
    (void)state;
    struct diags diags = {.count = 0};
    struct graph *graph = NULL;
    assert_int_equal(graph_file_read("/nowhere/g.yaml", &graph, &diags), -ENOENT);
    char line[DIAGS_LINE_BYTES_MAX];
    diags_format(&diags.items[0], line, sizeof(line));
    assert_string_equal(line, "/nowhere/g.yaml: cannot be read (No such file or directory); name a "
                              "graph file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_of_the_format_is_read),
        cmocka_unit_test(what_is_not_given_has_its_default),
        cmocka_unit_test(a_graph_without_nodes_is_valid),
        cmocka_unit_test(an_unknown_key_is_refused_with_the_nearest),
        cmocka_unit_test(a_node_that_is_there_twice_is_refused),
        cmocka_unit_test(a_wrong_unit_is_refused_with_those_that_fit),
        cmocka_unit_test(a_number_out_of_bounds_is_refused_with_them),
        cmocka_unit_test(an_address_that_is_not_node_and_port_is_refused),
        cmocka_unit_test(a_node_id_that_is_none_is_refused_and_shown_escaped),
        cmocka_unit_test(an_unknown_word_is_refused_with_the_known_ones),
        cmocka_unit_test(a_wrong_shape_is_refused_with_the_right_one),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(a_batch_and_an_interval_exclude_each_other),
        cmocka_unit_test(more_nodes_than_the_limit_are_refused_with_both_numbers),
        cmocka_unit_test(all_errors_are_reported_in_one_run),
        cmocka_unit_test(keys_turn_the_policy_to_warn_unless_it_is_written),
        cmocka_unit_test(a_name_is_made_of_the_files_name),
        cmocka_unit_test(a_file_that_cannot_be_read_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
