# SPDX-License-Identifier: Apache-2.0
"""What the bytes of a frame mean: one small class per kind of format."""
import ctypes
from dataclasses import dataclass

from . import abi
from .abi import lib


def value_of(call, name, what):
    """The enum value that C has for a name."""
    value = call(name.encode())
    if value == 0:
        raise ValueError(f"there is no {what} '{name}'")
    return value


def set_of(call, names, what):
    """The set of bits that stands for several names."""
    bits = 0
    for name in names:
        bits |= 1 << value_of(call, name, what)
    return bits


class Format:
    """Any format: `str()` says it as the broker does, `frame_bytes` is 0 where frames vary."""

    kind = None

    def fill(self, raw):
        """Writes the fields of its kind."""

    def raw(self):
        raw = abi.Format(kind=value_of(lib.sb_format_kind_from_name, self.kind, "kind of format"))
        self.fill(raw)
        return raw

    @property
    def frame_bytes(self):
        return lib.sb_format_frame_bytes(ctypes.byref(self.raw()))

    def __str__(self):
        text = ctypes.create_string_buffer(256)
        lib.sb_format_text(ctypes.byref(self.raw()), text, len(text))
        return text.value.decode()


@dataclass(frozen=True)
class Plane:
    """Where one plane of a picture lies: `rows` rows of `stride` bytes from `offset` on."""

    offset: int
    stride: int
    rows: int


@dataclass(frozen=True)
class Video(Format):
    """pixel: rgba, bgra, rgb, bgr, gray8, yuy2, i420, nv12. fps: numerator and denominator, (0, 0) = not constant."""

    pixel: str
    width: int
    height: int
    fps: tuple = (0, 0)
    kind = "video"

    def fill(self, raw):
        raw.video = abi.VideoFormat(value_of(lib.sb_pixel_from_name, self.pixel, "pixel format"), self.width,
                                    self.height, *self.fps)

    def planes(self):
        """The planes of a frame, which follow each other without a gap."""
        layout = abi.VideoLayout()
        if lib.sb_video_layout_get(ctypes.byref(self.raw().video), ctypes.byref(layout)) != 0:
            raise ValueError(f"{self} is no valid picture")
        return [Plane(plane.offset_bytes, plane.stride_bytes, plane.rows)
                for plane in layout.planes[:layout.plane_count]]


@dataclass(frozen=True)
class Audio(Format):
    """sample: s16, s32, f32; channels are interleaved."""

    sample: str
    rate: int
    channels: int
    kind = "audio"

    def fill(self, raw):
        raw.audio = abi.AudioFormat(value_of(lib.sb_sample_from_name, self.sample, "sample format"), self.rate,
                                    self.channels)


@dataclass(frozen=True)
class Tensor(Format):
    """element: u8, i8, i16, i32, i64, f16, f32, f64; shape: elements per axis, row-major."""

    element: str
    shape: tuple
    kind = "tensor"

    def fill(self, raw):
        if not 1 <= len(self.shape) <= abi.TENSOR_RANK_MAX:
            raise ValueError(f"a tensor has 1 to {abi.TENSOR_RANK_MAX} axes, not {len(self.shape)}")
        raw.tensor.element = value_of(lib.sb_element_from_name, self.element, "element type")
        raw.tensor.rank = len(self.shape)
        raw.tensor.shape[:len(self.shape)] = self.shape


@dataclass(frozen=True)
class Text(Format):
    """Text in UTF-8."""

    kind = "text"


@dataclass(frozen=True)
class Binary(Format):
    """Bytes of a media type, such as image/jpeg, or of none."""

    media_type: str = ""
    kind = "binary"

    def fill(self, raw):
        raw.name = self.media_type.encode()


@dataclass(frozen=True)
class Message(Format):
    """Protobuf messages of one type, by its full name."""

    name: str
    kind = "message"

    def fill(self, raw):
        raw.name = self.name.encode()


def from_raw(pointer):
    """The format behind a pointer of C, or None."""
    if not pointer:
        return None
    raw = pointer.contents
    kind = lib.sb_format_kind_name(raw.kind).decode()
    if kind == "video":
        video = raw.video
        return Video(lib.sb_pixel_name(video.pixel).decode(), video.width, video.height,
                     (video.fps_numerator, video.fps_denominator))
    if kind == "audio":
        return Audio(lib.sb_sample_name(raw.audio.sample).decode(), raw.audio.rate, raw.audio.channels)
    if kind == "tensor":
        return Tensor(lib.sb_element_name(raw.tensor.element).decode(), tuple(raw.tensor.shape[:raw.tensor.rank]))
    if kind == "text":
        return Text()
    return Binary(raw.name.decode()) if kind == "binary" else Message(raw.name.decode())
