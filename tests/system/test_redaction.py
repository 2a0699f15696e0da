# SPDX-License-Identifier: Apache-2.0
"""Passwords in URLs appear nowhere: not in the log, not in events, not in the status, not in a command line."""
import json
import pathlib
import subprocess
import unittest

from control_client import Client, socket_of
from graphs import BROKER, Graph, children

PASSWORD = "hunter2-4711"
URL = f"rtsp://camera:{PASSWORD}@127.0.0.1:9/stream"
NOISY = f'''
connect()
print("opening {URL}", flush=True)
print("<4>cannot open {URL}", file=sys.stderr, flush=True)
print("opening {URL} again" * 200, flush=True)
forever()
'''


class Redaction(unittest.TestCase):
    def setUp(self):
        self.graph = Graph()
        self.addCleanup(self.graph.close)

    def assert_clean(self, text, stars=True):
        self.assertNotIn(PASSWORD, text)
        self.assertNotIn("camera:", text)
        if stars:
            self.assertIn("rtsp://***@127.0.0.1:9/stream", text)

    def test_what_workers_and_the_broker_say(self):
        """R-LOG-013"""
        self.graph.worker("noisy", NOISY)
        self.graph.write({"quiet": f"exec: [file-source], config: {{path: '{URL}', loop: true}}, optional: true",
                          "sink": "exec: [null-sink], optional: true",
                          "noisy": "exec: [./noisy], optional: true, timeouts: {start: 1s, stop: 500ms}"},
                         ["quiet.out -> sink.in"], head="name: redacted")
        for form in ("text", "json"):
            running = self.graph.start("-v", "--keep", "--log-format", form)
            self.addCleanup(running.close)
            running.expect("quiet", "failed: open: ")
            with Client(socket_of("redacted")) as client:
                answers = [client.call(verb).documents for verb in ("status", "events")]
            self.assert_clean(json.dumps(answers))
            for pid in [running.process.pid, *children(running.process.pid)]:
                self.assert_clean(pathlib.Path(f"/proc/{pid}/cmdline").read_text(), stars=False)
            running.expect("noisy", "start deadline")
            running.signal()
            running.wait()
            self.assert_clean(running.text())
            self.assertIn("opening rtsp://***@", running.text())

    def test_what_the_check_says_of_a_graph(self):
        """R-LOG-013"""
        for node in (f"exec: [test-source], config: {{frames: '{URL}'}}",
                     f"exec: [test-source], config: {{'{URL}': 1}}",
                     f"exec: [test-source], config: {{frames: '{'x' * 60} {URL}'}}",
                     f"exec: ['{URL}']", f"exec: [test-source, '{URL}']"):
            self.graph.write({"a": node})
            done = subprocess.run([str(BROKER), "--check", str(self.graph.folder / "graph.yaml")],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 78, done.stderr)
            self.assert_clean(done.stdout + done.stderr, stars=False)

    def test_a_password_in_a_command_line_is_refused_before_it_is_one(self):
        """R-LOG-014"""
        self.graph.write({"a": f"exec: [test-source, --url, '{URL}']"})
        done = subprocess.run([str(BROKER), str(self.graph.folder / "graph.yaml")], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertRegex(done.stderr, r"graph.yaml:\d+:\d+: an argument of node 'a' has a URL with a password")
        self.assert_clean(done.stderr, stars=False)


if __name__ == "__main__":
    unittest.main()
