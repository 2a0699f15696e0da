# SPDX-License-Identifier: Apache-2.0
# test: timeout=120 serial
"""Taps of running graphs: what they see, what they cost, and what is left of them."""
import collections
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import unittest
import wave

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.control_client import Client, socket_of
from harness.graph_run import decode_gray, read_number
from harness.graph_case import GraphCase
from harness.graphs import BUILD, children
from harness.waiting import let_pass, wait_until


class Feed:
    """A tap, as the program that listens has it."""

    def __init__(self, graph, output, name="feed", **fields):
        self.path = graph.folder / name
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(1)
        self.listener.settimeout(20)
        self.control = Client(socket_of())
        self.control.ask("tap", output=output, socket=str(self.path), **fields)
        self.stream, _ = self.listener.accept()
        self.stream.settimeout(20)
        self.file = self.stream.makefile("rb")

    def frame(self):
        line = json.loads(self.file.readline())
        return line, self.file.read(line["sent"])

    def close(self):
        for part in (self.file, self.stream, self.listener, self.control):
            part.close()


def pid_of(broker, program):
    for pid in children(broker.process.pid):
        if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].endswith(b"/" + program.encode()):
            return pid
    return None


def descriptors(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


def calls(pid, folder, seconds=1):
    """System calls of a process over a span of time: waits, wakes by the word that is woken, and all others."""
    path = folder / "trace"
    tracer = subprocess.Popen(["strace", "-qq", "-f", "-o", str(path), "-p", str(pid)])
    let_pass(seconds)
    tracer.send_signal(signal.SIGINT)
    tracer.wait()
    waits, wakes, others = 0, collections.Counter(), collections.Counter()
    for name, rest in re.findall(r"^\d+ +(\w+)\((.*)", path.read_text(), re.M):
        if name == "futex" and "WAKE" in rest:
            wakes[rest.split(",")[0]] += 1
        elif name in ("futex", "futex_waitv", "syscall_0x1c1", "clock_nanosleep"):
            waits += 1
        else:
            others[name] += 1
    assert waits > 100, (waits, others)
    return waits, wakes, others


class Tap(GraphCase):
    def start(self, nodes, links):
        self.graph.write(nodes, links)
        broker = self.graph.start("-v")
        self.addCleanup(broker.close)
        wait_until(socket_of().exists, "no socket")
        self.client = Client(socket_of())
        self.addCleanup(self.client.close)
        wait_until(lambda: self.status()["state"] == "running", "the graph does not run")
        return broker

    def status(self):
        return self.client.call("status").json

    def feed(self, *arguments, **fields):
        feed = Feed(self.graph, *arguments, **fields)
        self.addCleanup(feed.close)
        return feed

    def end(self, broker):
        broker.signal()
        self.assertEqual(broker.wait(), 0, broker.text())

    def test_a_tap_sees_frames_with_their_bytes_and_nothing_is_lost(self):
        """R-DATA-027 R-TAP-001"""
        broker = self.start({"a": "exec: [test-source], config: {rate: 500, size: 100}", "b": "exec: [check-sink]"},
                            ["a.data -> b.in"])
        feed = self.feed("a.data", bytes="16")
        seen = [feed.frame() for _ in range(50)]
        numbers = [line["number"] for line, _ in seen]
        self.assertEqual(numbers, sorted(set(numbers)))
        for line, data in seen:
            self.assertEqual((line["size"], line["sent"], len(data)), (100, 16, 16))
            self.assertLess(line["seen_ns"] - line["pts_ns"], 10**9)
        feed.close()
        wait_until(lambda: self.status()["nodes"] == 2, "the tap is still there")
        self.end(broker)
        counts = re.search(r"link a.data -> b.in: published=(\d+) released=(\d+)\n", broker.text())
        self.assertEqual(counts.group(1), counts.group(2))
        self.assertRegex(broker.text(), r"link a\.data -> tap-1\.in was taken away: published=\d+")
        summary = json.loads(re.search(r"stdout: (\{.*\})", broker.text()).group(1))
        self.assertEqual(summary["frames"], int(counts.group(1)), summary)

    def test_several_taps_are_several_readers_and_leave_nothing_behind(self):
        """R-TAP-002"""
        broker = self.start({"a": "exec: [test-source], config: {rate: 500}", "b": "exec: [null-sink]"},
                            ["a.data -> b.in"])
        producer = pid_of(broker, "test-source")
        self.feed("a.data", "warm").close()
        wait_until(lambda: self.status()["nodes"] == 2, "the first tap is still there")
        before = descriptors(broker.process.pid), descriptors(producer)
        for number in range(5):
            feeds = [self.feed("a.data", f"feed-{number}-{i}") for i in range(3)]
            for feed in feeds:
                feed.frame()
            self.assertEqual(self.status()["nodes"], 5)
            for feed in feeds:
                feed.close()
            wait_until(lambda: self.status()["nodes"] == 2 and self.status()["links"] == 1, "taps are still there")
        wait_until(lambda: (descriptors(broker.process.pid), descriptors(producer)) == before,
                   f"descriptors: {before} before")
        self.assertEqual(pid_of(broker, "test-source"), producer)
        self.assertNotIn("tap", self.client.call("graph", form="yaml").json["text"])
        self.end(broker)

    def test_a_tap_that_is_stopped_costs_its_producer_nothing(self):
        """R-TAP-003"""
        broker = self.start({"a": "exec: [test-source], config: {rate: 1000}", "b": "exec: [null-sink]"},
                            ["a.data -> b.in"])
        producer = pid_of(broker, "test-source")
        without = calls(producer, self.graph.folder)
        feed = self.feed("a.data", bytes="64")
        feed.frame()
        os.kill(pid_of(broker, "tap"), signal.SIGSTOP)
        # What was on its way when it was stopped.
        let_pass(0.2)
        stopped = calls(producer, self.graph.folder)
        for waits, wakes, others in (without, stopped):
            print(f"{waits} waits, wakes by word {dict(wakes)}, others {dict(others)}")
            # One word is woken again and again: that of the sink.
            self.assertEqual(sum(count > 3 for count in wakes.values()), 1, wakes)
            self.assertLess(sum(others.values()), 10, others)
        feed.close()
        wait_until(lambda: self.status()["nodes"] == 2, "the stopped tap is still there")
        self.end(broker)

    def test_a_listener_that_does_not_read_stops_nobody(self):
        """R-TAP-003 R-TAP-004"""
        broker = self.start({"a": "exec: [test-source], config: {rate: 1000, size: 64KiB}", "b": "exec: [null-sink]"},
                            ["{from: a.data, to: b.in, depth: 4}"])
        feed = self.feed("a.data", bytes="64KiB")
        feed.frame()
        begun = feed.frame()[0]["number"]
        let_pass(1)
        # A second tap needs other memory of the output, and the first one is in its way.
        self.assertGreater(self.newest() - begun, 500)
        kind, (code, error) = [feed.control.next() for _ in range(2)][1]
        self.assertEqual((kind, code), ("answer", 1))
        self.assertIn("it stood still while its output needed other memory", error)
        feed.close()
        self.end(broker)

    def newest(self):
        """Frames so far, by the newest frame that another tap sees."""
        feed = self.feed("a.data", f"count-{os.urandom(4).hex()}")
        number = feed.frame()[0]["number"]
        feed.close()
        return number

    def test_a_tap_ends_with_its_producer(self):
        """R-TAP-002"""
        broker = self.start({"a": "exec: [test-source], config: {rate: 100, frames: 150}", "b": "exec: [null-sink]"},
                            ["a.data -> b.in"])
        feed = self.feed("a.data")
        while feed.file.readline():
            pass
        self.assertEqual(broker.wait(), 0, broker.text())
        self.assertIn("link a.data -> b.in: published=150 released=150", broker.text())

    def test_an_output_without_a_link_can_be_tapped(self):
        """R-TAP-001"""
        broker = self.start({"a": "exec: [test-source], config: {rate: 500}"}, [])
        feed = self.feed("a.data")
        self.assertGreater(feed.frame()[0]["number"], 0)
        feed.close()
        wait_until(lambda: self.status()["nodes"] == 1, "the tap is still there")
        self.end(broker)

    def test_a_tap_waits_for_a_producer_that_starts_again(self):
        """R-TAP-008"""
        gate = self.graph.folder / "gate"
        gate.write_text("open\n")
        source = self.graph.folder / "source"
        source.write_text("#!/bin/sh\n"
                          f"[ \"$1\" = --describe ] || read -r _ < {gate}\n"
                          f"exec {BUILD}/libexec/streambroker/test-source \"$@\"\n")
        source.chmod(0o755)
        broker = self.start({"a": f"exec: [{source}], config: {{rate: 500}}, restart: {{max: 0}}",
                             "b": "exec: [check-sink]"}, ["a.data -> b.in"])
        gate.unlink()
        os.mkfifo(gate)  # shut until somebody writes
        self.client.call("restart", node="a")
        wait_until(lambda: self.node("a")["generation"] == 2, "it does not start again")
        feed = self.feed("a.data")
        let_pass(0.1)
        self.assertEqual((self.node("a")["state"], self.node("tap-1")["state"]), ("starting", "running"))
        gate.write_text("open\n")
        numbers = [feed.frame()[0]["number"] for _ in range(20)]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual(self.node("a")["generation"], 2)
        feed.close()
        self.end(broker)
        self.assertIn('"missing": 0', broker.text())

    def node(self, name):
        return self.client.call("nodes", node=name).json[0]

    def streamctl(self, *arguments, limit_s=20):
        return subprocess.run([str(BUILD / "bin/streamctl"), "--graph", "graph", *arguments], capture_output=True,
                              text=True, timeout=limit_s, check=False)

    def test_streamctl_shows_rate_age_and_bytes(self):
        """R-TAP-005"""
        broker = self.start({"a": "exec: [test-source], config: {rate: 200, size: 40}", "b": "exec: [null-sink]"},
                            ["a.data -> b.in"])
        done = self.streamctl("tap", "a.data", "--count", "3", "--hex")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 3 * 4, done.stdout)
        self.assertRegex(lines[0], r"^#\d+  [\d.]+ ms old  40 bytes  binary$")
        self.assertRegex(lines[4], r"^#\d+  [\d.]+/s  [\d.]+ ms old  40 bytes  binary$")
        self.assertRegex(lines[1], r"^  000000  ([0-9a-f]{2} ){16} .{16}$")
        done = self.streamctl("tap", "a.data", "--count", "4", "--json", "--interval", "50ms")
        frames = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(frames), 4)
        self.assertLess(abs(frames[-1]["rate"] - 200), 60, frames)
        self.assertEqual(self.streamctl("tap", "b.in").returncode, 66)
        self.assertEqual(self.streamctl("tap", "a.data", "--save", "x.jpg").returncode, 2)
        wait_until(lambda: self.status()["nodes"] == 2, "a tap is still there")
        self.assertEqual(list(pathlib.Path("/tmp").glob("*streamctl-tap*")), [], "it needs no file")
        self.end(broker)

    def test_streamctl_saves_a_picture_and_sound(self):
        """R-TAP-006"""
        wav = self.graph.folder / "in.wav"
        with wave.open(str(wav), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(bytes(range(250)) * 4 * 800)
        broker = self.start({"pic": "exec: [test-pattern], run: {mode: tick}, "
                                    "config: {width: 320, height: 240, pixel: nv12}",
                             "end": "exec: [null-sink]",
                             "sound": f"exec: [file-source], config: {{path: {wav}, samples: 80, loop: true}}, "
                                      "run: {mode: continuous, interval: 10ms}",
                             "ear": "exec: [null-sink]"}, ["pic.video -> end.in", "sound.out -> ear.in"])
        picture = self.graph.folder / "picture.png"
        done = self.streamctl("tap", "pic.video", "--save", str(picture))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        gray = decode_gray(picture, 320, 240)
        self.assertEqual(len(gray), 1)
        self.assertIsNotNone(read_number(gray[0], 320, 320))
        sound = self.graph.folder / "sound.wav"
        done = self.streamctl("tap", "sound.out", "--save", str(sound), "--count", "20")
        self.assertEqual(done.returncode, 0, done.stderr)
        with wave.open(str(sound)) as file:
            self.assertEqual((file.getnchannels(), file.getsampwidth(), file.getframerate()), (2, 2, 8000))
            self.assertEqual(file.getnframes(), 20 * 80)
        done = self.streamctl("tap", "pic.video", "--save", str(sound))
        self.assertEqual(done.returncode, 2)
        self.assertIn("a WAV file needs audio, and this is video nv12 320x240", done.stderr)
        self.end(broker)

    def test_streamctl_prints_the_graph_in_every_form(self):
        """R-GRAPH-026 R-GRAPH-022"""
        broker = self.start({"a": "exec: [test-source], config: {rate: 200}", "b": "exec: [null-sink]"},
                            ["a.data -> b.in"])
        self.assertIn("a: test-source, trusted, running, generation 1\n", self.streamctl("graph").stdout)
        self.assertTrue(self.streamctl("graph", "--dot").stdout.startswith("digraph \"graph\" {"))
        self.assertEqual(len(json.loads(self.streamctl("graph", "--json").stdout)["nodes"]), 2)
        saved = self.streamctl("graph", "--yaml").stdout
        self.assertEqual(saved, self.client.call("graph", form="yaml").json["text"])
        self.assertEqual(self.streamctl("graph", "--dot", "--json").returncode, 2)
        self.end(broker)

    def test_what_is_no_output_is_refused(self):
        """R-TAP-001"""
        broker = self.start({"a": "exec: [test-source], config: {rate: 500}", "b": "exec: [null-sink]"},
                            ["a.data -> b.in"])
        for output, code, words in (("x.data", 66, "no node 'x'"), ("b.in", 66, "'in' is no output of 'b'"),
                                    ("a", 66, "write one of its outputs: a.data")):
            answer = self.client.call("tap", output=output, socket="/tmp/none")
            self.assertEqual(answer.code, code)
            self.assertIn(words, answer.error)
        self.assertEqual(self.client.call("tap", output="a.data", socket="none").code, 2)
        answer = self.client.call("tap", output="a.data", socket=str(self.graph.folder / "nobody"))
        self.assertEqual(answer.code, 1)
        self.assertIn("nobody listens", answer.error)
        wait_until(lambda: self.status()["nodes"] == 2, "the tap that failed is still there")
        self.end(broker)


if __name__ == "__main__":
    if shutil.which("strace") is None:
        print("skipped: strace is missing")
        sys.exit(77)
    unittest.main()
