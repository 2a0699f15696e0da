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


class Killed(DomainGraph):
    def test_publishers_that_are_killed_at_full_speed_hold_nobody_up(self):
        """R-IOX-017"""
        before = left_behind()
        self.start(nodes=self.NODES, links=self.LINKS)
        self.wait_frames(1000, "the start")
        ring, begun = self.released("d.in"), time.monotonic()
        for number in range(KILLS):
            pid = self.pid("a")
            os.kill(pid, 9)
            wait_until(lambda: self.pid("a") != pid, "it did not come back", limit_s=60)
            self.wait_frames(100, f"kill {number + 1}")
        rate = (self.released("d.in") - ring) / (time.monotonic() - begun)
        text = self.end(before)
        again = text.count("the domain of iceoryx ends")
        print(f"{KILLS} kills, {again} domains begun again, ring at {rate:.0f} per second")
        self.assertGreater(rate, 700, "the ring link of the same graph did not keep its rate")
        self.assertEqual(len(re.findall(r" [cd]\[2\]", text)), 0, "a node beside the domain was restarted")


if __name__ == "__main__":
    reason = why_not()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main()
