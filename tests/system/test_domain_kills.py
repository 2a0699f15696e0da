# SPDX-License-Identifier: Apache-2.0
# test: labels=slow number=50 timeout=600
"""R-IOX-017: publishers of a domain that are killed while they publish, so many times."""
import os
import pathlib
import re
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests/harness"))
from domain_graph import DomainGraph, left_behind, why_not  # noqa: E402
from waiting import wait_until  # noqa: E402

KILLS = int(sys.argv.pop()) if sys.argv[1:] and sys.argv[-1].isdigit() else 5
BLOCK = 5  # kills between two looks at the rate without any
CALM = 1000  # frames of such a look: a second


class Killed(DomainGraph):
    def rate_during(self, work):
        """Frames per second of the ring beside the domain, while this is done."""
        count, begun = self.released("d.in"), time.monotonic()
        work()
        return (self.released("d.in") - count) / (time.monotonic() - begun)

    def kill_some(self, count):
        for number in range(count):
            pid = self.pid("a")
            os.kill(pid, 9)
            wait_until(lambda pid=pid: self.pid("a") != pid, "it did not come back", limit_s=60)
            self.wait_frames(100, f"kill {number + 1} of a block")

    def let_run(self):
        until = self.released("d.in") + CALM
        wait_until(lambda: self.released("d.in") >= until, "the ring beside stands still", limit_s=60)

    def test_publishers_that_are_killed_at_full_speed_hold_nobody_up(self):
        """R-IOX-017"""
        before = left_behind()
        self.start(nodes=self.NODES, links=self.LINKS)
        self.wait_frames(1000, "the start")
        calm, killing = [], []
        for done in range(0, KILLS, BLOCK):
            calm.append(self.rate_during(self.let_run))
            killing.append(self.rate_during(lambda done=done: self.kill_some(min(BLOCK, KILLS - done))))
        ratio = (sum(killing) / len(killing)) / (sum(calm) / len(calm))
        text = self.end(before)
        again = text.count("the domain of iceoryx ends")
        print(f"{KILLS} kills, {again} domains begun again, the ring beside kept {ratio:.1%} of its rate")
        self.assertGreater(ratio, 0.9, f"the ring link of the same graph: {calm} without kills, {killing} beside them")
        self.assertEqual(len(re.findall(r" [cd]\[2\]", text)), 0, "a node beside the domain was restarted")
        died = re.findall(r" (\w+)\[\d+\]: died: ([^;]*)", text)
        self.assertEqual({node for node, _ in died}, {"a"}, "somebody died whom nobody killed")


if __name__ == "__main__":
    reason = why_not()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main()
