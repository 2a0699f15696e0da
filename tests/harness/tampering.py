# SPDX-License-Identifier: Apache-2.0
"""What is done to files that were signed."""


def flip(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(bytes(content))


def change_line(path, number, change):
    lines = path.read_text().split("\n")
    lines[number] = change(lines[number])
    path.write_text("\n".join(lines))


def other_letter(line, at):
    return line[:at] + ("B" if line[at] != "B" else "C") + line[at + 1:]
