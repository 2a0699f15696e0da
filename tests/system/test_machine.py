# SPDX-License-Identifier: Apache-2.0
"""R-METER-010: the doctor says of each wall and meter whether it can be had here, for who asks, and what to do."""
import json
import os
import pathlib
import subprocess
import sys
import unittest

BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])
CONTROL = BUILD / "bin/streamctl"
NOBODY = 65534
NO_NAMESPACES = ["unshare", "--user", "--map-root-user", "sh", "-c",
                 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"', "sh"]
METERS = {"cgroup-memory", "cgroup-cpu", "cgroup-pids", "own-uid", "mapped-mounts"}
WALLS = {"bwrap", "shim", "user-namespace", "mount-namespace", "pid-namespace", "net-namespace", "ipc-namespace",
         "uts-namespace", "seccomp", "landlock"}


def ask(*prefix, user=None):
    others = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    done = subprocess.run([*prefix, str(CONTROL), "doctor", "--json"], capture_output=True, text=True, timeout=40,
                          check=True, cwd="/", **others)
    return {entry["name"]: entry for entry in json.loads(done.stdout)}


def reachable():
    return all(folder.stat().st_mode & 0o001 for folder in [BUILD, *BUILD.parents])


class Machine(unittest.TestCase):
    def check(self, answers):
        self.assertLessEqual(METERS | WALLS, set(answers))
        for name in METERS | WALLS:
            self.assertTrue(answers[name]["detail"], name)
            self.assertEqual(answers[name]["advice"] is None, answers[name]["ok"], name)

    def test_whoever_asks_gets_an_answer_for_each_wall_and_meter(self):
        answers = ask()
        self.check(answers)
        if os.geteuid() != 0:
            self.assertFalse(answers["own-uid"]["ok"])

    def test_a_normal_user_has_the_walls_and_no_user_to_give(self):
        if os.geteuid() != 0 or not reachable():
            self.skipTest("only root asks as another user, who must reach the build folder")
        mine, others = ask(), ask(user=NOBODY)
        self.check(others)
        self.assertEqual({name for name in WALLS if not mine[name]["ok"]},
                         {name for name in WALLS if not others[name]["ok"]})
        self.assertFalse(others["own-uid"]["ok"])
        self.assertIn("start the broker as root", others["own-uid"]["advice"])
        if mine["cgroup-memory"]["ok"] and not others["cgroup-memory"]["ok"]:
            self.assertIn("Permission denied", others["cgroup-memory"]["detail"])

    def test_without_user_namespaces_that_wall_is_missing_by_name(self):
        if subprocess.run([*NO_NAMESPACES, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no user namespace can be made here")
        answers = ask(*NO_NAMESPACES)
        self.check(answers)
        self.assertFalse(answers["user-namespace"]["ok"])

    def test_a_start_agrees_with_the_answer(self):
        answers = ask()
        folder = pathlib.Path(os.environ.get("TMPDIR", "/tmp"))
        graph = folder / f"sb-machine-{os.getpid()}.yaml"
        self.addCleanup(graph.unlink)
        graph.write_text("version: 1\nnodes: {s: {exec: [test-source], config: {frames: 1}, sandbox: {tier: trusted, "
                         "require: [own-uid, memory, cpu, pids]}}}\n")
        done = subprocess.run([str(BUILD / "bin/streambroker"), str(graph)], capture_output=True, text=True,
                              timeout=40, check=False)
        is_whole = all(answers[name]["ok"] for name in METERS - {"mapped-mounts"})
        self.assertEqual(done.returncode, 0 if is_whole else 77, done.stderr)
        for word, name in (("own-uid", "own-uid"), ("memory", "cgroup-memory"), ("cpu", "cgroup-cpu"),
                           ("pids", "cgroup-pids")):
            self.assertEqual(f"requires '{word}'" not in done.stderr, answers[name]["ok"], done.stderr)


if __name__ == "__main__":
    if not CONTROL.exists():
        print("skipped: streamctl is not built")
        sys.exit(77)
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
    import own_runtime  # noqa: E402, F401
    unittest.main()
