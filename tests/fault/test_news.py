# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""What a listener hears: one end of every node, links that wait and are wired again, frames that are late or lost."""
import os
import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.listening import SINK, SOURCE, Listening, faulty
from harness.waiting import let_pass, wait_until


class News(Listening):
    def test_every_node_has_exactly_one_end_whatever_the_reason(self):
        """R-SUP-056"""
        once = "restart: {max: 1, delay: 0s}"
        nodes = {"done": "exec: [test-source], config: {frames: 50, rate: 1000}", "read": SINK,
                 "spent": faulty("exit", once, every=1), "feed": SOURCE, "after": SINK,
                 "stall": faulty("hang", "on_stall: detach, timeouts: {process: 300ms}, restart: {when: on-failure}",
                                 at=20),
                 "give": SOURCE, "asked": SOURCE, "taken": SOURCE, "last": SINK,
                 "wrong": faulty("error", "optional: true, restart: {when: on-failure}", place="open")}
        links = ["done.data -> read.in", "feed.data -> spent.in", "spent.out -> after.in", "give.data -> stall.in",
                 "asked.data -> last.in"]
        self.start(nodes, links)
        for name, end in (("wrong", "node-failed"), ("spent", "node-failed"), ("stall", "node-failed"),
                          ("done", "node-finished"), ("read", "node-finished")):
            if name not in self.ends():
                self.hear(end, node=name)
        for verb, name in (("stop", "asked"), ("remove", "taken")):
            self.assertEqual(self.ask(verb, node=name).code, 0)
        for name in ("asked", "taken"):
            if name not in self.ends():
                self.hear("node-stopped", node=name)
        self.running.signal()
        self.running.wait()
        self.hear_rest()
        ends = self.ends()
        self.assertEqual(sorted(ends), sorted(nodes), ends)
        self.assertEqual({name: len(found) for name, found in ends.items()}, dict.fromkeys(nodes, 1), ends)
        self.assertEqual([ends[name][0] for name in ("give", "feed")], ["node-stopped"] * 2, ends)

    def test_a_source_that_waits_for_space_when_it_is_stopped_needs_one_frame_of_it(self):
        """R-SUP-080"""
        # A quarter of the ring is 16 frames: eight seconds of this reader.
        self.start({"a": SOURCE.replace("500", "5000") + ", timeouts: {stop: 3s}",
                    "z": "exec: [check-sink], config: {work: 500ms}"}, ["{from: a.data, to: z.in, depth: 64}"])
        wait_until(lambda: self.link("a.data -> z.in")["published"] >= 64, "the link is not full")
        self.assertEqual(self.ask("stop", node="a").code, 0)
        self.hear("node-stopped", node="a")
        self.assertLess(self.link("a.data -> z.in")["released"], 8)
        self.running.signal()
        self.running.signal()
        self.running.wait()
        self.hear_rest()
        self.assertEqual(self.ends()["a"], ["node-stopped"], self.seen)

    def test_a_source_that_finds_no_space_before_its_deadline_was_stopped(self):
        """R-SUP-082"""
        self.start({"a": SOURCE.replace("500", "5000") + ", timeouts: {stop: 500ms}", "z": "exec: [check-sink]"},
                   ["{from: a.data, to: z.in, depth: 64}"])
        self.assertEqual(self.ask("pause", node="z").code, 0)
        wait_until(lambda: self.node("a")["phase"] == "no-space", "the source does not wait")
        self.assertEqual(self.ask("stop", node="a").code, 0)
        self.hear("node-stopped", node="a")
        self.assertEqual((self.node("a")["state"], self.node("a")["last_reason"]),
                         ("finished", "ended while it waited for z"))
        self.assertEqual(self.ask("resume", node="z").code, 0)
        self.assertEqual(self.running.wait(), 0, self.running.text()[-3000:])
        self.assertNotIn("lost", self.running.text())

    def test_a_node_that_waits_for_its_restart_ends_once_as_well(self):
        """R-SUP-056"""
        self.start({"a": faulty("exit", "restart: {delay: 60s, max_delay: 60s}", place="close"), "b": SINK,
                    "s": "exec: [test-source], config: {frames: 1}"}, ["s.data -> a.in", "a.out -> b.in"])
        self.hear("node-restarting", node="a")
        self.running.signal()
        self.running.signal()
        self.running.wait()
        self.hear_rest()
        self.assertEqual({name: len(found) for name, found in self.ends().items()}, {"a": 1, "b": 1, "s": 1}, self.seen)

    def test_the_end_of_the_launcher_is_the_end_of_every_node(self):
        """R-SUP-056 R-SUP-033"""
        self.start({"a": SOURCE, "b": SINK}, ["a.data -> b.in"])
        self.hear("link-wired")
        os.kill(self.launcher(), signal.SIGKILL)
        self.assertEqual(self.running.wait(), 70)
        self.hear_rest()
        self.assertEqual(self.ends(), {"a": ["node-failed"], "b": ["node-failed"]}, self.seen)

    def launcher(self):
        pid = self.running.process.pid
        return int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def test_frames_that_wait_for_too_long_are_told_with_their_number_and_age(self):
        """R-SUP-057 R-SUP-042"""
        slow = "exec: [check-sink], config: {work: 700ms}"
        self.start({"a": "exec: [test-source], config: {rate: 200}", "f": "exec: [pass]", "z": slow},
                   ["a.data -> f.in", "{from: f.out, to: z.in, depth: 4}"])
        first = self.hear("frame-lag", link="f.out -> z.in")
        self.assertEqual(first["node"], "z")
        self.assertRegex(first["text"], r"^is late: frames of f\.out -> z\.in wait for \d{4,5}ms$")
        self.assertLessEqual(first["count"], 4)
        wait_until(lambda: self.link("f.out -> z.in")["late"], "the link is not late")
        wait_until(lambda: self.ask("status").json["late_links"] >= 1, "no link is counted as late")
        second = self.hear("frame-lag", link="f.out -> z.in")
        self.assertGreaterEqual(second["ts"] - first["ts"], 0.99e9, self.seen)
        self.assertGreater(second["seq"], first["seq"])
        self.assertLessEqual(first["count"] + second["count"], self.link("f.out -> z.in")["published"])

    def test_frames_that_wait_for_a_paused_reader_are_not_late(self):
        """R-SUP-057"""
        self.start({"a": SOURCE, "z": SINK}, ["a.data -> z.in"])
        self.hear("link-wired")
        self.assertEqual(self.ask("pause", node="z").code, 0)
        wait_until(lambda: self.node("z")["state"] == "paused", "z is not paused")
        let_pass(2.5)
        self.assertGreater(self.link("a.data -> z.in")["head_age_ns"], 2e9)
        self.assertFalse(self.link("a.data -> z.in")["late"])
        self.assertEqual(self.ask("resume", node="z").code, 0)
        self.hear("node-resumed", node="z")
        self.running.signal()
        self.assertEqual(self.running.wait(), 0)
        self.assertNotIn("frame-lag", {event["event"] for event in self.hear_rest()})

    def test_evictions_are_told_at_most_once_per_second_and_their_sum_is_exact(self):
        """R-SUP-058 R-SUP-042"""
        frames = 1200
        self.start({"a": f"exec: [test-source], config: {{frames: {frames}, rate: 500}}",
                    "y": "exec: [check-sink]", "z": "exec: [check-sink], config: {work: 20ms, sequence: increasing}"},
                   ["{from: a.data, to: z.in, depth: 4, delivery: ordered}", "a.data -> y.in"], "--keep")
        first = self.hear("frames-evicted")
        self.assertEqual((first["node"], first["link"]), ("z", "a.data -> z.in"))
        for name in ("a", "y", "z"):
            if name not in self.ends():
                self.hear("node-finished", node=name)
        evicted = self.link("a.data -> z.in")["evicted"]
        self.assertGreater(evicted, frames / 2)

        def told():
            return [event for event in self.seen if event["event"] == "frames-evicted"]
        while sum(event["count"] for event in told()) < evicted:
            self.hear("frames-evicted")
        self.assertEqual(sum(event["count"] for event in told()), evicted)
        self.assertTrue(all(event["link"] == "a.data -> z.in" for event in told()))
        # The end of the reader tells the rest at once.
        times = [event["ts"] for event in told()][:-1]
        self.assertTrue(all(b - a >= 0.99e9 for a, b in zip(times, times[1:])), self.seen)
        self.assertEqual(self.ask("status").json["evicted_untold"], 0)
        self.assertEqual(self.link("a.data -> y.in")["released"], frames)

    def test_a_link_says_why_it_waits_and_when_it_is_wired(self):
        """R-SUP-059 R-SUP-030"""
        self.start({"a": SOURCE, "f": "exec: [pass], restart: {delay: 1s}", "z": SINK},
                   ["a.data -> f.in", "f.out -> z.in"])
        names = ("a.data -> f.in", "f.out -> z.in")
        for name in names:
            if not any(event.get("link") == name for event in self.seen):
                self.hear("link-wired", link=name)
            self.assertEqual((self.link(name)["state"], self.link(name)["reason"]), ("wired", None))
        os.kill(self.node("f")["pid"], signal.SIGKILL)
        self.hear("node-restarting", node="f")
        for name in names:
            if not any(event["event"] == "link-pending" and event["link"] == name for event in self.seen):
                self.hear("link-pending", link=name)
            self.assertEqual(self.link(name)["state"], "replacing")
            self.assertEqual(self.link(name)["reason"], "an end of it died, and its next life takes over")
            pending = [event for event in self.seen if event["event"] == "link-pending" and event["link"] == name]
            self.assertEqual([event["text"] for event in pending],
                             [f"link {name} waits: an end of it died, and its next life takes over"])
        self.hear("node-running", node="f")
        for name in names:
            wired = [event for event in self.seen if event["event"] == "link-wired" and event["link"] == name]
            self.assertEqual(len(wired), 2, self.seen)

    def test_a_link_that_cannot_have_its_frames_says_why(self):
        """R-SUP-059"""
        big = "exec: [test-source], config: {rate: 500, size: 4096}"
        self.start({"a": big, "z": SINK}, ["a.data -> z.in"], head="limits: {shared_memory: 2MiB}")
        self.hear("link-wired")
        self.assertEqual(self.ask("add", node="y", exec=["check-sink"], set=["sandbox=trusted"]).code, 0)
        answer = self.ask("connect", **{"from": "a.data", "to": "y.in", "set": ["depth=4096", "max_payload=1MiB"]})
        self.assertNotEqual(answer.code, 0, answer.documents)
        refused = self.hear("link-refused")
        self.assertEqual(refused["link"], "a.data -> y.in")
        self.assertRegex(refused["text"], r"shared.memory|limit")
        self.assertEqual(self.link("a.data -> z.in")["state"], "wired")

    def test_steps_that_fail_are_an_event_with_their_number(self):
        """R-SUP-064 R-STEP-012"""
        self.start({"a": "exec: [test-source], config: {frames: 100, rate: 1000}", "f": faulty("error", every=10),
                    "z": SINK}, ["a.data -> f.in", "f.out -> z.in"])
        self.running.wait()
        failed = [event for event in self.hear_rest() if event["event"] == "step-failed"]
        self.assertEqual({event["node"] for event in failed}, {"f"})
        self.assertEqual(sum(event["count"] for event in failed), 10)
        self.assertEqual(failed[-1]["text"], "steps returned an error, in all 10")
        self.assertEqual(self.ends(), {name: ["node-finished"] for name in "afz"})
        order = [event["event"] for event in self.seen if event.get("node") == "f"]
        self.assertLess(max(i for i, word in enumerate(order) if word == "step-failed"), order.index("node-finished"))


if __name__ == "__main__":
    unittest.main()
