# SPDX-License-Identifier: Apache-2.0
# test: labels=slow number=200 timeout=600 tiers
"""Ends the broker or its launcher at random moments, and looks for whatever is left.

    test_random_ends.py 200    the broker 200 times within the first 50 ms, the launcher and both 100 times

Chance comes from SB_SEED.
"""
import os
import pathlib
import random
import re
import signal
import socket
import sys

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graphs import BUILD, TIER, Graph, children, skip_without_walls
from harness.waiting import let_pass, wait_until

FOREVER = {"a": "exec: [test-source], config: {rate: 1000}", "f": "exec: [pass]", "z": "exec: [null-sink]"}
LINKS = ["a.data -> f.in", "f.out -> z.in"]
GONE_S = 2
# Whoever has one of these is in a sandbox of this test. Only root can give them.
BLOCKS = [range(first, first + 20) for first in range(60200, 60560, 20)]
MOMENT_S = 0.05 if TIER == "trusted" else 0.15


def own_users():
    """Users that no other run of this test has: each holds a name in the kernel for what it takes, until it ends."""
    for users in BLOCKS:
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0streambroker-test-users-{users[0]}")
            return users, name
        except OSError:
            name.close()
    raise AssertionError("every block of users is taken")


USERS, NAME = own_users()


def state_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "gone"


def left_in(folder):
    """Pids of whatever works in the folder of the graph, or in a sandbox of it, and is no zombie."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            is_here = entry.stat().st_uid in USERS or pathlib.Path(os.readlink(entry / "cwd")) == folder
        except OSError:
            continue
        if is_here and state_of(entry.name) not in ("Z", "gone"):
            found.append(int(entry.name))
    return found


class Ends:
    """One graph that is started and ended again and again."""

    def __init__(self, graph):
        self.graph = graph
        self.socket = graph.folder / "control.sock"

    def start(self):
        return self.graph.start("-v", "--socket", str(self.socket), "--uids", f"{USERS[0]}-{USERS[-1]}")

    def check_nothing_is_left(self, what):
        wait_until(lambda: not left_in(self.graph.folder), f"every process is gone after {what}", GONE_S)
        wait_until(lambda: not self.socket.exists(), f"the socket is gone after {what}", GONE_S)

    def kill_broker(self, moment_s):
        """R-SUP-032"""
        running = self.start()
        let_pass(moment_s)
        below = children(running.process.pid)
        running.process.kill()
        running.process.wait()
        wait_until(lambda: all(state_of(pid) in ("Z", "gone") for pid in below),
                   f"every process below a broker that was killed after {1000 * moment_s:.1f} ms is gone", GONE_S)
        self.check_nothing_is_left(f"a broker's death at {1000 * moment_s:.1f} ms")
        running.close()

    def kill_both(self, moment_s):
        """R-SAND-021: nobody is left who could look for what is left."""
        running = self.start()
        below = wait_until(lambda: children(running.process.pid), "there is a launcher")
        let_pass(moment_s)
        running.process.kill()
        os.kill(min(below), signal.SIGKILL)
        running.process.wait()
        wait_until(lambda: not left_in(self.graph.folder),
                   f"every process is gone when both died at {1000 * moment_s:.1f} ms", GONE_S)
        self.socket.unlink(missing_ok=True)
        running.close()

    def kill_launcher(self, moment_s):
        """R-SUP-033 R-SAND-012"""
        running = self.start()
        # The launcher is the first child; before it there is nothing to kill.
        below = wait_until(lambda: children(running.process.pid), "there is a launcher")
        let_pass(moment_s)
        os.kill(min(below), signal.SIGKILL)
        status = running.wait()
        text = running.text()
        if status != 70 or not re.search("the launcher is gone|cannot start the launcher", text):
            raise AssertionError(f"exit status {status} after {1000 * moment_s:.1f} ms:\n{text}")
        self.check_nothing_is_left(f"a launcher's death at {1000 * moment_s:.1f} ms")
        running.close()


def main():
    count = int(sys.argv[1])
    seed = int(os.environ.get("SB_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    graph = Graph()
    graph.write(FOREVER, LINKS)
    ends = Ends(graph)
    try:
        for _ in range(count):
            ends.kill_broker(chance.random() * MOMENT_S)
        for _ in range((count + 1) // 2):
            ends.kill_launcher(chance.random() ** 2 * 0.2)
        for _ in range((count + 1) // 2):
            ends.kill_both(chance.random() * MOMENT_S)
    finally:
        graph.close()
    print(f"{count} brokers, {(count + 1) // 2} launchers and as often both were killed, and nothing was left")
    return 0


if __name__ == "__main__":
    skip_without_walls()
    if TIER == "untrusted" and os.geteuid() != 0:
        print("skipped: only root can give users by which what is left is found")
        sys.exit(77)
    if not (BUILD / "libexec/streambroker/pass").exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    sys.exit(main())
