# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""How much memory a graph takes, and what happens where there is less."""
import os
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.cgroup import MemoryCgroup
from harness.graph_case import GraphCase
from harness.graphs import BUILD, children

ENDLESS = "exec: [test-source], config: {rate: 1000, size: 64KiB}"
MIB = 1 << 20


def segments(pids):
    """Every shared segment that these processes have mapped, once: inode -> (name, bytes)."""
    found = {}
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            words = line.split(maxsplit=5)
            if len(words) == 6 and words[5].startswith("/memfd:"):
                begin, end = (int(word, 16) for word in words[0].split("-"))
                name, known = found.get(words[4], (words[5], 0))
                found[words[4]] = (name, max(known, end - begin))
    return found


def refused(done, bound):
    """The two numbers of a refusal, in bytes."""
    said = re.search(rf"a\.data: .*: (\d+)(\w*) needed, (\d+)(\w*) available \({bound}\)", done.stderr)
    assert said, done.stderr
    units = {"": 1, "KiB": 1 << 10, "MiB": MIB}
    return int(said.group(1)) * units[said.group(2)], int(said.group(3)) * units[said.group(4)]


class Memory(GraphCase):
    def measure(self, links, consumers):
        """Segments of a running graph with one source, and how many workers map its pool."""
        sinks = {f"c{i}": "exec: [null-sink]" for i in range(consumers)}
        self.graph.write({"a": ENDLESS, **sinks}, links)
        running = self.graph.start("-v")
        self.addCleanup(running.close)
        for node in sinks:
            running.expect(f"{node}[1]: ready -> running")
        workers = children(running.process.pid)
        found = segments(workers)
        self.assertEqual(segments([running.process.pid]).keys() & found.keys(), self.of_broker(found))
        running.signal()
        self.assertEqual(running.wait(), 0, running.text())
        return found

    def of_broker(self, found):
        """What the broker has mapped too: control pages, and never a pool."""
        return {inode for inode, (name, _) in found.items() if "pool" not in name}

    def pool_bytes(self, found):
        pools = [size for name, size in found.values() if "pool" in name]
        self.assertEqual(len(pools), 1, found)
        return pools[0]

    def slots(self, links, consumers):
        slot = 64 * 1024 + 64
        found = self.pool_bytes(self.measure(links, consumers))
        count = found // slot
        self.assertLess(found - count * slot, 4096)  # whole pages
        return count

    def test_four_consumers_of_one_output_use_one_pool_and_no_more(self):
        """R-DATA-001 R-DATA-002 R-MEM-006: slots are the largest depth, the claims of each link and the producer's
        own; a consumer more costs its claims, never a copy of the queue."""
        one = self.slots(["{from: a.data, to: c0.in, depth: 32}"], 1)
        four = self.slots([f"{{from: a.data, to: c{i}.in, depth: {depth}}}"
                           for i, depth in enumerate((32, 4, 8, 16))], 4)
        self.assertEqual(one, 32 + 2 + 1)
        self.assertEqual(four, 32 + 4 * 2 + 1)


@unittest.skipIf(os.environ.get("SB_SANITIZE"), "sanitizers need memory of their own")
class LittleMemory(GraphCase):
    """A graph whose links need 128 MiB, in cgroups of several sizes."""

    def run_within(self, limit_bytes, head):
        # 61 + 2 + 1 slots of 2 MiB.
        self.graph.write({"a": "exec: [test-source], config: {frames: 5, size: 2097088}",
                          "b": "exec: [null-sink]"}, ["{from: a.data, to: b.in, depth: 61}"], head)
        try:
            cgroup = MemoryCgroup(limit_bytes)
        except OSError as problem:
            self.skipTest(f"no memory cgroup can be made: {problem}")
        self.addCleanup(cgroup.close)
        done = self.graph.run("-v", preexec_fn=cgroup.enter)
        self.assertEqual(cgroup.kills(), 0, done.stderr)
        return done

    def test_half_the_memory_is_78_with_both_numbers_and_a_broker_that_lives(self):
        """R-MEM-003 R-MEM-004"""
        done = self.run_within(64 * MIB, "limits: {shared_memory: none}")
        self.assertEqual(done.returncode, 78, done.stderr)
        needed, available = refused(done, "memory cgroup")
        self.assertAlmostEqual(needed, 128 * MIB, delta=MIB)
        self.assertLess(available, 64 * MIB)
        self.assertNotIn("-> running", done.stderr)

    def test_the_default_limit_is_half_of_the_cgroup(self):
        """R-MEM-005"""
        done = self.run_within(200 * MIB, "")
        self.assertEqual(done.returncode, 78, done.stderr)
        _, available = refused(done, "limits.shared_memory")
        self.assertAlmostEqual(available, 100 * MIB, delta=MIB)

    def test_enough_memory_is_enough(self):
        done = self.run_within(256 * MIB, "limits: {shared_memory: none}")
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    if not (BUILD / "libexec/streambroker/check-sink").exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    try:
        MemoryCgroup(64 * MIB).close()
    except OSError as reason:
        print(f"skipped in part: no memory cgroup can be made: {reason}")
    unittest.main()
