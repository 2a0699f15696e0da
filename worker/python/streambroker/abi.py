# SPDX-License-Identifier: Apache-2.0
"""The C interface as ctypes sees it: its structs field by field, its calls, and the library itself.

Every class with `c_name` has the fields of the struct of that name, in its order and under its names; a test compares
both with the headers.
"""
import ctypes
import os
from ctypes import (CFUNCTYPE, POINTER, Structure, c_bool, c_char, c_char_p, c_double, c_int, c_int64, c_size_t,
                    c_uint32, c_uint64, c_void_p)

LIBRARY = "libstreambroker.so.0"
FORMAT_NAME_MAX = 96
TENSOR_RANK_MAX = 8
PLANES_MAX = 3
NO_DEADLINE = 2**63 - 1

# In the order of the enums of the headers; 0 is the default.
DELIVERIES = ("lossless", "ordered", "latest")
MODES = ("reactive", "continuous", "tick", "manual")
ACTIVATIONS = ("any", "all", "batch", "every")
PARAM_TYPES = ("int", "real", "bool", "string", "choice", "duration", "size", "path")
LOG_LEVELS = {"error": 3, "warning": 4, "info": 6, "debug": 7}
KEYFRAME, DISCONTINUITY, REDELIVERED = 1, 2, 4


class VideoFormat(Structure):
    c_name = "sb_video_format"
    _fields_ = [("pixel", c_int), ("width", c_uint32), ("height", c_uint32), ("fps_numerator", c_uint32),
                ("fps_denominator", c_uint32)]


class AudioFormat(Structure):
    c_name = "sb_audio_format"
    _fields_ = [("sample", c_int), ("rate", c_uint32), ("channels", c_uint32)]


class TensorFormat(Structure):
    c_name = "sb_tensor_format"
    _fields_ = [("element", c_int), ("rank", c_uint32), ("shape", c_uint32 * TENSOR_RANK_MAX)]


class Format(Structure):
    c_name = "sb_format"
    _fields_ = [("kind", c_int), ("video", VideoFormat), ("audio", AudioFormat), ("tensor", TensorFormat),
                ("name", c_char * FORMAT_NAME_MAX)]


class Plane(Structure):
    c_name = "sb_plane"
    _fields_ = [("offset_bytes", c_size_t), ("stride_bytes", c_size_t), ("row_bytes", c_size_t), ("rows", c_uint32)]


class VideoLayout(Structure):
    c_name = "sb_video_layout"
    _fields_ = [("plane_count", c_uint32), ("planes", Plane * PLANES_MAX), ("size_bytes", c_size_t)]


class Frame(Structure):
    c_name = "sb_frame"
    _fields_ = [("data", c_void_p), ("size_bytes", c_uint64), ("seq", c_uint64), ("number", c_uint64),
                ("pts_ns", c_int64), ("duration_ns", c_int64), ("flags", c_uint32), ("attempt", c_uint32),
                ("trace_id", c_uint64), ("job_id", c_uint64), ("input", c_void_p), ("format", POINTER(Format)),
                ("lease", c_uint64), ("source", c_void_p)]


class Buffer(Structure):
    c_name = "sb_buffer"
    _fields_ = [("data", c_void_p), ("capacity_bytes", c_uint64), ("size_bytes", c_uint64), ("number", c_uint64),
                ("pts_ns", c_int64), ("duration_ns", c_int64), ("flags", c_uint32), ("slot", c_uint32),
                ("trace_id", c_uint64), ("job_id", c_uint64), ("output", c_void_p), ("claim", c_uint64)]


class Port(Structure):
    c_name = "sb_port"
    _fields_ = [("name", c_char_p), ("type", c_int), ("help", c_char_p), ("count", c_uint32), ("is_optional", c_bool),
                ("delivery", c_int), ("holds", c_uint32), ("is_memory", c_bool),
                ("claims", c_uint32), ("is_one_per_step", c_bool), ("is_timed", c_bool), ("max_payload", c_uint64),
                ("follows", c_char_p), ("memories", c_uint32), ("pixels", c_uint32), ("samples", c_uint32),
                ("rate_min", c_uint32), ("rate_max", c_uint32), ("channels_min", c_uint32), ("channels_max", c_uint32),
                ("kinds", c_uint32), ("message", c_char_p)]


class Param(Structure):
    c_name = "sb_param"
    _fields_ = [("name", c_char_p), ("type", c_int), ("help", c_char_p), ("initial", c_char_p), ("minimum", c_double),
                ("maximum", c_double), ("choices", POINTER(c_char_p)), ("is_fixed", c_bool)]


on_node = CFUNCTYPE(c_int, c_void_p)
on_format = CFUNCTYPE(c_int, c_void_p, c_void_p, POINTER(Format))
on_frame = CFUNCTYPE(c_int, c_void_p, POINTER(Frame))
on_frames = CFUNCTYPE(c_int, c_void_p, POINTER(Frame), c_size_t)
on_tick = CFUNCTYPE(c_int, c_void_p, c_uint64, c_int64)
on_end = CFUNCTYPE(c_int, c_void_p, c_void_p)
on_close = CFUNCTYPE(None, c_void_p)


class Processor(Structure):
    c_name = "sb_processor"
    _fields_ = [("struct_size", c_size_t), ("name", c_char_p), ("version", c_char_p), ("summary", c_char_p),
                ("inputs", POINTER(Port)), ("input_count", c_size_t), ("outputs", POINTER(Port)),
                ("output_count", c_size_t), ("params", POINTER(Param)), ("param_count", c_size_t), ("mode", c_int),
                ("interval_ns", c_int64), ("activation", c_int), ("batch_count", c_uint32),
                ("batch_within_ns", c_int64), ("wants", POINTER(c_char_p)), ("open", on_node),
                ("on_format", on_format), ("on_frame", on_frame), ("on_frames", on_frames), ("on_tick", on_tick),
                ("on_loop", on_node), ("run", on_node), ("on_end", on_end), ("on_drain", on_node),
                ("on_config", on_node), ("close", on_close)]


STRUCTS = (VideoFormat, AudioFormat, TensorFormat, Format, Plane, VideoLayout, Frame, Buffer, Port, Param, Processor)

# name: result, arguments. What ends in ... takes text by a format of C, which here is always "%s".
CALLS = {
    "sb_processor_main": (c_int, [POINTER(Processor), c_int, POINTER(c_char_p)]),
    "sb_now_ns": (c_int64, []),
    "sb_error_text": (c_char_p, [c_int]),
    "sb_log": (None, [c_void_p, c_int, c_char_p, c_char_p]),
    "sb_node_id": (c_char_p, [c_void_p]),
    "sb_node_generation": (c_uint32, [c_void_p]),
    "sb_node_should_stop": (c_bool, [c_void_p]),
    "sb_node_is_paused": (c_bool, [c_void_p]),
    "sb_node_finish": (None, [c_void_p]),
    "sb_node_fail_data": (None, [c_void_p, c_char_p, c_char_p]),
    "sb_node_error": (c_int, [c_void_p, c_int, c_char_p, c_char_p]),
    "sb_node_wait": (c_int, [c_void_p, c_int64]),
    "sb_node_tick_period_ns": (c_int64, [c_void_p]),
    "sb_node_missed_ticks": (c_uint64, [c_void_p]),
    "sb_node_input": (c_void_p, [c_void_p, c_char_p]),
    "sb_node_output": (c_void_p, [c_void_p, c_char_p]),
    "sb_param_int": (c_int64, [c_void_p, c_char_p]),
    "sb_param_real": (c_double, [c_void_p, c_char_p]),
    "sb_param_bool": (c_bool, [c_void_p, c_char_p]),
    "sb_param_string": (c_char_p, [c_void_p, c_char_p]),
    "sb_param_choice": (c_int, [c_void_p, c_char_p]),
    "sb_input_name": (c_char_p, [c_void_p]),
    "sb_input_index": (c_uint32, [c_void_p]),
    "sb_input_is_linked": (c_bool, [c_void_p]),
    "sb_input_is_ended": (c_bool, [c_void_p]),
    "sb_input_format": (POINTER(Format), [c_void_p]),
    "sb_input_frame_bytes_max": (c_uint64, [c_void_p]),
    "sb_input_take": (c_int, [c_void_p, POINTER(Frame)]),
    "sb_input_take_latest": (c_int, [c_void_p, POINTER(Frame)]),
    "sb_input_wait": (c_int, [c_void_p, c_int64]),
    "sb_frame_release": (c_int, [POINTER(Frame)]),
    "sb_frame_hold": (c_int, [POINTER(Frame), POINTER(Frame)]),
    "sb_output_name": (c_char_p, [c_void_p]),
    "sb_output_is_linked": (c_bool, [c_void_p]),
    "sb_output_format": (POINTER(Format), [c_void_p]),
    "sb_output_offer": (c_int, [c_void_p, POINTER(Format), c_size_t, c_uint64]),
    "sb_output_claim": (c_int, [c_void_p, c_uint64, POINTER(Buffer)]),
    "sb_output_publish": (c_int, [c_void_p, POINTER(Buffer)]),
    "sb_output_abandon": (c_int, [c_void_p, POINTER(Buffer)]),
    "sb_output_copy": (c_int, [c_void_p, POINTER(Frame)]),
    "sb_output_end": (c_int, [c_void_p]),
    "sb_format_text": (None, [POINTER(Format), c_char_p, c_size_t]),
    "sb_format_frame_bytes": (c_uint64, [POINTER(Format)]),
    "sb_video_layout_get": (c_int, [POINTER(VideoFormat), POINTER(VideoLayout)]),
    "sb_pixel_name": (c_char_p, [c_int]),
    "sb_sample_name": (c_char_p, [c_int]),
    "sb_element_name": (c_char_p, [c_int]),
    "sb_format_kind_name": (c_char_p, [c_int]),
    "sb_port_type_from_name": (c_int, [c_char_p]),
    "sb_format_kind_from_name": (c_int, [c_char_p]),
    "sb_pixel_from_name": (c_int, [c_char_p]),
    "sb_sample_from_name": (c_int, [c_char_p]),
    "sb_element_from_name": (c_int, [c_char_p]),
}


def load():
    """The library of the install that this file belongs to, LIB/streambroker/python/streambroker/abi.py; else the
    one that the loader knows."""
    folder = os.path.dirname(os.path.abspath(__file__))
    beside = os.path.normpath(os.path.join(folder, "../../..", LIBRARY))
    library = ctypes.CDLL(beside if os.path.exists(beside) else LIBRARY)
    for name, (result, arguments) in CALLS.items():
        call = getattr(library, name)
        call.restype, call.argtypes = result, arguments
    return library


lib = load()
