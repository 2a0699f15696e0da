# SPDX-License-Identifier: Apache-2.0
# test: timeout=300
"""What a small frame costs in instructions and system calls stays below the committed bounds.

Each worker runs under callgrind, in a real graph with a real broker. Counted is the difference
between two runs that differ in their number of frames: start and end cancel out.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import own_runtime  # noqa: F401

BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])
BOUNDS = json.loads((pathlib.Path(__file__).parent / "bounds.json").read_text())
PROGRAMS = {"source": "bench-source", "pass": "bench-pass", "sink": "bench-sink"}
FEW, MANY = 20000, 120000

GRAPH = """version: 1
name: bench-counts
nodes:
  source: {{exec: [{0}/source], config: {{count: {1}}}, sandbox: trusted, timeouts: {{start: 60s}}}}
  pass: {{exec: [{0}/pass], sandbox: trusted, timeouts: {{start: 60s}}}}
  sink: {{exec: [{0}/sink], sandbox: trusted, timeouts: {{start: 60s}}}}
links:
  - {{from: source.data, to: pass.data, depth: 4096}}
  - {{from: pass.data, to: sink.data, depth: 4096}}
"""

# A descriptor has to be there within two seconds, which callgrind may not manage.
WRAPPER = """#!/bin/sh
if [ $# -gt 0 ]; then exec {program} "$@"; fi
exec {valgrind} --quiet --tool=callgrind --callgrind-out-file={folder}/{name}.out {program}
"""


def count_instructions(valgrind, frames):
    """Instructions of each worker in one run of the graph."""
    with tempfile.TemporaryDirectory(prefix="bench-counts-") as folder:
        for name, program in PROGRAMS.items():
            wrapper = pathlib.Path(folder, name)
            wrapper.write_text(WRAPPER.format(program=BUILD / "libexec/streambroker" / program,
                                              valgrind=valgrind, folder=folder, name=name))
            wrapper.chmod(0o755)
        graph = pathlib.Path(folder, "counts.yaml")
        graph.write_text(GRAPH.format(folder, frames))
        done = subprocess.run([BUILD / "bin/streambroker", graph], capture_output=True, text=True,
                              timeout=240, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return {name: total_of(pathlib.Path(folder, f"{name}.out")) for name in PROGRAMS}


def total_of(path):
    return int(re.search(r"^(?:totals|summary): (\d+)", path.read_text(), re.M).group(1))


class Counts(unittest.TestCase):
    def test_a_small_frame_costs_few_instructions(self):
        valgrind = shutil.which("valgrind")
        few = count_instructions(valgrind, FEW)
        many = count_instructions(valgrind, MANY)
        for name, bound in BOUNDS["instructions"].items():
            with self.subTest(worker=name):
                per_frame = (many[name] - few[name]) / (MANY - FEW)
                print(f"{name}: {per_frame:.1f} instructions per frame, at most {bound}")
                self.assertLessEqual(per_frame, bound)

    def test_a_reader_that_is_awake_makes_few_system_calls(self):
        done = subprocess.run([BUILD / "bin/streambench", "syscalls", "--json", "--rounds", "1",
                               "--frames", "5000000"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        figures = report["figures"]
        if "missing" in figures["syscalls.awake.per_frame"]:
            self.skipTest(figures["syscalls.awake.per_frame"]["missing"])
        calls = figures["syscalls.awake.per_frame"]["median"]
        print(f"{calls:.5f} system calls per frame, at most {BOUNDS['syscalls_per_frame']}")
        self.assertLess(calls, BOUNDS["syscalls_per_frame"])


if __name__ == "__main__":
    if not shutil.which("valgrind") or not shutil.which("strace"):
        print("skipped: valgrind and strace are needed")
        sys.exit(77)
    if os.environ.get("SB_SANITIZE"):
        print("skipped: a sanitizer counts as well")
        sys.exit(77)
    unittest.main()
