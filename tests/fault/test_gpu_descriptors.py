# SPDX-License-Identifier: Apache-2.0
# test: timeout=120 lock=gpu tiers
"""R-GPU-018: ten thousand frames leave no descriptor open, in no worker and not in the broker."""
import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests" / "harness"))
from control_client import socket_of
from graphs import BUILD, TIER, Graph, children, skip_without_walls
from live_graph import Broker, connected
from waiting import wait_until

FRAMES = 10000
GPU = f"sandbox: {{tier: {TIER}, devices: [gpu], env: {{LP_NUM_THREADS: \"1\"}}}}"
# Each kind of worker that has a device: who draws, who works on it, who carries it to the CPU.
NODES = {"source": f"exec: [gpu-pattern], config: {{width: 64, height: 36}}, run: {{mode: continuous}}, {GPU}",
         "blur": f"exec: [gpu-blur], config: {{radius: 1}}, {GPU}",
         "convert": f"exec: [gpu-convert], config: {{pixel: i420}}, {GPU}",
         "sink": "exec: [null-sink], gpu: \"off\""}
LINKS = ["source.video -> blur.video", "blur.video -> convert.video", "convert.video -> sink.in"]


def descriptors(pid):
    """pid -> how many it has, of the broker and everything below it."""
    return {one: len(list(pathlib.Path(f"/proc/{one}/fd").iterdir())) for one in (pid, *children(pid))}


def main():
    graph = Graph()
    graph.write(NODES, LINKS)
    running = Broker(graph)
    try:
        client = wait_until(lambda: socket_of().exists() and connected(socket_of()), "nobody listens")

        def published():
            links = client.call("links").json
            return next((link["published"] for link in links if link["to"] == "sink.in"), 0)

        wait_until(lambda: published() > 100, "no frames come")
        before, start = descriptors(running.process.pid), published()
        wait_until(lambda: published() > start + FRAMES, "too few frames come", limit_s=60)
        after = descriptors(running.process.pid)
        client.close()
        assert len(before) > 5 and after == before, (before, after)
        running.process.send_signal(signal.SIGINT)
        assert running.wait() == 0, running.text()[-6000:]
        assert " 0 host copies" in running.text()
        print(f"{FRAMES} frames: {len(after)} processes with {sum(after.values())} descriptors, before and after")
    finally:
        running.close()
        graph.close()


if __name__ == "__main__":
    if not (BUILD / "libexec/streambroker/gpu-blur").exists():
        print("skipped: built without Vulkan")
        sys.exit(77)
    if os.environ.get("SB_SANITIZE"):
        print("skipped: drivers are not sanitized")
        sys.exit(77)
    if not any(pathlib.Path("/usr/share/vulkan/icd.d").glob("*.json")):
        print("skipped: there is no Vulkan driver")
        sys.exit(77)
    skip_without_walls()
    main()
