# SPDX-License-Identifier: Apache-2.0
# test: timeout=120 tiers
"""Workers that crash, hang, lie and break the protocol harm themselves only."""
import os
import pathlib
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graph_case import GraphCase
from harness.graphs import BUILD, TIER, children, skip_without_walls

ENDLESS = "exec: [test-source], config: {rate: 1000}"
FINITE = "exec: [test-source], config: {frames: 200, rate: 1000}"
CHECK = "exec: [check-sink]"
STUCK = "connect()\nsend(OPENED)\nprint('I am stuck', file=sys.stderr, flush=True)\nforever()"


class Workers(GraphCase):
    def pid_of(self, running, node):
        line = running.expect(f"{node}[1]: process pid=")
        return int(line.rsplit("=", 1)[1])

    def test_a_producer_that_crashes_ends_its_links_after_its_last_frame(self):
        """R-WORKER-013 R-EXIT-002"""
        self.graph.write({"a": ENDLESS, "b": CHECK}, ["a.data -> b.in"])
        running = self.start("-v")
        pid = self.pid_of(running, "a")
        running.expect("b[1]: ready -> running")
        os.kill(pid, signal.SIGABRT)
        self.assertEqual(running.wait(), 1, running.text())
        self.assertRegex(running.text(), r"error a\[1\]: failed: signal 6 \(SIGABRT\)")
        self.assertIn("b[1]: finished", running.text())
        self.assertRegex(running.text(), r"a\.data -> b\.in: published=(\d+) released=\1\n")

    def test_a_consumer_that_crashes_does_not_hold_up_its_lossless_producer(self):
        """R-EXIT-002"""
        self.graph.write({"a": FINITE, "b": "exec: [null-sink]", "c": CHECK}, ["a.data -> b.in", "a.data -> c.in"])
        running = self.start("-v")
        pid = self.pid_of(running, "b")
        running.expect("c[1]: ready -> running")
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(running.wait(), 1, running.text())
        self.assertIn("error b[1]: failed: signal 9 (SIGKILL)", running.text())
        self.assertIn("a.data -> c.in: published=200 released=200\n", running.text())

    def test_stop_graph_ends_the_rest(self):
        """R-SUP-014 R-SUP-069"""
        self.graph.write({"a": ENDLESS, "b": "exec: [null-sink], restart: {max: 0, then: stop-graph}",
                          "c": "exec: [null-sink]"}, ["a.data -> b.in", "a.data -> c.in"])
        running = self.start("-v")
        pid = self.pid_of(running, "b")
        running.expect("c[1]: ready -> running")
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(running.wait(), 1, running.text())
        self.assertIn("the graph stops", running.text())

    def test_five_stuck_workers_cost_one_deadline(self):
        """R-WORKER-014"""
        self.graph.worker("stuck", STUCK)
        nodes = {f"n{i}": "exec: [./stuck], timeouts: {stop: 700ms}" for i in range(5)}
        self.graph.write(nodes)
        running = self.start("-v")
        for _ in range(5):
            running.expect("I am stuck")
        begun = time.monotonic()
        running.signal()
        running.wait()
        self.assertLess(time.monotonic() - begun, 3 * 0.7, running.text())

    def test_a_second_signal_forces_the_end(self):
        """R-EXIT-010 R-CLI-015"""
        self.graph.worker("stuck", STUCK)
        self.graph.write({"a": "exec: [./stuck], timeouts: {stop: 25s}"})
        running = self.start("-v")
        running.expect("I am stuck")
        below = children(running.process.pid)
        running.signal()
        running.expect("stopping: SIGINT")
        running.signal(signal.SIGTERM)
        self.assertEqual(running.wait(), 128 + signal.SIGTERM, running.text())
        self.assertEqual([pid for pid in below if pathlib.Path(f"/proc/{pid}").exists()], [])

    def test_a_start_deadline_is_named(self):
        """R-WORKER-011"""
        self.graph.worker("slow", "forever()")
        self.graph.write({"a": "exec: [./slow], timeouts: {start: 300ms}", "b": ENDLESS})
        done = self.graph.run()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("error a[1]: failed: start deadline of 300ms passed", done.stderr)

    def test_another_protocol_version_is_refused_with_both(self):
        """R-WORKER-007"""
        self.graph.worker("old", "hello(protocol=7)\nforever()")
        self.graph.write({"a": "exec: [./old]"})
        done = self.graph.run()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("protocol version 7, but this side speaks 1", done.stderr)

    def test_a_program_that_is_not_the_one_that_was_checked_is_refused(self):
        """R-WORKER-028"""
        self.graph.worker("changed", "hello(checksum=1)\nforever()")
        self.graph.write({"a": "exec: [./changed]"})
        done = self.graph.run()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("the program changed after the graph was checked", done.stderr)

    def test_messages_that_break_the_protocol_cost_their_sender_only(self):
        """R-WORKER-008"""
        bad = {
            "garbage": "connect()\ncontrol.send(b'x' * 1000)\nforever()",
            "empty": "connect()\ncontrol.send(b'')\nforever()",
            "phase": "connect()\nsend(READY)\nforever()",
            "twice": "connect()\nsend(OPENED)\nsend(OPENED)\nforever()",
            "unknown": "connect()\nsend(999)\nforever()",
            "serial": "connect()\nsend(OPENED)\nsend(MAPPED, field(1, 77))\nforever()",
            "port": "connect()\nsend(FORMATS, field(1, 'nosuch') + field(2, field(1, 4)))\nforever()",
            "drained": "connect()\nsend(DRAINED, field(1, 1) + field(2, 1))\nforever()",
            "uuid": "connect()\nsend(DEVICE, field(1, b'short') + field(2, b'short'))\nforever()",
            "lost": "connect()\nsend(DEVICE_LOST, field(1, 'I had none'))\nforever()",
            "flood": "connect()\nsend(OPENED)\nwhile True: send(OPENED)",
            "descriptors": "connect()\nsocket.send_fds(control, [b'x' * 20], [0, 1])\nforever()",
        }
        nodes = {"good": FINITE, "sink": CHECK}
        for name, body in bad.items():
            self.graph.worker(name, body)
            nodes[name] = f"exec: [./{name}], optional: true, timeouts: {{stop: 300ms}}"
        self.graph.write(nodes, ["good.data -> sink.in"])
        done = self.graph.run("-v")
        self.assertIn("good.data -> sink.in: published=200 released=200\n", done.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in bad:
            why = rf"error {name}\[1\]: failed: (protocol: |exit deadline |PermissionError)"
            self.assertRegex(done.stderr, why)

    def test_a_worker_that_leaves_with_0_before_its_work_is_done_has_failed(self):
        """R-EXIT-002"""
        self.graph.worker("leaver", "connect()\nsys.exit(0)")
        self.graph.write({"a": "exec: [./leaver]"})
        done = self.graph.run()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("it exited with 0 before its work was done", done.stderr)

    def test_a_worker_that_says_78_is_78(self):
        """R-EXIT-013"""
        self.graph.worker("config", "print('no such camera', file=sys.stderr)\nsys.exit(78)")
        self.graph.write({"a": "exec: [./config]"})
        done = self.graph.run()
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("no such camera (exit code 78)", done.stderr)

    def test_the_brokers_death_ends_every_worker(self):
        """R-WORKER-021"""
        self.graph.write({"a": ENDLESS, "b": "exec: [null-sink]"}, ["a.data -> b.in"])
        running = self.start("-v")
        running.expect("b[1]: ready -> running")
        below = children(running.process.pid)
        # The launcher and two workers, each with bwrap and its first process where it is in a sandbox.
        self.assertEqual(len(below), 3 if TIER == "trusted" else 7)
        running.process.kill()
        deadline = time.monotonic() + 2
        while any(pathlib.Path(f"/proc/{pid}").exists() for pid in below):
            self.assertLess(time.monotonic(), deadline, "workers outlive the broker")
        running.wait()

    def test_the_launchers_death_is_70_and_ends_every_worker(self):
        """R-EXIT-007"""
        self.graph.write({"a": ENDLESS, "b": "exec: [null-sink]"}, ["a.data -> b.in"])
        running = self.start("-v")
        running.expect("b[1]: ready -> running")
        below = children(running.process.pid)
        os.kill(min(below), signal.SIGKILL)
        self.assertEqual(running.wait(), 70, running.text())
        self.assertIn("the launcher is gone", running.text())

    def test_a_worker_begins_with_its_socket_and_nothing_else(self):
        """R-WORKER-002 R-WORKER-003 R-WORKER-004 R-SAND-015"""
        if TIER == "untrusted":
            self.skipTest("nothing inside of a sandbox shows this; unit.sandbox.launcher_jail looks from there")
        self.graph.worker("look", "\n".join([
            "fds = [fd for fd in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + fd)]",
            "fds = sorted(int(fd) for fd in fds)",
            "status = open('/proc/self/status').read()",
            "privs = [line for line in status.splitlines() if line.startswith('NoNewPrivs')]",
            "group = os.getpgrp() == os.getpid()",
            "print('fds', fds, 'env', sorted(os.environ), privs, 'group', group, file=sys.stderr)",
            "sys.exit(3)"]))
        self.graph.write({"a": "exec: [./look]"})
        done = self.graph.run()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("fds [0, 1, 2, 3] env ", done.stderr)
        # The first Python sets itself; the second is told to every program that is in Python.
        self.assertRegex(done.stderr, r"env \[('LC_CTYPE', )?'PYTHONPATH'\] ")
        self.assertRegex(done.stderr, r"NoNewPrivs:\S*1")
        self.assertIn("group True", done.stderr)


if __name__ == "__main__":
    skip_without_walls()
    if not (BUILD / "libexec/streambroker/check-sink").exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    unittest.main()
