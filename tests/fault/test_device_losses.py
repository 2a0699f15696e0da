# SPDX-License-Identifier: Apache-2.0
# test: timeout=120 tiers
"""A device that is lost: its worker starts afresh, and when it is lost again, everybody on it does."""
import os
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graph_case import GraphCase
from harness.graphs import BUILD, TIER, skip_without_walls

FAULTY = BUILD / "tests/fault/faulty"
FRAMES = 400
SOURCE = f"exec: [test-source], config: {{frames: {FRAMES}, rate: 1000}}"
CHECK = "exec: [check-sink], config: {numbers: gapless, expect_frames: %d}" % FRAMES
GRANTED = "sandbox: {tier: untrusted, devices: [gpu]}" if TIER == "untrusted" else f"sandbox: {TIER}"
SOON = "restart: {max: 2, delay: 10ms, max_delay: 10ms}, on_crash: {poison_after: 1000}"


def on_device(device, lives=None, at=20, more=f"{GRANTED}, {SOON}"):
    """A filter on a device, which it loses in each of its first lives at that frame."""
    loses = "" if lives is None else f", fault: lose, at: {at}, lives: {lives}"
    return f"exec: [{FAULTY}], config: {{device: {device}{loses}}}, {more}"


class DeviceLosses(GraphCase):
    def run_chain(self, filters, status=0):
        names = list(filters)
        links = ["a.data -> %s.in" % names[0]]
        links += [f"{one}.out -> {next_one}.in" for one, next_one in zip(names, names[1:])]
        self.graph.write({"a": SOURCE, **filters, "z": CHECK}, [*links, f"{names[-1]}.out -> z.in"])
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr

    def lives(self, text):
        return {node: max(int(life) for life in re.findall(rf"\b{node}\[(\d+)\]", text)) for node in "fgho"}

    def test_one_loss_is_a_fresh_start_for_one_node_that_does_not_count(self):
        """R-GPU-016 R-GPU-024"""
        text = self.run_chain({"f": on_device("card", lives=1), "g": on_device("card"), "h": on_device("card"),
                               "o": on_device("other")})
        self.assertEqual(self.lives(text), {"f": 2, "g": 1, "h": 1, "o": 1}, text)
        self.assertIn("warning f[1]: lost its device: it was asked to lose it device=63617264000000000000000000000000",
                      text)
        self.assertIn("died: its device was lost (exit code 75); it starts again in ", text)
        self.assertRegex(text, rf"link g.out -> h.in: published={FRAMES} released={FRAMES}( redelivered=\d+)?\n")

    def test_two_losses_within_five_seconds_start_everything_on_that_device_again_one_by_one(self):
        """R-GPU-024"""
        text = self.run_chain({"f": on_device("card", lives=2), "g": on_device("card"), "h": on_device("card"),
                               "o": on_device("other")})
        self.assertEqual(self.lives(text), {"f": 3, "g": 2, "h": 2, "o": 1}, text)
        self.assertEqual(text.count("a device was lost twice within 5 s: everything on it starts again, one after the "
                                    "other nodes=3 device=63617264"), 1, text)
        turns = re.findall(r" ([fgh])\[\d+\]: (its turn to open its device again|has its device again)", text)
        self.assertEqual(sorted(turns[::2]), [(node, "its turn to open its device again") for node in "fgh"], text)
        # The next one's turn comes only when the one before has it.
        self.assertEqual(turns[1::2], [(node, "has its device again") for node, _ in turns[::2]], text)
        for link in ("f.out -> g.in", "h.out -> o.in", "o.out -> z.in"):
            self.assertRegex(text, rf"link {link}: published={FRAMES} released={FRAMES}( redelivered=\d+)?\n")

    def test_a_device_that_is_lost_again_and_again_ends_with_the_restarts_of_its_node(self):
        """R-GPU-025"""
        text = self.run_chain({"g": on_device("card"), "f": on_device("card", lives=0)}, status=1)
        # One alone, three with everything on the device, and then as many as the node may have: two more lives.
        self.assertEqual(text.count("everything on it starts again"), 3, text)
        self.assertEqual(text.count("its device is lost again and again: this death counts"), 3, text)
        self.assertIn("f[7]: its restarts are used up: 2 of 2 within the window", text)
        self.assertNotIn("g[5]", text)

    def test_a_worker_that_was_granted_no_device_has_no_say_in_one(self):
        """R-GPU-026"""
        if TIER != "untrusted":
            self.skipTest("nothing is kept from a trusted node")
        text = self.run_chain({"f": on_device("card", lives=1, more=f"sandbox: {TIER}, restart: {{when: never}}"),
                               "g": on_device("card")}, status=1)
        self.assertIn("f[1]: failed: protocol: DEVICE without a grant of it", text)
        self.assertNotIn("g[2]", text)


if __name__ == "__main__":
    skip_without_walls()
    unittest.main()
