# SPDX-License-Identifier: Apache-2.0
"""The control socket by hand, for tests of the broker's end of it: the protocol in a few lines of Python."""
import json
import pathlib
import socket
import struct

WELCOME, REQUEST, PART, ANSWER = 1, 2, 3, 4


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data if data else b""


def header(kind, version=1, fds=0):
    return struct.pack("<HHHH", version, kind, fds, 0)


def request(verb, call=1, fields=()):
    """fields: pairs of name and value; a field may come more than once."""
    parts = b"".join(field(3, field(1, name) + field(2, value)) for name, value in fields)
    return header(REQUEST) + field(1, call) + field(2, verb) + parts


def parse(datagram):
    """(type, {field number: value}) of a message with numbers and bytes only."""
    kind, body, at, found = struct.unpack_from("<H", datagram, 2)[0], datagram[8:], 0, {}

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = body[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(body):
        key = number()
        if key & 7 == 0:
            found[key >> 3] = number()
        else:
            size = number()
            found[key >> 3] = body[at:at + size]
            at += size
    return kind, found


class Answer:
    """What came for one request."""

    def __init__(self):
        self.documents, self.code, self.error = [], None, ""

    @property
    def json(self):
        assert len(self.documents) == 1, self.documents
        return self.documents[0]


class Client:
    """One connection, welcomed already."""

    def __init__(self, path, limit_s=20):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(limit_s)
        self.socket.connect(str(path))
        kind, found = parse(self.socket.recv(65536))
        assert kind == WELCOME, kind
        self.version, self.graph, self.pid = found[1].decode(), found[2].decode(), found[3]
        self.text = b""

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, verb, **fields):
        """Sends a request; a field with a list comes once for each of its items."""
        pairs = []
        for name, value in fields.items():
            pairs += [(name, item) for item in (value if isinstance(value, list) else [value])]
        self.socket.send(request(verb, 1, pairs))

    def next(self):
        """The next document as ("document", value), or ("answer", (code, error)); None at the end."""
        while True:
            datagram = self.socket.recv(65536)
            if not datagram:
                return None
            kind, found = parse(datagram)
            if kind == ANSWER:
                return "answer", (found.get(2, 0), found.get(3, b"").decode())
            assert kind == PART, kind
            self.text += found.get(2, b"")
            if found.get(3):
                text, self.text = self.text, b""
                return "document", json.loads(text)

    def call(self, verb, **fields):
        self.ask(verb, **fields)
        answer = Answer()
        while True:
            got = self.next()
            if got is None:
                raise AssertionError(f"the broker closed the connection during {verb}")
            if got[0] == "answer":
                answer.code, answer.error = got[1]
                return answer
            answer.documents.append(got[1])


def socket_of(graph="graph"):
    """Where a broker of this test process puts the socket of a graph."""
    import own_runtime
    return pathlib.Path(own_runtime.FOLDER) / "streambroker" / f"{graph}.sock"
