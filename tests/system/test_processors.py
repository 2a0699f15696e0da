# SPDX-License-Identifier: Apache-2.0
# test: tiers timeout=120
"""Stock processors in graphs of their own; what they make is computed again here.

R-PROC-019: in both tiers, untrusted with the grants that the graph names and no other.
"""
import array
import json
import math
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest
import wave

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
import graph_run  # noqa: E402
import graphs  # noqa: E402
from waiting import wait_until  # noqa: E402

PROCESSORS = sorted(path for path in (graph_run.BUILD / "libexec/streambroker").glob("*") if path.is_file())
NO_DEVICE = re.compile("there is no GPU|there is no Vulkan driver|no screen for Vulkan")
CONTINUOUS = {"run": {"mode": "continuous"}}


def write_wav(path, rate, channels, samples):
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(array.array("h", samples).tobytes())


def read_wav(path):
    with wave.open(str(path)) as file:
        return file.getframerate(), list(array.array("h", file.readframes(file.getnframes())))


def tone(frequency, rate, seconds, level=10000):
    return [round(level * math.sin(2 * math.pi * frequency * i / rate))
            for i in range(int(rate * seconds))]


class Case(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)

    def run_graph(self, nodes, links, status=0, **keys):
        if status != 0:
            # A node that is meant to fail does so once, and is not started again for some seconds.
            nodes = {name: (*node, *[{}] * (2 - len(node)), {"restart": {"when": "never"}}) if len(node) < 3
                     else (*node[:2], {"restart": {"when": "never"}, **node[2]}) for name, node in nodes.items()}
        run = graph_run.run_graph(self.folder, nodes, links, **keys)
        self.assertEqual(run.status, status, run.log)
        return run

    def write(self, name, content):
        (self.folder / name).write_bytes(content)

    def read(self, name):
        return (self.folder / name).read_bytes()

    def through(self, processor, config, source, sink, port, status=0):
        """file-source -> processor -> file-sink; what the sink wrote."""
        self.run_graph({"a": ("file-source", source), "b": (processor, config),
                        "c": ("file-sink", sink)},
                       [f"a.out -> b.{port}", f"b.{port if port != 'in' else 'out'} -> c.in"], status)
        return self.read(sink["path"])

    def gray(self, name, width, height, frames=1):
        """A source of raw gray video and its bytes."""
        content = bytes((i * i // 7 + i) % 256 for i in range(width * height * frames))
        self.write(name, content)
        return {"path": name, "format": "raw", "width": width, "height": height,
                "pixel": "gray8"}, content


class Descriptors(unittest.TestCase):
    def test_r_neg_017_ports_are_named_after_their_type(self):
        """R-NEG-017"""
        for program in PROCESSORS:
            described = subprocess.run([str(program), "--describe"], capture_output=True, check=True,
                                       timeout=20).stdout
            about = json.loads(described)
            self.assertEqual(about["name"], program.name)
            for direction, any_name in (("inputs", "in"), ("outputs", "out")):
                for port in about[direction]:
                    wanted = any_name if port["type"] == "any" else port["type"]
                    self.assertEqual(port["name"], wanted, program.name)

    def test_every_processor_describes_itself_in_the_tier_of_its_node(self):
        """R-PROC-019"""
        tier = os.environ.get("SB_TIER", "trusted")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "graph.yaml"
            # A few at a time: of many errors only the first ones are said.
            for first in range(0, len(PROCESSORS), 4):
                nodes = {program.name: {"exec": [program.name], "sandbox": tier, "optional": True}
                         for program in PROCESSORS[first:first + 4]}
                path.write_text(json.dumps({"version": 1, "nodes": nodes}))
                done = subprocess.run([str(graph_run.BROKER), "--check", str(path)], capture_output=True, text=True,
                                      check=False)
                self.assertIn(done.returncode, (0, 78), done.stderr)
                self.assertNotIn("cannot be used", done.stderr)
                self.assertNotIn("more; correct", done.stderr)

    def test_r_worker_017_every_processor_passes_its_selftest(self):
        """R-WORKER-017"""
        for program in PROCESSORS:
            on_gpu = program.name.startswith("gpu-") or program.name == "display"
            if on_gpu and os.environ.get("SB_SANITIZE"):
                continue  # drivers are not sanitized
            done = subprocess.run([str(program), "--selftest"], capture_output=True, text=True,
                                  timeout=20, check=False)
            needs = "has no default" in done.stdout or on_gpu and NO_DEVICE.search(done.stderr)
            self.assertEqual(done.returncode, 77 if needs else 0, done.stdout + done.stderr)


class Files(Case):
    """R-PROC-004"""

    def copy(self, name, content, config=None):
        self.write(name, content)
        out = f"out-{name}"
        self.run_graph({"a": ("file-source", {"path": name, **(config or {})}),
                        "b": ("file-sink", {"path": out})}, ["a.out -> b.in"])
        self.assertEqual(self.read(out), content)

    def test_every_kind_of_file_comes_out_as_it_went_in(self):
        frames = b"".join(b"FRAME\n" + bytes([i] * 96) for i in range(5))
        self.copy("a.y4m", b"YUV4MPEG2 W8 H8 F25:1 Ip A1:1 C420jpeg\n" + frames)
        write_wav(self.folder / "a.wav", 8000, 2, range(-3000, 3000))
        self.copy("b.wav", self.read("a.wav"), {"samples": 100})
        self.copy("a.txt", "first\n\nlast, ünïcode\n".encode())
        self.copy("a.bin", b"".join(struct.pack("<I", n) + bytes(n) for n in (0, 1, 1000)))
        self.copy("a.raw", bytes(range(256)) * 1000, {"chunk": 1000})
        self.copy("empty.txt", b"")

    def test_r_data_033_a_broken_record_is_refused_with_its_offset(self):
        """R-DATA-033"""
        broken = {
            "cut.bin": (struct.pack("<I", 10) + b"1234", "at byte 8"),
            "long.bin": (struct.pack("<I", 1 << 30) + b"1234", "longer than max_record at byte 4"),
            "prefix.bin": (struct.pack("<I", 1) + b"x\1\2", "at byte 7"),
            "cut.y4m": (b"YUV4MPEG2 W8 H8 F25:1\nFRAME\n" + bytes(10), "at byte 38"),
            "long.txt": (b"x" * 100000, "at byte 65537"),
        }
        for name, (content, where) in broken.items():
            with self.subTest(name=name):
                self.write(name, content)
                run = self.run_graph({"a": ("file-source", {"path": name}), "b": ("null-sink", {})},
                                     ["a.out -> b.in"], status=1)
                self.assertIn(where, run.log)
                self.assertIn(name, run.log)

    def test_r_proc_017_a_raw_frame_of_another_size_is_refused_with_both_numbers(self):
        """R-PROC-017"""
        source, content = self.gray("a.raw", 16, 8)
        self.write("a.raw", content + b"xyz")
        run = self.run_graph({"a": ("file-source", source), "b": ("null-sink", {})},
                             ["a.out -> b.in"], status=1)
        self.assertIn("3 of 128 bytes", run.log)

    def test_a_missing_file_and_a_file_that_cannot_be_made_fail_the_start(self):
        for nodes in ({"a": ("file-source", {"path": "none.txt"}), "b": ("null-sink", {})},
                      {"a": ("test-source", {"frames": 1}), "b": ("file-sink", {"path": "no/such/x"})}):
            port = "out" if nodes["a"][0] == "file-source" else "data"
            run = self.run_graph(nodes, [f"a.{port} -> b.in"], status=1)
            self.assertIn("No such file or directory", run.log)


class Video(Case):
    def test_r_proc_001_the_pattern_carries_its_number_and_follows_its_seed(self):
        """R-PROC-001"""
        hashes = {}
        for pattern in ("smpte", "ball", "gradient", "noise"):
            config = {"pattern": pattern, "width": 320, "height": 180, "frames": 12}
            for seed in (1, 1, 2):
                run = self.run_graph(
                    {"a": ("test-pattern", {**config, "seed": seed}, CONTINUOUS),
                     "b": ("file-sink", {"path": "a.y4m"}), "c": ("check-sink", {})},
                    ["a.video -> b.in", "a.video -> c.in"])
                hashes.setdefault((pattern, seed), set()).add(run.summaries()["c"]["hash"])
            pictures = graph_run.decode_gray(self.folder / "a.y4m", 320, 180)
            numbers = [graph_run.read_number(picture, 320, 320) for picture in pictures]
            self.assertEqual(numbers, list(range(12)), pattern)
        self.assertTrue(all(len(found) == 1 for found in hashes.values()))
        self.assertNotEqual(hashes["noise", 1], hashes["noise", 2])
        self.assertEqual(len({min(hashes[pattern, 1]) for pattern, _ in hashes}), 4)

    def test_the_pattern_follows_the_graphs_clock(self):
        self.run_graph({"a": ("test-pattern", {"frames": 3, "width": 160, "height": 90}),
                        "b": ("file-sink", {"path": "a.y4m"})}, ["a.video -> b.in"],
                       clock={"fps": "30000/1001"})
        self.assertIn(b" F30000:1001 ", self.read("a.y4m").split(b"\n")[0])

    def test_r_proc_018_a_video_keeps_its_frames_and_numbers_from_file_to_file(self):
        """R-PROC-018"""
        self.run_graph({"a": ("test-pattern", {"frames": 40}, CONTINUOUS),
                        "b": ("file-sink", {"path": "a.y4m"})}, ["a.video -> b.in"])
        self.run_graph({"a": ("file-source", {"path": "a.y4m"}), "b": ("pass", {}),
                        "c": ("file-sink", {"path": "b.y4m"}),
                        "d": ("check-sink", {"expect_frames": 40, "numbers": "gapless"})},
                       ["a.out -> b.in", "b.out -> c.in", "b.out -> d.in"])
        self.assertEqual(self.read("a.y4m"), self.read("b.y4m"))

    def test_r_data_010_numbers_and_times_pass_through_what_transforms(self):
        """R-DATA-010"""
        run = self.run_graph(
            {"a": ("test-pattern", {"frames": 20}, CONTINUOUS), "b": ("blur", {}),
             "c": ("scale", {"width": 160}), "d": ("convert", {"pixel": "nv12"}),
             "e": ("delay", {"frames": 3}), "before": ("check-sink", {"numbers": "gapless"}),
             "after": ("check-sink", {"numbers": "gapless"})},
            ["a.video -> b.video", "b.video -> c.video", "c.video -> d.video", "d.video -> e.in",
             "e.out -> after.in", "a.video -> before.in"])
        before, after = run.summaries()["before"], run.summaries()["after"]
        for key in ("frames", "last_number", "first_pts_ns", "last_pts_ns"):
            self.assertEqual(before[key], after[key], key)
        self.assertGreater(after["last_pts_ns"], after["first_pts_ns"])

    def test_r_proc_005_blur_is_the_mean_of_the_window(self):
        """R-PROC-005"""
        width, height, radius = 40, 20, 3
        source, content = self.gray("a.raw", width, height)
        out = self.through("blur", {"radius": radius}, source, {"path": "b.raw"}, "video")
        self.assertEqual(len(out), len(content))
        for y in range(radius, height - radius):
            for x in range(radius, width - radius):
                window = [content[v * width + u] for v in range(y - radius, y + radius + 1)
                          for u in range(x - radius, x + radius + 1)]
                self.assertAlmostEqual(out[y * width + x], sum(window) / len(window), delta=1.5)

    def test_r_proc_006_scale_keeps_the_picture_and_changes_its_size(self):
        """R-PROC-006"""
        width, height = 32, 16
        content = bytes(8 * x for _ in range(height) for x in range(width))
        self.write("a.raw", content)
        source = {"path": "a.raw", "format": "raw", "width": width, "height": height, "pixel": "gray8"}
        out = self.through("scale", {"width": 64}, source, {"path": "b.raw"}, "video")
        self.assertEqual(len(out), 64 * 32)
        for x in range(64):
            wanted = 8 * min(max((x + 0.5) / 2 - 0.5, 0), width - 1)
            self.assertAlmostEqual(out[5 * 64 + x], wanted, delta=1)

    def test_r_proc_007_every_pixel_format_comes_back_within_3_steps(self):
        """R-PROC-007"""
        # Blocks of 4x4 pixels, because chroma is halved.
        width, height = 32, 16
        rgb = bytes(value for y in range(height) for x in range(width)
                    for value in ((x // 4 * 30) % 256, (y // 4 * 60) % 256, (x // 4 * 17 + 40) % 256))
        self.write("a.raw", rgb)
        for pixel in ("rgba", "bgra", "rgb", "bgr", "yuy2", "i420", "nv12"):
            self.run_graph(
                {"a": ("file-source", {"path": "a.raw", "format": "raw", "width": width,
                                       "height": height, "pixel": "rgb"}),
                 "b": ("convert", {"pixel": pixel}), "c": ("convert", {"pixel": "rgb"}),
                 "d": ("file-sink", {"path": "b.raw"})},
                ["a.out -> b.video", "b.video -> c.video", "c.video -> d.in"])
            out = self.read("b.raw")
            self.assertEqual(len(out), len(rgb))
            worst = max(abs(a - b) for a, b in zip(rgb, out))
            self.assertLessEqual(worst, 3 if pixel in ("yuy2", "i420", "nv12") else 0, pixel)

    def overlay(self, config, counts):
        """Flat gray pictures in rgba, one level per input, `counts` frames of each."""
        nodes = {"o": ("overlay", config), "s": ("file-sink", {"path": "out.raw"})}
        links = ["o.video -> s.in"]
        for i, count in enumerate(counts):
            frames = b"".join(bytes([50 * (i + 1) + n] * 3 + [255]) * (32 * 16) for n in range(count))
            self.write(f"{i}.raw", frames)
            nodes[f"n{i}"] = ("file-source", {"path": f"{i}.raw", "format": "raw", "width": 32,
                                              "height": 16, "pixel": "rgba"})
            links.append(f"n{i}.out -> o.video_{i}")
        self.run_graph(nodes, links)
        return self.read("out.raw")

    def pixel(self, frames, width, height, number, x, y):
        return frames[(number * width * height + y * width + x) * 4]

    def test_r_proc_008_overlay_puts_pictures_in_their_places_and_keeps_the_last_frame(self):
        """R-PROC-008"""
        out = self.overlay({"mode": "side-by-side"}, (5, 2))
        self.assertEqual(len(out), 5 * 64 * 16 * 4)
        self.assertEqual([self.pixel(out, 64, 16, n, 10, 8) for n in range(5)], [50, 51, 52, 53, 54])
        self.assertEqual([self.pixel(out, 64, 16, n, 50, 8) for n in range(5)],
                         [100, 101, 101, 101, 101])
        out = self.overlay({"mode": "grid"}, (1, 1, 1))
        self.assertEqual([self.pixel(out, 64, 32, 0, x, y)
                          for x, y in ((5, 5), (40, 5), (5, 20), (40, 20))], [50, 100, 150, 0])
        out = self.overlay({"mode": "vertical-stack"}, (1, 1))
        self.assertEqual([self.pixel(out, 32, 32, 0, 5, y) for y in (5, 20)], [50, 100])
        out = self.overlay({"mode": "pip", "size": 0.5, "corner": "top-left"}, (1, 1))
        self.assertEqual([self.pixel(out, 32, 16, 0, x, 4) for x in (4, 28)], [100, 50])

    def test_overlay_ends_with_its_first_input_when_it_is_told_so(self):
        out = self.overlay({"mode": "side-by-side", "ends_with": "first"}, (9, 3))
        self.assertEqual(len(out), 3 * 64 * 16 * 4)


class Audio(Case):
    def test_r_proc_009_gain_multiplies_and_clips(self):
        """R-PROC-009"""
        samples = [0, 1000, -1000, 20000, -20000, 32767, -32768]
        write_wav(self.folder / "a.wav", 8000, 1, samples)
        self.through("gain", {"db": 6}, {"path": "a.wav"}, {"path": "b.wav"}, "audio")
        factor = 10 ** (6 / 20)
        wanted = [min(max(round(value * factor), -32768), 32767) for value in samples]
        for value, expected in zip(read_wav(self.folder / "b.wav")[1], wanted, strict=True):
            self.assertAlmostEqual(value, expected, delta=1)

    def test_r_proc_010_mix_adds_streams_of_different_pieces_and_lengths(self):
        """R-PROC-010"""
        parts = [tone(300, 8000, 1), tone(500, 8000, 0.7, 4000), tone(900, 8000, 0.4, 3000)]
        nodes = {"m": ("mix", {}), "s": ("file-sink", {"path": "out.wav"})}
        links = ["m.audio -> s.in"]
        for i, samples in enumerate(parts):
            write_wav(self.folder / f"{i}.wav", 8000, 1, samples)
            nodes[f"n{i}"] = ("file-source", {"path": f"{i}.wav", "samples": 100 + 77 * i})
            links.append(f"n{i}.out -> m.audio_{i}")
        self.run_graph(nodes, links)
        rate, out = read_wav(self.folder / "out.wav")
        self.assertEqual((rate, len(out)), (8000, 8000))
        for i, value in enumerate(out):
            self.assertAlmostEqual(value, sum(p[i] for p in parts if i < len(p)), delta=1)

    def test_mix_refuses_streams_of_different_formats(self):
        write_wav(self.folder / "a.wav", 8000, 1, [0] * 100)
        write_wav(self.folder / "b.wav", 16000, 1, [0] * 100)
        run = self.run_graph(
            {"a": ("file-source", {"path": "a.wav"}), "b": ("file-source", {"path": "b.wav"}),
             "m": ("mix", {}), "s": ("null-sink", {})},
            ["a.out -> m.audio_0", "b.out -> m.audio_1", "m.audio -> s.in"], status=1)
        self.assertRegex(run.log, "8000.*16000|16000.*8000")

    def test_r_proc_011_resample_keeps_pitch_loudness_and_length(self):
        """R-PROC-011"""
        write_wav(self.folder / "a.wav", 48000, 1, tone(1000, 48000, 1))
        for rate in (16000, 44100, 96000):
            self.through("resample", {"rate": rate}, {"path": "a.wav"}, {"path": "b.wav"}, "audio")
            found, out = read_wav(self.folder / "b.wav")
            self.assertEqual(found, rate)
            self.assertAlmostEqual(len(out), rate, delta=2)
            middle = out[rate // 10:rate * 9 // 10]
            crossings = sum(a < 0 <= b for a, b in zip(middle, middle[1:]))
            self.assertAlmostEqual(crossings, 800, delta=1)
            wanted = tone(1000, rate, 1)[rate // 10:rate * 9 // 10]
            self.assertLess(max(abs(a - b) for a, b in zip(middle, wanted)), 100)


class TextAndData(Case):
    def test_r_proc_012_grep_passes_lines_and_replace_rewrites_them(self):
        """R-PROC-012"""
        self.write("a.txt", b"one fish\ntwo fish\nred\nBlue Fish\n")
        text = {"path": "b.txt"}
        source = {"path": "a.txt"}
        self.assertEqual(self.through("grep", {"pattern": "fish$"}, source, text, "text"),
                         b"one fish\ntwo fish\n")
        self.assertEqual(self.through("grep", {"pattern": "FISH", "ignore_case": True, "invert": True},
                                      source, text, "text"), b"red\n")
        self.assertEqual(self.through("replace", {"pattern": "(o)(n|)", "with": "<\\2\\1>"},
                                      source, text, "text"),
                         b"<no>e fish\ntw<o> fish\nred\nBlue Fish\n")

    def test_a_wrong_pattern_fails_the_start(self):
        self.write("a.txt", b"x\n")
        run = self.run_graph({"a": ("file-source", {"path": "a.txt"}), "b": ("grep", {"pattern": "(x"}),
                              "c": ("null-sink", {})}, ["a.out -> b.text", "b.text -> c.in"], status=1)
        self.assertIn("pattern", run.log)

    def test_r_proc_013_delay_gives_everything_later_in_order(self):
        """R-PROC-013"""
        for frames in (0, 1, 7, 64):
            self.run_graph({"a": ("test-source", {"frames": 200, "size": 100}),
                            "b": ("delay", {"frames": frames}),
                            "c": ("check-sink", {"expect_frames": 200, "stamp": True,
                                                 "numbers": "gapless"})},
                           ["a.data -> b.in", "b.out -> c.in"])

    def test_r_proc_014_null_sink_takes_everything(self):
        """R-PROC-014"""
        self.run_graph({"a": ("test-source", {"frames": 5000, "size": 1000}), "b": ("null-sink", {})},
                       ["a.data -> b.in"])

    def check(self, config, status, source=None, link=None):
        return self.run_graph(
            {"a": ("test-source", {"frames": 100, "size": 64, **(source or {})}),
             "b": ("check-sink", config)},
            [{"from": "a.data", "to": "b.in", **(link or {})}], status)

    def test_r_proc_015_check_sink_finds_gaps_changes_and_wrong_totals(self):
        """R-PROC-015"""
        run = self.check({"stamp": True, "expect_frames": 100}, 0)
        summary = run.summaries()["b"]
        self.assertEqual((summary["frames"], summary["bytes"], summary["missing"]), (100, 6400, 0))
        self.check({"expect_hash": summary["hash"]}, 0)
        run = self.check({"expect_hash": "0123456789abcdef"}, 1)
        self.assertIn(summary["hash"], run.log)
        self.check({"expect_frames": 99}, 1)
        run = self.check({"stamp": True}, 1, source={"stamp": False})
        self.assertIn("were changed", run.log)
        run = self.check({"work": "3ms"}, 1, link={"delivery": "latest"})
        self.assertRegex(run.log, r"after frame \d+ of the link came \d+")
        self.assertIn("125", run.log)
        run = self.check({"work": "3ms", "sequence": "increasing"}, 0, link={"delivery": "latest"})
        self.assertGreater(run.summaries()["b"]["missing"], 0)


class GStreamer(Case):
    """R-PROC-002"""

    def source(self, pipeline, status, port="video", **config):
        return self.run_graph({"a": ("gst-source", {"pipeline": pipeline, **config}),
                               "b": ("check-sink", {})}, [f"a.{port} -> b.in"], status)

    def test_frames_come_out_of_any_element_with_their_times(self):
        run = self.source("videotestsrc num-buffers=25 ! video/x-raw,width=128,height=96 "
                          "! identity name=video", 0)
        self.assertEqual(run.summaries()["b"]["frames"], 25)
        self.assertEqual(run.summaries()["b"]["bytes"] % 25, 0)
        run = self.source("audiotestsrc num-buffers=10 samplesperbuffer=10000 "
                          "! audio/x-raw,format=S16LE,channels=2 ! identity name=audio", 0, "audio")
        self.assertEqual(run.summaries()["b"]["bytes"], 10 * 10000 * 4)
        run = self.source("videotestsrc num-buffers=5 ! jpegenc name=data", 0, "data")
        self.assertEqual(run.summaries()["b"]["frames"], 5)

    def test_a_pipeline_reaches_what_its_node_is_granted_and_no_more(self):
        """R-NET-004: a file, the network, another program"""
        if os.environ.get("SB_SANITIZE"):
            self.skipTest("a sanitized processor cannot describe itself in a sandbox")
        self.write("secret.bin", bytes(4000))
        self.folder.chmod(0o755)
        secret = f"filesrc location={self.folder}/secret.bin blocksize=1000 ! image/jpeg ! identity name=data"
        for tier, status in (("trusted", 0), ({"tier": "untrusted", "read": ["secret.bin"]}, 0), ("untrusted", 1)):
            run = self.run_graph({"a": ("gst-source", {"pipeline": secret}, {"sandbox": tier}),
                                  "b": ("null-sink", {})}, ["a.data -> b.in"], status)
            self.assertEqual("secret.bin" in run.log, status == 1, run.log)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            run = self.run_graph({"a": ("gst-source", {"pipeline": f"tcpclientsrc host=127.0.0.1 port={port} ! "
                                                                   "image/jpeg ! identity name=data"},
                                   {"sandbox": "untrusted"}),
                                  "b": ("check-sink", {})}, ["a.data -> b.in"], 1)
            listener.settimeout(0.01)
            self.assertRaises(TimeoutError, listener.accept)

    def test_an_error_on_the_bus_is_an_error_of_the_node(self):
        run = self.source("filesrc location=/no/such/film ! decodebin ! videoconvert name=video", 1)
        self.assertIn("/no/such/film", run.log)
        run = self.source("videotestsrc ! identity error-after=20 name=video", 1)
        self.assertIn("error processing tick 1: video: Failed after iterations", run.log)
        run = self.source("videotestsrc ! nosuchelement name=video", 1)
        self.assertIn("nosuchelement", run.log)

    def test_r_proc_003_a_linked_port_without_its_element_fails_the_start(self):
        """R-PROC-003"""
        run = self.source("videotestsrc ! identity name=video", 1, "audio")
        self.assertIn("'audio'", run.log)
        run = self.run_graph({"a": ("test-pattern", {"frames": 3}, CONTINUOUS),
                              "b": ("gst-sink", {"pipeline": "fakesink name=audio"})},
                             ["a.video -> b.video"], 1)
        self.assertIn("'video'", run.log)

    def test_an_error_of_a_sink_is_an_error_of_the_node(self):
        run = self.run_graph({"a": ("test-pattern", {"frames": 100}, CONTINUOUS),
                              "b": ("gst-sink", {"pipeline": "filesink name=video location=/no/such/x"})},
                             ["a.video -> b.video"], 1)
        self.assertIn("/no/such/x", run.log)
        run = self.run_graph({"a": ("test-pattern", {"frames": 300}, CONTINUOUS),
                              "b": ("gst-sink", {"pipeline": "identity error-after=5 name=video "
                                                             "! fakesink"})},
                             ["a.video -> b.video"], 1)
        self.assertIn("error", run.log)

    def test_files_are_whole_when_the_graph_is_stopped(self):
        graph = {"version": 1, "nodes": {
            "a": {"exec": ["test-pattern"], "config": {"width": 320, "height": 180}},
            "b": {"exec": ["gst-sink"], "config": {"path": "a.webm", "pipeline":
                  "vp8enc name=video deadline=1 cpu-used=8 ! webmmux ! filesink location={path}"},
                  "sandbox": {"write": ["a.webm"]}},
            "c": {"exec": ["file-sink"], "config": {"path": "a.y4m"}, "sandbox": {"write": ["a.y4m"]}}},
            "links": ["a.video -> b.video", "a.video -> c.in"]}
        (self.folder / "graph.yaml").write_text(json.dumps(graph))
        y4m = self.folder / "a.y4m"
        with subprocess.Popen([str(graph_run.BROKER), str(self.folder / "graph.yaml")],
                              stderr=subprocess.PIPE, text=True) as broker:
            wait_until(lambda: y4m.exists() and y4m.stat().st_size > 500000, "some frames")
            broker.send_signal(signal.SIGINT)
            log = broker.communicate(timeout=30)[1]
        self.assertEqual(broker.returncode, 0, log)
        counts = []
        for name in ("a.webm", "a.y4m"):
            pictures = graph_run.decode_gray(self.folder / name, 320, 180)
            numbers = [graph_run.read_number(picture, 320, 320) for picture in pictures]
            self.assertEqual(numbers, list(range(len(pictures))), name)
            counts.append(len(pictures))
        self.assertEqual(counts[0], counts[1], log)

    def test_what_goes_into_a_sink_is_in_its_file(self):
        self.run_graph({"a": ("test-pattern", {"frames": 30, "width": 320, "height": 180}, CONTINUOUS),
                        "b": ("gst-sink", {"path": "a b.mkv", "pipeline":
                                           "jpegenc name=video ! matroskamux ! filesink location={path}"})},
                       ["a.video -> b.video"])
        pictures = graph_run.decode_gray(self.folder / "a b.mkv", 320, 180)
        self.assertEqual([graph_run.read_number(p, 320, 320) for p in pictures], list(range(30)))


if __name__ == "__main__":
    graphs.skip_without_walls()
    unittest.main()
