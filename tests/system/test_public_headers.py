# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""R-INSTALL-006: each public header compiles alone, as C11, C17 and C++17, without a warning."""
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(os.environ["SB_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])
FOLDERS = [SOURCE / "include", BUILD / "include"]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wundef", "-Werror"]
COMPILERS = [(["cc", "-std=c11", "-x", "c", "-Wstrict-prototypes"], "C11"),
             (["cc", "-std=c17", "-x", "c", "-Wstrict-prototypes"], "C17"),
             (["c++", "-std=c++17", "-x", "c++", "-Wold-style-cast"], "C++17")]


def headers():
    names = {str(path.relative_to(folder)) for folder in FOLDERS for path in folder.rglob("*.h")}
    return sorted(names)


class PublicHeaders(unittest.TestCase):
    def compile(self, command, text):
        flags = [f"-I{folder}" for folder in FOLDERS]
        return subprocess.run([*command, *WARNINGS, "-fsyntax-only", *flags, "-"],
                              input=text, capture_output=True, text=True)

    def test_each_header_compiles_alone_and_twice_in_every_language(self):
        self.assertIn("streambroker/version.h", headers())
        for command, language in COMPILERS:
            for name in headers():
                with self.subTest(header=name, language=language):
                    done = self.compile(command, f"#include <{name}>\n#include <{name}>\ntypedef int unit;\n")
                    self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_header_that_needs_another_one_would_be_found(self):
        for command, language in COMPILERS:
            with self.subTest(language=language):
                self.assertNotEqual(self.compile(command, "size_t wanting(void);\n").returncode, 0)


if __name__ == "__main__":
    for compiler in ("cc", "c++"):
        if shutil.which(compiler) is None:
            print(f"skipped: there is no {compiler}")
            sys.exit(77)
    unittest.main()
