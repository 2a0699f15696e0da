# SPDX-License-Identifier: Apache-2.0
"""R-IOX-012: a machine without iceoryx, as CMake sees one whose package cannot be found."""
import os
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.environ["SB_SOURCE_DIR"]
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


if __name__ == "__main__":
    if subprocess.run(["ninja", "--version"], capture_output=True, check=False).returncode != 0:
        print("skipped: no ninja")
        sys.exit(77)
    unittest.main()
