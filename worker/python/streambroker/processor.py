# SPDX-License-Identifier: Apache-2.0
"""A processor: the class to derive from, and how its methods are called by the library."""
import atexit
import collections
import ctypes
import errno
import os
import sys
import traceback

from . import abi, formats
from .abi import lib
from .declare import index_of, table_of, words_of
from .ports import Error, Frame, LiveInput, LiveOutput, Stopped, check

KEPT = ("a view of a frame's or a buffer's bytes was kept beyond its step: keep a copy, bytes(frame.data), or the "
        "frame itself with frame.hold()")
KEPT_MAX = 16  # given back later than a view: until then it may be a variable of the loop in run()


def line_of(text):
    """Text as C takes it: one line, whatever is in it."""
    return str(text).replace("\0", "\\0").replace("\n", " ").encode("utf-8", "backslashreplace")


class Processor:
    """Derive from it, declare ports and parameters, write process() or tick(), and hand the class to main().

    One object of the class lives as long as the worker. Every method runs on the main thread. An exception fails the
    step: its frames are dropped and counted, the log says what and where, and the next step runs. One that leaves
    open() stops the graph at its start.
    """

    name = None                # that of the program, without .py
    version = "0.1.0"
    summary = None             # the first line of the class's description
    inputs = ()                # of Input
    outputs = ()               # of Output
    params = ()                # of Param
    mode = None                # reactive, continuous, tick, manual; by the methods that there are
    interval_ns = 0
    activation = None          # any, all, batch, every
    batch_count = 0
    batch_within_ns = 0
    wants = ()                 # what it cannot work without: network, gpu, display ...

    # --- What to write: only what is written is called ---

    def open(self):
        """Once, before any frame: read parameters, offer formats."""

    def process(self, frame):
        """One frame."""

    def process_all(self, frames):
        """All frames of one step, in the order of the inputs; instead of process()."""

    def tick(self, number, due_ns):
        """One tick of the graph's clock; mode tick."""

    def loop(self):
        """One round; mode continuous."""

    def run(self):
        """The whole life; mode manual: look at should_stop, wait with wait()."""

    def on_format(self, port, agreed):
        """An input has a format."""

    def on_end(self, port):
        """An input has ended."""

    def on_drain(self):
        """All inputs have ended, the outputs not yet: publish what is left."""

    def on_config(self):
        """Parameters were changed. An exception keeps the old ones."""

    def close(self):
        """Once, at the end; not when open() failed."""

    # --- What to use ---

    def input(self, name):
        """An input by its name, members of an array as NAME_0, NAME_1 ..."""
        return self._port(name, lib.sb_node_input, LiveInput)

    def output(self, name):
        """An output by its name."""
        return self._port(name, lib.sb_node_output, LiveOutput)

    def param(self, name):
        """The value of a parameter: int, float, bool or str; durations are nanoseconds, sizes are bytes."""
        declared = self._params.get(name)
        if declared is None:
            raise KeyError(f"there is no parameter '{name}'")
        key = name.encode()
        if declared.type == "choice":
            return declared.choices[lib.sb_param_choice(self._node, key)]
        if declared.type in ("string", "path"):
            return lib.sb_param_string(self._node, key).decode()
        call = {"real": lib.sb_param_real, "bool": lib.sb_param_bool}.get(declared.type, lib.sb_param_int)
        return call(self._node, key)

    def log(self, text, level="info"):
        """One line to the broker's log: error, warning, info or debug."""
        if level not in abi.LOG_LEVELS:
            raise ValueError(f"there is no level '{level}': write one of {', '.join(abi.LOG_LEVELS)}")
        lib.sb_log(self._pointer, abi.LOG_LEVELS[level], b"%s", line_of(text))

    def finish(self):
        """There is no more work: the outputs end and the program exits with 0 after this call."""
        lib.sb_node_finish(self._node)

    def fail_data(self, text):
        """The data is wrong: the program ends with 125, is not started again, and the graph ends with 1."""
        lib.sb_node_fail_data(self._node, b"%s", line_of(text))

    def wait(self, deadline_ns=abi.NO_DEADLINE):
        """Mode manual: waits for a frame of any input; False at the deadline or when a pause begins."""
        return check(lib.sb_node_wait(self._node, deadline_ns), "wait") > 0

    @property
    def id(self):
        """Id of the node in its graph."""
        return lib.sb_node_id(self._node).decode()

    @property
    def generation(self):
        """Life of the node: 1 at the first start, one more at each restart."""
        return lib.sb_node_generation(self._node)

    @property
    def should_stop(self):
        """The node should come to its end: it was told so, or its inputs have ended and all was taken."""
        return lib.sb_node_should_stop(self._node) or self._is_read_out()

    def _is_read_out(self):
        names = (name for port in self.inputs for name in port.names())
        linked = [port for port in map(self.input, names) if port.is_linked]
        return bool(linked) and all(port.is_ended for port in linked)

    @property
    def is_paused(self):
        return lib.sb_node_is_paused(self._node)

    @property
    def tick_period_ns(self):
        return lib.sb_node_tick_period_ns(self._node)

    @property
    def missed_ticks(self):
        return lib.sb_node_missed_ticks(self._node)

    # --- The library's own ---

    _pointer = None

    def __new__(cls, *_, **__):
        # Not in __init__(): a class with one of its own need not call it.
        self = super().__new__(cls)
        self._params = {declared.name: declared for declared in cls.params}
        self._ports = {}
        self._told = set()
        self._lent = {}                     # frames and buffers of this step, by themselves
        self._closed = collections.deque()  # views that were given back and that somebody still has
        self._kept_count = 0
        self._closed_count = 0
        return self

    @property
    def _node(self):
        if self._pointer is None:
            raise RuntimeError("parameters, ports and the rest of a node are there from open() on, not in __init__()")
        return self._pointer

    def _port(self, name, find, kind):
        port = self._ports.get((kind, name))
        if port is None:
            pointer = find(self._node, name.encode())
            if not pointer:
                raise KeyError(f"there is no {'input' if kind is LiveInput else 'output'} '{name}'")
            port = self._ports[(kind, name)] = self._ports.setdefault(pointer, kind(self, pointer))
        return port

    def port_at(self, pointer):
        """The input at an address of C."""
        port = self._ports.get(pointer)
        return port if port is not None else self.input(lib.sb_input_name(pointer).decode())

    def taken(self, raw):
        """A frame that was taken inside of this step."""
        frame = Frame(self, raw)
        self._lent[frame] = None
        return frame

    def lent(self, what):
        """A frame or a buffer ends with this step at the latest."""
        self._lent[what] = None

    def forget(self, what):
        """It has ended before its step did."""
        self._lent.pop(what, None)

    def closed(self, view):
        """The bytes of a view are gone. Variables of the loop that used it may still name it, for a while."""
        view.close()
        self._closed_count += 1
        if view.is_kept():
            self._closed.append((self._closed_count, view))
        # The step of run() ends with it.
        while (self._closed and self._closed_count - self._closed[0][0] > KEPT_MAX
               and is_written(type(self), "run")):
            if self._end_kept(self._closed.popleft()[1]):
                self._tell_kept()

    def _end_kept(self, view):
        """Whether somebody has it still. What can be taken away of it is."""
        if not view.is_kept():
            return False
        self._kept_count += 1
        view.take_away()
        return True

    def _tell_kept(self):
        """One warning for 1, 2, 4 ... views in all."""
        if self._kept_count & (self._kept_count - 1) == 0:
            self.log(f"[{self.id}] {KEPT} ({self._kept_count} kept until now)", "warning")

    def _end_step(self):
        """Frames and views end with the step. Whether somebody kept one of the views."""
        for what in list(self._lent):
            what.end_step()
        self._lent.clear()
        is_kept = False
        while self._closed:
            is_kept = self._end_kept(self._closed.popleft()[1]) or is_kept
        return is_kept

    def _call(self, method, *arguments):
        """Runs a method as one call of C: 0, or a negative errno with the text of what went wrong."""
        code = 0
        try:
            method(*arguments)
        except Stopped:
            code = -errno.ECANCELED
        except SystemExit as end:
            leave(end.code)
        except KeyboardInterrupt:
            leave(130)
        except BaseException as error:
            code = self._report(error)
        # Only now: an exception holds the variables of its functions, and these hold views.
        del arguments
        is_kept = self._end_step()
        if is_kept and code == 0:
            return lib.sb_node_error(self._pointer, -errno.EINVAL, b"%s", KEPT.encode())
        if is_kept:
            self._tell_kept()
        return code

    def _report(self, error):
        """Tells the broker in one line; the whole way to the error, once for each place."""
        frames = traceback.extract_tb(error.__traceback__)[1:]
        own = [frame for frame in frames if os.path.dirname(frame.filename) != os.path.dirname(__file__)] or frames
        place = f"{os.path.basename(own[-1].filename)}:{own[-1].lineno}" if own else "?"
        text = f"{place}: {type(error).__name__}: {text_of(error)}"
        if not isinstance(error, Error) and place not in self._told:
            self._told.add(place)
            error.__traceback__ = error.__traceback__.tb_next
            write_traceback(error)
        code = error.errno if isinstance(error, Error) else errno.EINVAL
        error.__traceback__ = None
        return lib.sb_node_error(self._pointer, -code, b"%s", line_of(text))


def text_of(error):
    """What it says, if it can say it."""
    try:
        return str(error)
    except BaseException as second:
        return f"its text cannot be made, {type(second).__name__}"


def write_traceback(error):
    """The whole way to an error. That of one which cannot be printed is not worth another."""
    try:
        sys.stderr.write("".join(traceback.format_exception(type(error), error, error.__traceback__)))
        sys.stderr.flush()
    except BaseException:
        os.write(2, line_of(type(error).__name__) + b": its traceback cannot be printed\n")


def leave(code):
    """sys.exit() of a method: nothing can pass through the frames of C in between."""
    status = 1
    try:
        if code is None:
            status = 0
        elif isinstance(code, int) and 0 <= code <= 255:
            status = int(code)
        elif isinstance(code, int):
            sys.stderr.write(f"sys.exit() with {code:#x}, which is no status from 0 to 255: it is 1\n")
        else:
            sys.stderr.write(f"{code}\n")
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException as error:
        status = status or 1
        write_traceback(error)
    finally:
        os._exit(status)


def guarded(processor, call):
    """A function for C: what it raises would otherwise be a 0 to C, and the step would count as done."""
    def run(*arguments):
        try:
            return call(*arguments)
        except SystemExit as end:
            leave(end.code)
        except KeyboardInterrupt:
            leave(130)
        except BaseException as error:
            text = f"{type(error).__name__}: {text_of(error)}"
            return lib.sb_node_error(processor._pointer, -errno.EINVAL, b"%s", line_of(text))
    return run


class _Calls:
    """The functions that C calls, for the methods that the class has."""

    def __init__(self, processor):
        self.processor = processor

    def open(self, node):
        self.processor._pointer = node
        return self.processor._call(self.processor.open)

    def on_format(self, _, port, agreed):
        return self.processor._call(self.processor.on_format, self.processor.port_at(port), formats.from_raw(agreed))

    def on_frame(self, _, frame):
        return self.processor._call(self.processor.process, self._frame(frame[0]))

    def on_frames(self, _, frames, count):
        return self.processor._call(self.processor.process_all, [self._frame(frames[i]) for i in range(count)])

    def on_tick(self, _, number, due_ns):
        return self.processor._call(self.processor.tick, number, due_ns)

    def on_loop(self, _):
        return self.processor._call(self.processor.loop)

    def run(self, _):
        return self.processor._call(self.processor.run)

    def on_end(self, _, port):
        return self.processor._call(self.processor.on_end, self.processor.port_at(port))

    def on_drain(self, _):
        return self.processor._call(self.processor.on_drain)

    def on_config(self, _):
        return self.processor._call(self.processor.on_config)

    def close(self, _):
        self.processor._call(self.processor.close)

    def _frame(self, raw):
        return self.processor.taken(abi.Frame.from_buffer_copy(raw))


# Field of the table: method of the class.
METHODS = {"on_format": "on_format", "on_frame": "process", "on_frames": "process_all", "on_tick": "tick",
           "on_loop": "loop", "run": "run", "on_end": "on_end", "on_drain": "on_drain", "on_config": "on_config",
           "close": "close"}
MODE_OF = {"tick": "tick", "loop": "continuous", "run": "manual"}


def is_written(kind, method):
    return getattr(kind, method) is not getattr(Processor, method)


def describe(processor, calls):
    """The table of C for an object; whoever calls it keeps both alive."""
    kind = type(processor)
    name = kind.name or os.path.splitext(os.path.basename(sys.argv[0]))[0]
    summary = kind.summary if kind.summary is not None else (kind.__doc__ or "").strip().split("\n")[0]
    mode = kind.mode or next((mode for method, mode in MODE_OF.items() if is_written(kind, method)), None)
    table = abi.Processor(
        struct_size=ctypes.sizeof(abi.Processor), name=name.encode(), version=kind.version.encode(),
        summary=summary.encode(), input_count=len(kind.inputs), output_count=len(kind.outputs),
        param_count=len(kind.params), mode=index_of(abi.MODES, mode, "mode"), interval_ns=kind.interval_ns,
        activation=index_of(abi.ACTIVATIONS, kind.activation, "activation"), batch_count=kind.batch_count,
        batch_within_ns=kind.batch_within_ns)
    table.inputs = table_of(abi.Port, kind.inputs)
    table.outputs = table_of(abi.Port, kind.outputs)
    table.params = table_of(abi.Param, kind.params)
    if kind.wants:
        table.wants = words_of(kind.wants)
    types = dict(abi.Processor._fields_)
    table.open = types["open"](guarded(processor, calls.open))
    for field, method in METHODS.items():
        if is_written(kind, method):
            setattr(table, field, types[field](guarded(processor, getattr(calls, field))))
    return table


def main(kind):
    """The whole main of a processor: worker of a broker, or --describe, --selftest, --help, --version. Exits."""
    # Lines reach the log when they are printed.
    sys.stdout.reconfigure(line_buffering=True)
    processor = kind()
    table = describe(processor, _Calls(processor))
    words = [os.fsencode(word) for word in sys.argv]
    status = lib.sb_processor_main(ctypes.byref(table), len(words),
                                   (ctypes.c_char_p * (len(words) + 1))(*words, None))
    sys.exit(status)
