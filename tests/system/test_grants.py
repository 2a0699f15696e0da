# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""R-GRANT-001 R-GRANT-002 R-GRANT-004 R-GRANT-007 R-GRANT-009: what a graph grants is reached, and nothing else is."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
import own_runtime  # noqa: E402, F401
import graphs  # noqa: E402
from control_client import Client, socket_of  # noqa: E402
from waiting import wait_until  # noqa: E402

SOURCE = pathlib.Path(os.environ["SB_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])
NOBODY = 65534
COPY = """version: 1
nodes:
  read: {exec: [file-source], config: {path: in.txt}, restart: {when: never}, sandbox: {tier: untrusted READ}}
  write: {exec: [file-sink], config: {path: out.txt}, restart: {when: never}, sandbox: {tier: untrusted WRITE}}
links: [read.out -> write.in]
"""


CONNECT = """
try:
    socket.create_connection(("127.0.0.1", PORT), 5)
    sys.stderr.write("seen connected\\n")
except OSError as error:
    sys.stderr.write(f"seen {error.strerror}\\n")
"""


def run(program, *arguments, **others):
    return subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True, timeout=40,
                          check=False, **others)


@unittest.skipIf(os.environ.get("SB_SANITIZE"), "the sanitizers need /proc, which no sandbox has")
class Grants(unittest.TestCase):
    def setUp(self):
        # A home that only its owner may enter, with the whole build in it.
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="sb-home-"))
        self.addCleanup(shutil.rmtree, self.home)
        for name in ("bin", "lib", "libexec"):
            shutil.copytree(BUILD / name, self.home / "build" / name, symlinks=True)
        self.broker = self.home / "build/bin/streambroker"
        (self.home / "in.txt").write_text("one\ntwo\n")
        (self.home / "in.txt").chmod(0o600)
        self.home.chmod(0o700)

    def write(self, read=", read: [in.txt]", write=", write: [out.txt]"):
        path = self.home / "graph.yaml"
        path.write_text(COPY.replace("READ", read).replace("WRITE", write))
        return path

    def test_a_file_is_copied_below_a_home_that_is_closed(self):
        done = run(self.broker, self.write())
        self.assertEqual(done.returncode, 0, done.stderr)
        out = self.home / "out.txt"
        self.assertEqual(out.read_text(), "one\ntwo\n")
        self.assertEqual((out.stat().st_uid, out.stat().st_gid), (os.geteuid(), os.getegid()))
        self.assertEqual((self.home / "in.txt").stat().st_mode & 0o777, 0o600)

    def test_another_user_has_the_same_without_a_user_of_its_own(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        for path in [self.home, *self.home.rglob("*")]:
            os.lchown(path, NOBODY, NOBODY)
        graph = self.write()
        os.chown(graph, NOBODY, NOBODY)
        runtime = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(self.home)}
        done = run(self.broker, graph, user=NOBODY, group=NOBODY, extra_groups=[], env=runtime)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.home / "out.txt").read_text(), "one\ntwo\n")
        self.assertEqual((self.home / "out.txt").stat().st_uid, NOBODY)

    def copy_examples(self):
        """Beside the build in the closed home, every node that says nothing of its tier untrusted, as in a release."""
        examples = self.home / "examples"
        shutil.copytree(SOURCE / "examples", examples,
                        ignore=shutil.ignore_patterns("out", "media/*.webm", "debian", "python"))
        if run(examples / "media/make").returncode != 0:
            self.skipTest("the film of the example cannot be made here")
        return examples

    def test_every_example_runs_below_a_home_that_is_closed_with_its_own_grants(self):
        """R-GRANT-010"""
        examples = self.copy_examples()
        # Their own tests say what these need: a RouDi, a root from a mirror, a GPU.
        elsewhere = {"iceoryx", "rootfs", "python-root"}
        for graph in sorted(examples.glob("*.yaml")):
            text = graph.read_text()
            if graph.stem in elsewhere or "gpu" in text:
                continue
            with self.subTest(graph.stem):
                self.assertNotIn("trusted", text.replace("untrusted", ""))
                done = run(self.broker, graph)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertNotRegex(done.stderr, "(?m)^(error|warning:)")
        made = list((examples / "out").iterdir())
        self.assertGreaterEqual(len(made), 5)
        for path in made:
            self.assertGreater(path.stat().st_size, 20, path)
            self.assertEqual(path.stat().st_uid, os.geteuid(), path)

    def test_a_neighbour_cannot_read_the_film_while_it_is_written_nor_afterwards(self):
        """R-GRANT-001 R-GRANT-010"""
        examples = self.copy_examples()
        film = examples / "out/video.webm"
        graph = examples / "video.yaml"
        text = graph.read_text()
        looks = [f"for path in ({str(film)!r}, {str(examples / 'out')!r}):", "    try:",
                 "        os.stat(path)", "        sys.stderr.write('seen ' + path + '\\n')",
                 "    except OSError as error:",
                 "        sys.stderr.write('not there: ' + error.strerror + '\\n')",
                 f"sys.stderr.write('beside it: ' + repr(os.listdir({str(examples)!r})) + '\\n')"]
        graphs_folder = graphs.Graph()
        self.addCleanup(graphs_folder.close)
        worker = graphs_folder.worker("neighbour", "connect()\n" + "\n".join(looks) + "\nforever()\n")
        worker.write_text(worker.read_text().replace(graphs.PYTHON, "/usr/bin/python3", 1))
        shutil.copy(worker, examples / "neighbour")
        node = "\n  neighbour: {exec: [./neighbour], optional: true, restart: {when: never}, timeouts: {start: 1s}}\n"
        graph.write_text(text.replace("\nnodes:\n", "\nnodes:" + node, 1))
        done = run(self.broker, graph)
        self.assertEqual(done.stderr.count("not there: No such file or directory"), 2, done.stderr)
        self.assertIn("beside it: ['neighbour']", done.stderr)
        self.assertNotIn("stderr: seen", done.stderr)
        self.assertGreater(film.stat().st_size, 1000)
        self.assertEqual(film.stat().st_uid, os.geteuid())
        if os.geteuid() == 0:
            looked = run("/bin/cat", film, user=NOBODY, group=NOBODY, extra_groups=[])
            self.assertNotEqual(looked.returncode, 0)
            self.assertIn("Permission denied", looked.stderr)

    def test_what_was_granted_to_a_neighbour_is_not_there(self):
        done = run(self.broker, self.write(read=""))
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"read\[1\].*in\.txt: (No such file|Permission denied)")
        self.assertEqual((self.home / "out.txt").read_text(), "")

    def test_a_file_that_is_only_read_cannot_be_written(self):
        (self.home / "out.txt").write_text("kept")
        done = run(self.broker, self.write(write=", read: [out.txt]"))
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"write\[1\].*out\.txt: (Read-only file system|Permission denied)")
        self.assertEqual((self.home / "out.txt").read_text(), "kept")

    def test_a_grant_that_cannot_be_is_an_error_with_its_place(self):
        done = run(self.broker, self.write(read=", read: [none.txt]", write=", write: [none/out.txt]"))
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertRegex(done.stderr, r"graph\.yaml:3:\d+: 'none\.txt', which node 'read' may read, does not exist")
        self.assertRegex(done.stderr, r"graph\.yaml:4:\d+: 'none/out\.txt', which node 'write' may write, cannot be "
                                      r"made: its folder does not exist")
        self.assertFalse((self.home / "none").exists())

    def test_check_lists_exactly_what_each_node_can_reach(self):
        graph = self.write(read=", read: [in.txt], network: true, env: {LANG: C}")
        control = self.home / "build/bin/streamctl"
        done = run(control, "check", "--grants", "--json", graph)
        self.assertEqual(done.returncode, 0, done.stderr)
        nodes = {node["node"]: node for node in json.loads(done.stdout)}
        own = {name: [place for place in node["places"] if place["grant"] in ("read", "write")]
               for name, node in nodes.items()}
        self.assertEqual(own["read"], [{"grant": "read", "access": "read", "path": str(self.home / "in.txt")}])
        self.assertEqual(own["write"], [{"grant": "write", "access": "write", "path": str(self.home / "out.txt"),
                                         "new": True}])
        self.assertEqual((nodes["read"]["network"], nodes["write"]["network"]), (True, False))
        self.assertEqual((nodes["read"]["environment"], nodes["write"]["environment"]), (["LANG"], []))
        self.assertEqual(nodes["read"]["limits"]["memory"], 1 << 30)
        self.assertFalse((self.home / "out.txt").exists())
        text = run(control, "check", "--grants", graph).stdout
        self.assertIn(f"read     read     {self.home}/in.txt", text)
        self.assertIn(f"write    write    {self.home}/out.txt (made at its start)", text)

    def test_a_device_that_a_group_may_open_is_opened_and_nothing_without_the_grant(self):
        """R-GRANT-012"""
        device = pathlib.Path(f"/dev/sb-test-{os.getpid()}")
        try:
            os.mknod(device, 0o020660, os.makedev(1, 3))
        except OSError:
            self.skipTest("no device can be made here")
        self.addCleanup(device.unlink)
        os.chown(device, 0, 4242)
        device.chmod(0o660)
        for grant, is_there in ((f", devices: [{device}]", True), ("", False)):
            graph = self.write(read=grant)
            graph.write_text(graph.read_text().replace("in.txt", str(device)))
            done = run(self.broker, graph)
            self.assertEqual(done.returncode == 0, is_there, done.stderr)

    def test_a_running_node_tells_what_it_reaches_and_the_graph_what_meters_it(self):
        """R-GRANT-009 R-METER-012"""
        graph = self.home / "graph.yaml"
        graph.write_text("version: 1\nname: reach\nnodes: {s: {exec: [test-source], config: {rate: 50}, sandbox: "
                         "{tier: untrusted, read: [in.txt]}}}\n")
        running = subprocess.Popen([str(self.broker), "-q", str(graph)])
        self.addCleanup(running.wait)
        self.addCleanup(running.terminate)
        path = socket_of("reach")
        wait_until(path.exists, "no socket")
        client = Client(path)
        self.addCleanup(client.close)
        reached = client.call("grants", node="s").json
        self.assertEqual((reached["node"], reached["tier"], reached["network"]), ("s", "untrusted", False))
        self.assertIn({"grant": "read", "access": "read", "path": str(self.home / "in.txt")}, reached["places"])
        control = self.home / "build/bin/streamctl"
        text = run(control, "--graph", "reach", "nodes", "s", "--grants").stdout
        self.assertRegex(text, rf"(?m)^read +read +{self.home}/in\.txt")
        meters = client.call("status").json["meters"]
        self.assertIn(meters["text"], run(control, "--graph", "reach", "status").stdout)
        self.assertIn(meters["step"], ("rlimits", "cgroup-v1", "cgroup-v2"))
        self.assertTrue(meters["text"])

    def test_the_network_is_there_with_its_grant_and_not_without(self):
        """R-GRANT-007"""
        if not os.access("/usr/bin/python3", os.X_OK):
            self.skipTest("the system's Python is not installed")
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        graph = graphs.Graph()
        self.addCleanup(graph.close)
        worker = graph.worker("net", CONNECT.replace("PORT", str(listener.getsockname()[1])))
        worker.write_text(worker.read_text().replace(sys.executable, "/usr/bin/python3", 1))
        for network, seen in (("true", "seen connected"), ("false", "seen Address family not supported")):
            graph.file("graph.yaml", "version: 1\nnodes:\n  net: {exec: [./net], restart: {when: never}, sandbox: "
                                     f"{{tier: untrusted, network: {network}}}}}\n")
            self.assertIn(seen, graph.run().stderr)

    def test_a_folder_can_be_granted_and_is_made(self):
        graph = self.write(write=", write: [made/]")
        graph.write_text(graph.read_text().replace("path: out.txt", "path: made/out.txt"))
        done = run(self.broker, graph)
        self.assertEqual(done.returncode, 0, done.stderr)
        made = self.home / "made/out.txt"
        self.assertEqual(made.read_text(), "one\ntwo\n")
        self.assertEqual(made.stat().st_uid, os.geteuid())


if __name__ == "__main__":
    if not shutil.which("bwrap"):
        print("skipped: bwrap is not installed")
        sys.exit(77)
    unittest.main()
