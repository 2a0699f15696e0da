# SPDX-License-Identifier: Apache-2.0
"""R-INSTALL-002: libstreambroker.so needs libc only and exports what the public headers declare."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(os.environ["SB_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])
LIBRARY = BUILD / "lib/libstreambroker.so"


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Library(unittest.TestCase):
    def test_it_has_a_versioned_soname_and_needs_libc_only(self):
        dynamic = output("readelf", "--dynamic", "--wide", str(LIBRARY))
        self.assertRegex(dynamic, r"\(SONAME\).*\[libstreambroker\.so\.\d+\]")
        self.assertEqual(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic), ["libc.so.6"])

    def test_it_exports_what_the_headers_declare_and_nothing_else(self):
        headers = "".join(path.read_text() for path in (SOURCE / "include").rglob("*.h"))
        declared = set(re.findall(r"^SB_API [^;(]*?\b(sb_\w+)\(", headers, re.M))
        symbols = output("nm", "--dynamic", "--defined-only", str(LIBRARY)).splitlines()
        exported = {line.split()[-1] for line in symbols}
        self.assertTrue(declared)
        self.assertEqual(exported - declared, set(), "exported, but in no public header")
        self.assertEqual(declared - exported, set(), "in a public header, but not exported")

    def test_its_links_lead_to_the_versioned_file(self):
        target = LIBRARY.resolve().name
        self.assertRegex(target, r"^libstreambroker\.so\.\d+\.\d+\.\d+$")


if __name__ == "__main__":
    if os.environ.get("SB_SANITIZE") or not LIBRARY.exists():
        print("skipped: the library of this build is not the one that is installed")
        sys.exit(77)
    unittest.main()
