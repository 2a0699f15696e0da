# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""What a running graph says, as text and as JSON."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graph_case import GraphCase
from harness.graphs import BUILD

PROBE = BUILD / "tests/system/probe"
LINES = 2000
# A program that is no processor of ours and does not use its library: 2000 lines on each stream.
CHATTER = f'''
for i in range({LINES}):
    print("out", i, "x" * (i % 50))
    print("err", i, "y" * (i % 50), file=sys.stderr)
sys.stdout.flush()
'''


def probe(mode, **config):
    words = ", ".join(f"{key}: {value}" for key, value in config.items())
    return f"exec: [{PROBE}], run: {{mode: {mode}}}, config: {{{words}}}"


class Logs(GraphCase):
    def run_graph(self, nodes, *options, links=(), status=0, **others):
        self.graph.write(nodes, links)
        done = self.graph.run(*options, **others)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def test_one_event_is_one_line(self):
        """R-LOG-001 R-LOG-012: level, node and generation, text, key=value; a node's in their order"""
        done = self.run_graph({"a": probe("continuous", limit=3, say="hello"), "b": "exec: [null-sink]"}, "-v",
                              links=["a.data -> b.in"])
        for line in done.stderr.splitlines():
            self.assertRegex(line, r"^(error|warning|info|debug)( [a-z]+\[\d+\]( stdout| stderr)?)?: \S.*$")
        self.assertIn("info a[1] stdout: hello\n", done.stderr)
        self.assertRegex(done.stderr, r"debug a\[1\]: process pid=\d+\n")
        states = re.findall(r"a\[1\]: (\S+) -> (\S+) \(", done.stderr)
        self.assertEqual(states[0], ("created", "starting"))
        self.assertEqual(states[-1][1], "finished")
        for (_, reached), (left, _) in zip(states, states[1:]):
            self.assertEqual(reached, left, states)

    def test_json_is_one_object_per_line_with_all_fields(self):
        """R-LOG-002 R-LOG-003"""
        done = self.run_graph({"a": probe("continuous", limit=3, fail_at=2, say="'q\"ä'"),
                               "b": "exec: [null-sink]"}, "-v", "--log-format", "json", links=["a.data -> b.in"])
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        for line in lines:
            self.assertEqual(list(line), ["ts", "level", "node", "generation", "stream", "intercepted", "text"])
            self.assertGreater(line["ts"], 1_600_000_000_000_000_000)  # wall time, nanoseconds
            self.assertIn(line["level"], ("error", "warning", "info", "debug"))
        captured = [line for line in lines if line["intercepted"]]
        self.assertEqual([(line["node"], line["generation"], line["stream"]) for line in captured],
                         [("a", 1, "stdout")] * 2)
        self.assertEqual(captured[0]["text"], 'q"ä')
        own = [line for line in lines if line["node"] == "a" and "lens" in line["text"]]
        self.assertEqual([(line["stream"], line["intercepted"]) for line in own], [("log", False)])
        self.assertTrue(any(line["node"] is None for line in lines))

    def test_an_end_without_force_loses_no_line(self):
        """R-LOG-004 R-LOG-009"""
        self.graph.worker("chatter", CHATTER + "sys.exit(3)")
        self.graph.write({"a": "exec: [./chatter], limits: {log_rate: none}"})
        done = self.graph.run()
        for stream, word, letter in (("stdout", "out", "x"), ("stderr", "err", "y")):
            lines = re.findall(rf"(?m)^\w+ a\[1\] {stream}: (.*)$", done.stderr)
            self.assertEqual(lines, [f"{word} {i} {letter * (i % 50)}" for i in range(LINES)])

    def test_sigkill_tears_no_line(self):
        """R-LOG-005: a line is whole, or marked as cut."""
        self.graph.worker("chatter", '''
for i in range(100000000):
    text = f"line {i} " + "z" * 200 + " end\\n"
    os.write(1, text[:100].encode())
    os.write(1, text[100:].encode())
''')
        self.graph.write({"a": "exec: [./chatter], limits: {log_rate: none}"})
        running = self.graph.start("-v")
        self.addCleanup(running.close)
        pid = int(running.expect("process pid=").rsplit("=", 1)[1])
        running.expect("line 100 ")
        os.kill(pid, signal.SIGKILL)
        running.wait()
        lines = re.findall(r"(?m)^info a\[1\] stdout: (.*)$", running.text())
        self.assertGreater(len(lines), 100)
        for i, line in enumerate(lines):
            whole = f"line {i} " + "z" * 200 + " end"
            if line != whole:
                self.assertEqual(i, len(lines) - 1, line)
                self.assertTrue(line.endswith(" [cut]") and whole.startswith(line[:-6]), line)

    def test_an_error_of_a_step_names_it_and_says_what_the_processor_says(self):
        """R-LOG-010 R-STEP-012 R-STEP-013"""
        done = self.run_graph({"a": probe("tick", limit=5, fail_at=3), "b": probe("reactive", fail_at=2),
                               "c": "exec: [check-sink], config: {numbers: increasing, sequence: gapless}"}, "-v",
                              links=["a.data -> b.data_0", "b.data -> c.in"])
        self.assertRegex(done.stderr, r"(?m)^error a\[1\]: \[a\] error processing tick \d+: the lens is dirty$")
        self.assertRegex(done.stderr, r"(?m)^error b\[1\]: \[b\] error processing tick \d+: the lens is dirty$")
        # One tick and one frame are missing, and nothing else.
        self.assertIn("link a.data -> b.data_0: published=4 released=4\n", done.stderr)
        self.assertIn("link b.data -> c.in: published=3 released=3\n", done.stderr)

    def test_colour_is_for_terminals_only(self):
        """R-LOG-011"""
        escape = "\x1b["
        done = self.run_graph({"a": probe("continuous", limit=1, fail_at=1)}, "-v")
        self.assertNotIn(escape, done.stderr)
        for environment, is_coloured in (({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False),
                                         ({"TERM": "xterm", "NO_COLOR": "1"}, False)):
            leader, follower = os.openpty()
            others = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
            done = subprocess.run(self.graph.command("-v"), stderr=follower, env={**others, **environment},
                                  check=False, timeout=20)
            os.close(follower)
            said = b""
            try:
                while chunk := os.read(leader, 65536):
                    said += chunk
            except OSError:
                pass  # the other end is closed and everything was read
            os.close(leader)
            self.assertEqual(escape.encode() in said, is_coloured, said)


if __name__ == "__main__":
    if not PROBE.exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    unittest.main()
