# SPDX-License-Identifier: Apache-2.0
# test: timeout=300 serial
"""What a tap costs its producer in instructions, counted by callgrind: no more than a second reader of `latest` does.

Counted is the difference between two runs that differ in their number of frames, so that start, end and the making of
the tap cancel out."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graphs import BUILD, Graph

FEW, MANY, RATE = 3000, 9000, 2000

# A descriptor has to be there within two seconds, which callgrind may not manage.
WRAPPER = """#!/bin/sh
if [ $# -gt 0 ]; then exec {program} "$@"; fi
exec {valgrind} --quiet --tool=callgrind --callgrind-out-file={out} {program}
"""


class TapCounts(unittest.TestCase):
    def instructions(self, frames, readers, is_tapped):
        graph = Graph()
        self.addCleanup(graph.close)
        out = graph.folder / "source.out"
        graph.file("source", WRAPPER.format(program=BUILD / "libexec/streambroker/test-source", out=out,
                                            valgrind=shutil.which("valgrind")), 0o755)
        nodes = {"a": f"exec: [./source], config: {{frames: {frames}, rate: {RATE}}}, timeouts: {{start: 60s}}",
                 "b": "exec: [null-sink]"}
        links = ["a.data -> b.in"]
        for i in range(readers):
            nodes[f"r{i}"] = "exec: [null-sink]"
            links.append(f"{{from: a.data, to: r{i}.in, delivery: latest, depth: 2}}")
        graph.write(nodes, links)
        broker = graph.start("-v")
        self.addCleanup(broker.close)
        feed = None
        if is_tapped:
            broker.expect("a[1]: ready -> running")
            feed = subprocess.Popen([str(BUILD / "bin/streamctl"), "--graph", "graph", "tap", "a.data",
                                     "--interval", "0"], stdout=subprocess.DEVNULL)
        self.assertEqual(broker.wait(), 0, broker.text())
        if feed is not None:
            self.assertEqual(feed.wait(), 0)
        return int(re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.M).group(1))

    def per_frame(self, readers, is_tapped):
        few = self.instructions(FEW, readers, is_tapped)
        return (self.instructions(MANY, readers, is_tapped) - few) / (MANY - FEW)

    def test_a_tap_costs_its_producer_no_more_than_a_second_reader(self):
        """R-TAP-003 R-DATA-027"""
        alone, reader, tapped = self.per_frame(0, False), self.per_frame(1, False), self.per_frame(0, True)
        print(f"instructions per frame: {alone:.0f} with one reader, {reader:.0f} with a second one that is latest, "
              f"{tapped:.0f} with a tap")
        self.assertLess(tapped - alone, (reader - alone) * 1.15)


if __name__ == "__main__":
    if shutil.which("valgrind") is None or os.environ.get("SB_SANITIZE"):
        print("skipped: valgrind is missing, or sanitizers are in its way")
        sys.exit(77)
    unittest.main()
