# SPDX-License-Identifier: Apache-2.0
# test: serial timeout=900
"""The sixty-one attacks again, with a broker that is nobody special: what needs a meter may be weaker, nothing else.
R-ATTACK-003"""
import os
import shutil
import sys
import tempfile

NOBODY = 65534

if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped: attack.red_team has run as this user")
        sys.exit(77)
    # Everything is imported before: the interpreter itself may be one that only root can read.
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import own_runtime
    import test_red_team
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    os.environ["HOME"] = "/nonexistent"
    os.chdir("/tmp")
    own_runtime.FOLDER = os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="sb-run-")
    try:
        sys.exit(test_red_team.main())
    finally:
        shutil.rmtree(own_runtime.FOLDER)
