# SPDX-License-Identifier: Apache-2.0
"""What a processor says about itself: its ports and parameters, and how they become the tables of C."""
import ctypes
from dataclasses import dataclass

from . import abi
from .abi import lib
from .formats import set_of, value_of


def index_of(words, word, what):
    """The enum value of a word, 0 for None: the default."""
    if word is None:
        return 0
    if word not in words:
        raise ValueError(f"there is no {what} '{word}': write one of {', '.join(words)}")
    return words.index(word) + 1


def text_of(value):
    return None if value is None else str(value).encode()


@dataclass
class _Port:
    name: str
    type: str
    help: str = ""
    count: int = 0              # n: an array of ports NAME_0 ... NAME_n-1
    pixels: tuple = ()          # video: names of pixel formats, none = all
    samples: tuple = ()         # audio: names of sample formats, none = all
    rate: tuple = (0, 0)        # audio: bounds
    channels: tuple = (0, 0)    # likewise
    kinds: tuple = ()           # data and any: names of kinds of formats, none = all
    message: str = None         # data: full protobuf name

    def names(self):
        """What the ports of an array are called, or the one that it is."""
        return [f"{self.name}_{i}" for i in range(self.count)] if self.count > 0 else [self.name]

    def fill(self, raw):
        """Writes the fields that only inputs or only outputs have."""

    def raw(self):
        raw = abi.Port(
            name=self.name.encode(), type=value_of(lib.sb_port_type_from_name, self.type, "type of port"),
            help=self.help.encode(), count=self.count, message=text_of(self.message),
            pixels=set_of(lib.sb_pixel_from_name, self.pixels, "pixel format"),
            samples=set_of(lib.sb_sample_from_name, self.samples, "sample format"),
            kinds=set_of(lib.sb_format_kind_from_name, self.kinds, "kind of format"))
        raw.rate_min, raw.rate_max = self.rate
        raw.channels_min, raw.channels_max = self.channels
        self.fill(raw)
        return raw


@dataclass
class Input(_Port):
    """An input, or an array of them."""

    optional: bool = False      # the node works without a link to it
    delivery: str = None        # default of its links: lossless, ordered, latest
    holds: int = 1              # frames that the processor may keep
    memory: bool = False        # a held frame stays while newer ones come

    def fill(self, raw):
        raw.is_optional = self.optional
        raw.delivery = index_of(abi.DELIVERIES, self.delivery, "delivery")
        raw.holds = self.holds
        raw.is_memory = self.memory


@dataclass
class Output(_Port):
    """An output, or an array of them."""

    follows: str = None         # has the format of this input, when it offers none itself
    one_per_step: bool = False  # at most one frame per step: exactly once across a crash
    timed: bool = False         # the processor itself says the pts_ns of frames without an input
    claims: int = 1             # buffers that may be claimed at once
    max_payload: int = 0        # bytes of the largest frame; 0 = 1 MiB, or by the format

    def fill(self, raw):
        raw.follows = text_of(self.follows)
        raw.is_one_per_step = self.one_per_step
        raw.is_timed = self.timed
        raw.claims = self.claims
        raw.max_payload = self.max_payload


@dataclass
class Param:
    """A parameter. type: int, real, bool, string, choice, duration (ns), size (bytes), path."""

    name: str
    type: str
    help: str = ""
    default: object = None      # None: it must be given
    minimum: float = 0
    maximum: float = 0          # bounds hold when minimum < maximum
    choices: tuple = ()
    fixed: bool = False         # cannot be changed while the node runs

    def raw(self):
        default = self.default
        if isinstance(default, bool):
            default = "true" if default else "false"
        raw = abi.Param(name=self.name.encode(), type=index_of(abi.PARAM_TYPES, self.type, "type of parameter"),
                        help=self.help.encode(), initial=text_of(default), minimum=self.minimum,
                        maximum=self.maximum, is_fixed=self.fixed)
        if self.choices:
            raw.choices = words_of(self.choices)
        return raw


def words_of(words):
    """A list of C strings with NULL at its end."""
    return (ctypes.c_char_p * (len(words) + 1))(*[word.encode() for word in words], None)


def table_of(kind, declared):
    """The declarations as one array of C."""
    return (kind * max(len(declared), 1))(*[one.raw() for one in declared])
