# SPDX-License-Identifier: Apache-2.0
"""R-INSTALL-002 R-CTL-009: the libraries need libc only and export what their public headers declare.

R-GPU-002: the one for GPUs needs Vulkan besides, and no other program or library does."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(os.environ["SB_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])
# The headers of the other two libraries; all others are libstreambroker's.
CONTROL = "control.h"
GPU = "gpu.h"
LIBRARIES = {"libstreambroker": lambda header: header.name not in (CONTROL, GPU),
             "libstreambroker-control": lambda header: header.name == CONTROL}
if (BUILD / "lib/libstreambroker-gpu.so").exists():
    LIBRARIES["libstreambroker-gpu"] = lambda header: header.name == GPU
# What each may need beside libc.
NEEDED = {"libstreambroker-gpu": {"libstreambroker.so.0", "libvulkan.so.1"}}


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def declared_in(headers):
    text = "".join(path.read_text() for path in headers)
    return set(re.findall(r"^SB_API [^;(]*?\b(sb_\w+)\(", text, re.M))


def path_of(library):
    return BUILD / f"lib/{library}.so"


class Library(unittest.TestCase):
    def test_it_has_a_versioned_soname_and_needs_libc_only(self):
        for library in LIBRARIES:
            dynamic = output("readelf", "--dynamic", "--wide", str(path_of(library)))
            self.assertRegex(dynamic, rf"\(SONAME\).*\[{library}\.so\.\d+\]")
            needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic))
            self.assertEqual(needed, {"libc.so.6"} | NEEDED.get(library, set()), library)

    def test_it_exports_what_the_headers_declare_and_nothing_else(self):
        # Names of errors and formats are in both, so that each library stands alone.
        all_declared = declared_in((SOURCE / "include").rglob("*.h"))
        for library, is_own in LIBRARIES.items():
            declared = declared_in(path for path in (SOURCE / "include").rglob("*.h") if is_own(path))
            symbols = output("nm", "--dynamic", "--defined-only", str(path_of(library))).splitlines()
            exported = {line.split()[-1] for line in symbols}
            self.assertTrue(declared)
            self.assertEqual(exported - all_declared, set(), f"{library}: exported, but in no public header")
            self.assertEqual(declared - exported, set(), f"{library}: in a public header, but not exported")

    def test_only_what_works_on_a_gpu_links_vulkan(self):
        """R-GPU-002"""
        programs = [*(BUILD / "bin").iterdir(), *(BUILD / "libexec").rglob("*"), *(BUILD / "lib").glob("*.so")]
        linked = set()
        for program in programs:
            if program.is_file() and not program.is_symlink() and program.suffix != ".bin":
                needed = re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "--dynamic", "--wide", str(program)))
                if any(name.startswith(("libvulkan", "libstreambroker-gpu")) for name in needed):
                    linked.add(program.name)
        own = ("gpu-", "bench-gpu-", "display")
        self.assertTrue(all(name.startswith(own) for name in linked), linked)
        self.assertGreater(len(programs), len(linked) + 10)

    def test_its_links_lead_to_the_versioned_file(self):
        for library in LIBRARIES:
            target = path_of(library).resolve().name
            self.assertRegex(target, rf"^{library}\.so\.\d+\.\d+\.\d+$")


if __name__ == "__main__":
    if os.environ.get("SB_SANITIZE") or not path_of("libstreambroker").exists():
        print("skipped: the library of this build is not the one that is installed")
        sys.exit(77)
    unittest.main()
