# SPDX-License-Identifier: Apache-2.0
"""Passwords in URLs appear nowhere: not in the log, not in events, not in the status, not in a command line."""
import json
import os
import pathlib
import subprocess
import unittest

from control_client import Client, socket_of
from graph_case import GraphCase
from graphs import BROKER, BUILD, children
from live_graph import Broker

PASSWORD = "hunter2-4711"
URL = f"rtsp://camera:{PASSWORD}@127.0.0.1:9/stream"
NOISY = f'''
connect()
print("opening {URL}", flush=True)
print("<4>cannot open {URL}", file=sys.stderr, flush=True)
print("opening {URL} again" * 200, flush=True)
forever()
'''
KILLER = """#!/usr/bin/env python3
import os, sys
import streambroker as sb
class Killer(sb.Processor):
    inputs = [sb.Input("data", "data")]
    def process(self, frame):
        sys.stderr.write("killed by %s\\n")
        sys.stderr.flush()
        os._exit(3)
sb.main(Killer)
""" % URL


class Redaction(GraphCase):
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


    @unittest.skipIf(os.environ.get("SB_SANITIZE"), "Python cannot load a library with a sanitizer")
    def test_no_answer_of_any_verb_and_no_file_that_is_kept_has_it(self):
        """R-LOG-013: what runs, is refused, is planned, is printed to be kept, and what a frame killed"""
        letters = self.graph.folder / "letters"
        self.graph.file("killer.py", KILLER, 0o755)
        self.graph.write({"quiet": f"exec: [file-source], config: {{path: '{URL}'}}, optional: true",
                          "kept": f"exec: [gst-source], config: {{pipeline: 'audiotestsrc name=audio', path: '{URL}'}}",
                          "kill": "exec: [./killer.py], restart: {when: on-failure, max: 9, delay: 1ms}, "
                                  "on_crash: {poison_after: 1}",
                          "one": "exec: [test-source], config: {frames: 1}, optional: true"},
                         ["one.data -> kill.data"],
                         head=f"name: redacted\ndead_letters: {{dir: {letters}}}")
        other = self.graph.folder / "other.yaml"
        other.write_text((self.graph.folder / "graph.yaml").read_text().replace("audiotestsrc", "videotestsrc"))
        wrong = self.graph.folder / "wrong.yaml"
        wrong.write_text((self.graph.folder / "graph.yaml").read_text().replace("frames: 1", f"frames: '{URL}'"))
        running = Broker(self.graph, "--keep")
        self.addCleanup(running.close)
        running.expect("is kept as", ".letter")
        said = []
        with Client(socket_of("redacted")) as client:
            def ask(verb, **fields):
                answer = client.call(verb, **fields)
                said.append(f"{verb} {fields.keys()}: {answer.error} {json.dumps(answer.documents)}")
                return answer
            for verb in ("verbs", "status", "nodes", "links", "snapshot", "events", "logs", "dead-letters"):
                ask(verb, **({"action": "list"} if verb == "dead-letters" else {}))
            for form in ("json", "text", "dot", "yaml"):
                ask("graph", form=form)
            for node in ("quiet", "kept", URL):
                ask("grants", node=node)
                ask("nodes", node=node)
            self.assertNotEqual(ask("set", node="one", set=[f"frames={URL}"]).code, 0)
            self.assertNotEqual(ask("set", node="kept", set=[f"pipeline={URL}"]).code, 0)
            self.assertNotEqual(ask("add", node="new", exec=["test-source", URL]).code, 0)
            self.assertNotEqual(ask("add", node="new", exec=["no-such-one"], set=[f"config.path={URL}"]).code, 0)
            self.assertNotEqual(ask("replace", node="one", exec=[URL]).code, 0)
            self.assertNotEqual(ask("connect", **{"from": URL, "to": f"kill.{URL}"}).code, 0)
            ask("plan", file=str(other))
            ask("plan", file=str(wrong))
            ask("apply", file=str(wrong))
            ask("apply", file=URL)
            ask("status")
            ask("events")
            for pid in [running.process.pid, *children(running.process.pid)]:
                said.append(pathlib.Path(f"/proc/{pid}/cmdline").read_text())
                said.append(pathlib.Path(f"/proc/{pid}/comm").read_text())
        for command in (["check", "--grants"], ["check", "--grants", "--json"], ["check"]):
            for file in (other, wrong):
                done = subprocess.run([str(BUILD / "bin/streamctl"), *command, str(file)], capture_output=True,
                                      text=True, check=False)
                said.append(done.stdout + done.stderr)
        running.process.terminate()
        running.wait()
        said.append(running.text())
        said += [f"{path} {path.read_bytes()}" for path in letters.iterdir()]
        for text in said:
            self.assert_clean(text, stars=False)


if __name__ == "__main__":
    unittest.main()
