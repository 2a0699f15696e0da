# SPDX-License-Identifier: Apache-2.0
# test: labels=slow number=100 timeout=600 lock=gpu tiers
"""Kills workers while their device draws, and looks at every frame that comes out.

    test_gpu_deaths.py 100    kills the producer of a GPU pool 100 times and its reader 100 times

Between trusted workers the pool is memory of the device, between untrusted ones of the broker's.
"""
import json
import os
import pathlib
import random
import re
import signal
import sys

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests" / "harness"))
from control_client import Client, socket_of
from graphs import BUILD, TIER, Graph, skip_without_walls
from live_graph import Broker, connected
from waiting import let_pass, wait_until

RESTART = "restart: {max: unlimited, delay: 10ms, max_delay: 10ms}, on_crash: {poison_after: 1000}"
GPU = f"sandbox: {{tier: {TIER}, devices: [gpu], env: {{LP_NUM_THREADS: \"1\"}}}}, {RESTART}"
NODES = {"source": "exec: [test-pattern], config: {width: 640, height: 360, pattern: noise, number: false}",
         "up": f"exec: [gpu-upload], {GPU}",
         "blur": f"exec: [gpu-blur], config: {{radius: 0}}, {GPU}",
         "before": "exec: [check-sink], config: {latency: false}",
         "behind": "exec: [check-sink], config: {latency: false}"}
LINKS = ["source.video -> up.video", "up.video -> blur.video", "blur.video -> behind.in", "source.video -> before.in"]
SEED = int(os.environ.get("SB_SEED") or random.randrange(1 << 32))


def node_of(client, name):
    nodes = client.call("nodes").json
    return next(node for node in nodes if node["id"] == name)


def descriptors(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


def published(client):
    links = client.call("links").json
    return next(link["published"] for link in links if link["from"] == "blur.video")


def kill(client, name, chance):
    """Kills one life of a node somewhere in the work on a frame, and waits for the next life."""
    seen = published(client)
    # Every life gets to work, so that it is killed at it.
    wait_until(lambda: published(client) > seen, "no frame comes out")
    node = wait_until(lambda: (lambda found: found if found["state"] == "running" else None)(node_of(client, name)),
                      f"{name} does not run")
    let_pass(chance.uniform(0, 0.06))
    try:
        os.kill(node["pid"], signal.SIGKILL)
    except ProcessLookupError:
        return
    wait_until(lambda: node_of(client, name)["generation"] > node["generation"], f"{name} is not started again")


def run(graph, count):
    graph.write(NODES, LINKS, "clock: {fps: 100}")
    running = Broker(graph)
    chance = random.Random(SEED)
    try:
        client = wait_until(lambda: socket_of().exists() and connected(socket_of()), "nobody listens")
        wait_until(lambda: client.call("status").json["state"] == "running", "the graph does not run")
        kill(client, "up", chance)
        kill(client, "blur", chance)
        wait_until(lambda: all(node["state"] == "running" for node in client.call("nodes").json), "not all run")
        before = descriptors(running.process.pid)
        for _ in range(count - 1):
            kill(client, "up", chance)
            kill(client, "blur", chance)
        wait_until(lambda: all(node["state"] == "running" for node in client.call("nodes").json), "not all run")
        after = wait_until(lambda: descriptors(running.process.pid) <= before + 2, "descriptors are left open")
        assert after
        client.close()
        running.process.send_signal(signal.SIGINT)
        assert running.wait() == 0, running.text()[-6000:]
        return running.text()
    finally:
        running.close()


def main(count):
    """R-GPU-017 R-GPU-018 R-GPU-044"""
    graph = Graph()
    try:
        text = run(graph, count)
    finally:
        graph.close()
    sinks = {found["node"]: found for found in map(json.loads, re.findall(r"stdout: (\{.*\})", text))}
    before, behind = sinks["before"], sinks["behind"]
    print(f"seed {SEED}: {count} kills of each, {behind['frames']} frames")
    # Every frame once, in order, and not one byte of it half drawn.
    for key in ("frames", "bytes", "hash", "last_number", "missing"):
        assert before[key] == behind[key], (key, sinks, text[-6000:])
    assert behind["frames"] > count and behind["ok"], sinks


if __name__ == "__main__":
    if not (BUILD / "libexec/streambroker/gpu-blur").exists():
        print("skipped: built without Vulkan")
        sys.exit(77)
    if os.environ.get("SB_SANITIZE"):
        print("skipped: sanitized workers cannot run in a sandbox, and drivers are not sanitized")
        sys.exit(77)
    if not any(pathlib.Path("/usr/share/vulkan/icd.d").glob("*.json")):
        print("skipped: there is no Vulkan driver")
        sys.exit(77)
    skip_without_walls()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
