# SPDX-License-Identifier: Apache-2.0
# test: timeout=180
"""R-INSTALL-003 R-INSTALL-004 R-INSTALL-008: the build is installed into a temporary prefix, moved to
another place, and a processor outside of the tree is built against it in both ways."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import own_runtime  # noqa: F401

SOURCE = pathlib.Path(os.environ["SB_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])

def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


# The program of the test runs in a sandbox where this machine can make one: so its shim was installed, and found.
TRIED = ["bwrap", "--unshare-all", "--unshare-user", "--ro-bind", "/", "/", "true"]
TIER = "untrusted" if shutil.which("bwrap") and subprocess.run(TRIED, check=False).returncode == 0 else "trusted"


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        run("cmake", "--install", BUILD, "--prefix", cls.folder / "first")
        (cls.folder / "first").rename(cls.folder / "prefix")
        cls.prefix = cls.folder / "prefix"
        cls.own = cls.folder / "own"
        run(cls.prefix / "bin/streamctl", "new", "--lang", "c", "own", cwd=cls.folder)

    def pkg_config(self, *words):
        found = next(self.prefix.rglob("streambroker.pc")).parent
        return run("pkg-config", *words, "streambroker", env={**os.environ, "PKG_CONFIG_PATH": str(found)})

    def test_everything_is_in_its_place(self):
        files = {str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*")}
        library = next(path for path in files if path.endswith("/libstreambroker.so"))
        self.assertTrue({library + ".0", "include/streambroker/version.h"} <= files)
        for header in (SOURCE / "include/streambroker").glob("*.h"):
            self.assertIn(f"include/streambroker/{header.name}", files)
        for page in ("README.md", "docs/troubleshooting.md", "examples/hello.yaml"):
            self.assertIn(f"share/doc/streambroker/{page}", files)
        for page in ("streambroker.1", "streamctl.1"):
            self.assertIn(f"share/man/man1/{page}", files)
        for folder in ("bin", "libexec/streambroker"):
            for program in (BUILD / folder).glob("*"):
                if program.is_file():
                    self.assertIn(f"{folder}/{program.name}", files)

    def test_links_of_the_documentation_lead_to_what_is_installed(self):
        folder = self.prefix / "share/doc/streambroker"
        for page in (folder / "README.md", *(folder / "docs").glob("*.md")):
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
                self.assertTrue((page.parent / target).exists(), f"{page.name}: {target}")

    def test_no_file_names_the_folders_it_was_built_in(self):
        for path in self.prefix.rglob("*"):
            if path.is_file() and path.suffix in (".pc", ".cmake", ".h", ".json"):
                text = path.read_text()
                for folder in (SOURCE, BUILD, self.folder / "first"):
                    self.assertNotIn(str(folder), text, path)

    def test_installed_programs_find_the_library_where_they_are_now(self):
        found = [*self.prefix.glob("bin/*"), *self.prefix.glob("libexec/streambroker/**/*")]
        programs = [path for path in found if path.is_file()]
        for program in programs:
            said = run("ldd", program)
            self.assertNotIn("not found", said, program)
            for found in re.findall(r"libstreambroker\S+ => (\S+)", said):
                self.assertTrue(pathlib.Path(found).resolve().is_relative_to(self.prefix.resolve()), said)

    def test_no_program_looks_for_libraries_in_the_current_folder(self):
        folders = ("bin", "lib", "libexec")
        files = [path for root in (BUILD, self.prefix) for folder in folders
                 for path in (root / folder).rglob("*") if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]
        searched = 0
        for path in files:
            for entries in re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", run("readelf", "-d", path)):
                searched += 1
                for entry in entries.split(":"):
                    self.assertTrue(entry.split("/")[0] == "$ORIGIN", f"{path}: [{entries}]")
        self.assertGreater(searched, 4)

    def run_in_a_graph(self, program, exec_word, **environment):
        """Three lines through the program, by the installed broker with nothing else in its environment."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        (folder / "in.txt").write_text("one\ntwo\nthree\n")
        nodes = {"a": {"exec": ["file-source"], "config": {"path": "in.txt"}, "sandbox": "trusted"},
                 "b": {"exec": [exec_word], "sandbox": TIER},
                 "c": {"exec": ["file-sink"], "config": {"path": "out.txt"}, "sandbox": "trusted"}}
        graph = {"version": 1, "nodes": nodes, "links": ["a.out -> b.in", "b.out -> c.in"]}
        (folder / "graph.yaml").write_text(json.dumps(graph))
        run(self.prefix / "bin/streambroker", folder / "graph.yaml", env=environment, cwd="/")
        self.assertEqual((folder / "out.txt").read_text(), "one\ntwo\nthree\n", program)

    def run_both_ways(self, program):
        self.run_in_a_graph(program, str(program))
        self.run_in_a_graph(program, program.name, STREAMBROKER_PROCESSOR_PATH=str(program.parent))

    def test_a_processor_outside_of_the_tree_builds_with_pkg_config(self):
        """R-INSTALL-004 R-INSTALL-005: by one line of cc, and by the Makefile that `new` wrote"""
        flags = self.pkg_config("--cflags", "--libs").split()
        run("cc", "-std=c17", "-Wall", "-Werror", "own.c", "-o", "by-hand", *flags, cwd=self.own)
        self.run_both_ways(self.own / "by-hand")
        found = next(self.prefix.rglob("streambroker.pc")).parent
        path = f"{self.prefix / 'bin'}:{os.environ['PATH']}"
        said = run("make", "test", cwd=self.own, env={**os.environ, "PKG_CONFIG_PATH": str(found), "PATH": path})
        self.assertIn("own: passed", said)

    def test_a_processor_in_python_needs_no_building(self):
        """R-PY-001 R-INSTALL-005"""
        script = self.own / "passing.py"
        script.write_text('#!/usr/bin/env python3\nimport streambroker as sb\n\n\nclass Passing(sb.Processor):\n'
                          '    inputs = [sb.Input("in", "any")]\n'
                          '    outputs = [sb.Output("out", "any", follows="in", one_per_step=True)]\n\n'
                          '    def process(self, frame):\n        self.output("out").copy(frame)\n\n\n'
                          'sb.main(Passing)\n')
        script.chmod(0o755)
        self.run_both_ways(script)
        found = self.pkg_config("--variable=pythonpath").strip()
        self.assertIn("0 errors", run(script, "--selftest", env={"PYTHONPATH": found}))

    def test_a_processor_outside_of_the_tree_builds_with_find_package(self):
        """R-INSTALL-004 R-INSTALL-005"""
        out = self.own / "out"
        run("cmake", "-S", self.own, "-B", out, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", out)
        self.run_both_ways(out / "own")

    def test_a_gpu_processor_outside_of_the_tree_builds_with_pkg_config(self):
        """R-INSTALL-004: libstreambroker-gpu, where it was built"""
        found = next(self.prefix.rglob("streambroker-gpu.pc"), None)
        if found is None:
            self.skipTest("built without Vulkan")
        flags = run("pkg-config", "--cflags", "--libs", "streambroker-gpu",
                    env={**os.environ, "PKG_CONFIG_PATH": str(found.parent)}).split()
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        (folder / "count.c").write_text("""#include <stdio.h>
#include <streambroker/gpu.h>
int main(void)
{
    struct sb_gpu_device device;
    printf("%d\\n", sb_gpu_list(&device, 1) != 0 && sb_gpu_format_of(SB_PIXEL_RGBA) != NULL);
}
""")
        run("cc", "-std=c17", "-Wall", "-Werror", "count.c", "-o", "count", *flags, cwd=folder)
        self.assertEqual(run(folder / "count", env={}).strip(), "1")

    def test_destdir_is_put_in_front_of_the_prefix(self):
        stage = self.folder / "stage"
        run("cmake", "--install", BUILD, "--prefix", "/opt/sb", env={**os.environ, "DESTDIR": str(stage)})
        self.assertTrue((stage / "opt/sb/include/streambroker/version.h").exists())


if __name__ == "__main__":
    if os.environ.get("SB_SANITIZE"):
        print("skipped: a build with a sanitizer is not one to install")
        sys.exit(77)
    unittest.main()
