# SPDX-License-Identifier: Apache-2.0
# test: labels=slow number=100 timeout=900
"""Kills workers while the graph is being changed, and stops it right after a kill: every round is a graph of its
own, and none of them loses a frame of a lossless link (R-LIVE-012). The number of rounds is the argument;
SB_SEED repeats a run. What a round that failed wrote is kept beside the build."""
import os
import pathlib
import random
import re
import signal
import sys
import threading

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests/harness"))
from harness.control_client import Client, socket_of
from harness.graphs import BUILD, Graph
from harness.live_graph import Broker, connected
from harness.waiting import let_pass, wait_until

AGAIN = "restart: {max: unlimited, delay: 10ms}, on_crash: {poison_after: 1000}"
NODES = {"a": f"exec: [test-source], config: {{rate: 3000}}, {AGAIN}", "p": f"exec: [pass], {AGAIN}",
         "q": f"exec: [pass], {AGAIN}", "b": f"exec: [check-sink], {AGAIN}", "c": f"exec: [check-sink], {AGAIN}"}
LINKS = ["a.data -> p.in", "a.data -> q.in", "p.out -> b.in", "q.out -> c.in"]
GUEST = ["sandbox=trusted", "restart.max=unlimited", "restart.delay=10ms", "on_crash.poison_after=1000"]


class Round:
    """One graph: changes by one client, kills by this thread, and a stop."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.graph = Graph()
        self.graph.write(NODES, LINKS)
        self.running = Broker(self.graph)
        self.is_over = threading.Event()

    def begin(self):
        path = socket_of()
        wait_until(path.exists, "the broker has a socket")
        self.client = wait_until(lambda: connected(path), "the broker listens")
        self.killer = Client(path)
        wait_until(lambda: self.client.call("status").json["state"] == "running", "the graph runs")

    def link(self, start, end, verb="link", **values):
        return verb, {"from": start, "to": end, "set": [f"{key}={value}" for key, value in values.items()]}

    def changes(self):
        """Pairs of what changes something and what takes it back, so that every round ends as it began."""
        first, sink = self.chance.choice(LINKS).split(" -> ")
        outlet = self.chance.choice(["a.data", "p.out", "q.out"])
        node = self.chance.choice(["p", "q"])
        return self.chance.choice([
            [self.link(first, sink, depth=self.chance.choice([4, 64]))],
            [("add", {"node": "x", "exec": ["pass"], "set": GUEST}), self.link(outlet, "x.in", "connect"),
             ("disconnect", {"from": outlet, "to": "x.in"}), ("remove", {"node": "x"})],
            [("add", {"node": "x", "exec": ["pass"], "set": GUEST}), self.link(outlet, "x.in", "connect"),
             ("remove", {"node": "x"})],
            [("replace", {"node": node, "exec": ["pass"], "set": ["run.spin=10us"]}),
             ("replace", {"node": node, "exec": ["pass"], "set": ["run.spin="]})],
            [("replace", {"node": "b", "exec": ["check-sink"], "set": ["config.sequence=increasing"]})]])

    def change_on(self):
        """A change that a kill hits may be refused; the connection goes when the graph ends."""
        try:
            while not self.is_over.is_set():
                for verb, fields in self.changes():
                    self.client.call(verb, **fields)
        except (AssertionError, OSError):
            return

    def kill_one(self):
        nodes = [node for node in self.killer.call("nodes").json if node["pid"] > 0
                 and node["state"] in ("running", "ready", "starting")]
        if nodes:
            try:
                os.kill(self.chance.choice(nodes)["pid"], signal.SIGKILL)
            except ProcessLookupError:
                pass

    def run(self):
        """Returns what is wrong, or nothing."""
        self.begin()
        changing = threading.Thread(target=self.change_on)
        changing.start()
        for _ in range(self.chance.randrange(1, 6)):
            let_pass(self.chance.random() ** 2 * 0.1)
            self.kill_one()
        let_pass(self.chance.random() ** 4 * 0.05)
        self.running.process.send_signal(signal.SIGINT)
        status = self.running.wait()
        self.is_over.set()
        changing.join()
        text = self.running.text()
        problems = [] if status == 0 else [f"exit status {status}"]
        problems += [line for line in text.splitlines() if re.match("error ", line) or " lost" in line]
        return [line for line in problems if "is refused" not in line]

    def close(self):
        self.running.close()
        self.graph.close()


def main():
    count = int(sys.argv[1])
    seed = int(os.environ.get("SB_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"seed {seed}", flush=True)
    for number in range(count):
        one = Round(f"{seed}-{number}")
        try:
            problems = one.run()
            if problems:
                log = BUILD / "kill-during-change.log"
                log.write_text(one.running.text())
                print(f"round {number}: {problems}, see {log}")
                return 1
        finally:
            one.close()
    print(f"{count} graphs were stopped after kills and changes, and lost nothing")
    return 0


if __name__ == "__main__":
    if not (BUILD / "libexec/streambroker/check-sink").exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    sys.exit(main())
