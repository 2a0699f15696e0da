# SPDX-License-Identifier: Apache-2.0
"""R-CLI-022: what a service manager hears of a broker, and what its unit says."""
import os
import pathlib
import re
import signal
import socket
import unittest

from graphs import Graph

SOURCE = pathlib.Path(os.environ["SB_SOURCE_DIR"])


class Service(unittest.TestCase):
    def setUp(self):
        self.graph = Graph()
        self.addCleanup(self.graph.close)
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(str(self.graph.folder / "notify"))
        self.manager.settimeout(40)
        for name, value in (("NOTIFY_SOCKET", str(self.graph.folder / "notify")), ("WATCHDOG_USEC", "500000")):
            os.environ[name] = value
            self.addCleanup(os.environ.pop, name)
        self.graph.write({"a": "exec: [test-source], config: {rate: 100}", "b": "exec: [null-sink]"},
                         ["a.data -> b.in"])

    def hear(self, word):
        """The next message with this word; those that say that the loop turns may come at any time."""
        while True:
            text = self.manager.recv(4096).decode()
            if word in text:
                return text
            self.assertEqual(text, "WATCHDOG=1")

    def test_a_graph_is_ready_when_it_runs_and_says_that_it_ends(self):
        running = self.graph.start("-v")
        self.addCleanup(running.close)
        pid = int(running.expect("b[1]: process pid=").rsplit("=", 1)[1])
        self.assertIn("the graph runs", self.hear("READY=1"))
        self.assertNotIn(b"NOTIFY_SOCKET", pathlib.Path(f"/proc/{pid}/environ").read_bytes())
        self.hear("WATCHDOG=1")
        running.process.send_signal(signal.SIGTERM)
        self.assertIn("drained", self.hear("STOPPING=1"))
        self.assertEqual(running.wait(), 0, running.text())

    def test_one_that_waits_for_its_start_is_ready_too(self):
        running = self.graph.start("--idle")
        self.addCleanup(running.close)
        self.assertIn("waits for its start", self.hear("READY=1"))

    def test_the_unit_is_the_one_that_is_explained(self):
        unit = (SOURCE / "examples/systemd/streambroker@.service").read_text()
        page = (SOURCE / "docs/running.md").read_text()
        service = unit.split("[Service]")[1].split("[Install]")[0]
        for key, value in re.findall(r"^(\w+)=(.*)$", service, flags=re.M):
            if not key.startswith(("Exec", "RestartSec")):
                self.assertIn(f"`{key}={value}`", page)


if __name__ == "__main__":
    unittest.main()
