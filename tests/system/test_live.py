# SPDX-License-Identifier: Apache-2.0
# test: timeout=240
"""The graph is changed while it runs: who is touched, what flows, and what is lost (nothing)."""
import json
import os
import pathlib
import signal
import subprocess
import unittest

from control_client import Client, socket_of
from graphs import BUILD, children
from live_graph import LINKS, NODES, SINK, VIDEO, VIDEO_LINKS, LiveGraph
from waiting import wait_until


def cpu_ticks(pid):
    """What the process used so far, in hundredths of a second."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def describe(processor):
    return json.loads(subprocess.run([str(BUILD / "bin/streamctl"), "describe", processor, "--json"],
                                     capture_output=True, check=True).stdout)


class Live(LiveGraph):
    def test_a_node_and_links_are_added_while_it_runs(self):
        """R-GRAPH-028 R-GRAPH-027"""
        self.start()
        before = self.pids()
        self.do("add", node="c", exec=["check-sink"], set=["sandbox=trusted", "config.sequence=increasing"])
        self.connect("p.out", "c.in")
        self.running.expect("c[1]: ready -> running")
        self.disconnect("p.out", "c.in")
        self.do("remove", node="c")
        self.assertEqual(self.pids(), before)
        text = self.finish()
        for link in (*LINKS, "p.out -> c.in"):
            self.assert_all_arrived(text, link)

    def test_an_empty_graph_is_started_and_filled(self):
        """R-GRAPH-028 R-LIVE-002"""
        self.start(nodes={}, links=[])
        self.do("add", node="a", exec=["test-source"], set=["sandbox=trusted", "config.rate=2000"])
        self.do("add", node="b", exec=["check-sink"], set=["sandbox=trusted"])
        self.connect("a.data", "b.in")
        self.running.expect("link a.data -> b.in: wiring -> wired")
        self.do("remove", node="a")
        self.do("remove", node="b")
        status = self.status()
        self.assertEqual((status["state"], status["nodes"]), ("running", 0))
        text = self.finish()
        self.assert_all_arrived(text, "a.data -> b.in")

    def test_a_graph_that_is_not_started_is_changed_in_the_same_way(self):
        """R-LIVE-002"""
        self.start("--idle", nodes={**NODES, "a": "exec: [test-source], config: {rate: 5000, frames: 500}"})
        self.do("add", node="c", exec=["check-sink"], set=["sandbox=trusted"])
        self.connect("a.data", "c.in", depth=64)
        self.disconnect("p.out", "b.in")
        self.do("remove", node="p")
        self.connect("a.data", "b.in")
        self.do("start")
        self.assertEqual(self.running.wait(), 0, self.running.text()[-4000:])
        text = self.running.text()
        self.assertNotIn(" p[1]", text)
        self.assert_all_arrived(text, "a.data -> b.in")
        self.assert_all_arrived(text, "a.data -> c.in")

    def test_parameters_change_in_the_same_process(self):
        """R-LIVE-003"""
        self.start(nodes=VIDEO, links=VIDEO_LINKS)
        before = self.pids(VIDEO)
        self.do("set", node="f", set=["radius=2"])
        self.assertEqual(self.events(), ["will configure f", "did configure f"])
        # The same again is no change, and neither is a default that is written out.
        self.do("set", node="f", set=["radius=2"])
        self.do("set", node="f", set=["radius="])
        self.assertEqual(len(self.events()), 4)
        default = str(next(param["default"] for param in describe("blur")["params"] if param["name"] == "radius"))
        self.do("set", node="f", set=[f"radius={default}"])
        change = self.status()["change"]
        for node, wrong in (("f", "radius=wide"), ("f", "speed=3"), ("v", "width=32")):
            refused = self.refuse(78, "set", node=node, set=[wrong])
            self.assertIn(wrong.split("=", 1)[0], refused)
        self.assertEqual(self.status()["change"], change)
        self.assertEqual(len(self.events()), 4)
        self.assertEqual(self.pids(VIDEO), before)
        text = self.finish()
        for name in VIDEO_LINKS:
            self.assert_all_arrived(text, name)

    def test_depth_and_delivery_change_under_load(self):
        """R-DATA-028"""
        self.start(nodes={**NODES, "a": "exec: [test-source], config: {rate: 0, size: 64}"})
        before = self.pids()
        link = {"from": "p.out", "to": "b.in"}
        for depth in (4, 64, 4, 1024, 16):
            self.do("link", **link, set=[f"depth={depth}"])
        self.do("link", **link, set=["delivery=lossless"])
        self.assertEqual(self.pids(), before)
        self.assertEqual(self.events()[:2], ["will update p.out -> b.in", "did update p.out -> b.in"])
        text = self.finish()
        for name in LINKS:
            self.assert_all_arrived(text, name)

    def test_memory_that_its_reader_has_not_come_to_is_no_lie_of_it(self):
        """R-DATA-022: what is counted as out of bounds was written by somebody."""
        self.start(nodes={"a": "exec: [test-source], config: {rate: 0}", "b": SINK}, links=["a.data -> b.in"])
        self.do("pause", node="b")
        self.do("link", **{"from": "a.data", "to": "b.in", "set": ["depth=256"]})
        wait_until(lambda: self.client.call("links").json[0]["queued"] > 100, "the new memory is written")
        self.assertEqual(self.client.call("links").json[0]["clamped"], 0)
        self.do("resume", node="b")
        self.assertNotIn("clamped", self.finish())

    def test_a_delivery_that_changes_loses_only_while_it_may(self):
        """R-DATA-028"""
        self.start(nodes={"a": "exec: [test-source], config: {rate: 0}",
                          "b": "exec: [check-sink], config: {sequence: increasing, numbers: increasing}"},
                   links=["a.data -> b.in"])
        self.do("link", **{"from": "a.data", "to": "b.in", "set": ["delivery=latest"]})
        self.do("link", **{"from": "a.data", "to": "b.in", "set": ["delivery=lossless", "depth=32"]})
        text = self.finish()
        for counts in self.counts(text, "a.data -> b.in"):
            self.assertEqual(counts["published"], counts["released"] + counts.get("evicted", 0), counts)

    def test_a_program_is_replaced_while_frames_flow(self):
        """R-LIVE-004"""
        self.start()
        before = self.pids()
        self.do("replace", node="p", exec=["delay"], set=["config.frames=1"])
        after = self.pids()
        self.assertEqual((before["a"], before["b"]), (after["a"], after["b"]))
        self.assertNotEqual(before["p"], after["p"])
        refused = self.refuse(78, "replace", node="p", exec=["pass"])
        self.assertIn("'pass' has no parameter 'frames', which 'p' keeps from before; write config.frames= to drop it, "
                      "or config={} to drop all", str(refused))
        self.do("replace", node="p", exec=["pass"], set=["config={}"])
        self.assertNotEqual(after["p"], self.pid("p"))
        self.do("replace", node="b", exec=["null-sink"])
        text = self.finish()
        for name in LINKS:
            self.assert_all_arrived(text, name)

    def test_a_program_that_holds_more_frames_takes_over_a_full_link(self):
        """R-LIVE-021"""
        self.start(nodes={"a": "exec: [test-source], config: {rate: 0}", "p": "exec: [pass]", "b": SINK})
        self.do("replace", node="p", exec=["delay"], set=["config.frames=64"])
        passed = self.counted(LINKS[1], "released")
        wait_until(lambda: self.counted(LINKS[1], "released") > passed + 1000, "nothing moves")
        self.do("replace", node="p", exec=["pass"], set=["config="])
        text = self.finish()
        self.assertNotIn("deadline", text)
        for name in LINKS:
            self.assert_all_arrived(text, name)

    def test_a_program_that_does_not_become_ready_replaces_nothing(self):
        """R-LIVE-005"""
        self.start(nodes={**NODES, "b": "exec: [null-sink]"})
        before = self.pids()
        self.graph.worker("crash", "connect(); os.abort()", has_input=True, has_output=True)
        self.graph.worker("slow", "connect(); forever()", has_input=True, has_output=True)
        self.graph.file("broken", "#!/no/such/interpreter\n", 0o755)
        self.refuse(78, "replace", node="p", exec=["no-such-program"])
        self.refuse(78, "replace", node="p", exec=["./broken"])
        # It has no port of that name.
        self.refuse(78, "replace", node="p", exec=["null-sink"])
        self.assertEqual(self.pids(), before)
        for code, program in ((1, "./crash"), (124, "./slow")):
            self.disconnect("p.out", "b.in")
            self.refuse(code, "add", node="x", exec=[program], set=["sandbox=trusted", "timeouts.start=300ms"])
            self.connect("p.out", "b.in")
        self.assertEqual(self.pid("a"), before["a"])
        change = self.status()["change"]
        self.assertEqual(change["wanted"], change["actual"])
        self.assertEqual(change["rejected"]["code"], 124)
        text = self.finish()
        for name in LINKS:
            self.assert_all_arrived(text, name)

    def test_manual_changes_wait_for_the_commit(self):
        """R-LIVE-006 R-CLI-016"""
        self.start(nodes={**NODES, **VIDEO}, links=LINKS + VIDEO_LINKS, head="commit: manual")
        before = self.pids()
        self.do("add", node="c", exec=["check-sink"], set=["sandbox=trusted", "config.sequence=increasing"])
        self.connect("p.out", "c.in")
        self.do("set", node="f", set=["radius=1"])
        self.do("link", **{"from": "p.out", "to": "b.in", "set": ["depth=32"]})
        self.do("add", node="d", exec=["null-sink"], set=["sandbox=trusted"])
        change = self.status()["change"]
        self.assertEqual(change["wanted"], {"nodes": 8, "links": 5})
        self.assertEqual(change["actual"], {"nodes": 6, "links": 4})
        self.assertEqual(self.events(), [])
        self.do("commit")
        change = self.status()["change"]
        self.assertEqual(change["wanted"], change["actual"])
        self.assertEqual(change["revision"], change["committed"])
        self.assertEqual(self.pids(), before)
        self.assertEqual(self.do("commit-mode"), {"mode": "manual"})
        self.do("commit-mode", mode="auto")
        self.assertEqual(self.do("commit-mode"), {"mode": "auto"})
        self.do("remove", node="d")
        self.assertEqual(self.status()["change"]["actual"]["nodes"], 7)
        self.finish()

    def test_one_commit_of_all_kinds_has_its_events_in_the_fixed_order(self):
        """R-LIVE-001"""
        self.start(nodes={**NODES, **VIDEO, "old": "exec: [null-sink]", "swap": "exec: [null-sink]"},
                   links=[*LINKS, *VIDEO_LINKS, "a.data -> old.in", "p.out -> swap.in"], head="commit: manual")
        before = self.pids()
        self.do("link", **{"from": "p.out", "to": "b.in", "set": ["depth=64"]})
        self.do("set", node="f", set=["radius=3"])
        self.do("replace", node="swap", exec=["check-sink"], set=["config.sequence=increasing"])
        self.do("add", node="new", exec=["null-sink"], set=["sandbox=trusted"])
        self.connect("p.out", "new.in")
        self.do("remove", node="old")
        self.do("commit")
        order = ["unwire a.data -> old.in", "stop old", "start new", "replace swap", "wire p.out -> new.in",
                 "configure f", "update p.out -> b.in"]
        wanted = ["will prepare new", "will prepare swap"]
        wanted += [f"{word} {step}" for step in order for word in ("will", "did")]
        found = self.events()
        self.assertEqual([event for event in found if not event.startswith("did prepare")], wanted)
        self.assertEqual(sorted(event for event in found if event.startswith("did prepare")),
                         ["did prepare new", "did prepare swap"])
        self.assertEqual(self.pids(), before)
        text = self.finish()
        for name in (*LINKS, "a.data -> old.in"):
            self.assert_all_arrived(text, name)

    def test_a_file_is_planned_and_applied_as_a_whole(self):
        """R-LIVE-007 R-LIVE-008"""
        self.start(nodes={**NODES, **VIDEO}, links=LINKS + VIDEO_LINKS)
        before = self.pids()
        text = (self.graph.folder / "graph.yaml").read_text()
        new = text.replace("[blur]", "[blur], config: {radius: 1}")
        new = new.replace("  b:", "  c: {exec: [null-sink], sandbox: trusted}\n  b:")
        new += "  - {from: p.out, to: c.in, depth: 8}\n"
        path = str(self.graph.file("new.yaml", new))
        plan = self.do("plan", file=path)
        self.assertEqual([(step["step"], step["what"]) for step in plan["steps"]],
                         [("start", "c"), ("wire", "p.out -> c.in"), ("configure", "f")])
        self.assertGreater(plan["memory"]["bytes"], plan["memory_now"]["bytes"])
        self.assertEqual(len(plan["memory"]["links"]), 5)
        self.assertEqual(self.events(), [])
        self.do("apply", file=path)
        self.assertEqual(self.pids(), before)
        self.assertEqual(self.do("plan", file=path)["steps"], [])
        bad = str(self.graph.file("bad.yaml", new.replace("[null-sink]", "[no-such]")))
        self.refuse(78, "apply", file=bad)
        self.refuse(66, "apply", file=str(self.graph.folder / "none.yaml"))
        self.refuse(78, "apply", file=str(self.graph.file("fps.yaml", "clock: {precise: true}\n" + new)))
        self.graph.worker("crash", "connect(); os.abort()", has_input=True)
        crash = new.replace("[null-sink]", "[./crash]").replace("c.in", "c.data")
        self.refuse(1, "apply", file=str(self.graph.file("crash.yaml", crash)))
        self.assertEqual(self.do("plan", file=path)["steps"], [])
        self.assertEqual(self.pids(), before)
        log = self.finish()
        for name in (*LINKS, "p.out -> c.in"):
            self.assert_all_arrived(log, name)

    def test_what_the_check_refuses_leaves_nothing_behind(self):
        """R-NET-002 R-NET-003"""
        self.start()
        before = self.pids()
        processes = sorted(children(self.running.process.pid))
        camera = ["config.path=rtsp://u:pw@cam.example/live", "sandbox.network=true"]
        error = self.refuse(77, "add", node="cam", exec=["file-source"], set=[*camera, "sandbox.require=[tls]"])
        self.assertIn("'rtsp://***@cam.example' is not encrypted", error)
        if not os.environ.get("SB_SANITIZE"):  # there nodes are trusted, and have no grants
            self.refuse(78, "add", node="cam", exec=["file-source"],
                        set=["config.path=x", "sandbox.read=[no/such/file]"])
        self.refuse(78, "add", node="cam", exec=["test-source", "http://u:pw@cam.example/"])
        self.assertEqual([node["id"] for node in self.client.call("nodes").json], sorted(before))
        self.assertEqual(len(self.client.call("links").json), len(LINKS))
        self.assertEqual(sorted(children(self.running.process.pid)), processes)
        self.assertEqual(self.pids(), before)
        # It is a name like any other afterwards: this is its first life.
        self.do("add", node="cam", exec=["test-source"], set=["sandbox=trusted", "config.rate=10"])
        wait_until(lambda: self.client.call("nodes", node="cam").json[0]["state"] == "running", "it does not run")
        self.assertEqual(self.client.call("nodes", node="cam").json[0]["generation"], 1)
        self.do("remove", node="cam")
        self.finish()

    def test_a_node_that_ends_before_or_after_it_is_linked_holds_up_nobody(self):
        """R-SUP-030"""
        self.start(nodes={**NODES, "b": "exec: [null-sink]"})
        text = (self.graph.folder / "graph.yaml").read_text()
        for program in ("[file-source], config: {path: none}", "[test-source], config: {frames: 1, rate: 100}"):
            more = f"  once: {{exec: {program}, optional: true, sandbox: trusted}}\n  b:"
            port = "out" if "file" in program else "data"
            new = text.replace("  b:", more) + f"  - once.{port} -> p.in\n"
            self.do("apply", file=str(self.graph.file("new.yaml", new)))
            self.running.expect("once[1]:", "its process is gone")
            self.do("remove", node="once")
        self.finish()

    def test_a_mistake_of_a_client_is_told_to_it_and_to_nobody_else(self):
        """R-LIVE-016"""
        self.start()
        before = self.status()["change"]
        events = len(self.client.call("events").documents)
        self.refuse(78, "add", node="x", exec=["no-such-program"])
        self.refuse(78, "add", node="x", exec=["null-sink"], set=["config.colour=red"])
        self.refuse(78, "connect", **{"from": "a.data", "to": "nobody.in"})
        self.refuse(66, "remove", node="nobody")
        self.assertEqual(self.status()["change"], before)
        self.assertEqual(len(self.client.call("events").documents), events)
        # The next change has the next number.
        self.assertEqual(self.do("add", node="x", exec=["null-sink"], set=["sandbox=trusted"])["revision"],
                         before["revision"] + 1)
        text = self.finish()
        self.assertNotRegex(text, "(?m)^(error|warning)")

    def counted(self, link, what="published"):
        return next(one[what] for one in self.client.call("links").documents[0] if one["link"] == link)

    def test_a_node_that_has_ended_starts_again_with_its_links(self):
        """R-LIVE-017"""
        self.start()
        sure = self.pids(["a"])
        self.do("stop", node="p")
        self.do("wait", node="b", **{"for": "ended"})
        self.do("stop", node="p")
        self.do("start", node="p")
        # Its reader has ended because of it: their link waits.
        self.running.expect("link p.out -> b.in waits until b is started")
        self.running.expect("link a.data -> p.in: wiring -> wired")
        self.do("start", node="b")
        self.do("start", node="b")
        self.running.expect("b[2]: ready -> running")
        before = self.counted("p.out -> b.in")
        wait_until(lambda: self.counted("p.out -> b.in") > before + 100, "no frame comes to b")
        self.assertEqual(self.pids(["a"]), sure)
        self.assertEqual([node["generation"] for node in self.client.call("nodes").documents[0]], [1, 2, 2])
        self.refuse(66, "start", node="nobody")
        self.finish()

    def test_a_node_that_has_failed_is_told_how_it_starts_again(self):
        """R-LIVE-017"""
        self.start(nodes={**NODES, "b": "exec: [null-sink]"})
        os.kill(self.pid("p"), signal.SIGKILL)
        self.do("wait", node="p", **{"for": "ended"})
        for verb, fields in (("restart", {"node": "p"}), ("replace", {"node": "p", "exec": ["delay"]})):
            self.assertIn("streamctl start p", self.client.call(verb, **fields).error)
        self.do("start", node="p")
        self.running.expect("p[2]: ready -> running")
        self.running.process.send_signal(signal.SIGINT)
        # What happened has happened.
        self.assertEqual(self.running.wait(), 1, self.running.text()[-4000:])

    def test_a_graph_that_has_ended_and_stays_is_started_again(self):
        """R-LIVE-017"""
        nodes = {**NODES, "a": "exec: [test-source], config: {rate: 0, frames: 100}"}
        self.start("--keep", "--idle", nodes=nodes)
        self.do("start")
        for life in (1, 2):
            self.running.expect(f"b[{life}]: running -> finished")
            wait_until(lambda: self.status()["state"] == "ended", "the graph does not end")
            if life == 1:
                self.do("start")
        text = self.finish()
        for link in LINKS:
            self.assert_all_arrived(text, link)
            # Told at the end, when it was started again, and at the end of that.
            self.assertEqual([counts["published"] for counts in self.counts(text, link)], [100, 100, 100])

    def test_a_node_whose_process_does_not_end_is_taken_away_and_costs_nothing(self):
        """R-LIVE-013"""
        self.start(nodes={**NODES, "b": "exec: [null-sink], timeouts: {stop: 100ms}"})
        broker = self.running.process.pid
        launcher = min(children(broker))
        other = Client(socket_of())
        self.addCleanup(other.close)
        # Who would tell the broker that the process has ended stands still.
        os.kill(launcher, signal.SIGSTOP)
        try:
            before, turns = cpu_ticks(broker), self.status()["loop_lateness"]["count"]
            other.ask("remove", node="b")
            self.running.expect("did stop b")
            turns = self.status()["loop_lateness"]["count"] - turns
            self.assertLess(turns, 500)
            self.assertLess(cpu_ticks(broker) - before, 50)
        finally:
            os.kill(launcher, signal.SIGCONT)
        self.assertEqual(other.next()[0], "document")
        self.running.expect("its process", "has ended detached=0")
        self.finish()

    def test_the_file_is_applied_when_it_changes(self):
        """R-LIVE-011"""
        self.start("--watch")
        before = self.pids()
        path = self.graph.folder / "graph.yaml"
        text = path.read_text()
        # Written in place, renamed over it, wrong, and back again.
        path.write_text(text.replace("  b:", "  c: {exec: [null-sink], sandbox: trusted}\n  b:"))
        self.running.expect("did start c")
        new = self.graph.file("new.yaml", text.replace("  b:", "  d: {exec: [null-sink], sandbox: trusted}\n  b:"))
        new.rename(path)
        self.running.expect("did start d")
        wait_until(lambda: not self.status()["change"]["changing"], "the change does not end")
        path.write_text(text.replace("pass", "no-such"))
        wait_until(lambda: self.status()["change"].get("rejected"), "a wrong file is not refused")
        path.write_text(text)
        self.running.expect("did stop d")
        self.assertEqual(self.pids(), before)
        log = self.finish()
        self.assertLess(log.index("did stop c"), log.index("did start d"))
        for name in LINKS:
            self.assert_all_arrived(log, name)

    def test_a_wrong_file_is_refused_with_the_lines_of_check(self):
        """R-LIVE-025"""
        self.start()
        text = (self.graph.folder / "graph.yaml").read_text()
        nodes = "  b: {exec: [no-such]}\n  c: {exec: [nor-this]}\n  d:"
        wrong = self.graph.file("wrong.yaml", text.replace("  b:", nodes))
        checked = subprocess.run([str(BUILD / "bin/streamctl"), "check", str(wrong)], capture_output=True, check=False,
                                 text=True, cwd=self.graph.folder)
        first = f"{wrong}:{[line[:4] for line in wrong.read_text().splitlines()].index('  b:') + 1}:"
        for verb in ("plan", "apply"):
            answer = self.client.call(verb, file=str(wrong))
            self.assertEqual(answer.code, 78, answer.error)
            lines = answer.error.splitlines()
            self.assertTrue(lines[0].startswith(first), answer.error)
            self.assertGreater(len(lines), 1, answer.error)
            self.assertEqual([line.split(" (")[0] for line in lines[:1]],
                             [line.split(" (")[0] for line in checked.stderr.splitlines()[:1]])
        reason = self.status()["change"]["rejected"]["reason"]
        self.assertNotIn("\n", reason)
        self.assertRegex(reason, r"^\S+:\d+:\d+: .* \(and \d+ more\)$")
        self.finish()

    def test_a_pipe_instead_of_a_file_is_refused_at_once(self):
        """R-LIVE-024"""
        self.start("--watch")
        before = self.pids()
        pipe = self.graph.folder / "pipe"
        os.mkfifo(pipe)
        for verb in ("plan", "apply"):
            answer = self.client.call(verb, file=str(pipe))
            self.assertEqual(answer.code, 66, answer)
            self.assertIn(f"{pipe}: is a pipe or a device", answer.error)
        revision = self.status()["change"]["rejected"]["revision"]
        path = self.graph.folder / "graph.yaml"
        text = path.read_text()
        pipe.rename(path)
        wait_until(lambda: self.status()["change"]["rejected"]["revision"] > revision, "the pipe is not refused")
        self.graph.file("new.yaml", text).rename(path)
        self.assertEqual(self.pids(), before)
        self.finish()

    def test_the_rate_of_the_clock_changes_while_it_runs(self):
        """R-CLOCK-008"""
        self.start(nodes={**VIDEO, "s": "exec: [check-sink], config: {numbers: increasing}"}, links=VIDEO_LINKS,
                   head="clock: {fps: 1}")
        before = self.pids(VIDEO)
        text = (self.graph.folder / "graph.yaml").read_text()
        self.do("apply", file=str(self.graph.file("fast.yaml", text.replace("fps: 1}", "fps: 500}"))))

        def frames():
            return sum(link["published"] for link in self.client.call("links").documents[0])
        # At one frame per second this would take minutes.
        wait_until(lambda: frames() > 600, "the clock is not faster")
        self.assertEqual(self.pids(VIDEO), before)
        log = self.finish()
        for name in VIDEO_LINKS:
            self.assert_all_arrived(log, name)

    def test_a_paused_graph_is_changed_in_the_same_way(self):
        """R-LIVE-002"""
        self.start(nodes={**NODES, **VIDEO}, links=LINKS + VIDEO_LINKS)
        before = self.pids()
        self.do("pause")
        self.do("add", node="c", exec=["null-sink"], set=["sandbox=trusted"])
        self.connect("p.out", "c.in")
        self.do("set", node="f", set=["radius=1"])
        self.do("replace", node="p", exec=["delay"], set=["config.frames=1"])
        states = {node["id"]: node["state"] for node in self.client.call("nodes").documents[0]}
        self.assertEqual({node: states[node] for node in "apb"}, {"a": "paused", "p": "paused", "b": "paused"})
        self.do("resume")
        self.assertEqual(self.pids("ab"), {"a": before["a"], "b": before["b"]})
        self.disconnect("p.out", "c.in")
        text = self.finish()
        for name in (*LINKS, *VIDEO_LINKS):
            self.assert_all_arrived(text, name)

    def test_a_node_that_is_taken_away_drains_first(self):
        """R-LIVE-009"""
        self.start(nodes={"a": "exec: [test-source], config: {rate: 0}",
                          "slow": "exec: [check-sink], config: {work: 1ms}"},
                   links=["{from: a.data, to: slow.in, depth: 256}"])
        self.do("remove", node="slow")
        text = self.finish()
        self.assert_all_arrived(text, "a.data -> slow.in")


if __name__ == "__main__":
    unittest.main()
