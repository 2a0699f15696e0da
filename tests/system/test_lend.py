# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""R-GRANT-020: grants in file systems that cannot map owners, real ones: ramfs and overlayfs."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
import own_runtime  # noqa: E402, F401
from graphs import children  # noqa: E402
from waiting import wait_until  # noqa: E402

BROKER = pathlib.Path(os.environ["SB_BUILD_DIR"]) / "bin/streambroker"
RECORDS = pathlib.Path("/run/streambroker/lent")
OWNER, GROUP = 12345, 12346
COPY = """version: 1
nodes:
  read: {exec: [file-source], config: {path: in.txt}, sandbox: {tier: untrusted, read: [in.txt]}}
  write: {exec: [file-sink], config: {path: out/copy.txt}, sandbox: {tier: untrusted, write: [out/]}}
links: [read.out -> write.in]
"""
ENDLESS = """version: 1
nodes:
  make: {exec: [test-source], config: {rate: 100}, sandbox: untrusted}
  write: {exec: [file-sink], config: {path: out/copy.bin}, sandbox: {tier: untrusted, write: [out/]}}
links: [make.data -> write.in]
"""


class Lent:
    """The tests, on one file system."""

    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="sb-lend-"))
        self.addCleanup(shutil.rmtree, self.home, True)
        self.place = self.home / "mounted"
        self.place.mkdir()
        self.mount()
        self.addCleanup(subprocess.run, ["umount", "-l", self.place], check=False)
        self.home.chmod(0o700)
        (self.place / "in.txt").write_text("one\ntwo\n")
        (self.place / "in.txt").chmod(0o600)
        out = self.place / "out"
        out.mkdir(0o750)
        (out / "kept").write_text("kept")
        for path in (out, out / "kept"):
            os.chown(path, OWNER, GROUP)
        self.graph = self.place / "graph.yaml"

    def call(self, *command):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.skipTest(f"this machine does not mount it: {done.stderr.strip()}")

    def check_all_is_the_owners(self, made):
        found = {path.name: path.stat() for path in [self.place / "out", *(self.place / "out").iterdir()]}
        self.assertEqual(set(found), {"out", "kept", made})
        for name, info in found.items():
            self.assertEqual((name, info.st_uid, info.st_gid), (name, OWNER, GROUP))
        self.assertEqual(found["out"].st_mode & 0o777, 0o750)
        self.assertEqual(self.records(), [])

    def records(self):
        """What is written down of this test; others lend at the same time."""
        found = []
        for path in RECORDS.glob("*"):
            try:
                found += [path.name] if str(self.place) in path.read_text() else []
            except FileNotFoundError:
                pass
        return found

    def start(self):
        self.graph.write_text(ENDLESS)
        broker = subprocess.Popen([BROKER, "--socket", self.home / "s.sock", self.graph], stderr=subprocess.PIPE,
                                  text=True)
        self.addCleanup(broker.stderr.close)
        self.addCleanup(broker.wait)
        self.addCleanup(broker.kill)
        file = self.place / "out/copy.bin"
        wait_until(lambda: file.exists() and file.stat().st_size > 0, "the worker writes")
        return broker

    def test_a_worker_reads_and_writes_and_everything_is_the_owners_again(self):
        self.graph.write_text(COPY)
        done = subprocess.run([BROKER, self.graph], capture_output=True, text=True, timeout=40, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.place / "out/copy.txt").read_text(), "one\ntwo\n")
        self.check_all_is_the_owners("copy.txt")
        self.assertEqual((self.place / "in.txt").stat().st_mode & 0o777, 0o600)

    def test_it_is_the_owners_again_when_the_launcher_was_killed(self):
        broker = self.start()
        self.assertNotEqual((self.place / "out").stat().st_uid, OWNER)
        self.assertEqual(len(self.records()), 1)
        os.kill(min(children(broker.pid)), signal.SIGKILL)
        self.assertEqual(broker.wait(20), 70)
        self.check_all_is_the_owners("copy.bin")

    def test_it_is_the_owners_again_with_the_next_broker_when_all_were_killed(self):
        broker = self.start()
        launcher = min(children(broker.pid))
        os.kill(launcher, signal.SIGSTOP)
        broker.kill()
        os.kill(launcher, signal.SIGKILL)
        broker.wait()
        subprocess.run([BROKER, "--check", self.graph], capture_output=True, timeout=40, check=True)
        self.check_all_is_the_owners("copy.bin")


class Ramfs(Lent, unittest.TestCase):
    def mount(self):
        self.call("mount", "-t", "ramfs", "ramfs", self.place)


class Overlay(Lent, unittest.TestCase):
    def mount(self):
        # Neither may be an overlay itself, as it is in most containers.
        self.call("mount", "-t", "tmpfs", "tmpfs", self.place)
        for name in ("lower", "upper", "work"):
            (self.place / name).mkdir()
        self.addCleanup(subprocess.run, ["umount", "-l", self.place], check=False)
        self.call("mount", "-t", "overlay", "overlay", "-o",
                  f"lowerdir={self.place}/lower,upperdir={self.place}/upper,workdir={self.place}/work", self.place)


def main():
    if os.environ.get("SB_SANITIZE"):
        print("skipped: the sanitizers need /proc, which no sandbox has")
        return 77
    if os.geteuid() != 0 or not shutil.which("bwrap"):
        print("skipped: only root gives a worker a user of its own; and bwrap is needed")
        return 77
    if "--inside" not in sys.argv:
        probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
        if probe.returncode != 0:
            print("skipped: no mounts of its own here")
            return 77
        return subprocess.run(["unshare", "--mount", "--propagation", "private", sys.executable, "-B", __file__,
                               "--inside"], check=False).returncode
    sys.argv.remove("--inside")
    # What other brokers of this machine lend and sweep is theirs.
    RECORDS.parent.mkdir(mode=0o700, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0700", "tmpfs", str(RECORDS.parent)], check=True)
    unittest.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
