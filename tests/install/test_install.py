# SPDX-License-Identifier: Apache-2.0
# test: timeout=180
"""R-INSTALL-003 R-INSTALL-004 R-INSTALL-008: the build is installed into a temporary prefix, moved to
another place, and a processor outside of the tree is built against it in both ways."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["SB_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])

PROCESSOR = r"""
#include <streambroker/streambroker.h>
#include <streambroker/version.h>
static int pass(struct sb_node *node, const struct sb_frame *in)
{
    return sb_output_copy(sb_node_output(node, "out"), in);
}
static const struct sb_processor own = {
    .struct_size = sizeof own, .name = "own", .version = SB_VERSION_STRING, .on_frame = pass,
};
int main(int argc, char **argv) { return sb_processor_main(&own, argc, argv); }
"""
CMAKE = """
cmake_minimum_required(VERSION 3.25)
project(own C)
find_package(streambroker 0.1 REQUIRED)
add_executable(own own.c)
target_link_libraries(own PRIVATE streambroker::streambroker)
"""


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        run("cmake", "--install", BUILD, "--prefix", cls.folder / "first")
        (cls.folder / "first").rename(cls.folder / "prefix")
        cls.prefix = cls.folder / "prefix"
        cls.own = cls.folder / "own"
        cls.own.mkdir()
        (cls.own / "own.c").write_text(PROCESSOR)
        (cls.own / "CMakeLists.txt").write_text(CMAKE)

    def pkg_config(self, *words):
        found = next(self.prefix.rglob("streambroker.pc")).parent
        return run("pkg-config", *words, "streambroker", env={**os.environ, "PKG_CONFIG_PATH": str(found)})

    def test_everything_is_in_its_place(self):
        files = {str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*")}
        library = next(path for path in files if path.endswith("/libstreambroker.so"))
        self.assertTrue({library + ".0", "include/streambroker/version.h"} <= files)
        for header in (SOURCE / "include/streambroker").glob("*.h"):
            self.assertIn(f"include/streambroker/{header.name}", files)
        self.assertIn("share/doc/streambroker/README.md", files)
        for folder in ("bin", "libexec/streambroker"):
            for program in (BUILD / folder).glob("*"):
                if program.is_file():
                    self.assertIn(f"{folder}/{program.name}", files)

    def test_no_file_names_the_folders_it_was_built_in(self):
        for path in self.prefix.rglob("*"):
            if path.is_file() and path.suffix in (".pc", ".cmake", ".h", ".json"):
                text = path.read_text()
                for folder in (SOURCE, BUILD, self.folder / "first"):
                    self.assertNotIn(str(folder), text, path)

    def test_installed_programs_find_the_library_where_they_are_now(self):
        programs = [*self.prefix.glob("bin/*"), *self.prefix.glob("libexec/streambroker/*")]
        for program in programs:
            said = run("ldd", program)
            self.assertNotIn("not found", said, program)
            for found in re.findall(r"libstreambroker\S+ => (\S+)", said):
                self.assertTrue(pathlib.Path(found).resolve().is_relative_to(self.prefix.resolve()), said)

    def describe(self, program, **environment):
        self.assertIn('"own"', run(program, "--describe", env=environment))

    def test_a_processor_outside_of_the_tree_builds_with_pkg_config(self):
        flags = self.pkg_config("--cflags", "--libs").split()
        run("cc", "-std=c17", "-Wall", "-Werror", "own.c", "-o", "own", *flags, cwd=self.own)
        self.describe(self.own / "own", LD_LIBRARY_PATH=self.pkg_config("--variable=libdir").strip())

    def test_a_processor_outside_of_the_tree_builds_with_find_package(self):
        out = self.own / "out"
        run("cmake", "-S", self.own, "-B", out, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", out)
        self.describe(out / "own")

    def test_destdir_is_put_in_front_of_the_prefix(self):
        stage = self.folder / "stage"
        run("cmake", "--install", BUILD, "--prefix", "/opt/sb", env={**os.environ, "DESTDIR": str(stage)})
        self.assertTrue((stage / "opt/sb/include/streambroker/version.h").exists())


if __name__ == "__main__":
    if os.environ.get("SB_SANITIZE"):
        print("skipped: a build with a sanitizer is not one to install")
        sys.exit(77)
    unittest.main()
