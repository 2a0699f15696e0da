# SPDX-License-Identifier: Apache-2.0
"""A running graph that a test changes over the control socket."""
import re
import signal
import subprocess
import unittest

from control_client import Client, socket_of
from graphs import Graph
from waiting import wait_until

SOURCE = "exec: [test-source], config: {rate: 2000}"
SINK = "exec: [check-sink]"
NODES = {"a": SOURCE, "p": "exec: [pass]", "b": SINK}
LINKS = ["a.data -> p.in", "p.out -> b.in"]
VIDEO = {"v": "exec: [test-pattern], config: {width: 160, height: 120}", "f": "exec: [blur]", "s": SINK}
VIDEO_LINKS = ["v.video -> f.video", "f.video -> s.in"]


def connected(path):
    """The socket is there a moment before somebody listens on it."""
    try:
        return Client(path)
    except ConnectionRefusedError:
        return None


class Broker:
    """A broker whose log is a file: nobody has to read it for the broker to go on."""

    def __init__(self, graph, *options):
        self.log = graph.folder / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(graph.command("-v", *options), stderr=log, stdout=log)

    def text(self):
        return self.log.read_text(errors="replace")

    def expect(self, *words):
        return wait_until(lambda: next((line for line in self.text().splitlines()
                                        if all(word in line for word in words)), None),
                          f"no line with {words} in:\n{self.text()[-6000:]}")

    def signal(self, number=signal.SIGINT):
        self.process.send_signal(number)

    def wait(self):
        return self.process.wait(timeout=30)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class LiveGraph(unittest.TestCase):
    def setUp(self):
        self.graph = Graph()
        self.addCleanup(self.graph.close)

    def start(self, *options, nodes=None, links=LINKS, head=""):
        self.graph.write(NODES if nodes is None else nodes, links, head)
        self.running = Broker(self.graph, *options)
        self.addCleanup(self.running.close)
        path = socket_of()
        wait_until(lambda: path.exists() or self.running.process.poll() is not None, f"no socket at {path}")
        self.assertTrue(path.exists(), self.running.text())
        self.client = wait_until(lambda: connected(path), f"nobody listens at {path}")
        self.addCleanup(self.client.close)
        if "--idle" not in options:
            self.wait_state("running")
        return self.client

    def wait_state(self, state):
        wait_until(lambda: self.status()["state"] == state, f"the graph is not {state}")

    def status(self):
        return self.client.call("status").json

    def do(self, verb, **fields):
        answer = self.client.call(verb, **fields)
        self.assertEqual(answer.code, 0, f"{verb} {fields}: {answer.error}\n{self.running.text()[-6000:]}")
        return answer.documents[0] if answer.documents else None

    def refuse(self, code, verb, **fields):
        answer = self.client.call(verb, **fields)
        self.assertEqual(answer.code, code, f"{verb} {fields}: {answer.error}\n{self.running.text()[-6000:]}")
        return answer.error

    def connect(self, start, end, **options):
        return self.do("connect", **{"from": start, "to": end, "set": [f"{key}={value}" for key, value in
                                                                      options.items()]})

    def disconnect(self, start, end):
        return self.do("disconnect", **{"from": start, "to": end})

    def pid(self, node):
        """Of the newest life of a node, from the log."""
        found = re.findall(rf" {node}\[\d+\]: process pid=(\d+)", self.running.text())
        self.assertTrue(found, self.running.text())
        return int(found[-1])

    def pids(self, nodes=NODES):
        return {node: self.pid(node) for node in nodes}

    def events(self):
        return [event["text"] for event in self.client.call("events").documents
                if event["event"] in ("change-will", "change-did")]

    def finish(self):
        """Stops the graph; it must have lost nothing."""
        self.running.process.send_signal(signal.SIGINT)
        self.assertEqual(self.running.wait(), 0, self.running.text()[-6000:])
        text = self.running.text()
        self.assertNotIn("lost", text)
        self.assertNotIn("before all of its frames were read", text)
        return text

    def counts(self, text, link):
        """What the log says of a link at its end: of all links that had this name."""
        found = re.findall(rf"link {re.escape(link)}(?: was taken away)?: (published=.*)", text)
        self.assertTrue(found, f"{link} in\n{text[-4000:]}")
        return [{key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)} for line in found]

    def assert_all_arrived(self, text, link):
        every = self.counts(text, link)
        self.assertGreater(sum(counts["published"] for counts in every), 0, link)
        for counts in every:
            self.assertEqual(counts["published"], counts["released"], f"{link}: {counts}")
