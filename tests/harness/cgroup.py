# SPDX-License-Identifier: Apache-2.0
"""A memory cgroup of our own, of either version, below the one that we are in."""
import os
import pathlib
import re

ROOT = pathlib.Path("/sys/fs/cgroup")


def folders():
    """(folder of our memory cgroup, name of the file with the limit), for what this machine has."""
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            yield ROOT / "memory" / path.lstrip("/"), "memory.limit_in_bytes"
        elif controllers == "":
            yield ROOT / path.lstrip("/"), "memory.max"


class MemoryCgroup:
    """A cgroup with a limit. Raises OSError where none can be made."""

    def __init__(self, limit_bytes):
        problems = ["there is no memory cgroup"]
        for parent, limit in folders():
            self.folder = parent / f"streambroker-test-{os.getpid()}"
            try:
                self.folder.mkdir()
            except OSError as problem:
                problems.append(str(problem))
                continue
            try:
                (self.folder / limit).write_text(str(limit_bytes))
                return
            except OSError as problem:
                problems.append(str(problem))
                self.folder.rmdir()
        raise OSError("; ".join(problems))

    def enter(self):
        """To be called between fork and exec."""
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def kills(self):
        """How often the kernel killed a process in it for want of memory."""
        for name in ("memory.events", "memory.oom_control"):
            path = self.folder / name
            if path.exists():
                return int(re.search(r"oom_kill (\d+)", path.read_text()).group(1))
        raise OSError("the kernel does not count its kills")

    def close(self):
        self.folder.rmdir()


def has_memory():
    try:
        MemoryCgroup(1 << 30).close()
        return True
    except OSError:
        return False
