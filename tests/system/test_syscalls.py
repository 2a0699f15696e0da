# SPDX-License-Identifier: Apache-2.0
# test: labels=slow number=10000000 timeout=600 serial
"""System calls of source -> filter -> sink with frames of 64 bytes and links of 4096, counted by strace from the
first exec to the end. The argument is the number of frames."""
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graph_case import GraphCase
from harness.graphs import BUILD

FRAMES = 10_000_000
# 20 looks a second, each a wait, a timer that is read and one that is set.
LOOK_CALLS_PER_S = 100
WORKERS = ("test-source", "pass", "null-sink")


def count(path):
    """Calls by program: what a process executed last is what it is."""
    calls, program, who = collections.Counter(), {}, "streambroker"
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            found = re.match(r"(\d+) +(\w+)\((?:[^\"]*\"([^\"]*)\")?", line)
            if not found:
                continue  # the end of a call that another interrupted, a signal, an exit
            pid, name, argument = found.groups()
            if name in ("execve", "execveat") and argument:
                program[pid] = pathlib.PurePath(argument).name
            who = program.get(pid, "streambroker")
            calls[who, name] += 1
    return calls


def total(calls, *programs):
    return sum(number for (who, _), number in calls.items() if who in programs)


class SystemCalls(GraphCase):
    def calls(self, frames):
        self.graph.write({"a": f"exec: [test-source], config: {{frames: {frames}}}", "b": "exec: [pass]",
                          "c": "exec: [null-sink]"},
                         ["{from: a.data, to: b.in, depth: 4096, max_payload: 64}",
                          "{from: b.out, to: c.in, depth: 4096, max_payload: 64}"])
        path = self.graph.folder / "trace"
        command = ["strace", "-f", "-qq", "-e", "signal=none", "-s", "200", "-o", str(path), *self.graph.command("-v")]
        begun = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count(f": published={frames} released={frames}\n"), 2, done.stderr)
        return count(path), time.monotonic() - begun

    def test_less_than_one_call_in_a_hundred_frames_and_none_by_the_broker(self):
        """R-DATA-020"""
        (few, few_s), (many, many_s) = self.calls(FRAMES // 10), self.calls(FRAMES)
        for worker in WORKERS:
            self.assertGreater(total(many, worker), 20, f"{worker} was not traced")
        per_frame = total(many, *WORKERS) / FRAMES
        print(f"{FRAMES} frames: {per_frame:.5f} calls per frame; broker {total(few, 'streambroker')} calls for a "
              f"tenth of them, {total(many, 'streambroker')} for all")
        self.assertLess(per_frame, 0.01, sorted(many.items(), key=lambda item: -item[1])[:12])
        # The launcher is a streambroker too. Which of their calls wait once more differs from run to run, and the
        # broker looks for stalls some times a second, however many frames there are.
        looks = LOOK_CALLS_PER_S * (many_s - few_s)
        self.assertLess(total(many, "streambroker"), total(few, "streambroker") * 1.25 + looks)


if __name__ == "__main__":
    if shutil.which("strace") is None or not (BUILD / "libexec/streambroker/pass").exists():
        print("skipped: strace or the processors are missing")
        sys.exit(77)
    if os.environ.get("SB_SANITIZE"):
        print("skipped: sanitizers make calls of their own")
        sys.exit(77)
    if len(sys.argv) > 1:
        FRAMES = int(sys.argv.pop())
    unittest.main()
