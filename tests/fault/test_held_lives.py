# SPDX-License-Identifier: Apache-2.0
# test: timeout=300 tiers
"""Readers that hold frames of many lives of their producer. Chance comes from SB_SEED (21)."""
import os
import pathlib
import random
import re
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests/harness"))
from harness.domain_graph import why_not
from harness.graphs import BUILD, skip_without_walls
from harness.live_graph import Client, LiveGraph, socket_of
from harness.waiting import let_pass, wait_until

ROUNDS = 60
SEED = int(os.environ.get("SB_SEED", "21"))
AGAIN = "restart: {max: unlimited, delay: 0s}, on_crash: {poison_after: 1000}"
JOINER = BUILD / "tests/fault/joiner"
TALLY = BUILD / "tests/fault/tally"
PASS = f"exec: [pass], {AGAIN}"
SINK = f"exec: [{TALLY}]"
AWAITED = "gets memory when frames of its lives before are read"
CHAIN = ["a.data -> p.in", "p.out -> d.in", "d.out -> z.in"]
FEED, HELD, LAST = CHAIN


def source(rate):
    return f"exec: [test-source], config: {{rate: {rate}}}, {AGAIN}"


def delay(frames):
    return f"exec: [delay], config: {{frames: {frames}}}, {AGAIN}"


class HeldLives(LiveGraph):
    def begin(self, rate, frames, links=CHAIN, head="", **more):
        self.start(nodes={"a": source(rate), "p": PASS, "d": delay(frames), "z": SINK, **more}, links=links, head=head)

    def count(self, link, what):
        return next(one[what] for one in self.client.call("links").json if one["link"] == link)

    def wait_more(self, link, what, more, limit_s=30):
        """Until that many frames more than now were published or released there."""
        wanted = self.count(link, what) + more
        wait_until(lambda: self.count(link, what) >= wanted,
                   f"{more} more frames were {what} at {link}:\n{self.running.text()[-4000:]}", limit_s)

    def kill(self, node):
        """Kills the newest life of a node, and waits until there is another one."""
        pid = self.pid(node)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.pid(node) != pid, f"{node} has another life")

    def all_arrived(self, links=CHAIN):
        text = self.finish()
        for link in links:
            self.assert_all_arrived(text, link)
        return text

    def test_a_delay_holds_frames_of_many_lives(self):
        """R-DATA-030 R-SUP-081: it gives none of them back before the next life has sent more."""
        self.begin(200, 30)
        for _ in range(20):
            self.wait_more(HELD, "published", 1)
            self.kill("p")
        self.wait_more(LAST, "released", 40)
        self.all_arrived()

    def test_the_one_that_holds_them_dies_too(self):
        """R-DATA-030 R-SUP-016"""
        self.begin(200, 30)
        for _ in range(6):
            self.wait_more(HELD, "published", 3)
            self.kill("p")
        self.kill("d")
        for _ in range(6):
            self.wait_more(HELD, "published", 3)
            self.kill("p")
        self.kill("d")
        self.wait_more(LAST, "released", 40)
        self.all_arrived()

    def test_what_the_last_step_held_comes_again_although_that_step_is_done(self):
        """R-DATA-036: it rests between two steps when it dies, is replaced or is started again."""
        for what in ("kill", "restart", "replace"):
            with self.subTest(what=what):
                self.begin(0, 1)  # never idle: a pause comes right behind a step
                for frames in range(2, 7):
                    self.wait_more(LAST, "released", 5)
                    self.do("pause", node="d")
                    self.wait_node("d", "paused")
                    self.end_life(what, frames)
                    self.do("resume", node="d")
                self.wait_more(LAST, "released", 20)
                self.all_arrived()
                self.doCleanups()
                self.setUp()

    def wait_node(self, node, state):
        def states():
            return {one["id"]: one["state"] for one in self.client.call("nodes").json}
        wait_until(lambda: states()[node] == state, f"{node} is {state}")

    def end_life(self, what, frames):
        if what == "kill":
            return self.kill("d")
        pid = self.pid("d")
        if what == "restart":
            self.do("restart", node="d")
        else:
            self.do("replace", node="d", exec=["delay"], set=[f"config.frames={frames}"])
        wait_until(lambda: self.pid("d") != pid, "d has another life")
        return None

    def footprint(self):
        status = pathlib.Path(f"/proc/{self.running.process.pid}/status").read_text()
        held = len(os.listdir(f"/proc/{self.running.process.pid}/fd"))
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]), held, self.status()["memory_used_bytes"]

    def test_random_deaths_of_both_lose_nothing(self):
        """R-DATA-030 R-SUP-034 R-MEM-007: whatever is held, nothing is missing, and nothing comes again unsaid."""
        for frames, depth in ((1, 66), (30, 80), (64, 300)):
            with self.subTest(frames=frames, depth=depth):
                chance = random.Random(SEED + depth)
                self.begin(500, frames, [FEED, f"{{from: p.out, to: d.in, depth: {depth}}}", LAST])
                self.wait_more(LAST, "released", 10)
                first = self.footprint()
                for _ in range(ROUNDS):
                    let_pass(chance.random() ** 2 * 0.03)
                    self.kill(chance.choice("ppd"))
                # By then frames of the last life only are held.
                self.wait_more(LAST, "released", 150)
                last = self.footprint()
                if not os.environ.get("SB_SANITIZE"):  # one that checks memory keeps what was freed
                    self.assertLess(last[0], first[0] + 4096, "the broker grew")
                self.assertLess(last[1], first[1] + 8, "descriptors were left")
                self.assertEqual(last[2], first[2], "memory was left")
                self.all_arrived()
                self.doCleanups()
                self.setUp()

    def test_a_producer_that_does_not_take_its_memory_is_overdue(self):
        """R-SUP-087: it said that it waits for space, and what it has not got it was given."""
        self.start(nodes={"a": source(500), "p": f"{PASS}, timeouts: {{process: 1s}}", "z": "exec: [null-sink]"},
                   links=["a.data -> p.in", "{from: p.out, to: z.in, depth: 4}"])
        self.wait_more("p.out -> z.in", "released", 10)
        self.do("pause", node="z")
        wait_until(lambda: self.count("p.out -> z.in", "queued") == 4 and self.count("a.data -> p.in", "held") == 1,
                   "p waits for space")
        os.kill(self.pid("p"), signal.SIGSTOP)
        with Client(socket_of()) as other:
            other.ask("link", **{"from": "p.out", "to": "z.in", "set": ["depth=64"]})
            self.running.expect("p.out -> z.in: wired -> switching")
            self.do("resume", node="z")
            self.running.expect("p[1]: died", "process deadline of 1s passed")
        self.all_arrived(["a.data -> p.in", "p.out -> z.in"])

    def test_a_producer_dies_faster_than_its_frames_are_read(self):
        """R-SUP-081: it waits for the reader then, which is told, and the reader keeps its own pace."""
        slow = "exec: [check-sink], config: {work: 50ms, numbers: gapless}, timeouts: {stop: 25s}"
        self.start(nodes={"a": source(100), "p": PASS, "z": slow},
                   links=["a.data -> p.in", "{from: p.out, to: z.in, depth: 32}"])
        first = self.footprint()
        self.kill_each("p.out -> z.in", 20)
        self.running.expect(AWAITED, "z.in has not read those of 8")
        self.wait_more("p.out -> z.in", "released", 20)
        self.assertLess(self.footprint()[1], first[1] + 3 * 10, "more than eight of them wait")
        self.all_arrived(["a.data -> p.in", "p.out -> z.in"])

    def kill_each(self, link, lives):
        """Kills p whenever a life of it has published something, or waits for memory."""
        seen = 0
        for _ in range(lives):
            wait_until(lambda before=seen: self.count(link, "published") > before or AWAITED in self.running.text(),
                       "nothing is published")
            seen = self.count(link, "published")
            self.kill("p")

    def wait_published(self, link):
        """A frame more than now, or a life that waits for memory."""
        before = self.count(link, "published")
        wait_until(lambda: self.count(link, "published") > before or AWAITED in self.running.text(),
                   f"nothing is published\n{self.running.text()[-3000:]}")

    def test_a_join_whose_other_way_holds_them_back_goes_on(self):
        """R-SUP-081 R-DATA-031: p waits for j to read, j for d, and d for p."""
        links = ["a.data -> p.in", "{from: p.out, to: j.in_0, depth: 256}", "p.out -> d.in", "d.out -> j.in_1",
                 "j.out_0 -> y.in", "j.out_1 -> z.in"]
        self.start(nodes={"a": source(20), "p": PASS, "d": delay(64), "j": f"exec: [{JOINER}], {AGAIN}",
                          "y": SINK, "z": SINK}, links=links)
        for _ in range(12):
            self.wait_more("p.out -> d.in", "published", 1)
            self.kill("p")
        self.wait_more("j.out_0 -> y.in", "released", 10)
        text = self.all_arrived([link if link[0] != "{" else "p.out -> j.in_0" for link in links])
        self.assertIn("its producer gets memory beside that of", text)

    def test_lives_that_there_is_no_memory_for_wait_for_their_readers(self):
        """R-SUP-081"""
        big = f"exec: [test-source], config: {{rate: 500, size: 32768}}, {AGAIN}"
        slow = "exec: [check-sink], config: {work: 100ms, numbers: gapless}, timeouts: {stop: 25s}"
        self.start(nodes={"a": big, "p": PASS, "z": slow},
                   links=["{from: a.data, to: p.in, depth: 16}", "{from: p.out, to: z.in, depth: 16}"],
                   head="limits: {shared_memory: 3MiB}")
        self.kill_each("p.out -> z.in", 8)
        self.running.expect(AWAITED, "not enough memory for its frames")
        self.wait_more("p.out -> z.in", "released", 20)
        self.all_arrived(["a.data -> p.in", "p.out -> z.in"])

    def test_where_all_memory_is_held_for_ever_the_circle_is_named(self):
        """R-SUP-081 R-DATA-031"""
        big = f"exec: [test-source], config: {{rate: 100, size: 32768}}, {AGAIN}"
        self.start(nodes={"a": big, "p": PASS, "d": delay(30), "z": "exec: [null-sink]"}, links=CHAIN,
                   head="limits: {shared_memory: 18MiB}")
        for _ in range(5):
            self.wait_published(HELD)
            if AWAITED in self.running.text():
                break
            self.kill("p")
        self.assertEqual(self.running.wait(), 1)
        text = self.running.text()
        self.assertRegex(text, "nodes wait for each other: .*p waits for memory on p.out -> d.in")
        self.assertRegex(text, "no link can grow: p.out: not enough memory for its frames")

    def test_the_graph_is_changed_while_they_are_held(self):
        """R-LIVE-004 R-DATA-030: a deeper link, a tap, another program, and a reader more."""
        self.begin(200, 30)
        for what in ("link", "replace", "connect", "tap", "disconnect", "remove"):
            for _ in range(3):
                self.wait_more(HELD, "published", 2)
                self.kill("p")
            self.change(what)
        self.wait_more(HELD, "released", 100)
        text = self.finish()
        self.assert_all_arrived(text, FEED)
        self.assert_all_arrived(text, HELD)
        self.assert_all_arrived(text, "p.out -> x.in")

    def change(self, what):
        if what == "link":
            self.do("link", **{"from": "p.out", "to": "d.in", "set": ["depth=80"]})
        elif what == "replace":
            self.do("replace", node="d", exec=["delay"], set=["config.frames=20"])
        elif what == "connect":
            self.do("add", node="x", exec=["check-sink"], set=["sandbox=trusted", "config.sequence=gapless"])
            self.connect("p.out", "x.in")
        elif what == "tap":
            with Client(socket_of()) as tap:
                tap.ask("tap", source="p.out", count=3)
                tap.next()
        elif what == "disconnect":
            self.disconnect("p.out", "x.in")
        else:
            self.do("remove", node="x")

    def test_payloads_of_a_transport_are_held_too(self):
        """R-DATA-030 R-TRANS-003"""
        os.environ["STREAMBROKER_TRANSPORT_PATH"] = str(BUILD / "tests/system/transports")
        held = "{from: p.out, to: d.in, transport: socket, max_payload: 4KiB}"
        self.start(nodes={"a": source(200), "p": f"{PASS}, sandbox: trusted", "d": f"{delay(30)}, sandbox: trusted",
                          "z": SINK}, links=[FEED, held, LAST])
        for _ in range(10):
            self.wait_more(HELD, "published", 1)
            self.kill("p")
        self.wait_more(LAST, "released", 40)
        self.all_arrived()

    @unittest.skipIf(why_not(), str(why_not()))
    def test_payloads_of_iceoryx_are_held_too(self):
        """R-DATA-030 R-IOX-017: what such a domain loses when one dies in it is counted, and nothing stands."""
        held = "{from: p.out, to: d.in, transport: iceoryx, max_payload: 4KiB}"
        holder = "exec: [delay], config: {frames: 30}, on_crash: {frame: skip}, sandbox: trusted"
        self.start(nodes={"a": source(200), "p": f"{PASS}, sandbox: trusted", "d": holder, "z": "exec: [null-sink]"},
                   links=[FEED, held, LAST])
        for _ in range(6):
            self.wait_more(HELD, "published", 2)
            self.kill("p")
        self.wait_more(LAST, "released", 60, 60)
        self.running.signal()
        self.running.wait()
        counts, = self.counts(self.running.text(), HELD)
        dropped = sum(counts.get(key, 0) for key in ("lost", "abandoned", "poisoned"))
        self.assertEqual(counts["published"], counts["released"] + dropped, counts)


if __name__ == "__main__":
    skip_without_walls()
    if not TALLY.exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    unittest.main()
