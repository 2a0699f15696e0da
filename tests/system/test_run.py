# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""A graph from its start to its exit status, with the real broker and real workers."""
import json
import os
import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graph_case import GraphCase
from harness.graphs import BUILD, children

SOURCE = "exec: [test-source], config: {frames: 1000}"
ENDLESS = "exec: [test-source], config: {rate: 1000}"
CHECK = "exec: [check-sink], config: {stamp: true}"
# A sink that has seen enough after twenty frames.
EARLY = f"exec: [{BUILD / 'tests/system/probe'}], config: {{limit: 20}}, run: {{mode: reactive}}"
FOR_NOBODY = "nobody is left who would take a frame: the graph ends"


class Run(GraphCase):
    def test_a_finite_graph_ends_by_itself_with_0(self):
        """R-CLI-001 R-EXIT-001 R-WORKER-006 R-DATA-007 R-DATA-014"""
        self.graph.write({"a": SOURCE, "b": "exec: [pass]", "c": CHECK}, ["a.data -> b.in", "b.out -> c.in"])
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("link a.data -> b.in: published=1000 released=1000\n", done.stderr)
        self.assertIn("link b.out -> c.in: published=1000 released=1000\n", done.stderr)
        self.assertIn("b[1]: counted: in=1000 out=1000\n", done.stderr)

    def test_a_graph_ends_when_nobody_is_left_who_would_take_its_frames(self):
        """R-CLI-019"""
        self.graph.write({"a": ENDLESS, "b": "exec: [pass]", "c": EARLY}, ["a.data -> b.in", "b.out -> c.data_0"])
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"c[1]: has finished, and {FOR_NOBODY}", done.stderr)
        self.assertIn("a[1]: running -> stopping (the graph ends)", done.stderr)

    def test_a_graph_goes_on_while_somebody_takes_its_frames_or_it_is_to_stay(self):
        """R-CLI-019"""
        nodes = {"a": ENDLESS, "b": "exec: [pass]", "c": EARLY, "d": CHECK}
        links = ["a.data -> b.in", "b.out -> c.data_0", "a.data -> d.in"]
        for options, count in (((), 4), (("--keep",), 3)):
            self.graph.write(dict(list(nodes.items())[:count]), links[:count - 1])
            running = self.start("-v", *options)
            running.expect("c[1]: running -> finished")
            # What is told after that comes after what the end of c did.
            running.signal()
            self.assertEqual(running.wait(), 0, running.text())
            self.assertNotIn(FOR_NOBODY, running.text())

    def test_only_the_workers_speak_at_the_usual_level(self):
        self.graph.write({"a": SOURCE, "b": "exec: [null-sink]"}, ["a.data -> b.in"])
        done = self.graph.run("-q")
        self.assertEqual((done.returncode, done.stderr, done.stdout), (0, "", ""))

    def test_four_consumers_get_every_frame(self):
        """R-DATA-003 R-GRAPH-030"""
        sinks = {f"c{i}": CHECK for i in range(4)}
        self.graph.write({"a": SOURCE, **sinks}, [f"a.data -> c{i}.in" for i in range(4)])
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count(": published=1000 released=1000\n"), 4)

    def test_an_error_of_open_stops_what_was_started_and_is_1(self):
        """R-WORKER-009 R-EXIT-002"""
        self.graph.write({"a": "exec: [file-source], config: {path: none.txt, format: lines}", "b": ENDLESS,
                          "c": "exec: [null-sink]", "d": "exec: [null-sink]"},
                         ["a.out -> c.in", "b.data -> d.in"])
        done = self.graph.run()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("error a[1]: failed: open: ", done.stderr)
        self.assertIn("none.txt", done.stderr)
        self.assertEqual(done.stderr.count("error"), 1, done.stderr)

    def test_an_optional_node_that_cannot_open_leaves_the_rest(self):
        """R-WORKER-010"""
        self.graph.write({"a": "exec: [file-source], config: {path: none.txt, format: lines}, optional: true",
                          "b": SOURCE, "c": "exec: [null-sink]", "d": CHECK},
                         ["a.out -> c.in", "b.data -> d.in"])
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("b.data -> d.in: published=1000 released=1000", done.stderr)

    def test_formats_that_do_not_meet_are_78_and_show_both_sides(self):
        """R-NEG-003 R-EXIT-009"""
        self.graph.write({"a": "exec: [test-pattern], config: {pixel: i420, frames: 5}",
                          "b": "exec: [test-pattern], config: {pixel: rgba, frames: 5}",
                          "c": "exec: [convert]", "d": "exec: [null-sink]"},
                         [f"{{from: {node}.video, to: c.video, auto_transfer: false}}" for node in "ab"] +
                         ["c.video -> d.in"])
        done = self.graph.run()
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertRegex(done.stderr, r"no common format: a\.video offers video i420")
        self.assertRegex(done.stderr, r"b\.video offers video rgba")

    def test_memory_beyond_the_limit_is_78_with_both_numbers(self):
        """R-MEM-003 R-MEM-005"""
        self.graph.write({"a": "exec: [test-source], config: {frames: 5, size: 1MiB}", "b": "exec: [null-sink]"},
                         ["{from: a.data, to: b.in, depth: 64}"], "limits: {shared_memory: 8MiB}")
        done = self.graph.run()
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertRegex(done.stderr, r"\S+ needed, \S+ available \(limits\.shared_memory\)")

    def test_the_first_signal_drains_and_is_0(self):
        """R-CLI-015 R-EXIT-001"""
        self.graph.write({"a": ENDLESS, "b": "exec: [pass]", "c": CHECK}, ["a.data -> b.in", "b.out -> c.in"])
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            running = self.start("-v")
            running.expect("c[1]: ready -> running")
            running.signal(number)
            self.assertEqual(running.wait(), 0, running.text())
            self.assertNotIn("abandoned", running.text())

    def test_nothing_is_left_after_the_end(self):
        """R-MEM-001"""
        before = set(os.listdir("/dev/shm"))
        self.graph.write({"a": ENDLESS, "b": "exec: [null-sink]"}, ["a.data -> b.in"])
        running = self.start("-v")
        running.expect("b[1]: ready -> running")
        below = children(running.process.pid)
        self.assertEqual(len(below), 3)  # the launcher and two workers
        self.assertEqual(set(os.listdir("/dev/shm")), before)
        running.signal()
        self.assertEqual(running.wait(), 0)
        self.assertEqual([pid for pid in below if pathlib.Path(f"/proc/{pid}").exists()], [])

    def test_idle_starts_nothing_and_keep_stays(self):
        """R-CLI-005 R-CLI-006"""
        self.graph.write({"a": SOURCE, "b": "exec: [null-sink]"}, ["a.data -> b.in"])
        idle = self.start("-v", "--idle")
        idle.expect("the graph is loaded and not started")
        self.assertEqual(len(children(idle.process.pid)), 1)  # the launcher
        idle.signal()
        self.assertEqual(idle.wait(), 0, idle.text())
        self.assertNotIn("starting", idle.text())
        keep = self.start("-v", "--keep")
        keep.expect("every node has finished")
        self.assertIsNone(keep.process.poll())
        keep.signal()
        self.assertEqual(keep.wait(), 0, keep.text())

    def test_check_starts_nothing(self):
        """R-CLI-002"""
        self.graph.write({"a": "exec: [test-source], config: {frames: x}"})
        done = self.graph.run("--check")
        self.assertEqual(done.returncode, 78, done.stderr)
        self.graph.write({"a": SOURCE, "b": "exec: [file-sink], config: {path: out.bin}"}, ["a.data -> b.in"])
        done = self.graph.run("--check")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse((self.graph.folder / "out.bin").exists())

    def test_a_missing_file_is_66_and_wrong_options_are_2(self):
        """R-EXIT-003 R-EXIT-005 R-CLI-004"""
        done = self.graph.run()
        self.assertEqual(done.returncode, 66, done.stderr)
        self.graph.write({"a": SOURCE})
        done = self.graph.run("--kep")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("did you mean --keep?", done.stderr)

    def test_a_source_without_links_runs_alone(self):
        """R-NEG-015"""
        self.graph.write({"a": SOURCE})
        done = self.graph.run()
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_data_that_is_wrong_makes_the_status_1(self):
        """R-EXIT-012"""
        self.graph.write({"a": SOURCE, "b": "exec: [check-sink], config: {expect_frames: 999}"},
                         ["a.data -> b.in"])
        done = self.graph.run()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("exit code 125", done.stderr)

    def test_a_drain_that_misses_its_deadline_is_1_and_says_what_was_lost(self):
        """R-EXIT-011 R-STEP-016"""
        self.graph.write({"a": "exec: [test-source], timeouts: {stop: 300ms}",
                          "b": "exec: [check-sink], config: {work: 20s}, timeouts: {stop: 300ms}",
                          "x": "exec: [test-source], config: {frames: 50, rate: 1000}"}, ["a.data -> b.in"])
        running = self.start("-v")
        running.expect("x[1]: finished")  # by then the other source has filled its link
        running.signal()
        self.assertEqual(running.wait(), 1, running.text())
        self.assertIn("error b[1]: failed: stop deadline of 300ms passed", running.text())
        self.assertRegex(running.text(), r"error: link a\.data -> b\.in: \d+ frames were lost on a lossless link")

    def test_two_links_into_one_input_agree_also_around_a_corner(self):
        """R-NEG-003 R-DATA-012"""
        self.graph.write({"a": "exec: [test-pattern], config: {frames: 20}, run: {interval: 1ms}",
                          "b": "exec: [blur]", "c": "exec: [blur]", "d": CHECK.replace("stamp: true", "numbers: off")},
                         ["a.video -> c.video", "a.video -> b.video", "b.video -> c.video", "c.video -> d.in"])
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("link c.video -> d.in: published=40 released=40\n", done.stderr)

    def test_every_line_is_an_object_with_log_format_json(self):
        """R-LOG-002 R-LOG-003"""
        self.graph.write({"a": SOURCE, "b": "exec: [check-sink]"}, ["a.data -> b.in"])
        done = self.graph.run("-v", "--log-format", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        for line in lines:
            self.assertEqual(set(line), {"ts", "level", "node", "generation", "stream", "intercepted", "text"})
        self.assertTrue(any(line["intercepted"] and line["node"] == "b" for line in lines))

    def test_many_nodes_start_together(self):
        """R-WORKER-006"""
        nodes, links = {}, []
        for i in range(40):
            nodes |= {f"a{i}": SOURCE, f"b{i}": "exec: [null-sink]"}
            links.append(f"a{i}.data -> b{i}.in")
        self.graph.write(nodes, links)
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        ready = [n for n, line in enumerate(done.stderr.splitlines()) if "starting -> ready" in line]
        runs = [n for n, line in enumerate(done.stderr.splitlines()) if "ready -> running" in line]
        self.assertEqual((len(ready), len(runs)), (80, 80))
        self.assertLess(max(ready), min(runs))

    def test_cpu_time_of_the_broker_does_not_grow_with_the_frames(self):
        """R-DATA-020"""
        spent = []
        for frames in (1000, 1000000):
            self.graph.write({"a": f"exec: [test-source], config: {{frames: {frames}}}",
                              "b": "exec: [null-sink]"},
                             ["{from: a.data, to: b.in, depth: 4096, max_payload: 64}"])
            running = self.start("--keep", "-v")
            running.expect("every node has finished")
            stat = pathlib.Path(f"/proc/{running.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            spent.append((int(stat[11]) + int(stat[12])) * 1000 // os.sysconf("SC_CLK_TCK"))
            running.signal()
            self.assertEqual(running.wait(), 0)
        self.assertLess(spent[1], spent[0] + 100, f"milliseconds: {spent}")


if __name__ == "__main__":
    if not (BUILD / "libexec/streambroker/check-sink").exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    unittest.main()
