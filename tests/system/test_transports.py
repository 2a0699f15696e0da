# SPDX-License-Identifier: Apache-2.0
"""R-TRANS-001 R-TRANS-002 R-TRANS-003 R-TRANS-004 R-TRANS-006: links that the transport of the examples carries."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests/harness"))
from control_client import socket_of  # noqa: E402
from graph_run import BUILD, run_file  # noqa: E402
from live_graph import LiveGraph  # noqa: E402
from waiting import wait_until  # noqa: E402

FOLDER = BUILD / "tests/system/transports"
os.environ["STREAMBROKER_TRANSPORT_PATH"] = str(FOLDER)


def link(start, end, **keys):
    return {"from": start, "to": end, "transport": "socket", "max_payload": "32KiB", **keys}


class Carried(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def run_graph(self, nodes, links, tier="trusted"):
        graph = {"version": 1, "links": links, "nodes": {
            name: {"exec": [processor], "config": config, "sandbox": tier}
            for name, (processor, config) in nodes.items()}}
        path = self.folder / "graph.yaml"
        path.write_text(json.dumps(graph))
        return run_file(path)

    def test_every_frame_arrives_whole_and_in_order(self):
        """R-TRANS-001"""
        for size in (16, 1000, 30000):
            run = self.run_graph({"a": ("test-source", {"frames": 3000, "size": size, "stamp": True}),
                                  "p": ("pass", {}),
                                  "b": ("check-sink", {"stamp": True, "sequence": "gapless", "expect_frames": 3000})},
                                 [link("a.data", "p.in"), link("p.out", "b.in")])
            self.assertEqual(run.status, 0, run.log)
            self.assertEqual(run.summaries()["b"]["frames"], 3000, run.log)

    def test_one_frame_goes_to_several_readers(self):
        """R-TRANS-001"""
        sink = ("check-sink", {"stamp": True, "sequence": "gapless", "expect_frames": 2000})
        run = self.run_graph({"a": ("test-source", {"frames": 2000, "size": 5000, "stamp": True}),
                              **{f"b{i}": sink for i in range(4)}},
                             [link("a.data", f"b{i}.in") for i in range(4)])
        self.assertEqual(run.status, 0, run.log)
        self.assertEqual({name: found["frames"] for name, found in run.summaries().items()},
                         {f"b{i}": 2000 for i in range(4)})

    def test_what_is_evicted_is_passed_over(self):
        """R-TRANS-001"""
        run = self.run_graph({"a": ("test-source", {"frames": 5000, "size": 100, "stamp": True}),
                              "b": ("check-sink", {"stamp": True, "work": "200us", "sequence": "increasing"})},
                             [link("a.data", "b.in", delivery="latest")])
        self.assertEqual(run.status, 0, run.log)
        found = run.summaries()["b"]
        self.assertEqual(found["frames"] + found["missing"], 5000)
        self.assertEqual(found["last_seq"], 5000)

    def refused(self, tier, **keys):
        run = self.run_graph({"a": ("test-source", {"frames": 10}), "b": ("check-sink", {})},
                             [link("a.data", "b.in", **keys)], tier)
        self.assertEqual(run.status, 78, run.log)
        return run.log

    @unittest.skipIf(os.environ.get("SB_SANITIZE"), "no sandbox in this build, in which it would say its ports")
    def test_an_untrusted_end_is_refused_with_its_place(self):
        """R-TRANS-002"""
        if os.environ.get("SB_SANITIZE"):
            self.skipTest("a sanitized processor cannot describe itself in a sandbox")
        log = self.refused("untrusted")
        self.assertRegex(log, r"graph.yaml:1:\d+: transport 'socket' is for trusted nodes, and 'a' is untrusted")
        self.assertIn("'b' is untrusted", log)

    def test_a_transport_that_is_not_there_is_named(self):
        """R-TRANS-002"""
        self.assertRegex(self.refused("trusted", transport="pigeon"),
                         r"graph.yaml:1:\d+: transport 'pigeon' cannot be used: there is no "
                         rf"libstreambroker-pigeon.so in {re.escape(str(FOLDER))}")

    def test_links_of_one_output_have_one_transport(self):
        """R-TRANS-002"""
        run = self.run_graph({"a": ("test-source", {"frames": 10}), "b": ("check-sink", {}), "c": ("check-sink", {})},
                             [link("a.data", "b.in"), "a.data -> c.in"])
        self.assertEqual(run.status, 78, run.log)
        self.assertIn("transport 'ring', but 'socket' on the link a.data -> b.in of the same output", run.log)

    def test_a_library_that_others_can_write_is_refused(self):
        """R-TRANS-002"""
        path = self.folder / "libstreambroker-loose.so"
        path.write_bytes(b"")
        path.chmod(0o666)
        os.environ["STREAMBROKER_TRANSPORT_PATH"] = str(self.folder)
        self.addCleanup(os.environ.__setitem__, "STREAMBROKER_TRANSPORT_PATH", str(FOLDER))
        self.folder.chmod(0o755)
        self.assertIn("libstreambroker-loose.so: ", self.refused("trusted", transport="loose"))

    def test_what_a_transport_cannot_do_is_refused_before_anything_runs(self):
        """R-TRANS-003"""
        run = self.run_graph({"a": ("test-source", {"frames": 10, "size": 100000}), "b": ("check-sink", {})},
                             [link("a.data", "b.in", max_payload="1MiB")])
        self.assertNotEqual(run.status, 0, run.log)
        self.assertIn("link a.data -> b.in: transport socket: payloads of bytes: 100000, it can do 65536", run.log)
        self.assertNotRegex(run.log, r'"frames": [1-9]')


class Example(unittest.TestCase):
    def test_it_is_as_short_as_the_docs_say(self):
        """R-TRANS-006: without blank lines and comments."""
        text = (pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "examples/transport/socket_transport.c").read_text()
        code = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("//")]
        self.assertLessEqual(len(code), 90)

    def test_it_compiles_as_the_docs_say(self):
        """R-TRANS-006: with no more options than are written there, and without a warning."""
        source = pathlib.Path(os.environ["SB_SOURCE_DIR"])
        command = next(line[2:] for line in (source / "docs/transports.md").read_text().splitlines()
                       if line.startswith("$ cc "))
        flags = f"-I{source / 'include'} -I{BUILD / 'include'} -Wall -Werror"
        command = command.replace("$(pkg-config --cflags streambroker)", flags)
        command = command.replace("socket_transport.c", str(source / "examples/transport/socket_transport.c"))
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(command.split(), cwd=folder, capture_output=True, text=True, check=False, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue((pathlib.Path(folder) / "libstreambroker-socket.so").exists())


class Dying(LiveGraph):
    def test_a_killed_worker_comes_back_and_what_was_lost_is_counted(self):
        """R-TRANS-004"""
        restart = "restart: {delay: 50ms, max_delay: 100ms, max: unlimited}, sandbox: trusted"
        self.start(nodes={"a": f"exec: [test-source], config: {{rate: 2000, size: 3000}}, {restart}",
                          "p": f"exec: [pass], {restart}", "b": f"exec: [check-sink], {restart}"},
                   links=["{from: a.data, to: p.in, transport: socket, max_payload: 32KiB}",
                          "{from: p.out, to: b.in, transport: socket, max_payload: 32KiB}"])
        for node in ("b", "p", "a", "b"):
            before = self.released("b.in")
            wait_until(lambda: self.released("b.in") > before + 100, "no frames")
            pid = self.pid(node)
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: self.pid(node) != pid, f"{node} did not come back")
            before = self.released("b.in")
            wait_until(lambda: self.released("b.in") > before + 100, f"no frames after the death of {node}")
        self.running.process.send_signal(signal.SIGINT)
        self.running.wait()
        text = self.running.text()
        for name in ("a.data -> p.in", "p.out -> b.in"):
            for counts in self.counts(text, name):
                lost = sum(counts.get(key, 0) for key in ("lost", "abandoned", "evicted", "poisoned"))
                self.assertEqual(counts["published"], counts["released"] + lost, counts)

    def test_a_tap_reads_by_the_transport_of_its_output(self):
        """R-TRANS-001"""
        self.start(nodes={"a": "exec: [test-source], config: {rate: 500, size: 300}, sandbox: trusted",
                          "b": "exec: [check-sink], sandbox: trusted"},
                   links=["{from: a.data, to: b.in, transport: socket, max_payload: 32KiB}"])
        done = subprocess.run([str(BUILD / "bin/streamctl"), "--socket", str(socket_of()), "tap", "a.data",
                               "--count", "5"], capture_output=True, text=True, check=False, timeout=50)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("300 bytes"), 5, done.stdout)

    def released(self, end):
        for one in self.client.call("links").documents[0]:
            if one["to"] == end:
                return one["released"]
        raise AssertionError(end)


if __name__ == "__main__":
    unittest.main()
