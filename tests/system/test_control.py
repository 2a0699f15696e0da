# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""The control socket of real brokers: where it is, who may use it, and what the verbs answer."""
import os
import pathlib
import signal
import stat
import sys
import unittest

from control_client import Client, socket_of
from graph_case import GraphCase
from graphs import BUILD
from live_graph import connected
from waiting import wait_until

ENDLESS = {"a": "exec: [test-source], config: {rate: 200}", "b": "exec: [null-sink]"}
LINK = ["a.data -> b.in"]
NOBODY = 65534


class Control(GraphCase):
    def start(self, *options, nodes=None, links=LINK):
        if nodes is not None or not (self.graph.folder / "graph.yaml").exists():
            self.graph.write(nodes or ENDLESS, links)
        running = self.graph.start("-v", *options)
        self.addCleanup(running.close)
        return running

    def client(self, path=None):
        path = path or socket_of()
        client = wait_until(lambda: path.exists() and connected(path), f"nobody listens at {path}")
        self.addCleanup(client.close)
        return client

    def running_client(self, *options, **others):
        running = self.start(*options, **others)
        client = self.client()
        wait_until(lambda: client.call("status").json["state"] == "running", "the graph does not run")
        return running, client

    def test_the_socket_is_for_its_user_and_goes_with_the_broker(self):
        """R-CTL-001 R-CLI-008"""
        running = self.start()
        client = self.client()
        path = socket_of()
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(path.parent.stat().st_mode), 0o700)
        self.assertEqual((client.graph, client.pid), ("graph", running.process.pid))
        running.signal()
        self.assertEqual(running.wait(), 0, running.text())
        self.assertFalse(path.exists())

    def test_a_second_broker_of_the_name_ends_with_69_and_the_pid_of_the_first(self):
        """R-CLI-007 R-EXIT-006"""
        running = self.start()
        self.client()
        done = self.graph.run()
        self.assertEqual(done.returncode, 69, done.stderr)
        self.assertIn(f"pid {running.process.pid}", done.stderr)
        other = self.start("--socket", str(self.graph.folder / "other.sock"))
        # The folder of graphs may be read by others, but not written.
        self.assertEqual(self.client(self.graph.folder / "other.sock").pid, other.process.pid)

    def test_the_socket_of_a_broker_that_was_killed_is_replaced(self):
        """R-CLI-007"""
        first = self.start()
        self.client()
        first.process.kill()
        second = self.start()
        second.expect("b[1]: ready -> running")
        self.assertEqual(self.client().pid, second.process.pid)

    def test_a_folder_that_others_can_write_is_refused_with_77(self):
        """R-CLI-008"""
        self.graph.write(ENDLESS, LINK)
        open_folder = self.graph.folder / "open"
        open_folder.mkdir()
        open_folder.chmod(0o777)
        done = self.graph.run("--socket", str(open_folder / "x.sock"))
        self.assertEqual(done.returncode, 77, done.stderr)
        self.assertIn("others can write", done.stderr)
        self.assertEqual(list(open_folder.iterdir()), [])

    @unittest.skipIf(os.geteuid() != 0, "only root can be another user")
    def test_another_user_is_not_let_in(self):
        """R-CTL-002"""
        path = self.graph.folder / "x.sock"
        running = self.start("--socket", str(path))
        client = self.client(path)
        # Even where the file would let it in.
        path.chmod(0o666)
        pid = os.fork()
        if pid == 0:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            try:
                Client(path)
            except (OSError, IndexError, AssertionError, Exception):  # closed without a word
                os._exit(0)
            os._exit(1)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        self.assertEqual(client.call("status").json["control"]["refused"], 1)
        running.signal()
        self.assertEqual(running.wait(), 0, running.text())

    def test_an_unknown_verb_and_wrong_fields_are_answered_with_2_and_a_hint(self):
        """R-CTL-003"""
        client = self.running_client()[1]
        for verb, fields, words in (("statu", {}, "did you mean 'status'?"),
                                    ("status", {"nodes": "a"}, "status has no field 'nodes'"),
                                    ("events", {"follow": "yes"}, "'true' or left out"),
                                    ("events", {"follow": ["true", "true"]}, "comes twice")):
            answer = client.call(verb, **fields)
            self.assertEqual((answer.code, answer.documents), (2, []))
            self.assertIn(words, answer.error)

    def test_status_tells_the_graph_and_how_late_the_loop_was(self):
        """R-CTL-004"""
        running, client = self.running_client()
        status = client.call("status").json
        self.assertEqual((status["graph"], status["pid"]), ("graph", running.process.pid))
        self.assertEqual((status["nodes"], status["links"], status["exit_status"]), (2, 1, 0))
        wait_until(lambda: client.call("status").json["loop_lateness"]["count"] > 3, "no timer fires")

    def test_start_starts_what_was_loaded_with_idle(self):
        """R-CLI-017"""
        running = self.start("--idle")
        client = self.client()
        self.assertEqual(client.call("status").json["state"], "idle")
        self.assertEqual(client.call("start").code, 0)
        self.assertEqual(client.call("start").code, 0)
        running.expect("b[1]: ready -> running")

    def test_stop_drains_and_answers_when_the_graph_has_ended(self):
        """R-CTL-006"""
        running, client = self.running_client()
        answer = client.call("stop")
        self.assertEqual((answer.code, answer.json), (0, {"exit_status": 0}))
        self.assertEqual(running.wait(), 0, running.text())
        self.assertIn("a[1]: stopped (exit code 0)", running.text())

    def test_several_readers_of_events_get_the_same_in_the_same_order(self):
        """R-CTL-005"""
        nodes = {"a": "exec: [test-source], config: {rate: 200}, restart: {delay: 10ms, max: 20}",
                 "b": "exec: [null-sink]"}
        running, client = self.running_client(nodes=nodes)
        readers = [self.client() for _ in range(3)]
        for reader in readers:
            reader.ask("events", follow="true")
        wait_until(lambda: client.call("status").json["control"]["requests"] > 3, "the requests")
        wait_until(lambda: len(running_pids(running, "test-source")) == 1, "no process")
        os.kill(running_pids(running, "test-source")[0], signal.SIGKILL)
        seen = []
        for reader in readers:
            events = [reader.next()[1]]
            while events[-1]["event"] != "node-running":
                events.append(reader.next()[1])
            seen.append(events)
        self.assertEqual([event["serial"] for event in seen[0]], [event["serial"] for event in seen[1]])
        died = next(event for event in seen[0] if event["event"] == "node-restarting")
        self.assertEqual((died["node"], died["generation"]), ("a", 1))
        self.assertEqual(seen[0][0]["event"], "node-restarting")
        kept = client.call("events").documents
        self.assertEqual([event["serial"] for event in kept], list(range(1, len(kept) + 1)))

    def test_events_and_lines_come_to_their_end_where_nothing_happens_meanwhile(self):
        """R-CTL-023: more of them than one turn of a client, from a graph that only waits"""
        self.start("--idle", nodes={"a": "exec: [test-source]"}, links=[])
        client = self.client()
        for number in range(10):
            self.assertEqual(client.call("add", node=f"b{number}", exec=["test-source"]).code, 0)
        for verb in ("events", "logs"):
            for _ in range(3):
                self.assertGreater(len(client.call(verb).documents), 16, verb)

    def test_the_table_of_verbs_is_what_the_documentation_lists(self):
        client = self.running_client()[1]
        text = (pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "docs/control.md").read_text()
        for verb in client.call("verbs").json:
            fields = f"`{verb['fields']}`" if verb["fields"] else ""
            self.assertIn(f"| `{verb['verb']}` | {fields} | {verb['text']} |", text)


def running_pids(running, name):
    """Processes below a broker with this program name."""
    from graphs import children
    found = []
    for pid in children(running.process.pid):
        try:
            if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == name[:15]:
                found.append(pid)
        except FileNotFoundError:
            pass
    return found


if __name__ == "__main__":
    if not (BUILD / "libexec/streambroker/null-sink").exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    unittest.main()
