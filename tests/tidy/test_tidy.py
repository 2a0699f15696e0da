# SPDX-License-Identifier: Apache-2.0
"""Each tidy check finds what it is for: a clean small tree passes, and every offence is reported."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

TIDY = pathlib.Path(__file__).with_name("tidy.py")
HEAD = "// SPDX-License-Identifier: Apache-2.0\n"

CLEAN = {
    "cmake/rooms.cmake": '# SPDX-License-Identifier: Apache-2.0\n'
                         'set(SB_ROOM_TABLE\n "base: "\n "schemas: base"\n "sandbox: schemas base"\n)\n',
    "base/pool.h": HEAD + "// What a pool is.\nint pool_claim(void);\n",
    "base/pool.c": HEAD + '// Pools.\n#include "base/pool.h"\n\nint pool_claim(void)\n{\n    return 0;\n}\n',
    "tests/unit/base/test_pool.c": HEAD + "// Shows R-MEM-001.\n",
    "docs/requirements.md": "- **R-MEM-001** Memory has no names.\n- **R-MEM-002** More. (later: sandbox)\n",
    "include/streambroker/frame.h": HEAD + "/**\n * Frames.\n */\n\n/**\n * Gives it back.\n *\n"
                                    " * Thread:  any.\n * Returns: 0.\n */\nint sb_frame_release(int frame);\n",
    "README.md": "# Title\n\n[pools](base/pool.c) and [here](#title), in `base/pool.h`\n",
}

# check, file, its text (None removes it), what the report must say
OFFENCES = [
    ("rooms", "base/pool.h", HEAD + '// P.\n#include "schemas/wire.h"\n', "base may not include schemas"),
    ("rooms", "base/pool.h", HEAD + '// P.\n#include "other.h"\n', 'as "room/file.h"'),
    ("rooms", "base/pool.h", HEAD + "// P.\n#include <base/pool.h>\n", "is one of ours"),
    ("rooms", "base/pool.h", HEAD + '// P.\n#include "base/gone.h"\n', "there is no base/gone.h"),
    ("rooms", "sandbox/jail.c", HEAD + '// J.\n#include "schemas/wire.h"\n', "layouts of schemas only"),
    ("rooms", "include/streambroker/frame.h", HEAD + '#include "base/pool.h"\n', "includes no room"),
    ("sizes", "base/pool.c", "int pool_x(void)\n{\n" + "    x();\n" * 70 + "}\n", "has 72 lines"),
    ("sizes", "base/pool.c", HEAD * 801, "801 lines"),
    ("sizes", "base/pool.h", HEAD * 251, "251 lines"),
    ("sizes", "base/pool.c", "// " + "x" * 98 + "\n", "101 columns"),
    ("names", "schemas/pool.c", HEAD, "is also that of"),
    ("names", "base/pool.c", "int claim(int a,\n          int b)\n{\n}\n", "begins with pool_"),
    ("names", "base/pool.c", "int sb_other(void)\n{\n}\n", "sb_other is not declared"),
    ("names", "base/pool.h", "struct sb_thing {\n};\n", "sb_thing is not declared"),
    ("names", "base/pool.h", "typedef struct pool pool_t;\n", "no typedef"),
    ("licence", "base/pool.c", "int x;\n", "SPDX"),
    ("licence", "base/pool.c", HEAD + "int x;\n", "one sentence"),
    ("banned", "base/pool.c", "    strcpy(a, b);\n", "strcpy"),
    ("banned", "base/pool.c", "    pid = fork();\n", "only the launcher and the shim fork"),
    ("banned", "tests/unit/base/test_pool.c", "    usleep(10);\n", "wait for what they expect"),
    ("banned", "tests/system/test_x.py", "time." + "sleep(1)\n", "wait for what they expect"),
    ("notes", "base/pool.c", "// TO" + "DO: more\n", "do it or drop it"),
    ("tested", "base/ring.c", HEAD, "has no tests/unit/base/test_ring.c"),
    ("tested", "tests/tidy/untested.txt", "base/pool.c: none\n", "needs no exception"),
    ("headers", "include/streambroker/frame.h", "int sb_frame_x(void);\n", "has no /** comment */"),
    ("headers", "include/streambroker/frame.h",
     "/**\n * X.\n *\n * Returns: 0.\n * Thread:  any.\n */\nint sb_frame_x(void);\n", "in the order"),
    ("headers", "include/streambroker/frame.h", "/** X. */\nint sb_frame_x(void);\n", "'Thread:'"),
    ("headers", "include/streambroker/frame.h",
     "/**\n * X.\n *\n * Thread:  any.\n */\nint sb_frame_x(void);\n", "'Returns:'"),
    ("requirements", "tests/unit/base/test_pool.c", HEAD, "R-MEM-001 is in no test"),
    ("requirements", "tests/unit/base/test_ring.c", "// R-MEM-" + "999\n", "is not in docs"),
    ("requirements", "docs/requirements.md", "- **R-MEM-001** A.\n- **R-MEM-001** B.\n", "is also in line"),
    ("requirements", "docs/requirements.md", "- **R-MEM-001** A. (later: soon)\n", "'soon': one of"),
    ("requirements", "docs/requirements.md", "R-MEM-001 is this.\n", "One sentence"),
    ("links", "README.md", "[gone](base/gone.c)\n", "leads nowhere"),
    ("links", "README.md", "[here](#nowhere)\n", "has no heading"),
    ("links", "README.md", "`base/gone.c`\n", "there is no base/gone.c"),
    ("private", "base/pool.c", "// see /wor" + "k/main\n", "no word of the project"),
]


def run_tidy(files, check=None):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        command = [sys.executable, "-B", str(TIDY), "--root", folder] + ([check] if check else [])
        return subprocess.run(command, capture_output=True, text=True)


class Tidy(unittest.TestCase):
    def test_a_clean_tree_passes_every_check(self):
        done = run_tidy(CLEAN)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_offence_is_found_and_named(self):
        for check, path, text, said in OFFENCES:
            with self.subTest(check=check, path=path, said=said):
                done = run_tidy({**CLEAN, path: text}, check)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertIn(said, done.stdout)

    def test_an_excuse_with_a_reason_is_accepted_and_one_without_is_not(self):
        line = "    strcpy(a, b); // tidy: allow banned:"
        self.assertEqual(run_tidy({**CLEAN, "base/pool.c": line + " a is larger\n"}, "banned").returncode, 0)
        self.assertEqual(run_tidy({**CLEAN, "base/pool.c": line + "\n"}, "banned").returncode, 1)


if __name__ == "__main__":
    unittest.main()
