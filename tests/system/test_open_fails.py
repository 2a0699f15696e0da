# SPDX-License-Identifier: Apache-2.0
# test: timeout=240
"""Stock processors whose open() fails say why and have given back what they took until then."""
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graphs import BUILD, Graph

# Parameters with which open() fails, and what it says. Where it takes nothing before, there is nothing to show.
FAILS = {"file-source": ("path: /nowhere", "/nowhere: No such file"),
         "file-sink": ("path: /proc/none.txt", "/proc/none.txt: No such file"),
         "letter-source": ("path: /dev/null", "/dev/null: "),
         "test-pattern": ("width: 33", "both must be even"),
         "mix": ("db: 1", "no audio is linked"),
         "overlay": ("ends_with: all", "no video is linked"),
         "grep": ("pattern: '('", "pattern"),
         "replace": ("pattern: '('", "pattern"),
         "gst-source": ("pipeline: 'no-such-element ! fakesink'", "no-such-element")}
# The leak check of valgrind, except for the description, which has two seconds.
CHECKED_NAMES = ("file-source", "file-sink", "letter-source", "test-pattern", "grep")
CHECKED = '''#!/bin/sh
[ "$1" = --describe ] && exec {program} "$@"
exec valgrind -q --leak-check=full --errors-for-leak-kinds=definite {program} "$@"
'''


class OpenFails(unittest.TestCase):
    def test_what_was_taken_is_given_back(self):
        """R-WORKER-027"""
        graph = Graph()
        self.addCleanup(graph.close)
        nodes, is_sanitized = {}, bool(os.environ.get("SB_SANITIZE"))
        for name, (config, _) in FAILS.items():
            program = BUILD / "libexec/streambroker" / name
            # GStreamer keeps what it has loaded, which a leak check takes for lost.
            if not program.exists() or (is_sanitized and name.startswith("gst")):
                continue
            if not is_sanitized and shutil.which("valgrind") and name in CHECKED_NAMES:
                graph.file(f"run-{name}", CHECKED.format(program=program), 0o755)
                program = f"./run-{name}"
            nodes[name] = f"exec: [{program}], config: {{{config}}}, optional: true, timeouts: {{start: 180s}}"
        graph.write(nodes)
        done = subprocess.run(graph.command("-v"), capture_output=True, text=True, timeout=200, check=False)
        for name in nodes:
            self.assertRegex(done.stderr, rf"{name}\[1\]: failed: open: .*{FAILS[name][1]}")
            self.assertNotRegex(done.stderr, rf"{name}\[1\] stderr: .*(definitely lost|LeakSanitizer|AddressSanitizer)")


if __name__ == "__main__":
    unittest.main()
