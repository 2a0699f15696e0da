# SPDX-License-Identifier: Apache-2.0
# test: labels=slow number=20 timeout=300 serial
"""What a tap costs a video of 1920x1080 at the rate that its source can make: the median over rounds, each with a
tap and without one. The number of rounds is the argument."""
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests/harness"))
from harness.control_client import Client, socket_of
from harness.graphs import BUILD, Graph
from harness.live_graph import Broker, connected
from harness.priority import go_first
from harness.waiting import let_pass, wait_until

STREAMCTL = BUILD / "bin/streamctl"
NODES = {"v": "exec: [test-pattern], config: {width: 1920, height: 1080}, run: {mode: continuous}",
         "z": "exec: [null-sink]"}
LINK = "v.video -> z.in"
WINDOW_S = 0.5
LEAST = 0.97
ATTEMPTS = 3
ROUNDS_LEAST = 6


class Video:
    def __init__(self):
        self.graph = Graph()
        self.graph.write(NODES, [LINK])
        self.running = Broker(self.graph)
        wait_until(socket_of().exists, "the broker has a socket")
        self.client = wait_until(lambda: connected(socket_of()), "the broker listens")
        wait_until(lambda: self.client.call("status").json["state"] == "running", "the graph runs")

    def published(self):
        return next(link["published"] for link in self.client.call("links").json if link["link"] == LINK)

    def rate(self):
        """Frames per second over one window."""
        before, begun = self.published(), time.monotonic()
        let_pass(WINDOW_S)
        frames = self.published() - before
        if frames == 0:
            raise AssertionError(f"the source stood still:\n{self.running.text()[-4000:]}")
        return frames / (time.monotonic() - begun)

    def rate_with_tap(self):
        with subprocess.Popen([str(STREAMCTL), "--graph", "graph", "tap", "v.video"], stdout=subprocess.PIPE,
                              text=True) as tap:
            try:
                tap.stdout.readline()  # it sees frames from here on
                return self.rate()
            finally:
                tap.terminate()
                tap.stdout.close()

    def ratio(self, rounds):
        """Of each round, with who is first changing from one to the next."""
        ratios = []
        for number in range(rounds):
            order = [self.rate, self.rate_with_tap] if number % 2 else [self.rate_with_tap, self.rate]
            first, second = order[0](), order[1]()
            bare, tapped = (first, second) if number % 2 else (second, first)
            ratios.append(tapped / bare)
        return statistics.median(ratios)

    def close(self):
        self.client.close()
        self.running.close()
        self.graph.close()


def main():
    rounds = max(ROUNDS_LEAST, int(sys.argv[1]))
    video = Video()
    try:
        for attempt in range(ATTEMPTS):
            ratio = video.ratio(rounds)
            print(f"R-TAP-007: with a tap {100 * ratio:.1f} % of the rate without, the median of {rounds} rounds",
                  flush=True)
            if ratio >= LEAST:
                return 0
            print(f"attempt {attempt + 1}: less than {100 * LEAST:.0f} %, load {os.getloadavg()[0]:.1f}", flush=True)
    finally:
        video.close()
    if os.getloadavg()[0] > 2 * os.cpu_count():
        print("skipped: others use this machine")
        return 77
    return 1


if __name__ == "__main__":
    if os.environ.get("SB_SANITIZE") or not STREAMCTL.exists():
        print("skipped: sanitizers cost more than what is measured")
        sys.exit(77)
    go_first()
    sys.exit(main())
