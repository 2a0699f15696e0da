# SPDX-License-Identifier: Apache-2.0
# test: timeout=180 lock=gpu
"""Frames in memory of a device, from process to process: where they lie and why, and what deaths change."""
import json
import os
import pathlib
import re
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests" / "harness"))
from graphs import BUILD
from live_graph import LiveGraph
from waiting import wait_until

ENV = 'env: {LP_NUM_THREADS: "1"}'
TRUSTED = f"sandbox: {{tier: trusted, {ENV}}}"
UNTRUSTED = f"sandbox: {{tier: untrusted, devices: [gpu], {ENV}}}"
RESTART = "restart: {max: unlimited, delay: 10ms, max_delay: 10ms}"
SIZE = "width: 320, height: 180"


def nodes_of(where, blur="", **more):
    return {"source": f"exec: [gpu-pattern], config: {{{SIZE}, pattern: noise}}, {where}, {RESTART}",
            "soft": f"exec: [gpu-blur], config: {{radius: 1}}, {where}, {RESTART}{blur}",
            "down": f"exec: [gpu-download], {where}, {RESTART}",
            "out": "exec: [check-sink], config: {latency: false}", **more}


LINKS = ["source.video -> soft.video", "soft.video -> down.video", "down.video -> out.in"]


class DevicePools(LiveGraph):
    def residency(self, start, end):
        links = self.client.call("graph", form="json").json["links"]
        return next(link["residency"] for link in links if link["from"] == start and link["to"] == end)

    def gpu_bytes(self, node):
        return next(found["gpu_bytes"] for found in self.client.call("nodes").json if found["id"] == node)

    def released(self, start):
        return next(link["released"] for link in self.client.call("links").json if link["from"] == start)

    def see_frames(self, start="down.video", count=20):
        before = self.released(start)
        wait_until(lambda: self.released(start) >= before + count, "no frames come out")

    def descriptors(self):
        """Of the broker: what it keeps of each pool goes with the pool."""
        return len(list(pathlib.Path(f"/proc/{self.running.process.pid}/fd").iterdir()))

    def node(self, name):
        return next(node for node in self.client.call("nodes").json if node["id"] == name)

    def kill(self, name):
        generation = self.node(name)["generation"]
        os.kill(self.node(name)["pid"], signal.SIGKILL)
        wait_until(lambda: self.node(name)["generation"] > generation and self.node(name)["state"] == "running",
                   f"{name} is not started again")

    def test_trusted_nodes_on_one_device_share_its_memory_and_the_graph_says_so(self):
        """R-GPU-013 R-GPU-027 R-GPU-029"""
        self.start(nodes=nodes_of(TRUSTED), links=LINKS)
        self.see_frames()
        found = self.residency("source.video", "soft.video")
        self.assertEqual((found["memory"], found["pool"]), ("gpu", "device"), found)
        self.assertIn("source.video and its readers are on ", found["reason"])
        self.assertEqual(self.residency("down.video", "out.in")["pool"], None)
        self.assertGreater(self.gpu_bytes("source"), 320 * 180 * 4)
        self.assertEqual(self.gpu_bytes("out"), 0)
        text = self.finish()
        copies = re.findall(r"(\d+) host copies", text)
        self.assertEqual(copies, ["0", "0", "0"], text[-3000:])

    def test_nodes_that_are_not_trusted_get_memory_of_the_brokers_from_a_software_driver(self):
        """R-GPU-021 R-GPU-027"""
        self.start(nodes=nodes_of(UNTRUSTED), links=LINKS)
        self.see_frames()
        found = self.residency("source.video", "soft.video")
        self.assertEqual(found["pool"], "host", found)
        self.assertIn("is not trusted, and the driver of ", found["reason"])
        self.assertEqual(self.gpu_bytes("source"), 0)
        self.finish()

    def test_memory_above_the_limit_of_a_node_is_the_brokers(self):
        """R-GPU-029"""
        self.start(nodes=nodes_of(TRUSTED, ", limits: {gpu_memory: 1MiB}"), links=LINKS)
        self.see_frames()
        self.assertEqual(self.residency("source.video", "soft.video")["pool"], "device")
        found = self.residency("soft.video", "down.video")
        self.assertEqual(found["pool"], "host", found)
        self.assertRegex(found["reason"], r"^soft needs \S+ of its device and has \S+, and its limit gpu_memory")
        self.finish()

    def test_a_reader_that_works_elsewhere_moves_frames_to_memory_that_it_can_see(self):
        """R-GPU-027"""
        self.start(nodes=nodes_of(TRUSTED, more=f"exec: [gpu-download], config: {{copy: true}}, {TRUSTED}",
                                  last="exec: [check-sink], config: {latency: false}"),
                   links=[*LINKS, "more.video -> last.in"])
        self.see_frames()
        self.assertEqual(self.residency("soft.video", "down.video")["pool"], "device")
        self.connect("soft.video", "more.video")
        self.see_frames("more.video")
        found = self.residency("soft.video", "down.video")
        self.assertEqual((found["pool"], found["reason"]), ("host", "more shares no memory of a device"))
        self.see_frames()
        self.finish()

    def test_frames_survive_the_death_of_the_process_that_made_their_memory(self):
        """R-GPU-018 R-GPU-030"""
        self.start(nodes=nodes_of(TRUSTED), links=LINKS)
        self.see_frames()
        before = self.descriptors()
        for name in ("soft", "source", "down", "soft"):
            self.see_frames()
            self.kill(name)
        self.see_frames()
        wait_until(lambda: self.descriptors() <= before, f"more descriptors than the {before} of before")
        for start, end in (("source.video", "soft.video"), ("soft.video", "down.video")):
            self.assertEqual(self.residency(start, end)["pool"], "device")
        text = self.finish()
        summaries = [json.loads(found) for found in re.findall(r"stdout: (\{.*\})", text)]
        self.assertTrue(summaries[0]["ok"], summaries)
        self.assertEqual(summaries[0]["missing"], 0)

    def test_another_program_in_its_place_makes_memory_of_its_own(self):
        """R-GPU-030 R-GPU-029"""
        self.start(nodes=nodes_of(TRUSTED), links=LINKS)
        self.see_frames()
        before = self.gpu_bytes("soft")
        for program in ("gpu-convert", "gpu-blur"):
            self.do("replace", node="soft", exec=[program], set=["config={}"])
            self.see_frames()
        self.assertEqual(self.residency("soft.video", "down.video")["pool"], "device")
        wait_until(lambda: self.gpu_bytes("soft") == before, "memory of the one before is counted for ever")
        self.finish()


if __name__ == "__main__":
    if not (BUILD / "libexec/streambroker/gpu-blur").exists():
        print("skipped: built without Vulkan")
        sys.exit(77)
    if os.environ.get("SB_SANITIZE"):
        print("skipped: sanitized workers cannot run in a sandbox, and drivers are not sanitized")
        sys.exit(77)
    if not any(pathlib.Path(folder).glob("*.json") for folder in ("/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d")):
        print("skipped: there is no Vulkan driver")
        sys.exit(77)
    unittest.main()
