# SPDX-License-Identifier: Apache-2.0
# test: labels=slow number=1000 timeout=900 serial
"""Random changes of a graph in which a video at 60 frames per second and a saturated stream of small frames
run: nobody who is not meant notices. The number of changes is the argument; SB_SEED repeats a run."""
import os
import random
import re
import sys
import unittest

from live_graph import LiveGraph
from waiting import wait_until

CORE = {"v": "exec: [test-pattern], config: {width: 320, height: 240}", "f": "exec: [blur]",
        "s": "exec: [check-sink]", "a": "exec: [test-source], config: {rate: 0, size: 64}",
        "p": "exec: [pass]", "b": "exec: [check-sink]"}
CORE_LINKS = ["v.video -> f.video", "f.video -> s.in", "a.data -> p.in", "p.out -> b.in"]
# Where links of guests come from, and the programs of guests with the ports that they have.
OUTLETS = ["v.video", "f.video", "a.data", "p.out"]
GUESTS = {"pass": ("in", "out"), "null-sink": ("in", None), "blur": ("video", "video")}
COUNT = 100
ORDER = ["unwire", "stop", "start", "replace", "wire", "configure", "update"]


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def mappings(pid):
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
        return sum("memfd" in line for line in maps)


class Random(LiveGraph):
    def begin(self):
        self.seed = int(os.environ.get("SB_SEED", random.randrange(1 << 32)))
        print(f"SB_SEED={self.seed}, {COUNT} changes", flush=True)
        self.chance = random.Random(self.seed)
        self.guests = {}  # id -> program
        self.links = {}  # (from, to) -> depth
        self.serial = 0

    def add(self):
        program = self.chance.choice(list(GUESTS))
        self.serial += 1
        node = f"x{self.serial}"
        self.do("add", node=node, exec=[program], set=["sandbox=trusted", "restart.when=never"])
        self.guests[node] = program

    def remove(self):
        node = self.chance.choice(list(self.guests))
        self.do("remove", node=node)
        del self.guests[node]
        self.links = {ends: depth for ends, depth in self.links.items()
                      if not any(end.startswith(node + ".") for end in ends)}

    def connect_one(self):
        node, program = self.chance.choice(list(self.guests.items()))
        start = self.chance.choice(["v.video", "f.video"] if program == "blur" else OUTLETS)
        ends = (start, f"{node}.{GUESTS[program][0]}")
        # One format into one input: frames of two kinds would be a clash.
        if any(end == ends[1] for _, end in self.links):
            return
        depth = self.chance.choice([4, 16, 64])
        self.connect(*ends, depth=depth, delivery=self.chance.choice(["lossless", "ordered", "latest"]))
        self.links[ends] = depth

    def disconnect_one(self):
        ends = self.chance.choice(list(self.links))
        self.disconnect(*ends)
        del self.links[ends]

    def resize(self):
        if self.links and self.chance.random() < 0.5:
            start, end = self.chance.choice(list(self.links))
        else:
            start, end = self.chance.choice(CORE_LINKS).split(" -> ")
        self.do("link", **{"from": start, "to": end, "set": [f"depth={self.chance.choice([4, 8, 64])}"]})

    def set_one(self):
        self.do("set", node="f", set=[f"radius={self.chance.randrange(4)}"])

    def replace(self):
        sinks = [node for node, program in self.guests.items() if program in ("pass", "null-sink")]
        if not sinks:
            return
        node = self.chance.choice(sinks)
        self.do("replace", node=node, exec=["pass"])
        self.guests[node] = "pass"

    def refused(self):
        """What is wrong changes nothing."""
        verb, fields, code = self.chance.choice([
            ("add", {"node": "bad", "exec": ["no-such-program"]}, 78),
            ("add", {"node": "bad", "exec": ["./crash"], "set": ["sandbox=trusted"]}, 1),
            ("connect", {"from": "v.video", "to": "nobody.in"}, 78),
            ("set", {"node": "f", "set": ["radius=wide"]}, 78),
            ("remove", {"node": "nobody"}, 66),
            ("apply", {"file": str(self.graph.folder / "bad.yaml")}, 78),
            ("apply", {"file": str(self.graph.folder / "crash.yaml")}, 1)])
        if fields.get("file", "").endswith("crash.yaml"):
            # Everything as it is, and one more node, whose program crashes before it is ready.
            self.file_with("crash", "  bad: {exec: [./crash], sandbox: trusted, restart: {when: never}}")
        self.refuse(code, verb, **fields)

    def file_with(self, name, line=""):
        """The canonical form of what runs, with one more line among its nodes."""
        text = self.do("graph", form="yaml")
        text = text if isinstance(text, str) else text["text"]
        self.assertEqual(text.count("\nnodes:\n"), 1, text)
        text = text.replace("\nnodes:\n", f"\nnodes:\n{line}\n" if line else "\nnodes:\n")
        return str(self.graph.file(f"{name}.yaml", text))

    def apply_same(self):
        """The canonical form of what runs is what runs."""
        self.do("apply", file=self.file_with("now"))

    def apply_more(self):
        """One file that adds a node, and one that takes it away again."""
        before = self.file_with("before")
        self.do("apply", file=self.file_with("more", "  more: {exec: [null-sink], sandbox: trusted}"))
        self.do("apply", file=before)

    def pause(self):
        """What is changed beside a node that is paused, whoever it is, does not wait for it."""
        node = self.chance.choice([*CORE, *self.guests])
        self.do("pause", node=node)
        self.chance.choice([self.refused, self.apply_same, self.apply_more, lambda: None])()
        self.do("resume", node=node)

    def step(self):
        room = len(self.guests) < 6
        ways = [self.resize, self.set_one, self.refused, self.apply_same, self.apply_more, self.pause]
        ways += [self.add] * 3 if room else []
        ways += [self.remove, self.connect_one, self.connect_one, self.replace] if self.guests else []
        ways += [self.disconnect_one] * 2 if self.links else []
        self.chance.choice(ways)()

    def test_random_changes_touch_nobody_else_and_lose_nothing(self):
        """R-LIVE-001 R-LIVE-010"""
        self.begin()
        self.graph.worker("crash", "connect(); os.abort()", has_input=True)
        self.graph.file("bad.yaml", "version: 1\nnodes: {x: {exec: [no-such-program]}}\n")
        self.start(nodes=CORE, links=CORE_LINKS, head="clock: {fps: 60}")
        before = self.pids(CORE)
        broker = self.running.process.pid
        fds = {pid: descriptors(pid) for pid in (broker, *before.values())}
        maps = {pid: mappings(pid) for pid in before.values()}
        for _ in range(COUNT):
            self.step()
            change = self.status()["change"]
            self.assertEqual(change["wanted"], change["actual"])
        while self.guests:
            self.remove()
        self.assertEqual(self.pids(CORE), before)
        self.assertEqual(self.status()["change"]["actual"], {"nodes": len(CORE), "links": len(CORE_LINKS)})
        wait_until(lambda: {pid: descriptors(pid) for pid in fds} == fds,
                   lambda: f"{fds} became { {pid: descriptors(pid) for pid in fds} }")
        for pid, count in maps.items():
            self.assertLessEqual(mappings(pid), count + 4)
        text = self.finish()
        for name in CORE_LINKS:
            self.assert_all_arrived(text, name)
        self.check_order(text)

    def check_order(self, text):
        """R-LIVE-001: the steps of each change come in the fixed order, each is announced, and those that were
        announced are told."""
        place = 0
        announced = []
        for line in text.splitlines():
            found = re.match(rf"debug(?: \w+\[\d+\])?: (will|did) ({'|'.join(ORDER)}) (.*)", line)
            if re.match(r"\w+: revision \d+ is (in force|refused)", line):
                self.assertEqual(announced, [], line)
                place = 0
            if not found:
                continue
            step = found[2], found[3]
            if found[1] == "will":
                self.assertGreaterEqual(ORDER.index(found[2]), place, line)
                place = ORDER.index(found[2])
                announced.append(step)
            else:
                self.assertIn(step, announced, line)
                announced.remove(step)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[-1].isdigit():
        COUNT = int(sys.argv.pop())
    unittest.main()
