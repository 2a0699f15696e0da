# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""streamctl against running brokers: every verb that asks one, its documents, its tables, its exit status."""
import fcntl
import json
import os
import pathlib
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import unittest

from control_client import Client, socket_of
from graph_case import GraphCase
from graphs import BUILD, Graph
from waiting import wait_until

STREAMCTL = BUILD / "bin/streamctl"
NODES = {"a": "exec: [test-source], config: {rate: 500}", "b": "exec: [pass]", "c": "exec: [null-sink]"}
LINKS = ["a.data -> b.in", "b.out -> c.in"]


def streamctl(*words, limit_s=30):
    return subprocess.run([str(STREAMCTL), *words], capture_output=True, text=True, check=False, timeout=limit_s)


class LiveVerbs(GraphCase):
    def start(self, *options, nodes=None, links=LINKS, head=""):
        self.graph.write(nodes or NODES, links, head)
        running = self.graph.start("-v", *options)
        self.addCleanup(running.close)
        return running

    def started(self, *options, **others):
        running = self.start(*options, **others)
        self.assertEqual(streamctl("wait", "--timeout", "20s").returncode, 0)
        return running

    def documents(self, *words):
        done = streamctl(*words, "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_without_a_broker_every_verb_that_asks_one_ends_with_69(self):
        """R-EXIT-006"""
        for verb in ("status", "nodes", "links", "events", "logs", "start", "stop", "pause", "resume", "restart",
                     "top"):
            done = streamctl(verb)
            self.assertEqual((done.returncode, done.stdout), (69, ""), verb)
            self.assertIn("no broker of yours is running", done.stderr)
            self.assertEqual(streamctl("--graph", "nothing", verb).returncode, 69)
            self.assertEqual(streamctl(verb, "--socket", "/nowhere.sock").returncode, 69)

    def test_every_listing_is_one_document_with_json_and_a_table_without(self):
        """R-CLI-014 R-CTL-004 R-CTL-007"""
        running = self.started()
        status, = self.documents("status")
        self.assertEqual((status["graph"], status["state"], status["nodes"]), ("graph", "running", 3))
        nodes, = self.documents("nodes")
        self.assertEqual([node["id"] for node in nodes], ["a", "b", "c"])
        for node in nodes:
            self.assertEqual((node["state"], node["generation"], node["restarts"]), ("running", 1, 0))
            self.assertEqual(os.readlink(f"/proc/{node['pid']}/exe"), node["program"])
            self.assertGreater(node["memory_bytes"], 0)
        links, = self.documents("links")
        self.assertEqual([link["link"] for link in links], ["a.data -> b.in", "b.out -> c.in"])
        for link in links:
            kept = link["released"] + link["dropped"] + link["queued"] + link["held"]
            self.assertEqual(link["published"], kept)
        for verb, words in (("status", ["running"]), ("nodes", ["NODE", "a", "running"]), ("list", ["GRAPH"]),
                            ("links", ["LINK", "a.data -> b.in", "lossless"])):
            said = streamctl(verb).stdout
            for word in words:
                self.assertIn(word, said)
        brokers, = self.documents("list")
        self.assertEqual([(broker["graph"], broker["pid"]) for broker in brokers], [("graph", running.process.pid)])

    def test_one_node_is_picked_out_and_an_unknown_one_is_66(self):
        """R-CTL-007"""
        self.started()
        nodes, = self.documents("nodes", "b")
        self.assertEqual([node["id"] for node in nodes], ["b"])
        links, = self.documents("links", "c")
        self.assertEqual([link["to"] for link in links], ["c.in"])
        for verb in ("nodes", "links", "logs", "pause", "resume", "restart", "stop", "wait"):
            done = streamctl(verb, "bb")
            self.assertEqual(done.returncode, 66, verb)
            self.assertIn("there is no node 'bb'; did you mean 'b'?", done.stderr)

    def test_quiet_prints_ids_only(self):
        """R-CTL-008"""
        self.started()
        self.assertEqual(streamctl("nodes", "-q").stdout, "a\nb\nc\n")
        self.assertEqual(streamctl("links", "-q").stdout, "a.data -> b.in\nb.out -> c.in\n")
        self.assertEqual(streamctl("list", "-q").stdout, "graph\n")
        self.assertEqual(set(streamctl("graph", "-q").stdout.split()), {"a.data", "b.in", "b.out", "c.in"})
        self.assertLess({"pass", "blur", "null-sink"}, set(streamctl("processors", "-q").stdout.split()))

    def test_status_is_3_when_the_graph_does_not_run(self):
        """R-CLI-005 R-EXIT-014"""
        self.start("--idle")
        wait_until(lambda: streamctl("list", "-q").stdout, "no broker")
        done = streamctl("status")
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertIn("idle", done.stdout)
        for verb in ("pause", "resume", "restart"):
            self.assertEqual(streamctl(verb).returncode, 3, verb)
        self.assertEqual(streamctl("start").returncode, 0)
        self.assertEqual(streamctl("wait", "--timeout", "20s").returncode, 0)
        self.assertEqual(streamctl("status").returncode, 0)

    def test_wait_waits_for_the_broker_the_graph_and_its_end(self):
        """R-CTL-010 R-EXIT-015"""
        done = streamctl("wait", "--timeout", "100ms")
        self.assertEqual(done.returncode, 124, done.stderr)
        self.assertIn("not running after 100ms", done.stderr)
        running = self.started()
        done = streamctl("wait", "--for", "ended", "--timeout", "100ms")
        self.assertEqual(done.returncode, 124, done.stderr)
        waiting = subprocess.Popen([str(STREAMCTL), "wait", "--for", "ended"])
        self.assertEqual(streamctl("stop").returncode, 0)
        self.assertEqual(waiting.wait(timeout=20), 0)
        self.assertEqual(running.wait(), 0, running.text())
        # What has ended already has ended.
        self.assertEqual(streamctl("wait", "--for", "ended").returncode, 0)

    def test_two_graphs_are_told_apart_by_name(self):
        """R-CTL-011"""
        other = Graph()
        self.addCleanup(other.close)
        self.started()
        other.write(NODES, LINKS, "name: second")
        running = other.start()
        self.addCleanup(running.close)
        self.assertEqual(streamctl("wait", "--graph", "second", "--timeout", "20s").returncode, 0)
        done = streamctl("nodes")
        self.assertEqual(done.returncode, 2)
        self.assertIn("graph, second", done.stderr)
        self.assertEqual(streamctl("list", "-q").stdout, "graph\nsecond\n")
        self.assertEqual(streamctl("--graph", "second", "stop").returncode, 0)
        self.assertEqual(running.wait(), 0, running.text())
        self.assertEqual(json.loads(streamctl("status", "--json").stdout)["graph"], "graph")

    def test_a_broker_that_was_killed_is_not_listed(self):
        """R-CTL-011"""
        running = self.started()
        running.process.kill()
        running.process.wait()
        self.assertEqual(streamctl("list", "-q").stdout, "")

    def test_logs_are_those_of_the_broker_and_can_be_followed(self):
        """R-CTL-012"""
        self.started()
        lines = self.documents("logs")
        self.assertEqual([line["serial"] for line in lines], sorted({line["serial"] for line in lines}))
        self.assertTrue(any("ready -> running" in line["text"] for line in lines))
        self.assertEqual({line["node"] for line in self.documents("logs", "b")}, {"b"})
        follower = subprocess.Popen([str(STREAMCTL), "logs", "-f", "b"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(follower.stdout.close)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)
        self.assertEqual(streamctl("restart", "b").returncode, 0)
        for line in follower.stdout:
            if "left, and starts again" in line:
                break
        self.assertTrue(line.startswith("info b[1]: "), line)

    def test_top_measures_rates(self):
        """R-CTL-013"""
        self.started()
        measured, = self.documents("top", "--once", "--interval", "500ms")
        rates = {node["id"]: node["in_rate"] for node in measured["nodes"]}
        self.assertGreater(rates["b"], 50)
        self.assertLess(rates["b"], 5000)
        self.assertEqual([link["link"] for link in measured["links"]], LINKS)
        table = streamctl("top", "--once", "--interval", "100ms").stdout
        self.assertIn("graph: running", table)
        self.assertIn("IN/s", table)
        self.assertNotIn("\033", table)

    def test_top_tells_how_long_the_calls_of_a_node_take(self):
        """R-CTL-013 R-CTL-021"""
        nodes = {"a": "exec: [test-source], config: {rate: 50}", "c": "exec: [null-sink], config: {work: 4ms}"}
        self.started(nodes=nodes, links=["a.data -> c.in"])
        measured, = self.documents("top", "--once", "--interval", "1s")
        a, c = measured["nodes"]
        # The kind that 4 ms are of begins at 3.67 ms.
        self.assertGreaterEqual(c["p50_ns"], 3670016)
        self.assertGreaterEqual(c["p99_ns"], c["p50_ns"])
        self.assertGreater(c["busy_percent"], 5)
        self.assertLess(c["busy_percent"], 130)
        self.assertGreater(a["p99_ns"], 0)
        calls = self.documents("nodes", "c")[0][0]["calls"]
        self.assertLessEqual(calls["p50_ns"], calls["p90_ns"])
        self.assertLessEqual(calls["p99_ns"], calls["max_ns"])
        before = calls["busy_ns"]
        self.assertEqual(streamctl("restart", "c").returncode, 0)
        self.assertGreaterEqual(self.documents("nodes", "c")[0][0]["calls"]["busy_ns"], before)

    def test_top_draws_in_place_on_a_terminal_until_q(self):
        """R-CTL-022"""
        self.started()
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
        before = termios.tcgetattr(slave)
        shown = b""

        def read_until(word):
            nonlocal shown
            while word not in shown:
                ready, _, _ = select.select([master], [], [], 20)
                self.assertTrue(ready, f"no {word} in {shown}")
                shown += os.read(master, 65536)
        with subprocess.Popen([str(STREAMCTL), "top", "--interval", "50ms"], stdin=slave, stdout=slave,
                              stderr=slave, start_new_session=True) as running:
            self.addCleanup(running.kill)
            read_until(b"graph: running\x1b[K\r\n\x1b[K\r\nNODE")
            # Drawn over the page before: twice from the upper left, nothing scrolls.
            read_until(b"\x1b[J\x1b[H")
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 7, 20, 0, 0))
            running.send_signal(signal.SIGWINCH)
            shown = b""
            read_until(b"more lines)\x1b[K\r\n\x1b[J")
            page = shown[:shown.rindex(b"\x1b[J")].split(b"\x1b[H")[-1]
            lines = page.replace(b"\x1b[K", b"").split(b"\r\n")
            self.assertLess(len(lines), 8, page)
            self.assertLessEqual(max(map(len, lines)), 20, page)
            os.write(master, b"q")
            self.assertEqual(running.wait(timeout=20), 0)
        read_until(b"\x1b[?25h\x1b[?1049l")
        self.assertEqual(termios.tcgetattr(slave), before)
        os.close(slave)

    def test_stopping_one_node_leaves_the_others_running(self):
        """R-CTL-014"""
        nodes = {"a": NODES["a"], "b": NODES["b"], "c": NODES["c"], "d": "exec: [null-sink]"}
        running = self.started(nodes=nodes, links=[*LINKS, "a.data -> d.in"])
        self.assertEqual(streamctl("stop", "d").returncode, 0)
        self.assertEqual(streamctl("stop", "d").returncode, 0)
        nodes = {node["id"]: node for node in self.documents("nodes")[0]}
        states = {name: node["state"] for name, node in nodes.items()}
        self.assertEqual(states, {"a": "running", "b": "running", "c": "running", "d": "finished"})
        self.assertEqual(nodes["d"]["last_reason"], "stopped (exit code 0)")
        before = self.documents("nodes", "c")[0][0]["counts"]["in"]
        wait_until(lambda: self.documents("nodes", "c")[0][0]["counts"]["in"] > before + 10, "c stands still")
        self.assertEqual(streamctl("stop").returncode, 0)
        self.assertEqual(running.wait(), 0, running.text())

    def test_a_restart_gives_every_node_a_new_process_and_loses_nothing(self):
        """R-CTL-015"""
        nodes = {"a": "exec: [test-source], config: {rate: 2000}", "b": "exec: [pass]",
                 "c": "exec: [check-sink]"}
        running = self.started(nodes=nodes)
        pids = {node["id"]: node["pid"] for node in self.documents("nodes")[0]}
        self.assertEqual(streamctl("restart", "b").returncode, 0)
        self.assertEqual(streamctl("wait", "b", "--timeout", "20s").returncode, 0)
        self.assertEqual(streamctl("restart", "a").returncode, 0)
        self.assertEqual(streamctl("wait", "a", "--timeout", "20s").returncode, 0)
        after = {node["id"]: node for node in self.documents("nodes")[0]}
        self.assertNotIn(after["b"]["pid"], (pids["b"], 0))
        self.assertEqual(after["c"]["pid"], pids["c"])
        self.assertEqual((after["b"]["generation"], after["b"]["restarts"]), (2, 0))
        self.assertEqual(after["b"]["last_reason"], "a restart was asked for")
        self.assertEqual(streamctl("stop").returncode, 0)
        self.assertEqual(running.wait(), 0, running.text())
        self.assertIn('"missing": 0', running.text())

    def test_a_graph_is_changed_from_the_command_line(self):
        """R-CTL-020"""
        running = self.started()
        pids = {node["id"]: node["pid"] for node in self.documents("nodes")[0]}
        for words in (("add", "d", "null-sink", "sandbox=trusted", "restart.when=never"),
                      ("connect", "b.out", "d.in", "depth=8", "delivery=latest"),
                      ("link", "b.out", "d.in", "depth=16")):
            done = streamctl(*words)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""), words)
        self.assertEqual(streamctl("links", "-q", "d").stdout, "b.out -> d.in\n")
        self.assertIn("{from: b.out, to: d.in, depth: 16, delivery: latest}", streamctl("graph", "--yaml").stdout)
        self.assertIn("d: null-sink, trusted, running", streamctl("graph").stdout)
        self.assertTrue(streamctl("graph", "--dot").stdout.startswith("digraph"))
        self.assertEqual(len(self.documents("graph")[0]["nodes"]), 4)
        self.assertEqual(streamctl("disconnect", "b.out", "d.in").returncode, 0)
        self.assertEqual(streamctl("remove", "d").returncode, 0)
        self.assertEqual(streamctl("remove", "d").returncode, 66)
        after = {node["id"]: node["pid"] for node in self.documents("nodes")[0]}
        self.assertEqual(after, pids)
        self.assertEqual(streamctl("stop").returncode, 0)
        self.assertEqual(running.wait(), 0, running.text())

    def test_a_plan_changes_nothing_and_apply_does(self):
        """R-CTL-020"""
        self.started()
        text = (self.graph.folder / "graph.yaml").read_text()
        (self.graph.folder / "more.yaml").write_text(text.replace("c: {exec: [null-sink]", "c: {exec: [check-sink]")
                                                     .replace("version: 1", "version: 1\nname: graph"))
        # A path is meant as it is here, wherever the broker runs.
        done = subprocess.run([str(STREAMCTL), "plan", "more.yaml", "--json"], capture_output=True, text=True,
                              check=False, cwd=self.graph.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(json.loads(done.stdout)["steps"]), 1, done.stdout)
        self.assertEqual(self.documents("nodes", "c")[0][0]["generation"], 1)
        done = subprocess.run([str(STREAMCTL), "apply", "more.yaml"], capture_output=True, text=True, check=False,
                              cwd=self.graph.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(self.documents("nodes", "c")[0][0]["program"].endswith("/check-sink"))
        self.assertEqual(streamctl("apply", "/nowhere.yaml").returncode, 66)

    def test_a_plan_is_a_table_for_people(self):
        """R-LIVE-007"""
        self.started()
        more = self.graph.folder / "more.yaml"
        text = (self.graph.folder / "graph.yaml").read_text().replace("version: 1", "version: 1\nname: graph")
        more.write_text(text.replace("exec: [pass]", "exec: [pass], optional: true")
                        .replace("c: {exec: [null-sink]", "d: {exec: [null-sink]}\n  c: {exec: [check-sink]"))
        said = streamctl("plan", str(more))
        self.assertEqual((said.returncode, said.stderr), (0, ""))
        for line in ("graph: 2 steps", "start    d", "replace  c", "b   optional  false ", "frames at risk: 0"):
            self.assertIn(line, said.stdout)
        self.assertRegex(said.stdout, r"a\.data +\d+ +64B")
        self.assertRegex(said.stdout, r"a\.data -> b\.in +16 ")
        self.assertRegex(said.stdout, r"in all +- +- +[\d.]+KiB +[\d.]+KiB")

    def test_what_was_meant_is_said_for_every_wrong_argument(self):
        """R-CLI-018 R-GRAPH-003"""
        self.started()
        folder, program = str(self.graph.folder), str(self.graph.folder / "graph.yaml")
        for words, code, text in (
                (("add", "x", "/nowhere"), 78, "no processor '/nowhere' (there is no such file)"),
                (("add", "x", folder), 78, "(it is a folder)"),
                (("set", "b", "work"), 78, "'work' is no assignment; write key=value"),
                (("set", "b", "="), 78, "'=' is no assignment; write key=value"),
                (("set", "a", "size=128"), 78, "parameter 'size' of 'a' is fixed at its start; replace the node"),
                (("replace", "b", "pass", "nothing=2"), 78, "parameters of its processor go under config"),
                (("link", "a.data", "b.in", "depth=abc"), 78, "depth: 'abc' is not a number"),
                (("link", "a", "p", "depth=4"), 66, "there is no link a -> p; write node.port for both ends"),
                (("tap", "a"), 66, "'a' is a node; write one of its outputs: a.data"),
                (("tap", "a.audio"), 66, "'audio' is no output of 'a'; outputs: a.data"),
                (("tap", "c.x"), 66, "outputs: it has none"),
                (("nodes", "--grants"), 2, "write streamctl nodes NODE --grants"),
                (("describe", folder), 66, "is a folder; name a program"),
                (("describe", program), 66, "may not be executed"),
                (("describe", "nul-sink"), 66, "did you mean 'null-sink'?"),
                (("describe", "./nothing"), 66, "there is no file './nothing'"),
                (("--socket", program, "status"), 69, "is no socket; write the path of a control socket"),
                (("--graph", "other", "status"), 69, "streamctl list shows those that do"),
                (("noddes",), 2, "did you mean 'nodes'?"),
                (("top", "--interval", "1"), 2, "write 500ms or 2s")):
            done = streamctl(*words)
            self.assertEqual((done.returncode, done.stdout), (code, ""), (words, done.stderr))
            self.assertIn(text, done.stderr, words)
            self.assertNotRegex(done.stderr, " \n")

    def test_changes_wait_in_manual_mode(self):
        """R-CTL-020"""
        self.started()
        self.assertEqual(streamctl("commit-mode", "manual").returncode, 0)
        self.assertEqual(streamctl("commit-mode").stdout.split(), ["commit", "manual"])
        self.assertEqual(streamctl("add", "d", "null-sink", "sandbox=trusted").returncode, 0)
        change = self.documents("status")[0]["change"]
        self.assertEqual((change["wanted"]["nodes"], change["actual"]["nodes"]), (4, 3))
        self.assertEqual(streamctl("commit").returncode, 0)
        change = self.documents("status")[0]["change"]
        self.assertEqual((change["wanted"]["nodes"], change["actual"]["nodes"]), (4, 4))

    def test_dead_letters_are_listed(self):
        """R-CTL-007"""
        self.started()
        self.assertEqual(self.documents("dead-letters"), [])
        self.assertEqual(streamctl("dead-letters", "show", "7").returncode, 66)

    def test_live_node_names_complete_in_bash(self):
        """R-CTL-016"""
        self.started(nodes={"bob": NODES["a"], "blue": NODES["c"], "c": NODES["c"]},
                     links=["bob.data -> blue.in", "bob.data -> c.in"])
        script = streamctl("completion", "bash").stdout
        probe = script + "\nCOMP_WORDS=(streamctl pause b); COMP_CWORD=2; _streamctl; echo \"${COMPREPLY[@]}\"\n"
        path = f"{STREAMCTL.parent}:{os.environ['PATH']}"
        done = subprocess.run(["bash", "-c", probe], capture_output=True, text=True, check=False,
                              env={**os.environ, "PATH": path})
        self.assertEqual((done.returncode, done.stdout), (0, "blue bob\n"), done.stderr)

    def test_answers_longer_than_a_message_arrive_whole(self):
        """R-CTL-007"""
        nodes = {f"n{i}": "exec: [test-source], config: {rate: 1}" for i in range(200)}
        self.start("--idle", nodes=nodes, links=[])
        wait_until(socket_of().exists, "no socket")
        with Client(socket_of()) as client:
            document = client.call("nodes").json
        self.assertEqual(len(document), 200)
        self.assertGreater(len(json.dumps(document)), 65536)
        self.assertEqual([node["id"] for node in document],
                         [node["id"] for node in self.documents("nodes")[0]])


if __name__ == "__main__":
    if not (pathlib.Path(BUILD) / "libexec/streambroker/null-sink").exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    unittest.main()
