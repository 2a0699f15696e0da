# SPDX-License-Identifier: Apache-2.0
# test: timeout=120 lock=gpu
"""R-GPU-022: a window shows what came to it, pixel for pixel, on a screen that is a file."""
import ctypes
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))
import graph_run  # noqa: E402
from waiting import wait_until  # noqa: E402

WIDTH, HEIGHT = 320, 180
GPU = {"tier": "untrusted", "devices": ["gpu"], "env": {"LP_NUM_THREADS": "1"}}


def bars():
    """The still picture of test-pattern, as red, green, blue."""
    rows = []
    for y in range(HEIGHT):
        row = bytearray()
        for x in range(WIDTH):
            bits = ((7, 6, 3, 2, 5, 4, 1) if y < HEIGHT * 2 // 3 else (1, 0, 5, 0, 3, 0, 7))[x * 7 // WIDTH]
            level = x * 255 // WIDTH
            row += bytes([level] * 3 if y >= HEIGHT * 3 // 4 else [191 * (bits >> shift & 1) for shift in (2, 1, 0)])
        rows.append(bytes(row))
    return rows


class Screen:
    """An X server whose picture is a file in the format of xwd."""

    def __init__(self, folder, access=("-ac",)):
        self.file = pathlib.Path(folder) / "Xvfb_screen0"
        read, write = os.pipe()
        self.process = subprocess.Popen(["Xvfb", "-displayfd", str(write), *access, "-nolisten", "tcp", "-screen",
                                         "0", "640x480x24", "-fbdir", str(folder)], pass_fds=[write],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as numbers:
            self.display = f":{numbers.readline().strip()}"

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=20)

    def rows(self, width=WIDTH, height=HEIGHT):
        """The upper left corner in the size of the picture, as red, green, blue."""
        data = self.file.read_bytes()
        header = struct.unpack_from(">25I", data)
        stride, start = header[12], header[0] + header[19] * 12
        rows = []
        for y in range(height):
            pixels = data[start + y * stride:start + y * stride + width * 4]
            rows.append(bytes(value for x in range(0, width * 4, 4) for value in (pixels[x + 2], pixels[x + 1],
                                                                                 pixels[x])))
        return rows

    def pixel(self, x, y):
        return tuple(self.rows(x + 1, y + 1)[y][3 * x:])


def write_cookie(path, number):
    """The one entry of a file of cookies that lets in who knows it, on this machine."""
    fields = (os.uname().nodename.encode(), number.encode(), b"MIT-MAGIC-COOKIE-1", b"0123456789abcdef")
    path.write_bytes(struct.pack(">H", 256) + b"".join(struct.pack(">H", len(one)) + one for one in fields))
    path.chmod(0o600)


class User:
    """Who sits before the screen: what a window manager would do for them."""

    def __init__(self, display):
        self.x11 = ctypes.CDLL("libX11.so.6")
        self.x11.XOpenDisplay.restype = ctypes.c_void_p
        self.x11.XDefaultRootWindow.restype = self.x11.XInternAtom.restype = ctypes.c_ulong
        self.display = ctypes.c_void_p(self.x11.XOpenDisplay(display.encode()))

    def window(self):
        root, parent, count = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_uint()
        children = ctypes.POINTER(ctypes.c_ulong)()
        self.x11.XQueryTree(self.display, ctypes.c_ulong(self.x11.XDefaultRootWindow(self.display)),
                            ctypes.byref(root), ctypes.byref(parent), ctypes.byref(children), ctypes.byref(count))
        self.x11.XFetchName.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.POINTER(ctypes.c_char_p)]
        for window in children[:count.value]:
            name = ctypes.c_char_p()
            if self.x11.XFetchName(self.display, window, ctypes.byref(name)):
                return ctypes.c_ulong(window)
        return None

    def resize(self, width, height):
        self.x11.XResizeWindow(self.display, self.window(), width, height)
        self.x11.XSync(self.display, 0)

    def close_window(self):
        atom = lambda name: self.x11.XInternAtom(self.display, name, 0)  # noqa: E731
        # XClientMessageEvent: type, serial, send_event, display, window, message_type, format, data[5]
        event = (ctypes.c_ulong * 24)(33, 0, 0, 0, self.window().value, atom(b"WM_PROTOCOLS"), 32,
                                      atom(b"WM_DELETE_WINDOW"), 0)
        self.x11.XSendEvent(self.display, self.window(), 0, ctypes.c_long(0), ctypes.byref(event))
        self.x11.XSync(self.display, 0)

    def leave(self):
        self.x11.XCloseDisplay(self.display)


class Display(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.screen = Screen(self.folder.name)
        self.addCleanup(self.screen.close)

    def test_a_screen_that_wants_a_cookie_gets_it(self):
        """R-GPU-048"""
        cookie = pathlib.Path(self.folder.name) / "cookie"
        write_cookie(cookie, "0")
        with tempfile.TemporaryDirectory() as folder:
            self.screen = Screen(folder, ("-auth", str(cookie)))
            self.addCleanup(self.screen.close)
            write_cookie(cookie, self.screen.display[1:])
            log = self.end(self.graph({"pattern": "ball", "frames": 40}, {"frames": 15}, XAUTHORITY=str(cookie)))
        self.assertIn("[window] 15 frames shown", log)

    def graph(self, pattern, window, **variables):
        nodes = {"pattern": {"exec": ["gpu-pattern"], "config": {"width": WIDTH, "height": HEIGHT, **pattern},
                             "sandbox": GPU},
                 "window": {"exec": ["display"], "config": window, "sandbox": {**GPU, "display": True}}}
        path = pathlib.Path(self.folder.name) / "graph.yaml"
        path.write_text(json.dumps({"version": 1, "nodes": nodes, "links": ["pattern.video -> window.video"]}))
        environment = {**os.environ, "DISPLAY": self.screen.display, **variables}
        return subprocess.Popen([graph_run.BROKER, path], env=environment, stderr=subprocess.PIPE, text=True)

    def end(self, broker):
        _, log = broker.communicate(timeout=50)
        self.assertEqual(broker.returncode, 0, log)
        return log

    def test_a_picture_is_seen_in_a_window_as_it_was_drawn(self):
        broker = self.graph({"pattern": "smpte"}, {"validation": pathlib.Path(
            "/usr/share/vulkan/explicit_layer.d").exists()})
        wanted = bars()
        try:
            wait_until(lambda: self.screen.rows() == wanted or broker.poll() is not None, "the picture is not seen")
            self.assertIsNone(broker.poll(), "the broker ended")
        finally:
            broker.terminate()
        self.assertNotIn("gpu: ", self.end(broker))

    def test_a_node_finishes_after_its_number_of_frames(self):
        log = self.end(self.graph({"pattern": "ball", "frames": 40}, {"frames": 15}))
        self.assertIn("[window] 15 frames shown", log)

    def test_an_endless_graph_ends_with_the_frames_of_its_window(self):
        """R-GPU-022 R-CLI-019"""
        log = self.end(self.graph({"pattern": "ball"}, {"frames": 15}))
        self.assertIn("[window] 15 frames shown", log)

    def start_bars(self):
        broker = self.graph({"pattern": "smpte"}, {})
        self.addCleanup(broker.kill)
        wanted = bars()
        wait_until(lambda: self.screen.rows() == wanted or broker.poll() is not None, "the picture is not seen")
        self.assertIsNone(broker.poll(), "the broker ended")
        user = User(self.screen.display)
        self.addCleanup(user.leave)
        return broker, user

    def test_a_window_that_is_resized_shows_the_whole_picture_in_its_size(self):
        broker, user = self.start_bars()
        for width, height in ((480, 300), (200, 120)):
            user.resize(width, height)
            # Each corner has the colour of the picture's corner: white, blue, black, white.
            corners = [(3, 3), (width - 3, 3), (3, height - 3), (width - 3, height - 3)]
            colours = [(191, 191, 191), (0, 0, 191), (0, 0, 0), (255, 255, 255)]
            wait_until(lambda: all(max(abs(a - b) for a, b in zip(self.screen.pixel(*at), colour)) <= 4  # noqa: B023
                                   for at, colour in zip(corners, colours)),  # noqa: B023
                       f"not the whole picture in {width}x{height}")
        broker.terminate()
        self.end(broker)

    def test_closing_the_window_ends_the_graph(self):
        """R-GPU-022 R-CLI-019"""
        broker, user = self.start_bars()
        user.close_window()
        log = self.end(broker)
        self.assertIn("frames shown", log)


if __name__ == "__main__":
    if not (graph_run.BUILD / "libexec/streambroker/display").exists():
        print("skipped: built without Vulkan or SDL")
        sys.exit(77)
    if os.environ.get("SB_SANITIZE"):
        print("skipped: sanitized workers cannot run in a sandbox, and drivers are not sanitized")
        sys.exit(77)
    if not shutil.which("Xvfb") or not any(pathlib.Path("/usr/share/vulkan/icd.d").glob("*.json")):
        print("skipped: there is no Xvfb, or no Vulkan driver")
        sys.exit(77)
    unittest.main()
