# SPDX-License-Identifier: Apache-2.0
# test: labels=slow number=60 timeout=300
"""Nobody is killed because the machine has no time for it.

    test_starved.py 60    a graph for 60 seconds beside ten times more busy processes than CPUs; meanwhile the
                          broker itself is stopped for three seconds
"""
import os
import pathlib
import re
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(os.environ["SB_SOURCE_DIR"]) / "tests"))
from harness.graphs import BUILD, Graph
from harness.waiting import let_pass

SHORT = "timeouts: {start: 60s, process: 500ms, stop: 60s}"
STOPPED_S = 3
BUSY_PER_CPU = 10


def main():
    """R-SUP-020"""
    seconds = max(float(sys.argv[1]), 2 * STOPPED_S)
    graph = Graph()
    nodes = {"a": f"exec: [test-source], config: {{rate: 500}}, {SHORT}"}
    nodes |= {f"f{i}": f"exec: [pass], {SHORT}" for i in range(3)}
    nodes["z"] = f"exec: [check-sink], config: {{numbers: gapless}}, {SHORT}"
    graph.write(nodes, ["a.data -> f0.in", "f0.out -> f1.in", "f1.out -> f2.in", "f2.out -> z.in"])
    running = graph.start("-v")
    busy = []
    try:
        running.expect("z[1]: ready -> running")
        for _ in range(BUSY_PER_CPU * len(os.sched_getaffinity(0))):
            busy.append(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
        let_pass((seconds - STOPPED_S) / 2)
        running.signal(signal.SIGSTOP)
        let_pass(STOPPED_S)
        running.signal(signal.SIGCONT)
        let_pass((seconds - STOPPED_S) / 2)
        running.signal()
        status = running.wait()
    finally:
        for process in busy:
            process.kill()
            process.wait()
        running.close()
        graph.close()
    text = running.text()
    frames = re.search(r"f2\.out -> z\.in: published=(\d+) released=\1\n", text)
    excused = text.count("it gets its deadline once more")
    if status != 0 or not frames or "died" in text or "deadline of" in text:
        print(f"exit status {status}:\n{text}")
        return 1
    print(f"{frames[1]} frames in {seconds:.0f} s beside {len(busy)} busy processes, nobody was killed; "
          f"{excused} deadlines were given twice")
    return 0


if __name__ == "__main__":
    if not (BUILD / "libexec/streambroker/pass").exists():
        print("skipped: the processors were not built")
        sys.exit(77)
    sys.exit(main())
