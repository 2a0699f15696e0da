# SPDX-License-Identifier: Apache-2.0
# test: timeout=180
"""R-IOX-014 R-IOX-015 R-IOX-016 R-IOX-018 R-IOX-019 R-IOX-020 R-IOX-021: links by iceoryx, in a domain."""
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests/harness"))
from control_client import socket_of  # noqa: E402
from domain_graph import RESTART, DomainGraph, left_behind, new_since, why_not  # noqa: E402
from graph_run import BROKER, BUILD, run_file  # noqa: E402
from waiting import let_pass, wait_until  # noqa: E402
# docs/iceoryx.md, "The user header".
HEADER = struct.Struct("<IHHQQqqQQII10I96s")
MAGIC = int.from_bytes(b"SBFR", "little")


def link(start, end, **keys):
    return {"from": start, "to": end, "transport": "iceoryx", "max_payload": "64KiB", **keys}


class Domain(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.before = left_behind()

    def run_graph(self, nodes, links):
        graph = {"version": 1, "links": links, "nodes": {
            name: {"exec": [processor], "config": config, "sandbox": "trusted"}
            for name, (processor, config) in nodes.items()}}
        path = self.folder / "graph.yaml"
        path.write_text(json.dumps(graph))
        run = run_file(path)
        self.assertEqual(new_since(self.before), [])
        return run

    def test_frames_arrive_whole_and_in_order_at_one_and_at_four_readers(self):
        """R-IOX-014"""
        sink = ("check-sink", {"stamp": True, "sequence": "gapless", "expect_frames": 2000})
        for size, readers in ((16, 1), (4096, 4), (60000, 1)):
            run = self.run_graph({"a": ("test-source", {"frames": 2000, "size": size, "stamp": True}),
                                  **{f"b{i}": sink for i in range(readers)}},
                                 [link("a.data", f"b{i}.in") for i in range(readers)])
            self.assertEqual(run.status, 0, run.log)
            self.assertEqual([found["frames"] for found in run.summaries().values()], [2000] * readers)

    def test_every_delivery_works(self):
        """R-IOX-014"""
        for delivery in ("ordered", "latest"):
            run = self.run_graph({"a": ("test-source", {"frames": 3000, "size": 1000, "stamp": True}),
                                  "b": ("check-sink", {"stamp": True, "sequence": "increasing", "work": "100us"})},
                                 [link("a.data", "b.in", delivery=delivery)])
            self.assertEqual(run.status, 0, run.log)
            found = run.summaries()["b"]
            self.assertEqual(found["frames"] + found["missing"], 3000, found)
            self.assertEqual(found["last_seq"], 3000)

    @unittest.skipUnless(os.getuid() == 0, "is run without root anyway")
    def test_a_user_without_privilege_has_a_domain_too(self):
        """R-IOX-014"""
        path = self.folder / "graph.yaml"
        path.write_text(json.dumps({"version": 1, "links": [link("a.data", "b.in")], "nodes": {
            "a": {"exec": ["test-source"], "config": {"frames": 1000, "stamp": True}, "sandbox": "trusted"},
            "b": {"exec": ["check-sink"], "config": {"stamp": True, "expect_frames": 1000}, "sandbox": "trusted"}}}))
        self.folder.chmod(0o755)
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        able = subprocess.run([*command, "bwrap", "--dev-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "test",
                               "-x", str(BROKER)], capture_output=True, text=True, check=False)
        if able.returncode != 0:
            self.skipTest(f"nobody can have no domain here, or does not reach the build: {able.stderr.strip()}")
        done = subprocess.run([*command, "env", "-u", "XDG_RUNTIME_DIR", str(BROKER), str(path)],
                              capture_output=True, text=True, check=False, timeout=50)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('"frames": 1000', done.stderr + done.stdout)

    def test_ring_and_iceoryx_go_together_in_one_graph(self):
        """R-IOX-014"""
        run = self.run_graph({"a": ("test-source", {"frames": 1000, "size": 500, "stamp": True}), "p": ("pass", {}),
                              "b": ("check-sink", {"stamp": True, "sequence": "gapless", "expect_frames": 1000})},
                             [link("a.data", "p.in"), "p.out -> b.in"])
        self.assertEqual(run.status, 0, run.log)

    def test_what_is_written_below_a_folder_of_the_domain_is_there_afterwards(self):
        """R-IOX-027: also where it was missing when the graph began."""
        for written, grant in (("one", "one"), ("two/three", "two/")):
            with tempfile.TemporaryDirectory(dir="/var/tmp") as elsewhere:
                path = pathlib.Path(elsewhere) / "graph.yaml"
                path.write_text(json.dumps({"version": 1, "links": [link("a.data", "b.in")], "nodes": {
                    "a": {"exec": ["test-source"], "config": {"frames": 5, "size": 100}, "sandbox": "trusted"},
                    "b": {"exec": ["file-sink"], "config": {"path": str(self.folder / written)},
                          "sandbox": {"tier": "trusted", "write": [f"{self.folder}/{grant}"]}}}}))
                run = run_file(path)
            self.assertEqual(run.status, 0, run.log)
            self.assertEqual((self.folder / written).stat().st_size, 500)

    def test_what_iceoryx_cannot_do_is_refused_with_the_link(self):
        """R-IOX-015"""
        nodes = {"a": ("test-source", {"frames": 10}), "b": ("check-sink", {})}
        for keys, words in (({"depth": 300}, r"link a.data -> b.in: transport iceoryx queues 250 frames"),
                            ({"depth": 17}, r"link a.data -> b.in: transport iceoryx keeps 16 frames for a reader that "
                             r"dies, .*on_crash: \{frame: skip\} for 'b'"),
                            ({"max_payload": "4GiB"}, r"link a.data -> b.in: transport iceoryx carries up to 2GiB"),
                            ({"max_payload": "1GiB", "depth": 200}, r"link a.data -> b.in: transport iceoryx needs "
                             r".* for the chunks of all its links, most of it for this one, and .* are free")):
            run = self.run_graph(nodes, [link("a.data", "b.in", **keys)])
            self.assertEqual(run.status, 78, run.log)
            self.assertRegex(run.log, r"graph.yaml:1:\d+: " + words)

    def test_a_frame_that_no_chunk_can_hold_is_refused_before_anything_runs(self):
        """R-IOX-015"""
        run = self.run_graph({"a": ("test-pattern", {"width": 640, "height": 480}), "b": ("check-sink", {})},
                             [{"from": "a.video", "to": "b.in", "transport": "iceoryx"}])
        self.assertNotEqual(run.status, 0, run.log)
        self.assertRegex(run.log, r"a.video: a frame has up to 1228800 bytes, and iceoryx has chunks for 1048576; "
                                  r"write max_payload at its links")

    def test_nothing_is_left_after_the_broker_was_killed(self):
        """R-IOX-016"""
        path = self.folder / "graph.yaml"
        path.write_text(json.dumps({"version": 1, "links": [link("a.data", "b.in")], "nodes": {
            "a": {"exec": ["test-source"], "sandbox": "trusted"},
            "b": {"exec": ["check-sink"], "sandbox": "trusted"}}}))
        log = self.folder / "log"
        with open(log, "wb") as out:
            broker = subprocess.Popen([str(BROKER), "-v", str(path)], stderr=out, stdout=out)
        self.addCleanup(broker.wait)
        self.addCleanup(broker.kill)
        wait_until(lambda: log.read_text().count("every node is ready") == 2, "not ready")
        pids = [int(pid) for pid in re.findall(r"process pid=(\d+)", log.read_text())]
        broker.kill()
        wait_until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids), "a worker is left")
        wait_until(lambda: not roudis(self.folder), "a RouDi is left")
        self.assertEqual(new_since(self.before), [])


def roudis(folder):
    """Processes of a domain that shows this folder."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in path.read_bytes() and b"streambroker-domain" in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


class Dying(DomainGraph):
    def test_a_domain_whose_roudi_dies_begins_again_and_costs_no_restarts(self):
        """R-IOX-018"""
        before = left_behind()
        nodes = {**self.NODES, "b": "exec: [check-sink], restart: {max: 0}, sandbox: trusted"}
        self.start(nodes=nodes, links=self.LINKS)
        self.wait_frames(1000, "the start")
        for word in (b"iox-roudi", b"streambroker-domain", b"iox-roudi"):
            pids = self.pids(self.NODES)
            os.kill(self.inside(word), signal.SIGKILL)
            wait_until(lambda: all(self.pid(node) != pids[node] for node in "apb"), "they did not come back")
            self.wait_frames(1000, "the death of " + word.decode())
        text = self.end(before)
        self.assertEqual(text.count("the domain of iceoryx ends, and begins again with its nodes"), 3, text)

    @unittest.skipUnless(os.getuid() == 0, "only root can put another program into a domain")
    def test_chunks_carry_the_documented_header(self):
        """R-IOX-019: an iceoryx application inside of the domain reads it."""
        self.start(nodes={"a": "exec: [test-source], config: {rate: 500, size: 100}", "b": "exec: [check-sink]"},
                   links=["{from: a.data, to: b.in, transport: iceoryx, max_payload: 4KiB}"])
        self.wait_frames(10, "the start")
        path = self.graph.folder / "received"
        inside = self.inside(b"streambroker-domain")
        peer = subprocess.Popen(["nsenter", "-t", str(inside), "-m", "-p", str(BUILD / "tests/system/iceoryx-peer"),
                                 "subscribe", "streambroker", f"streambroker-{self.running.process.pid}-1.1", "frames",
                                 str(path), "0"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(peer.stdout.close)
        self.addCleanup(peer.wait)
        self.addCleanup(peer.kill)
        wait_until(lambda: path.exists() and path.stat().st_size > 20 * (100 + HEADER.size + 16), "nothing received")
        data, found = path.read_bytes(), []
        for at in range(0, len(data) - 100 - HEADER.size - 16, 100 + HEADER.size + 16):
            self.assertEqual(struct.unpack_from("<Q", data, at)[0], 100, "the payload's size")
            found.append(HEADER.unpack_from(data, at + 8 + 100 + 8))
        self.assertEqual({header[:3] for header in found}, {(MAGIC, 1, HEADER.size)})
        numbers = [header[3] for header in found]
        # The application's queue drops its oldest chunks when it is late.
        self.assertEqual(numbers, sorted(set(numbers)), "numbers")
        self.assertEqual([header[4] for header in found], [number + 1 for number in numbers], "tickets")
        times = [header[5] for header in found]
        self.assertEqual(times, sorted(times))
        self.assertEqual({header[10] for header in found}, {4}, "binary")

    def test_readers_that_are_killed_lose_no_frame(self):
        """R-IOX-020: b only reads; p reads, and writes what it read."""
        before = left_behind()
        source = "exec: [test-source], config: {size: 2000, rate: 3000, stamp: true}, sandbox: trusted"
        nodes = {**self.NODES, "a": source,
                 "b": f"exec: [check-sink], config: {{stamp: true, sequence: gapless}}, {RESTART}"}
        self.start(nodes=nodes, links=self.LINKS)
        self.wait_frames(500, "the start")
        for node in "bbpbbpbbpb":
            pid = self.pid(node)
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda node=node, pid=pid: self.pid(node) != pid, f"{node} did not come back")
            self.wait_frames(100, f"the death of {node}")
        text = self.end(before)
        if "the domain of iceoryx ends" in text:
            self.skipTest("p was killed while it published, and RouDi with it: that loses what is on the way")
        for name in ("a.data -> p.in", "p.out -> b.in"):
            self.assert_all_arrived(text, name)
        self.assertNotIn("lost=", text)

    def test_readers_and_writers_that_stood_still_lose_no_frame(self):
        """R-IOX-023: RouDi takes away the ports of who says nothing for 1.5 s."""
        before = left_behind()
        nodes = {**self.NODES, "a": f"exec: [test-source], config: {{size: 2000, rate: 1000, stamp: true}}, {RESTART}",
                 "b": f"exec: [check-sink], config: {{stamp: true, sequence: gapless}}, {RESTART}"}
        self.start(nodes=nodes, links=self.LINKS)
        self.wait_frames(100, "the start")
        for node in "bpa":
            pid = self.pid(node)
            os.kill(pid, signal.SIGSTOP)
            let_pass(2.5)
            os.kill(pid, signal.SIGCONT)
            wait_until(lambda node=node, pid=pid: self.pid(node) != pid, f"{node} did not begin again")
            self.wait_frames(100, f"the rest of {node}")
        text = self.end(before)
        for name in ("a.data -> p.in", "p.out -> b.in"):
            self.assert_all_arrived(text, name)
        self.assertNotIn("lost=", text)

    def test_a_roudi_that_hangs_does_not_hold_up_the_end(self):
        """R-IOX-024: nobody was killed before, so nobody looks whether it answers."""
        before = left_behind()
        self.start(nodes=self.NODES, links=self.LINKS)
        self.wait_frames(100, "the start")
        os.kill(self.inside(b"iox-roudi"), signal.SIGSTOP)
        self.running.signal()
        self.assertEqual(self.running.wait(), 0, self.running.text())
        self.assertNotIn("left behind", self.running.text())
        self.assertNotIn("deadline", self.running.text())
        for name in ("a.data -> p.in", "p.out -> b.in"):
            self.assert_all_arrived(self.running.text(), name)
        self.assertEqual(new_since(before), [])

    def test_a_source_that_has_ended_stays_until_its_frames_are_read(self):
        """R-IOX-020: what it keeps for a reader that dies would go with it."""
        nodes = {"a": "exec: [test-source], config: {frames: 100, size: 500, stamp: true}, sandbox: trusted",
                 "b": f"exec: [check-sink], config: {{stamp: true, sequence: gapless, work: 20ms}}, {RESTART}"}
        self.start(nodes=nodes, links=["{from: a.data, to: b.in, transport: iceoryx, max_payload: 4KiB}"])
        links = lambda: self.client.call("links").documents[0][0]
        wait_until(lambda: links()["published"] == 100, "not everything is published")
        self.assertLess(links()["released"], 100)
        os.kill(self.pid("b"), signal.SIGKILL)
        self.assertEqual(self.running.wait(), 0, self.running.text())
        self.assert_all_arrived(self.running.text(), "a.data -> b.in")

    def test_a_tap_looks_at_what_iceoryx_carries(self):
        """R-IOX-021: again and again, beside a reader that misses nothing."""
        before = left_behind()
        nodes = {"a": "exec: [test-source], config: {rate: 500, size: 300}, sandbox: trusted",
                 "b": "exec: [check-sink], config: {sequence: gapless}, sandbox: trusted"}
        self.start(nodes=nodes, links=["{from: a.data, to: b.in, transport: iceoryx, max_payload: 4KiB}"])
        self.wait_frames(10, "the start")
        for _ in range(3):
            done = subprocess.run([str(BUILD / "bin/streamctl"), "--socket", str(socket_of()), "tap", "a.data",
                                   "--count", "5", "--interval", "5ms"], capture_output=True, text=True, check=False,
                                  timeout=50)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout.count("300 bytes"), 5, done.stdout)
        self.finish()
        self.assert_all_arrived(self.running.text(), "a.data -> b.in")
        self.assertEqual(new_since(before), [])

    def test_who_waits_for_a_roudi_that_hangs_pays_no_restart(self):
        """R-IOX-018: b cannot leave and cannot join because of RouDi, twice, and may die once."""
        nodes = {**self.NODES, "b": "exec: [check-sink], restart: {max: 1, delay: 20ms}, "
                                    "sandbox: trusted"}
        before = left_behind()
        self.start(nodes=nodes, links=self.LINKS)
        for number in range(2):
            self.wait_frames(100, f"start {number + 1}")
            os.kill(self.inside(b"iox-roudi"), signal.SIGSTOP)
            self.client.call("restart", node="b")
            wait_until(lambda number=number: self.running.text().count("RouDi does not answer") == number + 1,
                       "nobody found out", limit_s=60)
        self.wait_frames(100, "the last RouDi")
        text = self.end(before)
        self.assertNotIn("its restarts are used up", text)

    def test_a_roudi_that_hangs_is_found_when_a_worker_was_killed(self):
        """R-IOX-018"""
        before = left_behind()
        self.start(nodes=self.NODES, links=self.LINKS)
        self.wait_frames(1000, "the start")
        os.kill(self.inside(b"iox-roudi"), signal.SIGSTOP)
        os.kill(self.pid("a"), signal.SIGKILL)
        self.running.expect("the domain of iceoryx ends", "RouDi does not answer")
        self.wait_frames(1000, "the end of that RouDi")
        self.end(before)


if __name__ == "__main__":
    reason = why_not()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main()
