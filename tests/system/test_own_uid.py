# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""R-SAND-020: root of a machine without user namespaces gives each worker a user of its own in their place."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
import own_runtime  # noqa: E402, F401
import without_namespaces  # noqa: E402
from graphs import BROKER, BUILD, Graph  # noqa: E402
from waiting import wait_until  # noqa: E402

NODES = {"a": "exec: [test-source], config: {rate: 500}, sandbox: untrusted",
         "z": "exec: [file-sink], config: {path: out.bin}, sandbox: {tier: untrusted, write: [out.bin]}"}
OWN = ("mnt", "pid", "net", "ipc", "uts")


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {line.split(":")[0]: line.split(":")[1].split() for line in lines}


def namespaces_of(pid):
    return {name: os.readlink(f"/proc/{pid}/ns/{name}") for name in (*OWN, "user")}


class OwnUid(unittest.TestCase):
    def setUp(self):
        self.graph = Graph()
        self.addCleanup(self.graph.close)
        self.graph.folder.chmod(0o700)

    def workers(self, broker):
        """Pids by the id of their node."""
        asked = subprocess.run([str(BUILD / "bin/streamctl"), "--socket", str(self.socket), "nodes", "--json"],
                               capture_output=True, text=True, check=False)
        rows = json.loads(asked.stdout) if asked.returncode == 0 else []
        self.assertIsNone(broker.poll())
        return {row["id"]: row["pid"] for row in rows if row.get("pid") and row["state"] == "running"}

    def test_a_worker_has_every_other_wall_and_no_right(self):
        self.graph.write(NODES, ["a.data -> z.in"])
        self.socket = self.graph.folder / "s.sock"
        broker = subprocess.Popen([str(BROKER), "--socket", str(self.socket), str(self.graph.folder / "graph.yaml")],
                                  stderr=subprocess.DEVNULL)
        self.addCleanup(broker.wait)
        self.addCleanup(broker.kill)
        pids = wait_until(lambda: (lambda found: found if len(found) == 2 else None)(self.workers(broker)),
                          "both run")
        users = set()
        for pid in pids.values():
            status = status_of(pid)
            self.assertEqual(len(set(status["Uid"] + status["Gid"])), 1, status)
            users.add(int(status["Uid"][0]))
            self.assertEqual(status["Groups"], [])
            for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertEqual(int(status[name][0], 16), 0, name)
            self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), (["1"], ["2"]))
            theirs, ours = namespaces_of(pid), namespaces_of("self")
            self.assertEqual([name for name in OWN if theirs[name] == ours[name]], [])
            self.assertEqual(theirs["user"], ours["user"])
            shim = status_of(status["PPid"][0])
            self.assertEqual((shim["Uid"], shim["CapPrm"], shim["CapBnd"]),
                             (status["Uid"], status["CapPrm"], status["CapBnd"]))
        self.assertEqual(len(users), 2)
        self.assertGreater(min(users), 60000)
        broker.terminate()
        self.assertEqual(broker.wait(20), 0)
        made = self.graph.folder / "out.bin"
        self.assertGreater(made.stat().st_size, 0)
        self.assertEqual((made.stat().st_uid, made.stat().st_gid), (0, 0))

    def test_the_doctor_says_so(self):
        done = subprocess.run([str(BUILD / "bin/streamctl"), "doctor", "--json"], capture_output=True, text=True,
                              check=True)
        answers = {entry["name"]: entry for entry in json.loads(done.stdout)}
        self.assertTrue(answers["user-namespace"]["ok"])
        self.assertIn("a user of its own", answers["user-namespace"]["detail"])


def main():
    if os.environ.get("SB_SANITIZE"):
        print("skipped: the sanitizers need /proc, which no sandbox has")
        return 77
    if os.geteuid() != 0 or not shutil.which("bwrap"):
        print("skipped: only root gives a worker a user of its own; and bwrap is needed")
        return 77
    if "--inside" not in sys.argv:
        status = without_namespaces.run(sys.executable, "-B", __file__, "--inside")
        if status == 77:
            print("skipped: no user namespace can be made here")
        return status
    sys.argv.remove("--inside")
    unittest.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
