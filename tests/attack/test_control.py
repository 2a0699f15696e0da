# SPDX-License-Identifier: Apache-2.0
# test: timeout=180
"""R-CTL-017: clients of the control socket that are wrong, stuck, or many, beside a graph that runs."""
import os
import random
import signal
import socket
import sys
import time
import unittest

from control_client import Client, field, header, request, socket_of
from graphs import BUILD, Graph
from waiting import let_pass, wait_until

GRAPH = {"a": "exec: [test-source], config: {rate: 2000}", "b": "exec: [check-sink]"}
LATE_US = 20000
CLIENTS_MAX = 128  # broker/control/control_server.h


class Attack(unittest.TestCase):
    def setUp(self):
        self.graph = Graph()
        self.addCleanup(self.graph.close)
        self.graph.write(GRAPH, ["a.data -> b.in"])
        self.running = self.graph.start("-v")
        self.addCleanup(self.running.close)
        wait_until(socket_of().exists, "no socket")
        self.client = Client(socket_of())
        self.addCleanup(self.client.close)
        self.assertEqual(self.client.call("wait").code, 0)

    def raw(self):
        """A connection that nobody speaks the protocol on."""
        raw = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(raw.close)
        raw.settimeout(20)
        wait_until(lambda: self.connects(raw), "no room in the queue of connections")
        return raw

    @staticmethod
    def connects(raw):
        try:
            raw.connect(str(socket_of()))
        except BlockingIOError:
            return False
        return True

    def counts(self):
        return self.client.call("status").json["control"]

    def expect_dropped(self, raw):
        """The broker closes the connection: what it sent before can be read, then there is the end."""
        try:
            while raw.recv(65536):
                pass
        except ConnectionResetError:
            pass

    def end(self):
        """The graph ran on all the time, and lost nothing."""
        answer = self.client.call("stop")
        self.assertEqual(answer.json, {"exit_status": 0})
        self.assertEqual(self.running.wait(), 0, self.running.text())
        self.assertIn('"missing": 0', self.running.text())

    def test_a_message_that_is_none_ends_its_connection_and_no_other(self):
        bad = [b"x", b"\0" * 8, header(2), header(9), header(1), header(2, version=7), header(2, fds=1),
               request("status")[:-3], request("status") + b"\xff", request("") + b"", request("STATUS"),
               request("status", 0), request("status", 1, [("", "x")]), request("status", 1, [("a", b"\xff")]),
               request("status", 1, [("a", "b")] * 81), header(3) + field(1, 1), b"y" * 65536]
        for datagram in bad:
            raw = self.raw()
            raw.send(datagram)
            self.expect_dropped(raw)
        self.assertEqual(self.counts()["dropped_protocol"], len(bad))
        self.end()

    def test_a_client_that_sends_descriptors_is_dropped_and_they_are_closed(self):
        before = len(os.listdir(f"/proc/{self.running.process.pid}/fd"))
        for _ in range(20):
            raw = self.raw()
            with open("/dev/null", "rb") as null:
                socket.send_fds(raw, [request("status")], [null.fileno()] * 8)
            self.expect_dropped(raw)
        wait_until(lambda: len(os.listdir(f"/proc/{self.running.process.pid}/fd")) == before, "descriptors stay")
        self.end()

    def test_random_datagrams_change_nothing(self):
        chance = random.Random(int(os.environ.get("SB_SEED", "20")))
        good = [request("status"), request("nodes", 1, [("node", "a")]), request("events", 1, [("follow", "true")])]
        for _ in range(300):
            datagram = bytearray(chance.choice(good))
            for _ in range(chance.randrange(1, 4)):
                datagram[chance.randrange(len(datagram))] = chance.randrange(256)
            raw = self.raw()
            raw.send(bytes(datagram))
            raw.close()
        self.assertEqual(self.client.call("status").json["state"], "running")
        self.end()

    def test_a_hundred_clients_that_never_read_cost_the_loop_nothing(self):
        """R-CTL-005"""
        silent = [self.raw() for _ in range(100)]
        for number, raw in enumerate(silent):
            raw.send(request(("events", "logs", "nodes", "snapshot")[number % 4], 1,
                             [("follow", "true")] if number % 4 < 2 else []))
        wait_until(lambda: self.counts()["requests"] >= 101, "they were not served")
        for _ in range(30):
            self.assertEqual(self.client.call("pause", node="a").code, 0)
            self.assertEqual(self.client.call("resume", node="a").code, 0)
        wait_until(lambda: self.client.call("status").json["loop_lateness"]["count"] > 100, "no timer fires")
        late = self.client.call("status").json["loop_lateness"]
        if os.getloadavg()[0] < 2 * os.cpu_count() and not os.environ.get("SB_SANITIZE"):
            self.assertLess(late["p99_us"], LATE_US, late)
        self.end()

    def test_clients_that_wait_or_do_nothing_wake_nobody(self):
        silent = [Client(socket_of()) for _ in range(50)]
        for number, client in enumerate(silent):
            self.addCleanup(client.close)
            if number % 2:
                client.ask(*(("events",) if number % 4 == 1 else ("wait",)),
                           **({"follow": "true"} if number % 4 == 1 else {"for": "ended"}))
        before = self.client.call("status").json["loop_lateness"]["count"]
        let_pass(1.0)
        after = self.client.call("status").json["loop_lateness"]["count"]
        # The looks at the workers go on, 20 times a second at most.
        self.assertLess(after - before, 60)
        self.end()

    def test_those_that_ask_and_never_read_are_dropped_and_counted(self):
        raw = self.raw()
        # More than a socket holds: every line of the log, over and over, is one request only.
        for number in range(1, 200):
            try:
                raw.send(request("snapshot", number), socket.MSG_DONTWAIT)
            except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                break
        wait_until(lambda: self.counts()["dropped_slow"] == 1, "it was not dropped", limit_s=30)
        self.end()

    def test_idle_clients_make_room_for_newer_ones(self):
        crowd = [self.raw() for _ in range(CLIENTS_MAX + 40)]
        # Our own was idle for longest of all.
        self.client = Client(socket_of())
        self.addCleanup(self.client.close)
        counts = self.counts()
        self.assertLessEqual(counts["clients"], CLIENTS_MAX)
        self.assertGreaterEqual(counts["crowded_out"], 40)
        self.assertEqual(len(crowd), CLIENTS_MAX + 40)
        self.end()

    def test_many_that_ask_at_once_are_all_answered(self):
        pid = self.running.process.pid
        self.client.close()
        os.kill(pid, signal.SIGSTOP)
        # As many as the queue of the socket takes, and one more than the broker serves.
        crowd = [self.raw() for _ in range(CLIENTS_MAX + 1)]
        for raw in crowd:
            raw.send(request("links"))
        os.kill(pid, signal.SIGCONT)
        for raw in crowd:
            kinds = [raw.recv(65536) for _ in range(3)]
            self.assertNotIn(b"", kinds)
            raw.close()
        self.client = Client(socket_of())
        self.addCleanup(self.client.close)
        self.assertEqual(self.counts()["refused"], 0)
        self.end()

    def test_a_flood_of_requests_leaves_the_loop_to_the_workers(self):
        clients = [Client(socket_of()) for _ in range(20)]
        until = time.monotonic() + 2
        served = 0
        while time.monotonic() < until:
            for client in clients:
                client.ask("snapshot")
            for client in clients:
                while client.next()[0] != "answer":
                    pass
                served += 1
        for client in clients:
            client.close()
        status = self.client.call("status").json
        self.assertGreaterEqual(status["control"]["requests"], served)
        self.assertEqual(status["failed"], 0)
        self.assertEqual([node["generation"] for node in self.client.call("nodes").json], [1, 1])
        self.end()

    def test_clients_that_go_while_they_wait_leave_nothing(self):
        before = len(os.listdir(f"/proc/{self.running.process.pid}/fd"))
        for verb, fields in (("wait", [("for", "ended")]), ("events", [("follow", "true")]), ("pause", []),
                             ("logs", [("follow", "true")]), ("wait", [("for", "paused")]), ("resume", [])):
            for _ in range(10):
                raw = self.raw()
                raw.send(request(verb, 1, fields))
                raw.close()
        self.assertEqual(self.client.call("resume").code, 0)
        wait_until(lambda: self.counts()["clients"] == 1, "clients stay")
        self.assertEqual(len(os.listdir(f"/proc/{self.running.process.pid}/fd")), before)
        self.assertEqual(self.client.call("resume").code, 0)
        self.end()


if __name__ == "__main__":
    if not (BUILD / "libexec/streambroker/check-sink").exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    unittest.main()
