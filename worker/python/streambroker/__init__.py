# SPDX-License-Identifier: Apache-2.0
"""Processors of streambroker in Python.

    import streambroker as sb

    class Shout(sb.Processor):
        "Turns text into capitals."
        inputs = [sb.Input("text", "text")]
        outputs = [sb.Output("text", "text", one_per_step=True)]

        def process(self, frame):
            self.output("text").write(frame.text.upper())

    if __name__ == "__main__":
        sb.main(Shout)

docs/python.md tells the rest.
"""
import os as _os
import sys as _sys

# Before anything else is imported: that may be what it stands in front of.
_name = _os.path.splitext(_os.path.basename(_sys.argv[0] if hasattr(_sys, "argv") and _sys.argv else ""))[0]
if _name in getattr(_sys, "stdlib_module_names", ()):
    _sys.stderr.write(f"{_name}.py is named like a module of Python, which cannot be imported beside it: give it "
                      f"another name\n")

from .abi import DISCONTINUITY, KEYFRAME, REDELIVERED, lib
from .declare import Input, Output, Param
from .formats import Audio, Binary, Format, Message, Plane, Tensor, Text, Video
from .ports import Buffer, Error, Frame, Stopped
from .processor import Processor, main

# How a processor ends: sys.exit() with one of them.
EXIT_FINISHED, EXIT_FAILED, EXIT_RESTART, EXIT_BAD_CONFIG, EXIT_BAD_DATA = 0, 1, 75, 78, 125


def now_ns():
    """CLOCK_MONOTONIC now, nanoseconds."""
    return lib.sb_now_ns()


__all__ = ["Audio", "Binary", "Buffer", "DISCONTINUITY", "EXIT_BAD_CONFIG", "EXIT_BAD_DATA", "EXIT_FAILED",
           "EXIT_FINISHED", "EXIT_RESTART", "Error", "Format", "Frame", "Input", "KEYFRAME", "Message", "Output",
           "Param", "Plane", "Processor", "REDELIVERED", "Stopped", "Tensor", "Text", "Video", "main", "now_ns"]
