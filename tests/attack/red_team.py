# SPDX-License-Identifier: Apache-2.0
"""Runs one hostile processor beside a paced stream, and measures what the broker and the stream felt of it."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graphs import BROKER, BUILD, Graph, children
from harness.control_client import Client, socket_of
from harness.waiting import let_pass, wait_until

EVIL = BUILD / "tests/attack/evil"
WORKER = BUILD / "tests/attack/evil-worker"
FPS = 60
PING_S = 0.02
LATE_P99_S = 0.05
KEPT = 0.95
ENDED = r"(error|warning) evil\[\d+\]: (failed|died|cannot start)|evil\[\d+\]: .* -> finished"
SLACK_FRAMES = 4  # the start and the end of the window
SLACK_KIB = 4096
STREAM = {"good": "exec: [test-pattern], config: {width: 160, height: 96}, run: {mode: tick}, "
                  "timeouts: {stop: 2s}, sandbox: untrusted",
          "sink": "exec: [check-sink], config: {latency: false, stamp: false, numbers: increasing}, "
                  "timeouts: {stop: 2s}, sandbox: untrusted"}


class Pinger(threading.Thread):
    """Asks the broker for its status all the time: how long an answer takes is how late its loop is."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.took, self.is_over = path, [], threading.Event()
        self.start()

    def run(self):
        try:
            with Client(self.path) as client:
                while not self.is_over.wait(PING_S):
                    begun = time.monotonic()
                    client.call("status")
                    self.took.append(time.monotonic() - begun)
        except (OSError, AssertionError):
            pass  # the broker has ended

    def finish(self):
        self.is_over.set()
        self.join(10)

    def p99_s(self):
        return sorted(self.took)[int(len(self.took) * 0.99)] if self.took else 0.0


class Broker:
    """A broker in the background whose whole log is collected."""

    def __init__(self, path, environment=None, more_fds=()):
        self.process = subprocess.Popen([str(BROKER), "-v", str(path)], stderr=subprocess.PIPE, text=True,
                                        errors="backslashreplace", env=environment, pass_fds=more_fds)
        self.lines = []
        self.news = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            with self.news:
                self.lines.append(line)
                self.news.notify_all()
        with self.news:
            self.lines.append(None)
            self.news.notify_all()

    def text(self):
        with self.news:
            return "".join(line for line in self.lines if line is not None)

    def expect(self, pattern, limit_s=20):
        """The first match of a pattern in the log, or None when it does not come."""
        deadline = time.monotonic() + limit_s
        at = 0
        with self.news:
            while True:
                while at < len(self.lines):
                    line = self.lines[at]
                    found = re.search(pattern, line) if line is not None else None
                    if found or line is None:
                        return found
                    at += 1
                if not self.news.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    return None

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(10)
        self.process.stderr.close()


class Result:
    """What one attack printed, how it ended, and what was felt of it."""

    def __init__(self):
        self.tries, self.notes, self.reason, self.text, self.faults = [], {}, None, "", []
        self.status = None

    def read(self, text):
        self.text = text
        # An attack that floods its log is read as far as it can be.
        for word, what in re.findall(r"evil\[\d+\] stdout: (denied|allowed|note) (.*)\n", text):
            if word == "note":
                name, _, number = what.rpartition(" ")
                if re.fullmatch(r"-?\d+", number):
                    self.notes.setdefault(name, []).append(int(number))
            else:
                self.tries.append((word, what))
        # The first is the attack; what comes later is the end of the test.
        ends = re.findall(r"(?:error|warning) evil\[\d+\]: (?:failed|died|cannot start): (.*)\n", text)
        self.reason = ends[0] if ends else None

    def allowed(self, but=()):
        return sorted({what for word, what in self.tries if word == "allowed" and what not in but})

    def denied(self):
        return sorted({what for word, what in self.tries if word == "denied"})


def count_fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def private_kib(pid):
    return int(re.search(r"RssAnon:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


class Field:
    """Where attacks happen: a folder, and the broker's own use of descriptors and memory without one."""

    def __init__(self):
        self.graph = Graph()
        self.bases = {}

    def close(self):
        self.graph.close()

    def write(self, node, links=(), nodes=None, head="", name="graph.yaml"):
        nodes = {**STREAM, "evil": node, **(nodes or {})}
        lines = ["version: 1", f"clock: {{fps: {FPS}}}", head, "nodes:"]
        lines += [f"  {each}: {{{inside}}}" for each, inside in nodes.items()]
        lines += ["links:", "  - good.video -> sink.in", *[f"  - {link}" for link in links]]
        return self.graph.file(name, "\n".join(line for line in lines if line) + "\n")

    def measure_base(self, ports):
        """What the broker keeps when an honest worker with these ports has ended."""
        result = self.attack("leaves" if ports else "nothing", is_base=True, ports=ports)
        assert not result.faults, result.faults

    def node(self, mode, number=0, path="", program="evil", ports="", more="", sandbox="untrusted"):
        """The inside of the attacker's node."""
        if program == "evil":
            command = f"exec: [{EVIL}], config: {{mode: {mode}, number: {number}, path: '{path}'}}"
        else:
            command = f"exec: [{WORKER}, {ports}, {mode}]"
        limits = "timeouts: {start: 4s, process: 1500ms, stop: 500ms}"
        restart = "" if "restart:" in more else ", restart: {when: never}"
        return f"{command}, optional: true, sandbox: {sandbox}, {limits}{restart}{', ' + more if more else ''}"

    def attack(self, mode, seconds=0.0, is_base=False, environment=None, more_fds=(), look=None, ports="", link="",
               is_staying=False, **how):
        """Runs one attack until the attacker has ended, unless it may stay, and at least for so long; look(broker)
        runs meanwhile. link are more keys of the link to it."""
        if not is_base and ports not in self.bases:
            self.measure_base(ports)
        links, nodes = [], {}
        if ports in ("in", "both"):
            nodes["before"] = "exec: [test-source], config: {rate: 200}, sandbox: untrusted, timeouts: {stop: 500ms}"
            links.append(f"{{from: before.data, to: evil.in{', ' + link if link else ''}}}")
        if ports in ("out", "both"):
            nodes["after"] = "exec: [null-sink], sandbox: untrusted, timeouts: {stop: 500ms}"
            links.append("evil.out -> after.in")
        nodes.update(how.pop("nodes", {}))
        program = "worker" if ports else "evil"
        path = self.write(self.node(mode, program=program, ports=ports, **how), links, nodes)
        result = Result()
        broker = Broker(path, environment, more_fds)
        try:
            self.watch(broker, result, seconds, look, is_staying)
            if not result.faults and not is_staying:
                self.judge_remains(broker.process.pid, result, ports, is_base, len(more_fds))
        finally:
            broker.end()
        result.status = broker.process.returncode
        result.read(broker.text())
        self.judge_stream(result, broker)
        return result

    def watch(self, broker, result, seconds, look, is_staying):
        if broker.expect(r"sink\[1\]: ready -> running") is None:
            result.faults.append("the graph did not start")
            return
        begun = time.monotonic()
        pinger = Pinger(socket_of())
        if look is not None:
            look(broker)
        if not is_staying and broker.expect(ENDED) is None:
            result.faults.append("the attacker did not end")
        let_pass(max(0.0, 0.6 + seconds - (time.monotonic() - begun)))
        broker.begun_ns, broker.ended_ns = int(begun * 1e9), time.monotonic_ns()
        pinger.finish()
        if broker.process.poll() is not None:
            result.faults.append(f"the broker ended with {broker.process.returncode}")
            return
        if len(pinger.took) < 5:
            result.faults.append(f"the broker answered {len(pinger.took)} times")
        if pinger.p99_s() >= LATE_P99_S:
            result.faults.append(f"the broker answered in {pinger.p99_s() * 1000:.0f} ms (p99)")

    def judge_remains(self, pid, result, ports, is_base, more_fds):
        if is_base:
            let_pass(0.3)
            self.bases[ports] = (count_fds(pid), private_kib(pid))
            return
        base = (self.bases[ports][0] + more_fds, self.bases[ports][1])
        try:
            wait_until(lambda: count_fds(pid) <= base[0], "descriptors", 5)
        except AssertionError:
            names = [os.readlink(entry) for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
            result.faults.append(f"{count_fds(pid)} descriptors are left of {base[0]}: {sorted(names)}")
        grown = private_kib(pid) - base[1]
        if grown > SLACK_KIB and not os.environ.get("SB_SANITIZE"):
            result.faults.append(f"the broker has grown by {grown} KiB")

    def judge_stream(self, result, broker):
        summary = re.search(r"sink\[1\] stdout: (\{.*\})", result.text)
        if summary is None:
            result.faults.append("the stream beside it has no end")
            return
        summary = json.loads(summary[1])
        if not summary["ok"]:
            result.faults.append(f"the stream beside it was disturbed: {summary}")
        if hasattr(broker, "ended_ns"):
            seconds = (broker.ended_ns - max(broker.begun_ns, summary["first_pts_ns"])) / 1e9
            wanted = seconds * FPS
            if summary["frames"] < wanted * KEPT - SLACK_FRAMES:
                result.faults.append(f"the stream beside it has {summary['frames']} frames of {wanted:.0f}")


def survivors(programs=(EVIL, WORKER)):
    """Processes that still run one of these programs."""
    names = tuple(os.fsencode(program) for program in programs)
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if any(name in line for name in names):
            found.append(int(entry.parent.name))
    return found
