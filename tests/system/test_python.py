# SPDX-License-Identifier: Apache-2.0
# test: tiers timeout=120
"""Processors in Python: everything that a processor in C does, in both tiers."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import unittest

from graph_case import GraphCase
from graphs import BUILD, TIER, skip_without_walls
from live_graph import LiveGraph
from waiting import wait_until

MODULE = BUILD / "lib/streambroker/python"
HEAD = "#!/usr/bin/env python3\nimport os, sys\nimport streambroker as sb\n"
FILTER = """
class Own(sb.Processor):
    "Passes text on."
    inputs = [sb.Input("text", "text")]
    outputs = [sb.Output("text", "text", one_per_step=True)]
    def process(self, frame):
{body}
    def close(self):
        print("closed")
sb.main(Own)
"""
LINES = "one\ntwo\nthree\nfour\nfive\nsix\n"


class Python(GraphCase):
    def script(self, text, name="own.py"):
        return self.graph.file(name, HEAD + text, 0o755)

    def text_filter(self, *lines):
        self.script(FILTER.format(body="\n".join("        " + line for line in lines)))

    def run_text(self, more="", status=0):
        """Six lines through own.py: the lines that come out, and the log."""
        self.graph.file("in.txt", LINES)
        self.graph.file("out.txt", "")
        self.graph.write({"source": "exec: [file-source], config: {path: in.txt}, sandbox: {read: [in.txt]}",
                          "own": f"exec: [./own.py]{more}",
                          "sink": "exec: [file-sink], config: {path: out.txt}, sandbox: {write: [out.txt]}"},
                         ["source.out -> own.text", "own.text -> sink.in"])
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, status, done.stderr)
        self.log = done.stderr
        return (self.graph.folder / "out.txt").read_text().split()

    def test_a_filter_reads_and_writes_shared_memory_in_place(self):
        """R-PY-001 R-WORKER-019"""
        self.text_filter("with self.output('text').claim(frame.size) as buffer:",
                         "    buffer.data[:] = bytes(frame.data).upper()",
                         "assert frame.data.readonly and frame.seq == frame.number + 1 and frame.attempt == 1",
                         "assert frame.input.name == 'text' and str(frame.format) == 'text', frame.format")
        self.assertEqual(self.run_text(), LINES.upper().split())
        self.assertIn("own[1] stdout: closed", self.log)
        self.assertNotIn("error", self.log)

    def test_it_describes_and_tests_itself_outside_of_a_graph(self):
        """R-PY-001 R-WORKER-016 R-WORKER-017"""
        self.text_filter("self.output('text').write(frame.text)")
        environment = {**os.environ, "PYTHONPATH": str(MODULE)}

        def say(word):
            return subprocess.run([str(self.graph.folder / "own.py"), word], env=environment, capture_output=True,
                                  text=True, check=True).stdout
        said = json.loads(say("--describe"))
        self.assertEqual((said["name"], said["summary"], said["mode"]), ("own", "Passes text on.", "reactive"))
        self.assertIn("8 frames in, 8 frames out, 0 errors", say("--selftest"))
        listed = subprocess.run([str(BUILD / "bin/streamctl"), "describe", str(self.graph.folder / "own.py")],
                                env={}, capture_output=True, text=True, check=True).stdout
        self.assertIn("Passes text on.", listed)

    def test_an_exception_fails_its_step_and_says_where_and_the_next_one_runs(self):
        """R-PY-002 R-STEP-012"""
        self.text_filter("if frame.number == 2:", "    raise ValueError('no three')",
                         "self.output('text').write(frame.text)")
        self.assertEqual(self.run_text(), ["one", "two", "four", "five", "six"])
        self.assertIn("[own] error processing tick 3: own.py:11: ValueError: no three", self.log)
        self.assertEqual(self.log.count("Traceback"), 1)

    def test_bytes_that_are_kept_beyond_their_step_are_an_error(self):
        """R-PY-003"""
        self.text_filter("self.output('text').write(frame.text)", "if frame.number == 1:",
                         "    self.kept = frame.data[1:]", "if frame.number == 3:", "    self.frame = frame",
                         "if frame.number == 4:", "    self.frame.data")
        self.run_text()
        self.assertRegex(self.log, r"error processing tick 2: .* kept beyond its step")
        self.assertRegex(self.log, r"error processing tick 5: own.py:\d+: ValueError: this frame was released")

    def test_a_slice_that_is_kept_is_taken_away_and_told_of_also_when_the_step_failed(self):
        """R-PY-012"""
        self.text_filter("self.output('text').write(frame.text)", "if frame.number == 1:",
                         "    self.kept = frame.data[1:]", "    raise ValueError('on purpose')",
                         "if frame.number == 3:", "    held = frame.hold()", "    self.other = held.data[1:]",
                         "    held.release()", "if frame.number in (2, 4):",
                         "    bytes(self.kept if frame.number == 2 else self.other)")
        self.run_text()
        self.assertRegex(self.log, r"warning own\[1\]: \[own\] a view of .* kept beyond .* \(1 kept until now\)")
        self.assertRegex(self.log, r"error processing tick 3: own.py:\d+: ValueError: operation forbidden on released")
        self.assertRegex(self.log, r"error processing tick 4: .* kept beyond its step")
        self.assertRegex(self.log, r"error processing tick 5: own.py:\d+: ValueError: operation forbidden on released")

    def test_what_is_used_after_its_end_says_so(self):
        """R-PY-012"""
        self.text_filter("if frame.number == 0:", "    self.old = frame",
                         "    self.sent = self.output('text').claim(1)",
                         "    self.sent.data[:] = b'x'", "    self.sent.publish()", "    return", "said = []",
                         "for use in (lambda: self.old.number, lambda: self.old.format, lambda: self.old.hold(),",
                         "            lambda: self.output('text').copy(self.old), lambda: self.sent.size,",
                         "            lambda: setattr(self.sent, 'number', 1)):", "    try:", "        use()",
                         "        said.append('nothing')", "    except ValueError as error:",
                         "        said.append(str(error).split(' was ')[0].replace(' ', '-'))",
                         "self.output('text').write(','.join(said))")
        self.assertEqual(self.run_text(), ["x"] + [",".join(["this-frame"] * 4 + ["this-buffer"] * 2)] * 5)

    def test_a_size_beyond_the_buffer_is_refused_before_anything_is_written(self):
        """R-PY-013"""
        self.text_filter("with self.output('text').claim(3) as buffer:", "    said = []",
                         "    for size in (buffer.capacity + 1, 1 << 40, 1 << 70, -1):", "        try:",
                         "            buffer.size = size", "            said.append('%d is taken' % size)",
                         "        except ValueError:", "            pass", "    for size in (-1, (1 << 64) + 8):",
                         "        try:", "            self.output('text').claim(size)",
                         "            said.append('%d is claimed' % size)", "        except ValueError:",
                         "            pass", "    assert not said, said",
                         "    assert len(buffer.data) == 3", "    buffer.data[:] = frame.data[:3]")
        self.assertEqual(self.run_text(), [line[:3] for line in LINES.split()])
        self.assertNotIn("error", self.log)

    def test_an_exception_without_a_text_fails_its_step(self):
        """R-PY-014"""
        self.text_filter("class Mute(Exception):", "    def __str__(self):", "        raise ValueError('no text')",
                         "if frame.number == 2:", "    raise Mute", "self.output('text').write(frame.text)")
        self.assertEqual(self.run_text(), ["one", "two", "four", "five", "six"])
        self.assertRegex(self.log, r"error processing tick 3: own.py:\d+: Mute: its text cannot be made, ValueError")

    def test_a_status_that_is_none_is_a_failure(self):
        """R-PY-014"""
        for code in ("1 << 70", "256", "-1"):
            with self.subTest(code=code):
                self.text_filter(f"sys.exit({code})")
                self.assertEqual(self.run_text(", restart: {when: never}", status=1), [])
                self.assertIn("is no status from 0 to 255", self.log)
                self.assertIn("exit code 1", self.log)

    def test_a_class_need_not_call_the_init_of_its_base(self):
        """R-PY-014"""
        self.text_filter("self.output('text').write(self.word)")
        text = (self.graph.folder / "own.py").read_text()
        self.graph.file("own.py", text.replace("    def process", "    def __init__(self):\n        self.word = 'a'\n"
                                               "    def process"), 0o755)
        self.assertEqual(self.run_text(), ["a"] * 6)
        self.assertNotIn("error", self.log)

    def test_a_mistake_in_the_class_is_told_by_describe_and_by_the_check_which_names_it(self):
        """R-PY-015 R-PY-016"""
        for use, why in (("self.param('a')", "RuntimeError: parameters, ports and the rest"),
                         ("self.input('in')", "RuntimeError: parameters, ports and the rest"),
                         ("self.id", "RuntimeError: parameters, ports and the rest"),
                         ("sb.Param('b', 'integer').raw()", "ValueError: there is no type of parameter 'integer'")):
            with self.subTest(use=use):
                self.script("class Own(sb.Processor):\n    inputs = [sb.Input('in', 'data')]\n"
                            "    params = [sb.Param('a', 'int', default=4)]\n    def __init__(self):\n"
                            f"        {use}\n    def process(self, frame):\n        pass\nsb.main(Own)\n")
                self.graph.write({"own": "exec: [./own.py]"})
                done = self.graph.run("--check")
                self.assertEqual(done.returncode, 78, done.stderr)
                self.assertIn(why, done.stderr)
                self.assertIn("try streamctl describe ./own.py", done.stderr)
                told = subprocess.run([str(BUILD / "bin/streamctl"), "describe", "./own.py"], env={}, check=False,
                                      cwd=self.graph.folder, capture_output=True, text=True)
                self.assertEqual(told.returncode, 1, told.stderr)
                self.assertIn(f"instead of describing itself: {why}", told.stderr)

    def test_a_script_named_like_a_module_of_python_is_warned_of(self):
        """R-PY-017"""
        self.script("class Own(sb.Processor):\n    def loop(self):\n        self.finish()\n"
                           "if __name__ == '__main__':\n    sb.main(Own)\n", "queue.py")
        self.graph.write({"own": "exec: [./queue.py]"})
        done = self.graph.run()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("queue.py is named like a module of Python", done.stderr)

    def test_a_frame_that_is_held_stays(self):
        """R-PY-003"""
        self.script("""
class Own(sb.Processor):
    inputs = [sb.Input("text", "text", holds=2)]
    outputs = [sb.Output("text", "text")]
    held = None
    def process(self, frame):
        if self.held is not None:
            self.output("text").write(self.held.text + "-" + frame.text)
            self.held.release()
        self.held = frame.hold()
    def close(self):
        self.held.release()
sb.main(Own)
""")
        self.assertEqual(self.run_text(), ["one-two", "two-three", "three-four", "four-five", "five-six"])
        self.assertNotIn("error", self.log)

    def test_after_a_crash_the_frame_comes_again_flagged_and_nothing_is_lost_or_doubled(self):
        """R-PY-004 R-SUP-016"""
        self.text_filter("if frame.number == 3 and not frame.is_redelivered:", "    os._exit(1)",
                         "if frame.number == 3:", "    print('attempt', frame.attempt, 'life', self.generation)",
                         "self.output('text').write(frame.text)")
        said = self.run_text(", restart: {when: on-failure, delay: 10ms}")
        self.assertEqual(said, LINES.split())
        self.assertIn("attempt 2 life 2", self.log)

    def test_the_way_it_ends_is_what_a_processor_says_by_it(self):
        """R-PY-005 R-EXIT-012"""
        restart = ", restart: {when: on-failure, max: 1, delay: 10ms}"
        self.text_filter("if frame.number == 2 and self.generation == 1:", "    sys.exit(sb.EXIT_RESTART)",
                         "self.output('text').write(frame.text)")
        self.assertEqual(self.run_text(restart), LINES.split())
        self.text_filter("self.fail_data('line %d is wrong' % frame.number)")
        self.run_text(restart, status=1)
        self.assertIn("line 0 is wrong", self.log)
        self.assertIn("exit code 125", self.log)
        self.text_filter("sys.exit('gave up')")
        self.run_text(restart, status=1)
        self.assertIn("gave up", self.log)
        self.assertIn("exit code 1", self.log)

    def test_what_open_raises_stops_the_graph_at_its_start(self):
        """R-PY-002 R-WORKER-009"""
        self.script('class Own(sb.Processor):\n    outputs = [sb.Output("text", "text")]\n'
                    '    def open(self):\n        raise RuntimeError("no model")\n'
                    '    def loop(self):\n        self.finish()\nsb.main(Own)\n')
        self.graph.write({"own": "exec: [./own.py]"})
        done = self.graph.run()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, r"own\[1\]: failed: open: own.py:7: RuntimeError: no model")

    def test_what_cannot_be_imported_is_found_by_the_check(self):
        """R-PY-002"""
        self.graph.file("own.py", "#!/usr/bin/env python3\nimport no_such_module\n", 0o755)
        self.graph.write({"own": "exec: [./own.py]"})
        done = self.graph.run("--check")
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("ModuleNotFoundError: No module named 'no_such_module'", done.stderr)

    def test_pictures_are_made_in_place_at_the_clock(self):
        """R-PY-006"""
        self.script("""
class Own(sb.Processor):
    outputs = [sb.Output("video", "video", pixels=["i420"])]
    def open(self):
        self.output("video").offer(sb.Video("i420", 32, 16, (100, 1)))
    made = 0
    def tick(self, number, due_ns):
        assert number == self.made + self.missed_ticks, (number, self.made, self.missed_ticks)
        self.made += 1
        out = self.output("video")
        with out.claim(out.format.frame_bytes) as picture:
            luma, u, v = out.format.planes()
            picture.data[luma.offset:luma.offset + luma.stride * luma.rows] = bytes([number % 256]) * (32 * 16)
            assert (u.rows, u.stride, v.offset) == (8, 16, 32 * 16 + 16 * 8) and picture.pts_ns == due_ns
        if self.made == 21:
            self.finish()
sb.main(Own)
""")
        self.graph.write({"own": "exec: [./own.py]", "sink": "exec: [check-sink], config: {numbers: off}"},
                         ["own.video -> sink.in"], head="clock: {fps: 100}")
        done = self.graph.run()
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(re.search(r"stdout: (\{.*\})", done.stderr).group(1))
        self.assertEqual((told["frames"], told["bytes"]), (21, 21 * 32 * 16 * 3 // 2))

    def test_all_formats_come_as_they_were_offered(self):
        """R-PY-006"""
        self.script("""
OFFERS = [sb.Video("rgba", 4, 2, (30, 1)), sb.Audio("s16", 8000, 2), sb.Text(), sb.Binary("image/jpeg"),
          sb.Tensor("f32", (2, 3)), sb.Message("a.B")]
class Own(sb.Processor):
    mode = "continuous"
    outputs = [sb.Output("out", "any")]
    def open(self):
        self.left = list(OFFERS)
    def loop(self):
        if not self.left:
            return self.finish()
        offer = self.left.pop(0)
        self.output("out").offer(offer)
        self.wanted = offer
        self.output("out").write(bytes(offer.frame_bytes or 4))
sb.main(Own)
""")
        self.script("""
class Sink(sb.Processor):
    inputs = [sb.Input("in", "any")]
    def on_format(self, port, agreed):
        print("agreed", repr(agreed), "|", agreed)
    def process(self, frame):
        print("frame of", frame.format.kind, frame.size)
    def on_end(self, port):
        print("ended", port.name, port.is_ended)
sb.main(Sink)
""", "sink.py")
        self.graph.write({"own": "exec: [./own.py]", "sink": "exec: [./sink.py]"}, ["own.out -> sink.in"])
        done = self.graph.run()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(re.findall(r"frame of (\w+ \d+)", done.stderr),
                         ["video 32", "audio 4", "text 4", "binary 4", "tensor 24", "message 4"])
        self.assertIn("agreed Tensor(element='f32', shape=(2, 3)) | tensor f32", done.stderr)
        self.assertIn("ended in True", done.stderr)

    def test_modules_of_the_user_are_found_beside_ours(self):
        """R-PY-007"""
        self.graph.file("helper.py", "WORD = 'helped'\n")
        self.text_filter("import helper", "self.output('text').write(helper.WORD)")
        folder = self.graph.folder
        tier = f"tier: {TIER}, " + (f"read: [{folder}/helper.py], " if TIER == "untrusted" else "")
        self.assertEqual(self.run_text(f", sandbox: {{{tier}env: {{PYTHONPATH: '{folder}'}}}}"), ["helped"] * 6)

    def test_a_python_worker_is_in_the_sandbox(self):
        """R-PY-008 R-SAND-001"""
        if TIER != "untrusted":
            self.skipTest("of the other tier")
        self.text_filter("import socket", "said = []",
                         "for path in ('/etc/passwd', '/proc/self/status', '/home'):", "    try:",
                         "        os.stat(path)",
                         "        said.append(path)", "    except OSError:", "        pass", "try:",
                         "    socket.socket()", "    said.append('socket')", "except OSError:", "    pass",
                         "self.output('text').write(','.join(said) or 'nothing')")
        self.assertEqual(self.run_text(), ["nothing"] * 6)


class PythonLive(LiveGraph):
    def write_script(self, text):
        self.graph.file("own.py", HEAD + text, 0o755)

    def test_parameters_have_their_types_and_are_set_while_it_runs(self):
        """R-PY-009 R-WORKER-023"""
        self.write_script("""
class Own(sb.Processor):
    mode = "manual"
    params = [sb.Param("whole", "int", default=3, minimum=0, maximum=9), sb.Param("real", "real", default=0.5),
              sb.Param("flag", "bool", default=True), sb.Param("words", "string", default="a b"),
              sb.Param("kind", "choice", default="two", choices=("one", "two")),
              sb.Param("span", "duration", default="250ms"), sb.Param("size", "size", default="2KiB")]
    def say(self):
        print("values", [self.param(declared.name) for declared in self.params])
    def open(self):
        self.say()
    def on_config(self):
        if self.param("whole") == 8:
            raise ValueError("not eight")
        self.say()
    def run(self):
        while not self.should_stop:
            self.wait()
    def close(self):
        print("closed")
sb.main(Own)
""")
        self.start(nodes={"own": "exec: [./own.py]"}, links=())
        self.running.expect("values [3, 0.5, True, 'a b', 'two', 250000000, 2048]")
        self.do("set", node="own", set=["whole=5", "flag=false", "kind=one"])
        self.running.expect("values [5, 0.5, False, 'a b', 'one', 250000000, 2048]")
        self.refuse(78, "set", node="own", set=["whole=10"])
        self.assertIn("not eight", self.refuse(78, "set", node="own", set=["whole=8"]))
        self.do("set", node="own", set=["real=2"])
        self.running.expect("values [5, 2.0, False,")
        self.finish()
        self.running.expect("stdout: closed")

    def test_it_pauses_and_resumes_and_stops_within_a_step(self):
        """R-PY-010 R-STEP-018"""
        self.write_script("""
class Own(sb.Processor):
    outputs = [sb.Output("data", "data")]
    interval_ns = 1000000
    def loop(self):
        self.output("data").write(b"x" * 100)
sb.main(Own)
""")
        self.start(nodes={"own": "exec: [./own.py]", "b": "exec: [check-sink], config: {numbers: off}"},
                   links=["own.data -> b.in"])

        def count():
            return self.client.call("nodes", node="own").json[0]["counts"]["out"]
        wait_until(lambda: count() > 10, "no frames")
        self.do("pause", node="own")
        paused = count()
        self.assertEqual(self.client.call("nodes", node="own").json[0]["state"], "paused")
        self.assertEqual(count(), paused)
        self.do("resume", node="own")
        wait_until(lambda: count() > paused, "it does not go on")
        self.finish()

    def test_a_loop_of_its_own_keeps_nothing_of_the_frames_that_it_gave_back(self):
        """R-PY-018"""
        self.write_script("""
import gc
class Own(sb.Processor):
    inputs = [sb.Input("data", "data")]
    outputs = [sb.Output("out", "data")]
    def run(self):
        count = 0
        kept = []
        while not self.should_stop:
            self.wait()
            frame = self.input("data").take()
            while frame is not None:
                count += 1
                if count == 1500:
                    kept.append(frame.data[1:])
                with self.output("out").claim(frame.size) as buffer:
                    buffer.data[:] = frame.data
                if count in (1000, 2000):
                    print("at", count, "objects", len(gc.get_objects()))
                frame.release()
                frame = self.input("data").take()
                if count == 2000:
                    try:
                        bytes(kept[0])
                    except ValueError as error:
                        print("kept:", error)
sb.main(Own)
""")
        self.start(nodes={"a": "exec: [test-source], config: {rate: 2000}", "own": "exec: [./own.py]",
                          "b": "exec: [check-sink], config: {numbers: off}"},
                   links=["a.data -> own.data", "own.out -> b.in"])
        self.running.expect("at 2000 objects")
        before, after = (int(re.search(rf"at {count} objects (\d+)", self.running.text()).group(1))
                         for count in (1000, 2000))
        self.assertLess(after, before + 500)
        self.running.expect("kept: operation forbidden on released memoryview object")
        self.running.expect("kept beyond its step")
        self.assertNotIn("2 kept until now", self.running.text())
        self.finish()

    def test_a_loop_of_its_own_takes_frames_and_is_stopped_in_its_wait(self):
        """R-PY-010 R-STEP-003"""
        self.write_script("""
class Own(sb.Processor):
    inputs = [sb.Input("data", "data")]
    def run(self):
        count = 0
        while not self.input("data").is_ended:
            self.wait()
            frame = self.input("data").take()
            while frame is not None:
                count += 1
                if count % 100 == 0:
                    print("took", count, bytes(frame)[:0], self.input("data").is_linked)
                frame.release()
                frame = self.input("data").take()
    def close(self):
        print("closed")
sb.main(Own)
""")
        self.start(nodes={"a": "exec: [test-source], config: {rate: 2000}", "own": "exec: [./own.py]"},
                   links=["a.data -> own.data"])
        self.running.expect("took 200 b'' True")
        self.running.process.send_signal(signal.SIGINT)
        self.assertEqual(self.running.wait(), 0, self.running.text()[-6000:])
        self.running.expect("stdout: closed")
        self.assertNotIn("error", self.running.text())


if __name__ == "__main__":
    if os.environ.get("SB_SANITIZE"):
        print("skipped: Python cannot load a library with a sanitizer")
        sys.exit(77)
    skip_without_walls()
    unittest.main()
