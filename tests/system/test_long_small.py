# SPDX-License-Identifier: Apache-2.0
# test: labels=slow number=100000000 timeout=1800
"""R-DATA-029: 64-byte frames through three processes on lossless links. The argument is their number."""
import sys

from long_run import run

if __name__ == "__main__":
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000_000
    sys.exit(run(f"exec: [test-source], config: {{frames: {frames}}}", "data", frames, "stamp: true",
                 "depth: 4096, max_payload: 64"))
