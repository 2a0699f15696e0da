# SPDX-License-Identifier: Apache-2.0
# test: timeout=240
"""What the graph says about deaths, deadlines and changes is what happens, and nobody else notices."""
import os
import pathlib
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graphs import children
from harness.listening import SINK, SOURCE, Listening, faulty
from harness.waiting import let_pass, wait_until

# Sees every signal that can be ignored, and has a child in a session of its own that does so too.
DEAF = '''
import signal
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    os.fork()
    print("deaf", flush=True)
    forever()
connect()
send(OPENED)
forever()
'''


class Policies(Listening):
    def pid(self, name):
        return self.node(name)["pid"]

    def kill(self, name, number=signal.SIGKILL):
        os.kill(self.pid(name), number)

    def until_running(self, *names):
        wait_until(lambda: all(self.node(name)["state"] == "running" for name in names), f"{names} do not run")

    def test_a_death_means_what_the_graph_says_and_the_node_is_named(self):
        """R-SUP-069"""
        rules = {"isolate": ("restart: {when: never}", 1), "again": ("restart: {when: on-failure, delay: 1ms}", 0),
                 "end": ("restart: {max: 0, then: stop-graph}", 1)}
        for rule, (restart, status) in rules.items():
            with self.subTest(rule=rule):
                self.seen = []
                self.start({"a": SOURCE, "b": f"{SINK}, {restart}", "c": SINK}, ["a.data -> b.in", "a.data -> c.in"])
                self.until_running("a", "b", "c")
                before = [self.pid(name) for name in "ac"]
                self.kill("b")
                if rule == "end":
                    self.assertEqual(self.running.wait(), status)
                    self.assertRegex(self.running.text(), r"b\[1\]: the graph stops, as its restart\.then says")
                    self.hear_rest()
                    self.assertEqual(self.ends()["b"], ["node-failed"])
                    continue
                found = self.hear("node-failed" if rule == "isolate" else "node-running", node="b")
                self.assertEqual(found["generation"], 1 if rule == "isolate" else 2)
                passed = self.link("a.data -> c.in")["published"]
                wait_until(lambda: self.link("a.data -> c.in")["published"] > passed + 50, "c gets nothing more")
                self.assertEqual([self.pid(name) for name in "ac"], before)
                self.assertEqual(self.node("b")["restarts"], 0 if rule == "isolate" else 1)
                self.running.signal()
                self.assertEqual(self.running.wait(), status)

    def test_exit_code_signal_and_deadline_are_four_words_in_the_status(self):
        """R-SUP-071"""
        nodes = {"a": SOURCE, "good": "exec: [test-source], config: {frames: 5}", "code": faulty("exit", at=5, code=3),
                 "killed": faulty("none"), "late": faulty("hang", "timeouts: {process: 200ms}, restart: {when: never}",
                                                          at=5)}
        self.start(nodes, ["a.data -> code.in", "a.data -> killed.in", "a.data -> late.in"], "--keep")
        self.until_running("a", "killed")
        self.kill("killed")
        for name in ("good", "code", "killed", "late"):
            if name not in self.ends():
                self.hear("node-finished" if name == "good" else "node-failed", node=name)
        self.assertEqual([self.node(name)["last_reason"] for name in ("good", "code", "killed")],
                         ["exit code 0", "exit code 3", "signal 9 (SIGKILL)"])
        self.assertRegex(self.node("late")["last_reason"], "^process deadline of 200ms passed")
        for name in ("good", "code", "killed", "late"):
            self.assertEqual(self.node(name)["pid"], 0)

    def test_what_is_taken_away_is_gone_from_the_wanted_graph_at_once(self):
        """R-SUP-066"""
        slow = faulty("hang", "timeouts: {stop: 4s}", place="close")
        self.start({"a": SOURCE, "z": SINK, "s": SOURCE, "h": slow}, ["a.data -> z.in", "s.data -> h.in"])
        self.until_running("a", "z", "s", "h")
        before, hanging = [self.pid(name) for name in "azs"], self.pid("h")
        other = self.client()
        remover = threading.Thread(target=lambda: other.call("remove", node="h"))
        begun = time.monotonic()
        remover.start()
        wait_until(lambda: '"h"' not in str(self.ask("graph").documents).replace("'", '"'), "h is still wanted")
        self.assertTrue(pathlib.Path(f"/proc/{hanging}").exists())
        self.assertLess(time.monotonic() - begun, 3.5)
        again = self.client().call("remove", node="h")
        self.assertEqual(again.code, 66, again.documents)
        remover.join()
        wait_until(lambda: "h" not in {node["id"] for node in self.ask("nodes").json}, "h is still there")
        self.hear("node-stopped", node="h")
        self.assertEqual([self.pid(name) for name in "azs"], before)
        self.assertNotIn("s.data -> h.in", {link["link"] for link in self.ask("links").json})

    def test_after_a_stop_nothing_is_added_and_asking_again_is_harmless(self):
        """R-SUP-067"""
        self.start({"a": SOURCE, "z": faulty("hang", "timeouts: {stop: 1500ms}", place="close")}, ["a.data -> z.in"])
        self.until_running("a", "z")
        other = self.client()
        other.ask("stop")
        wait_until(lambda: self.ask("status").json["state"] == "ending", "nothing ends")
        for verb, fields in (("add", {"node": "y", "exec": ["check-sink"]}), ("remove", {"node": "a"}),
                             ("connect", {"from": "a.data", "to": "z.in"}), ("start", {})):
            self.assertNotEqual(self.ask(verb, **fields).code, 0, verb)
        self.asker.ask("stop")
        self.running.wait()
        self.hear_rest()
        self.assertEqual({name: len(found) for name, found in self.ends().items()}, {"a": 1, "z": 1})

    def test_fifty_workers_that_hang_leave_nothing(self):
        """R-SUP-068"""
        rule = "timeouts: {process: 100ms}, restart: {max: unlimited, delay: 0s}, on_crash: {poison_after: 1000}"
        self.start({"a": SOURCE, "h": faulty("hang", rule, at=20, lives=50), "z": SINK},
                   ["a.data -> h.in", "h.out -> z.in"])
        self.hear("node-running", node="h", generation=3)
        fds = len(os.listdir(f"/proc/{self.running.process.pid}/fd"))
        self.hear("node-running", node="h", generation=51)
        wait_until(lambda: self.link("h.out -> z.in")["released"] > 50, "nothing comes out")
        self.assertLessEqual(len(children(self.running.process.pid)), 4, "more than the launcher and a, h, z")
        self.assertLessEqual(len(os.listdir(f"/proc/{self.running.process.pid}/fd")), fds + 1)
        status = self.ask("status").json
        self.assertEqual(status["left_behind"], 0)
        self.assertGreaterEqual(min(self.node("h")["restarts"], self.node("h")["stalls"]), 50)
        self.running.signal()
        self.assertEqual(self.running.wait(), 0)

    def test_parameters_are_in_no_command_line_and_no_environment(self):
        """R-SUP-072"""
        self.start({"a": "exec: [test-source], config: {rate: 100}", "z": "exec: [file-sink], config: "
                    "{path: words-for-nobody.bin}"}, ["a.data -> z.in"])
        self.until_running("a", "z")
        for pid in [self.running.process.pid, *children(self.running.process.pid)]:
            for name in ("cmdline", "environ"):
                self.assertNotIn(b"words-for-nobody", pathlib.Path(f"/proc/{pid}/{name}").read_bytes())

    def test_loading_has_a_deadline_of_its_own_and_what_is_said_meanwhile_is_heard(self):
        """R-SUP-073"""
        self.graph.worker("load", "connect()\nprint('loading 1 of 3', flush=True)\nforever()")
        self.start({"m": "exec: [./load], optional: true, timeouts: {start: 3s, process: 50ms}"}, [])
        begun = time.monotonic()
        self.running.expect("m[1] stdout: loading 1 of 3")
        found = self.hear("node-failed", node="m")
        self.assertGreater(time.monotonic() - begun, 0.6)
        self.assertRegex(found["text"], "^failed: start deadline of 3s passed")

    def test_the_neighbours_of_a_worker_that_dies_or_stands_still_keep_their_rate(self):
        """R-SUP-074 R-SUP-011 R-DATA-015"""
        self.start({"a": SOURCE, "f": f"{SINK}, config: {{sequence: increasing}}, timeouts: {{process: 400ms}}, "
                    "restart: {max: unlimited, delay: 0s}", "y": SINK},
                   ["{from: a.data, to: f.in, delivery: ordered, depth: 4}", "a.data -> y.in"])
        self.until_running("a", "f", "y")
        before, begun = self.link("a.data -> y.in")["published"], time.monotonic()
        for life in range(2, 6):
            self.kill("f")
            self.hear("node-running", node="f", generation=life)
        self.kill("f", signal.SIGSTOP)
        self.hear("node-running", node="f", generation=6)
        let_pass(0.5)
        passed, link = time.monotonic() - begun, self.link("a.data -> y.in")
        self.assertGreater((link["published"] - before) / passed, 0.6 * 500)
        self.assertGreater(self.link("a.data -> f.in")["evicted"], 50)
        self.assertEqual((self.node("a")["generation"], self.node("y")["generation"]), (1, 1))
        self.running.signal()
        self.assertEqual(self.running.wait(), 0)
        self.assertRegex(self.running.text(), r"link a\.data -> y\.in: published=(\d+) released=\1\n")

    def test_every_client_has_the_same_calls_and_one_that_goes_changes_nothing(self):
        """R-SUP-075"""
        self.start({"a": SOURCE, "z": SINK}, ["a.data -> z.in"])
        self.until_running("a", "z")
        before = [self.pid(name) for name in "az"]
        clients = [self.client() for _ in range(4)]
        for client in clients:
            self.assertEqual(client.call("pause").code, 0)
            self.assertEqual(client.call("resume").code, 0)
        for client in clients[:2]:
            client.ask("wait", **{"for": "ended"})
            client.close()
        self.assertEqual(clients[2].call("status").json["state"], "running")
        self.assertEqual([self.pid(name) for name in "az"], before)
        self.assertEqual(clients[3].call("stop").json, {"exit_status": 0})
        self.assertEqual(self.running.wait(), 0)

    def test_a_queue_is_never_longer_than_its_depth_and_what_ended_holds_nothing(self):
        """R-SUP-076 R-SUP-061 R-SUP-060 R-SUP-065"""
        self.start({"a": "exec: [test-source], config: {frames: 120, rate: 1000}", "z": "exec: [check-sink], config: "
                    "{work: 5ms}", "s": SOURCE, "t": SINK}, ["{from: a.data, to: z.in, depth: 4}", "s.data -> t.in"])
        most = 0
        while "z" not in {node["id"] for node in self.ask("nodes").json if node["state"] == "finished"}:
            link = self.link("a.data -> z.in")
            self.assertLessEqual(link["filled"], link["depth"])
            kept = link["released"] + link["dropped"] + link["queued"] + link["held"]
            self.assertEqual(link["published"], kept)
            most = max(most, link["filled"])
        self.assertGreater(most, 0)
        link = self.link("a.data -> z.in")
        self.assertEqual([link[key] for key in ("filled", "queued", "held", "released")], [0, 0, 0, 120])
        self.assertEqual((self.node("z")["pid"], self.node("z")["counts"]["in"]), (0, 120))
        self.assertEqual(self.ask("remove", node="z").code, 0)
        self.assertNotIn("z", {node["id"] for node in self.ask("nodes").json})
        status = self.ask("status").json
        self.assertEqual((status["nodes"], status["nodes_max"], status["late_links"], status["evicted_untold"]),
                         (3, 256, 0, 0))
        ids = [node["id"] for node in self.ask("nodes").json]
        self.assertEqual(ids, sorted(ids))
        self.assertGreater(status["uptime_ns"], 0)

    def test_a_worker_that_ignores_signals_is_gone_with_all_that_it_forked(self):
        """R-SUP-078"""
        self.graph.worker("deaf", DEAF)
        self.start({"d": "exec: [./deaf], timeouts: {stop: 300ms}, optional: true", "a": SOURCE, "z": SINK},
                   ["a.data -> z.in"], "--keep")
        for _ in range(2):
            self.running.expect("d[1] stdout: deaf")
        # The graph waits for every node to become ready, and this one never is.
        deaf = [pid for pid in children(self.running.process.pid)
                if b"deaf" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]
        self.assertGreaterEqual(len(deaf), 2)
        self.running.signal()
        self.running.wait()
        wait_until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in deaf), "some are left", 2)
        self.hear_rest()
        self.assertEqual(len(self.ends()["d"]), 1)

    def test_an_event_has_a_level_and_one_about_the_graph_has_no_node(self):
        """R-SUP-040 R-SUP-079"""
        self.start({"a": SOURCE, "z": f"{SINK}, restart: {{delay: 1ms}}"}, ["a.data -> z.in"])
        self.until_running("a", "z")
        self.kill("z")
        died = self.hear("node-restarting", node="z")
        self.assertEqual((died["level"], died["count"], died["generation"]), ("warning", 1, 1))
        self.assertLess(abs(died["ts"] / 1e9 - time.time()), 20)
        self.assertEqual(self.ask("add", node="y", exec=["check-sink"], set=["sandbox=trusted"]).code, 0)
        self.assertNotIn("node", self.hear("change-done"))
        serials = [event["serial"] for event in self.seen]
        self.assertEqual(serials, list(range(serials[0], serials[0] + len(serials))))


if __name__ == "__main__":
    unittest.main()
