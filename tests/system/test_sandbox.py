# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""Untrusted nodes in real graphs: as root, as a normal user, and where the machine has no user namespaces."""
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graph_case import GraphCase
from harness.graphs import BROKER, BUILD, LIMIT_S, children

NOBODY = 65534
NODES = ("  pattern: {exec: [test-pattern], config: {width: 320, height: 180, frames: 20}, run: {mode: continuous}, "
         "restart: {when: never}, sandbox: SANDBOX}\n"
         "  blur: {exec: [blur], restart: {when: never}, sandbox: SANDBOX}\n"
         "  check: {exec: [check-sink], config: {expect_frames: 20}, restart: {when: never}, sandbox: SANDBOX}\n")
LINKS = "links: [pattern.video -> blur.video, blur.video -> check.in]\n"
ENDLESS = ("version: 1\nnodes:\n"
           "  a: {exec: [test-source], config: {rate: 100}, sandbox: untrusted}\n"
           "  b: {exec: [null-sink], sandbox: untrusted}\nlinks: [a.data -> b.in]\n")
# No user namespace can be made below the one that this runs in.
NO_NAMESPACES = ["unshare", "--user", "--map-root-user", "sh", "-c",
                 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"', "sh"]


def reachable():
    return all(folder.stat().st_mode & 0o001 for folder in [BUILD, *BUILD.parents])


def status_of(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


class Sandbox(GraphCase):
    def write(self, sandbox):
        self.graph.file("graph.yaml", "version: 1\nnodes:\n" + NODES.replace("SANDBOX", sandbox) + LINKS)

    def run_as(self, user, prefix=()):
        place = self.graph.folder / f"run-{user}"
        place.mkdir(mode=0o700, exist_ok=True)
        others = {"env": {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(place)}}
        if user is not None:
            os.chown(place, user, user)
            others |= {"user": user, "group": user, "extra_groups": []}
        return subprocess.run([*prefix, str(BROKER), str(self.graph.folder / "graph.yaml")], capture_output=True,
                              text=True, timeout=LIMIT_S, check=False, **others)

    def test_every_user_can_run_untrusted_nodes(self):
        """R-SAND-009 R-WORKER-026"""
        self.write("untrusted")
        for user in USERS:
            with self.subTest(user=user):
                done = self.run_as(user)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn('"ok": true', done.stderr)

    def test_a_worker_has_no_capability_no_new_privileges_and_a_filter(self):
        """R-SAND-001 R-SAND-002 R-SAND-014"""
        self.graph.file("graph.yaml", ENDLESS)
        running = self.graph.start("-v", "--uids", "60560-60569")
        self.addCleanup(running.close)
        pid = int(running.expect("a[1]: process pid=").rsplit("=", 1)[1])
        running.expect("b[1]: ready -> running")
        status = status_of(pid)
        self.assertEqual(int(status["CapEff"], 16) | int(status["CapPrm"], 16) | int(status["CapBnd"], 16), 0)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        if os.geteuid() == 0:
            self.assertRegex(status["Uid"], r"(6056\d)\t\1\t\1\t\1$")
        ours, its = pathlib.Path("/proc/self/ns"), pathlib.Path(f"/proc/{pid}/ns")
        for name in ("user", "mnt", "pid", "net", "ipc", "uts"):
            self.assertNotEqual(os.readlink(ours / name), os.readlink(its / name))
        everybody = children(running.process.pid)
        running.signal()
        self.assertEqual(running.wait(), 0, running.text())
        self.assertEqual([pid for pid in everybody if pathlib.Path(f"/proc/{pid}").exists()], [])

    def test_a_missing_wall_refuses_the_node_and_names_itself(self):
        """R-SAND-003 R-EXIT-008"""
        self.write("untrusted")
        for user in USERS:
            with self.subTest(user=user):
                done = self.run_as(user, NO_NAMESPACES)
                self.assertEqual(done.returncode, 77, done.stderr)
                self.assertRegex(done.stderr, r"node 'pattern' cannot run untrusted: .*user-namespace")
                self.assertNotIn("running", done.stderr)

    def test_degrade_runs_the_node_behind_the_walls_that_there_are(self):
        """R-SAND-003"""
        self.write("{tier: untrusted, degrade: true}")
        for user in USERS:
            with self.subTest(user=user):
                done = self.run_as(user, NO_NAMESPACES)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertRegex(done.stderr, r"warning pattern\[1\]: runs without these walls: .*user-namespace")


USERS = [None, NOBODY] if os.geteuid() == 0 and reachable() else [None]

if __name__ == "__main__":
    if os.environ.get("SB_SANITIZE"):
        print("skipped: the sanitizers need /proc, which no sandbox has")
        sys.exit(77)
    if not shutil.which("bwrap"):
        print("skipped: bwrap is not installed")
        sys.exit(77)
    if subprocess.run([*NO_NAMESPACES, "true"], capture_output=True, check=False).returncode != 0:
        print("skipped: no user namespace can be made here")
        sys.exit(77)
    unittest.main()
