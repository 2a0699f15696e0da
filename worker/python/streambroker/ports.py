# SPDX-License-Identifier: Apache-2.0
"""Ports of a running node, the frames that come from them, and the buffers that go into them."""
import ctypes
import errno
import gc
import operator
import sys

from . import abi, formats
from .abi import lib


class Error(OSError):
    """A call of the library did not do what it says."""

    def __str__(self):
        return self.strerror


class Stopped(Error):
    """The node should come to its end. Let it pass: the frame in work was not accepted."""


def check(code, what):
    """The result of a call, or an Error for a negative one."""
    if code == -errno.ECANCELED:
        raise Stopped(errno.ECANCELED, f"{what}: the node should stop")
    if code < 0:
        raise Error(-code, f"{what}: {lib.sb_error_text(code).decode()}")
    return code


def size_of(value, most, what):
    """A count of bytes, checked before anything is done with it."""
    size = operator.index(value)
    if not 0 <= size <= most:
        raise ValueError(f"{what}: {size} bytes, and it can be 0 to {most}")
    return size


class View:
    """Bytes of shared memory as a memoryview, and whether somebody still has it."""

    def __init__(self, address, size, writable):
        self.array = (ctypes.c_ubyte * size).from_address(address) if size > 0 else bytearray()
        view = memoryview(self.array).cast("B")
        self.bytes = view if writable else view.toreadonly()

    def close(self):
        """Takes the bytes away from whoever keeps only this view. What was made from it cannot be taken away."""
        try:
            self.bytes.release()
        except BufferError:
            pass

    def is_kept(self):
        """Whether a slice, an array of numpy or the like is still on these bytes."""
        return sys.getrefcount(self.array) > 2

    def take_away(self):
        """Ends the slices that are still on these bytes: their use is a ValueError then. Arrays of numpy and other
        things that read memory by themselves cannot be ended."""
        for holder in gc.get_referrers(self.array):
            for view in gc.get_referrers(holder):
                if type(view) is memoryview:
                    try:
                        view.release()
                    except BufferError:
                        pass


class Frame:
    """A frame that was taken. `data` is the producer's memory, read-only: nothing was copied.

    It is valid until the step ends; hold() keeps it longer. The fields are those of `struct sb_frame`.
    """

    def __init__(self, node, raw):
        self._node = node
        self._raw = raw
        self._view = None
        self.size = raw.size_bytes

    def __getattr__(self, name):
        if name in ("seq", "number", "pts_ns", "duration_ns", "flags", "attempt", "trace_id", "job_id"):
            return getattr(self._live(), name)
        raise AttributeError(f"a frame has no '{name}'")

    def _live(self):
        if self._raw is None:
            raise ValueError("this frame was released: keep one beyond its step with hold()")
        return self._raw

    def __len__(self):
        return self.size

    def __bool__(self):
        return True

    def __bytes__(self):
        return bytes(self.data)

    @property
    def data(self):
        """Its bytes, a read-only memoryview."""
        raw = self._live()
        if self._view is None:
            self._view = View(raw.data, self.size, False)
        return self._view.bytes

    @property
    def text(self):
        """Its bytes as text; what is not UTF-8 is replaced."""
        return str(self.data, "utf-8", "replace")

    @property
    def input(self):
        """The input that it came from."""
        return self._node.port_at(self._live().input)

    @property
    def format(self):
        return formats.from_raw(self._live().format)

    @property
    def is_keyframe(self):
        return bool(self.flags & abi.KEYFRAME)

    @property
    def is_discontinuity(self):
        return bool(self.flags & abi.DISCONTINUITY)

    @property
    def is_redelivered(self):
        """It was taken before by a worker that died; `attempt` counts."""
        return bool(self.flags & abi.REDELIVERED)

    def hold(self):
        """A frame of the same bytes that stays beyond this step, until its release()."""
        copy = abi.Frame()
        check(lib.sb_frame_hold(ctypes.byref(self._live()), ctypes.byref(copy)), "hold")
        return Held(self._node, copy)

    def release(self):
        """Gives it back before the step ends, or a held one at last. Afterwards there are no bytes."""
        raw = self._raw
        if raw is None:
            raise Error(errno.EINVAL, "release: it was released before")
        self.end_step()
        self._node.forget(self)
        check(lib.sb_frame_release(ctypes.byref(raw)), "release")

    def end_step(self):
        """The bytes go away; what the step's end does to every frame that was not held."""
        self._raw = None
        if self._view is not None:
            self._node.closed(self._view)
            self._view = None


class Held(Frame):
    """A frame that hold() returned."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()


class Buffer:
    """Memory that the consumers will read. `with` publishes it, or gives it back when an exception passes.

    number, pts_ns, duration_ns, flags, trace_id and job_id are those of the frame in work unless they are set; `size`
    is what was asked for unless it is made smaller.
    """

    FIELDS = ("number", "pts_ns", "duration_ns", "flags", "trace_id", "job_id")
    __slots__ = ("_node", "_output", "_raw", "_view")

    def __init__(self, node, output, raw):
        object.__setattr__(self, "_node", node)
        object.__setattr__(self, "_output", output)
        object.__setattr__(self, "_raw", raw)
        object.__setattr__(self, "_view", None)

    def __getattr__(self, name):
        if name in Buffer.FIELDS:
            return getattr(self._live(), name)
        raise AttributeError(f"a buffer has no '{name}'")

    def __setattr__(self, name, value):
        if name == "size":
            raw = self._live()
            raw.size_bytes = size_of(value, raw.capacity_bytes, "size of a buffer")
        elif name in Buffer.FIELDS:
            setattr(self._live(), name, value)
        else:
            raise AttributeError(f"a buffer has no '{name}' that can be set")

    def _live(self):
        if self._raw is None:
            raise ValueError("this buffer was published or given back")
        return self._raw

    @property
    def size(self):
        return self._live().size_bytes

    @property
    def capacity(self):
        return self._live().capacity_bytes

    @property
    def data(self):
        """Its bytes, `size` of them when first asked: a writable memoryview."""
        raw = self._live()
        if self._view is None:
            object.__setattr__(self, "_view", View(raw.data, raw.size_bytes, True))
            self._node.lent(self)
        return self._view.bytes

    def publish(self):
        """Gives it to every link of the output."""
        self._end(lib.sb_output_publish, "publish")

    def abandon(self):
        """Gives it back unused."""
        self._end(lib.sb_output_abandon, "abandon")

    def _end(self, call, what):
        if self._raw is None:
            raise Error(errno.EINVAL, f"{what}: it was published or given back before")
        check(call(self._output.pointer, ctypes.byref(self._raw)), what)
        object.__setattr__(self, "_raw", None)
        self._node.forget(self)
        self.end_step()

    def end_step(self):
        """Its views go away. A buffer that was not published stays claimed."""
        if self._view is not None:
            self._node.closed(self._view)
            object.__setattr__(self, "_view", None)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self._raw is not None:
            if kind is None:
                self.publish()
            else:
                self.abandon()


class LiveInput:
    """An input of a running node."""

    def __init__(self, node, pointer):
        self._node = node
        self.pointer = pointer
        self.name = lib.sb_input_name(pointer).decode()
        self.index = lib.sb_input_index(pointer)

    @property
    def is_linked(self):
        return lib.sb_input_is_linked(self.pointer)

    @property
    def is_ended(self):
        """Every link has ended and every frame was taken."""
        return lib.sb_input_is_ended(self.pointer)

    @property
    def format(self):
        """That of the last frame, or the one agreed; None before."""
        return formats.from_raw(lib.sb_input_format(self.pointer))

    @property
    def frame_bytes_max(self):
        return lib.sb_input_frame_bytes_max(self.pointer)

    def take(self):
        """The next frame; None when there is none now, or none any more (see is_ended)."""
        return self._take(lib.sb_input_take)

    def take_latest(self):
        """The newest frame; everything before it is released."""
        return self._take(lib.sb_input_take_latest)

    def _take(self, call):
        raw = abi.Frame()
        code = call(self.pointer, ctypes.byref(raw))
        if code == 0 or code == -errno.EPIPE:
            return None
        check(code, "take")
        return self._node.taken(raw)

    def wait(self, deadline_ns=abi.NO_DEADLINE):
        """Waits for a frame or the end of this input; False at the deadline or when a pause begins."""
        return check(lib.sb_input_wait(self.pointer, deadline_ns), "wait") > 0


class LiveOutput:
    """An output of a running node."""

    def __init__(self, node, pointer):
        self._node = node
        self.pointer = pointer
        self.name = lib.sb_output_name(pointer).decode()

    @property
    def is_linked(self):
        return lib.sb_output_is_linked(self.pointer)

    @property
    def format(self):
        """The one that was agreed; None before."""
        return formats.from_raw(lib.sb_output_format(self.pointer))

    def offer(self, *offered, frame_bytes_max=0):
        """Says which formats it can give, best first; in open(), on_format(), or later for a change."""
        raw = (abi.Format * len(offered))(*[one.raw() for one in offered])
        check(lib.sb_output_offer(self.pointer, raw, len(offered), frame_bytes_max), "offer")

    def claim(self, size):
        """A Buffer of that many bytes. Waits while a lossless link is full."""
        raw = abi.Buffer()
        size = size_of(size, 2**63 - 1, "claim")
        check(lib.sb_output_claim(self.pointer, size, ctypes.byref(raw)), "claim")
        return Buffer(self._node, self, raw)

    def write(self, data, **fields):
        """Publishes a copy of some bytes or of text, with these fields."""
        if isinstance(data, str):
            data = data.encode()
        view = memoryview(data).cast("B")
        with self.claim(len(view)) as buffer:
            for name, value in fields.items():
                setattr(buffer, name, value)
            if len(view) > 0:
                buffer.data[:] = view

    def copy(self, frame):
        """Publishes a copy of a frame with all its fields."""
        check(lib.sb_output_copy(self.pointer, ctypes.byref(frame._live())), "copy")

    def end(self):
        """Ends the stream: consumers see that after the last frame."""
        check(lib.sb_output_end(self.pointer), "end")
