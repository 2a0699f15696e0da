# SPDX-License-Identifier: Apache-2.0
# test: timeout=180
"""What a graph tells of itself while it is paused, changed and ended: events, totals, who is there."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import unittest

from control_client import Client, socket_of
from graphs import BUILD, children
from live_graph import LINKS, NODES, SINK, LiveGraph
from waiting import let_pass, wait_until

STREAMCTL = BUILD / "bin/streamctl"


def streamctl(*words):
    return subprocess.run([str(STREAMCTL), *words], capture_output=True, text=True, check=False, timeout=30)


class Watching(LiveGraph):
    def events_since(self, serial, **fields):
        return self.client.call("events", since=str(serial), **fields).documents

    def newest(self):
        return self.status()["events"]

    def of_graph(self, since):
        return [event["event"] for event in self.events_since(since) if event["event"].startswith("graph-")]

    def test_what_happens_to_the_graph_as_a_whole_is_one_event_each(self):
        """R-LIVE-020 R-CLI-017"""
        self.start()
        self.assertEqual(self.of_graph(0), ["graph-running"])
        for verb, event in (("pause", "graph-paused"), ("resume", "graph-resumed"), ("restart", "graph-restarted")):
            since = self.newest()
            self.do(verb)
            self.assertEqual(self.of_graph(since), [event])
            if verb != "restart":
                since = self.newest()
                self.do(verb)
                self.assertEqual(self.of_graph(since), [], f"{verb} for a second time")
        since = self.newest()
        self.do("pause", node="p")
        self.do("resume", node="p")
        self.assertEqual(self.of_graph(since), [])
        self.do("wait")
        since = self.newest()
        with Client(socket_of()) as listener, Client(socket_of()) as other:
            listener.ask("events", follow="true", since=str(since))
            self.client.ask("stop")
            other.ask("stop")
            seen = []
            while (found := listener.next()) is not None and found[0] == "document":
                seen.append(found[1]["event"])
        self.assertEqual([event for event in seen if event.startswith("graph-")], ["graph-stopping", "graph-ended"])
        self.assertEqual(self.running.wait(), 0, self.running.text())

    def test_events_of_one_node_are_those_of_it_and_its_links(self):
        """R-CTL-026"""
        self.start(nodes={**NODES, "x": SINK})
        since = self.newest()
        self.do("pause", node="p")
        self.do("resume", node="p")
        self.do("pause", node="b")
        self.do("resume", node="b")
        of_p = [(event["event"], event["node"]) for event in self.events_since(since, node="p") if "node" in event]
        self.assertEqual(of_p, [("node-paused", "p"), ("node-resumed", "p")])
        self.connect("a.data", "x.in")
        linked = [event for event in self.events_since(since, node="x") if "link" in event]
        self.assertTrue(linked)
        self.assertEqual({event["link"] for event in linked}, {"a.data -> x.in"})
        self.assertEqual(self.events_since(self.newest(), node="x"), [])
        self.refuse(66, "events", node="nobody")
        self.refuse(2, "events", since="soon")
        done = streamctl("events", "p", "--since", str(since), "--json")
        self.assertEqual([json.loads(line)["event"] for line in done.stdout.splitlines()][:2],
                         ["node-paused", "node-resumed"], done.stderr)

    def test_nothing_is_missed_between_a_look_and_the_subscription(self):
        """R-CTL-026"""
        self.start()
        since = self.newest()
        self.do("pause", node="b")
        with Client(socket_of()) as listener:
            listener.ask("events", follow="true", since=str(since))
            self.do("resume", node="b")
            seen = [listener.next()[1] for _ in range(2)]
        self.assertEqual([event["event"] for event in seen], ["node-paused", "node-resumed"])
        self.assertEqual([event["serial"] for event in seen], [since + 1, since + 2])

    def test_each_link_is_wired_and_unwired_in_one_pair_of_events(self):
        """R-LIVE-001"""
        self.start(head="commit: manual", nodes={**NODES, "x": SINK})
        self.connect("a.data", "x.in")
        self.disconnect("p.out", "b.in")
        self.assertEqual(self.events(), [])
        self.do("commit")
        self.assertEqual(self.events(), ["will unwire p.out -> b.in", "did unwire p.out -> b.in",
                                         "will wire a.data -> x.in", "did wire a.data -> x.in"])

    def test_the_status_tells_drops_errors_and_who_holds_the_others_up(self):
        """R-CTL-024"""
        nodes = {"a": "exec: [test-source], config: {rate: 2000}", "b": "exec: [null-sink], config: {work: 20ms}",
                 "c": "exec: [null-sink], config: {work: 200ms}", "d": "exec: [null-sink]"}
        self.start(nodes=nodes, links=["{from: a.data, to: b.in, depth: 4}", "{from: a.data, to: d.in, depth: 4}",
                                       "{from: a.data, to: c.in, depth: 4, delivery: ordered}"])
        wait_until(lambda: self.status()["bottlenecks"] == ["b"], "b holds nobody up")
        wait_until(lambda: self.status()["dropped"] > 0, "nothing was evicted")
        self.assertEqual(self.status()["step_errors"], 0)

    def test_a_snapshot_is_whole_and_sorted_while_everything_changes(self):
        """R-SUP-060 R-SUP-061"""
        self.start()
        keys = None
        with Client(socket_of()) as poller:
            for turn in range(20):
                if turn % 2 == 0:
                    self.client.ask("add", node=f"n{turn}", exec="null-sink", set="sandbox=trusted")
                else:
                    self.client.ask("remove", node=f"n{turn - 1}")
                snapshot = poller.call("snapshot").json
                while self.client.next()[0] != "answer":
                    pass
                ids = [node["id"] for node in snapshot["nodes"]]
                self.assertEqual(ids, sorted(ids))
                self.assertLessEqual(set("abp"), set(ids))
                for node in snapshot["nodes"]:
                    keys = keys or set(node)
                    self.assertEqual(set(node), keys)
                let_pass(0.1)

    def test_a_link_is_taken_away_and_back_ten_times_without_a_leak(self):
        """R-NEG-014 R-NEG-015 R-MEM-007"""
        # Sinks that do not mind the frames which were dropped meanwhile.
        self.start(nodes={**NODES, "b": "exec: [null-sink]", "x": "exec: [null-sink]"},
                   links=[*LINKS, "{from: a.data, to: x.in, delivery: ordered}"])
        pids = self.pids()
        # The first round brings what is kept for later ones.
        for turn in range(11):
            self.disconnect("p.out", "b.in")
            before = self.client.call("nodes", node="p").json[0]["counts"]["unlinked"]
            wait_until(lambda known=before: self.client.call("nodes", node="p").json[0]["counts"]["unlinked"] > known,
                       "p does not go on without a reader")
            self.connect("p.out", "b.in")
            wait_until(lambda: self.client.call("links", node="b").json[0]["released"] > 0, "no frame arrives")
            if turn == 0:
                held = self.held(pids)
        # What the last round replaced goes when its last reader has moved on.
        wait_until(lambda: not self.grown(held, self.held(pids)), f"more than {held}: {self.held(pids)}")
        self.assertEqual(self.pids(), pids)
        self.assertEqual({node["restarts"] for node in self.client.call("nodes").json}, {0})

    def grown(self, before, now):
        return [name for name in before if now[name][0] > before[name][0] or now[name][1] > before[name][1]]

    def held(self, pids):
        """Descriptors and mappings of memory of each worker, and of the broker."""
        found = {}
        for name, pid in {**pids, "broker": self.running.process.pid}.items():
            maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
            found[name] = len(os.listdir(f"/proc/{pid}/fd")), maps.count("memfd:")
        return found

    def test_nothing_of_a_graph_can_be_reached_over_a_network(self):
        """R-CTL-025"""
        self.start()
        reachable = set()
        for name in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
            path = pathlib.Path("/proc/net", name)
            rows = path.read_text().splitlines()[1:] if path.exists() else []
            reachable |= {f"socket:[{row.split()[9]}]" for row in rows}
        looked_at = 0
        for pid in [self.running.process.pid, *children(self.running.process.pid)]:
            for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
                try:
                    self.assertNotIn(os.readlink(entry), reachable, f"{pid} {entry}")
                    looked_at += 1
                except FileNotFoundError:
                    continue
        self.assertGreater(looked_at, 10)

    def test_a_broker_that_is_stopped_is_listed(self):
        """R-CTL-011"""
        self.start()
        self.running.process.send_signal(signal.SIGSTOP)
        try:
            listed = json.loads(streamctl("list", "--json").stdout)
        finally:
            self.running.process.send_signal(signal.SIGCONT)
        self.assertEqual([(entry["graph"], entry["state"]) for entry in listed], [("graph", "not answering")])
        wait_until(lambda: json.loads(streamctl("list", "--json").stdout)[0]["state"] == "running", "it is not back")


if __name__ == "__main__":
    if not (pathlib.Path(BUILD) / "libexec/streambroker/null-sink").exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    unittest.main()
