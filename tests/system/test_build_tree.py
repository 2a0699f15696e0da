# SPDX-License-Identifier: Apache-2.0
"""R-INSTALL-001: what was built runs where it is, with an empty environment, as root and as another user."""
import os
import pathlib
import subprocess
import sys
import unittest

BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])
NOBODY = 65534
PROGRAMS = sorted(path for path in [*BUILD.glob("bin/*"), *BUILD.glob("libexec/streambroker/*")] if path.is_file())
USERS = [None, NOBODY] if os.geteuid() == 0 else [None]


def run(user, *command):
    others = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    return subprocess.run([str(word) for word in command], env={}, cwd="/", capture_output=True,
                          text=True, timeout=20, check=False, **others)


class BuildTree(unittest.TestCase):
    def test_every_program_tells_its_version_to_every_user(self):
        for user in USERS:
            for program in PROGRAMS:
                with self.subTest(program=program.name, user=user):
                    done = run(user, program, "--version")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertRegex(done.stdout, r"\d+\.\d+\.\d+")

    def test_every_processor_describes_itself_to_every_user(self):
        for user in USERS:
            for program in PROGRAMS:
                if program.parent == BUILD / "bin":
                    continue
                with self.subTest(program=program.name, user=user):
                    done = run(user, program, "--describe")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertIn(f'"{program.name}"', done.stdout)


def reachable():
    """Says whether another user can come as far as the build folder."""
    return all(folder.stat().st_mode & 0o001 for folder in [BUILD, *BUILD.parents])


if __name__ == "__main__":
    if not PROGRAMS:
        print("skipped: nothing to run has been built")
        sys.exit(77)
    if not reachable():
        print(f"skipped in part: other users cannot reach {BUILD}")
        USERS = [None]
    unittest.main()
