# SPDX-License-Identifier: Apache-2.0
# test: timeout=300 tiers
"""Readers that hold frames of many lives of their producer. Chance comes from SB_SEED."""
import os
import pathlib
import random
import re
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests/harness"))
from harness.graphs import BUILD, skip_without_walls
from harness.live_graph import LiveGraph
from harness.waiting import let_pass, wait_until

AGAIN = "restart: {max: unlimited, delay: 0s}, on_crash: {poison_after: 1000}"
TALLY = BUILD / "tests/fault/tally"
PASS = f"exec: [pass], {AGAIN}"
SINK = f"exec: [{TALLY}]"
CHAIN = ["a.data -> p.in", "p.out -> d.in", "d.out -> z.in"]
FEED, HELD, LAST = CHAIN


def source(rate):
    return f"exec: [test-source], config: {{rate: {rate}}}, {AGAIN}"


def delay(frames):
    return f"exec: [delay], config: {{frames: {frames}}}, {AGAIN}"


class HeldLives(LiveGraph):
    def begin(self, rate, frames, links=CHAIN, head="", **more):
        self.start(nodes={"a": source(rate), "p": PASS, "d": delay(frames), "z": SINK, **more}, links=links, head=head)

    def count(self, link, what):
        return next(one[what] for one in self.client.call("links").json if one["link"] == link)

    def wait_more(self, link, what, more, limit_s=30):
        """Until that many frames more than now were published or released there."""
        wanted = self.count(link, what) + more
        wait_until(lambda: self.count(link, what) >= wanted,
                   f"{more} more frames were {what} at {link}:\n{self.running.text()[-4000:]}", limit_s)

    def kill(self, node):
        """Kills the newest life of a node, and waits until there is another one."""
        pid = self.pid(node)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.pid(node) != pid, f"{node} has another life")

    def all_arrived(self, links=CHAIN):
        text = self.finish()
        for link in links:
            self.assert_all_arrived(text, link)
        return text

    def test_a_delay_holds_frames_of_many_lives(self):
        """R-DATA-030 R-SUP-081: it gives none of them back before the next life has sent more."""
        self.begin(200, 30)
        for _ in range(20):
            self.wait_more(HELD, "published", 1)
            self.kill("p")
        self.wait_more(LAST, "released", 40)
        self.all_arrived()

    def test_the_one_that_holds_them_dies_too(self):
        """R-DATA-030 R-SUP-016"""
        self.begin(200, 30)
        for _ in range(6):
            self.wait_more(HELD, "published", 3)
            self.kill("p")
        self.kill("d")
        for _ in range(6):
            self.wait_more(HELD, "published", 3)
            self.kill("p")
        self.kill("d")
        self.wait_more(LAST, "released", 40)
        self.all_arrived()


if __name__ == "__main__":
    skip_without_walls()
    if not TALLY.exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    unittest.main()
