# SPDX-License-Identifier: Apache-2.0
# test: timeout=300
"""R-GRANT-011: a node in a root of its own sees that root and nothing of the machine's system, with the same limits."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
import graphs  # noqa: E402

SOURCE = pathlib.Path(os.environ["SB_SOURCE_DIR"])
LOOK = """
connect()
seen = {"marker": open("/etc/marker").read(), "passwd": os.path.exists("/etc/passwd"), "prefix": sys.prefix,
        "home": os.path.exists("/home"), "usr": sorted(os.listdir("/usr"))}
eaten = []
sys.stderr.write("seen " + __import__("json").dumps(seen) + "\\\\n")
sys.stderr.flush()
while True:
    eaten.append(bytearray(8 << 20))
"""


def copy_with_libraries(program, root):
    """The program and the libraries that it needs, at the same places below root."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for path in [program, *re.findall(r"(/\S+) \(0x", listed)]:
        place = root / path.lstrip("/")
        if path.startswith("/lib"):
            place = root / "usr" / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.realpath(path), place)


@unittest.skipIf(os.environ.get("SB_SANITIZE"), "the sanitizers need /proc, which no sandbox has")
class Rootfs(unittest.TestCase):
    def setUp(self):
        self.graph = graphs.Graph()
        self.addCleanup(self.graph.close)
        self.root = self.graph.folder / "root"

    def make_root(self):
        python = os.path.realpath("/usr/bin/python3")
        copy_with_libraries(python, self.root)
        for name in ("lib", "lib64", "bin"):
            (self.root / name).symlink_to(f"usr/{name}")
        (self.root / "usr/bin/python3").symlink_to(os.path.basename(python))
        version = os.path.basename(python)
        shutil.copytree(f"/usr/lib/{version}", self.root / f"usr/lib/{version}",
                        ignore=shutil.ignore_patterns("test", "dist-packages", "config-*", "__pycache__"))
        (self.root / "etc").mkdir()
        (self.root / "etc/marker").write_text("of this root")

    def write(self, memory="64MiB"):
        path = self.graph.worker("look", LOOK)
        path.write_text(re.sub(r"^#!.*", "#!/usr/bin/python3 -I", path.read_text()))
        self.graph.file("graph.yaml", "version: 1\nnodes:\n  look: {exec: [./look], restart: {when: never}, limits: "
                        f"{{memory: {memory}}}, sandbox: {{tier: untrusted, rootfs: root}}}}\n")

    def test_a_script_runs_with_the_python_of_its_root_and_its_limits(self):
        self.make_root()
        self.write()
        done = self.graph.run()
        found = re.search(r"seen (\{.*\})", done.stderr)
        self.assertTrue(found, done.stderr)
        seen = json.loads(found.group(1))
        self.assertEqual(seen["marker"], "of this root")
        self.assertFalse(seen["passwd"] or seen["home"])
        self.assertEqual(seen["usr"], sorted(path.name for path in (self.root / "usr").iterdir()))
        self.assertRegex(done.stderr, r"look\[1\].*(out of memory: .* 64MiB|MemoryError)")

    def test_a_root_of_any_layout_does_not_hide_what_is_shown_in_it(self):
        """R-GRANT-014: folders where our library, the script and the grants are, as an unpacked image has them"""
        self.make_root()
        copy_with_libraries(str(next(pathlib.Path("/usr/lib").glob("python3.*/lib-dynload/_ctypes.*"))), self.root)
        for path in (graphs.BUILD, "/home", "/root", "/opt"):
            (self.root / pathlib.Path(path).parts[1]).mkdir(exist_ok=True)
        home = pathlib.Path(tempfile.mkdtemp(prefix="sb-home-", dir="/opt" if os.access("/opt", os.W_OK) else None))
        self.addCleanup(shutil.rmtree, home)
        home.chmod(0o755)
        shutil.copy(SOURCE / "examples/words.py", home)
        (home / "in.txt").write_text("one two\nthree\n")
        (home / "graph.yaml").write_text(f"""version: 1
nodes:
  lines:
    {{exec: [file-source], config: {{path: in.txt}}, sandbox: {{rootfs: {self.root}, read: [in.txt]}}}}
  words: {{exec: [./words.py], sandbox: {{rootfs: {self.root}}}}}
  kept: {{exec: [file-sink], config: {{path: out.txt}}, sandbox: {{write: [out.txt]}}}}
links: [lines.out -> words.text, words.text -> kept.in]
""")
        done = subprocess.run([str(graphs.BROKER), str(home / "graph.yaml")], capture_output=True, text=True,
                              timeout=40, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((home / "out.txt").read_text().splitlines(), ["  2 one two", "  1 three"])

    def test_one_root_serves_several_nodes_and_is_as_it_was_afterwards(self):
        """R-GRANT-015"""
        self.make_root()
        copy_with_libraries(str(next(pathlib.Path("/usr/lib").glob("python3.*/lib-dynload/_ctypes.*"))), self.root)
        shutil.copy(SOURCE / "examples/words.py", self.graph.folder)
        self.graph.file("in.txt", "one two\nthree\n")
        self.graph.file("graph.yaml", """version: 1
nodes:
  lines: {exec: [file-source], config: {path: in.txt}, sandbox: {rootfs: root, read: [in.txt]}}
  one: {exec: [./words.py], sandbox: {rootfs: root}}
  two: {exec: [./words.py], sandbox: {rootfs: root}}
  end: {exec: [null-sink]}
links: [lines.out -> one.text, lines.out -> two.text, one.text -> end.in, two.text -> end.in]
""")

        def look():
            return {str(path): path.lstat()[:2] + path.lstat()[4:7] + (path.lstat().st_mtime_ns,)
                    for path in self.root.rglob("*")}
        before = look()
        done = self.graph.run()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count("3 words"), 2, done.stderr)
        self.assertEqual(look(), before)

    def run_example(self, name, *words):
        if not shutil.which("mmdebstrap"):
            self.skipTest("mmdebstrap is not installed")
        examples = self.graph.folder / "examples"
        shutil.copytree(SOURCE / "examples", examples,
                        ignore=shutil.ignore_patterns("out", "*.webm", "debian", "python"))
        made = subprocess.run([str(examples / "root/make"), *words], capture_output=True, text=True, timeout=200,
                              check=False)
        if made.returncode != 0:
            self.skipTest(f"no root can be made here: {made.stderr.splitlines()[-1:]}")
        done = subprocess.run([str(graphs.BROKER), str(examples / f"{name}.yaml")], capture_output=True, text=True,
                              timeout=40, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = (examples / "hello.txt").read_text().splitlines()
        return lines, (examples / f"out/{name}.txt").read_text().splitlines(), done.stderr

    def test_the_example_runs_in_a_root_that_mmdebstrap_made(self):
        lines, kept, _ = self.run_example("rootfs")
        self.assertEqual(kept, [line for line in lines if "stream" in line.lower()])

    def test_the_example_in_python_runs_with_a_python_of_its_own(self):
        lines, kept, log = self.run_example("python-root", "python")
        self.assertEqual(kept, [f"{len(line.split()):3} {line}" for line in lines if len(line.split()) >= 10])
        self.assertIn("counted by Python 3", log)

    def test_a_root_that_is_not_there_is_an_error_with_its_place(self):
        self.write()
        done = self.graph.run()
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertRegex(done.stderr, r"graph\.yaml:3:\d+: 'root', which node 'look' may have as its root, does not "
                                      r"exist")


if __name__ == "__main__":
    if not shutil.which("bwrap") or not os.access("/usr/bin/python3", os.X_OK):
        print("skipped: bwrap or the system's Python is not installed")
        sys.exit(77)
    unittest.main()
