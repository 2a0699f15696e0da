# SPDX-License-Identifier: Apache-2.0
"""A program that makes at most 300 processes, says how many it could make, and describes nothing."""

# They end at once and count until somebody has waited for them: nobody does before its own end.
BODY = """
import os, sys
count = 0
try:
    while count < 300:
        if os.fork() == 0:
            os._exit(0)
        count += 1
except OSError:
    pass
sys.stderr.write(f"{count} processes")
sys.exit(3)
"""
FORKS = "#!/usr/bin/env python3" + BODY
