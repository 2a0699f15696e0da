# SPDX-License-Identifier: Apache-2.0
"""R-GRAPH-025: the JSON Schema for editors and the parser agree, because both come from one table; and
docs/graph.md shows that table as it is."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["SB_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])
SCHEMA = BUILD / "share/streambroker/streambroker-graph.schema.json"
EXEC = {"exec": ["x"]}

try:
    import jsonschema
except ImportError:
    # Debian's own Python has it (python3-jsonschema) where another one comes first.
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", "-B", *sys.argv])
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)


def node(**keys):
    return {"version": 1, "nodes": {"a": {**EXEC, **keys}}}


def link(**keys):
    return {"version": 1, "nodes": {}, "links": [{"from": "a.b", "to": "c.d", **keys}]}


def graph(**keys):
    return {"version": 1, "nodes": {}, **keys}


GOOD = [
    graph(), graph(nodes=None), graph(links=None), graph(links=["a.b -> c.d", "a.b->c.d"]),
    graph(name="x-1"), graph(clock={"fps": 30}), graph(clock={"fps": "30000/1001", "precise": True}),
    graph(commit="manual"), graph(limits={"nodes": 1, "shared_memory": "50%"}),
    graph(limits={"shared_memory": 65536}), graph(limits={"shared_memory": "none"}),
    graph(signatures={"policy": "off", "keys": ["k"]}), graph(dead_letters={"dir": "d", "max": "1MiB"}),
    node(), node(config={"a": 1, "b": "x", "c": True, "d": 1.5}), node(exec=["x", "-y", 3]),
    node(run={"mode": "tick", "interval": "10ms", "priority": "high", "cpus": [0, 1], "spin": "auto"}),
    node(run={"spin": 0}), node(run={"interval": "0"}), node(run=None), node(activate="all"),
    node(activate={"batch": 2, "within": "1.5s"}), node(activate={"every": "1s"}),
    node(restart={"when": "never", "max": "unlimited", "then": "stop-graph"}), node(restart={"max": 0}),
    node(on_crash={"frame": "skip", "poison_after": 2}), node(on_stall="detach"),
    node(timeouts={"start": "1s", "process": "1m", "stop": "1h"}), node(sandbox="trusted"),
    node(sandbox={"tier": "trusted", "read": ["a"], "devices": ["gpu"], "env": {"A": "b"}, "network": False}),
    node(limits={"memory": "none", "cpu": "150%", "pids": 5, "log_rate": 1024}), node(gpu="off"),
    node(optional=True), link(depth=1), link(delivery="latest"), link(auto_transfer=False),
    link(max_payload="64MiB"), link(max_payload=1), link(memory="huge"), link(max_lag="none"),
    link(max_lag="2s"), link(transport="ring"),
]
BAD = [
    {}, [], "x", {"version": 1}, {"nodes": {}}, graph(version=2), graph(version="1"), graph(extra=1),
    graph(name="Big"), graph(clock={"fps": 0}), graph(clock={"fps": 10001}), graph(clock={"fps": "x"}),
    graph(clock={"rate": 30}), graph(commit="later"), graph(limits={"nodes": 0}),
    graph(limits={"shared_memory": 1}), graph(signatures={"policy": "maybe"}), graph(nodes=[]),
    graph(nodes={"A": EXEC}), graph(nodes={"a": {}}), graph(nodes={"a": {"exec": "x"}}),
    graph(nodes={"a": {"exec": []}}), graph(links=["a.b"]), graph(links=["a -> b.c"]),
    graph(links=[{"from": "a.b"}]), graph(links={}), node(extra=1), node(run={"mode": "fast"}),
    node(run={"cpus": ["0"]}), node(run={"interval": "10"}), node(run={"interval": 10}),
    node(activate="batch"), node(activate={"batch": 0}), node(restart={"max": -1}),
    node(restart={"when": "sometimes"}), node(timeouts={"start": 0}), node(timeouts="5s"),
    node(sandbox="half"), node(sandbox={"require": ["printer"]}), node(sandbox={"trust": True}),
    node(limits={"cpu": 50}), node(limits={"pids": 0}), node(optional="yes"), node(config=[1]),
    node(config={"a": [1]}), link(depth=0), link(depth=65537), link(depth="16"), link(delivery="best"),
    link(max_payload=0), link(max_payload="1 MiB"), link(memory="large"), link(max_lag="soon"), link(dept=1),
]


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        schema = json.loads(SCHEMA.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        cls.validator = jsonschema.Draft202012Validator(schema)

    def parses(self, text):
        """What the parser says: the fuzz target's twin, which only loads."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(text)
            file.flush()
            done = subprocess.run([BUILD / "tests/system/graph_parse", file.name],
                                  capture_output=True, text=True, check=False)
        self.assertIn(done.returncode, (0, 78), done.stderr)
        return done.returncode == 0, done.stderr

    def test_good_graphs_are_good_for_both(self):
        for good in GOOD:
            text = json.dumps(good)
            parsed, why = self.parses(text)
            self.assertTrue(parsed, f"{text}\n{why}")
            self.assertEqual([error.message for error in self.validator.iter_errors(good)], [], text)

    def test_bad_graphs_are_bad_for_both(self):
        for bad in BAD:
            text = json.dumps(bad)
            self.assertFalse(self.parses(text)[0], text)
            self.assertFalse(self.validator.is_valid(bad), text)

    def test_every_key_has_a_description(self):
        schema = json.loads(SCHEMA.read_text())
        keys = schema["properties"]["nodes"]["additionalProperties"]["properties"]
        self.assertIn("description", keys["exec"])
        self.assertIn("description", keys["timeouts"]["properties"]["start"])

    def test_the_tables_of_the_document_are_current(self):
        done = subprocess.run([sys.executable, SOURCE / "cmake/graph_docs.py", BUILD / "broker/schema_make",
                               SOURCE / "docs/graph.md", "--check"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
