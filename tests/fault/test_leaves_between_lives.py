# SPDX-License-Identifier: Apache-2.0
# test: timeout=240 tiers
"""What is changed while a node waits for its restart: the restart comes at once, and what was accepted arrives."""
import os
import pathlib
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests/harness"))
from harness.graphs import BUILD, skip_without_walls
from harness.live_graph import LiveGraph
from harness.waiting import wait_until

FAULTY = BUILD / "tests/fault/faulty"
SOURCE = "exec: [test-source], config: {rate: 2000}"
SINK = "exec: [check-sink]"
LATER = "restart: {delay: 20s}"
CHAIN = {"a": f"{SOURCE}, {LATER}", "p": f"exec: [pass], {LATER}", "z": SINK}
FEED, LAST = "a.data -> p.in", "p.out -> z.in"
MANY = 12  # of the 16 that a link holds
AT_ONCE_S = 8  # far below the wait before a restart, and enough for a busy machine


class LeavesBetweenLives(LiveGraph):
    def begin(self, nodes=None, links=(FEED, LAST)):
        self.start(nodes=CHAIN if nodes is None else nodes, links=list(links))

    def queued(self, link):
        return next(one["queued"] for one in self.client.call("links").json if one["link"] == link)

    def kill(self, node):
        os.kill(self.pid(node), signal.SIGKILL)
        self.running.expect(f" {node}[1]: running -> backing-off")

    def kill_reader(self, node, link):
        """Much is queued when this is over."""
        self.kill(node)
        wait_until(lambda: self.queued(link) >= MANY, f"{link} fills:\n{self.running.text()[-4000:]}")

    def at_once(self, verb, **fields):
        begun = time.monotonic()
        self.do(verb, **fields)
        self.assertLess(time.monotonic() - begun, AT_ONCE_S)

    def test_a_link_that_is_taken_away_is_read_by_the_next_life_of_its_reader(self):
        """R-LIVE-023 R-LIVE-009"""
        self.begin()
        self.kill_reader("p", FEED)
        self.at_once("disconnect", **{"from": "a.data", "to": "p.in"})
        self.assertIn(" p[2]: ready -> running", self.running.text())
        text = self.finish()
        for link in (FEED, LAST):
            self.assert_all_arrived(text, link)
        self.assertGreaterEqual(self.counts(text, LAST)[0]["published"], self.counts(text, FEED)[0]["published"])

    def test_a_node_that_is_taken_away_reads_and_writes_on_first(self):
        """R-LIVE-023 R-LIVE-009"""
        self.begin()
        self.kill_reader("p", FEED)
        self.at_once("remove", node="p")
        text = self.finish()
        for link in (FEED, LAST):
            self.assert_all_arrived(text, link)
        self.assertGreaterEqual(self.counts(text, LAST)[0]["published"], self.counts(text, FEED)[0]["published"])

    def test_a_producer_is_taken_away_while_both_wait(self):
        """R-LIVE-023 R-LIVE-009"""
        self.begin()
        self.kill_reader("p", FEED)
        self.kill("a")
        self.at_once("remove", node="a")
        self.assertNotIn(" a[2]", self.running.text())
        text = self.finish()
        for link in (FEED, LAST):
            self.assert_all_arrived(text, link)

    def cut(self, verb, **fields):
        """The restarts of the reader are used up by the life that was to read what waits."""
        reader = f"exec: [{FAULTY}], config: {{fault: exit, place: frame, at: 5}}, restart: {{delay: 20s, max: 1}}"
        self.begin({"a": SOURCE, "f": reader, "z": SINK, "y": SINK},
                   ["a.data -> f.in", "f.out -> z.in", "a.data -> y.in"])
        self.running.expect(" f[1]: running -> backing-off")
        wait_until(lambda: self.queued("a.data -> f.in") >= MANY, "the queue fills")
        self.at_once(verb, **fields)
        self.running.expect("link a.data -> f.in was taken away before all of its frames were read", "abandoned=")
        self.running.signal()
        self.running.wait()
        self.assertEqual(self.running.text().count("was taken away before all of its frames were read"), 1)

    def test_what_no_life_reads_from_a_link_is_counted_and_told(self):
        """R-LIVE-023"""
        self.cut("disconnect", **{"from": "a.data", "to": "f.in"})

    def test_what_a_node_that_is_taken_away_cannot_read_is_counted_and_told(self):
        """R-LIVE-023"""
        self.cut("remove", node="f")

    def test_one_that_is_stopped_before_its_restart_has_not_failed(self):
        """R-CTL-028"""
        self.begin()
        self.kill_reader("p", FEED)
        self.do("stop", node="p")
        node = next(one for one in self.client.call("nodes").json if one["id"] == "p")
        self.assertEqual((node["state"], node["last_reason"]), ("finished", "a stop was asked for"))
        self.assertNotIn(" p[2]", self.running.text())
        text = self.finish()
        self.assertRegex(text, r"link a\.data -> p\.in: published=\d+ released=\d+ abandoned=\d+")


if __name__ == "__main__":
    skip_without_walls()
    unittest.main()
