# SPDX-License-Identifier: Apache-2.0
"""R-IOX-012: a machine without iceoryx, as CMake sees one whose package cannot be found."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.environ["SB_SOURCE_DIR"]
BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])
SAID = "iceoryx-import and iceoryx-export are left out"


def configure(folder, *options):
    done = subprocess.run(["cmake", "-G", "Ninja", "-S", SOURCE, "-B", folder, "-D", "SB_TESTS=OFF", *options],
                          capture_output=True, text=True, check=False, timeout=50)
    targets = subprocess.run(["ninja", "-C", folder, "-t", "targets", "all"], capture_output=True,
                             text=True, check=True, timeout=50).stdout
    return done, targets


class WithoutIceoryx(unittest.TestCase):
    def test_everything_else_is_built_and_what_is_left_out_is_said(self):
        for option in ("CMAKE_DISABLE_FIND_PACKAGE_iceoryx_binding_c=ON", "SB_ICEORYX=OFF"):
            with tempfile.TemporaryDirectory() as folder:
                done, targets = configure(folder, "-D", option)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(SAID, done.stdout)
                self.assertIn("libexec/streambroker/pass:", targets)
                self.assertIn("bin/streambroker:", targets)
                self.assertNotIn("iceoryx-import:", targets)

    def test_doctor_says_whether_the_bridges_are_there(self):
        """R-IOX-012"""
        with tempfile.TemporaryDirectory() as folder:
            bare = pathlib.Path(folder)
            (bare / "bin").mkdir()
            for program in ("streamctl", "streambroker"):
                shutil.copy(BUILD / "bin" / program, bare / "bin")
            (bare / "lib").symlink_to(BUILD / "lib")
            said = self.doctor(bare)
            self.assertIn("were not built", said)
            bridge = bare / "libexec/streambroker/iceoryx-import"
            bridge.parent.mkdir(parents=True)
            bridge.touch(mode=0o755)
            self.assertNotIn("were not built", self.doctor(bare))

    def doctor(self, prefix):
        done = subprocess.run([prefix / "bin/streamctl", "doctor"], capture_output=True, text=True,
                              check=False, timeout=50)
        self.assertIn("iceoryx", done.stdout, done.stderr)
        return [line for line in done.stdout.splitlines() if "iceoryx" in line][0]


if __name__ == "__main__":
    if subprocess.run(["ninja", "--version"], capture_output=True, check=False).returncode != 0:
        print("skipped: no ninja")
        sys.exit(77)
    unittest.main()
