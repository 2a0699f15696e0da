# SPDX-License-Identifier: Apache-2.0
"""R-SAND-016: whoever looks at a program with streamctl runs it behind the walls of an untrusted node."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
import cgroup  # noqa: E402
import own_runtime  # noqa: E402, F401
from forking import FORKS  # noqa: E402

BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])
STREAMCTL = BUILD / "bin/streamctl"
# What it tries goes to its stderr, and nothing of it may be seen outside. The process that it leaves has a name
# that is looked for.
HOSTILE = '''#!/usr/bin/env python3
import os, signal, socket, sys
def attempt(name, action):
    try:
        action()
        done.append(name)
    except OSError:
        pass
def write(path):
    with open(path, "w") as file:
        file.write("here")
def leave_process():
    if os.fork() == 0:
        for fd in range(3):
            os.close(fd)
        try:
            os.setsid()
        finally:
            while True:
                signal.pause()
done = []
attempt("beside", lambda: write({beside!r}))
attempt("temporary", lambda: write({temporary!r}))
attempt("tcp", lambda: socket.create_connection(("127.0.0.1", {port}), 1).close())
attempt("unix", lambda: socket.socket(socket.AF_UNIX).connect({unix!r}))
attempt("read", lambda: open({secret!r}).read())
attempt("fork", leave_process)
sys.stderr.write("did: " + " ".join(done))
sys.exit(1)
'''
EATS = '''#!/usr/bin/env python3
import sys
kept = []
try:
    for _ in range(15):
        kept.append(bytearray(b"x") * (100 << 20))
except MemoryError:
    pass
sys.stderr.write(f"{len(kept) * 100} MiB")
sys.exit(3)
'''
# Memory that is asked for and never touched.
ASKS = '''#!/usr/bin/env python3
import sys
try:
    kept = bytearray(4 << 30)
    sys.stderr.write("4 GiB")
except MemoryError:
    sys.stderr.write("no memory")
sys.exit(3)
'''
NOBODY = 65534


def processes_of(marker):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if marker.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


class Describing(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.program = self.folder / "hostile-program"
        self.beside = self.folder / "beside"
        self.temporary = pathlib.Path(tempfile.gettempdir()) / f"sb-describing-{os.getpid()}"
        self.secret = self.folder / "secret"
        self.secret.write_text("secret")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.addCleanup(self.listener.close)
        self.unix = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.unix.close)
        self.unix.bind(str(self.folder / "unix"))
        self.unix.listen()
        self.program.write_text(HOSTILE.format(
            beside=str(self.beside), temporary=str(self.temporary), secret=str(self.secret),
            port=self.listener.getsockname()[1], unix=str(self.folder / "unix")))
        self.program.chmod(0o755)

    def ask(self, *words, **others):
        return subprocess.run([str(STREAMCTL), *map(str, words)], capture_output=True, text=True, check=False,
                              timeout=50, **others)

    def as_nobody(self):
        """What makes a command one of a user who has no cgroups; None where that one cannot run the build tree."""
        if os.geteuid() != 0 or not all(path.stat().st_mode & 0o001 for path in (BUILD, *BUILD.parents)):
            return None
        self.folder.chmod(0o755)
        runtime = self.folder / "runtime"
        runtime.mkdir(exist_ok=True)
        os.chown(runtime, NOBODY, NOBODY)
        return {"user": NOBODY, "group": NOBODY, "extra_groups": [],
                "env": {**os.environ, "XDG_RUNTIME_DIR": str(runtime)}}

    def outside(self):
        """What can be seen of it, from outside."""
        seen = {path.name for path in (self.beside, self.temporary) if path.exists()}
        try:
            self.listener.accept()[0].close()
            seen.add("tcp")
        except BlockingIOError:
            pass
        return seen

    def test_a_hostile_program_leaves_nothing(self):
        done = self.ask("describe", self.program)
        self.assertEqual(done.returncode, 1, done.stderr)
        # Its /tmp is its own, and gone with it.
        self.assertRegex(done.stderr, r"did: (beside )?(temporary )?fork$")
        self.assertEqual(self.outside(), set())
        self.assertEqual(processes_of(str(self.program)), [])

    def test_it_would_leave_something_outside_of_a_sandbox(self):
        self.addCleanup(lambda: self.temporary.unlink(missing_ok=True))
        done = self.ask("describe", "--trusted", self.program)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, r"did: beside temporary tcp unix read fork$")
        self.assertEqual(self.outside(), {"beside", self.temporary.name, "tcp"})
        # Also then the launcher takes every process with it.
        self.assertEqual(processes_of(str(self.program)), [])

    def test_processors_of_the_path_are_asked_behind_walls_too(self):
        done = self.ask("processors", "--json", env={**os.environ, "STREAMBROKER_PROCESSOR_PATH": str(self.folder)})
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, r"hostile-program: ended with status 1 .*; it is left out")
        self.assertEqual(self.outside(), set())
        self.assertIn("blur", {entry["program"] for entry in json.loads(done.stdout)})

    def test_one_that_hangs_is_ended_with_all_that_it_started(self):
        """R-WORKER-016"""
        self.program.write_text("#!/bin/sh\nsh -c 'while :; do :; done' &\nwhile :; do :; done\n")
        begin = time.monotonic()
        done = self.ask("describe", self.program)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("did not describe itself within 2s", done.stderr)
        self.assertGreater(time.monotonic() - begin, 1.9)
        self.assertEqual(processes_of(str(self.program)), [])

    def test_it_makes_no_more_processes_than_a_node_that_says_nothing(self):
        """R-SAND-017"""
        self.program.write_text(FORKS)
        graph = self.folder / "graph.yaml"
        graph.write_text("version: 1\nnodes: {a: {exec: [./hostile-program]}}\n")
        for others in ({}, self.as_nobody()):
            if others is None:
                print("not as another user: none can run the build tree")
                continue
            for words in (["describe", self.program], ["check", graph]):
                with self.subTest(words=words, user=others.get("user")):
                    done = self.ask(*words, **others)
                    found = re.search(r"(\d+) processes", done.stderr)
                    self.assertTrue(found, done.stderr)
                    self.assertIn(int(found[1]), range(50, 67), done.stderr)

    def test_its_memory_is_that_of_a_node_that_says_nothing(self):
        """R-SAND-017"""
        if cgroup.has_memory():
            self.program.write_text(EATS)
            done = self.ask("describe", self.program)
            self.assertIn("was out of memory instead of describing itself", done.stderr)
        others = self.as_nobody()
        if others is not None:
            self.program.write_text(ASKS)
            done = self.ask("describe", self.program, **others)
            self.assertRegex(done.stderr, "no memory$")


if __name__ == "__main__":
    if os.environ.get("SB_SANITIZE"):
        print("skipped: the sanitizers need /proc, which no sandbox has")
        sys.exit(77)
    if not shutil.which("bwrap"):
        print("skipped: bwrap is not installed")
        sys.exit(77)
    unittest.main()
