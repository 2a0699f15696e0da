# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""Programs that a change needs describe themselves while the broker goes on."""
import os
import pathlib
import re
import select
import shutil
import threading
import time
import unittest

import cgroup
from control_client import Client, socket_of
from forking import FORKS
from graphs import BUILD
from live_graph import LINKS, LiveGraph
from waiting import wait_until

HANG = "#!/bin/sh\necho $$ >> {}.asked\nkill -STOP $$\n"
COUNT = 10
LARGE_BYTES = 1 << 30


class Asking(LiveGraph):
    def hanging(self, name):
        self.graph.file(name, HANG.format(name), 0o755)
        return f"./{name}"

    def other(self):
        client = Client(socket_of())
        self.addCleanup(client.close)
        return client

    def asked(self, name):
        """The processes of a program that were asked so far."""
        path = self.graph.folder / f"{name}.asked"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def apply_of(self, programs):
        text = (self.graph.folder / "graph.yaml").read_text()
        more = "".join(f"  h{i}: {{exec: [{program}], sandbox: trusted}}\n" for i, program in enumerate(programs))
        return str(self.graph.file("more.yaml", text.replace("links:", more + "links:")))

    def test_the_loop_goes_on_while_programs_hang(self):
        """R-LIVE-014"""
        self.start()
        programs = [self.hanging(f"hang{i}") for i in range(COUNT)]
        before = self.status()["loop_lateness"]
        other = self.other()
        begun = time.monotonic()
        other.ask("apply", file=self.apply_of(programs))
        # Whoever asks something else meanwhile is answered.
        answers = 0
        while not select.select([other.socket], [], [], 0)[0]:
            self.status()
            answers += 1
        # All at the same time: one after the other they would take two seconds each.
        self.assertLess(time.monotonic() - begun, 1.5 * COUNT)
        self.assertEqual([len(self.asked(f"hang{i}")) for i in range(COUNT)], [1] * COUNT)
        self.assertGreater(answers, 10)
        kind, answer = other.next()
        self.assertEqual((kind, answer[0]), ("answer", 78))
        self.assertIn("did not describe itself within 2s", answer[1])
        after = self.status()["loop_lateness"]
        print(f"{answers} answers, lateness {after}")
        self.assertGreater(after["count"], before["count"])
        # One that waited for them would have been two seconds late.
        self.assertLess(after["max_us"], 1_000_000)
        self.assertLess(after["p99_us"], 100_000)
        text = self.finish()
        for link in LINKS:
            self.assert_all_arrived(text, link)

    @unittest.skipIf(os.environ.get("SB_SANITIZE") or not shutil.which("bwrap"), "no sandbox can be made")
    def test_a_program_that_is_asked_later_makes_no_more_processes_than_its_node_may(self):
        """R-SAND-017"""
        self.start()
        self.graph.file("forks", FORKS, 0o755)
        text = (self.graph.folder / "graph.yaml").read_text()
        node = "  f: {exec: [./forks], sandbox: untrusted}\n"
        more = self.graph.file("more.yaml", text.replace("links:", node + "links:"))
        client = self.other()
        client.ask("apply", file=str(more))
        kind, answer = client.next()
        self.assertEqual((kind, answer[0]), ("answer", 78))
        found = re.search(r"(\d+) processes", answer[1])
        self.assertTrue(found, answer)
        self.assertIn(int(found[1]), range(50, 67))
        self.finish()

    @unittest.skipIf(os.environ.get("SB_SANITIZE") or not shutil.which("bwrap"), "no sandbox can be made")
    @unittest.skipUnless(cgroup.has_memory(), "no memory cgroup can be made here")
    def test_an_untrusted_node_that_comes_to_trusted_ones_has_a_group(self):
        """R-METER-012"""
        self.start()
        self.assertIsNone(self.status()["meters"])
        text = (self.graph.folder / "graph.yaml").read_text()
        node = "  u: {exec: [test-source], sandbox: untrusted}\n"
        more = self.graph.file("more.yaml", text.replace("links:", node + "links:"))
        answer = self.other().call("apply", file=str(more))
        self.assertEqual(answer.code, 0, answer.error)
        self.assertIn(self.status()["meters"]["step"], ("cgroup-v1", "cgroup-v2"))
        pid = re.search(r"u\[1\]: process pid=(\d+)", self.running.text())[1]
        self.assertRegex(pathlib.Path(f"/proc/{pid}/cgroup").read_text(), r"/streambroker-\d+/w\d+\n")
        self.finish()

    def test_the_loop_goes_on_while_a_large_file_is_read(self):
        """R-LIVE-022"""
        self.start()
        with open(self.graph.folder / "large", "w", encoding="ascii") as file:
            file.truncate(LARGE_BYTES)
        other = self.other()
        other.ask("add", node="l", exec=[str(BUILD / "libexec/streambroker/null-sink"), "large"],
                  set=["sandbox=trusted"])
        answers = 0
        while not select.select([other.socket], [], [], 0)[0]:
            self.status()
            answers += 1
        other.next()
        print(f"{answers} answers")
        # One that reads it in its loop answers one or two questions.
        self.assertGreater(answers, 10)
        text = self.finish()
        for link in LINKS:
            self.assert_all_arrived(text, link)

    def test_a_client_that_leaves_ends_what_it_asked_for(self):
        """R-LIVE-014"""
        self.start()
        program = self.hanging("hang")
        for life in (1, 2):
            other = self.other()
            other.ask("add", node="h", exec=[program], set=["sandbox=trusted"])
            # It is asked again the second time: nobody waited for what it would have said.
            pid = wait_until(lambda: self.asked("hang")[life - 1:], "the program is not asked")[0]
            other.close()
            wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the program is still there")
        self.assertEqual(self.status()["change"]["wanted"]["nodes"], 3)
        self.finish()

    def test_changes_are_made_in_the_order_in_which_they_were_asked_for(self):
        """R-LIVE-015"""
        self.start()
        first, second, third = self.other(), self.other(), self.other()
        begun = time.monotonic()
        first.ask("add", node="h", exec=[self.hanging("slow")], set=["sandbox=trusted"])
        wait_until(lambda: self.asked("slow"), "the program is not asked")
        second.ask("add", node="d", exec=["null-sink"], set=["sandbox=trusted"])
        third.ask("add", node="i", exec=[self.hanging("other")], set=["sandbox=trusted"])
        # The one behind is asked before it is its turn.
        wait_until(lambda: self.asked("other"), "the second program is not asked")
        if time.monotonic() - begun < 1.5:
            self.assertEqual(select.select([first.socket, second.socket], [], [], 0)[0], [])
            self.assertEqual(self.status()["change"]["wanted"]["nodes"], 3)
        self.assertEqual(first.next()[1][0], 78)
        self.assertEqual(second.next()[0], "document")
        self.assertEqual(third.next()[1][0], 78)
        self.assertEqual(self.status()["change"]["wanted"]["nodes"], 4)
        self.finish()

    def test_many_clients_that_change_at_once_all_come_through(self):
        """R-LIVE-015"""
        self.start()
        answers = []

        def change(number):
            with Client(socket_of()) as client:
                answers.append(client.call("add", node=f"n{number}", exec=["null-sink"],
                                           set=["sandbox=trusted"]).code)
                answers.append(client.call("remove", node=f"n{number}").code)
        threads = [threading.Thread(target=change, args=(number,)) for number in range(COUNT)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [0] * (2 * COUNT))
        self.assertEqual(self.status()["change"]["actual"]["nodes"], 3)
        self.finish()


if __name__ == "__main__":
    unittest.main()
