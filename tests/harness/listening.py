# SPDX-License-Identifier: Apache-2.0
"""A graph with one client that asks and one that listens, so that no event of its run is missed."""
import unittest

from graphs import BUILD, Graph
from live_graph import Broker, connected
from waiting import wait_until

FAULTY = BUILD / "tests/fault/faulty"
ENDS = ("node-finished", "node-stopped", "node-failed")
SOURCE = "exec: [test-source], config: {rate: 500}"
SINK = "exec: [check-sink]"


def faulty(fault, more="restart: {when: never}", **config):
    inside = "".join(f", {key}: {value}" for key, value in config.items())
    return f"exec: [{FAULTY}], config: {{fault: {fault}{inside}}}, {more}"


class Listening(unittest.TestCase):
    def setUp(self):
        self.graph = Graph()
        self.addCleanup(self.graph.close)
        self.seen = []

    def client(self):
        client = wait_until(lambda: self.path.exists() and connected(self.path), "no broker listens")
        self.addCleanup(client.close)
        return client

    def start(self, nodes, links, *options, head=""):
        """A running graph, one client that asks and one that has listened since before its start."""
        self.graph.write(nodes, links, head)
        self.path = self.graph.folder / "control.sock"
        self.running = Broker(self.graph, "--idle", "--socket", str(self.path), *options)
        self.addCleanup(self.running.close)
        self.asker, self.listener = self.client(), self.client()
        self.listener.ask("events", follow="true")
        wait_until(lambda: self.ask("status").json["control"]["requests"] >= 2, "nobody listens")
        self.assertEqual(self.ask("start").code, 0)

    def ask(self, verb, **fields):
        return self.asker.call(verb, **fields)

    def hear(self, event, **fields):
        """Reads events until this one comes, and returns it."""
        while True:
            kind, found = self.listener.next() or ("nothing", None)
            self.assertEqual(kind, "document", f"no {event} {fields} in {self.seen[-40:]}")
            self.seen.append(found)
            if found["event"] == event and all(found.get(key) == value for key, value in fields.items()):
                return found

    def hear_rest(self):
        """Reads events until the broker ends, and returns all since the start of the graph."""
        while True:
            kind, found = self.listener.next() or ("nothing", None)
            if kind != "document":
                return self.seen
            self.seen.append(found)

    def ends(self):
        found = {}
        for event in self.seen:
            if event["event"] in ENDS:
                found.setdefault(event["node"], []).append(event["event"])
        return found

    def node(self, name):
        return next(node for node in self.ask("nodes").json if node["id"] == name)

    def link(self, name):
        return next(link for link in self.ask("links").json if link["link"] == name)
