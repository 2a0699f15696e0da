# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""Converters that are put into links when formats turn out not to meet."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.control_client import Client, socket_of
from harness.graph_case import GraphCase
from harness.graphs import BUILD
from harness.waiting import wait_until


def pattern(pixel, width=64, height=48, frames=20):
    return (f"exec: [test-pattern], run: {{mode: continuous}}, config: {{width: {width}, height: {height}, "
            f"pixel: {pixel}, number: false, frames: {frames}}}")


class Conversion(GraphCase):
    def assert_counts(self, text, link, count):
        self.assertIn(f"link {link}: published={count} released={count}\n", text)

    def test_a_pixel_format_that_the_reader_does_not_take_is_converted(self):
        """R-NEG-011"""
        text = self.run_graph({"cam": pattern("yuy2"), "soft": "exec: [blur]", "out": "exec: [null-sink]"},
                              ["cam.video -> soft.video", "soft.video -> out.in"])
        self.assertIn("inserted 'convert' into cam.video -> soft.video", text)
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
        self.assertEqual(len(re.findall(r"inserted '", text)), 1, text)
        self.assertRegex(text, r"inserted 'scale' into [ab]\.video -> soft\.video")
        self.assert_counts(text, "soft.video -> out.in", 40)

    def test_the_chain_between_two_pictures_is_the_shortest(self):
        """R-NEG-011"""
        text = self.run_graph({"a": pattern("yuy2"), "b": pattern("rgba", 128, 96), "soft": "exec: [blur]",
                               "out": "exec: [null-sink]"},
                              ["a.video -> soft.video", "b.video -> soft.video", "soft.video -> out.in"])
        self.assertEqual(text.count("info soft-"), 1, text)
        self.assertIn("inserted 'convert' and 'scale' into a.video -> soft.video", text)
        self.assert_counts(text, "soft-scale.video -> soft.video", 20)
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

    def running(self, nodes, links):
        self.graph.write(nodes, links)
        broker = self.graph.start("-v")
        self.addCleanup(broker.close)
        wait_until(socket_of().exists, "no socket")
        client = Client(socket_of())
        self.addCleanup(client.close)
        wait_until(lambda: client.call("status").json["state"] == "running", "the graph does not run")
        return client

    def test_a_running_graph_shows_its_converters_and_saves_as_it_was_written(self):
        """R-NEG-011 R-GRAPH-022 R-GRAPH-026"""
        client = self.running({"cam": pattern("yuy2", frames=0), "soft": "exec: [blur]", "out": "exec: [null-sink]"},
                              ["{from: cam.video, to: soft.video, depth: 5}", "soft.video -> out.in"])
        shown = client.call("graph", form="json").json
        nodes = {node["id"]: node for node in shown["nodes"]}
        self.assertTrue(nodes["soft-convert"]["inserted"])
        self.assertFalse(nodes["soft"]["inserted"])
        self.assertEqual(nodes["soft-convert"]["processor"], "convert")
        self.assertEqual(nodes["soft-convert"]["state"], "running")
        links = {(link["from"], link["to"]): link for link in shown["links"]}
        self.assertEqual(links["cam.video", "soft-convert.video"]["carries"], "video yuy2 64x48 30/1")
        self.assertEqual(links["soft-convert.video", "soft.video"]["depth"], 5)
        self.assertEqual(shown["file"]["links"][0]["to"], "soft.video")
        self.assertIn("soft-convert: convert, trusted, inserted, running", client.call("graph").json["text"])
        dot = client.call("graph", form="dot").json["text"]
        self.assertIn('"cam":"o_video":e -> "soft-convert":"i_video":w', dot)
        self.assertEqual(client.call("graph", form="xml").code, 2)
        # As yaml it is the graph that was written, to the byte, and again when that is what is run.
        saved = client.call("graph", form="yaml").json["text"]
        self.assertNotIn("convert", saved)
        self.assertIn("{from: cam.video, to: soft.video, depth: 5}", saved)
        path = self.graph.file("again.yaml", saved)
        checked = subprocess.run([str(BUILD / "bin/streamctl"), "check", "--print", "yaml", str(path)],
                                 capture_output=True, text=True, check=True)
        self.assertEqual(checked.stdout, saved)

    def test_a_link_that_is_added_while_frames_run_gets_its_converter(self):
        """R-NEG-011"""
        camera = pattern("yuy2", frames=0).replace("continuous", "tick")
        client = self.running({"cam": camera, "out": "exec: [null-sink]"}, ["cam.video -> out.in"])

        def nodes():
            return {node["id"]: node for node in client.call("graph", form="json").json["nodes"]}

        def do(verb, **fields):
            answer = client.call(verb, **fields)
            self.assertEqual(answer.code, 0, answer.error)
        for node, processor in (("soft", "blur"), ("end", "null-sink")):
            do("add", node=node, exec=[processor], set=["sandbox=trusted"])
        do("connect", **{"from": "soft.video", "to": "end.in"})
        do("connect", **{"from": "cam.video", "to": "soft.video"})
        wait_until(lambda: client.call("graph", form="json").json["links"][-1]["state"] == "wired", "nothing is wired")
        self.assertTrue(nodes()["soft-convert"]["inserted"])
        wait_until(lambda: any(link["from"] == "soft.video" and link["carries"] == "video i420 64x48 30/1"
                               for link in client.call("graph", form="json").json["links"]), "no frame came through")
        pid = nodes()["soft-convert"]["pid"]
        # Another change leaves it alone, and goes without it when its link goes.
        do("set", node="soft", set=["radius=3"])
        self.assertEqual(nodes()["soft-convert"]["pid"], pid)
        do("disconnect", **{"from": "cam.video", "to": "soft.video"})
        self.assertNotIn("soft-convert", nodes())

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
