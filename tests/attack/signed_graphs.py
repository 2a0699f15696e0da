# SPDX-License-Identifier: Apache-2.0
"""Graphs that require signatures, and processors that have none, or had one before they were changed."""
import os
import pathlib
import platform
import shutil
import subprocess
import threading

from red_team import BROKER, BUILD, EVIL, Broker
from harness.tampering import change_line, flip, other_letter
from harness.waiting import let_pass

ROUND_LIMIT_S = 30


class Signer:
    """A folder with a key of its own; what it signs is called as it is named."""

    def __init__(self, folder):
        # The program finds its library as it does in the build tree: two folders up.
        top = pathlib.Path(folder)
        self.folder = top / "signed/graphs"
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (top / "lib").exists():
            (top / "lib").symlink_to(BUILD / "lib")
        self.keys = self.folder / "keys"
        self.keys.mkdir(mode=0o755, exist_ok=True)
        self.secret = self.folder / "secret.key"
        self.minisign("-G", "-W", "-f", "-p", self.keys / "mine.pub", "-s", self.secret)
        self.canary = self.folder / "was-executed"
        self.state = self.folder / "state"

    @staticmethod
    def minisign(*arguments):
        subprocess.run(["minisign", *map(str, arguments)], check=True, capture_output=True)

    def sign(self, path, version="1.0.0", name=None, legacy=False):
        comment = f"streambroker1 name={name or path.name} version={version} arch={platform.machine()}"
        self.minisign("-S", *(["-l"] if legacy else []), "-s", self.secret, "-m", path, "-t", comment)
        return pathlib.Path(f"{path}.minisig")

    def good(self, name="prog"):
        path = self.folder / name
        path.unlink(missing_ok=True)
        shutil.copy(EVIL, path)
        path.chmod(0o755)
        return path

    def bad(self, name="other"):
        """A program that leaves a trace when it is executed."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\ntouch '{self.canary}'\n")
        path.chmod(0o755)
        return path

    def graph(self, policy="require", tier="trusted", node="", program="prog"):
        path = self.folder / "signed.yaml"
        path.write_text(f"version: 1\nname: signed\nsignatures: {{policy: {policy}, keys: [keys/]}}\nnodes:\n"
                        f"  evil: {{exec: [./{program}], sandbox: {tier}, restart: {{when: never}}{node}}}\n")
        return path

    def run(self, graph, *options):
        return subprocess.run([str(BROKER), *options, str(graph)], capture_output=True, text=True, check=False,
                              timeout=ROUND_LIMIT_S, env={**os.environ, "STATE_DIRECTORY": str(self.state)})


def can_be_untrusted():
    if os.environ.get("SB_SANITIZE"):
        return False  # the sanitizers need /proc, which no sandbox has
    done = subprocess.run([shutil.which("bwrap") or "false", "--unshare-user", "--ro-bind", "/", "/", "true"],
                          capture_output=True, check=False)
    return done.returncode == 0


def start(at, graph):
    """The broker in the background."""
    return Broker(graph, {**os.environ, "STATE_DIRECTORY": str(at.state)})


def runs(done):
    """The processor `evil` ended as it does when it has done nothing."""
    return done.returncode == 1 and "evil[1] stdout: done" in done.stderr


def refused(done):
    return done.returncode == 77


# What is done to a signed program, and what the graph is told.
CASES = [
    ("its bytes are not those that were signed", lambda at, path, sig: flip(path, -1)),
    ("its signature was changed", lambda at, path, sig: change_line(sig, 1, lambda line: other_letter(line, 40))),
    ("its trusted comment is not the one", lambda at, path, sig: change_line(sig, 2, lambda line: line + "0")),
    ("by a key that is not trusted", lambda at, path, sig: change_line(sig, 1, lambda line: other_letter(line, 6))),
    ("lines 3 and 4 are missing",
     lambda at, path, sig: sig.write_text("".join(sig.read_text().splitlines(True)[:2]))),
    ("of the legacy kind", lambda at, path, sig: at.sign(path, legacy=True)),
    ("for a processor of another name", lambda at, path, sig: at.sign(path, name="gain")),
    ("it is older than a version that ran", lambda at, path, sig: at.sign(path, version="0.9")),
    ("it is empty", lambda at, path, sig: path.write_bytes(b"")),
    ("it is larger than what is checked", lambda at, path, sig: os.truncate(path, 2 << 30)),
    ("is not base64", lambda at, path, sig: change_line(sig, 1, lambda line: line + "AAAA")),
    ("it has no signature", lambda at, path, sig: sig.unlink()),
    ("its signature file is empty", lambda at, path, sig: sig.write_text("")),
]


def refuse_each(folder, tier):
    """Every case is refused with its own words, and nothing of the program is executed."""
    at = Signer(folder)
    graph = at.graph(tier=tier)
    at.sign(at.good())
    done = at.run(graph)
    assert runs(done), done.stderr
    bad = at.bad("prog")
    done = at.run(graph)
    assert refused(done) and "its bytes are not those" in done.stderr, done.stderr
    for words, change in CASES:
        # Executed, it would leave its trace, to describe itself already.
        at.bad("prog")
        change(at, bad, at.sign(bad, version="1.0.0"))
        for options in ((), ("--check",)):
            done = at.run(graph, *options)
            assert refused(done), f"{words}: {done.returncode}\n{done.stderr}"
            assert words in done.stderr and "signed.yaml:5:" in done.stderr, f"{words}: {done.stderr}"
    assert not at.canary.exists(), "a refused program was executed"


def race(folder, tier, rounds):
    """The file is another one half of the time; what is not signed never runs."""
    at = Signer(folder)
    graph = at.graph(tier=tier)
    good, bad = at.good(), at.bad()
    at.sign(good)
    spare = at.folder / "spare"
    is_over = threading.Event()

    def swap():
        while not is_over.is_set():
            shutil.copy2(bad, spare)
            os.replace(spare, good)
            let_pass(0.001)
            shutil.copy2(EVIL, spare)
            os.replace(spare, good)
            let_pass(0.003)

    racer = threading.Thread(target=swap)
    racer.start()
    ran = stopped = 0
    try:
        for _ in range(rounds):
            done = at.run(graph)
            assert runs(done) or refused(done), f"{done.returncode}\n{done.stderr}"
            ran += runs(done)
            stopped += refused(done)
    finally:
        is_over.set()
        racer.join()
    assert not at.canary.exists(), "what nobody signed was executed"
    return ran, stopped
