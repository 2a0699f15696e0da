# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""However it is started: closed descriptors, odd limits, blocked signals, a full disk. It works or says why."""
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graphs import LIMIT_S, Graph

SOURCE = "exec: [test-source], config: {frames: 100, rate: 1000}"


class OddStart(unittest.TestCase):
    def setUp(self):
        self.graph = Graph()
        self.addCleanup(self.graph.close)
        self.graph.write({"a": SOURCE, "b": "exec: [file-sink], config: {path: out}"}, ["a.data -> b.in"])

    def run_with(self, prepare, stderr=subprocess.PIPE):
        return subprocess.run(self.graph.command("-v"), stderr=stderr, text=True, timeout=LIMIT_S, check=False,
                              preexec_fn=prepare)

    def written(self):
        return (self.graph.folder / "out").stat().st_size

    def test_closed_standard_descriptors_are_no_matter(self):
        for closed in [(0,), (1,), (2,), (0, 1, 2)]:
            with self.subTest(closed=closed):
                done = self.run_with(lambda closed=closed: [os.close(fd) for fd in closed], stderr=None)
                self.assertEqual(done.returncode, 0)
                self.assertEqual(self.written(), 100 * 64)
                (self.graph.folder / "out").unlink()

    def test_signals_that_were_blocked_or_ignored_still_stop_it(self):
        def block():
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

        def ignore():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
                signal.signal(number, signal.SIG_IGN)

        self.graph.write({"a": "exec: [test-source], config: {rate: 1000}", "b": "exec: [null-sink]"},
                         ["a.data -> b.in"])
        for prepare in (block, ignore):
            with self.subTest(prepare=prepare.__name__):
                with subprocess.Popen(self.graph.command("-v"), stderr=subprocess.PIPE, text=True,
                                      preexec_fn=prepare) as process:
                    for line in process.stderr:
                        if "b[1]: ready -> running" in line:
                            process.send_signal(signal.SIGINT)
                    self.assertEqual(process.wait(LIMIT_S), 0)

    def test_a_limit_on_files_that_is_too_low_is_an_error_with_words(self):
        done = self.run_with(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24)))
        self.assertEqual(done.returncode, 70, done.stderr)
        self.assertIn("the limit is 24 (ulimit -n), at least 64 are needed", done.stderr)

    def test_a_limit_on_the_stack_that_is_too_low_is_an_error_with_words(self):
        """R-SUP-070"""
        done = self.run_with(lambda: resource.setrlimit(resource.RLIMIT_STACK, (128 << 10, 128 << 10)))
        self.assertEqual(done.returncode, 70, done.stderr)
        self.assertIn("128 KiB (ulimit -s)", done.stderr)

    def test_help_that_cannot_be_written_is_an_error(self):
        for option in ("--help", "--version"):
            with self.subTest(option=option), open("/dev/full", "w", encoding="utf-8") as full:
                done = subprocess.run([self.graph.command()[0], option], stdout=full, stderr=subprocess.PIPE, text=True,
                                      timeout=LIMIT_S, check=False)
                self.assertEqual(done.returncode, 70, done.stderr)
                self.assertIn("No space left", done.stderr)

    def test_a_limit_on_file_sizes_is_an_error_with_words(self):
        done = self.run_with(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("File too large", done.stderr)

    def test_a_sink_on_a_full_disk_ends_and_says_so(self):
        """R-EXIT-002"""
        for frames in (10, 10000):  # noticed at the end, and on the way
            with self.subTest(frames=frames):
                self.graph.write({"a": f"exec: [test-source], config: {{frames: {frames}, rate: 100000}}",
                                  "b": "exec: [file-sink], config: {path: /dev/full}"}, ["a.data -> b.in"])
                done = self.run_with(None)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertRegex(done.stderr, r"error b\[1\]: .*/dev/full: No space left on device")
                self.assertEqual(len(re.findall("No space left", done.stderr)), 1, "one error, and the end")

    def test_a_reader_of_the_log_that_goes_away_does_not_end_the_graph(self):
        reading, writing = os.pipe()
        os.close(reading)
        done = self.run_with(None, stderr=writing)
        os.close(writing)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.written(), 100 * 64)


if __name__ == "__main__":
    unittest.main()
