# SPDX-License-Identifier: Apache-2.0
# test: serial timeout=120
"""Nodes that lie about memory of a device: the broker looks before a reader sees it, and nobody else is harmed."""
import os
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graph_case import GraphCase
from harness.graphs import BUILD

EVIL = BUILD / "tests/attack/evil-device"
FRAMES = 30
TRUSTED = "sandbox: trusted"
GRANTED = "sandbox: {tier: untrusted, devices: [gpu]}"
REFUSED = {
    "null": "is no memory", "zero": "is no memory", "folder": "cannot be read and written",
    "no-access": "cannot be read and written", "file": "is (a file, and no memory|memory that can still shrink)",
    "pipe": "cannot be read and written", "socket": "is no memory", "event": "is no memory",
    "empty": "is smaller than what was said", "short": "is smaller than what was said",
    "unsealed": "is memory that can still shrink", "read-only": "cannot be read and written",
    "unwritable": "is memory that cannot be written", "large": "is far larger than what was said",
}


def node(tier=TRUSTED, source=False, more="", **config):
    run = "run: {mode: tick, interval: 10ms}, " if source else ""
    words = ", ".join(f"{key}: \"{value}\"" for key, value in config.items())
    return f"exec: [{EVIL}], {run}config: {{{words}}}, {more}{tier}, restart: {{when: never}}"


class EvilDevices(GraphCase):
    def run_pair(self, source, reader, status=0):
        self.graph.write({"good": "exec: [test-source], config: {frames: 200, rate: 1000}",
                          "sink": "exec: [check-sink], config: {expect_frames: 200}", "a": source, "b": reader},
                         ["good.data -> sink.in", "a.video -> b.video"])
        done = self.graph.run("-v")
        text = done.stderr + done.stdout
        self.assertEqual(done.returncode, status, text)
        self.assertIn("good.data -> sink.in: published=200 released=200\n", text)
        return text

    def frames(self, text):
        found = re.search(r"b\[1\] stdout: on device: (\d+) elsewhere: (\d+) wrong: (\d+)", text)
        self.assertIsNotNone(found, text)
        return tuple(int(value) for value in found.groups())

    def test_frames_lie_in_the_memory_that_the_source_made(self):
        """R-GPU-027"""
        text = self.run_pair(node(source=True, frames=FRAMES), node())
        self.assertEqual(self.frames(text), (FRAMES, 0, 0))
        self.assertIn(f"a.video -> b.video: published={FRAMES} released={FRAMES}\n", text)

    def test_what_is_no_such_memory_ends_the_source_and_no_reader_sees_it(self):
        """R-GPU-020 R-GPU-031"""
        nodes = {"good": "exec: [test-source], config: {frames: 200, rate: 1000}",
                 "sink": "exec: [check-sink], config: {expect_frames: 200}"}
        links = ["good.data -> sink.in"]
        for handle in REFUSED:
            nodes[f"a-{handle}"] = node(source=True, handle=handle, more="optional: true, ")
            nodes[f"b-{handle}"] = node(more="optional: true, ")
            links.append(f"a-{handle}.video -> b-{handle}.video")
        self.graph.write(nodes, links)
        done = self.graph.run("-v")
        text = done.stderr + done.stdout
        for handle, fault in REFUSED.items():
            self.assertRegex(text, rf"error a-{handle}\[1\]: failed: protocol: what it called memory of its device "
                                   rf"{fault}\n", handle)
        self.assertNotIn("was shown memory", text)
        self.assertIn("good.data -> sink.in: published=200 released=200\n", text)

    def test_a_reader_that_cannot_be_shown_it_gets_every_frame_from_memory_of_the_brokers(self):
        """R-GPU-032"""
        text = self.run_pair(node(source=True, frames=FRAMES), node(refuses="true"))
        self.assertEqual(self.frames(text), (0, FRAMES, 0))
        self.assertIn("warning: a.video goes on in memory of the broker's: b refused the memory: its driver does not "
                      "want it", text)
        self.assertRegex(text, rf"a.video -> b.video: published={FRAMES} released={FRAMES}\n")

    def test_a_source_that_cannot_make_any_goes_on_in_memory_of_the_brokers(self):
        """R-GPU-032"""
        text = self.run_pair(node(source=True, handle="none", frames=FRAMES), node())
        self.assertEqual(self.frames(text), (0, FRAMES, 0))
        self.assertIn("a refused the memory: it has no memory left", text)

    def test_a_software_driver_is_never_asked_for_memory_of_a_peer_that_is_not_trusted(self):
        """R-GPU-021"""
        if os.environ.get("SB_SANITIZE"):
            self.skipTest("sanitized workers cannot run in a sandbox")
        for tiers in ((GRANTED, TRUSTED), (TRUSTED, GRANTED), (GRANTED, GRANTED)):
            text = self.run_pair(node(tiers[0], source=True, frames=FRAMES), node(tiers[1]))
            self.assertEqual(self.frames(text), (0, FRAMES, 0))
            self.assertNotIn("was shown memory", text)

    def test_memory_of_hardware_must_look_like_that_of_its_driver(self):
        """R-GPU-020"""
        for vendor, fault in ((0x10de, "is not of NVIDIA's driver"), (0x1002, "is no DMA-BUF")):
            text = self.run_pair(node(source=True, vendor=vendor, more="optional: true, "),
                                 node(vendor=vendor, more="optional: true, "))
            self.assertIn(f"failed: protocol: what it called memory of its device {fault}\n", text)
            self.assertNotIn("was shown memory", text)


if __name__ == "__main__":
    unittest.main()
