# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""R-INSTALL-007: a room cannot include, nor link, what the table of rooms does not allow.

A small tree of its own is built with the project's own CMake files: what the table allows works, and
one forbidden thing after the other fails for the reason that it should.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["SB_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])

TOP = """
cmake_minimum_required(VERSION 3.25)
project(arrows VERSION 1.2.3 LANGUAGES C)
list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_SOURCE_DIR}/cmake")
include(GNUInstallDirs)
include(warnings)
include(rooms)
sb_public_headers()
foreach(room IN ITEMS base schemas shm broker worker)
  add_subdirectory(${room})
endforeach()
"""
USES = {"base": "", "schemas": "base", "shm": "schemas base", "broker": "shm base", "worker": "shm base"}


def table():
    text = (SOURCE / "cmake/rooms.cmake").read_text()
    rows = re.findall(r'"([a-z]+):\s*([a-z ]*)"', re.search(r"SB_ROOM_TABLE(.*?)\n\)", text, re.S).group(1))
    return {room: set(uses.split()) for room, uses in rows}


class Arrows(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        shutil.copytree(SOURCE / "cmake", self.root / "cmake")
        (self.root / "include/streambroker").mkdir(parents=True)
        shutil.copy(SOURCE / "include/streambroker/version.h.in", self.root / "include/streambroker")
        (self.root / "CMakeLists.txt").write_text(TOP)
        for room, uses in USES.items():
            (self.root / room).mkdir()
            (self.root / room / f"{room}_noun.h").write_text(f"int {room}_noun_get(void);\n")
            self.room(room, uses, includes=[room, *uses.split()])

    def room(self, room, uses, includes):
        """(Re)writes a room that uses rooms and includes headers of rooms."""
        (self.root / room / "CMakeLists.txt").write_text(f"sb_room({room} SOURCES {room}_noun.c USES {uses})\n")
        lines = [f'#include "{name}/{name}_noun.h"' for name in includes]
        lines.append(f"#include <streambroker/version.h>\nint {room}_noun_get(void)\n{{ return 0; }}\n")
        (self.root / room / f"{room}_noun.c").write_text("\n".join(lines))

    def cmake(self, *arguments):
        done = subprocess.run(["cmake", *arguments], cwd=self.root, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def configure(self):
        return self.cmake("-S", ".", "-B", "out", "-G", "Ninja")

    def test_what_the_table_allows_builds_and_one_forbidden_include_does_not(self):
        self.assertEqual(self.configure()[0], 0)
        status, said = self.cmake("--build", "out")
        self.assertEqual(status, 0, said)
        self.room("worker", USES["worker"], includes=["worker", "shm", "schemas", "broker"])
        status, said = self.cmake("--build", "out")
        self.assertNotEqual(status, 0)
        self.assertRegex(said, "fatal error: broker/broker_noun.h: No such file")

    def test_a_header_of_a_room_that_is_allowed_but_not_used_is_not_found(self):
        self.room("broker", "base", includes=["base", "shm"])
        self.assertEqual(self.configure()[0], 0)
        status, said = self.cmake("--build", "out")
        self.assertNotEqual(status, 0)
        self.assertRegex(said, "fatal error: shm/shm_noun.h: No such file")

    def test_a_use_that_the_table_lacks_does_not_configure(self):
        self.room("worker", "shm broker", includes=["worker"])
        status, said = self.configure()
        self.assertNotEqual(status, 0)
        self.assertRegex(said, r"room\s+'worker'\s+may\s+not\s+use\s+'broker'")

    def test_a_room_that_the_table_lacks_does_not_configure(self):
        self.room("base", "", includes=["base"])
        text = (self.root / "base/CMakeLists.txt").read_text()
        (self.root / "base/CMakeLists.txt").write_text(text.replace("sb_room(base", "sb_room(cellar"))
        status, said = self.configure()
        self.assertNotEqual(status, 0)
        self.assertRegex(said, r"There\s+is\s+no\s+room\s+'cellar'")

    def test_no_file_of_a_room_is_compiled_with_the_headers_of_a_forbidden_room_in_reach(self):
        allowed = table()
        commands = json.loads((BUILD / "compile_commands.json").read_text())
        seen = set()
        for entry in commands:
            path = pathlib.Path(entry["file"])
            room = path.relative_to(SOURCE).parts[0] if path.is_relative_to(SOURCE) else None
            if room in allowed:
                seen.add(room)
                views = re.findall(rf"-I{re.escape(str(BUILD))}/rooms/([a-z]+)", entry["command"])
                self.assertLessEqual(set(views), allowed[room] | {room}, entry["file"])
                self.assertNotRegex(entry["command"], rf"-I{re.escape(str(SOURCE))}( |/(?!include|build/))")
        self.assertIn("base", seen)


if __name__ == "__main__":
    unittest.main()
