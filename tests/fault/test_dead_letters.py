# SPDX-License-Identifier: Apache-2.0
# test: timeout=60
"""Frames that were given up are listed, shown, and dropped through the control socket."""
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.control_client import Client
from harness.graph_case import GraphCase
from harness.graphs import BUILD

FAULTY = BUILD / "tests/fault/faulty"

# A sanitizer takes the signal and exits.
SEGV = "exit code 1" if os.environ.get("SB_SANITIZE") else "signal 11 (SIGSEGV)"


class DeadLetters(GraphCase):
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
                         [(1, "f", "f.in", 50, 3, SEGV, "file"),
                          (2, "f", "f.in", 100, 3, SEGV, "file")])
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

    def start_endless(self, lives, more=""):
        """A filter that the frame with the number 50 kills in its first lives, between two files."""
        self.graph.write({"a": "exec: [test-source], config: {rate: 1000, size: 500}",
                          "y": "exec: [file-sink], config: {path: before}",
                          "f": f"exec: [{FAULTY}], config: {{fault: segv, at: 50, lives: {lives}}}, "
                               "restart: {max: 5, delay: 1ms}",
                          "z": "exec: [file-sink], config: {path: behind}"},
                         ["a.data -> y.in", "a.data -> f.in", "f.out -> z.in"],
                         f"dead_letters: {{dir: letters}}\n{more}")
        path = self.graph.folder / "control.sock"
        running = self.graph.start("-v", "--socket", str(path))
        self.addCleanup(running.close)
        running.expect("f[4]: ready -> running")
        client = Client(path)
        self.addCleanup(client.close)
        return running, client

    def test_a_letter_is_sent_again_byte_for_byte_once_its_node_is_repaired(self):
        """R-SUP-048"""
        running, client = self.start_endless(3)
        answer = self.call(client, "replay", "1")
        self.assertEqual((answer.code, answer.error), (0, ""))
        self.assertEqual(self.call(client, "show", "1").json["state"], "replayed")
        self.assertEqual(client.call("status").json["nodes"], 4)
        # It can be sent as often as one likes.
        self.assertEqual(self.call(client, "replay", "1").code, 0)
        running.signal()
        self.assertEqual(running.wait(), 0, running.text())
        before, behind = ((self.graph.folder / name).read_bytes() for name in ("before", "behind"))
        frame = before[50 * 500:51 * 500]
        frames = [behind[at:at + 500] for at in range(0, len(behind), 500)]
        self.assertEqual(frames.count(frame), 2)
        self.assertEqual(len(behind), len(before) + 500)
        self.assertEqual([frame for frame in frames if frames.count(frame) == 1],
                         [frame for frame in (before[at:at + 500] for at in range(0, len(before), 500))
                          if frame != before[50 * 500:51 * 500]])
        self.assertRegex(running.text(), r"letter-1\.out -> f\.in was taken away: published=1 released=1")
        self.assertNotIn("f[5]", running.text())

    def test_a_letter_that_still_kills_is_a_letter_again_and_costs_no_restart(self):
        """R-SUP-048 R-SUP-007"""
        running, client = self.start_endless(0)
        for count in (2, 3, 4):
            answer = self.call(client, "replay", str(count - 1))
            self.assertEqual((answer.code, answer.error), (1, "it killed its reader again"))
            letters = self.call(client, "list").documents
            self.assertEqual(len(letters), count)
            self.assertEqual((letters[-1]["node"], letters[-1]["to"], letters[-1]["deaths"]), ("f", "f.in", 3))
        payloads = {path.read_bytes().split(b"\n\n", 1)[1] for path in (self.graph.folder / "letters").iterdir()}
        self.assertEqual(len(payloads), 1)
        running.signal()
        self.assertEqual(running.wait(), 0, running.text())
        self.assertNotIn("used up", running.text())

    def test_what_cannot_be_sent_is_refused_and_changes_nothing(self):
        """R-SUP-048 R-EXIT-004"""
        running, client = self.start_endless(3, "commit: manual")
        letter = self.graph.folder / "letters" / self.call(client, "show", "1").json["file"]
        self.assertEqual(self.call(client, "replay", "9").code, 66)
        whole = letter.read_bytes()
        for change, code, why in ((lambda: letter.write_bytes(whole[:-1]), 65, "the payload has 499 of 500 bytes"),
                                  (lambda: letter.write_bytes(b"no letter"), 65, "it ends before its payload"),
                                  (letter.unlink, 66, "No such file")):
            change()
            answer = self.call(client, "replay", "1")
            self.assertIn(why, answer.error)
            self.assertEqual(answer.code, code, answer.error)
            done = subprocess.run([BUILD / "bin/streamctl", "--socket", self.graph.folder / "control.sock",
                                   "dead-letters", "replay", "1"], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(client.call("status").json["nodes"], 4)
        letter.write_bytes(whole)
        self.assertEqual(self.call(client, "replay", "1").code, 0)
        running.signal()
        self.assertEqual(running.wait(), 0, running.text())


if __name__ == "__main__":
    if not FAULTY.exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    unittest.main()
