# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""Converters that are put into links when formats turn out not to meet."""
import json
import os
import pathlib
import re
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graphs import Graph


def pattern(pixel, width=64, height=48, frames=20):
    return (f"exec: [test-pattern], run: {{mode: continuous}}, config: {{width: {width}, height: {height}, "
            f"pixel: {pixel}, number: false, frames: {frames}}}")


class Conversion(unittest.TestCase):
    def setUp(self):
        self.graph = Graph()
        self.addCleanup(self.graph.close)

    def run_graph(self, nodes, links, status=0):
        self.graph.write(nodes, links)
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr

    def assert_counts(self, text, link, count):
        self.assertIn(f"link {link}: published={count} released={count}\n", text)

    def test_a_pixel_format_that_the_reader_does_not_take_is_converted(self):
        """R-NEG-011"""
        text = self.run_graph({"cam": pattern("yuy2"), "soft": "exec: [blur]", "out": "exec: [null-sink]"},
                              ["cam.video -> soft.video", "soft.video -> out.in"])
        self.assertIn("'convert' was put into cam.video -> soft.video", text)
        # What keeps most of the picture.
        self.assertIn("soft-convert.video carries video i420 64x48", text)
        for link in ("cam.video -> soft-convert.video", "soft-convert.video -> soft.video", "soft.video -> out.in"):
            self.assert_counts(text, link, 20)

    def test_a_link_without_auto_transfer_is_an_error_of_its_own_with_both_lists(self):
        """R-NEG-011 R-EXIT-009"""
        text = self.run_graph({"cam": pattern("yuy2"), "soft": "exec: [blur]", "out": "exec: [null-sink]"},
                              ["{from: cam.video, to: soft.video, auto_transfer: false}", "soft.video -> out.in"], 78)
        self.assertIn("no common format: cam.video offers video yuy2 64x48 30/1; soft.video accepts video rgba, bgra",
                      text)
        self.assertIn("auto_transfer is false for cam.video -> soft.video, else 'convert' would be put into it", text)

    def test_sources_of_two_sizes_into_one_input_are_scaled_to_one(self):
        """R-NEG-011"""
        text = self.run_graph({"a": pattern("i420"), "b": pattern("i420", 128, 96), "soft": "exec: [blur]",
                               "out": "exec: [null-sink]"},
                              ["a.video -> soft.video", "b.video -> soft.video", "soft.video -> out.in"])
        self.assertEqual(len(re.findall(r"was put into", text)), 1, text)
        self.assertRegex(text, r"'scale' was put into [ab]\.video -> soft\.video")
        self.assert_counts(text, "soft.video -> out.in", 40)

    def test_two_readers_that_take_different_formats_get_their_own(self):
        """R-NEG-011 R-NEG-013"""
        text = self.run_graph({"cam": pattern("yuy2"), "x": "exec: [blur]", "y": "exec: [blur]",
                               "raw": "exec: [null-sink]", "out": "exec: [null-sink]"},
                              ["cam.video -> x.video", "cam.video -> y.video", "cam.video -> raw.in",
                               "x.video -> out.in", "y.video -> out.in"])
        self.assertIn("cam.video carries video yuy2", text)
        for link in ("cam.video -> x-convert.video", "cam.video -> y-convert.video", "cam.video -> raw.in"):
            self.assert_counts(text, link, 20)

    def test_an_id_of_the_user_is_not_taken_while_it_runs(self):
        """R-NEG-011 R-NEG-013"""
        text = self.run_graph({"cam": pattern("yuy2"), "soft": "exec: [blur]", "soft-convert": "exec: [null-sink]"},
                              ["cam.video -> soft.video", "soft.video -> soft-convert.in"])
        self.assert_counts(text, "cam.video -> soft-convert-2.video", 20)
        self.assert_counts(text, "soft.video -> soft-convert.in", 20)

    def test_the_same_graph_gets_the_same_converters_each_time(self):
        """R-NEG-011"""
        seen = set()
        for _ in range(5):
            text = self.run_graph({"a": pattern("yuy2"), "b": pattern("i420", 128, 96), "c": pattern("rgb", 32, 32),
                                   "soft": "exec: [blur]", "out": "exec: [null-sink]"},
                                  ["a.video -> soft.video", "b.video -> soft.video", "c.video -> soft.video",
                                   "soft.video -> out.in"])
            seen.add(tuple(sorted(re.findall(r"link (.* -> .*): published", text))))
        self.assertEqual(len(seen), 1, seen)

    def test_a_picture_that_was_converted_is_still_the_picture(self):
        """R-NEG-011"""
        text = self.run_graph({"cam": pattern("yuy2", 320, 240, 10).replace("number: false, ", ""),
                               "soft": "exec: [blur], config: {radius: 0}", "out": "exec: [check-sink]"},
                              ["cam.video -> soft.video", "soft.video -> out.in"])
        summary = json.loads(re.search(r"stdout: (\{.*\})", text).group(1))
        self.assertEqual(summary["frames"], 10, summary)

    def test_a_converter_that_crashes_is_started_again_like_any_node(self):
        """R-NEG-011"""
        self.graph.write({"cam": pattern("yuy2", frames=400).replace("continuous", "tick"), "soft": "exec: [blur]",
                          "out": "exec: [null-sink]"}, ["cam.video -> soft.video", "soft.video -> out.in"])
        broker = self.graph.start("-v")
        self.addCleanup(broker.close)
        pid = int(broker.expect("soft-convert[1]: process pid=").rsplit("=", 1)[1])
        broker.expect("soft-convert[1]: ready -> running")
        os.kill(pid, signal.SIGKILL)
        broker.expect("soft-convert[1]: died")
        broker.expect("soft-convert[2]: runs again")
        broker.signal()
        self.assertEqual(broker.wait(), 0, broker.text())


if __name__ == "__main__":
    unittest.main()
