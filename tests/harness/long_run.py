# SPDX-License-Identifier: Apache-2.0
"""A long run of source -> filter -> sink: no gap, no reorder, and the bytes behind the filter are those before it."""
import json
import os
import pathlib
import re
import subprocess
import time

from graphs import BUILD, Graph


def run(source, port, frames, check, link):
    """Exit status for a test. Every frame is also seen by a sink right behind the source: same hash."""
    if os.environ.get("SB_SANITIZE"):
        print("skipped: a long run is for builds without a sanitizer")
        return 77
    if not pathlib.Path(BUILD / "libexec/streambroker/check-sink").exists():
        print("skipped: the processors were not built")
        return 77
    graph = Graph()
    sink = f"exec: [check-sink], config: {{expect_frames: {frames}, latency: false, {check}}}"
    graph.write({"a": source, "b": "exec: [pass]", "behind": sink, "before": sink},
                [f"{{from: a.{port}, to: b.in, {link}}}", f"{{from: b.out, to: behind.in, {link}}}",
                 f"{{from: a.{port}, to: before.in, {link}}}"])
    begin = time.monotonic()
    done = subprocess.run(graph.command("-v"), capture_output=True, text=True, check=False)
    seconds = time.monotonic() - begin
    graph.close()
    sinks = {found["node"]: found for found in map(json.loads, re.findall(r"stdout: (\{.*\})", done.stderr))}
    counts = re.findall(r"link (\S+ -> \S+): published=(\d+) released=(\d+)\n", done.stderr)
    print(f"{frames} frames in {seconds:.1f} s; links {counts}; {sinks}")
    is_right = (done.returncode == 0 and len(counts) == 3 and len(sinks) == 2 and
                all(int(published) == int(released) == frames for _, published, released in counts) and
                all(found["frames"] == frames and found["missing"] == 0 for found in sinks.values()) and
                sinks["before"]["hash"] == sinks["behind"]["hash"])
    if not is_right:
        print(f"failed with {done.returncode}:\n{done.stderr}")
    return 0 if is_right else 1
