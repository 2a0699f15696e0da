# SPDX-License-Identifier: Apache-2.0
# test: timeout=240
"""Graphs that are changed while a node waits for its next life."""
import itertools
import os
import pathlib
import signal
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests/harness"))
from harness.live_graph import Client, LiveGraph, socket_of
from harness.waiting import wait_until

SOON = "restart: {max: unlimited, delay: 0s}, on_crash: {poison_after: 1000}"
LATER = "restart: {max: unlimited, delay: 500ms, max_delay: 500ms}, on_crash: {poison_after: 1000}"
SOURCE = f"exec: [test-source], config: {{rate: 5000, stamp: true}}, {SOON}"
SINK = f"exec: [check-sink], config: {{stamp: true, sequence: increasing}}, {LATER}"
FEED = "a.data -> z.in"
LAST = "d.out -> z.in"
# Memory that takes a while to make.
DEPTH = 1024
BIG = f"exec: [test-source], config: {{rate: 1000, size: 65536}}, {SOON}"
READER = f"exec: [check-sink], config: {{numbers: 'off', sequence: 'off'}}, {SOON}"
LEAVING = "a.data -> r.in"
DEEP = f"{{from: a.data, to: r.in, depth: {DEPTH}}}"
ROUNDS = 6
DELIVERIES = ("lossless", "ordered", "latest")


class BetweenLives(LiveGraph):
    def count(self, link, what):
        return next(one[what] for one in self.client.call("links").json if one["link"] == link)

    def state(self, node):
        return next(one["state"] for one in self.client.call("nodes").json if one["id"] == node)

    def wait_more(self, link, more):
        """Until that many frames more than now were released there."""
        wanted = self.count(link, "released") + more
        wait_until(lambda: self.count(link, "released") >= wanted,
                   f"{more} more frames were released at {link}:\n{self.running.text()[-4000:]}")

    def kill(self, node):
        """Kills a node, which then waits for its next life. Returns the process that it was."""
        pid = self.pid(node)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.state(node) == "backing-off", f"{node} waits for its next life")
        return pid

    def deliver(self, delivery):
        self.do("link", **{"from": "a.data", "to": "z.in", "set": [f"delivery={delivery}"]})

    def assert_adds_up(self, text, link):
        """Every frame was released or evicted, and nothing that a page said was out of bounds."""
        for counts in self.counts(text, link):
            self.assertNotIn("clamped", counts)
            self.assertNotIn("deadline", text)
            held = counts["published"] - counts["released"] - counts.get("evicted", 0)
            # What its reader held when it was killed, and the newest ones when the graph was stopped.
            self.assertLess(held, 8 + 8, counts)

    def test_frames_are_read_by_the_delivery_that_they_were_written_by(self):
        """R-DATA-035: the link has another one by the time that its reader lives again."""
        for before, between in itertools.permutations(DELIVERIES, 2):
            with self.subTest(before=before, between=between):
                self.doCleanups()
                self.setUp()
                self.start(nodes={"a": SOURCE, "z": SINK},
                           links=[f"{{from: a.data, to: z.in, depth: 8, delivery: {before}}}"])
                self.wait_more(FEED, 100)
                self.kill("z")
                self.deliver(between)
                self.wait_more(FEED, 500)
                self.assert_adds_up(self.finish(), FEED)

    def test_a_delivery_that_comes_and_goes_while_nobody_reads(self):
        """R-DATA-035"""
        for there in ("ordered", "latest"):
            with self.subTest(there=there):
                self.doCleanups()
                self.setUp()
                self.start(nodes={"a": SOURCE, "z": SINK},
                           links=["{from: a.data, to: z.in, depth: 8, delivery: lossless}"])
                self.wait_more(FEED, 100)
                self.deliver(there)
                self.kill("z")
                self.deliver("lossless")
                self.wait_more(FEED, 500)
                self.assert_adds_up(self.finish(), FEED)

    def test_another_program_that_holds_more_frames_is_the_next_life(self):
        """R-LIVE-021: also in place of one that waits for its restart, in which frames wait."""
        for frames in (3, 40):
            with self.subTest(frames=frames):
                self.doCleanups()
                self.setUp()
                self.start(nodes={"a": SOURCE, "d": f"exec: [pass], {LATER}", "z": "exec: [null-sink]"},
                           links=["a.data -> d.in", "d.out -> z.in"])
                self.wait_more(LAST, 100)
                self.kill("d")
                self.do("replace", node="d", exec=["delay"], set=[f"config.frames={frames}"])
                self.wait_more(LAST, 500)
                text = self.finish()
                self.assertNotIn("deadline", text)
                self.assert_all_arrived(text, "a.data -> d.in")
                self.assert_all_arrived(text, LAST)

    def leave_in_between(self):
        """Kills a, takes the link to r away while a's next life gets its memory, and kills r as well."""
        self.do("pause", node="r")
        wait_until(lambda: self.count(LEAVING, "queued") > 0, "nothing waits for r")
        agreed = self.running.text().count("a.data carries")
        os.kill(self.pid("a"), signal.SIGKILL)
        wait_until(lambda: self.running.text().count("a.data carries") > agreed, "a does not live again")
        leaving = threading.Thread(target=self.leave)
        leaving.start()
        wait_until(lambda: self.link_state(LEAVING) in ("disconnecting", None), "the link does not leave")
        pid = self.pid("r")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.pid("r") != pid, "r does not live again")
        self.do("resume", node="r")
        leaving.join()

    def leave(self):
        with Client(socket_of()) as other:
            other.call("disconnect", **{"from": "a.data", "to": "r.in"})

    def link_state(self, link):
        return next((one["state"] for one in self.client.call("links").json if one["link"] == link), None)

    def test_a_link_leaves_while_its_producer_begins_again_and_its_reader_dies(self):
        """R-LIVE-004 R-SUP-016: the producer has no memory of it, and is told nothing about its pages."""
        for others in ([], ["{from: a.data, to: z.in, delivery: latest}"]):
            with self.subTest(others=others):
                self.doCleanups()
                self.setUp()
                self.start(nodes={"a": BIG, "r": READER, "z": "exec: [null-sink]", "b": SOURCE},
                           links=[DEEP, "b.data -> z.in", *others])
                for _ in range(ROUNDS):
                    self.leave_in_between()
                    self.connect("a.data", "r.in", depth=DEPTH)
                    self.wait_more(LEAVING, 10)
                text = self.finish()
                self.assertNotIn("broke the protocol", text)


if __name__ == "__main__":
    unittest.main()
