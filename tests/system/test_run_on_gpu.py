# SPDX-License-Identifier: Apache-2.0
# test: timeout=120 lock=gpu
"""R-GPU-023: the program that looks at the GPU of a machine says what it found, and gives figures."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(os.environ["SB_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])


class RunOnGpu(unittest.TestCase):
    def test_it_names_the_devices_and_compares_three_processes_with_one(self):
        done = subprocess.run([sys.executable, SOURCE / "tests/gpu/run-on-gpu", "--build", BUILD, "--no-tests",
                               "--sizes", "64x48,320x180", "--frames", "20"], capture_output=True, text=True,
                              check=False, timeout=100)
        if done.returncode == 77:
            print(done.stdout)
            self.skipTest(done.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^device: .+ \((hardware|computes on the CPU)\), uuid [0-9a-f]{32}$")
        for size in ("64x48", "320x180"):
            self.assertRegex(done.stdout, rf"(?m)^frames: {size} in one process [\d.]+/s, through three \w+ ones "
                                          r"[\d.]+/s, ratio [\d.]+ .* 0 host copies, ")

    def test_a_build_without_vulkan_is_skipped_with_the_reason(self):
        done = subprocess.run([sys.executable, SOURCE / "tests/gpu/run-on-gpu", "--build", "/nonexistent"],
                              capture_output=True, text=True, check=False, timeout=50)
        self.assertEqual(done.returncode, 77)
        self.assertTrue(re.match("skipped: built without Vulkan", done.stdout))


if __name__ == "__main__":
    if os.environ.get("SB_SANITIZE"):
        print("skipped: sanitized workers cannot run in a sandbox, and drivers are not sanitized")
        sys.exit(77)
    unittest.main()
