# SPDX-License-Identifier: Apache-2.0
"""Everything that is wrong in a graph file is said in one run, each with its place, and nothing is started."""
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graph_case import GraphCase
from harness.graphs import BUILD

WRONG = """version: 1
clock: {fps: 0}
limts: {nodes: 4}
nodes:
  a: {exec: [test-source], config: {frames: 10, siez: 64}}
  a: {exec: [test-source]}
  b: {exec: [pas]}
  c: {exec: [grep], config: {pattern: x}, timeouts: {start: 10}}
  Bad: {exec: [pass]}
  p: {exec: [pass]}
  q: {exec: [pass], sandbx: trusted}
  v: {exec: [test-pattern], config: {width: 0, pixel: rgba}}
  s: {exec: [scale]}
  m: {exec: [null-sink], run: {mode: tick}}
links:
  - a.data -> c.text
  - nosuch.data -> c.text
  - a.dat -> p.in
  - p.out -> q.in
  - q.out -> p.in
  - {from: v.video, to: s.video, depth: 0}
  - {from: v.video, to: s.video, delivery: lossles}
  - a -> c.text
"""
# Line and column, what is said of it.
ERRORS = [
    ("2:14", "'0' is out of bounds; write more than 0 and at most 10000"),
    ("3:1", "unknown key 'limts'; did you mean 'limits'?"),
    ("5:49", "has no parameter 'siez'; did you mean 'size'?"),
    ("6:3", "duplicate key 'a', first in line 5 column 3"),
    ("7:14", "no processor 'pas' (looked in "),
    ("8:61", "timeouts.start: '10' is not a duration; write a number with ns, us, ms, s, m or h"),
    ("9:3", "'Bad' is no node id; write 1 to 63 of a-z, 0-9, _ and -, a letter first"),
    ("11:21", "unknown key 'sandbx'; did you mean 'sandbox'?"),
    ("12:45", "width: '0' is out of bounds; write 2 to 16384"),
    ("14:38", "'null-sink' has no mode tick; it has reactive"),
    ("16:5", "a.data gives data, c.text takes text"),
    ("17:5", "no node 'nosuch'; add it under nodes"),
    ("18:5", "'a' has no output 'dat'; did you mean 'data'?"),
    ("20:5", "the links go in a circle: p -> q -> p"),
    ("21:41", "depth: '0' is out of bounds; write 1 to 65536"),
    ("22:5", "a second link v.video -> s.video, first in line 21"),
    ("22:44", "'lossles' is not known here; write lossless, ordered or latest"),
    ("23:5", "'a' is not one node and one port; write node.port"),
]


class Errors(GraphCase):
    def run_file(self, text, *options):
        path = self.graph.folder / "graph.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        done = self.graph.run("-v", *options)
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertNotIn("starting", done.stderr)
        prefix = f"{path}:"
        for line in done.stderr.splitlines():
            self.assertTrue(line.startswith(prefix), line)
        return [line[len(prefix):] for line in done.stderr.splitlines()]

    def test_what_is_there_and_of_the_wrong_kind_is_named(self):
        """A fifo as a program, a folder as one, and a file in which dead letters cannot be kept."""
        os.mkfifo(self.graph.folder / "fifo", 0o755)
        (self.graph.folder / "folder").mkdir()
        (self.graph.folder / "file").touch()
        for text, said in (
                ("version: 1\nnodes: {a: {exec: [./fifo]}}\n", "2:20: no processor './fifo' (it is a special file)"),
                ("version: 1\nnodes: {a: {exec: [./folder]}}\n", "2:20: no processor './folder' (it is a folder)"),
                ("version: 1\nnodes: {}\ndead_letters: {dir: file}\n", "3:21: 'file' is no folder"),
                ("version: 1\nnodes: {}\ndead_letters: {dir: file/x}\n", "3:21: 'file/x' is no folder")):
            lines = self.run_file(text, "--check")
            self.assertTrue(lines[0].startswith(said), lines)
        for dir_ in ("folder", "made-later"):
            path = self.graph.folder / "graph.yaml"
            path.write_text(f"version: 1\nnodes: {{}}\ndead_letters: {{dir: {dir_}}}\n")
            done = self.graph.run("--check")
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_all_errors_of_a_file_come_in_one_run_with_their_places(self):
        """R-GRAPH-002 R-GRAPH-003 R-GRAPH-004 R-GRAPH-005 R-GRAPH-006 R-GRAPH-007 R-GRAPH-008 R-GRAPH-009 R-GRAPH-010
        R-GRAPH-011 R-GRAPH-012 R-GRAPH-013 R-GRAPH-014 R-GRAPH-019 R-NEG-001 R-NEG-002 R-EXIT-009"""
        for options in ((), ("--check",)):
            lines = self.run_file(WRONG, *options)
            for (place, text), line in zip(ERRORS, lines):
                self.assertTrue(line.startswith(f"{place}: ") and text in line, f"{place}: {text}\nnot in\n{line}")
            self.assertEqual(len(lines), len(ERRORS), "\n".join(lines))

    def test_static_formats_that_do_not_meet_are_an_error_with_both_sides(self):
        """R-NEG-003"""
        lines = self.run_file("version: 1\nnodes:\n  a: {exec: [test-pattern], sandbox: trusted}\n"
                              "  b: {exec: [gain], sandbox: trusted}\nlinks: [a.video -> b.audio]\n")
        self.assertEqual(lines, ["5:9: a.video gives video, b.audio takes audio; link ports of one type"])

    def test_what_is_no_graph_at_all_is_refused_with_a_place(self):
        """R-GRAPH-015 R-GRAPH-016"""
        deep = "version: 1\nnodes: " + "[" * 100 + "]" * 100
        large = "version: 1\nnodes: {}\n# " + "x" * (1 << 20)
        garbage = bytes(range(256)) * 40
        for text in (deep, garbage, b"\xff\xfe\x00\x00", "", "- a\n- b\n", "version: 1\nnodes: &x {a: *x}\n",
                     "version: 1\nnodes: {}\n---\nversion: 1\n", "version: !!int 1\nnodes: {}\n", "{" * 5000):
            lines = self.run_file(text)
            self.assertRegex(lines[0], r"^\d+:\d+: \S.*; \S", text[:40])
        self.assertEqual(self.run_file(large), [" larger than 1 MiB; a graph file is smaller than that"])

    def test_a_graph_comes_through_a_pipe_that_ends(self):
        """R-GRAPH-032"""
        text = b"version: 1\nnodes: {}\n"
        for program in (("streambroker", "--check"), ("streamctl", "check")):
            run = [str(BUILD / "bin" / program[0]), program[1]]
            done = subprocess.run([*run, "/dev/stdin"], input=text, capture_output=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        fifo = self.graph.folder / "fifo"
        os.mkfifo(fifo)
        done = subprocess.run([*run, str(fifo)], capture_output=True, timeout=60, check=False, text=True)
        self.assertEqual((done.returncode, done.stderr),
                         (66, f"{fifo}: did not come to an end within 5 seconds; name a graph file\n"))


if __name__ == "__main__":
    if not (BUILD / "libexec/streambroker/check-sink").exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    unittest.main()
