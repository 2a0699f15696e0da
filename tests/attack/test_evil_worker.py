# SPDX-License-Identifier: Apache-2.0
# test: serial timeout=120
"""Workers that attack the broker harm themselves only: it lives on, says who and why, and keeps nothing."""
import os
import pathlib
import re
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graph_case import GraphCase
from harness.graphs import BUILD, children
from harness.waiting import wait_until

EVIL = BUILD / "tests/attack/evil-worker"
LIAR = BUILD / "tests/attack/evil-description"
LIMITS = "optional: true, timeouts: {start: 1500ms, stop: 500ms}"
LEFT = r"(.* \()?exit code 3"  # it did what it could, and went by itself
LATE_EXIT = "exit deadline of 500ms passed"
LATE_START = "start deadline of 1500ms passed"

# mode, ports: why the broker says that it ended
OPENING = {
    ("nothing", "both"): LEFT,
    ("huge-datagram", "out"): "protocol: a message was too long or carried descriptors",
    ("truncated", "out"): "protocol: formats: its body is no such message",
    ("hello-lies", "out"): "protocol: hello: name is no valid UTF-8",
    ("huge-frames", "out"): r"\S+\.out: not enough memory for its frames: \w+ needed, \w+ available",
    ("ready-early", "out"): "protocol: READY before START",
    ("ended-before-run", "out"): "protocol: ended: not expected in phase opening",
    ("closed-setup", "in"): LATE_EXIT,
    ("closed-memory", "in"): LATE_EXIT,
    ("closed-memory", "out"): LATE_EXIT,
    ("mapped-unmapped", "out"): LATE_START,
    ("mapped-twice", "both"): "protocol: MAPPED for nothing that was sent",
    ("sealed-first", "out"): "protocol: it changed memory before it was sealed",
    ("punched", "out"): "protocol: it changed memory before it was sealed",
    ("never-reads", "out"): LATE_START,
    ("stopped", "both"): LATE_START,
}
RUNNING = {
    ("nothing", "both"): LEFT,
    ("flood-formats", "out"): LEFT,
    ("flood-failed", "in"): LEFT,
    ("flood-ended", "out"): LATE_EXIT,
    ("flood-mapped", "both"): "protocol: MAPPED for nothing that was sent",
    ("rights", "out"): f"({LEFT}|protocol: a message was too long or carried descriptors)",
    ("huge-frames-later", "out"): r"\S+\.out: not enough memory for its frames: \w+ needed, \w+ available",
    ("drained-foreign", "in"): "protocol: DRAINED for a generation that it does not have",
    ("refuses-device", "in"): "protocol: DEVICE_REFUSED for what it does not have",
    ("refuses-device", "out"): "protocol: DEVICE_REFUSED for what it does not have",
    ("ready-twice", "out"): "protocol: ready: not expected in phase running",
    ("ended-and-stays", "in"): LATE_EXIT,
    ("closed-ready", "in"): LATE_EXIT,
    ("closed-ready", "out"): LATE_EXIT,
    ("closed-run", "both"): LATE_EXIT,
    ("second-mapping", "both"): LEFT,
    ("lies-status", "both"): LEFT,
    ("lies-publish", "out"): LEFT,
    ("lies-consume", "in"): LEFT,
    ("storm", "out"): LEFT,
    ("flood-output", "out"): LEFT,
    ("garbage-output", "out"): LEFT,
    ("children", "both"): LEFT,
    ("flooding-children", "both"): LEFT,
    ("hopping-child", "out"): LEFT,
}
SURPRISES = {
    "deep": "cannot be used",
    "large": "its description has more than",
    "hang": "did not describe itself within 2s",
    "flood": "did not describe itself within 2s(: no?|;)",  # whatever of its last line was read
}


def count_fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def private_kib(pid):
    return int(re.search(r"RssAnon:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def processes_of(name):
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if name in entry.read_bytes():
                found.append(entry.parent.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


class EvilWorkers(GraphCase):
    def write(self, attacks):
        """Each attacker has neighbours of its own; beside them a stream runs that none of them touches."""
        stop = "timeouts: {stop: 2s}"
        nodes = {"good": f"exec: [test-source], config: {{rate: 1000}}, {stop}", "sink": f"exec: [check-sink], {stop}"}
        links = ["good.data -> sink.in"]
        for mode, ports in attacks:
            name = f"{mode}-{ports}"
            nodes[name] = f"exec: [{EVIL}, {ports}, {mode}], {LIMITS}"
            if ports != "out":
                nodes[f"before-{name}"] = f"exec: [test-source], config: {{rate: 100}}, {stop}"
                links.append(f"before-{name}.data -> {name}.in")
            if ports != "in":
                nodes[f"after-{name}"] = f"exec: [null-sink], {stop}"
                links.append(f"{name}.out -> after-{name}.in")
        self.graph.write(nodes, links)

    def attack(self, attacks):
        """Runs all of them in one graph. Returns its text; fails when the broker or the stream suffered."""
        self.write(attacks)
        running = self.graph.start("-v")
        self.addCleanup(running.close)
        pid = running.process.pid
        left = {f"{mode}-{ports}": why for (mode, ports), why in attacks.items()}
        while left:
            line = running.expect("error ", "[1]: failed: ")
            name, why = re.match(r"error (\S+)\[1\]: failed: (.*)\n", line).groups()
            self.assertRegex(why, f"^{left.pop(name)}", name)
        # What is closed off the loop takes a moment.
        links_left = 4  # pool, two pages of the stream, and room for what its end may still need
        nodes_left = len(children(pid)) - 1
        bound = 16 + 8 * nodes_left + links_left
        wait_until(lambda: count_fds(pid) <= bound, f"at most {bound} descriptors are left")
        if not os.environ.get("SB_SANITIZE"):
            self.assertLess(private_kib(pid), 16384)
        running.signal()
        begun = time.monotonic()
        running.expect("stopping: SIGINT")
        self.assertLess(time.monotonic() - begun, 1, "the loop does not answer")
        running.wait()
        text = running.text()
        self.assertRegex(text, r"good\.data -> sink\.in: published=(\d+) released=\1\n")
        wait_until(lambda: not processes_of(os.fsencode(EVIL)), "an attacker is left")
        return text

    def test_attacks_before_the_graph_runs(self):
        """R-WORKER-008"""
        self.attack(OPENING)

    def test_attacks_while_the_graph_runs(self):
        """R-WORKER-008 R-GPU-049"""
        text = self.attack(RUNNING)
        tried = re.findall(r"second-mapping-both\[1\] stdout: (.*): (\w+)\n", text)
        self.assertEqual({result for _, result in tried}, {"refused"}, tried)
        self.assertEqual({what for what, _ in tried}, {
            "map again", "write", "punch", "remove", "shrink", "grow", "open again"})
        self.assertNotIn("\033", text)
        self.assertNotRegex(text, r"(?m)^error broker: lie")
        self.assertRegex(text, r"flood-output-out\[1\]: \d+ lines of output left out")
        self.assertLess(max(len(line) for line in text.splitlines()), 64 * 1024)

    def test_a_reader_that_hangs_up_before_its_producer_has_mapped_does_not_end_the_broker(self):
        """R-WORKER-008"""
        self.graph.write({
            "good": "exec: [test-source], config: {frames: 100, rate: 1000}", "sink": "exec: [check-sink]",
            "writer": f"exec: [{EVIL}, out, slow-writer], optional: true, timeouts: {{start: 4s, stop: 2s}}",
            "reader": f"exec: [{EVIL}, in, closed-reader], optional: true, timeouts: {{start: 4s, stop: 2s}}"},
            ["good.data -> sink.in", "writer.out -> reader.in"])
        running = self.graph.start("-v")
        self.addCleanup(running.close)
        running.expect("sink[1]: ", "finished")
        running.signal()
        running.wait()
        self.assertIn("good.data -> sink.in: published=100 released=100\n", running.text())
        self.assertRegex(running.text(), "reader.1.: failed: exit deadline of 2s passed")

    def test_a_reader_that_lies_does_not_change_the_numbers_of_others_when_their_producer_dies(self):
        """R-SUP-030"""
        self.graph.write({
            "a": "exec: [test-source], config: {rate: 500}, restart: {delay: 10ms}, timeouts: {stop: 1s}",
            "sink": "exec: [check-sink], timeouts: {stop: 1s}",
            "liar": f"exec: [{EVIL}, in, took-all], {LIMITS}"},
            ["a.data -> sink.in", "a.data -> liar.in"])
        running = self.graph.start("-v")
        self.addCleanup(running.close)
        pid = int(running.expect("a[1]: process pid=").rsplit("=", 1)[1])
        running.expect("liar[1] stdout: done")
        os.kill(pid, signal.SIGKILL)
        running.expect("a[2]: ready -> running")
        running.signal()
        running.wait()
        last = int(re.search(r'"last_number": (\d+)', running.text())[1])
        self.assertLess(last, 100000, running.text())

    def test_a_worker_that_only_claims_to_wait_for_space_is_the_overdue_one(self):
        """R-SUP-013"""
        short = "timeouts: {process: 400ms, stop: 1s}"
        self.graph.write({"a": f"exec: [test-source], config: {{rate: 500}}, {short}",
                          "liar": f"exec: [{EVIL}, both, claims-no-space], optional: true, {short}",
                          "z": f"exec: [null-sink], {short}", "y": f"exec: [null-sink], {short}"},
                         ["a.data -> liar.in", "liar.out -> z.in", "a.data -> y.in"])
        running = self.graph.start("-v")
        self.addCleanup(running.close)
        running.expect("liar[1]: failed: process deadline of 400ms passed inside step 1")
        running.signal()
        running.wait()
        self.assertEqual(re.findall(r"(\w+)\[1\]: failed", running.text()), ["liar"], running.text())

    def test_descriptions_that_attack_the_check_are_refused_by_name(self):
        """R-GRAPH-014"""
        self.graph.write({mode: f"exec: [{LIAR}, {mode}]" for mode in SURPRISES})
        done = self.graph.run()
        self.assertEqual(done.returncode, 78, done.stderr)
        for mode, why in SURPRISES.items():
            self.assertRegex(done.stderr, f"graph.yaml:.*'{re.escape(str(LIAR))}'.*{why}", mode)
        self.assertEqual(processes_of(os.fsencode(LIAR)), [])

    def test_a_child_that_keeps_the_pipe_of_a_description_holds_nothing_up(self):
        self.graph.write({"a": f"exec: [{LIAR}, fork], {LIMITS}"})
        done = self.graph.run()
        self.assertIn("a[1]: failed: exit code 3", done.stderr)
        self.assertEqual(processes_of(os.fsencode(LIAR)), [])

    def test_a_program_that_describes_itself_otherwise_the_second_time_is_refused_or_harmless(self):
        self.graph.write({"a": f"exec: [{LIAR}, twice], {LIMITS}"})
        self.graph.run("--check")
        done = self.graph.run()
        self.assertIn("a[1]: failed: exit code 3", done.stderr)


if __name__ == "__main__":
    unittest.main()
