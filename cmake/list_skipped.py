# SPDX-License-Identifier: Apache-2.0
"""Says which tests of a CTest run were skipped, whole or in part, each with the reason it printed."""
import sys
import xml.etree.ElementTree as ElementTree


# A case may be named after what it skips.
NAMES_OF_CASES = ("[ RUN ", "[       OK ]", "[  FAILED  ]")


def reasons(output, whole):
    """The lines that mention skipping; for a test that exited 77 without such a line, its last one."""
    lines = [line.strip() for line in (output or "").splitlines() if line.strip()]
    found = [line for line in lines
             if "skip" in line.lower() and "test(s)" not in line and not line.startswith(NAMES_OF_CASES)]
    if not found and whole:
        found = lines[-1:] or ["no reason printed"]
    return found


def main():
    try:
        cases = ElementTree.parse(sys.argv[1]).getroot().iter("testcase")
    except (OSError, ElementTree.ParseError) as error:
        print(f"skipped: cannot be listed: {error}")
        return
    total = 0
    for case in cases:
        whole = case.find("skipped") is not None and case.get("status") != "disabled"
        found = reasons(case.findtext("system-out"), whole)
        if case.get("status") in ("run", "notrun") and found:
            total += 1
            print(f"skipped: {case.get('name')}{'' if whole else ' (in part)'}: {'; '.join(found)}")
    print(f"skipped: {total} test{'' if total == 1 else 's'}")


main()
