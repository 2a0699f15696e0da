# SPDX-License-Identifier: Apache-2.0
# test: timeout=180
"""iceoryx-import and iceoryx-export beside a real RouDi and ordinary iceoryx applications.

iceoryx keeps everything in /dev/shm and /tmp, under names that are compiled into it. So this test runs in a mount
namespace with both of them empty: it neither sees nor disturbs a RouDi of this machine.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests/harness"))
from graphs import BROKER, BUILD, Running, children  # noqa: E402
from waiting import let_pass, wait_until  # noqa: E402

SOURCE = pathlib.Path(os.environ["SB_SOURCE_DIR"])
PEER = BUILD / "tests/system/iceoryx-peer"
INSIDE = "SB_TEST_IN_NAMESPACE"
# An empty /tmp that still has the build tree and the sources, where those lie below /tmp.
ENTER = '''
skip() { echo "skipped: no file systems can be mounted here"; exit 77; }
mount -t tmpfs none /dev/shm && new=/dev/shm/tmp && mkdir "$new" || skip
mount -t tmpfs -o mode=1777 none "$new" || skip
for kept in "$SB_BUILD_DIR" "$SB_SOURCE_DIR"; do
    case $kept in /tmp/*) mkdir -p "$new${kept#/tmp}" && mount --bind "$kept" "$new${kept#/tmp}" || skip ;; esac
done
mount --rbind "$new" /tmp && cd / && exec "$@"
skip
'''
POOLS = [(1024, 200), (65536, 40), (524288, 12)]
HEADER = struct.Struct("<IHHQQqqQQII10I96s")
MAGIC = int.from_bytes(b"SBFR", "little")
NAMES = ["Camera", "front", "picture"]
FAST_RESTART = {"delay": "100ms", "max_delay": "200ms"}


class Program:
    """A program whose output is read line by line."""

    def __init__(self, *command):
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.lines = []

    def expect(self, word):
        for line in self.process.stdout:
            self.lines.append(line)
            if word in line:
                return line
        raise AssertionError(f"no line with '{word}' in:\n{''.join(self.lines)}")

    def end(self, number=signal.SIGTERM):
        """Its last line."""
        self.process.send_signal(number)
        self.lines += self.process.stdout.readlines()
        self.process.wait(timeout=50)
        return self.lines[-1]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def content(number, size):
    return struct.pack("<Q", number) + bytes([number & 0xff]) * (size - 8)


def records(path):
    """(payload, header) of each chunk that a subscriber wrote down."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        parts = []
        for _ in range(2):
            size, = struct.unpack_from("<Q", data, at)
            parts.append(data[at + 8:at + 8 + size])
            at += 8 + size
        found.append(tuple(parts))
    return found


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sb-iceoryx-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.config = self.folder / "roudi.toml"
        self.config.write_text("[general]\nversion = 1\n[[segment]]\n" + "".join(
            f"[[segment.mempool]]\nsize = {size}\ncount = {count}\n" for size, count in POOLS))
        self.started = 0

    def program(self, *command):
        program = Program(*command)
        self.addCleanup(program.close)
        return program

    def roudi(self):
        roudi = self.program("iox-roudi", "-c", self.config, "-k", "5")
        roudi.expect("RouDi is ready for clients")
        return roudi

    def publisher(self, first, count, size, pause=0):
        """An application that publishes once somebody has subscribed."""
        peer = self.program(PEER, "publish", *NAMES, first, count, size, pause)
        peer.expect("publishing from")
        return peer

    def subscriber(self, event=NAMES[2], wait=1):
        """An application that writes what it gets into a file; returns it and the file."""
        self.started += 1
        path = self.folder / f"received-{self.started}"
        peer = self.program(PEER, "subscribe", *NAMES[:2], event, path, wait)
        peer.expect("subscribed")
        return peer, path

    def bridge(self, name, **config):
        return {"exec": [name], "sandbox": "trusted", "restart": FAST_RESTART,
                "config": {"service": NAMES[0], "instance": NAMES[1], "event": NAMES[2], **config}}

    def start(self, nodes, links):
        nodes = {name: {"sandbox": "trusted", **node} for name, node in nodes.items()}
        path = self.folder / "graph.yaml"
        path.write_text(json.dumps({"version": 1, "nodes": nodes, "links": links}))
        graph = Running([str(BROKER), str(path)])
        self.addCleanup(graph.close)
        return graph

    def start_import(self, **config):
        """A graph that writes all imported bytes into a file; returns it and the file."""
        out = self.folder / "out.raw"
        nodes = {"in": self.bridge("iceoryx-import", **config),
                 "sink": {"exec": ["file-sink"], "config": {"path": str(out), "format": "raw"}},
                 "check": {"exec": ["check-sink"]}}
        return self.start(nodes, ["in.out -> sink.in", "in.out -> check.in"]), out

    def start_export(self, frames, rate=0, size=500, process="5s", **config):
        """A graph that exports and keeps a copy of all bytes; returns it and the copy."""
        copy = self.folder / "copy.raw"
        nodes = {"source": {"exec": ["test-source"],
                            "config": {"frames": frames, "size": size, "rate": rate}},
                 "out": {**self.bridge("iceoryx-export", **config), "timeouts": {"process": process}},
                 "copy": {"exec": ["file-sink"], "config": {"path": str(copy), "format": "raw"}}}
        return self.start(nodes, ["source.data -> out.in", "source.data -> copy.in"]), copy

    def stop(self, graph, status=0):
        graph.signal()
        self.assertEqual(graph.wait(), status, graph.text())
        self.assert_nothing_left(graph)
        return graph.text()

    def assert_nothing_left(self, graph):
        left = [path.name for path in pathlib.Path("/tmp").iterdir()
                if path.name.startswith("streambroker-")]
        self.assertEqual(left, [], graph.text())

    def counts(self, text, word):
        """The last line of counts of a bridge."""
        line = re.findall(rf"iceoryx: {word} (.*)", text)[-1]
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line)}


class Import(Case):
    def test_r_iox_001_an_application_publishes_into_a_graph(self):
        """R-IOX-001 R-IOX-006: a foreign application's frames, stamped here; one copy each."""
        self.roudi()
        graph, out = self.start_import(delivery="lossless")
        peer = self.publisher(0, 1000, 500)
        peer.expect("published 1000")
        text = self.stop(graph)
        peer.end()
        self.assertEqual(out.read_bytes(), b"".join(content(n, 500) for n in range(1000)))
        self.assertEqual(self.counts(text, "imported"),
                         {"frames": 1000, "bytes": 500000, "copies": 1000, "stamped": 1000,
                          "missed": 0, "refused": 0})

    def test_r_iox_003_roudi_comes_late_stops_and_comes_again(self):
        """R-IOX-003"""
        # At its end RouDi drops the chunk of a publisher that waits for room, so none has to.
        graph, out = self.start_import(delivery="lossless", queue=256)
        graph.expect("iceoryx: waiting: no RouDi is running")
        done = 0
        for _ in range(3):
            roudi = self.roudi()
            graph.expect("iceoryx: subscribed to Camera/front/picture")
            peer = self.publisher(done, 100000, 100, pause=1)
            wait_until(lambda: out.exists() and out.stat().st_size > (done + 50) * 100, "50 frames more")
            # It ends every program that has registered with it; the peer says how far it came.
            roudi.end()
            done += int(peer.expect("published").split()[1])
            graph.expect("RouDi wants its programs to end; starting afresh")
            graph.expect("iceoryx: waiting: no RouDi is running")
        text = self.stop(graph)
        self.assertEqual(out.read_bytes(), b"".join(content(n, 100) for n in range(done)))
        self.assertNotIn("used up", text)

    def test_r_iox_004_a_roudi_that_hangs_is_waited_for(self):
        """R-IOX-004"""
        roudi = self.roudi()
        roudi.process.send_signal(signal.SIGSTOP)
        graph, out = self.start_import(delivery="lossless")
        graph.expect("RouDi does not answer; starting afresh")
        roudi.process.send_signal(signal.SIGCONT)
        graph.expect("iceoryx: subscribed to Camera/front/picture")
        peer = self.publisher(0, 10, 100)
        peer.expect("published 10")
        self.stop(graph)
        peer.end()
        self.assertEqual(out.read_bytes(), b"".join(content(n, 100) for n in range(10)))


    def test_r_iox_004_a_roudi_that_hangs_in_the_middle_holds_nobody_up(self):
        """R-IOX-004: who is connected goes on, and the graph ends as it should."""
        roudi = self.roudi()
        graph, out = self.start_import()
        graph.expect("iceoryx: subscribed to Camera/front/picture")
        self.publisher(0, 1000000, 100, pause=1)
        wait_until(lambda: out.exists() and out.stat().st_size > 5000, "50 frames")
        roudi.process.send_signal(signal.SIGSTOP)
        seen = out.stat().st_size
        # For longer than RouDi and its programs wait for each other.
        wait_until(lambda: out.stat().st_size > seen + 250000, "2500 frames without an answer of RouDi")
        roudi.process.send_signal(signal.SIGCONT)
        # RouDi may take those for dead now that it has not heard meanwhile: they come back as new lives.
        text = self.stop(graph)
        self.assertGreater(self.counts(text, "imported")["frames"], 0)
        self.assertNotIn("used up", text)
        self.assertNotIn("failed", text)

    def test_r_iox_025_an_import_that_stood_still_subscribes_again(self):
        """R-IOX-025: what comes after that is in the graph."""
        self.roudi()
        graph, out = self.start_import()
        graph.expect("iceoryx: subscribed to Camera/front/picture")
        self.publisher(0, 1000000, 100, pause=1)
        wait_until(lambda: out.exists() and out.stat().st_size > 5000, "50 frames")
        pid = next(pid for pid in children(graph.process.pid)
                   if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "iceoryx-import")
        os.kill(pid, signal.SIGSTOP)
        let_pass(2.5)
        os.kill(pid, signal.SIGCONT)
        graph.expect("iceoryx: subscribed to Camera/front/picture")
        seen = out.stat().st_size
        wait_until(lambda: out.stat().st_size > seen + 5000, "50 frames more")
        self.assertNotIn("used up", self.stop(graph))


class Export(Case):
    def test_r_iox_002_an_application_subscribes_from_a_graph(self):
        """R-IOX-002 R-IOX-005: every frame, in order, with its fields in the documented header."""
        self.roudi()
        peer, path = self.subscriber()
        graph, copy = self.start_export(1000, delivery="lossless")
        self.assertEqual(graph.wait(), 0, graph.text())
        peer.expect("got 1000")
        self.assertEqual(peer.end(), "received 1000\n")
        found = records(path)
        self.assertEqual(b"".join(payload for payload, _ in found), copy.read_bytes())
        headers = [HEADER.unpack(header) for _, header in found]
        self.assertEqual({header[:3] for header in headers}, {(MAGIC, 1, HEADER.size)})
        self.assertEqual([header[3] for header in headers], list(range(1000)), "numbers")
        self.assertEqual([header[4] for header in headers], list(range(1, 1001)), "seqs")
        times = [header[5] for header in headers]
        self.assertEqual(times, sorted(times))
        self.assertEqual({header[10] for header in headers}, {4}, "binary")
        self.assertEqual(self.counts(graph.text(), "exported"),
                         {"frames": 1000, "bytes": 500000, "copies": 1000, "unsent": 0, "too_large": 0})
        self.assert_nothing_left(graph)

    def test_r_iox_003_a_killed_roudi_costs_no_frame(self):
        """R-IOX-003: what the first application got and what the second got are all frames."""
        roudi = self.roudi()
        first, first_path = self.subscriber()
        graph, copy = self.start_export(600, rate=400, size=64, delivery="lossless")
        first.expect("got 200")
        roudi.end(signal.SIGKILL)
        graph.expect("RouDi has ended; starting afresh")
        first.end()
        self.roudi()
        second, second_path = self.subscriber()
        self.assertEqual(graph.wait(), 0, graph.text())
        second.end()
        found = [records(first_path), records(second_path)]
        numbers = [HEADER.unpack(header)[3] for part in found for _, header in part]
        self.assertEqual(sorted(set(numbers)), list(range(600)))
        self.assertEqual(numbers, sorted(numbers))
        seen = {HEADER.unpack(header)[3]: payload for part in found for payload, header in part}
        self.assertEqual(b"".join(seen[n] for n in range(600)), copy.read_bytes())
        self.assert_nothing_left(graph)

    def test_r_iox_007_without_roudi_an_ordered_export_does_not_hold_the_graph_up(self):
        """R-IOX-007"""
        graph, copy = self.start_export(500)
        self.assertEqual(graph.wait(), 0, graph.text())
        self.assertEqual(copy.stat().st_size, 250000)
        self.assertEqual(self.counts(graph.text(), "exported")["unsent"], 500)

    def test_r_iox_008_a_frame_that_no_pool_has_room_for_is_counted_and_the_next_ones_go_on(self):
        """R-IOX-008"""
        self.roudi()
        peer, path = self.subscriber()
        big = self.folder / "big.bin"
        sizes = [100, 600000, 200, 600000, 300]
        big.write_bytes(b"".join(struct.pack("<I", size) + bytes(size) for size in sizes))
        graph = self.start({"source": {"exec": ["file-source"], "config": {"path": str(big), "max_record": "1MiB"}},
                            "out": self.bridge("iceoryx-export", delivery="lossless")},
                           ["source.out -> out.in"])
        graph.wait()
        peer.end()
        self.assertEqual([len(payload) for payload, _ in records(path)], [100, 200, 300], graph.text())
        self.assertIn("no memory pool for a frame of 600000 bytes", graph.text())
        self.assertEqual(self.counts(graph.text(), "exported")["too_large"], 2)

    def test_r_iox_009_a_subscriber_that_stands_still_holds_the_graph_up_and_is_nobodys_stall(self):
        """R-IOX-009: it stands still for longer than the bridge's process deadline."""
        self.roudi()
        peer, path = self.subscriber()
        graph, copy = self.start_export(600, rate=400, size=64, process="400ms", delivery="lossless")
        peer.expect("got 100")
        peer.process.send_signal(signal.SIGSTOP)
        let_pass(0.8)  # RouDi takes who says nothing for 1.2 s for dead
        peer.process.send_signal(signal.SIGCONT)
        self.assertEqual(graph.wait(), 0, graph.text())
        self.assertNotIn("starting afresh", graph.text())
        self.assertEqual(self.counts(graph.text(), "exported")["frames"], 600)
        peer.end()
        self.assertEqual(b"".join(payload for payload, _ in records(path)), copy.read_bytes())

    def test_r_iox_011_what_a_killed_bridge_leaves_behind_the_next_one_removes(self):
        """R-IOX-011"""
        self.roudi()
        graph, _ = self.start_export(0, rate=100, size=64, delivery="lossless")
        graph.expect("iceoryx: waiting for a subscriber")
        graph.signal(signal.SIGINT)
        graph.signal(signal.SIGTERM)
        self.assertEqual(graph.wait(), 128 + signal.SIGTERM, graph.text())
        self.assertNotEqual(list(pathlib.Path("/tmp").glob("streambroker-*")), [])
        graph, _ = self.start_import()
        graph.expect("iceoryx: subscribed")
        self.stop(graph)


class Both(Case):
    def test_r_iox_005_a_film_keeps_its_format_numbers_and_times(self):
        """R-IOX-005"""
        self.roudi()
        sent, came = self.folder / "sent.y4m", self.folder / "came.y4m"
        graph = self.start(
            {"in": self.bridge("iceoryx-import", delivery="lossless"),
             "came": {"exec": ["file-sink"], "config": {"path": str(came)}},
             "check": {"exec": ["check-sink"]},
             "pattern": {"exec": ["test-pattern"],
                         "config": {"width": 160, "height": 48, "frames": 50}},
             "sent": {"exec": ["file-sink"], "config": {"path": str(sent)}},
             "out": self.bridge("iceoryx-export", delivery="lossless")},
            ["in.out -> came.in", "in.out -> check.in", "pattern.video -> out.in",
             "pattern.video -> sent.in"])
        graph.expect("iceoryx: exported")
        text = self.stop(graph)
        self.assertEqual(came.read_bytes(), sent.read_bytes())
        self.assertGreater(len(came.read_bytes()), 50 * 160 * 48)
        self.assertEqual(self.counts(text, "imported")["stamped"], 0)

    def test_the_example_stands_between_two_applications(self):
        """R-IOX-001 R-IOX-002: an application's pictures, blurred, for another one."""
        self.roudi()
        peer, path = self.subscriber("blurred", wait=0)
        graph = Running([str(BROKER), str(SOURCE / "examples/iceoryx.yaml")])
        self.addCleanup(graph.close)
        graph.expect("iceoryx: subscribed to Camera/front/picture")
        source = self.publisher(0, 20, 320 * 240 * 3, pause=1)
        source.expect("published 20")
        text = self.stop(graph)
        source.end()
        peer.end()
        sent = self.counts(text, "exported")["frames"]
        found = records(path)
        # Neither side waits for the other here, so that a slow machine may lose some.
        self.assertEqual(sent + self.counts(text, "imported")["missed"], 20, text)
        self.assertTrue(0 < len(found) <= sent)
        kind, pixel, width, height = HEADER.unpack(found[0][1])[10:14]
        self.assertEqual((kind, pixel, width, height), (1, 3, 320, 240), "video rgb")
        # All bytes of a picture but its first eight are its number, and stay it in the middle.
        values = [payload[len(payload) // 2] for payload, _ in found]
        self.assertEqual(values, sorted(set(values)))

    def test_r_iox_010_a_name_that_iceoryx_would_cut_is_refused_before_anything_starts(self):
        """R-IOX-010"""
        for name, said in (("x" * 101, "101 bytes of text; write at most 100"), ("", "service has 0 bytes")):
            graph = self.start({"in": self.bridge("iceoryx-import", service=name),
                                "sink": {"exec": ["null-sink"]}}, ["in.out -> sink.in"])
            self.assertNotEqual(graph.wait(), 0)
            self.assertIn(said, graph.text())


    @unittest.skipIf(os.environ.get("SB_SANITIZE"), "the sanitizers need /proc, which no sandbox has")
    def test_r_iox_013_an_untrusted_bridge_is_refused(self):
        """R-IOX-013 R-SAND-015"""
        graph = self.start({"in": {**self.bridge("iceoryx-import"), "sandbox": "untrusted"},
                            "sink": {"exec": ["null-sink"]}}, ["in.out -> sink.in"])
        status = graph.wait()
        # Where a wall of the sandbox cannot be had, the broker refuses it first, with 77.
        if status != 77:
            self.assertEqual(status, 1, graph.text())
            self.assertIn("write sandbox: trusted", graph.text())


def why_not():
    if not PEER.exists():
        return "the bridges were not built: install libiceoryx-binding-c-dev"
    if shutil.which("iox-roudi") is None:
        return "there is no iox-roudi: install iceoryx"
    return None


if __name__ == "__main__":
    if why_not():
        print(f"skipped: {why_not()}")
        sys.exit(77)
    if INSIDE not in os.environ:
        flags = ["--mount"] if os.geteuid() == 0 else ["--mount", "--user", "--map-root-user"]
        if subprocess.run(["unshare", *flags, "true"], check=False).returncode != 0:
            print("skipped: no mount namespace can be made here")
            sys.exit(77)
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", *flags, "sh", "-c", ENTER, "enter", sys.executable, "-B",
                              os.path.abspath(__file__), *sys.argv[1:]])
    unittest.main()
