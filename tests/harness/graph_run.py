# SPDX-License-Identifier: Apache-2.0
"""Runs graphs with the broker of the build tree, and reads numbers out of pictures."""
import json
import os
import pathlib
import re
import subprocess

import own_runtime  # noqa: F401

SOURCE = pathlib.Path(os.environ["SB_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["SB_BUILD_DIR"])
BROKER = BUILD / "bin/streambroker"


class Run:
    """What a graph left behind: its exit status and its log."""

    def __init__(self, done):
        self.status = done.returncode
        self.log = done.stderr + done.stdout

    def summaries(self):
        """What each check-sink printed, by node."""
        found = [json.loads(text) for text in re.findall(r"stdout: (\{.*\})", self.log)]
        return {summary["node"]: summary for summary in found}


def run_file(path, limit_s=50, options=()):
    return Run(subprocess.run([str(BROKER), *options, str(path)], capture_output=True, text=True,
                              timeout=limit_s, check=False))


def sandbox_of(folder, processor, config):
    """The tier $SB_TIER, trusted without it; an untrusted node is granted the file that it is about and no other."""
    if os.environ.get("SB_TIER", "trusted") == "trusted":
        return "trusted"
    path = config.get("path")
    if path is None or path.startswith("/dev/"):
        return "untrusted"
    key = "read" if processor.endswith("source") else "write"
    is_possible = (pathlib.Path(folder) / path).parent.is_dir() if key == "write" else \
        (pathlib.Path(folder) / path).exists()
    return {"tier": "untrusted", key: [path]} if is_possible else "untrusted"


def run_graph(folder, nodes, links, options=(), **keys):
    """nodes: name -> (processor, config) or (processor, config, other keys of the node)."""
    graph = {"version": 1, "nodes": {}, "links": links, **keys}
    for name, (processor, config, *more) in nodes.items():
        graph["nodes"][name] = {"exec": [processor], "config": config,
                                "sandbox": sandbox_of(folder, processor, config), **(more[0] if more else {})}
    path = pathlib.Path(folder) / "graph.yaml"
    path.write_text(json.dumps(graph))
    return run_file(path, options=options)


def code_level(picture, stride, left, top, cell, index):
    """Mean of the inner half of one cell of a number code, in a picture of gray bytes."""
    x0, x1 = left + (2 + index + 0.25) * cell, left + (2 + index + 0.75) * cell
    y0, y1 = top + 2.5 * cell, top + 3.5 * cell
    values = [picture[y * stride + x]
              for y in range(round(y0), max(round(y1), round(y0) + 1))
              for x in range(round(x0), max(round(x1), round(x0) + 1))]
    return sum(values) / len(values)


def read_number(picture, stride, width, left=0, top=0):
    """The number in a picture drawn `width` pixels wide at (left, top), as
    processors/test-pattern/drawing.h describes it; None when there is none."""
    cell = width / 40 if width % 40 and width < 320 else width // 40
    levels = [code_level(picture, stride, left, top, cell, i) for i in range(28)]
    middle = (levels[0] + levels[1] + levels[26] + levels[27]) / 4
    bits = int("".join("1" if level > middle else "0" for level in levels), 2)
    number, check = bits >> 6 & 0xfffff, 0xa
    for shift in range(0, 20, 4):
        check ^= number >> shift & 0xf
    framed = bits >> 26 == 2 and bits & 3 == 1
    return number if framed and bits >> 2 & 0xf == check else None


def decode_gray(path, width, height):
    """The frames of a film or picture, by ffmpeg, as gray bytes."""
    done = subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-fps_mode", "passthrough",
                           "-f", "rawvideo", "-pix_fmt", "gray", "-"], capture_output=True,
                          check=True, timeout=50)
    size = width * height
    assert len(done.stdout) % size == 0, "frames of another size"
    return [done.stdout[at:at + size] for at in range(0, len(done.stdout), size)]
