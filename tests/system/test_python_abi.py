# SPDX-License-Identifier: Apache-2.0
"""R-PY-011: what the module for Python knows of the C interface is what the headers say."""
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
HEADERS = SOURCE / "include/streambroker"


def ask_c(expressions):
    """The values that C gives to expressions, all in one program."""
    with tempfile.TemporaryDirectory() as folder:
        lines = "".join(f'    printf("%lld\\n", (long long)({expression}));\n' for expression in expressions)
        source = pathlib.Path(folder) / "ask.c"
        source.write_text("#include <stddef.h>\n#include <stdio.h>\n#include <streambroker/streambroker.h>\n"
                          f"int main(void)\n{{\n{lines}    return 0;\n}}\n")
        subprocess.run(["cc", "-std=c17", f"-I{SOURCE}/include", f"-I{BUILD}/include", str(source), "-o",
                        f"{folder}/ask"], check=True)
        said = subprocess.run([f"{folder}/ask"], capture_output=True, text=True, check=True).stdout
    return dict(zip(expressions, map(int, said.split())))


class PythonAbi(unittest.TestCase):
    def test_every_struct_has_the_size_and_offsets_of_the_headers(self):
        wanted = {}
        for struct in abi.STRUCTS:
            wanted[f"sizeof(struct {struct.c_name})"] = abi.ctypes.sizeof(struct)
            for name, *_ in struct._fields_:
                wanted[f"offsetof(struct {struct.c_name}, {name})"] = getattr(struct, name).offset
                wanted[f"sizeof(((struct {struct.c_name} *)0)->{name})"] = getattr(struct, name).size
        self.assertEqual(ask_c(list(wanted)), wanted)

    def test_every_number_is_that_of_the_headers(self):
        wanted = {"SB_FORMAT_NAME_MAX": abi.FORMAT_NAME_MAX, "SB_TENSOR_RANK_MAX": abi.TENSOR_RANK_MAX,
                  "SB_PLANES_MAX": abi.PLANES_MAX, "INT64_MAX": abi.NO_DEADLINE}
        for prefix, words in (("SB_DELIVERY", abi.DELIVERIES), ("SB_MODE", abi.MODES),
                              ("SB_ACTIVATE", abi.ACTIVATIONS), ("SB_PARAM", abi.PARAM_TYPES)):
            wanted.update({f"{prefix}_{word.upper()}": index for index, word in enumerate(words, 1)})
        wanted.update({f"SB_LOG_{word.upper()}": level for word, level in abi.LOG_LEVELS.items()})
        wanted.update({f"SB_FRAME_{word}": getattr(module, word)
                       for word in ("KEYFRAME", "DISCONTINUITY", "REDELIVERED")})
        wanted.update({f"SB_EXIT_{word}": getattr(module, f"EXIT_{word}")
                       for word in ("FINISHED", "FAILED", "RESTART", "BAD_CONFIG", "BAD_DATA")})
        self.assertEqual(ask_c(list(wanted)), wanted)

    def test_every_call_is_one_of_the_headers(self):
        declared = set()
        for header in HEADERS.glob("*.h"):
            declared |= set(re.findall(r"\b(sb_\w+)\(", re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)))
        self.assertEqual(set(abi.CALLS) - declared, set())


if __name__ == "__main__":
    if os.environ.get("SB_SANITIZE") or not shutil.which("cc"):
        print("skipped: Python cannot load a library with a sanitizer" if os.environ.get("SB_SANITIZE") else
              "skipped: no C compiler")
        sys.exit(77)
    sys.path.insert(0, str(BUILD / "lib/streambroker/python"))
    import streambroker as module  # noqa: E402
    from streambroker import abi  # noqa: E402
    unittest.main()
