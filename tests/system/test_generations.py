# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""Formats that become known or change while a graph runs: new generations of pools and pages."""
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graph_case import GraphCase
from harness.graphs import BUILD

CHANGING = BUILD / "tests/system/changing-source"


def source(**config):
    inside = ", ".join(f"{key}: {value}" for key, value in config.items())
    return f"exec: [{CHANGING}], config: {{{inside}}}"


class Generations(GraphCase):
    def run_chain(self, frames, changes, late="false", delivery="lossless", expected=None):
        self.graph.write({"a": source(frames=frames, changes=changes, late=late), "b": "exec: [pass]",
                          "c": "exec: [check-sink]"},
                         [f"{{from: a.video, to: b.in, delivery: {delivery}}}", "b.out -> c.in"])
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        if delivery == "lossless":
            total = frames * (changes + 1) if expected is None else expected
            for link in ("a.video -> b.in", "b.out -> c.in"):
                self.assertIn(f"link {link}: published={total} released={total}\n", done.stderr)
        return done.stderr

    def test_a_change_of_format_loses_nothing(self):
        """R-NEG-010 R-DATA-009 R-DATA-030"""
        text = self.run_chain(100, 1)
        self.assertIn("a.video carries video rgba 64x16", text)
        self.assertIn("b.out carries video rgba 64x16", text)

    def test_many_changes_wait_for_each_other(self):
        """R-DATA-030 R-MEM-007"""
        self.run_chain(5, 60)

    def test_a_change_with_every_frame(self):
        """R-DATA-030"""
        self.run_chain(1, 100)

    def test_a_format_that_comes_late_begins_the_link(self):
        """R-NEG-009"""
        self.run_chain(50, 2, late="true")

    def test_an_evicting_link_changes_too(self):
        """R-DATA-007"""
        text = self.run_chain(500, 10, delivery="latest")
        line = [line for line in text.splitlines() if "link a.video -> b.in: published" in line][0]
        counts = dict(word.split("=") for word in line.split() if "=" in word)
        numbers = {name: int(value) for name, value in counts.items()}
        self.assertEqual(numbers.pop("published"), 5500)
        self.assertEqual(sum(numbers.values()), 5500, line)


    def test_a_change_that_does_not_fit_beside_another_link_is_told_and_waits(self):
        """R-SUP-053"""
        small = ("exec: [test-pattern], config: {width: 16, height: 16, pixel: rgba, number: false, frames: 70}, "
                 "run: {mode: tick}")
        self.graph.write({"a": source(frames=5, changes=1), "p": small, "b": "exec: [blur]", "c": "exec: [null-sink]"},
                         ["a.video -> b.video", "p.video -> b.video", "b.video -> c.in"])
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("a.video would go on with video rgba 64x16", done.stderr)
        self.assertIn("but another link into b.video carries a format that does not fit", done.stderr)
        self.assertIn("link a.video -> b.video: published=10 released=10\n", done.stderr)


if __name__ == "__main__":
    if not CHANGING.exists():
        print("skipped: the processor was not built")
        sys.exit(77)
    unittest.main()
