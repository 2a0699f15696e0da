# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""What links promise for the frames on them, counted by the broker and, apart from it, by the sinks."""
import json
import os
import pathlib
import re
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graph_case import GraphCase
from harness.graphs import BUILD

PROBE = BUILD / "tests/system/probe"
CHECK = "exec: [check-sink], config: {stamp: true}"


def source(frames, rate=0, size=64):
    return f"exec: [test-source], config: {{frames: {frames}, rate: {rate}, size: {size}}}"


def probe(*more, **config):
    words = ", ".join(f"{key}: {value}" for key, value in config.items())
    return ", ".join([f"exec: [{PROBE}], config: {{{words}}}", *more])


class Delivery(GraphCase):
    def counts(self, log, link):
        """published=N released=N ... of a link."""
        said = re.search(rf"link {re.escape(link)}: (published=.*)", log)
        self.assertTrue(said, log)
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", said.group(1))}

    def summary(self, log, node):
        return json.loads(re.search(rf" {node}\[1\] stdout: (\{{.*\}})", log).group(1))

    def slow_consumer(self, delivery, depth):
        sink = "exec: [check-sink], config: {stamp: true, work: 500us, sequence: increasing}"
        log = self.run_graph({"a": source(4000, 20000), "slow": sink, "fast": CHECK},
                             [f"{{from: a.data, to: slow.in, delivery: {delivery}, depth: {depth}}}",
                              "a.data -> fast.in"])
        found, said = self.counts(log, "a.data -> slow.in"), self.summary(log, "slow")
        self.assertEqual(found, {"published": 4000, "released": said["frames"], "evicted": said["missing"]})
        self.assertEqual(said["frames"] + said["missing"], 4000)
        self.assertGreater(said["missing"], 1000)
        self.assertEqual(said["last_seq"], 4000)  # the newest is never the one that is evicted
        self.assertEqual(self.counts(log, "a.data -> fast.in"), {"published": 4000, "released": 4000})
        return said

    def test_ordered_and_latest_count_what_they_evict_to_the_frame(self):
        """R-DATA-004 R-DATA-005 R-DATA-007 R-DATA-008 R-DATA-015"""
        ordered = self.slow_consumer("ordered", 64)
        latest = self.slow_consumer("latest", 4)
        # What is queued is seen in order, and late; the newest is seen at once.
        self.assertGreater(ordered["latency_ns"]["p50"], 2 * latest["latency_ns"]["p50"])

    def test_a_frame_that_is_too_large_is_refused_with_both_sizes_and_counted(self):
        """R-DATA-011"""
        log = self.run_graph({"a": probe("run: {mode: continuous}", limit=10, large_at=4), "b": "exec: [check-sink]"},
                             ["a.data -> b.in"])
        self.assertIn("a frame of 1000000 bytes does not fit into a slot of 64 bytes", log)
        self.assertRegex(log, r"a\[1\]: counted: .*refused=1")
        self.assertEqual(self.counts(log, "a.data -> b.in"), {"published": 9, "released": 9})
        self.assertEqual(self.summary(log, "b")["missing"], 0)

    def test_links_into_one_port_are_read_in_turn(self):
        """R-DATA-012: in order within each, at most 8 in a row from one while the other has frames"""
        # While the first frame is being worked on, both links fill up.
        log = self.run_graph({"a": source(64), "b": source(64, size=128),
                              "c": probe(frames="true", slow_at=1, work="400ms")},
                             [f"{{from: {node}.data, to: c.data_0, depth: 64}}" for node in "ab"])
        seen = [(int(size), int(seq)) for seq, size in re.findall(r"stdout: data_0 (\d+) \d+ (\d+)", log)]
        for size in (64, 128):
            self.assertEqual([seq for of, seq in seen if of == size], list(range(1, 65)))
        runs = re.findall(r"a+|b+", "".join("a" if size == 64 else "b" for size, _ in seen[1:]))
        self.assertLessEqual(max(len(run) for run in runs), 8, runs)
        self.assertGreaterEqual(len(runs), 15)

    def test_all_waits_for_linked_inputs_only(self):
        """R-NEG-016 R-STEP-007: two of the four inputs of this node are linked."""
        log = self.run_graph({"a": source(3), "b": source(2), "c": probe("activate: all", frames="true")},
                             ["a.data -> c.data_0", "b.data -> c.data_2"])
        seen = re.findall(r"stdout: (data_\d) (\d+)", log)
        self.assertEqual(sorted(seen[:4]), [("data_0", "1"), ("data_0", "2"), ("data_2", "1"), ("data_2", "2")])
        # With the other input at its end, `all` means the one that is left.
        self.assertEqual(seen[4:], [("data_0", "3")])

    def test_two_chains_do_not_touch_each_other(self):
        """R-GRAPH-030 R-STEP-013: one stands still, the other runs to its end."""
        self.graph.write({"a": source(0, 1000), "b": probe(work="100s"), "c": source(500), "d": CHECK},
                         ["a.data -> b.data_0", "c.data -> d.in"])
        running = self.graph.start("-v")
        self.addCleanup(running.close)
        running.expect("d[1]: running -> finished")
        self.assertTrue(self.summary(running.text(), "d")["ok"])
        self.assertNotIn("b[1]: running ->", running.text())
        running.signal()
        running.signal(signal.SIGTERM)

    def test_frames_that_were_held_are_released_at_the_end(self):
        """R-STEP-017"""
        log = self.run_graph({"a": source(10), "b": probe(hold=4)}, ["a.data -> b.data_0"])
        self.assertEqual(self.counts(log, "a.data -> b.data_0"), {"published": 10, "released": 10})

    def test_timestamps_are_of_the_monotonic_clock(self):
        """R-DATA-032"""
        before = time.monotonic_ns()
        log = self.run_graph({"a": source(10), "b": CHECK}, ["a.data -> b.in"])
        said = self.summary(log, "b")
        self.assertGreater(said["first_pts_ns"], before)
        self.assertLess(said["last_pts_ns"], time.monotonic_ns())

    def test_a_drain_that_passes_its_deadline_is_1(self):
        """R-EXIT-011"""
        self.graph.write({"a": source(0, 1000) + ", timeouts: {stop: 400ms}",
                          "b": probe("timeouts: {stop: 400ms}", work="100s", frames="true")}, ["a.data -> b.data_0"])
        running = self.graph.start("-v")
        self.addCleanup(running.close)
        running.expect("b[1] stdout: data_0 1 ")
        running.signal()
        self.assertEqual(running.wait(), 1, running.text())
        self.assertRegex(running.text(), r"error: link a\.data -> b\.data_0: \d+ frames were lost on a lossless link")

    def test_no_frame_is_allocated_for(self):
        """R-WORKER-020: of the same program with malloc, calloc and realloc replaced by ones that count."""
        log = self.run_graph({"a": probe("run: {mode: continuous}", limit=5000), "b": probe(),
                              "c": probe(limit=5000)}, ["a.data -> b.data_0", "b.data -> c.data_0"])
        for node in "abc":
            self.assertIn(f"{node}[1] stdout: calls 5000 allocations 0\n", log)


if __name__ == "__main__":
    if not PROBE.exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    unittest.main()
