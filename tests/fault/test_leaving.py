# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""Links of a filter that holds frames are taken away, with and without its death."""
import os
import pathlib
import signal
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests/harness"))
from harness.control_client import Client, socket_of
from harness.live_graph import LiveGraph
from harness.waiting import wait_until

AGAIN = "restart: {max: unlimited, delay: 0s}, on_crash: {poison_after: 1000}, sandbox: trusted"
HELD = 30
FEED, OUT = "a.data -> d.in", "d.out -> z.in"
WIDE = "{from: a.data, to: d.in, depth: 66}"


class Leaving(LiveGraph):
    def begin(self, work):
        sink = f'config: {{work: {work}, numbers: "off", sequence: "off"}}'
        self.start(nodes={"a": f"exec: [test-source], config: {{rate: 500}}, {AGAIN}",
                          "d": f"exec: [delay], config: {{frames: {HELD}}}, {AGAIN}",
                          "y": f"exec: [null-sink], {AGAIN}", "z": f"exec: [check-sink], {sink}, {AGAIN}"},
                   links=[WIDE, OUT, "{from: a.data, to: y.in, delivery: latest}"])
        wait_until(lambda: self.link(OUT)["published"] > HELD, "frames came through")

    def link(self, name):
        return next((one for one in self.client.call("links").json if one["link"] == name), None)

    def node(self, name):
        return next(one for one in self.client.call("nodes").json if one["id"] == name)

    def test_a_filter_dies_while_its_only_link_out_leaves(self):
        """R-LIVE-012: the end of a link that leaves is no end of its producer, which starts again and goes on with
        the frames that it held."""
        self.begin("20ms")
        other = Client(socket_of())
        self.addCleanup(other.close)
        leaving = threading.Thread(target=other.call, args=("disconnect",), kwargs={"from": "d.out", "to": "z.in"})
        leaving.start()
        wait_until(lambda: self.link(OUT)["state"] == "disconnecting", "the link leaves")
        os.kill(self.pid("d"), signal.SIGKILL)
        leaving.join()
        wait_until(lambda: self.node("d")["state"] == "running", "the filter runs again")
        self.connect("d.out", "z.in")
        wait_until(lambda: self.link(OUT)["released"] > 0, "its frames go on")
        text = self.finish()
        for name in (FEED, OUT):
            self.assert_all_arrived(text, name)


if __name__ == "__main__":
    unittest.main()
