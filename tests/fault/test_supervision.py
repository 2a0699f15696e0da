# SPDX-License-Identifier: Apache-2.0
# test: timeout=240 tiers
"""Workers that crash, stall or are poisoned harm only themselves, and no promised frame is lost."""
import os
import pathlib
import re
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graph_case import GraphCase
from harness.graphs import BUILD, TIER, children, skip_without_walls
from harness.waiting import let_pass, wait_until

FAULTY = BUILD / "tests/fault/faulty"
JOINER = BUILD / "tests/fault/joiner"
AGAIN = "restart: {max: unlimited, delay: 0s}, on_crash: {poison_after: 1000}"
CHECK = "exec: [check-sink], config: {numbers: gapless}"
LIMIT = 0.4  # of process(), in the tests of stalls
SHORT = f"timeouts: {{start: 400ms, process: {int(LIMIT * 1000)}ms, stop: 400ms}}"


def source(frames, rate=1000):
    return f"exec: [test-source], config: {{frames: {frames}, rate: {rate}}}"


def faulty(fault, place="frame", more="", **config):
    inside = "".join(f", {key}: {value}" for key, value in config.items())
    return f"exec: [{FAULTY}], config: {{fault: {fault}, place: {place}{inside}}}, {more or AGAIN}"


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def processes_in(folder):
    """Pids of workers of a graph: their working folder is the graph's."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and pathlib.Path(os.readlink(entry / "cwd")) == folder and is_running(entry.name):
                found.append(int(entry.name))
        except OSError:
            continue
    return found

# A sanitizer takes the signal and exits.
SEGV = "exit code 1" if os.environ.get("SB_SANITIZE") else "signal 11 (SIGSEGV)"


class Supervision(GraphCase):
    def run_chain(self, middle, frames=200, rate=1000, status=0, sink=CHECK):
        self.graph.write({"a": source(frames, rate), "f": middle, "z": sink}, ["a.data -> f.in", "f.out -> z.in"])
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr

    def lives(self, text, node):
        return max(int(life) for life in re.findall(rf"\b{node}\[(\d+)\]", text))

    def assert_complete(self, text, frames=200):
        for link in ("a.data -> f.in", "f.out -> z.in"):
            self.assertRegex(text, rf"link {link}: published={frames} released={frames}( redelivered=\d+)?\n")

    def test_each_crash_has_its_own_reason_and_loses_nothing(self):
        """R-SUP-010 R-DATA-024 R-DATA-025 R-DATA-026 R-STEP-014 R-WORKER-024"""
        reasons = {"exit": r"exit code 3", "abort": r"signal 6 \(SIGABRT\)", "segv": r"signal 11 \(SIGSEGV\)",
                   "bus": r"signal 7 \(SIGBUS\)", "stack": r"signal 11 \(SIGSEGV\)"}
        if os.environ.get("SB_SANITIZE"):
            # The sanitizer turns these signals into an exit of its own.
            reasons = {fault: reason for fault, reason in reasons.items() if fault in ("exit", "abort")}
        for fault, reason in reasons.items():
            with self.subTest(fault=fault):
                text = self.run_chain(faulty(fault, lives=1, at=50))
                self.assertRegex(text, rf"warning f\[1\]: died: {reason}; it starts again in 0")
                self.assert_complete(text)
                self.assertEqual([self.lives(text, node) for node in "afz"], [1, 2, 1], text)

    def test_each_stall_is_found_within_its_deadline(self):
        """R-SUP-011 R-WORKER-025"""
        cases = [("hang", "frame", r"process deadline of 400ms passed inside step \d+"),
                 ("spin", "frame", r"process deadline of 400ms passed inside step \d+"),
                 ("stop", "frame", r"process deadline of 400ms passed inside step \d+"),
                 ("hang", "open", r"start deadline of 400ms passed"),
                 ("hang", "close", r"exit deadline of 400ms passed")]
        for fault, place, reason in cases:
            with self.subTest(fault=fault, place=place):
                text = self.run_chain(faulty(fault, place, f"{AGAIN}, {SHORT}", lives=1, at=50))
                self.assertRegex(text, rf"f\[1\]: (died|failed|finished)[: (]+{reason}")
                self.assert_complete(text)
                self.assertEqual([self.lives(text, node) for node in "az"], [1, 1], text)

    def test_a_stopped_worker_with_work_is_a_stall(self):
        """R-SUP-011"""
        self.graph.write({"a": source(0, 100), "f": f"exec: [pass], {AGAIN}, {SHORT}", "z": CHECK},
                         ["a.data -> f.in", "f.out -> z.in"])
        running = self.start("-v")
        pid = int(running.expect("f[1]: process pid=").rsplit("=", 1)[1])
        running.expect("f[1]: ready -> running")
        let_pass(0.1)
        begun = time.monotonic()
        os.kill(pid, signal.SIGSTOP)
        line = running.expect("f[1]: died: process deadline of 400ms passed")
        self.assertLess(time.monotonic() - begun, LIMIT + 0.3, line)
        running.expect("f[2]: ready -> running")
        running.signal()
        self.assertEqual(running.wait(), 0, running.text())

    def test_a_stall_can_detach_instead(self):
        """R-SUP-012"""
        self.graph.write({"a": source(300), "f": faulty("hang", more=f"on_stall: detach, {SHORT}", at=50),
                          "y": CHECK, "z": CHECK}, ["a.data -> f.in", "f.out -> z.in", "a.data -> y.in"])
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, r"error f\[1\]: failed: process deadline of 400ms passed")
        self.assertIn("a.data -> y.in: published=300 released=300\n", done.stderr)
        self.assertIn("f.out -> z.in: published=50 released=50\n", done.stderr)
        self.assertEqual(self.lives(done.stderr, "f"), 1)

    def test_a_reader_that_is_behind_its_max_lag_is_overdue(self):
        """R-SUP-050"""
        slow = "exec: [check-sink], config: {work: 20ms}, on_stall: detach"
        self.graph.write({"a": source(300), "y": CHECK, "z": slow},
                         ["a.data -> y.in", "{from: a.data, to: z.in, depth: 32, max_lag: 300ms}"])
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr,
                         r"error z\[1\]: failed: max_lag of 300ms passed: seq \d+ of a\.data -> z\.in waits")
        self.assertIn("a.data -> y.in: published=300 released=300\n", done.stderr)

    def test_a_reader_that_is_held_up_itself_keeps_its_max_lag(self):
        """R-SUP-050 R-SUP-013"""
        slow = "exec: [check-sink], config: {work: 10ms}"
        self.graph.write({"a": source(150, 0), "f": "exec: [pass]", "z": slow},
                         ["{from: a.data, to: f.in, depth: 32, max_lag: 200ms}", "f.out -> z.in"])
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([self.lives(done.stderr, node) for node in "afz"], [1, 1, 1], done.stderr)

    def test_only_the_one_that_stalls_is_blamed_in_a_chain(self):
        """R-SUP-013"""
        nodes = {"a": f"{source(400, 0)}, {SHORT}", "z": f"{CHECK}, {SHORT}"}
        nodes |= {f"f{i}": f"exec: [pass], {SHORT}" for i in range(4)}
        nodes["f4"] = faulty("hang", more=f"{AGAIN}, {SHORT}", lives=1, at=50)
        links = ["a.data -> f0.in"] + [f"f{i}.out -> f{i + 1}.in" for i in range(4)] + ["f4.out -> z.in"]
        self.graph.write(nodes, links)
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("f4.out -> z.in: published=400 released=400", done.stderr)
        self.assertEqual([self.lives(done.stderr, node) for node in nodes], [1, 1, 1, 1, 1, 1, 2])

    def test_the_budget_of_restarts_is_kept(self):
        """R-SUP-001 R-SUP-014"""
        middle = faulty("exit", "open", "restart: {max: 5, delay: 1ms}", code=4)
        self.graph.write({"a": source(200), "f": middle, "y": CHECK}, ["a.data -> f.in", "a.data -> y.in"])
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(len(re.findall(r"f\[\d\]: died: exit code 4", done.stderr)), 5, done.stderr)
        self.assertIn("error f[6]: failed: exit code 4", done.stderr)
        self.assertIn("its restarts are used up: 5 of 5", done.stderr)
        self.assertIn("a.data -> y.in: published=200 released=200\n", done.stderr)

    def test_the_exit_status_says_whether_it_starts_again(self):
        """R-SUP-004"""
        for code, lives in ((75, 2), (78, 1), (125, 1)):
            with self.subTest(code=code):
                text = self.run_chain(faulty("exit", lives=1, at=50, code=code), status=0 if lives == 2 else 1)
                self.assertEqual(self.lives(text, "f"), lives)

    def test_a_frame_that_kills_is_skipped_after_three_deaths(self):
        """R-SUP-007 R-STEP-015"""
        text = self.run_chain(faulty("segv", more="restart: {delay: 1ms}", at=50), sink="exec: [check-sink]")
        self.assertRegex(text, r"seq 51 of a\.data -> f\.in is skipped: 3 deaths with it in work")
        self.assertRegex(text, r"a\.data -> f\.in: published=200 released=199 poisoned=1 redelivered=\d\n")
        self.assertEqual(self.lives(text, "f"), 4)

    def test_a_crash_can_skip_the_frame_at_once(self):
        """R-SUP-015"""
        text = self.run_chain(faulty("segv", more="restart: {delay: 1ms}, on_crash: {frame: skip}", at=50),
                              sink="exec: [check-sink]")
        self.assertIn("seq 51 of a.data -> f.in is skipped: 1 death with it in work", text)
        self.assertEqual(self.lives(text, "f"), 2)

    def letters(self):
        """Head and payload of each file in the folder of dead letters, oldest first."""
        found = []
        for path in sorted((self.graph.folder / "letters").iterdir()):
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
            head, payload = path.read_bytes().split(b"\n\n", 1)
            found.append((dict(line.split(": ", 1) for line in head.decode().splitlines()), payload))
        return found

    def write_poison(self, head, **config):
        middle = faulty("segv", more="restart: {max: unlimited, delay: 1ms}", **config)
        sink = f"exec: [file-sink], config: {{path: all}}, sandbox: {{tier: {TIER}, write: [all]}}"
        self.graph.write({"a": "exec: [test-source], config: {frames: 100, rate: 1000, size: 5000}",
                          "y": sink, "f": middle, "z": "exec: [check-sink]"},
                         ["a.data -> y.in", "a.data -> f.in", "f.out -> z.in"], head)
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr, (self.graph.folder / "all").read_bytes()

    def test_the_payload_of_a_skipped_frame_is_kept(self):
        """R-SUP-044"""
        text, everything = self.write_poison("dead_letters: {dir: letters}", at=50)
        (head, payload), = self.letters()
        self.assertEqual(payload, everything[50 * 5000:51 * 5000])
        wanted = {"streambroker-letter": "1", "node": "f", "to": "f.in", "seq": "51", "deaths": "3", "number": "50",
                  "reason": SEGV, "format": "binary", "payload-bytes": "5000"}
        self.assertEqual({key: head[key] for key in wanted}, wanted)
        self.assertIn("a.data -> f.in: published=100 released=99 poisoned=1", text)
        self.assertIn("f.out -> z.in: published=99 released=99\n", text)

    def test_the_folder_of_dead_letters_is_bounded(self):
        """R-SUP-045"""
        text, everything = self.write_poison("dead_letters: {dir: letters, max: 12KiB}", every=20)
        self.assertIn("poisoned=5", text)
        self.assertEqual([head["number"] for head, _ in self.letters()], ["79", "99"])
        self.assertEqual([payload for _, payload in self.letters()],
                         [everything[n * 5000:(n + 1) * 5000] for n in (79, 99)])
        self.assertEqual(len(list((self.graph.folder / "letters").glob(".*"))), 0)

    def test_a_letter_that_cannot_be_kept_holds_up_nobody(self):
        """R-SUP-045"""
        text, _ = self.write_poison("dead_letters: {dir: /proc/letters}", at=50)
        self.assertRegex(text, r"warning f\[3\]: the payload of seq 51 of a\.data -> f\.in is not kept: "
                               r".*letters: No such file or directory")
        self.assertIn("f.out -> z.in: published=99 released=99\n", text)

    def test_where_everything_is_poison_the_budget_ends_it(self):
        """R-SUP-046"""
        text = self.run_chain(faulty("segv", more="restart: {max: 5, delay: 1ms}", every=1), status=1,
                              sink="exec: [check-sink]")
        self.assertIn("its restarts are used up", text)
        self.assertLessEqual(self.lives(text, "f"), 9)

    def test_a_frame_that_dies_with_its_reader_on_an_evicting_link_is_counted(self):
        """R-SUP-054 R-DATA-008"""
        middle = faulty("exit", more="restart: {delay: 0s}", lives=1, at=50)
        self.graph.write({"a": source(200), "f": middle, "z": "exec: [check-sink]"},
                         ["{from: a.data, to: f.in, delivery: ordered, depth: 64}", "f.out -> z.in"])
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("link a.data -> f.in: published=200 released=199 lost=1\n", done.stderr)
        self.assertIn("link f.out -> z.in: published=199 released=199\n", done.stderr)

    def test_a_filter_killed_at_random_loses_and_repeats_nothing(self):
        """R-SUP-016 R-DATA-024 R-STEP-014"""
        self.graph.write({"a": source(30000, 10000), "f": f"exec: [pass], {AGAIN}", "z": CHECK},
                         ["a.data -> f.in", "f.out -> z.in"])
        text = self.kill_often("f", 40)
        for link in ("a.data -> f.in", "f.out -> z.in"):
            self.assertRegex(text, rf"link {link}: published=30000 released=30000( redelivered=\d+)?\n")
        self.assertEqual([self.lives(text, node) for node in "az"], [1, 1])

    def test_pairs_of_a_join_never_shift(self):
        """R-SUP-017"""
        self.graph.write({"a": source(30000, 10000), "p": "exec: [pass]", "j": f"exec: [{JOINER}], {AGAIN}",
                          "y": CHECK, "z": CHECK},
                         ["a.data -> j.in_0", "a.data -> p.in", "p.out -> j.in_1", "j.out_0 -> y.in",
                          "j.out_1 -> z.in"])
        text = self.kill_often("j", 40)
        for link in ("j.out_0 -> y.in", "j.out_1 -> z.in"):
            self.assertRegex(text, rf"link {link}: published=30000 released=30000\n")

    def test_a_producer_killed_at_random_loses_nothing_that_it_published(self):
        """R-SUP-018 R-DATA-025"""
        self.graph.write({"a": f"{source(0, 10000)}, {AGAIN}", "f": "exec: [pass]", "z": CHECK},
                         ["a.data -> f.in", "f.out -> z.in"])
        text = self.kill_often("a", 40, stop=True)
        published = re.search(r"link a\.data -> f\.in: published=(\d+) released=\1\n", text)
        self.assertTrue(published, text)
        self.assertIn(f"link f.out -> z.in: published={published[1]} released={published[1]}\n", text)

    def kill_often(self, victim, kills, stop=False):
        """Kills each life of a node a moment after it began to run, `kills` times."""
        running = self.start("-v")
        pids, done = {}, 0
        for line in running.process.stderr:
            running.lines.append(line)
            found = re.search(rf"{victim}\[(\d+)\]: (process pid=(\d+)|ready -> running)", line)
            if not found or done == kills:
                continue
            pids.setdefault(found[1], []).append(found[3])
            if len(pids[found[1]]) == 2:
                let_pass(0.003 * (done % 7))
                os.kill(int(next(pid for pid in pids[found[1]] if pid)), signal.SIGKILL)
                done += 1
                if done == kills and stop:
                    running.expect(f"{victim}[{kills + 1}]: ready -> running")
                    running.signal()
        self.assertEqual(running.wait(), 0, running.text()[-3000:])
        self.assertEqual(done, kills)
        return running.text()

    def write_join(self, head=""):
        self.graph.write({"a": "exec: [test-source], config: {frames: 300, size: 4096}",
                          "d": "exec: [delay], config: {frames: 40}",
                          "j": f"exec: [{JOINER}], activate: all", "y": CHECK},
                         ["a.data -> j.in_0", "a.data -> d.in", "d.out -> j.in_1", "j.out_0 -> y.in"], head)

    def test_a_join_that_waits_for_itself_gets_a_longer_link(self):
        """R-SUP-022 R-DATA-031"""
        self.write_join()
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        pattern = r"warning: link (.*): its depth grows from 16 to \d+, because nodes wait for each other"
        grown = re.findall(pattern, done.stderr)
        self.assertEqual(grown, ["a.data -> j.in_0"], done.stderr)
        self.assertIn("a.data -> j.in_0: published=300 released=300\n", done.stderr)
        self.assertNotIn("died", done.stderr)

    def test_who_only_waits_behind_a_circle_gets_no_longer_link(self):
        """R-SUP-083"""
        self.graph.write({"s": "exec: [test-source], config: {frames: 300, size: 4096}", "m": "exec: [pass]",
                          "d": "exec: [delay], config: {frames: 40}", "j": f"exec: [{JOINER}], activate: all",
                          "y": CHECK},
                         ["{from: s.data, to: m.in, depth: 2}", "m.out -> j.in_0", "m.out -> d.in",
                          "d.out -> j.in_1", "j.out_0 -> y.in"])
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        grown = re.findall(r"warning: link (.*): its depth grows from .* wait for each other: (.*)", done.stderr)
        self.assertEqual(grown, [("m.out -> j.in_0", "m waits for space on m.out -> j.in_0, d waits for frames on "
                                                     "m.out -> d.in, j waits for frames on d.out -> j.in_1")])
        self.assertIn("s.data -> m.in: published=300 released=300\n", done.stderr)

    def write_short_join(self, size, head=""):
        patient = "timeouts: {stop: 20s}"
        self.graph.write({"m": f"exec: [test-source], config: {{rate: 1000, size: {size}}}, {patient}",
                          "d": f"exec: [delay], config: {{frames: 4}}, {patient}",
                          "j": f"exec: [{JOINER}], activate: all, {patient}", "y": f"exec: [null-sink], {patient}"},
                         ["{from: m.data, to: d.in, depth: 66}", "{from: m.data, to: j.in_0, depth: 1}",
                          "{from: d.out, to: j.in_1, depth: 1}", "j.out_0 -> y.in"], head)

    def stop_short_join(self, pause, size, head=""):
        """Stops it when the circle is there, and mostly before the broker has seen it."""
        self.write_short_join(size, head)
        running = self.start("-v")
        running.expect("the graph runs")
        let_pass(pause)
        begun = time.monotonic()
        running.signal()
        status = running.wait()
        self.assertLess(time.monotonic() - begun, 10, running.text())
        return status, running.text()

    def test_a_circle_is_opened_while_the_graph_drains(self):
        """R-SUP-085 R-SUP-022"""
        for pause in (0.01, 0.02, 0.04, 0.08):
            with self.subTest(pause=pause):
                status, text = self.stop_short_join(pause, 64)
                self.assertEqual(status, 0, text)
                self.assertNotIn("lost", text)

    def test_a_circle_that_cannot_be_opened_ends_the_drain(self):
        """R-SUP-085 R-SUP-023"""
        found = []
        for pause in (0.01, 0.02, 0.04, 0.5):
            status, text = self.stop_short_join(pause, 4096, "limits: {shared_memory: 1100KiB}")
            named = re.findall(r"error: nodes wait for each other: (.*?); no link can grow", text)
            self.assertEqual(status, len(named), text)
            found += named
        self.assertEqual(set(found), {"d waits for frames on m.data -> d.in, m waits for space on m.data -> j.in_0, "
                                      "j waits for frames on d.out -> j.in_1"})

    def test_a_join_that_cannot_grow_stops_the_graph_and_names_the_circle(self):
        """R-SUP-023 R-DATA-031"""
        self.write_join("limits: {shared_memory: 1200KiB}")
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("error: nodes wait for each other: a waits for space on a.data -> j.in_0, "
                      "d waits for frames on a.data -> d.in, j waits for frames on d.out -> j.in_1", done.stderr)

    def test_a_process_that_cannot_be_killed_is_left_behind(self):
        """R-SUP-031"""
        freezer = pathlib.Path("/sys/fs/cgroup/freezer")
        if os.geteuid() != 0 or not os.access(freezer / "cgroup.procs", os.W_OK):
            self.skipTest("no freezer of cgroup v1 here that could keep a process from dying")
        cell = freezer / f"sb-test-{os.getpid()}"
        cell.mkdir()
        self.addCleanup(lambda: wait_until(lambda: self.is_removed(cell), "the freezer's cell is empty"))
        self.addCleanup((cell / "freezer.state").write_text, "THAWED")
        self.graph.write({"a": source(0, 100), "f": f"exec: [pass], {AGAIN}, {SHORT}", "z": CHECK},
                         ["a.data -> f.in", "f.out -> z.in"])
        running = self.start("-v")
        pid = int(running.expect("f[1]: process pid=").rsplit("=", 1)[1])
        running.expect("f[1]: ready -> running")
        (cell / "cgroup.procs").write_text(str(pid))
        (cell / "freezer.state").write_text("FROZEN")
        running.expect("f[1]: its process", "does not end although it was killed", "detached=1")
        running.expect("f[2]: ready -> running")
        (cell / "freezer.state").write_text("THAWED")
        running.expect("f[1]: its process", "that was left behind has ended detached=0")
        running.signal()
        self.assertEqual(running.wait(), 0, running.text())

    @staticmethod
    def is_removed(cell):
        try:
            cell.rmdir()
        except OSError:
            return False
        return True

    def test_a_broker_killed_at_any_moment_leaves_nobody(self):
        """R-SUP-032"""
        self.graph.write({"a": source(0, 1000), "f": "exec: [pass]", "z": CHECK}, ["a.data -> f.in", "f.out -> z.in"])
        for moment_ms in range(0, 50, 4 if os.environ.get("SB_SLOW") is None else 1):
            running = self.start("-q")
            let_pass(moment_ms / 1000)
            below = children(running.process.pid)
            running.process.kill()
            running.process.wait()
            wait_until(lambda: not [pid for pid in below if is_running(pid)],
                       f"every process below a broker that was killed after {moment_ms} ms is gone", 2)
            wait_until(lambda: not processes_in(self.graph.folder), "nothing is left behind", 2)

    def test_a_launcher_killed_at_any_moment_is_70_and_leaves_nobody(self):
        """R-SUP-033 R-EXIT-007"""
        self.graph.write({"a": source(0, 1000), "f": "exec: [pass]", "z": CHECK}, ["a.data -> f.in", "f.out -> z.in"])
        for moment_ms in range(0, 40, 5):
            running = self.start("-v")
            running.expect("a[1]: created -> starting")
            let_pass(moment_ms / 1000)
            launcher = min(children(running.process.pid))
            os.kill(launcher, signal.SIGKILL)
            self.assertEqual(running.wait(), 70, running.text())
            self.assertIn("the launcher is gone", running.text())
            wait_until(lambda: not processes_in(self.graph.folder), "nothing is left behind", 2)

    def test_a_stop_ends_a_source_that_waits_for_its_restart(self):
        """R-SUP-019"""
        self.graph.write({"a": f"{source(0, 100)}, restart: {{delay: 20s}}", "z": CHECK}, ["a.data -> z.in"])
        running = self.start("-v")
        pid = int(running.expect("a[1]: process pid=").rsplit("=", 1)[1])
        running.expect("a[1]: ready -> running")
        os.kill(pid, signal.SIGKILL)
        running.expect("a[1]: running -> backing-off")
        running.signal()
        running.wait()
        self.assertIn("a[1]: backing-off -> failed (the graph ends)", running.text())
        self.assertNotIn("a[2]", running.text())

    def test_a_stop_begins_the_next_life_of_a_node_that_owes_frames_at_once(self):
        """R-SUP-055"""
        middle = faulty("exit", more="restart: {delay: 20s}", lives=1, at=5)
        self.graph.write({"a": source(0, 200), "f": middle, "z": CHECK}, ["a.data -> f.in", "f.out -> z.in"])
        running = self.start("-v")
        running.expect("f[1]: running -> backing-off")
        let_pass(0.05)
        begun = time.monotonic()
        running.signal()
        self.assertEqual(running.wait(), 0, running.text())
        self.assertLess(time.monotonic() - begun, 3)
        for link in (r"a\.data -> f\.in", r"f\.out -> z\.in"):
            self.assertRegex(running.text(), rf"link {link}: published=(\d+) released=\1( redelivered=1)?\n")
        self.assertEqual(self.lives(running.text(), "f"), 2)

    def test_one_that_stands_still_while_the_graph_drains_is_found(self):
        """R-SUP-084 R-SUP-055"""
        patient = "timeouts: {process: 400ms, stop: 20s}"
        self.graph.write({"a": f"{source(0)}, {patient}", "f": f"exec: [pass], {AGAIN}, {patient}",
                          "z": f"{CHECK}, {patient}"}, ["a.data -> f.in", "f.out -> z.in"])
        running = self.start("-v")
        pid = int(running.expect("f[1]: process pid=").rsplit("=", 1)[1])
        running.expect("z[1]: ready -> running")
        let_pass(0.2)
        os.kill(pid, signal.SIGSTOP)
        let_pass(0.1)
        begun = time.monotonic()
        running.signal()
        self.assertEqual(running.wait(), 0, running.text())
        self.assertLess(time.monotonic() - begun, 10)
        self.assertIn("f[1]: died: process deadline of 400ms passed", running.text())
        for link in (r"a\.data -> f\.in", r"f\.out -> z\.in"):
            self.assertRegex(running.text(), rf"link {link}: published=(\d+) released=\1( redelivered=\d+)?\n")

    def test_a_stall_in_the_drain_can_detach_instead(self):
        """R-SUP-084 R-SUP-012"""
        patient = "timeouts: {process: 1s, stop: 20s}"
        middle = faulty("hang", more=f"on_stall: detach, {patient}", at=50)
        self.graph.write({"a": f"{source(0)}, {patient}", "f": middle, "z": f"{CHECK}, {patient}"},
                         ["a.data -> f.in", "f.out -> z.in"])
        running = self.start("-v")
        running.expect("z[1]: ready -> running")
        let_pass(0.3)
        running.signal()
        self.assertEqual(running.wait(), 1, running.text())
        self.assertIn("error f[1]: failed: process deadline of 1s passed inside step", running.text())
        self.assertEqual(self.lives(running.text(), "f"), 1)

    def test_state_event_and_status_agree_on_one_that_misses_the_stop_deadline(self):
        """R-SUP-086 R-EXIT-011"""
        late = "timeouts: {process: 60s, stop: 500ms}"
        for victim, status, end in (("a", 0, r"a\[1\]: stopped \(stop deadline of 500ms passed, and it owed nothing\)"),
                                    ("z", 1, r"error z\[1\]: failed: stop deadline of 500ms passed")):
            with self.subTest(victim=victim):
                self.graph.write({"a": f"{source(0, 20)}, {late}", "z": f"{CHECK}, {late}"}, ["a.data -> z.in"])
                running = self.start("-v")
                pid = int(running.expect(f"{victim}[1]: process pid=").rsplit("=", 1)[1])
                running.expect("the graph runs")
                let_pass(0.2)
                os.kill(pid, signal.SIGSTOP)
                running.signal()
                self.assertEqual(running.wait(), status, running.text())
                self.assertRegex(running.text(), end)
                state = "finished" if status == 0 else "failed"
                self.assertIn(f"{victim}[1]: stopping -> {state}", running.text())

    def test_the_last_crash_while_the_graph_drains_ends_it_with_1(self):
        """R-SUP-055"""
        middle = faulty("exit", more="restart: {delay: 20s, max: 1}", at=5)
        self.graph.write({"a": source(0, 200), "f": middle, "z": CHECK}, ["a.data -> f.in", "f.out -> z.in"])
        running = self.start("-v")
        running.expect("f[1]: running -> backing-off")
        running.signal()
        self.assertEqual(running.wait(), 1, running.text())
        self.assertRegex(running.text(), r"error: link a\.data -> f\.in: \d+ frames were lost on a lossless link")
        self.assertEqual(self.lives(running.text(), "f"), 2)

    def test_only_the_one_that_is_stuck_is_late_for_a_stop(self):
        """R-SUP-051"""
        late = "timeouts: {process: 60s, stop: 500ms}"
        self.graph.write({"a": f"{source(0, 1000)}, {late}", "f": faulty("hang", more=late, at=50),
                          "g": f"exec: [pass], {late}", "z": f"{CHECK}, {late}"},
                         ["a.data -> f.in", "f.out -> g.in", "g.out -> z.in"])
        running = self.start("-v")
        running.expect("z[1]: ready -> running")
        let_pass(0.2)
        running.signal()
        running.wait()
        text = running.text()
        self.assertIn("error f[1]: failed: stop deadline of 500ms passed", text)
        self.assertIn("g[1]: stopped (ended while it waited for f)", text)
        self.assertIn("z[1]: stopped (ended while it waited for g)", text)
        self.assertEqual(len(re.findall(r"stop deadline", text)), 2, text)  # killed, failed

    def test_a_broker_that_was_stopped_kills_nobody(self):
        """R-SUP-020"""
        self.graph.write({"a": f"{source(0, 1000)}, {SHORT}", "f": f"exec: [pass], {SHORT}",
                          "z": f"{CHECK}, {SHORT}"},
                         ["a.data -> f.in", "f.out -> z.in"])
        running = self.start("-v")
        running.expect("z[1]: ready -> running")
        running.signal(signal.SIGSTOP)
        let_pass(3 * LIMIT)
        running.signal(signal.SIGCONT)
        let_pass(2 * LIMIT)
        running.signal()
        self.assertEqual(running.wait(), 0, running.text())
        self.assertNotIn("deadline", running.text())

    def test_idle_and_slow_workers_are_healthy(self):
        """R-SUP-021"""
        self.graph.write({"a": source(4, 2), "f": f"exec: [pass], {SHORT}",
                          "z": f"exec: [check-sink], config: {{work: 300ms}}, {SHORT}"},
                         ["a.data -> f.in", "f.out -> z.in"])
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("deadline", done.stderr)


if __name__ == "__main__":
    skip_without_walls()
    if not FAULTY.exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    unittest.main()
