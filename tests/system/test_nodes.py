# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""One node of a graph: its process, its parameters, its mode and priority, and what it costs when idle."""
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graph_case import GraphCase
from harness.graphs import BROKER, BUILD
from harness.waiting import wait_until

PROBE = BUILD / "tests/system/probe"
NOBODY = 65534
PROGRAMS = sorted(path for path in BUILD.glob("libexec/streambroker/*") if path.is_file())
NO_DEVICE = re.compile("there is no GPU|there is no Vulkan driver|no screen for Vulkan")


def sleeps(pid):
    """How often a process has gone to sleep."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"\nvoluntary_ctxt_switches:\s*(\d+)", status).group(1))


class Nodes(GraphCase):
    def start(self, nodes, links=(), head=""):
        self.graph.write(nodes, links, head)
        running = self.graph.start("-v")
        self.addCleanup(running.close)
        pids = {}
        for _ in nodes:
            found = re.search(r"(\w+)\[1\]: process pid=(\d+)", running.expect("process pid="))
            pids[found.group(1)] = int(found.group(2))
        running.expect("-> running")
        return running, pids

    def test_each_node_is_a_process_of_its_own_that_ran_exec(self):
        """R-WORKER-001 R-WORKER-005"""
        running, pids = self.start({"a": "exec: [test-source], config: {rate: 10}", "b": "exec: [null-sink]",
                                    "c": "exec: [null-sink]"}, ["a.data -> b.in", "a.data -> c.in"])
        self.assertEqual(len(set(pids.values())), 3)
        programs = {node: pathlib.Path(os.readlink(f"/proc/{pid}/exe")).name for node, pid in pids.items()}
        self.assertEqual(programs, {"a": "test-source", "b": "null-sink", "c": "null-sink"})
        # All are children of the launcher, none of the broker.
        parents = {pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1] for pid in pids.values()}
        self.assertEqual(len(parents), 1)
        self.assertNotIn(str(running.process.pid), parents)

    def test_parameters_arrive_with_their_types(self):
        """R-WORKER-023"""
        self.graph.write({"a": f"exec: [{PROBE}], run: {{mode: continuous}}, config: {{params: true, limit: 1, "
                               "real: 2.25, say: \"x: y\", choice: blue, work: 1500us, size: 4KiB, path: sub/file}"})
        done = self.graph.run()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"int=1 real=2.25 bool=1 string=x: y choice=2 duration=1500000 size=4096 "
                      f"path={self.graph.folder}/sub/file\n", done.stderr)

    def test_a_mode_is_the_graphs_within_what_the_processor_can(self):
        """R-STEP-004"""
        self.graph.write({"a": f"exec: [{PROBE}], run: {{mode: manual}}, config: {{limit: 3}}"})
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("calls 3 ", done.stderr)
        self.graph.write({"a": "exec: [null-sink], run: {mode: tick}"})
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertRegex(done.stderr, r":\d+:\d+: 'null-sink' has no mode tick; it has reactive")
        self.assertNotIn("starting", done.stderr)

    def test_a_priority_that_cannot_be_had_is_a_warning(self):
        """R-STEP-005 R-INSTALL-001: of a normal user, who may run graphs and not raise priorities."""
        if os.geteuid() == 0 and not all(path.stat().st_mode & 1 for path in [BUILD, *BUILD.parents]):
            self.skipTest(f"other users cannot reach {BUILD}")
        self.graph.write({"a": f"exec: [{PROBE}], run: {{mode: continuous, priority: high}}, config: {{limit: 3}}",
                          "b": "exec: [check-sink]"}, ["a.data -> b.in"])
        others = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        done = self.graph.run("-v", env={}, **others)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"(?m)^warning a\[1\]: cannot have its priority, runs on with the usual one: \S")
        self.assertIn("published=3 released=3", done.stderr)

    def test_an_idle_worker_does_not_run(self):
        """R-DATA-021"""
        running, pids = self.start({"a": "exec: [test-source], config: {rate: 0.001}", "b": "exec: [pass]",
                                    "c": "exec: [check-sink]"}, ["a.data -> b.in", "b.out -> c.in"])
        idle = [pids["b"], pids["c"]]
        # The source sleeps for a second at a time; until its first wake-up its only frame is long through.
        seen = sleeps(pids["a"])
        wait_until(lambda: sleeps(pids["a"]) > seen, "the source woke once")
        before, seen = [sleeps(pid) for pid in idle], sleeps(pids["a"])
        of_broker = sleeps(running.process.pid)
        wait_until(lambda: sleeps(pids["a"]) > seen, "the source woke again, a second later")
        self.assertEqual([sleeps(pid) for pid in idle], before)
        # The broker looks now and then whether anybody has stalled.
        self.assertLess(sleeps(running.process.pid) - of_broker, 8)

    def test_a_description_does_not_depend_on_where_and_how_it_is_asked_for(self):
        """R-NEG-019"""
        for program in PROGRAMS:
            said = [subprocess.run([program, "--describe"], env=env, cwd=folder, capture_output=True, check=True,
                                   timeout=20).stdout
                    for env, folder in (({}, "/"), ({"LANG": "C", "HOME": "/nowhere"}, self.graph.folder))]
            self.assertEqual(said[0], said[1])
            self.assertEqual(json.loads(said[0])["name"], program.name)

    def test_a_selftest_needs_no_broker(self):
        """R-WORKER-017"""
        for program in PROGRAMS:
            on_gpu = program.name.startswith("gpu-") or program.name == "display"
            if on_gpu and os.environ.get("SB_SANITIZE"):
                continue  # drivers are not sanitized
            done = subprocess.run([program, "--selftest"], env={}, cwd=self.graph.folder, capture_output=True,
                                  text=True, timeout=20, check=False)
            needs = "has no default" in done.stdout or on_gpu and NO_DEVICE.search(done.stderr)
            self.assertEqual(done.returncode, 77 if needs else 0, f"{program.name}: {done.stderr}")

    def test_a_picture_of_an_odd_size_is_refused(self):
        """R-NEG-006"""
        self.graph.write({"a": "exec: [test-pattern], config: {width: 641, pixel: i420, frames: 1}"})
        done = self.graph.run()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("641x360", done.stderr)
        self.graph.write({"a": "exec: [test-pattern], config: {width: 0}"})
        self.assertEqual(self.graph.run().returncode, 78)


if __name__ == "__main__":
    if not (PROBE.exists() and BROKER.exists()):
        print("skipped: the processors were not built")
        sys.exit(77)
    unittest.main()
