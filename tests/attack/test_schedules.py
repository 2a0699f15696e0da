# SPDX-License-Identifier: Apache-2.0
# test: serial timeout=120
"""Processes that are stopped for a while, and ends at every moment: a graph ends as it should, and leaves nobody."""
import os
import pathlib
import random
import re
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graphs import Graph, children
from harness.waiting import let_pass, wait_until

ROUNDS = 25
STOP = "timeouts: {stop: 4s}"
# Before the graph is loaded nobody has asked for a graceful end of it: a signal does what signals do.
ENDS = {
    "finish": ((), {0}),
    "stop": ((signal.SIGINT,), {0, -signal.SIGINT}),
    "force": ((signal.SIGTERM, signal.SIGINT), {0, 130, 143, -signal.SIGTERM, -signal.SIGINT}),
    "kill broker": ((), {0, -signal.SIGKILL}),
    "kill launcher": ((), {0, 70}),
}


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Schedules(unittest.TestCase):
    def write(self, graph, chance, end):
        config = "rate: 2000" if end != "finish" else f"rate: 2000, frames: {chance.choice([1, 50, 300])}"
        nodes = {"a": f"exec: [test-source], config: {{{config}}}, {STOP}", "p": f"exec: [pass], {STOP}",
                 "q": f"exec: [check-sink], {STOP}", "r": f"exec: [null-sink], {STOP}"}
        third = chance.choice(["p.out -> r.in", "a.data -> r.in", "{from: a.data, to: r.in, delivery: latest}"])
        graph.write(nodes, ["a.data -> p.in", "p.out -> q.in", third])

    def disturb(self, process, chance):
        """Stops somebody for a while, a few times. Returns all who were seen, the launcher first."""
        seen = []
        until = time.monotonic() + chance.uniform(0, 0.5)
        while time.monotonic() < until and process.poll() is None:
            let_pass(chance.uniform(0, 0.06))
            below = children(process.pid)
            seen += [pid for pid in below if pid not in seen]
            victim = chance.choice([process.pid, *below])
            send(victim, signal.SIGSTOP)
            let_pass(chance.uniform(0, 0.12))
            send(victim, signal.SIGCONT)
        return seen

    def one_round(self, seed):
        chance = random.Random(seed)
        end = chance.choice(list(ENDS))
        graph = Graph()
        self.addCleanup(graph.close)
        self.write(graph, chance, end)
        running = graph.start("-v")
        self.addCleanup(running.close)
        process = running.process
        seen = self.disturb(process, chance)
        signals, allowed = ENDS[end]
        begun = time.monotonic()
        if end == "kill broker":
            process.kill()
        elif end == "kill launcher" and seen and process.poll() is None:
            send(seen[0], signal.SIGKILL)
        elif end == "kill launcher":
            process.kill()
            allowed = {0, -signal.SIGKILL}
        for number in signals:
            process.send_signal(number)
        status = running.wait()
        self.assertLess(time.monotonic() - begun, 6, running.text())
        self.assertIn(status, allowed, running.text())
        self.assertNotIn("fatal", running.text())
        wait_until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in seen), "somebody is left", 4)
        if status == 0:
            for link in ("a.data -> p.in", "p.out -> q.in"):
                self.assertRegex(running.text(), rf"{re.escape(link)}: published=(\d+) released=\1\n")

    def test_a_graph_ends_as_it_should_whoever_is_stopped_and_whenever_it_is_ended(self):
        """R-EXIT-010 R-WORKER-021"""
        seed = int(os.environ.get("SB_SEED", random.SystemRandom().randrange(1 << 32)))
        print(f"SB_SEED={seed}")
        for number in range(ROUNDS):
            with self.subTest(seed=seed, round=number):
                self.one_round(seed + number)


if __name__ == "__main__":
    unittest.main()
