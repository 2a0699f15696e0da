# SPDX-License-Identifier: Apache-2.0
"""graph_docs.py PROGRAM DOCUMENT [--check]: writes the generated tables between their markers, or
says (exit status 1) that they are not current."""
import pathlib
import re
import subprocess
import sys


def main():
    program, document = sys.argv[1], pathlib.Path(sys.argv[2])
    text = document.read_text()

    def table(match):
        made = subprocess.run([program, match.group(2)], capture_output=True, text=True, check=True).stdout
        return f"{match.group(1)}\n{made}{match.group(3)}"

    current = re.sub(r"(<!-- begin \w+ of (\w+) -->)\n.*?(<!-- end \w+ -->)", table, text, flags=re.S)
    if current == text:
        return 0
    if "--check" in sys.argv:
        print(f"{document}: the tables are not those that the sources say; run ./dev docs")
        return 1
    document.write_text(current)
    return 0


if __name__ == "__main__":
    sys.exit(main())
