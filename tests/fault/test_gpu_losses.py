# SPDX-License-Identifier: Apache-2.0
# test: timeout=120 lock=gpu
"""A driver that says its device is lost: the worker ends with 75, and no frame is lost or half drawn."""
import json
import os
import pathlib
import re
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests" / "harness"))
from graphs import BUILD, Graph
from live_graph import LiveGraph
from waiting import wait_until

LAYER = "VK_LAYER_STREAMBROKER_lossy"
MANIFEST = {"file_format_version": "1.0.0",
            "layer": {"name": LAYER, "type": "GLOBAL", "library_path": str(BUILD / "tests/fault/lossy_layer.so"),
                      "api_version": "1.1.0", "implementation_version": "1", "description": "Loses the device."}}
FRAMES = 150
CHECK = "exec: [check-sink], config: {numbers: gapless, latency: false, expect_frames: %d}" % FRAMES
SOURCE = f"exec: [test-pattern], config: {{width: 320, height: 180, pattern: noise, number: false, frames: {FRAMES}}}"


class GpuLosses(unittest.TestCase):
    def setUp(self):
        self.graph = Graph()
        self.addCleanup(self.graph.close)
        self.graph.file("lossy.json", json.dumps(MANIFEST))
        self.file = self.graph.folder / "lose"

    def on_gpu(self, program, config, is_lossy=False):
        variables = {"LP_NUM_THREADS": "1"}
        if is_lossy:
            variables.update(VK_LAYER_PATH=str(self.graph.folder), VK_INSTANCE_LAYERS=LAYER, LOSSY_FILE=str(self.file))
        return (f"exec: [{program}], config: {config}, restart: {{max: 1, delay: 10ms}}, "
                f"sandbox: {{tier: trusted, env: {json.dumps(variables)}}}")

    def start(self):
        self.graph.write({"source": SOURCE, "up": self.on_gpu("gpu-upload", "{}"),
                          "blur": self.on_gpu("gpu-blur", "{radius: 0}", True), "before": CHECK, "behind": CHECK},
                         ["source.video -> up.video", "up.video -> blur.video", "blur.video -> behind.in",
                          "source.video -> before.in"], "clock: {fps: 60}")
        running = self.graph.start("-v")
        self.addCleanup(running.close)
        running.expect("the graph runs")
        return running

    def lose(self, running):
        """The next work of the device is lost; returns what the broker says of it."""
        self.file.touch()
        line = running.expect("lost its device: ")
        self.assertFalse(self.file.exists())
        return line

    def end(self, running):
        self.assertEqual(running.wait(), 0, running.text())
        sinks = {found["node"]: found for found in map(json.loads, re.findall(r"stdout: (\{.*\})", running.text()))}
        for key in ("frames", "bytes", "hash", "last_number", "missing"):
            self.assertEqual(sinks["before"][key], sinks["behind"][key], key)
        return running.text()

    def test_a_driver_that_loses_its_device_costs_no_frame_and_one_life(self):
        """R-GPU-016"""
        running = self.start()
        self.assertRegex(self.lose(running),
                         r"blur\[1\]: lost its device: .+ \(its driver says so\) device=[0-9a-f]{32}")
        running.expect("blur[1]: died: its device was lost (exit code 75); it starts again")
        text = self.end(running)
        self.assertIn("blur[2]: finished", text)
        self.assertIn("up[1]: finished", text)

    def test_a_second_loss_starts_the_other_worker_on_that_device_again(self):
        """R-GPU-024"""
        running = self.start()
        self.lose(running)
        running.expect("blur[2]: ", "-> running")
        self.lose(running)
        running.expect("everything on it starts again, one after the other nodes=2")
        text = self.end(running)
        self.assertIn("up[1]: left, and starts again: its device was lost", text)
        self.assertIn("blur[3]: finished", text)
        self.assertIn("up[2]: finished", text)


class Leases(LiveGraph):
    KILLS = 25  # more than a pool has slots

    def link(self, start, end):
        return next(link for link in self.client.call("links").json if link["from"] == start and link["to"] == end)

    def node(self, name):
        return next(node for node in self.client.call("nodes").json if node["id"] == name)

    def test_a_reader_that_is_killed_gives_back_what_it_holds_and_the_others_go_on(self):
        """R-GPU-044 R-EXIT-001"""
        small = "config: {width: 64, height: 36, pattern: noise}, run: {mode: continuous}"
        again = "restart: {max: unlimited, delay: 0s}, on_crash: {poison_after: 1000}"
        nodes = {"source": f"exec: [gpu-pattern], {small}", "over": f"exec: [gpu-pattern], {small}",
                 "holder": f"exec: [gpu-overlay], {again}", "other": "exec: [gpu-blur]",
                 "one": "exec: [null-sink]", "two": "exec: [null-sink]"}
        self.start(nodes=nodes, links=["source.video -> holder.video_0", "over.video -> holder.video_1",
                                       "holder.video -> two.in", "source.video -> other.video",
                                       "other.video -> one.in"])
        for life in range(1, self.KILLS + 1):
            wait_until(lambda: self.link("over.video", "holder.video_1")["held"] > 0 and  # it keeps the last picture
                       self.node("holder")["state"] == "running", "it holds nothing")
            os.kill(self.node("holder")["pid"], signal.SIGKILL)
            wait_until(lambda: self.node("holder")["generation"] > life, "it is not started again")  # noqa: B023
        for start, end in (("source.video", "other.video"), ("source.video", "holder.video_0"),
                           ("over.video", "holder.video_1")):
            before = self.link(start, end)["released"]
            wait_until(lambda: self.link(start, end)["released"] > before + 100, f"{start} stands still")  # noqa: B023
        self.running.signal()
        self.assertEqual(self.running.wait(), 0, self.running.text()[-3000:])


if __name__ == "__main__":
    if not (BUILD / "tests/fault/lossy_layer.so").exists():
        print("skipped: built without Vulkan")
        sys.exit(77)
    if os.environ.get("SB_SANITIZE"):
        print("skipped: drivers are not sanitized")
        sys.exit(77)
    if not any(pathlib.Path("/usr/share/vulkan/icd.d").glob("*.json")):
        print("skipped: there is no Vulkan driver")
        sys.exit(77)
    unittest.main()
