# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""Pausing and resuming nodes and graphs of a real broker: what stops, what stays, what is counted."""
import os
import pathlib
import signal
import sys
import time
import unittest

from control_client import Client, socket_of
from graph_case import GraphCase
from graphs import BUILD
from waiting import let_pass, wait_until

SOURCE = "exec: [test-source], config: {rate: 1000}"


class Pause(GraphCase):
    def start(self, nodes, links, *options):
        self.graph.write(nodes, links)
        self.running = self.graph.start("-v", *options)
        self.addCleanup(self.running.close)
        wait_until(socket_of().exists, "no socket")
        self.client = Client(socket_of())
        self.addCleanup(self.client.close)

    def call(self, verb, code=0, **fields):
        answer = self.client.call(verb, **fields)
        self.assertEqual(answer.code, code, answer.error)
        return answer

    def chain(self, delivery="lossless", **others):
        nodes = {"a": SOURCE, "b": "exec: [pass]", "c": "exec: [check-sink], config: {numbers: off}", **others}
        self.start(nodes, [f"{{from: a.data, to: b.in, delivery: {delivery}, depth: 8}}", "b.out -> c.in"])
        self.call("wait")

    def node(self, name):
        return self.call("nodes", node=name).json[0]

    def link(self, name):
        return next(link for link in self.call("links").json if link["link"] == name)

    def end(self):
        self.assertEqual(self.call("stop").json, {"exit_status": 0})
        self.assertEqual(self.running.wait(), 0, self.running.text())

    def test_a_paused_node_is_called_no_more_and_its_producer_waits(self):
        """R-STEP-018 R-CTL-018"""
        self.chain()
        self.call("pause", node="b")
        node = self.node("b")
        self.assertEqual((node["state"], node["phase"]), ("paused", "paused"))
        wait_until(lambda: self.node("a")["phase"] == "no-space", "the producer does not wait")
        taken = self.node("b")["counts"]["in"]
        queued = self.link("a.data -> b.in")["queued"]
        self.assertEqual(queued, 8)
        let_pass(0.2)
        self.assertEqual(self.node("b")["counts"]["in"], taken)
        self.assertEqual(self.link("a.data -> b.in")["queued"], queued)
        self.call("resume", node="b")
        wait_until(lambda: self.node("b")["counts"]["in"] > taken + 20, "it does not go on")
        self.end()
        self.assertIn('"missing": 0', self.running.text())

    def test_what_comes_in_a_pause_is_evicted_and_counted_where_the_delivery_says_so(self):
        """R-CTL-018"""
        self.chain("ordered")
        self.call("pause", node="b")
        published = self.link("a.data -> b.in")["published"]
        wait_until(lambda: self.link("a.data -> b.in")["published"] > published + 50, "the producer waits")
        self.call("resume", node="b")
        wait_until(lambda: self.link("a.data -> b.in")["evicted"] > 30, "nothing was counted")
        link = self.link("a.data -> b.in")
        self.assertEqual(link["published"], link["released"] + link["dropped"] + link["queued"] + link["held"])
        self.end()

    def test_twice_is_once(self):
        """R-STEP-018 R-CLI-017"""
        self.chain()
        for _ in range(2):
            self.call("pause", node="b")
        for _ in range(2):
            self.call("resume", node="b")
        events = [event["event"] for event in self.call("events").documents if event.get("node") == "b"]
        self.assertEqual(events, ["node-paused", "node-resumed"])
        self.end()

    def test_a_whole_graph_pauses_and_goes_on(self):
        """R-STEP-018"""
        self.chain()
        self.call("pause")
        status = self.call("status").json
        self.assertEqual((status["paused"], status["running"]), (3, 0))
        counts = [self.node(name)["counts"] for name in "abc"]
        let_pass(0.2)
        self.assertEqual([self.node(name)["counts"] for name in "abc"], counts)
        self.call("resume")
        self.assertEqual(self.call("status").json["running"], 3)
        wait_until(lambda: self.node("c")["counts"]["in"] > counts[2]["in"] + 20, "the graph does not go on")
        self.end()

    def test_a_paused_node_that_is_killed_stays_paused_in_its_next_life(self):
        """R-CTL-019"""
        self.chain(b="exec: [pass], restart: {delay: 10ms}")
        self.call("pause", node="b")
        os.kill(self.node("b")["pid"], signal.SIGKILL)
        wait_until(lambda: self.node("b")["generation"] == 2 and self.node("b")["state"] == "paused",
                   "the next life does not pause")
        self.assertEqual(self.node("b")["counts"]["in"], self.node("b")["counts"]["out"])
        self.call("resume", node="b")
        self.call("wait", node="b")
        self.end()
        self.assertIn('"missing": 0', self.running.text())

    def test_a_node_is_started_while_what_its_producer_wrote_waits_for_a_paused_reader(self):
        """R-CTL-027"""
        self.start({"a": f"{SOURCE}, restart: {{delay: 10ms}}", "b": "exec: [null-sink]", "c": "exec: [null-sink]",
                    "d": "exec: [check-sink]"},
                   ["a.data -> b.in", "a.data -> c.in", "{from: a.data, to: d.in, depth: 8}"])
        self.call("wait")
        self.call("pause", node="d")
        wait_until(lambda: self.node("a")["phase"] == "no-space", "the producer does not wait")
        self.call("stop", node="b")
        self.call("stop", node="c")
        self.call("pause")
        os.kill(self.node("a")["pid"], signal.SIGKILL)
        wait_until(lambda: self.node("a")["generation"] == 2 and self.node("a")["state"] == "paused",
                   "the next life does not pause")
        begun = time.monotonic()
        self.call("start", node="b")
        self.assertEqual(self.link("a.data -> b.in")["state"], "wired")
        self.call("start", node="c")
        self.assertEqual(self.link("a.data -> c.in")["state"], "pending")
        self.call("link", **{"from": "a.data", "to": "d.in", "set": ["depth=32"]})
        self.assertLess(time.monotonic() - begun, 8)
        self.call("resume")
        for name in "bc":
            wait_until(lambda node=name: self.node(node)["counts"]["in"] > 20, f"{name} has no frames")
        wait_until(lambda: self.link("a.data -> d.in")["depth"] == 32, "the link is not deeper")
        self.end()
        self.assertIn("a.data -> c.in gets its memory when a goes on after its pause", self.running.text())
        self.assertIn("a.data -> d.in changes when a goes on after its pause", self.running.text())
        self.assertIn('"missing": 0', self.running.text())

    def test_a_graceful_stop_drains_through_paused_nodes(self):
        """R-CTL-019"""
        self.chain()
        self.call("pause", node="b")
        wait_until(lambda: self.node("a")["phase"] == "no-space", "the producer does not wait")
        self.end()
        self.assertNotIn("lost", self.running.text())
        self.assertIn('"missing": 0', self.running.text())

    def test_a_call_that_takes_long_ends_first(self):
        """R-STEP-018"""
        nodes = {"a": SOURCE, "b": "exec: [check-sink], config: {work: 300ms}, timeouts: {process: 5s}"}
        self.start(nodes, ["{from: a.data, to: b.in, depth: 4}"])
        self.call("wait")
        wait_until(lambda: self.node("b")["phase"] == "processing", "it does not work")
        self.call("pause", node="b")
        # The answer came when the call had ended, and not before.
        self.assertEqual(self.node("b")["phase"], "paused")
        taken = self.node("b")["counts"]["in"]
        let_pass(0.7)
        self.assertEqual(self.node("b")["counts"]["in"], taken)
        self.end()

    def test_nobody_is_blamed_for_a_pause(self):
        """R-STEP-018"""
        nodes = {"a": f"{SOURCE}, timeouts: {{process: 200ms}}", "b": "exec: [pass], timeouts: {process: 200ms}",
                 "c": "exec: [null-sink], timeouts: {process: 200ms}"}
        self.start(nodes, ["a.data -> b.in", "b.out -> c.in"])
        self.call("wait")
        self.call("pause", node="c")
        let_pass(1.0)
        for name in "abc":
            self.assertEqual((self.node(name)["stalls"], self.node(name)["generation"]), (0, 1))
        self.call("resume", node="c")
        self.end()


if __name__ == "__main__":
    if not (pathlib.Path(BUILD) / "libexec/streambroker/pass").exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    unittest.main()
