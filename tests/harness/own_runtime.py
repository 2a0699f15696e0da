# SPDX-License-Identifier: Apache-2.0
"""Importing this gives the process a runtime folder of its own: brokers of tests that run side by side have
equal names, and must not meet in one place."""
import atexit
import os
import shutil
import tempfile

FOLDER = tempfile.mkdtemp(prefix="sb-run-")
OWNER = os.getpid()


def _remove():
    if os.getpid() == OWNER:
        shutil.rmtree(FOLDER, ignore_errors=True)


os.environ["XDG_RUNTIME_DIR"] = FOLDER
atexit.register(_remove)
