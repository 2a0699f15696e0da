# SPDX-License-Identifier: Apache-2.0
"""Graphs in a folder of their own, run by the real broker; and workers that misbehave, in Python."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import own_runtime  # noqa: F401

BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])
BROKER = BUILD / "bin/streambroker"
LIMIT_S = 30
TIER = os.environ.get("SB_TIER", "trusted")
# Where only the system's own folders are seen, an interpreter must be the system's.
PYTHON = sys.executable if TIER == "trusted" else "/usr/bin/python3"

# A worker that speaks the protocol by hand: `connect()` says HELLO and reads SETUP.
WORKER = '''#!{python} -I
import os, socket, sys, time

PORT = '"type":"data","help":"x","count":0,"formats":{{"kinds":[],"pixels":[],"samples":[],' \\
       '"rate":[0,0],"channels":[0,0],"message":null}}'
INPUT = '{{"name":"data",' + PORT + ',"optional":false,"delivery":"lossless","holds":1,"memory":false}}'
OUTPUT = '{{"name":"data",' + PORT + ',"claims":1,"one_per_step":true,"max_payload":64,"follows":null}}'
JSON = '{{"streambroker":1,"name":"fake","version":"1.0.0","summary":"x","mode":"manual",' \\
       '"interval_ns":0,"activation":{{"kind":"any","count":0,"within_ns":0}},"wants":[],' \\
       '"inputs":[' + (INPUT if {has_input} else "") + '],' \\
       '"outputs":[' + (OUTPUT if {has_output} else "") + '],"params":[]}}'
HELLO, OPENED, FORMATS, MAPPED, READY, DRAINED, DEVICE, DEVICE_LOST = 1, 3, 5, 10, 15, 19, 25, 26

def digest():
    value = 0xcbf29ce484222325
    for byte in JSON.encode():
        value = ((value ^ byte) * 0x100000001b3) % (1 << 64)
    return value

def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])

def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data

def send(kind, body=b"", version=1):
    header = b"".join(n.to_bytes(2, "little") for n in (version, kind, 0, 0))
    control.send(header + body)

def hello(protocol=1, checksum=None):
    checksum = digest() if checksum is None else checksum
    send(HELLO, field(1, protocol) + field(2, "1") + field(3, "fake") + field(4, "1.0.0") +
         varint(5 << 3 | 1) + checksum.to_bytes(8, "little"))

def connect():
    hello()
    control.recv(65536)

def forever():
    while True:
        time.sleep(1000)

if sys.argv[1:] == ["--describe"]:
    print(JSON)
    sys.exit(0)
control = socket.socket(fileno=3)
{body}
'''


def skip_without_walls():
    """Ends the test as skipped where it should run in a sandbox, and this machine has none."""
    tried = ["bwrap", "--unshare-all", "--unshare-user", "--ro-bind", "/", "/", "true"]
    if TIER == "untrusted" and os.environ.get("SB_SANITIZE"):
        print("skipped: the sanitizers need /proc, which no sandbox has")
        sys.exit(77)
    if TIER == "untrusted" and (not shutil.which("bwrap") or
                                subprocess.run(tried, capture_output=True, check=False).returncode != 0):
        print("skipped: bwrap cannot make a sandbox here")
        sys.exit(77)


class Graph:
    """A temporary folder with a graph file, and what running it gives."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sb-graph-"))
        self.folder.chmod(0o755)

    def close(self):
        shutil.rmtree(self.folder)

    def file(self, name, text, mode=0o644):
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def worker(self, name, body, has_input=False, has_output=False):
        """An executable in the graph's folder: exec: [./NAME]."""
        text = WORKER.format(python=PYTHON, body=body, has_input=has_input,
                             has_output=has_output)
        return self.file(name, text, 0o755)

    def write(self, nodes, links=(), head=""):
        """nodes: id -> the inside of a flow mapping. All are in the tier $SB_TIER, trusted without it, and no node
        is started again unless its text says so."""
        nodes = {node: text if "restart:" in text else text + ", restart: {when: never}"
                 for node, text in nodes.items()}
        lines = ["version: 1", head, "nodes:"]
        lines += [f"  {node}: {{{text}" + ("}" if "sandbox:" in text else f", sandbox: {TIER}}}")
                  for node, text in nodes.items()]
        if links:
            lines += ["links:"] + [f"  - {link}" for link in links]
        return self.file("graph.yaml", "\n".join(line for line in lines if line) + "\n")

    def command(self, *options):
        return [str(BROKER), *options, str(self.folder / "graph.yaml")]

    def run(self, *options, **others):
        return subprocess.run(self.command(*options), capture_output=True, text=True,
                              timeout=LIMIT_S, check=False, **others)

    def start(self, *options):
        """A running broker; read its lines with expect()."""
        return Running(self.command(*options))


class Running:
    """A broker in the background, whose stderr is read line by line."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.lines = []

    def expect(self, *words):
        """Reads on until a line has all the words, and returns it. The test's own limit ends a wait."""
        for line in self.process.stderr:
            self.lines.append(line)
            if all(word in line for word in words):
                return line
        raise AssertionError(f"no line with {words} in:\n{''.join(self.lines)}")

    def signal(self, number=signal.SIGINT):
        self.process.send_signal(number)

    def wait(self):
        """The rest of stderr, and the exit status as a shell would see it."""
        self.lines += self.process.stderr.readlines()
        return self.process.wait(timeout=LIMIT_S)

    def text(self):
        return "".join(self.lines)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()


def children(pid):
    """Pids of all processes below pid."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split() if entry.name.isdigit() else None
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields and int(fields[1]) == pid:
            found += [int(entry.name), *children(int(entry.name))]
    return found
