# SPDX-License-Identifier: Apache-2.0
# test: timeout=240 lock=gpu
"""Frames on a GPU, from process to process: the same pixels as on the CPU, and no copy by the host."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
import graph_run  # noqa: E402

# One thread of the driver per worker: there are more workers than CPUs.
GPU = {"sandbox": {"tier": "untrusted", "devices": ["gpu"], "env": {"LP_NUM_THREADS": "1"}}}
FREE = {"sandbox": "untrusted"}
LOOP = {"run": {"mode": "continuous"}}
SIZE = {"width": 640, "height": 360, "frames": 60}
DONE = re.compile(r"\[(\w[\w-]*)\] (\d+) batches, (\d+) mappings shown, (\d+) host copies, on (.*)")


def has_driver():
    for folder in ("/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"):
        if any(pathlib.Path(folder).glob("*.json")):
            return True
    return False


class Gpu(unittest.TestCase):
    def run_graph(self, nodes, links, status=0, options=()):
        with tempfile.TemporaryDirectory() as folder:
            run = graph_run.run_graph(folder, nodes, links, options)
        self.assertEqual(run.status, status, run.log)
        return run

    def hash_of(self, nodes, links):
        run = self.run_graph({**nodes, "out": ("check-sink", {"expect_frames": 60}, FREE)}, links)
        return run, run.summaries()["out"]["hash"]

    def on_cpu(self, second, config, **pattern):
        source = ("test-pattern", {**SIZE, "number": False, **pattern}, {**FREE, **LOOP})
        return self.hash_of({"source": source, "filter": (second, config, FREE)},
                            ["source.video -> filter.video", "filter.video -> out.in"])[1]

    def on_gpu(self, second, config, every=None, **pattern):
        every = every or {}
        source = ("gpu-pattern", {**SIZE, **pattern, **every}, {**GPU, **LOOP})
        return self.hash_of({"source": source, "filter": (second, {**config, **every}, GPU)},
                            ["source.video -> filter.video", "filter.video -> out.in"])

    def done(self, run):
        """What each node said at its end: node -> (batches, mappings, copies)."""
        return {name: tuple(int(value) for value in values) for name, *values, _ in DONE.findall(run.log)}

    def test_three_sandboxed_processes_make_the_same_pixels_as_on_the_cpu(self):
        """R-GPU-005 R-GPU-007"""
        for pattern in ("noise", "gradient"):
            run, found = self.on_gpu("gpu-blur", {"radius": 4}, pattern=pattern)
            self.assertEqual(found, self.on_cpu("blur", {"radius": 4}, pattern=pattern))
            self.assertEqual(self.done(run), {"source": (60, 1, 0), "filter": (60, 2, 0)})

    def test_pixel_formats_are_converted_as_on_the_cpu(self):
        """R-GPU-007"""
        for pixel in ("nv12", "i420"):
            run, found = self.on_gpu("gpu-convert", {"pixel": pixel}, pattern="ball")
            self.assertEqual(found, self.on_cpu("convert", {"pixel": pixel}, pattern="ball"))
            self.assertEqual(self.done(run)["filter"], (60, 2, 0))

    def test_what_cannot_be_shown_is_copied_and_each_copy_is_counted(self):
        """R-GPU-006"""
        run, found = self.on_gpu("gpu-blur", {"radius": 4}, {"copy": True}, pattern="noise")
        self.assertEqual(found, self.on_cpu("blur", {"radius": 4}, pattern="noise"))
        self.assertEqual(self.done(run), {"source": (60, 0, 60), "filter": (60, 0, 120)})

    def test_a_small_frame_that_lies_in_no_pool_is_copied(self):
        """R-GPU-006"""
        small = {"pattern": "noise", "width": 4, "height": 4}
        run, found = self.on_gpu("gpu-blur", {"radius": 1}, **small)
        self.assertEqual(found, self.on_cpu("blur", {"radius": 1}, **small))
        self.assertEqual(self.done(run)["filter"], (60, 1, 60))

    def test_the_validation_layer_has_nothing_to_say(self):
        """R-GPU-015"""
        if not pathlib.Path("/usr/share/vulkan/explicit_layer.d").exists():
            self.skipTest("there is no validation layer")
        run, _ = self.on_gpu("gpu-blur", {"radius": 1}, {"validation": True}, pattern="smpte")
        self.assertNotIn("gpu: ", run.log)
        self.assertEqual(self.done(run)["filter"], (60, 2, 0))

    def test_the_validation_layer_has_nothing_to_say_about_any_processor(self):
        """R-GPU-015"""
        if not pathlib.Path("/usr/share/vulkan/explicit_layer.d").exists():
            self.skipTest("there is no validation layer")
        seen = {"validation": True}
        small = {"width": 64, "height": 36, "frames": 20, **seen}
        film = {"width": 64, "height": 36, "frames": 20, "number": False}
        nodes = {"film": ("test-pattern", film, {**FREE, **LOOP})}
        for tier in ("untrusted", "trusted"):
            where = {"sandbox": {**GPU["sandbox"], "tier": tier}}
            if tier == "trusted":
                where["sandbox"] = {"tier": tier, "env": GPU["sandbox"]["env"]}
            nodes.update({
                "up": ("gpu-upload", seen, where), "box": ("gpu-blur", {"radius": 2, **seen}, where),
                "gauss": ("gpu-blur", {"radius": 2, "shape": "gauss", **seen}, where),
                "nv12": ("gpu-convert", {"pixel": "nv12", **seen}, where),
                "soft": ("gpu-blur", {"radius": 1, **seen}, where),
                "rgba": ("gpu-convert", {"pixel": "rgba", **seen}, where),
                "ball": ("gpu-pattern", {"pattern": "ball", **small}, {**where, **LOOP}),
                "both": ("gpu-overlay", {"opacity": 0.5, **seen}, where), "down": ("gpu-download", seen, where),
                "out": ("check-sink", {"expect_frames": 20}, FREE)})
            chain = ["film", "up", "box", "gauss", "nv12", "soft", "rgba"]
            run = self.run_graph(nodes, [f"{a}.video -> {b}.video" for a, b in zip(chain, chain[1:])] + [
                "rgba.video -> both.video_0", "ball.video -> both.video_1", "both.video -> down.video",
                "down.video -> out.in"])
            self.assertNotIn("gpu: ", run.log)
            self.assertEqual(len(self.done(run)), 9, run.log)

    def test_a_gaussian_is_the_same_in_every_run(self):
        """R-GPU-042"""
        runs = {self.on_gpu("gpu-blur", {"radius": 4, "shape": "gauss"}, pattern="noise")[1] for _ in range(2)}
        self.assertEqual(len(runs), 1)
        self.assertNotEqual(runs, {self.on_gpu("gpu-blur", {"radius": 4}, pattern="noise")[1]})

    def test_one_video_is_put_over_another(self):
        """R-GPU-008"""
        for copies in (False, True):
            ground = ("gpu-pattern", {**SIZE, "pattern": "gradient", "copy": copies}, {**GPU, **LOOP})
            over = ("gpu-pattern", {"width": 64, "height": 48, "frames": 10, "pattern": "ball"}, {**GPU, **LOOP})
            both = ("gpu-overlay", {"x": 600, "y": 340, "opacity": 0.5, "copy": copies}, GPU)
            run, found = self.hash_of({"ground": ground, "over": over, "both": both},
                                      ["ground.video -> both.video_0", "over.video -> both.video_1",
                                       "both.video -> out.in"])
            hashes = {found} if not copies else hashes | {found}
            self.assertEqual(self.done(run)["both"][2], 180 if copies else 0)
        self.assertEqual(len(hashes), 1)

    def test_transfers_are_put_in_where_a_cpu_and_a_gpu_meet_and_change_nothing(self):
        """R-NEG-012 R-GPU-009 R-GPU-010"""
        nodes = {"source": ("test-pattern", {**SIZE, "number": False, "pattern": "noise"}, {**FREE, **LOOP}),
                 "soft": ("gpu-blur", {"radius": 0}, GPU), "back": ("pass", {}, FREE),
                 "direct": ("check-sink", {"expect_frames": 60}, FREE)}
        run, found = self.hash_of(nodes, ["source.video -> soft.video", "soft.video -> back.in",
                                          "back.out -> out.in", "source.video -> direct.in"])
        done = self.done(run)
        self.assertEqual(set(done), {"soft", "soft-gpu-upload", "back-gpu-download"})
        self.assertTrue(all(copies == 0 for _, _, copies in done.values()), done)
        out, direct = run.summaries()["out"], run.summaries()["direct"]
        for key in ("hash", "frames", "bytes", "last_number", "first_pts_ns", "last_pts_ns"):
            self.assertEqual(out[key], direct[key], key)
        self.assertEqual(found, direct["hash"])

    def test_two_inputs_of_one_node_get_two_transfers_with_ids_of_their_own(self):
        """R-GPU-045"""
        source = ("test-pattern", {**SIZE, "number": False}, {**FREE, **LOOP})
        nodes = {"a": source, "b": source, "both": ("gpu-overlay", {"opacity": 0.5}, GPU)}
        run, _ = self.hash_of(nodes, ["a.video -> both.video_0", "b.video -> both.video_1", "both.video -> out.in"])
        uploads = {name for name in self.done(run) if "gpu-upload" in name}
        self.assertEqual(len(uploads), 2, uploads)
        for name in uploads:
            self.assertEqual(self.done(run)[name][0], 60)

    def test_three_readers_see_the_same_frames_each_at_its_own_pace(self):
        """R-GPU-046 R-GPU-047"""
        source = ("gpu-pattern", {**SIZE, "pattern": "noise"}, {**GPU, **LOOP})
        # The slow one blurs far; the one that takes the newest only is slow as well, and nobody waits for it.
        nodes = {"source": source, "fast": ("gpu-blur", {"radius": 0}, GPU), "slow": ("gpu-blur", {"radius": 9}, GPU),
                 "newest": ("gpu-blur", {"radius": 60}, GPU), "one": ("check-sink", {"expect_frames": 60}, FREE),
                 "two": ("check-sink", {"expect_frames": 60}, FREE),
                 "three": ("check-sink", {"numbers": "increasing"}, FREE)}
        links = ["source.video -> fast.video", "source.video -> slow.video",
                 {"from": "source.video", "to": "newest.video", "delivery": "latest"},
                 "fast.video -> one.in", "slow.video -> two.in", "newest.video -> three.in"]
        run = self.run_graph(nodes, links, options=["-v"])
        sinks = run.summaries()
        alone = self.on_gpu("gpu-blur", {"radius": 0}, pattern="noise")[1]
        self.assertEqual(sinks["one"]["hash"], alone)
        self.assertEqual(sinks["two"]["hash"], self.on_gpu("gpu-blur", {"radius": 9}, pattern="noise")[1])
        self.assertLess(sinks["three"]["frames"], 60)
        missed = re.search(r"source.video -> newest.video: published=60 released=(\d+).*evicted=(\d+)", run.log)
        self.assertEqual(int(missed[1]) + int(missed[2]), 60, run.log)

    def check(self, nodes, links, *options):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "g.yaml"
            path.write_text(json.dumps({"version": 1, "nodes": nodes, "links": links}))
            return subprocess.run([graph_run.BUILD / "bin/streamctl", "check", *options, path], capture_output=True,
                                  text=True, check=False, timeout=50)

    def test_a_link_that_forbids_the_transfer_is_an_error_of_its_own(self):
        """R-GPU-011"""
        nodes = {"a": {"exec": ["test-pattern"]}, "b": {"exec": ["gpu-blur"], **GPU}, "c": {"exec": ["pass"]},
                 "d": {"exec": ["null-sink"]}}
        done = self.check(nodes, [{"from": "a.video", "to": "b.video", "auto_transfer": False},
                                  {"from": "b.video", "to": "c.in", "auto_transfer": False}, "c.out -> d.in"])
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("a.video gives frames on the CPU, b.video takes frames on a GPU; auto_transfer is false: leave "
                      "it out and 'gpu-upload' is inserted", done.stderr)
        self.assertIn("b.video gives frames on a GPU, c.in takes frames on the CPU; auto_transfer is false: leave it "
                      "out and 'gpu-download' is inserted", done.stderr)

    def test_the_graph_says_where_frames_are_and_why(self):
        """R-GPU-013 R-GPU-010"""
        nodes = {"a": {"exec": ["test-pattern"]}, "b": {"exec": ["gpu-blur"], **GPU}, "c": {"exec": ["null-sink"]}}
        done = self.check(nodes, ["a.video -> b.video", "b.video -> c.in"], "--print", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        links = {link["from"]: link for link in json.loads(done.stdout)["links"]}
        self.assertEqual(set(links), {"a.video", "b-gpu-upload.video", "b.video"})
        first, second, third = (links[name]["residency"] for name in ("a.video", "b-gpu-upload.video", "b.video"))
        self.assertEqual((first["memory"], first["pool"]), ("cpu", None))
        self.assertEqual(first["reason"], "a.video works on the CPU")
        self.assertEqual((second["memory"], second["pool"]), ("gpu", None))
        self.assertEqual(third["memory"], "gpu")
        self.assertIn("both work on a GPU", third["reason"])
        off = self.check({**nodes, "c": {"exec": ["null-sink"], "gpu": "off"}},
                         ["a.video -> b.video", "b.video -> c.in"], "--print", "json")
        links = {link["from"]: link for link in json.loads(off.stdout)["links"]}
        self.assertIn("c-gpu-download.video", links)
        self.assertEqual(links["c-gpu-download.video"]["residency"]["reason"],
                         "c-gpu-download.video works on the CPU")

    def test_a_node_that_works_on_a_gpu_needs_it_granted_and_not_forbidden(self):
        """R-GPU-012 R-GPU-014"""
        done = self.check({"a": {"exec": ["gpu-pattern"]}, "b": {"exec": ["null-sink"]}}, ["a.video -> b.in"])
        self.assertEqual(done.returncode, 78)
        self.assertIn("node 'a' works on a GPU, which its sandbox does not show; add sandbox: {devices: [gpu]}",
                      done.stderr)
        done = self.check({"a": {"exec": ["gpu-pattern"], "gpu": "off", **GPU}, "b": {"exec": ["null-sink"]}},
                          ["a.video -> b.in"])
        self.assertEqual(done.returncode, 78)
        self.assertIn("node 'a' has gpu: off, but 'gpu-pattern' works on a GPU only", done.stderr)

    def test_a_device_that_is_not_there_ends_the_graph_with_the_reason(self):
        """R-GPU-004"""
        source = {**SIZE, "device": "00" * 16}
        run = self.run_graph({"a": ("gpu-pattern", source, {**GPU, **LOOP}), "b": ("null-sink", {}, FREE)},
                             ["a.video -> b.in"], 1)
        self.assertIn("there is no GPU of that UUID", run.log)
        run = self.run_graph({"a": ("gpu-pattern", {**SIZE, "device": "7"}, {**GPU, **LOOP}),
                              "b": ("null-sink", {}, FREE)}, ["a.video -> b.in"], 1)
        self.assertIn("'7' is not a UUID of 32 hexadecimal digits", run.log)

    def test_hardware_that_is_required_is_not_replaced_by_the_cpu(self):
        """R-GPU-004 R-GPU-012"""
        probe, _ = self.on_gpu("gpu-blur", {}, pattern="smpte")
        if "llvmpipe" not in probe.log:
            self.skipTest("this machine has hardware")
        for tier in ("untrusted", "trusted"):
            grants = {"tier": tier, "devices": ["gpu"]} if tier == "untrusted" else tier
            run = self.run_graph({"a": ("gpu-pattern", SIZE, {**LOOP, "sandbox": grants, "gpu": "require"}),
                                  "b": ("null-sink", {}, FREE)}, ["a.video -> b.in"], 1)
            self.assertIn("there is no GPU, only a driver that computes on the CPU", run.log)


if __name__ == "__main__":
    if not (graph_run.BUILD / "libexec/streambroker/gpu-blur").exists():
        print("skipped: built without Vulkan")
        sys.exit(77)
    if os.environ.get("SB_SANITIZE"):
        print("skipped: sanitized workers cannot run in a sandbox, and drivers are not sanitized")
        sys.exit(77)
    if not has_driver():
        print("skipped: there is no Vulkan driver")
        sys.exit(77)
    unittest.main()
