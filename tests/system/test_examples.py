# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""R-PROC-016: every example runs to its end, and programs that are not ours read what it wrote.

R-PROC-018: a film keeps its frames and their numbers through decoding, filters and encoding.
"""
import array
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import wave

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
import graph_run  # noqa: E402

VOICES = pathlib.Path("/usr/share/sounds/alsa")
NEEDED = ["ffmpeg", "ffprobe", "gst-launch-1.0"]
WIDTH, HEIGHT, FRAMES = 640, 360, 150


def read_wav(path):
    with wave.open(str(path)) as file:
        assert file.getsampwidth() == 2
        samples = array.array("h", file.readframes(file.getnframes()))
        return file.getframerate(), file.getnchannels(), samples


def loudness(samples):
    return math.sqrt(sum(value * value for value in samples) / len(samples))


def likeness(a, b):
    """1 when b is a multiple of a, 0 when they have nothing in common."""
    product = sum(x * y for x, y in zip(a, b))
    return product / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def at_rate(samples, from_rate, to_rate, count):
    """The samples at another rate, by straight lines: good enough to compare speech with."""
    out = []
    for i in range(count):
        place = i * from_rate / to_rate
        index = min(int(place), len(samples) - 2)
        part = min(place - index, 1)
        out.append(samples[index] * (1 - part) + samples[index + 1] * part)
    return out


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # What the examples write lies beside them, so they run in a copy.
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name) / "examples"
        shutil.copytree(graph_run.SOURCE / "examples", cls.folder,
                        ignore=shutil.ignore_patterns("out"))
        subprocess.run([str(cls.folder / "media/make")], check=True, timeout=100)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def run_example(self, name):
        run = graph_run.run_file(self.folder / f"{name}.yaml")
        self.assertEqual(run.status, 0, run.log)
        self.assertNotRegex(run.log, r"(?m)^error")
        # Also no grant is missing: here below /tmp a private /tmp would hide that.
        self.assertNotIn("warning:", run.log)
        return run

    def test_hello_is_a_pipe_of_grep_and_sed(self):
        run = self.run_example("hello")
        lines = (self.folder / "hello.txt").read_text().splitlines()
        expected = [line.replace("streams", "*streams*").replace("Streams", "*Streams*")
                    if "streams" in line.lower() else line.replace("stream", "*stream*")
                    for line in lines if "stream" in line.lower()]
        self.assertEqual((self.folder / "out/hello.txt").read_text().splitlines(), expected)
        self.assertGreater(len(expected), 2)
        for line in expected:
            self.assertIn(line, run.log)

    @unittest.skipIf(os.environ.get("SB_SANITIZE"), "Python cannot load a library with a sanitizer")
    def test_a_script_in_python_counts_words(self):
        if os.environ.get("SB_SANITIZE"):
            self.skipTest("Python cannot load a library with a sanitizer")
        run = self.run_example("python")
        lines = (self.folder / "hello.txt").read_text().splitlines()
        expected = [f"{len(line.split()):3} {line}" for line in lines if len(line.split()) >= 10]
        self.assertEqual((self.folder / "out/python.txt").read_text().splitlines(), expected)
        self.assertGreater(len(expected), 1)
        self.assertRegex(run.log, rf"{len(' '.join(lines).split())} words, counted by Python 3")

    def test_every_frame_of_the_film_arrives_with_its_number_and_its_sound(self):
        run = self.run_example("video")
        film = self.folder / "out/video.webm"
        self.assertIn(f"wrote {film}", run.log)
        pictures = graph_run.decode_gray(film, WIDTH, HEIGHT)
        numbers = [graph_run.read_number(picture, WIDTH, WIDTH) for picture in pictures]
        self.assertEqual(numbers, list(range(FRAMES)))
        # The pattern in the corner: 30 % of the width, a margin of a fortieth.
        small = [graph_run.read_number(picture, WIDTH, 192, left=640 - 16 - 192, top=360 - 16 - 108)
                 for picture in pictures]
        self.assertEqual(small, list(range(FRAMES)))
        self.check_times(film)
        self.check_sound(film)

    def check_times(self, film):
        done = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries",
                               "packet=pts_time", "-of", "json", str(film)], capture_output=True,
                              check=True, text=True, timeout=50)
        times = sorted(float(packet["pts_time"]) for packet in json.loads(done.stdout)["packets"])
        self.assertEqual(len(times), FRAMES)
        for number, time in enumerate(times):
            self.assertAlmostEqual(time, number / 30, delta=0.003)

    def check_sound(self, film):
        sounds = {}
        for name, path in (("before", self.folder / "media/numbers.webm"), ("after", film)):
            out = self.folder / f"{name}.wav"
            subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-ac", "1", "-ar", "16000",
                            "-c:a", "pcm_s16le", "-y", str(out)], check=True, timeout=50)
            sounds[name] = read_wav(out)[2]
        self.assertAlmostEqual(len(sounds["after"]) / 16000, 5, delta=0.05)
        self.assertGreater(loudness(sounds["after"]), 100)
        self.assertGreater(likeness(sounds["before"], sounds["after"]), 0.95)

    def test_the_picture_is_the_frame_that_was_asked_for(self):
        self.run_example("video")
        pictures = graph_run.decode_gray(self.folder / "out/video.png", WIDTH, HEIGHT)
        self.assertEqual(len(pictures), 1)
        self.assertEqual(graph_run.read_number(pictures[0], WIDTH, WIDTH), 75)

    def test_formats_that_do_not_meet_are_converted(self):
        run = self.run_example("formats")
        self.assertIn("inserted 'convert' and 'scale' into bars.video -> soft.video", run.log)
        header = (self.folder / "out/formats.png").read_bytes()[:24]
        self.assertEqual(header[:8], b"\x89PNG\r\n\x1a\n")

    def run_on_gpu(self, name):
        if not (graph_run.BUILD / "libexec/streambroker/gpu-blur").exists():
            self.skipTest("built without Vulkan")
        if os.environ.get("SB_SANITIZE") or not any(pathlib.Path("/usr/share/vulkan/icd.d").glob("*.json")):
            self.skipTest("there is no Vulkan driver")
        return self.run_example(name)

    def test_a_picture_is_drawn_and_blurred_on_a_gpu(self):
        """R-GPU-005"""
        run = self.run_on_gpu("gpu")
        self.assertEqual(run.log.count(" 0 host copies,"), 3, run.log)
        pictures = graph_run.decode_gray(self.folder / "out/gpu.png", WIDTH, HEIGHT)
        self.assertEqual(len(pictures), 1)

    def test_the_validation_layer_has_nothing_to_say_about_the_examples(self):
        """R-GPU-015"""
        if not pathlib.Path("/usr/share/vulkan/explicit_layer.d").exists():
            self.skipTest("there is no validation layer")
        for name in ("gpu", "mixed"):
            text = (self.folder / f"{name}.yaml").read_text()
            text, count = re.subn(r"(exec: \[gpu-\w+\]\n    config: \{)", r"\1validation: true, ", text)
            self.assertGreater(count, 0)
            (self.folder / f"{name}-validated.yaml").write_text(text)
            self.assertNotIn("gpu: ", self.run_on_gpu(f"{name}-validated").log)

    def test_a_film_is_blurred_on_a_gpu_between_two_steps_on_the_cpu(self):
        """R-GPU-010"""
        run = self.run_on_gpu("mixed")
        for node in ("soft-gpu-upload", "soft", "file-gpu-download"):
            self.assertIn(f"[{node}] {FRAMES} batches, 2 mappings shown, 0 host copies", run.log)
        pictures = graph_run.decode_gray(self.folder / "out/mixed.webm", WIDTH, HEIGHT)
        numbers = [graph_run.read_number(picture, WIDTH, WIDTH) for picture in pictures]
        self.assertEqual(numbers, list(range(FRAMES)))

    def test_the_voices_are_mixed_and_at_the_new_rate(self):
        self.run_example("audio")
        left_rate, _, left = read_wav(VOICES / "Front_Left.wav")
        _, _, right = read_wav(VOICES / "Front_Right.wav")
        rate, channels, out = read_wav(self.folder / "out/audio.wav")
        self.assertEqual((left_rate, rate, channels), (48000, 44100, 1))
        length = max(len(left), len(right))
        self.assertAlmostEqual(len(out), length * 44100 / 48000, delta=2)
        half, less = 10 ** (-6 / 20), 10 ** (-3 / 20)
        mixed = [((left[i] * half if i < len(left) else 0) +
                  (right[i] if i < len(right) else 0)) * less for i in range(length)]
        wanted = at_rate(mixed, 48000, 44100, len(out))
        self.assertAlmostEqual(loudness(out) / loudness(wanted), 1, delta=0.03)
        self.assertGreater(likeness(wanted, out), 0.98)

    def test_four_consumers_get_what_their_delivery_promises(self):
        run = self.run_example("fan")
        summaries = run.summaries()
        self.assertEqual(set(summaries), {"every", "copy", "ordered", "newest"}, run.log)
        for name in ("every", "copy"):
            self.assertEqual(summaries[name]["frames"], 100)
            self.assertEqual(summaries[name]["missing"], 0)
        self.assertEqual(summaries["every"]["hash"], summaries["copy"]["hash"])
        for name in ("ordered", "newest"):
            self.assertTrue(summaries[name]["ok"])
            self.assertGreater(summaries[name]["missing"], 0)
            self.assertEqual(summaries[name]["frames"] + summaries[name]["missing"], 100)
            self.assertEqual(summaries[name]["last_number"], 99)
        self.assertGreater(summaries["ordered"]["frames"], summaries["newest"]["frames"])


if __name__ == "__main__":
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing or not VOICES.is_dir():
        print(f"skipped: missing {' '.join(missing) or VOICES}")
        sys.exit(77)
    unittest.main()
