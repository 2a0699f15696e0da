# SPDX-License-Identifier: Apache-2.0
# test: timeout=120 lock=gpu
"""A driver that says its device is lost: the worker ends with 75, and no frame is lost or half drawn."""
import json
import os
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graphs import BUILD, Graph

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
