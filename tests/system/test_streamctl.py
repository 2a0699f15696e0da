# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""streamctl with the real processors: what it lists can be named in a graph, and what `new` writes builds
and runs as it is."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

import own_runtime  # noqa: F401

BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])
SOURCE = pathlib.Path(os.environ["SB_SOURCE_DIR"])
STREAMCTL = BUILD / "bin/streamctl"


def run(*words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)


class Streamctl(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def test_every_stock_processor_is_listed_and_can_be_named(self):
        """R-CLI-009 R-CLI-014"""
        done = run(STREAMCTL, "processors", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        listed = {entry["program"]: entry for entry in json.loads(done.stdout)}
        built = {path.name for path in (BUILD / "libexec/streambroker").iterdir() if os.access(path, os.X_OK)
                 and path.is_file()}
        self.assertEqual(set(listed), built)
        nodes = {}
        for name, entry in listed.items():
            config = {param["name"]: {"path": "x", "choice": (param["choices"] or [""])[0]}.get(param["type"], "1")
                      for param in entry["params"] if param["default"] is None}
            nodes[name] = {"exec": [name], "config": config, "sandbox": "trusted"}
        graph = self.folder / "all.json"
        graph.write_text(json.dumps({"version": 1, "nodes": nodes}))
        done = run(STREAMCTL, "check", graph)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_every_processor_follows_the_rules_for_names_of_ports(self):
        """R-NEG-017"""
        for entry in json.loads(run(STREAMCTL, "processors", "--json").stdout):
            for key, any_name in (("inputs", "in"), ("outputs", "out")):
                for port in entry[key]:
                    wanted = any_name if port["type"] == "any" else port["type"]
                    self.assertEqual(port["name"], wanted, entry["name"])

    def test_a_description_is_that_of_the_processor(self):
        """R-CLI-010"""
        done = run(STREAMCTL, "describe", "blur")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"radius +int .* Default: \d+\. From \d+ to \d+\.")
        self.assertNotIn("Fixed", done.stdout)
        self.assertRegex(run(STREAMCTL, "describe", "test-source").stdout, r"size +size .* Fixed at the start\.")
        own = json.loads(run(BUILD / "libexec/streambroker/blur", "--describe").stdout)
        self.assertEqual(json.loads(run(STREAMCTL, "describe", "blur", "--json").stdout), own)

    def test_check_is_the_check_of_the_broker(self):
        """R-CLI-011 R-EXIT-005 R-EXIT-009"""
        graph = self.folder / "g.yaml"
        graph.write_text("version: 1\nnodes: {a: {exec: [blurr], sandbox: trusted}}\n")
        ours = run(STREAMCTL, "check", graph)
        self.assertEqual(ours.returncode, 78)
        self.assertIn("did you mean 'blur'?", ours.stderr)
        theirs = run(BUILD / "bin/streambroker", "--check", graph)
        self.assertEqual((ours.returncode, ours.stderr), (theirs.returncode, theirs.stderr))
        self.assertEqual(run(STREAMCTL, "check", self.folder / "none.yaml").returncode, 66)

    def test_a_graph_is_printed_in_every_form(self):
        """R-GRAPH-026"""
        graph = self.folder / "g.yaml"
        graph.write_text("nodes: {b: {exec: [null-sink]}, a: {exec: [test-source]}}\nversion: 1\n"
                         "links: [{to: b.in, from: a.data}]\n")
        printed = {form: run(STREAMCTL, "check", "--print", form, graph) for form in ("yaml", "json", "dot", "text")}
        for done in printed.values():
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(printed["yaml"].stdout, "version: 1\nname: g\nnodes:\n  a:\n    exec: [test-source]\n"
                         "  b:\n    exec: [null-sink]\nlinks:\n  - a.data -> b.in\n")
        shown = json.loads(printed["json"].stdout)
        self.assertEqual(shown["file"]["links"], ["a.data -> b.in"])
        self.assertEqual([(link["from"], link["to"]) for link in shown["links"]], [("a.data", "b.in")])
        self.assertIn('"a":"o_data":e -> "b":"i_in":w', printed["dot"].stdout)
        self.assertIn("a: test-source, untrusted\n    data       -> b.in", printed["text"].stdout)
        self.assertEqual(run(STREAMCTL, "check", "--print", "xml", graph).returncode, 2)
        self.assertEqual(run(BUILD / "bin/streambroker", "--print", "dot", graph).returncode, 2)

    def test_the_reference_is_what_the_verb_prints(self):
        self.assertEqual(run(STREAMCTL, "docs").stdout, (SOURCE / "docs/streamctl.md").read_text())

    def test_completion_for_bash_completes(self):
        script = run(STREAMCTL, "completion", "bash").stdout
        probe = script + "\nCOMP_WORDS=(streamctl doct); COMP_CWORD=1; _streamctl; echo \"${COMPREPLY[@]}\"\n"
        done = run("bash", "-c", probe)
        self.assertEqual((done.returncode, done.stdout), (0, "doctor\n"), done.stderr)

    def test_help_and_version_go_to_stdout_and_a_wrong_verb_to_stderr(self):
        """R-CLI-003 R-EXIT-003"""
        for word in ("help", "--help", "version", "--version"):
            done = run(STREAMCTL, word)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout)
        done = run(STREAMCTL, "halp")
        self.assertEqual((done.returncode, done.stdout), (2, ""))

    @unittest.skipIf(os.environ.get("SB_SANITIZE"), "an instrumented library needs an instrumented program")
    def test_a_new_processor_builds_and_passes_its_test(self):
        """R-CLI-012 R-INSTALL-005"""
        self.assertEqual(run(STREAMCTL, "new", "--lang", "c", "own", cwd=self.folder).returncode, 0)
        own = self.folder / "own"
        library = BUILD / "lib"
        flags = [f"-I{SOURCE / 'include'}", f"-I{BUILD / 'include'}", f"-L{library}", "-lstreambroker",
                 f"-Wl,-rpath,{library}"]
        done = run("cc", "-Wall", "-Wextra", "-Werror", "-o", "own", "own.c", *flags, cwd=own)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = run("./test.sh", cwd=own, env={**os.environ, "STREAMBROKER": str(BUILD / "bin/streambroker")})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("own: passed", done.stdout)

    @unittest.skipIf(os.environ.get("SB_SANITIZE"), "Python cannot load a library with a sanitizer")
    def test_a_new_processor_in_python_passes_its_test(self):
        """R-CLI-012"""
        self.assertEqual(run(STREAMCTL, "new", "--lang", "python", "own", cwd=self.folder).returncode, 0)
        # A user of its own must reach it.
        self.folder.chmod(0o755)
        done = run("./test.sh", cwd=self.folder / "own",
                   env={**os.environ, "STREAMBROKER": str(BUILD / "bin/streambroker"),
                        "PYTHONPATH": str(BUILD / "lib/streambroker/python")})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("own: passed", done.stdout)

    def test_a_name_that_would_not_work_makes_nothing(self):
        """R-CLI-012"""
        modules = [name for name in sys.stdlib_module_names if re.fullmatch("[a-z][a-z0-9_]*", name)]
        for language, name in (("c", "clean"), ("c", "install"), ("c", "file-source"), ("python", "streambroker"),
                               *(("python", name) for name in modules)):
            done = run(STREAMCTL, "new", "--lang", language, name, cwd=self.folder)
            self.assertEqual(done.returncode, 2, name)
            self.assertIn(f"'{name}' would not work", done.stderr)
        done = run(STREAMCTL, "new", "a\nb\x1b[31m", cwd=self.folder)
        self.assertEqual(done.returncode, 2)
        self.assertNotIn("\x1b", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertEqual(list(self.folder.iterdir()), [])

    def listen(self, path):
        """A socket that takes connections as a broker does, and says nothing."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(listener.close)
        listener.bind(str(path))
        listener.listen(8)
        return listener

    def test_a_broker_that_does_not_answer_is_named_without_a_graph(self):
        folder = self.folder / "streambroker"
        folder.mkdir(mode=0o700)
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(self.folder)}
        listeners = [self.listen(folder / "hung.sock")]
        done = run(STREAMCTL, "status", env=environment)
        self.assertEqual(done.returncode, 69)
        self.assertIn("hung has a broker that does not answer", done.stderr)
        listeners.append(self.listen(folder / "other.sock"))
        done = run(STREAMCTL, "status", env=environment)
        self.assertEqual(done.returncode, 69)
        self.assertIn("hung, other have brokers that do not answer", done.stderr)

    def test_a_socket_of_ones_own_that_closes_at_once_is_not_told_as_anothers(self):
        path = self.folder / "own.sock"
        listener = self.listen(path)
        client = threading.Thread(target=lambda: listener.accept()[0].close())
        client.start()
        done = run(STREAMCTL, "--socket", path, "status")
        client.join()
        self.assertEqual(done.returncode, 69)
        self.assertIn("closed the connection at once", done.stderr)

    def test_a_wrong_word_is_refused_before_a_broker_is_waited_for(self):
        done = run(STREAMCTL, "--graph", "none", "wait", "--for", "x", timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("'x' is nothing to wait for", done.stderr)


if __name__ == "__main__":
    unittest.main()
