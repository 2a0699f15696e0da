# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""R-METER-001 R-METER-006 R-METER-007: one worker is ended at its own limit, and the rest does not notice."""
import json
import os
import pathlib
import re
import shutil
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
import cgroup  # noqa: E402
import graphs  # noqa: E402
import waiting  # noqa: E402

EAT = """
connect()
send(OPENED)
eaten = []
while True:
    try:
        eaten.append(bytearray(8 << 20))
    except MemoryError:
        forever()
"""
MEASURE = """
import errno, json, threading
measured = {}
begun, used = time.monotonic(), time.process_time()
while time.monotonic() - begun < 0.6:
    pass
measured["cpu"] = (time.process_time() - used) / (time.monotonic() - begun)
files = []
try:
    while True:
        files.append(os.open("/dev/null", os.O_RDONLY))
except OSError as error:
    assert error.errno == errno.EMFILE, error
measured["highest_file"] = max(files)
for file in files:
    os.close(file)
stop = threading.Event()
count = 0
try:
    while count < 30:
        threading.Thread(target=stop.wait, daemon=True).start()
        count += 1
except RuntimeError:
    pass
stop.set()
measured["threads"] = count
written = 0
filler = os.open("/tmp", os.O_TMPFILE | os.O_WRONLY)
try:
    while written < 4096:
        os.write(filler, bytes(1024))
        written += 1
except OSError as error:
    assert error.errno == errno.ENOSPC, error
measured["tmp_kib"] = written
sys.stderr.write("measured " + json.dumps(measured) + "\\n")
"""
FRAMES = 60
NOBODY = 65534
STREAM = {"pattern": f"exec: [test-pattern], config: {{width: 320, height: 180, frames: {FRAMES}}}",
          "sink": f"exec: [check-sink], config: {{expect_frames: {FRAMES}, numbers: gapless}}"}
LINK = "{from: pattern.video, to: sink.in, delivery: lossless}"


def has_memory_cgroup():
    try:
        cgroup.MemoryCgroup(1 << 30).close()
        return True
    except OSError:
        return False


def groups_of(launcher):
    """The folders that a launcher has in the memory cgroup that we are in."""
    return [path for folder, _ in cgroup.folders() for path in folder.glob(f"streambroker-{launcher}")]


def can_be_reached():
    """Whether another user can come as far as the build folder."""
    return all(folder.stat().st_mode & 0o001 for folder in [graphs.BUILD, *graphs.BUILD.parents])


class Limits(unittest.TestCase):
    def setUp(self):
        self.graph = graphs.Graph()
        self.addCleanup(self.graph.close)

    @staticmethod
    def launcher_of(running):
        return next(pid for pid in graphs.children(running.process.pid)
                    if pathlib.Path(f"/proc/{pid}/comm").read_text() == "sb-launcher\n")

    def test_one_node_is_out_of_memory_and_its_sibling_goes_on(self):
        self.graph.worker("hog", EAT)
        self.graph.write({**STREAM, "hog": "exec: [./hog], optional: true, limits: {memory: 64MiB}"}, [LINK])
        done = self.graph.run("-v")
        self.assertRegex(done.stderr, r"hog\[1\].*out of memory: it (was at its limit of|had .*its limit is) 64MiB")
        self.assertIn('"frames":60', re.sub(r"\s", "", done.stderr), done.stderr)

    @unittest.skipIf(os.environ.get("SB_SANITIZE"), "the sanitizers need /proc, which no sandbox has")
    def test_an_untrusted_node_is_out_of_memory_alone_as_well(self):
        if not shutil.which("bwrap") or not os.access("/usr/bin/python3", os.X_OK):
            self.skipTest("bwrap or the system's Python is not installed")
        hog = self.graph.worker("hog", EAT)
        hog.write_text(hog.read_text().replace(sys.executable, "/usr/bin/python3", 1))
        self.graph.file("graph.yaml", "version: 1\nnodes:\n"
                        f"  pattern: {{{STREAM['pattern']}, sandbox: untrusted}}\n"
                        f"  sink: {{{STREAM['sink']}, sandbox: untrusted}}\n"
                        "  hog: {exec: [./hog], optional: true, sandbox: untrusted, limits: {memory: 64MiB}, "
                        f"restart: {{when: never}}}}\nlinks:\n  - {LINK}\n")
        for user in (None, NOBODY) if os.geteuid() == 0 and can_be_reached() else (None,):
            with self.subTest(user=user):
                others = {}
                if user is not None:
                    os.chown(self.graph.folder, user, user)
                    others = {"user": user, "group": user, "extra_groups": [],
                              "env": {**os.environ, "XDG_RUNTIME_DIR": str(self.graph.folder)}}
                done = self.graph.run(**others)
                self.assertRegex(done.stderr, r"hog\[1\].*out of memory: it (was at its limit of|had .*its limit is) "
                                              r"64MiB")
                self.assertIn('"frames":60', re.sub(r"\s", "", done.stderr), done.stderr)

    def test_a_node_that_is_killed_for_memory_starts_again_by_its_policy(self):
        self.graph.worker("hog", EAT)
        self.graph.write({"hog": "exec: [./hog], limits: {memory: 64MiB}, "
                                 "restart: {max: 1, delay: 10ms}"})
        done = self.graph.run()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("hog[1]: died: out of memory", done.stderr)
        self.assertRegex(done.stderr, r"hog\[2\]: failed: out of memory")

    def test_without_a_cgroup_the_broker_looks_at_the_memory_itself(self):
        """R-METER-009"""
        if os.geteuid() != 0 or not can_be_reached() or not os.access("/usr/bin/python3", os.X_OK):
            self.skipTest("no other user, without cgroups, can run the build tree")
        hog = self.graph.worker("hog", EAT)
        # This Python may be one that only we can reach.
        hog.write_text(hog.read_text().replace(sys.executable, "/usr/bin/python3", 1))
        self.graph.write({**STREAM, "hog": "exec: [./hog], optional: true, limits: {memory: 64MiB}"}, [LINK])
        os.chown(self.graph.folder, NOBODY, NOBODY)
        runtime = {**os.environ, "XDG_RUNTIME_DIR": str(self.graph.folder)}
        done = self.graph.run(user=NOBODY, group=NOBODY, extra_groups=[], env=runtime)
        self.assertRegex(done.stderr, r"warning: the limits of 1 node are not enforced in full: limits per process")
        self.assertRegex(done.stderr, r"hog\[1\].*out of memory: it had [0-9.]+[KM]iB, its limit is 64MiB")
        self.assertIn('"frames":60', re.sub(r"\s", "", done.stderr), done.stderr)

    def measure(self, tier):
        """What a worker can have of each thing that is limited, as it finds out itself."""
        worker = self.graph.worker("measure", MEASURE)
        worker.write_text(worker.read_text().replace(sys.executable, "/usr/bin/python3", 1))
        self.graph.file("graph.yaml", "version: 1\nnodes:\n  measure: {exec: [./measure], restart: {when: never}, "
                        f"sandbox: {tier}, limits: {{files: 40, pids: 10, tmpfs: 1MiB, cpu: 20%, memory: 256MiB}}}}\n")
        done = self.graph.run()
        found = re.search(r"measured (\{.*\})", done.stderr)
        self.assertTrue(found, done.stderr)
        return json.loads(found.group(1))

    def test_files_threads_temporary_space_and_cpu_end_at_their_limits(self):
        """R-METER-002 R-METER-003 R-METER-011"""
        if not os.access("/usr/bin/python3", os.X_OK):
            self.skipTest("the system's Python is not installed")
        for tier in ("trusted", "untrusted"):
            if tier == "untrusted" and (not shutil.which("bwrap") or os.environ.get("SB_SANITIZE")):
                self.skipTest("bwrap is not installed")
            with self.subTest(tier=tier):
                measured = self.measure(tier)
                self.assertEqual(measured["highest_file"], 39)
                if has_memory_cgroup() or tier == "untrusted":
                    self.assertIn(measured["threads"], range(6, 10))
                if has_memory_cgroup():
                    self.assertLess(measured["cpu"], 0.4)
                if tier == "untrusted":
                    self.assertIn(measured["tmp_kib"], range(900, 1025))

    def test_the_groups_are_gone_with_the_broker_also_when_it_is_killed(self):
        if not has_memory_cgroup():
            self.skipTest("no memory cgroup can be made here")
        self.graph.worker("idle", "connect()\nforever()")
        self.graph.write({"idle": "exec: [./idle], limits: {memory: 64MiB}, timeouts: {start: 20s, stop: 200ms}"})
        for kill in (False, True):
            with self.subTest(kill=kill):
                running = self.graph.start("-v")
                self.addCleanup(running.close)
                running.expect("idle", "process pid=")
                launcher = self.launcher_of(running)
                self.assertTrue(groups_of(launcher))
                running.signal(9 if kill else 2)
                running.wait()
                waiting.wait_until(lambda: not groups_of(launcher), "the groups are gone")

    def test_the_groups_are_gone_when_the_launcher_is_killed(self):
        """R-METER-004"""
        if not has_memory_cgroup():
            self.skipTest("no memory cgroup can be made here")
        self.graph.worker("idle", "connect()\nforever()")
        self.graph.write({"idle": "exec: [./idle], limits: {memory: 64MiB}, timeouts: {start: 20s}"})
        running = self.graph.start("-v")
        self.addCleanup(running.close)
        running.expect("idle", "process pid=")
        launcher = self.launcher_of(running)
        self.assertTrue(groups_of(launcher))
        os.kill(launcher, signal.SIGKILL)
        self.assertEqual(running.wait(), 70, running.text())
        self.assertEqual(groups_of(launcher), [])

    def test_what_a_node_requires_and_the_machine_has_not_is_refused_with_its_place(self):
        self.graph.write({**STREAM, "sink": STREAM["sink"] + ", limits: {memory: 64MiB}"}, [LINK])
        text = (self.graph.folder / "graph.yaml").read_text()
        text = text.replace("sandbox: trusted", "sandbox: {tier: trusted, require: [own-uid, cgroup]}", 2)
        self.graph.file("graph.yaml", text)
        done = self.graph.run()
        is_there = has_memory_cgroup() and os.geteuid() == 0
        if is_there:
            self.assertEqual(done.returncode, 0, done.stderr)
        else:
            self.assertEqual(done.returncode, 77, done.stderr)
            self.assertRegex(done.stderr, r"graph\.yaml:\d+:\d+: node 'sink' requires '(own-uid|cgroup)'")


if __name__ == "__main__":
    unittest.main()
