# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""What a commit is made of, what comes out of it, and who can wait for it."""
import os
import signal
import unittest

from control_client import Client, socket_of
from live_graph import LINKS, VIDEO, VIDEO_LINKS, LiveGraph
from waiting import wait_until


class Commits(LiveGraph):
    def edits(self):
        """The same five changes, whatever the mode."""
        self.do("add", node="c", exec=["check-sink"], set=["sandbox=trusted", "config.sequence=increasing"])
        self.connect("p.out", "c.in", depth=8)
        self.do("link", **{"from": "p.out", "to": "b.in", "set": ["depth=32"]})
        self.disconnect("p.out", "c.in")
        self.do("remove", node="c")
        self.do("add", node="d", exec=["null-sink"], set=["sandbox=trusted"])
        self.connect("a.data", "d.in")

    def graph_text(self):
        text = self.do("graph", form="yaml")
        return text if isinstance(text, str) else text["text"]

    def links_by_name(self):
        return {link["link"]: link for link in self.client.call("links").documents[0]}

    def test_what_is_added_and_taken_away_before_the_commit_is_nothing(self):
        """R-LIVE-019"""
        self.start(head="commit: manual")
        before = self.pids()
        self.do("add", node="x", exec=["null-sink"], set=["sandbox=trusted"])
        self.connect("p.out", "x.in")
        self.do("remove", node="x")
        self.disconnect("p.out", "b.in")
        self.connect("p.out", "b.in")
        change = self.status()["change"]
        self.assertEqual(change["wanted"], change["actual"])
        self.do("commit")
        self.assertEqual(self.events(), [])
        self.assertEqual(self.pids(), before)
        self.assertNotIn(" x[1]", self.finish())

    def test_manual_changes_and_one_commit_give_what_changes_at_once_give(self):
        """R-LIVE-006"""
        self.start()
        self.edits()
        at_once = self.graph_text()
        self.finish()
        self.start(head="commit: manual")
        before = self.graph_text()
        self.edits()
        self.assertEqual(self.links_by_name().keys(), set(LINKS))
        self.do("commit")
        self.assertEqual(self.graph_text().replace("commit: manual\n", ""), at_once)
        self.assertNotEqual(self.graph_text(), before)
        self.assertEqual(self.links_by_name()["p.out -> b.in"]["depth"], 32)
        # There is nothing left to commit.
        events = len(self.events())
        self.do("commit")
        self.assertEqual(len(self.events()), events)
        text = self.finish()
        for link in (*LINKS, "a.data -> d.in"):
            self.assert_all_arrived(text, link)

    def test_a_commit_before_the_start_starts_nothing(self):
        """R-LIVE-006"""
        self.start("--idle", head="commit: manual")
        self.do("add", node="d", exec=["null-sink"], set=["sandbox=trusted"])
        change = self.status()["change"]
        self.assertEqual((change["wanted"]["nodes"], change["actual"]["nodes"]), (4, 3))
        self.do("commit")
        status = self.status()
        self.assertEqual(status["state"], "idle")
        self.assertEqual(status["change"]["actual"]["nodes"], 4)
        self.assertNotIn("process pid", self.running.text())
        self.do("start")
        self.running.expect("d[1]: ready -> running")
        self.finish()

    def test_parameters_that_are_set_one_after_the_other_all_take_effect(self):
        """R-LIVE-003"""
        self.start(nodes=VIDEO, links=VIDEO_LINKS)
        pid = self.pid("f")
        for radius in (1, 3, 2, 4, 0):
            self.do("set", node="f", set=[f"radius={radius}"])
            self.assertIn(f"radius: {radius}", self.graph_text())
        self.assertEqual(self.events(), ["will configure f", "did configure f"] * 5)
        self.assertEqual(self.pid("f"), pid)
        self.finish()

    def test_a_parameter_that_is_set_is_seen_in_what_comes_out(self):
        """R-LIVE-003"""
        self.graph.file("lines", "one\n" * 1000)
        self.start(nodes={"a": "exec: [file-source], config: {path: lines, format: lines, loop: true}",
                          "g": "exec: [grep], config: {pattern: one}", "b": "exec: [null-sink]"},
                   links=["a.out -> g.text", "g.text -> b.in"])
        pid = self.pid("g")
        wait_until(lambda: self.links_by_name()["g.text -> b.in"]["published"] > 10, "nothing is found")
        self.do("set", node="g", set=["pattern=two"])
        found = self.links_by_name()["g.text -> b.in"]["published"]
        taken = self.links_by_name()["a.out -> g.text"]["released"]
        wait_until(lambda: self.links_by_name()["a.out -> g.text"]["released"] > taken + 200, "grep does not go on")
        self.assertEqual(self.links_by_name()["g.text -> b.in"]["published"], found)
        self.assertEqual(self.pid("g"), pid)
        self.finish()

    def test_whoever_waits_is_told_at_once_what_became_of_it(self):
        """R-CTL-010"""
        self.start("--idle", nodes={}, links=[])
        waiting = Client(socket_of())
        self.addCleanup(waiting.close)
        # Nothing was started: it is not ready, also without a node.
        waiting.ask("wait")
        self.assertEqual(self.status()["state"], "idle")
        self.do("start")
        self.assertEqual(waiting.next(), ("answer", (0, "")))
        self.do("add", node="a", exec=["test-source"], set=["sandbox=trusted", "restart.when=never"])
        self.do("add", node="b", exec=["null-sink"], set=["sandbox=trusted", "restart.when=never"])
        self.do("wait")
        os.kill(self.pid("b"), signal.SIGKILL)
        self.running.expect("b[1]: running -> failed")
        refused = self.refuse(3, "wait")
        self.assertIn("b is failed", refused)
        self.running.process.send_signal(signal.SIGINT)
        self.assertEqual(self.running.wait(), 1)


if __name__ == "__main__":
    unittest.main()
