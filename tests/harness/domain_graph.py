# SPDX-License-Identifier: Apache-2.0
"""Graphs with a domain of iceoryx, and what such a domain leaves behind: nothing."""
import os
import pathlib
import re
import signal
import subprocess

from graph_run import BUILD
from live_graph import LiveGraph
from waiting import wait_until

RESTART = "restart: {delay: 20ms, max_delay: 50ms, max: unlimited}, sandbox: trusted"


def left_behind():
    """What iceoryx makes for itself, as this machine sees it."""
    return [str(path) for folder in ("/dev/shm", "/tmp") for path in pathlib.Path(folder).glob("*")
            if re.search(r"iceoryx_mgmt|iox-unique-roudi|^roudi|streambroker-(probe-)?\d+-", path.name)]


def new_since(before):
    """What is there and was not: another RouDi of this machine may come to its end meanwhile."""
    return [path for path in left_behind() if path not in before]


class DomainGraph(LiveGraph):
    """Two links by iceoryx, and one ring beside them."""
    NODES = {"a": f"exec: [test-source], config: {{size: 2000}}, {RESTART}", "p": f"exec: [pass], {RESTART}",
             "b": f"exec: [check-sink], {RESTART}",
             "c": "exec: [test-source], config: {rate: 1000}", "d": "exec: [check-sink]"}
    LINKS = ["{from: a.data, to: p.in, transport: iceoryx, max_payload: 64KiB}",
             "{from: p.out, to: b.in, transport: iceoryx, max_payload: 64KiB}", "c.data -> d.in"]

    def released(self, end):
        return next(one["released"] for one in self.client.call("links").documents[0] if one["to"] == end)

    def wait_frames(self, count, what):
        before = self.released("b.in")
        wait_until(lambda: self.released("b.in") > before + count, f"no frames after {what}", limit_s=60)

    def end(self, before):
        self.running.process.send_signal(signal.SIGINT)
        self.running.wait()
        text = self.running.text()
        for name in ("a.data -> p.in", "p.out -> b.in"):
            for counts in self.counts(text, name):
                dropped = sum(counts.get(key, 0) for key in ("lost", "abandoned", "evicted", "poisoned"))
                self.assertEqual(counts["published"], counts["released"] + dropped, counts)
        self.assertEqual(new_since(before), [])
        return text

    def inside(self, word):
        """The process of this broker's domain whose command line begins with this word."""
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                first = path.read_bytes().split(b"\0")[0]
                if word in first and self.is_ours(int(path.parent.name)):
                    return int(path.parent.name)
            except OSError:
                continue
        raise AssertionError(word)

    def is_ours(self, pid):
        while pid > 1:
            if pid == self.running.process.pid:
                return True
            pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        return False


def why_not():
    if not (BUILD / "libexec/streambroker/transports/libstreambroker-iceoryx.so").exists():
        return "iceoryx is not installed"
    if os.environ.get("SB_SANITIZE"):
        return "iceoryx's memory is not for sanitizers"
    done = subprocess.run(["bwrap", "--dev-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "--tmpfs", "/dev/shm",
                           "true"], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"no domain can be made here: {done.stderr.strip()}"
