# SPDX-License-Identifier: Apache-2.0
# test: labels=slow number=1000 timeout=1500 tiers
"""Kills workers at random moments under load, and counts what became of every frame.

    test_chaos.py 1000                   each scenario with 1000 kills
    test_chaos.py --seconds 60 --seed 7  scenarios one after the other for a minute, as ./dev chaos does

The report is one line per scenario: kills, seconds from a kill until the next life runs, frames, and what
was lost, which is nothing. Chance comes from SB_SEED or --seed.
"""
import json
import os
import pathlib
import random
import re
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graphs import BUILD, Graph, children, skip_without_walls
from harness.waiting import let_pass

JOINER = BUILD / "tests/fault/joiner"
AGAIN = "restart: {max: unlimited, delay: 0s}, on_crash: {poison_after: 1000}"
SOURCE = f"exec: [test-source], config: {{rate: 10000}}, {AGAIN}"
PASS = f"exec: [pass], {AGAIN}"
SINK = f"exec: [check-sink], config: {{numbers: gapless}}, {AGAIN}"
SPARE = f"exec: [check-sink], config: {{sequence: increasing}}, {AGAIN}"

CHAIN = {"a": SOURCE, "f": PASS, "z": SINK}
CHAIN_LINKS = ["a.data -> f.in", "f.out -> z.in"]
JOIN = {"a": SOURCE, "p": PASS, "j": f"exec: [{JOINER}], {AGAIN}", "y": SINK, "z": SINK}
JOIN_LINKS = ["a.data -> j.in_0", "a.data -> p.in", "p.out -> j.in_1", "j.out_0 -> y.in", "j.out_1 -> z.in"]
# A source that dies between its links has sent its last frame on some of them only, and goes on with the next number:
# behind a source with several links the sequence has no gap, but the numbers may.
BRANCH_SINK = f"exec: [check-sink], {AGAIN}"
WIDE = {"a": SOURCE, "f": PASS, "g": PASS, "y": BRANCH_SINK, "z": BRANCH_SINK, "n": SPARE}
WIDE_LINKS = ["a.data -> f.in", "a.data -> g.in", "f.out -> y.in", "g.out -> z.in",
              "{from: a.data, to: n.in, delivery: latest}"]

# Requirement, name, nodes, links, who is killed.
SCENARIOS = [
    ("R-SUP-016", "filter", CHAIN, CHAIN_LINKS, ["f"]),
    ("R-SUP-018", "producer", CHAIN, CHAIN_LINKS, ["a"]),
    ("R-SUP-034", "sink", CHAIN, CHAIN_LINKS, ["z"]),
    ("R-SUP-017", "join", JOIN, JOIN_LINKS, ["j"]),
    ("R-SUP-034", "anybody", WIDE, WIDE_LINKS, list(WIDE)),
    # A source that dies between its two links has sent one frame on one of them only: it is spared here.
    ("R-SUP-034", "anybody around a join", JOIN, JOIN_LINKS, ["p", "j", "y", "z"]),
]


def footprint(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1])
    return resident, len(os.listdir(f"/proc/{pid}/fd"))


def has_grown(first, last):
    return last[0] > first[0] + 4096 or last[1] > first[1] + 8


def settled_footprint(pid, first):
    """What stays: memory of a life before is there until its last frame was read."""
    deadline = time.monotonic() + 5
    while has_grown(first, last := footprint(pid)) and time.monotonic() < deadline:
        let_pass(0.02)
    return last


class Chaos:
    """One graph under fire."""

    def __init__(self, running, victims, chance):
        self.running = running
        self.victims = victims
        self.chance = chance
        self.pids = {}
        self.lives = {}
        self.is_up = {}
        self.killed_at = {}
        self.seconds_dead = []
        self.kills = 0

    def note(self, line):
        """Follows the lives of the nodes."""
        dead = re.search(r"warning (\w+)\[\d+\]: died: ", line)
        if dead:
            self.is_up[dead[1]] = False
        found = re.search(r"debug (\w+)\[(\d+)\]: (?:process pid=(\d+)|ready -> (running))", line)
        if not found:
            return
        node, life = found[1], int(found[2])
        if life > self.lives.get(node, 0):
            self.lives[node], self.pids[node], self.is_up[node] = life, None, False
        if found[3]:
            self.pids[node] = int(found[3])
        else:
            self.is_up[node] = True
            if node in self.killed_at:
                self.seconds_dead.append(time.monotonic() - self.killed_at.pop(node))

    def candidates(self):
        return [node for node in self.victims if self.is_up.get(node) and self.pids.get(node)]

    def kill_one(self):
        ready = self.candidates()
        if not ready:
            return
        node = self.chance.choice(ready)
        let_pass(self.chance.random() ** 4 * 0.02)
        self.is_up[node] = False
        self.killed_at[node] = time.monotonic()
        try:
            os.kill(self.pids[node], signal.SIGKILL)
            self.kills += 1
        except ProcessLookupError:
            self.killed_at.pop(node)  # it died by itself, which the log tells

    def fire(self, kills, until):
        for line in self.running.process.stderr:
            self.running.lines.append(line)
            self.note(line)
            if re.match(r"error \w+\[", line):
                return  # a node has failed for good: there is nothing to wait for
            everybody = len(self.is_up) > 0 and all(self.is_up.values())
            if (self.kills >= kills or time.monotonic() > until) and everybody:
                return
            if self.kills < kills and time.monotonic() <= until:
                self.kill_one()


def check_links(text, nodes, problems):
    """Every frame that was accepted on a lossless link was released, and the accounts add up."""
    frames = {}
    for name, counts in re.findall(r"link (\S+ -> \S+): (published=.*)", text):
        values = {key: int(value) for key, value in (word.split("=") for word in counts.split())}
        dropped = sum(values.get(key, 0) for key in ("evicted", "poisoned", "lost"))
        left = values["published"] - values["released"] - dropped
        is_evicting = name.endswith("n.in")
        if left != 0 or (("evicted" in values or "lost" in values) and not is_evicting) or "clamped" in values:
            problems.append(f"{name}: {counts}")
        frames[name] = values["published"]
    if not frames:
        problems.append("no link was counted")
    return frames


def run_scenario(name, nodes, links, victims, kills, until, chance):
    graph = Graph()
    problems = []
    try:
        graph.write(nodes, links)
        running = graph.start("-v")
        chaos = Chaos(running, victims, chance)
        try:
            chaos.fire(3, until)
            first = footprint(running.process.pid)
            chaos.fire(kills, until)
            last = settled_footprint(running.process.pid, first)
            running.signal()
            status = running.wait()
        finally:
            running.close()
        text = running.text()
        frames = check_links(text, nodes, problems)
        if status != 0:
            problems.append(f"exit status {status}")
        if has_grown(first, last):
            problems.append(f"the broker grew from {first} to {last} (KiB, descriptors)")
        wrong = re.compile(r"error|warning \w+\[\d+\]: died: (?!signal 9 )")
        problems += [line for line in text.splitlines() if wrong.match(line)][:5]
        problems += [f"{node} was started again, and nobody had killed it"
                     for node, life in chaos.lives.items() if life > 1 and node not in victims]
        if problems:
            pathlib.Path("/tmp" if not BUILD.exists() else BUILD, "chaos.log").write_text(text)
    finally:
        graph.close()
    dead = sorted(chaos.seconds_dead) or [0]
    return {"scenario": name, "kills": chaos.kills, "frames": sum(frames.values()),
            "down_ms_median": round(1000 * dead[len(dead) // 2], 1),
            "down_ms_p99": round(1000 * dead[int(len(dead) * 0.99)], 1), "problems": problems}


def options(words):
    kills, seconds, seed = 1000, None, os.environ.get("SB_SEED")
    words = list(words)
    while words:
        word = words.pop(0)
        if word == "--seconds":
            seconds = float(words.pop(0))
        elif word == "--seed":
            seed = words.pop(0)
        else:
            kills = int(word)
    return kills, seconds, int(seed) if seed is not None else random.SystemRandom().randrange(1 << 32)


def main():
    kills, seconds, seed = options(sys.argv[1:])
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    end = time.monotonic() + (seconds if seconds is not None else 1e9)
    is_wrong = False
    while True:
        for _, name, nodes, links, victims in SCENARIOS:
            until = end if seconds is None else min(end, time.monotonic() + max(2, seconds / len(SCENARIOS)))
            report = run_scenario(name, nodes, links, victims, kills, until, chance)
            print(json.dumps(report), flush=True)
            is_wrong = is_wrong or bool(report["problems"])
            if seconds is not None and time.monotonic() >= end:
                break
        if seconds is None or time.monotonic() >= end or is_wrong:
            return 1 if is_wrong else 0


if __name__ == "__main__":
    skip_without_walls()
    if not JOINER.exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    sys.exit(main())
