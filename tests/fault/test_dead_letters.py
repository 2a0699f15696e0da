# SPDX-License-Identifier: Apache-2.0
# test: timeout=60
"""Frames that were given up are listed, shown, and dropped through the control socket."""
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.control_client import Client
from harness.graphs import BUILD, Graph

FAULTY = BUILD / "tests/fault/faulty"


class DeadLetters(unittest.TestCase):
    def setUp(self):
        self.graph = Graph()
        self.addCleanup(self.graph.close)

    def start(self, head, every=50):
        """A graph in which each 50th of 100 frames kills its reader, and a client of its broker."""
        self.graph.write({"a": "exec: [test-source], config: {frames: 100, rate: 1000, size: 500}",
                          "f": f"exec: [{FAULTY}], config: {{fault: segv, every: {every}}}, "
                               "restart: {max: unlimited, delay: 1ms}",
                          "z": "exec: [check-sink]"}, ["a.data -> f.in", "f.out -> z.in"], head)
        path = self.graph.folder / "control.sock"
        running = self.graph.start("-v", "--keep", "--socket", str(path))
        self.addCleanup(running.close)
        running.expect("every node has finished; the broker stays")
        client = Client(path)
        self.addCleanup(client.close)
        return running, client

    def call(self, client, *words):
        return client.call("dead-letters", **dict(zip(("action", "id"), words)))

    def test_letters_are_listed_shown_and_dropped(self):
        """R-SUP-047"""
        running, client = self.start("dead_letters: {dir: letters}")
        folder = self.graph.folder / "letters"
        found = self.call(client, "list").documents
        self.assertEqual([(letter["id"], letter["node"], letter["to"], letter["seq"], letter["deaths"],
                           letter["reason"], letter["state"]) for letter in found],
                         [(1, "f", "f.in", 50, 3, "signal 11 (SIGSEGV)", "file"),
                          (2, "f", "f.in", 100, 3, "signal 11 (SIGSEGV)", "file")])
        self.assertEqual(sorted(letter["file"] for letter in found), sorted(os.listdir(folder)))
        self.assertEqual(self.call(client, "show", "2").json["seq"], 100)
        self.assertEqual(self.call(client, "drop", "1").code, 0)
        self.assertEqual(os.listdir(folder), [found[1]["file"]])
        self.assertEqual([letter["id"] for letter in self.call(client, "list").documents], [2])
        for words, code in ((("show", "1"), 66), (("drop", "1"), 66), (("drop", "x"), 66), (("drop",), 2),
                            (("burn", "2"), 2)):
            self.assertEqual(self.call(client, *words).code, code, words)
        running.signal()
        self.assertEqual(running.wait(), 0)

    def test_without_a_folder_only_what_is_known_is_kept(self):
        """R-SUP-043 R-SUP-047"""
        running, client = self.start("")
        found = self.call(client, "list").documents
        self.assertEqual([(letter["seq"], letter["state"], letter["file"]) for letter in found],
                         [(50, "metadata", None), (100, "metadata", None)])
        self.assertEqual(self.call(client, "drop", "2").code, 0)
        self.assertEqual(len(self.call(client, "list").documents), 1)
        running.signal()
        self.assertEqual(running.wait(), 0)


if __name__ == "__main__":
    if not FAULTY.exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    unittest.main()
