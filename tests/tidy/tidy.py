# SPDX-License-Identifier: Apache-2.0
"""The habits of the project, checked: `tidy.py CHECK...` prints each offence as file:line: what.

A line may be excused by a comment on it or on the line above: `tidy: allow CHECK: reason`.
"""
import argparse
import ast
import fnmatch
import pathlib
import re
import subprocess
import sys

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
HEADER_LINES_MAX = 250
COLUMNS_MAX = 100
TABLE_COLUMNS_MAX = 120
SKIPPED_FOLDERS = {".git", "build", "__pycache__", ".cache", "corpus"}
CODE = (".c", ".h", ".def", ".proto", ".cc", ".py", ".cmake", ".in")
DOC_FIELDS = ["Shape", "Units", "Owner", "Thread", "Returns", "Source"]


class Tree:
    """The files of the project, and the offences found in them."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.paths = sorted(self._list())
        self.offences = []
        self.texts = {}

    def _list(self):
        try:
            command = ["git", "-C", str(self.root), "ls-files", "-co", "--exclude-standard", "-z"]
            listed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
            paths = [path for path in listed.split("\0") if path]
        except (OSError, subprocess.CalledProcessError):
            paths = [str(path.relative_to(self.root)) for path in self.root.rglob("*")]
        for path in paths:
            parts = path.split("/")
            skipped = any(p in SKIPPED_FOLDERS or p.startswith("build-") for p in parts[:-1])
            if not skipped and (self.root / path).is_file():
                yield path

    def text(self, path):
        if path not in self.texts:
            self.texts[path] = (self.root / path).read_bytes().decode("utf-8", "replace")
        return self.texts[path]

    def lines(self, path):
        return self.text(path).splitlines()

    def matching(self, *patterns):
        return [p for p in self.paths if any(fnmatch.fnmatchcase(p, pattern) for pattern in patterns)]

    def offend(self, check, path, line, what):
        lines = self.lines(path) if line and path in self.paths else []
        near = " ".join(lines[max(0, line - 2):line]) if line else ""
        if not re.search(rf"tidy: allow {check}: \S", near):
            self.offences.append(f"{path}:{line}: {what}" if line else f"{path}: {what}")


def rooms_of(tree):
    """The table of cmake/rooms.cmake: room -> set of rooms that it may use."""
    table = re.search(r"set\(SB_ROOM_TABLE(.*?)\n\)", tree.text("cmake/rooms.cmake"), re.S)
    rows = re.findall(r'"([a-z]+):\s*([a-z ]*)"', table.group(1)) if table else []
    if not rows:
        sys.exit("tidy: cmake/rooms.cmake has no SB_ROOM_TABLE that can be read")
    return {room: set(uses.split()) for room, uses in rows}


def without_comments(text):
    """The text of a C file with comments and the insides of strings blanked, lines kept."""
    def blank(match):
        word = match.group(0)
        if word[0] in "\"'":
            return word[0] + " " * (len(word) - 2) + word[0]
        return re.sub(r"[^\n]", " ", word)
    pattern = r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    return re.sub(pattern, blank, text, flags=re.S)


def room_files(tree, room, *suffixes):
    return [p for p in tree.paths if p.startswith(room + "/") and p.endswith(suffixes)]


def functions_of(tree, path):
    """(name, is_static, first line of the definition, lines of the block) of a C file's functions."""
    lines = without_comments(tree.text(path)).splitlines()
    for number, line in enumerate(lines, 1):
        if line.rstrip() != "{":
            continue
        end = next((n for n in range(number, len(lines)) if lines[n].rstrip() == "}"), None)
        start = number - 1
        while start > 0 and lines[start - 1].strip() and not re.search(r"[;}]\s*$|^\s*#", lines[start - 1]):
            start -= 1
        head = " ".join(lines[start:number - 1])
        name = re.search(r"(\w+)\s*\((?!\()", re.sub(r"__attribute__\s*\(\(.*?\)\)", "", head))
        if name and end is not None:
            yield name.group(1), bool(re.search(r"\bstatic\b", head)), start + 1, end - number + 2


def check_rooms(tree):
    """A room includes only what the table allows, and writes it as "room/file.h"."""
    rooms = rooms_of(tree)
    places = list(rooms) + ["include"]
    for place in places:
        for path in room_files(tree, place, ".c", ".h", ".def"):
            for number, line in enumerate(tree.lines(path), 1):
                include = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
                if include:
                    problem = include_problem(tree, rooms, place, path, *include.groups())
                    if problem:
                        tree.offend("rooms", path, number, problem)


def include_problem(tree, rooms, place, path, quote, target):
    first = target.split("/")[0]
    if quote == "<":
        return f"<{target}> is one of ours: write \"{target}\"" if first in rooms else None
    if target.endswith(".pb-c.h"):
        return None if place == "schemas" else "generated protobuf code is seen by schemas only"
    if first not in rooms or ".." in target:
        return f'write "{target}" as "room/file.h"'
    if place == "include":
        return f"a public header includes no room, but here {first}"
    if first != place and first not in rooms[place]:
        allowed = ", ".join(sorted(rooms[place])) or "no other room"
        return f"{place} may not include {first}; it may include {allowed}"
    if place == "sandbox" and first == "schemas" and not target.endswith("_layout.h"):
        return "the sandbox includes layouts of schemas only (*_layout.h)"
    if target not in tree.paths and target + ".in" not in tree.paths:
        return f"there is no {target}"
    return None


def check_sizes(tree):
    """Functions, files, headers and lines are small enough to be read."""
    for path in tree.paths:
        if not path.endswith(CODE) and not path.endswith(("CMakeLists.txt", "/run")) and path != "dev":
            continue
        lines = tree.lines(path)
        limit = FILE_LINES_MAX
        if path.endswith(".h") and not path.startswith("include/"):
            limit = HEADER_LINES_MAX
        if len(lines) > limit:
            tree.offend("sizes", path, len(lines), f"{len(lines)} lines, at most {limit}")
        for number, line in enumerate(lines, 1):
            columns = TABLE_COLUMNS_MAX if path.endswith((".def", ".py")) else COLUMNS_MAX
            if len(line) > columns and path.endswith((".c", ".h", ".def", ".cc", ".proto", ".py")):
                tree.offend("sizes", path, number, f"{len(line)} columns, at most {columns}")
        if path.endswith((".c", ".h")):
            for name, _, number, length in functions_of(tree, path):
                function_size(tree, path, name, number, length)
        if path.endswith(".py"):
            for node in ast.walk(ast.parse(tree.text(path))):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    function_size(tree, path, node.name, node.lineno, node.end_lineno - node.lineno + 1)


def function_size(tree, path, name, number, length):
    if length > FUNCTION_LINES_MAX:
        tree.offend("sizes", path, number, f"{name} has {length} lines, at most {FUNCTION_LINES_MAX}")


def public_names(tree):
    text = "\n".join(without_comments(tree.text(p)) for p in tree.matching("include/streambroker/*"))
    return set(re.findall(r"\bsb_\w+", text))


def check_names(tree):
    """A .c stem is unique and is the prefix of its functions; sb_ is what include/ declares."""
    stems = {}
    for path in tree.matching("*.c"):
        stem = pathlib.PurePosixPath(path).stem
        if stem in stems:
            tree.offend("names", path, 1, f"the stem '{stem}' is also that of {stems[stem]}")
        stems[stem] = path
    public = public_names(tree)
    for room in rooms_of(tree):
        for path in room_files(tree, room, ".c"):
            check_function_names(tree, path, public)
        for path in room_files(tree, room, ".c", ".h"):
            check_type_names(tree, path, public)


def check_function_names(tree, path, public):
    stem = pathlib.PurePosixPath(path).stem
    for name, is_static, number, _ in functions_of(tree, path):
        if name.startswith("sb_"):
            if name not in public:
                tree.offend("names", path, number, f"{name} is not declared in include/streambroker")
        elif not is_static and name not in ("main", stem) and not name.startswith(stem + "_"):
            tree.offend("names", path, number, f"{name} is not static, so it begins with {stem}_")


def check_type_names(tree, path, public):
    for number, line in enumerate(without_comments(tree.text(path)).splitlines(), 1):
        name = re.match(r"\s*(?:struct|enum|union)\s+(sb_\w+)\s*\{", line)
        if name and name.group(1) not in public:
            tree.offend("names", path, number, f"{name.group(1)} is not declared in include/streambroker")
        if re.match(r"\s*typedef\s+(struct|union)\b", line):
            tree.offend("names", path, number, "no typedef for structs")


def check_licence(tree):
    """Every file of code begins with the SPDX line, and .c files go on with one sentence."""
    for path in tree.paths:
        if not path.endswith(CODE) and not path.endswith("CMakeLists.txt"):
            continue
        lines = tree.lines(path)
        if lines and lines[0].startswith("#!"):
            lines = lines[1:]
        if not lines or "SPDX-License-Identifier: Apache-2.0" not in lines[0]:
            tree.offend("licence", path, 1, "the first line is '// SPDX-License-Identifier: Apache-2.0'")
        elif path.endswith((".c", ".h", ".def", ".cc")):
            said = [line for line in lines[1:12] if re.match(r"\s*(//|/\*|\*)\s*\S.*", line)]
            if not said or (path.endswith(".c") and not re.match(r"//|/\*", lines[1])):
                tree.offend("licence", path, 2, "say in one sentence what this file is")


BANNED = {
    "strcpy": "no bound: use snprintf or base", "strcat": "no bound", "sprintf": "no bound",
    "vsprintf": "no bound", "gets": "no bound", "strtok": "hidden state", "alloca": "no bound",
    "atoi": "no errors", "atol": "no errors", "atof": "no errors", "system": "runs a shell",
    "popen": "runs a shell", "tmpnam": "races", "mktemp": "races", "vfork": "see fork",
}
SLEEPS = {"sleep", "usleep", "nanosleep"}
FORKS = {"fork", "clone", "posix_spawn", "posix_spawnp"}


def check_banned(tree):
    """No unbounded or shell calls; tests do not sleep; only the launcher and the tests fork."""
    for path in tree.matching("*.c", "*.h"):
        for number, line in enumerate(without_comments(tree.text(path)).splitlines(), 1):
            for name in re.findall(r"(?<![\w.>])(\w+)\s*\(", line):
                problem = banned_problem(path, name)
                if problem:
                    tree.offend("banned", path, number, f"{name}(): {problem}")
    for path in tree.matching("tests/*.py"):
        for number, line in enumerate(tree.lines(path), 1):
            if re.search(r"\btime\.sleep\(", line) and not path.startswith("tests/harness/"):
                tree.offend("banned", path, number, "tests wait for what they expect (tests/harness)")


def banned_problem(path, name):
    if name in BANNED:
        return BANNED[name]
    if name in SLEEPS and path.startswith("tests/"):
        return "tests wait for what they expect"
    may_fork = path.startswith(("tests/", "tools/", "sandbox/launcher", "sandbox/shim", "sandbox/walls.c"))
    if name in FORKS and not may_fork:
        return "only the launcher and the shim fork"
    return None


def check_notes(tree):
    """What is left to do is not written into the code."""
    words = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    for path in tree.paths:
        for number, line in enumerate(tree.lines(path), 1):
            if words.search(line) and path != "LICENSE":
                tree.offend("notes", path, number, f"'{words.search(line).group(1)}': do it or drop it")


def check_tested(tree):
    """Every .c of a room has a test file of its own; the exceptions have reasons and get fewer."""
    excused = read_exceptions(tree, "tests/tidy/untested.txt")
    untested = set()
    for room in rooms_of(tree):
        for path in room_files(tree, room, ".c"):
            stem = pathlib.PurePosixPath(path).stem
            wanted = [f"tests/unit/{room}/test_{stem}.c", f"tests/unit/{room}/test_{stem}.py"]
            if not any(test in tree.paths for test in wanted):
                untested.add(path)
                if not any(fnmatch.fnmatchcase(path, pattern) for pattern in excused):
                    tree.offend("tested", path, 0, f"has no {wanted[0]}")
    for pattern, number in excused.items():
        if not fnmatch.filter(untested, pattern):
            tree.offend("tested", "tests/tidy/untested.txt", number, f"{pattern} needs no exception: drop it")
    print(f"tested: {len(untested)} files of rooms without a unit test of their own")


def read_exceptions(tree, path):
    """`file: reason` per line -> {file: line number}."""
    entries = {}
    for number, line in enumerate(tree.lines(path) if path in tree.paths else [], 1):
        if line.strip() and not line.startswith("#"):
            entry = re.match(r"(\S+): (\S.*)", line)
            if entry:
                entries[entry.group(1)] = number
            else:
                tree.offend("tested", path, number, "write 'file: reason'")
    return entries


def check_headers(tree):
    """Public headers document every call, with the fields in their order."""
    declaration = re.compile(r"(?!\s|#|typedef|return|extern|static_assert|_Static_assert)"
                             r"([\w\s*]+?)\b(sb_\w+)\s*\((?!\s*\*)")
    for path in tree.matching("include/streambroker/*.h", "include/streambroker/*.h.in"):
        lines = tree.lines(path)
        threads = re.search(r"^ \* Threads?:", tree.text(path), re.M)
        for number, line in enumerate(without_comments(tree.text(path)).splitlines(), 1):
            declared = declaration.match(line)
            if declared:
                comment = comment_above(lines, number, declaration)
                problem = comment_problem(comment, declared.group(1), threads)
                if problem:
                    tree.offend("headers", path, number, f"{declared.group(2)}: {problem}")


def comment_above(lines, number, declaration):
    """The comment of a declaration; declarations that follow each other without a gap share one."""
    end = number - 1
    while end > 0 and (declaration.match(lines[end - 1]) or re.match(r"    \S", lines[end - 1])):
        end -= 1
    if end == 0 or not lines[end - 1].strip().endswith("*/"):
        return None
    start = end - 1
    while start > 0 and not lines[start].strip().startswith("/**"):
        start -= 1
    return lines[start:end]


def comment_problem(comment, returned, threads):
    if comment is None:
        return "has no /** comment */ right above it"
    fields = [m.group(1) for m in (re.match(r"\s*\*\s*([A-Z][a-z]+):", line) for line in comment) if m]
    known = [field for field in fields if field in DOC_FIELDS]
    if known != sorted(known, key=DOC_FIELDS.index):
        return f"the fields go in the order {', '.join(DOC_FIELDS)}"
    if "Thread" not in known and not threads:
        return "says nothing under 'Thread:', nor does the head of the file"
    # One line is enough for what gives a value and cannot fail.
    if "Returns" not in known and len(comment) > 1 and re.fullmatch(r"(SB_API )?int ", returned):
        return "says nothing under 'Returns:'"
    return None


REQUIREMENT = re.compile(r"\bR-[A-Z]+-[0-9]{3}\b")
LATER_PARTS = ("sandbox", "live graph", "gpu")


def check_requirements(tree):
    """Each requirement has a test that carries its id; no test carries an id that is none."""
    source = "docs/requirements.md"
    known, needed = {}, set()
    for number, line in enumerate(tree.lines(source), 1):
        entry = re.match(r"- \*\*(R-[A-Z]+-[0-9]{3})\*\* (.*)", line)
        if not entry:
            if REQUIREMENT.search(line):
                tree.offend("requirements", source, number, "write '- **R-AREA-NNN** One sentence.'")
            continue
        name, sentence = entry.groups()
        if name in known:
            tree.offend("requirements", source, number, f"{name} is also in line {known[name]}")
        known[name] = number
        mark = re.search(r" \(later: ([a-z ]+)\)$", sentence)
        if not re.search(r"\.$", sentence[:mark.start()] if mark else sentence):
            tree.offend("requirements", source, number, "a requirement is a sentence, with its full stop")
        if mark and mark.group(1) not in LATER_PARTS:
            tree.offend("requirements", source, number, f"'{mark.group(1)}': one of {', '.join(LATER_PARTS)}")
        if mark is None:
            needed.add(name)
    tested = requirement_tests(tree, known)
    for name in sorted(needed - tested):
        tree.offend("requirements", source, known[name], f"{name} is in no test")
    print(f"requirements: {len(known)} lines, {len(tested)} in tests, {len(known) - len(needed)} for later")


def requirement_tests(tree, known):
    tested = set()
    for path in tree.paths:
        # tidy's own two files speak of ids that are none.
        if path.startswith("tests/") and not path.endswith("tidy.py"):
            for number, line in enumerate(tree.lines(path), 1):
                for name in REQUIREMENT.findall(line):
                    tested.add(name)
                    if name not in known:
                        tree.offend("requirements", path, number, f"{name} is not in docs/requirements.md")
    return tested & set(known)


def anchors_of(tree, path):
    """The anchors of a markdown file's headings, as the usual viewers make them."""
    anchors = set()
    for line in re.sub(r"```.*?```", "", tree.text(path), flags=re.S).splitlines():
        heading = re.match(r"#+\s+(.*)", line)
        if heading:
            words = re.sub(r"[^\w\- ]", "", heading.group(1).strip().lower())
            anchors.add(words.replace(" ", "-"))
    return anchors


def check_links(tree):
    """Links in markdown lead somewhere, and so do the files that it names in backticks."""
    tops = {path.split("/")[0] for path in tree.paths if "/" in path}
    for path in tree.matching("*.md"):
        folder = pathlib.PurePosixPath(path).parent
        for number, line in enumerate(tree.lines(path), 1):
            for target in re.findall(r"\]\(([^)\s]+)\)", line):
                problem = link_problem(tree, path, folder, target)
                if problem:
                    tree.offend("links", path, number, problem)
            for name in re.findall(r"`([\w.\-*/]+/[\w.\-*]+\.(?:c|h|py|cmake|def|proto|yaml|md))`", line):
                inside = name.split("/")[0] in tops and name.split("/")[0] != "build"
                if inside and not tree.matching(name, name + ".in"):
                    tree.offend("links", path, number, f"there is no {name}")


def link_problem(tree, path, folder, target):
    if re.match(r"[a-z]+:", target):
        return None
    file, _, anchor = target.partition("#")
    resolved = path
    if file:
        absolute = (tree.root / folder / file).resolve()
        if not absolute.exists() or not absolute.is_relative_to(tree.root):
            return f"the link {target} leads nowhere"
        resolved = str(absolute.relative_to(tree.root))
    if anchor and resolved in tree.paths and anchor not in anchors_of(tree, resolved):
        return f"{resolved} has no heading #{anchor}"
    return None


def check_private(tree):
    """The project speaks of itself only, not of the place where it was written."""
    words = [r"(?<![\w.])[/]work/", r"[.]library\b", r"\bshared[/](reference|design|hooks)",
             r"\bissues? #?\d", r"\b(seeds|design)[.]md\b", r"\b(sub)?agents?\b(?! of)",
             r"\blanguage mode[l]s?\b", r"\b[C]laude\b", r"\b[A]nthropic\b"]
    pattern = re.compile("|".join(words))
    for path in tree.paths:
        if path == "LICENSE" or path.startswith("tests/tidy/"):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            found = pattern.search(line)
            if found:
                tree.offend("private", path, number, f"'{found.group(0)}' is no word of the project")


CHECKS = {name[len("check_"):]: check for name, check in list(globals().items())
          if name.startswith("check_") and name not in ("check_function_names", "check_type_names")}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("checks", nargs="*", choices=[*CHECKS, []], metavar="CHECK",
                        help=f"of {', '.join(CHECKS)}; all when none is given")
    arguments = parser.parse_args()
    tree = Tree(arguments.root)
    for name in arguments.checks or CHECKS:
        CHECKS[name](tree)
    for offence in tree.offences:
        print(offence)
    print(f"tidy: {len(tree.offences)} offences in {len(tree.paths)} files")
    return 1 if tree.offences else 0


if __name__ == "__main__":
    sys.exit(main())
