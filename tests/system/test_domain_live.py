# SPDX-License-Identifier: Apache-2.0
# test: timeout=180
"""R-IOX-022: links by iceoryx come, change and go while the graph runs."""
import os
import pathlib
import signal
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests/harness"))
from control_client import Client, socket_of  # noqa: E402
from domain_graph import RESTART, DomainGraph, left_behind, new_since, why_not  # noqa: E402
from waiting import wait_until  # noqa: E402

IOX = {"transport": "iceoryx", "max_payload": "64KiB"}
SOURCE = f"exec: [test-source], config: {{size: 2000, rate: 2000, stamp: true}}, {RESTART}"
SINK = f"exec: [check-sink], config: {{stamp: true}}, {RESTART}"


class Live(DomainGraph):
    def wait_end(self, end, count=100):
        wait_until(lambda: self.released(end) >= count, f"no frames at {end}", limit_s=40)

    def end_all(self, before, *lossless):
        text = self.end(before)
        for name in lossless:
            self.assert_all_arrived(text, name)
        return text

    def test_links_join_a_domain_and_leave_it(self):
        """R-IOX-022: nobody inside starts again for it."""
        before = left_behind()
        nodes = {**self.NODES, "a": SOURCE, "b": SINK}
        self.start(nodes=nodes, links=self.LINKS)
        self.wait_frames(100, "the start")
        pids = self.pids(nodes)
        self.do("add", node="e", exec=["check-sink"], set=["sandbox=trusted", "config.stamp=true"])
        self.connect("a.data", "e.in", **IOX)
        self.wait_end("e.in")
        self.do("add", node="f", exec=["test-source"], set=["sandbox=trusted", "config.size=500", "config.stamp=true"])
        self.do("add", node="g", exec=["check-sink"], set=["sandbox=trusted", "config.stamp=true"])
        self.connect("f.data", "g.in", **{**IOX, "max_payload": "1KiB"})
        self.wait_end("g.in")
        self.disconnect("a.data", "e.in")
        self.do("replace", node="b", exec=["null-sink"], set=["config="])
        self.wait_frames(100, "another program for b")
        del pids["b"]
        self.assertEqual({node: self.pid(node) for node in pids}, pids)
        self.end_all(before, "a.data -> p.in", "p.out -> b.in", "a.data -> e.in", "f.data -> g.in")

    def test_the_first_link_by_iceoryx_makes_a_domain(self):
        """R-IOX-022: who runs outside of it starts again inside, and others do not."""
        before = left_behind()
        # Each new link counts its frames from 1: check-sink would take that for a fault.
        nodes = {"a": SOURCE, "b": f"exec: [null-sink], {RESTART}", "c": self.NODES["c"], "d": self.NODES["d"]}
        self.start(nodes=nodes, links=["a.data -> b.in", "c.data -> d.in"])
        self.wait_frames(100, "the start")
        pids = self.pids(nodes)
        self.disconnect("a.data", "b.in")
        self.connect("a.data", "b.in", **IOX)
        self.wait_end("b.in")
        self.assertEqual((self.pid("c"), self.pid("d")), (pids["c"], pids["d"]))
        self.assertTrue(self.inside(b"iox-roudi"))
        self.disconnect("a.data", "b.in")
        self.connect("a.data", "b.in")
        self.wait_end("b.in")
        self.finish()
        self.assertEqual(new_since(before), [])

    def test_a_link_that_the_domain_has_no_chunks_for_is_refused_and_all_goes_on(self):
        """R-IOX-015 R-IOX-022"""
        before = left_behind()
        nodes = {**self.NODES, "a": SOURCE, "b": SINK}
        self.start(nodes=nodes, links=self.LINKS)
        self.wait_frames(100, "the start")
        pids = self.pids(nodes)
        self.do("add", node="f", exec=["test-source"], set=["sandbox=trusted"])
        self.do("add", node="g", exec=["check-sink"], set=["sandbox=trusted"])
        self.assertIn("link f.data -> g.in: transport iceoryx has no chunks left", self.refuse(78, "connect", **{
            "from": "f.data", "to": "g.in", "set": ["transport=iceoryx", "max_payload=8MiB"]}))
        self.connect("f.data", "g.in")
        self.wait_end("g.in")
        self.wait_frames(100, "the refusal")
        self.assertEqual(self.pids(nodes), pids)
        self.end_all(before, "a.data -> p.in", "p.out -> b.in")

    def test_a_domain_that_ends_in_the_middle_of_an_apply(self):
        """R-IOX-018 R-IOX-022: the file is in force at the end, or the graph of before."""
        before = left_behind()
        nodes = {**self.NODES, "a": SOURCE, "b": SINK}
        self.start(nodes=nodes, links=self.LINKS)
        for number in range(4):
            self.wait_frames(100, f"{number} applications")
            kept = dict(nodes) if number % 2 else {**nodes, "e": SINK}
            links = self.LINKS + ([] if number % 2 else
                                  ["{from: a.data, to: e.in, transport: iceoryx, max_payload: 64KiB}"])
            path = self.graph.write(kept, links)
            other = Client(socket_of())
            self.addCleanup(other.close)
            answers = []
            asking = threading.Thread(target=lambda path=path, other=other: answers.append(
                other.call("apply", file=str(path))))
            asking.start()
            os.kill(self.inside(b"iox-roudi"), signal.SIGKILL)
            asking.join(60)
            # Those that are connected already go on for a moment without their RouDi.
            wait_until(lambda number=number: self.running.text().count("the domain of iceoryx ends") > number,
                       "the domain did not end")
            self.assertEqual(len(answers), 1, "apply did not answer")
            has_e = "e.in" in {one["to"] for one in self.client.call("links").documents[0]}
            self.assertEqual(has_e, (number % 2 == 0) == (answers[0].code == 0), answers[0].error)
        self.wait_frames(100, "all of it")
        text = self.end(before)
        self.assertGreaterEqual(text.count("the domain of iceoryx ends"), 4)


if __name__ == "__main__":
    reason = why_not()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main()
