# SPDX-License-Identifier: Apache-2.0
# test: labels=slow number=100000 timeout=3000
"""R-DATA-029: frames as large as 1080p RGBA through three processes on lossless links. The argument is their number."""
import sys

from long_run import run

if __name__ == "__main__":
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    source = f"exec: [test-source], config: {{frames: {frames}, size: {1920 * 1080 * 4}}}"
    sys.exit(run(source, "data", frames, "numbers: gapless", "depth: 4"))
