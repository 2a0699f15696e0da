# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""The completion scripts in the shells that they are for, with a graph that runs: what Tab offers."""
import os
import pathlib
import pty
import select
import shutil
import subprocess
import sys
import time
import unittest

from graphs import BUILD, Graph

STREAMCTL = BUILD / "bin/streamctl"
ENVIRONMENT = {**os.environ, "PATH": f"{STREAMCTL.parent}:{os.environ['PATH']}", "TERM": "xterm",
               "HOME": "/nonexistent", "PS1": "", "LC_ALL": "C.UTF-8"}
NODES = {"bob": "exec: [test-source], config: {rate: 100}", "blue": "exec: [null-sink]"}

# What was typed, and what must be offered and what must not.
LINES = (("streamctl pau", {"pause"}, {"plan", "bob"}),
         ("streamctl pause b", {"bob", "blue"}, {"bob.data"}),
         ("streamctl --graph graph pause b", {"bob", "blue"}, set()),
         ("streamctl --graph other pause b", set(), {"bob", "blue"}),
         ("streamctl --graph gr", {"graph"}, {"bob"}),
         ("streamctl tap bo", {"bob.data"}, {"bob"}),
         ("streamctl connect b", {"bob.data", "blue.in"}, {"bob"}),
         ("streamctl describe nul", {"null-sink"}, set()),
         ("streamctl wait --for pa", {"paused"}, set()),
         ("streamctl commit-mode m", {"manual"}, set()),
         ("streamctl completion z", {"zsh"}, set()),
         ("streamctl dead-letters re", {"replay"}, set()),
         ("streamctl nodes --gra", {"--grants", "--graph"}, {"--hex"}),
         ("streamctl plan fil", {"file.yaml"}, set()))


def script(shell):
    return subprocess.run([str(STREAMCTL), "completion", shell], capture_output=True, text=True, check=True).stdout


class Completion(unittest.TestCase):
    """R-CTL-016"""

    def setUp(self):
        self.graph = Graph()
        self.addCleanup(self.graph.close)
        self.graph.write(NODES, ["bob.data -> blue.in"])
        running = self.graph.start()
        self.addCleanup(running.close)
        done = subprocess.run([str(STREAMCTL), "wait", "--timeout", "20s"], capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.folder = self.graph.folder / "here"
        self.folder.mkdir()
        (self.folder / "file.yaml").write_text("version: 1\n")

    def need(self, shell):
        if not shutil.which(shell):
            self.skipTest(f"{shell} is not installed")
        path = self.graph.folder / f"completion.{shell}"
        path.write_text(script(shell))
        return path

    def check(self, offered, line, wanted, others):
        self.assertLessEqual(wanted, offered, f"{line}: {offered}")
        self.assertFalse(others & offered, f"{line}: {offered}")

    def test_bash_offers_verbs_options_nodes_ports_and_files(self):
        path = self.need("bash")
        for line, wanted, others in LINES:
            words = line.split(" ")
            probe = (f"source {path}\nCOMP_WORDS=({line})\nCOMP_CWORD={len(words) - 1}\n_streamctl\n"
                     "printf '%s\\n' \"${COMPREPLY[@]}\"\n")
            done = subprocess.run(["bash", "--norc", "-c", probe], capture_output=True, text=True, check=False,
                                  cwd=self.folder, env=ENVIRONMENT)
            self.assertEqual((done.returncode, done.stderr), (0, ""), line)
            self.check(set(done.stdout.split()), line, wanted, others)

    def test_fish_offers_verbs_options_nodes_ports_and_files(self):
        path = self.need("fish")
        for line, wanted, others in LINES:
            done = subprocess.run(["fish", "--no-config", "-c", f"source {path}; complete -C '{line}'"],
                                  capture_output=True, text=True, check=False, cwd=self.folder,
                                  env={**ENVIRONMENT, "HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)})
            self.assertEqual(done.returncode, 0, f"{line}: {done.stderr}")
            offered = {entry.split("\t")[0] for entry in done.stdout.splitlines()}
            self.check(offered, line, wanted, others)

    def test_zsh_offers_verbs_options_nodes_ports_and_files(self):
        path = self.need("zsh")
        shell = Zsh(self.folder, path)
        self.addCleanup(shell.close)
        for line, wanted, others in LINES:
            self.check(shell.offered(line), line, wanted, others)

    def test_zsh_finds_the_script_as_a_function_of_its_own(self):
        """In a folder of $fpath it is the body of the function that completes, and not read before the first Tab."""
        path = self.need("zsh")
        shutil.copy(path, self.folder / "_streamctl")
        shell = Zsh(self.folder, None)
        self.addCleanup(shell.close)
        self.assertIn("pause", shell.offered("streamctl pau"))


class Zsh:
    """An interactive zsh on a terminal of its own, which is asked by Tab."""

    def __init__(self, folder, path):
        master, slave = pty.openpty()
        self.terminal = master
        self.process = subprocess.Popen(["zsh", "-f", "-i"], stdin=slave, stdout=slave, stderr=slave, cwd=folder,
                                        env=ENVIRONMENT, start_new_session=True)
        os.close(slave)
        # Every match is listed on a line of its own between two marks, instead of being inserted.
        self.type("PROMPT= RPROMPT=; unsetopt zle_bracketed_paste prompt_cr prompt_sp; stty -echo cols 200 rows 500\n"
                  f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D\n"
                  f"{f'source {path}' if path else ''}\n"
                  "compadd() { builtin compadd -O found \"$@\"; printf 'ITEM<%s>\\n' $found; builtin compadd \"$@\" }\n"
                  "zstyle ':completion:*' completer _complete\n"
                  "show() { zle complete-word; printf 'END<>\\n'; zle kill-whole-line }\n"
                  "zle -N show; zle -C complete-word complete-word _main_complete; bindkey '^T' show\n"
                  "print READY\\<\\>\n")
        self.read_until("READY<>")

    def type(self, text):
        os.write(self.terminal, text.encode())

    def read_until(self, word):
        shown, deadline = "", time.monotonic() + 30
        while word not in shown:
            ready, _, _ = select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"no {word} in {shown!r}")
            shown += os.read(self.terminal, 65536).decode(errors="replace")
        return shown

    def offered(self, line):
        self.type(line + "\x14")
        shown = self.read_until("END<>")
        return {item.split(">")[0] for item in shown.split("ITEM<")[1:]}

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)


if __name__ == "__main__":
    if not (pathlib.Path(BUILD) / "libexec/streambroker/null-sink").exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    unittest.main()
