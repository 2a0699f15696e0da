# SPDX-License-Identifier: Apache-2.0
"""R-GPU-003: a build without Vulkan."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.environ["SB_SOURCE_DIR"]
BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])


class WithoutGpu(unittest.TestCase):
    def test_everything_else_is_built_and_what_is_left_out_is_said(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(["cmake", "-G", "Ninja", "-S", SOURCE, "-B", folder, "-D", "SB_TESTS=OFF",
                                   "-D", "SB_GPU=OFF"], capture_output=True, text=True, check=False, timeout=50)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("GPU frames are left out", done.stdout)
            targets = subprocess.run(["ninja", "-C", folder, "-t", "targets", "all"], capture_output=True,
                                     text=True, check=True, timeout=50).stdout
        self.assertIn("libexec/streambroker/pass:", targets)
        self.assertIn("bin/streambroker:", targets)
        self.assertNotIn("gpu-blur:", targets)
        self.assertNotIn("libstreambroker-gpu", targets)

    def test_doctor_says_whether_it_was_built(self):
        with tempfile.TemporaryDirectory() as folder:
            bare = pathlib.Path(folder)
            (bare / "bin").mkdir()
            for program in ("streamctl", "streambroker"):
                shutil.copy(BUILD / "bin" / program, bare / "bin")
            (bare / "lib").symlink_to(BUILD / "lib")
            self.assertIn("what works on a GPU was not built", self.doctor(bare))
            blur = bare / "libexec/streambroker/gpu-blur"
            blur.parent.mkdir(parents=True)
            blur.touch(mode=0o755)
            self.assertNotIn("was not built", self.doctor(bare))

    def doctor(self, prefix):
        done = subprocess.run([prefix / "bin/streamctl", "doctor"], capture_output=True, text=True,
                              check=False, timeout=50)
        lines = [line for line in done.stdout.splitlines() if " vulkan " in line]
        self.assertEqual(len(lines), 1, done.stdout + done.stderr)
        return lines[0]


if __name__ == "__main__":
    if subprocess.run(["ninja", "--version"], capture_output=True, check=False).returncode != 0:
        print("skipped: no ninja")
        sys.exit(77)
    unittest.main()
