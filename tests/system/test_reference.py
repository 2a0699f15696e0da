# SPDX-License-Identifier: Apache-2.0
"""Manual pages and tables of the documentation are made of the tables of the sources, and render."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(os.environ["SB_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])
PAGES = BUILD / "share/man/man1"


def run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)


def rows(path, macro):
    """The words of the rows of a .def file: the second or third argument, whichever is the first that is quoted."""
    text = (SOURCE / path).read_text()
    return re.findall(rf'^{macro}\([^"]*"([^"]+)"', text, flags=re.M)


class Reference(unittest.TestCase):
    def page(self, name):
        done = run("groff", "-man", "-ww", "-Tutf8", "-P-cbou", PAGES / name)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_the_page_of_the_broker_has_every_option_and_status(self):
        """R-CLI-020"""
        text = self.page("streambroker.1")
        for option in rows("broker/options.def", "OPTION"):
            self.assertRegex(text, rf"--{option}\b")
        for status in (66, 69, 70, 77, 78):
            self.assertRegex(text, rf"(?m)^ +{status} ")
        self.assertIn("NOTIFY_SOCKET", text)

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_the_page_of_streamctl_has_every_verb_and_option(self):
        """R-CLI-020"""
        text = self.page("streamctl.1")
        for word in rows("tools/verbs.def", "VERB") + rows("tools/verbs.def", "OPTION"):
            self.assertIn(word, text)

    def test_the_tables_of_troubleshooting_are_current(self):
        """R-CLI-021"""
        done = run(sys.executable, SOURCE / "cmake/graph_docs.py", BUILD / "broker/reference_make",
                   SOURCE / "docs/troubleshooting.md", "--check")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_warning_and_error_says_what_to_do(self):
        """R-CLI-021"""
        events = re.findall(r"^EVENT\((\w+), \"[^\"]+\", (\w+)", (SOURCE / "broker/supervision/health.def").read_text(),
                            flags=re.M)
        advice = re.findall(r"^ADVICE\((\w+)", (SOURCE / "broker/supervision/advice.def").read_text(), flags=re.M)
        self.assertEqual(sorted(name for name, level in events if level in ("WARNING", "ERROR")), sorted(advice),
                         "broker/supervision/advice.def has a line for each warning and error of health.def")


if __name__ == "__main__":
    unittest.main()
