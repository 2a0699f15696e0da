# SPDX-License-Identifier: Apache-2.0
# test: timeout=240
"""Graphs that are changed while a node waits for its next life."""
import itertools
import os
import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests/harness"))
from harness.live_graph import LiveGraph
from harness.waiting import wait_until

SOON = "restart: {max: unlimited, delay: 0s}, on_crash: {poison_after: 1000}"
LATER = "restart: {max: unlimited, delay: 500ms, max_delay: 500ms}, on_crash: {poison_after: 1000}"
SOURCE = f"exec: [test-source], config: {{rate: 5000, stamp: true}}, {SOON}"
SINK = f"exec: [check-sink], config: {{stamp: true, sequence: increasing}}, {LATER}"
FEED = "a.data -> z.in"
LAST = "d.out -> z.in"
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


if __name__ == "__main__":
    unittest.main()
