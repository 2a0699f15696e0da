# SPDX-License-Identifier: Apache-2.0
# test: timeout=240
"""Graphs that ask for signatures: who is refused before anything runs, who runs as untrusted, and what is executed."""
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import signed_graphs

ROUNDS = 25


class SignedGraphs(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sb-signed-"))
        self.folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folder)
        self.tiers = ["trusted"] + (["untrusted"] if signed_graphs.can_be_untrusted() else [])

    def test_each_case_is_refused_before_anything_is_executed(self):
        """R-SIGN-001 R-SIGN-004 R-SIGN-006"""
        for tier in self.tiers:
            with self.subTest(tier=tier):
                signed_graphs.refuse_each(self.folder / tier, tier)

    def test_a_file_that_is_swapped_all_the_time_never_runs_unsigned(self):
        """R-SIGN-005 R-SIGN-010"""
        for tier in self.tiers:
            with self.subTest(tier=tier):
                ran, refused = signed_graphs.race(self.folder / tier, tier, ROUNDS)
                print(f"{tier}: {ran} ran what was signed, {refused} were refused")
                self.assertGreater(ran, 0)
                self.assertGreater(refused, 0)

    def test_a_worker_is_what_was_verified_and_not_what_the_path_leads_to_later(self):
        """R-SIGN-010"""
        at = signed_graphs.Signer(self.folder)
        at.sign(at.good())
        more = ", restart: {delay: 0s, max: 3}, config: {mode: exit-at-once}"
        path = at.graph(tier="trusted", node="")
        text = path.read_text().replace(", restart: {when: never}", more)
        path.write_text(text)
        # It dies at once and starts again; meanwhile the path leads to something else.
        broker = signed_graphs.start(at, path)
        self.assertIsNotNone(broker.expect(r"evil\[1\]: .*-> running"))
        at.bad("prog")
        self.assertIsNotNone(broker.expect(r"evil\[4\]: .*failed"), broker.text())
        broker.end()
        self.assertFalse(at.canary.exists())

    def test_without_a_signature_it_runs_as_untrusted_only(self):
        """R-SIGN-002"""
        if "untrusted" not in self.tiers:
            self.skipTest("there are no user namespaces here")
        at = signed_graphs.Signer(self.folder)
        program = at.good()
        graph = at.graph(policy="warn", tier="trusted")
        secret = self.folder / "secret"
        secret.write_text("x")
        text = graph.read_text().replace("sandbox: trusted",
                                         f"config: {{mode: read-secrets, path: '{secret}'}}, sandbox: trusted")
        graph.write_text(text)
        done = at.run(graph)
        self.assertIn("warning: processor './prog' runs as untrusted only: it has no signature", done.stderr)
        self.assertIn(f"stdout: denied {secret}", done.stderr)
        at.sign(program)
        done = at.run(graph)
        self.assertNotIn("untrusted only", done.stderr)
        self.assertIn(f"stdout: allowed {secret}", done.stderr)


if __name__ == "__main__":
    if shutil.which("minisign") is None or not signed_graphs.EVIL.exists():
        print("skipped: there is no minisign, or the processors were not built")
        sys.exit(77)
    unittest.main()
