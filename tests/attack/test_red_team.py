# SPDX-License-Identifier: Apache-2.0
# test: serial timeout=900
"""Sixty-one attacks by an untrusted processor: each is contained, and neither broker nor neighbours feel it.
R-ATTACK-001 R-ATTACK-002

Prints one line per attack: `denied`, or `needs cgroup` / `needs own uid` with the weaker thing that was seen."""
import os
import pathlib
import platform
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import red_team
import signed_graphs
from red_team import BUILD, EVIL, WORKER, Broker, Field, Graph, children, count_fds, survivors
from harness import forking
from harness.cgroup import MemoryCgroup
from harness.waiting import let_pass, wait_until

LEFT = r"(.* \()?exit code 3"
PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
SECRET = "a-secret-of-the-broker-3f9c"
ATTACKS = []
WEAKER_WITHOUT_CGROUP = {4, 51}  # docs/sandbox.md
AGAIN = 3  # a fault of timing counts when it comes every time


class Weaker(Exception):
    """The attack was contained, but not as it would be with a meter that is missing here."""


def attack(number, title):
    def register(function):
        ATTACKS.append((number, title, function))
        return function
    return register


class Context:
    """What attacks need of the host: a field, a canary, a socket, a port, a victim."""

    def __init__(self):
        self.field = Field()
        self.folder = self.field.graph.folder
        self.canary = self.field.graph.file("canary", "secret\n", 0o644)
        self.port = socket.create_server(("127.0.0.1", 0))
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix_path = str(self.folder / "s")
        self.unix.bind(self.unix_path)
        self.unix.listen()
        os.chmod(self.unix_path, 0o777)
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind("\0" + self.unix_path)
        self.abstract.listen()
        counter = "import signal,sys,time\nseen=[0]\n" \
                  "for n in (1,2,10,12,14,15,29): signal.signal(n,lambda *_: print('hit',flush=True))\n" \
                  "print('up',flush=True)\nwhile True: signal.pause()\n"
        self.victim = subprocess.Popen([PYTHON, "-c", counter], stdout=subprocess.PIPE, text=True)
        self.victim.stdout.readline()

    def close(self):
        self.victim.kill()
        self.victim.wait()
        for each in (self.port, self.unix, self.abstract):
            each.close()
        self.field.close()

    def run(self, mode, reason=LEFT, allowed=(), tries=1, **how):
        """Runs an attack; every try must be refused, and it must have ended for this reason."""
        result = self.field.attack(mode, **how)
        check(not result.faults, "; ".join(result.faults), result)
        check(result.reason is not None and re.match(reason, result.reason), f"ended: {result.reason}", result)
        check(not result.allowed(allowed), f"allowed: {result.allowed(allowed)}", result)
        check(len(result.denied()) >= tries, f"only {len(result.denied())} tries were seen", result)
        return result


def check(is_right, what, result=None):
    if not is_right:
        raise AssertionError(what + (f"\n{result.text[-6000:]}" if result is not None else ""))


# --- Files and the host -------------------------------------------------------------------------

@attack(1, "read secrets of the host")
def read_secrets(at):
    result = at.run("read-secrets", path=str(at.canary), tries=8)
    check(all("ENOENT" in line or "EACCES" in line for line in result.denied()), "another refusal", result)


@attack(2, "write everywhere")
def write_everywhere(at):
    at.run("write-everywhere", path=str(at.canary), tries=12)
    check(at.canary.read_text() == "secret\n", "the canary was changed")


@attack(3, "fill /tmp")
def fill_tmp(at):
    result = at.run("fill-tmp", more="limits: {tmpfs: 4MiB}")
    check(result.notes["bytes"][0] <= 4 << 20, f"{result.notes}", result)
    check(any("ENOSPC" in line for line in result.denied()), "no ENOSPC", result)


@attack(4, "a million empty files")
def many_files(at):
    result = at.field.attack("many-files", more="limits: {tmpfs: 64MiB, memory: 48MiB}")
    check(not result.faults, "; ".join(result.faults), result)
    reason = result.reason or ""
    if re.match(LEFT, reason) and result.notes["files"][0] < 1000000:
        check(any("ENOSPC" in line for line in result.denied()), "no ENOSPC", result)
    elif re.match(LEFT, reason) or "process deadline" in reason:
        check("are not enforced in full" in result.text, "a cgroup did not hold it", result)
        raise Weaker(f"cgroup: the kernel's own memory for the files counts for nobody; {reason}")
    else:
        is_oom(result)


@attack(5, "swap the processor between check and start")
def swap_processor(at):
    swap(at, 15)


@attack(6, "read /proc of the sandbox")
def read_proc(at):
    environment = {**os.environ, "SB_SECRET": SECRET}
    result = at.run("read-proc", environment=environment, tries=6)
    check(SECRET not in result.text, "the broker's environment was seen", result)
    check(result.notes["environment"] in ([0], [1]), "", result)


@attack(7, "list inherited descriptors")
def list_descriptors(at):
    more = [os.dup(0) for _ in range(50)]
    try:
        result = at.run("list-descriptors", more_fds=more, tries=0)
    finally:
        for fd in more:
            os.close(fd)
    check(result.notes["descriptor"] == [0, 1, 2, 3], f"{result.notes}", result)


@attack(8, "mount, make devices, change the root")
def mounts(at):
    at.run("mounts", tries=13)


@attack(9, "terminals of the host")
def terminals(at):
    at.run("terminals", tries=8)


@attack(10, "execute other programs")
def execute_others(at):
    at.run("execute-others", path=str(EVIL), tries=11)


# --- Namespaces and privileges ------------------------------------------------------------------

@attack(11, "namespaces of its own")
def namespaces(at):
    at.run("namespaces", tries=19)


@attack(12, "privileges")
def privileges(at):
    # What it is already may be set again.
    at.run("privileges", allowed=("setgroups",), tries=22)


@attack(13, "calls of foreign architectures")
def foreign(at):
    if platform.machine() != "x86_64":
        return
    for mode in ("x32", "int80"):
        at.run(mode, reason="forbidden system call", tries=0)


@attack(14, "bwrap inside of the sandbox")
def bwrap_inside(at):
    result = at.run("execute-others", path="/usr/bin/bwrap", tries=9)
    check(any("bwrap" in line for line in result.denied()), "not tried", result)


@attack(15, "trace and write other processes")
def trace(at):
    at.run("trace", number=at.victim.pid, tries=12)


@attack(16, "sockets of all families")
def sockets(at):
    at.run("sockets", tries=12)


@attack(17, "a port of the host on the loopback")
def loopback(at):
    at.run("loopback", number=at.port.getsockname()[1], tries=1)
    at.port.settimeout(0)
    try:
        at.port.accept()
        check(False, "somebody connected")
    except BlockingIOError:
        pass


@attack(18, "sockets of broker and neighbours")
def local_sockets(at):
    for path in (at.unix_path, str(red_team.socket_of())):
        at.run("local-sockets", path=path, tries=3)
    for each in (at.unix, at.abstract):
        each.settimeout(0)
        try:
            each.accept()
            check(False, "somebody connected")
        except BlockingIOError:
            pass


# --- Signals and processes ----------------------------------------------------------------------

@attack(19, "signals to everybody")
def signals(at):
    result = at.run("signals", number=at.victim.pid)
    check(result.notes["reached"] == [0], f"{result.notes}", result)
    check(at.victim.poll() is None, "the victim is dead")
    check(not select.select([at.victim.stdout], [], [], 0)[0], "the victim got signals")


@attack(20, "a pidfd of the broker by its socket")
def peer_pidfd(at):
    at.run("peer-pidfd", tries=1)


@attack(21, "limits and affinity of other processes")
def limits_of_others(at):
    before = (resource.prlimit(at.victim.pid, resource.RLIMIT_NOFILE), os.sched_getaffinity(at.victim.pid),
              os.getpriority(os.PRIO_PROCESS, at.victim.pid))
    at.run("limits-of-others", number=at.victim.pid, tries=5)
    after = (resource.prlimit(at.victim.pid, resource.RLIMIT_NOFILE), os.sched_getaffinity(at.victim.pid),
             os.getpriority(os.PRIO_PROCESS, at.victim.pid))
    check(before == after, "they were changed")


@attack(22, "signals by descriptors")
def owner_of_descriptors(at):
    at.run("owner-of-descriptors", number=at.victim.pid, tries=4)


@attack(23, "daemons that outlive their worker")
def daemons(at):
    at.run("daemon", tries=1)
    check(not survivors(), "somebody is left")


@attack(24, "fork and thread bomb")
def bomb(at):
    nodes = {"again": f"exec: [{EVIL}], config: {{mode: exit-at-once}}, sandbox: untrusted, optional: true, "
                      "restart: {delay: 100ms, max_delay: 100ms, max: unlimited}"}
    result = at.run("thread-bomb", more="limits: {pids: 40}", nodes=nodes, seconds=1, tries=1)
    check(result.notes["threads"][0] < 64, f"{result.notes} threads", result)
    lives = max(int(life) for life in re.findall(r"again\[(\d+)\]", result.text))
    check(lives > 3, f"others could not be started: {lives}", result)


@attack(25, "outlive the broker")
def outlive(at):
    path = at.field.write(at.field.node("outlive"))
    broker = Broker(path)
    try:
        check(broker.expect(r"evil\[1\] stdout: done") is not None, "it did not run:\n" + broker.text())
        check("stdout: allowed" not in broker.text(), broker.text())
        broker.process.kill()
        broker.process.wait()
        wait_until(lambda: not survivors(), "somebody is left", 2)
    finally:
        broker.end()


@attack(26, "survive a broker that is killed while it starts")
def early_death(at):
    path = at.field.write(at.field.node("never-stops"))
    for turn in range(200):
        broker = Broker(path)
        try:
            # The first 5 ms of its start, or the time in which it describes itself before.
            is_spawned = turn % 2 == 0
            if is_spawned:
                broker.expect(r"evil\[1\]: (created|process)")
            let_pass(turn % 20 * (0.00025 if is_spawned else 0.0025))
            broker.process.kill()
            broker.process.wait()
            wait_until(lambda: not survivors(), f"somebody is left in turn {turn}", 2)
        finally:
            broker.end()


@attack(27, "stop itself, never read its socket")
def stop_itself(at):
    at.run("stop-itself", reason=".*deadline", tries=0, allowed=("stop itself",))
    at.run("never-reads", ports="out", reason=".*(deadline|control socket)", tries=0)


@attack(28, "ignore the end")
def never_stops(at):
    result = at.run("never-stops", reason=".*deadline", tries=0, look=None)
    check("deadline" in result.reason, result.reason, result)


@attack(29, "end in ways that look alike")
def ends(at):
    reasons = [at.run(mode, reason="", tries=0).reason for mode in ("exit-137", "abort", "kill-itself")]
    check("exit code 137" in reasons[0], reasons[0])
    check("SIGABRT" in reasons[1], reasons[1])
    # Its own SIGKILL is refused, or it is told from the broker's.
    check("SIGKILL" in reasons[2] or "exit code 3" in reasons[2], reasons[2])
    check(len(set(reasons)) == 3, f"{reasons}")


# --- Memory -------------------------------------------------------------------------------------

@attack(30, "open read-only memory for writing")
def reopen_memory(at):
    result = at.run("read-only-memory", ports="both", tries=10)
    for what in ("open again", "open again by /dev", "make it executable", "map for writing"):
        check(what in result.denied(), f"{what} was not tried", result)


@attack(31, "protect memory for writing or executing")
def protect_memory(at):
    result = at.run("read-only-memory", ports="in", tries=10)
    for what in ("protect for writing", "protect for executing", "map for executing", "read into it"):
        check(what in result.denied(), f"{what} was not tried", result)


@attack(32, "truncate and punch shared memory")
def truncate_memory(at):
    result = at.field.attack("second-mapping", ports="both")
    check(not result.faults, "; ".join(result.faults), result)
    tried = re.findall(r"evil\[1\] stdout: (.*): (refused|allowed)\n", result.text)
    check({word for _, word in tried} == {"refused"}, f"{tried}", result)
    at.run("punched", ports="out", reason="protocol: it changed memory", tries=0)


@attack(33, "seal shared memory")
def seal_memory(at):
    # Where the call is refused already, the worker waits for an end that never comes.
    at.run("sealed-first", ports="out", reason="(protocol: it changed memory|start deadline)", tries=0)
    result = at.run("read-only-memory", ports="out", tries=10)
    check("seal" in result.denied(), "not tried", result)


@attack(34, "lock everything for ever")
def lock_everything(at):
    at.run("lock-everything", tries=0)


@attack(35, "garbage in every page that it may write")
def garbage(at):
    for mode, ports in (("lies-status", "both"), ("lies-publish", "out"), ("lies-consume", "in")):
        at.run(mode, ports=ports, reason="", tries=0)


@attack(36, "cursors, lengths and sequences that lie")
def liars(at):
    # Nothing is left for it, as it says, so it may wait for ever.
    result = at.field.attack("took-all", ports="in", seconds=1, is_staying=True)
    check(not result.faults, "; ".join(result.faults), result)
    at.run("lies-publish", ports="both", reason="", tries=0)


@attack(37, "futex storms, and moving other sleepers")
def futexes(at):
    at.run("futex-storm", tries=6)


@attack(38, "never give frames back")
def never_takes(at):
    at.run("never-takes", ports="in", link="max_lag: 500ms", reason="max_lag of 500ms passed", tries=0)


@attack(39, "flood a link and its bell")
def storm(at):
    at.run("storm", ports="out", tries=0)
    at.run("flood-mapped", ports="both", reason="protocol", tries=0)


@attack(40, "never wake anybody")
def never_wakes(at):
    at.run("stopped", ports="both", reason=".*deadline", tries=0)
    at.run("ended-and-stays", ports="out", reason=".*deadline", tries=0)


# --- Messages -----------------------------------------------------------------------------------

@attack(41, "descriptors over the control socket")
def rights(at):
    at.run("rights", ports="out", reason=f"({LEFT}|protocol)", tries=0)


@attack(42, "a lingering connection over the control socket")
def linger(at):
    at.run("loopback", number=at.port.getsockname()[1], tries=2)


@attack(43, "descriptors in flight without end")
def in_flight(at):
    nodes = {"again": f"exec: [{EVIL}], config: {{mode: exit-at-once}}, sandbox: untrusted, optional: true, "
                      "restart: {delay: 100ms, max_delay: 100ms, max: unlimited}"}
    result = at.run("descriptors-in-flight", nodes=nodes, seconds=1, tries=1)
    lives = max(int(life) for life in re.findall(r"again\[(\d+)\]", result.text))
    check(lives > 3, f"others could not be started: {lives}", result)


@attack(44, "use up quotas of the user")
def quotas(at):
    at.run("quotas", tries=3)


@attack(45, "messages that are too long, cut, or of another version")
def messages(at):
    for mode, ports in (("huge-datagram", "out"), ("truncated", "out"), ("hello-lies", "out"), ("flood-failed", "in"),
                        ("huge-frames", "out")):
        at.run(mode, ports=ports, reason="(protocol|.*exit code 3|.*not enough memory)", tries=0)


@attack(46, "never finish the handshake")
def handshake(at):
    at.run("closed-setup", ports="in", reason=".*deadline", tries=0)


@attack(47, "close the socket and go on")
def closed(at):
    at.run("closed-run", ports="both", reason=".*deadline", tries=0)


@attack(48, "use ids of others")
def foreign_ids(at):
    at.run("drained-foreign", ports="in", reason="protocol: DRAINED", tries=0)


@attack(49, "flood the log, take over the terminal")
def flood_log(at):
    result = at.field.attack("flood-log", seconds=2)
    check(not result.faults, "; ".join(result.faults), result)
    check("\033" not in result.text and "\x9b" not in result.text and "\r" not in result.text, "control characters")
    check(len(result.text) < 4 << 20, f"{len(result.text)} bytes of log")
    check(re.search(r"evil\[1\].*left out", result.text), "nothing was left out", result)


@attack(50, "block the pipes of the broker")
def block_pipes(at):
    at.run("block-pipes", tries=0)


# --- Resources ----------------------------------------------------------------------------------

def is_oom(result):
    """Out of memory, with the limit. Without a cgroup the broker sees it later, and ends it."""
    reason = result.reason or "nothing"
    if re.search(r"out of memory|\boom\b", reason, re.I) and "MiB" in reason:
        if "are not enforced in full" in result.text:
            raise Weaker(f"cgroup: the broker looks ten times a second; {reason}")
        return
    # Faster than the broker looks, it comes to the limit of the process, twice that of the node.
    taken = max(result.notes.get("MiB", [0]))
    if "are not enforced in full" in result.text and result.denied() and 0 < taken <= 2 * 64:
        raise Weaker(f"cgroup: it had {taken} MiB when no more was given, its limit is 64 MiB")
    check(False, f"ended: {reason}", result)


@attack(51, "hog memory of every kind")
def hog_memory(at):
    weaker = None
    for mode in ("hog-heap", "hog-shared", "hog-memfd"):
        result = at.field.attack(mode, more="limits: {memory: 64MiB}")
        check(not result.faults, "; ".join(result.faults), result)
        if mode != "hog-heap" and result.denied() and "MiB" not in result.notes:
            continue  # refused altogether
        try:
            is_oom(result)
        except Weaker as found:
            weaker = found
    at.run("hog-pipes", more="limits: {memory: 64MiB, files: 64}", tries=1)
    if weaker:
        raise weaker


@attack(52, "hog the CPUs")
def hog_cpu(at):
    # Its deadline counts as well, where it does not wait for a CPU itself.
    at.run("hog-cpu", reason=f"({LEFT}|process deadline)", tries=4)


@attack(53, "lock memory, and ask for more than there is")
def lock_memory(at):
    at.run("lock-memory", tries=4, allowed=("mlock", "mlock2"))


@attack(54, "crash without end")
def crash_loop(at):
    result = at.field.attack("exit-at-once", seconds=4,
                             more="restart: {delay: 10ms, max_delay: 10ms, max: unlimited, window: 1s}")
    check(not result.faults, "; ".join(result.faults), result)
    lives = max(int(life) for life in re.findall(r"evil\[(\d+)\]", result.text))
    check(lives > 20, f"{lives} lives", result)
    zombies = [pid for pid in children(os.getpid()) if is_zombie(pid)]
    check(not zombies, f"zombies: {zombies}")


@attack(55, "a core file of a gigabyte")
def core_file(at):
    result = at.run("crash", reason=r".*SIGSEGV", tries=1)
    check(result.notes["mapped"] in ([1], [0]), "", result)
    cores = [path for path in at.folder.rglob("*core*")]
    check(not cores, f"{cores}")


# --- Signatures ---------------------------------------------------------------------------------

@attack(56, "processors that were changed or are not signed")
def changed_processors(at):
    signed_graphs.refuse_each(at.folder, "untrusted")


@attack(57, "replace the file all the time")
def race(at):
    swap(at, 25)


@attack(58, "load code by the environment")
def environment(at):
    canary = at.field.graph.file("canary.so", "no library\n", 0o755)
    poison = {**os.environ, "LD_PRELOAD": "", "PYTHONPATH": str(at.folder), "LD_AUDIT": "", "SB_SECRET": SECRET}
    result = at.run("environment", path=str(canary), environment=poison)
    names = set(re.findall(r"stdout: variable (\w+)=", result.text))
    check(names <= {"LD_LIBRARY_PATH"}, f"{names}", result)
    check(SECRET not in result.text, "the broker's environment was seen", result)


@attack(59, "code beside the program")
def beside(at):
    program = pathlib.Path(shutil.copy(EVIL, at.folder / "evil"))
    library = at.field.graph.file("libstreambroker.so.0", "no library\n", 0o755)
    result = at.run("read-secrets", path=str(library), tries=8)
    check(any(str(library) in line for line in result.denied()), "not tried", result)
    program.unlink()


@attack(60, "keep its program busy")
def busy(at):
    result = at.field.attack("reopen-program", path=str(EVIL), seconds=1,
                             more="restart: {delay: 100ms, max_delay: 100ms, max: unlimited}")
    check(not result.faults, "; ".join(result.faults), result)
    check(not result.allowed(), f"allowed: {result.allowed()}", result)
    lives = max(int(life) for life in re.findall(r"evil\[(\d+)\]: .*-> running", result.text))
    check(lives > 2, f"{lives} lives", result)


@attack(61, "make processes while it describes itself")
def forks_in_description(at):
    program = at.field.graph.file("forks", f"#!{PYTHON}{forking.BODY}", 0o755)
    graph = at.field.graph.file("forks.yaml", f"version: 1\nnodes: {{a: {{exec: [{program}]}}}}\n")
    done = subprocess.run([str(red_team.BROKER), "--check", str(graph)], capture_output=True, text=True, timeout=60,
                          check=False)
    found = re.search(r"(\d+) processes", done.stderr)
    assert found and int(found[1]) <= 66, done.stderr


# --- Running them -------------------------------------------------------------------------------

def is_zombie(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def swap(at, rounds):
    ran, refused = signed_graphs.race(at.folder, "untrusted", rounds)
    check(ran > 0 and refused > 0, f"{ran} ran, {refused} were refused")


def is_timing(fault):
    faults = fault.split("; ")
    return all(re.match(r"the broker answered in|the stream beside it has \d+ frames of", each) for each in faults)


def run_one(at, function):
    """`denied`, or what was weaker; timing alone must be wrong again and again."""
    blamed = 0
    for _ in range(2 * AGAIN):
        try:
            function(at)
            return "denied"
        except Weaker as weaker:
            return f"needs {weaker}"
        except (AssertionError, OSError, KeyError, subprocess.SubprocessError) as problem:
            if not is_timing(str(problem).splitlines()[0] if str(problem) else ""):
                return f"FAILED: {problem or repr(problem)}"
            # What an honest processor does to this machine at this moment is not the attack's.
            honest = at.field.attack("nothing", seconds=1)
            if not any(is_timing(fault) for fault in honest.faults):
                blamed += 1
            if blamed == AGAIN:
                return f"FAILED: {problem}"
    return "FAILED: the machine is too busy to tell" if blamed else "denied (in time or not: the machine is too busy)"


def has_cgroups():
    try:
        MemoryCgroup(1 << 30).close()
        return True
    except OSError:
        return False


def main():
    if shutil.which("minisign") is None or not EVIL.exists() or os.environ.get("SB_SANITIZE"):
        print("skipped: it needs minisign and the processors, in a build without a sanitizer")
        return 77
    if not signed_graphs.can_be_untrusted():
        print("skipped: no untrusted worker can run here; streamctl doctor says what is missing")
        return 77
    wanted = {int(word) for word in sys.argv[1:]}
    at = Context()
    outcomes = {}
    try:
        for number, title, function in ATTACKS:
            if wanted and number not in wanted:
                continue
            outcomes[number] = run_one(at, function)
            print(f"{number:2} {title}: {outcomes[number]}", flush=True)
    finally:
        at.close()
    allowed = set() if os.geteuid() == 0 and has_cgroups() else WEAKER_WITHOUT_CGROUP
    weaker = {number for number, outcome in outcomes.items() if outcome.startswith("needs")} - allowed
    denied = sum(outcome.startswith("denied") for outcome in outcomes.values())
    failed = sum(outcome.startswith("FAILED") for outcome in outcomes.values())
    print(f"{denied} of {len(outcomes)} denied, as {'root' if os.geteuid() == 0 else 'a user'}")
    if weaker:
        print(f"these may not be weaker here: {sorted(weaker)}")
    return 1 if failed or weaker else 0


if __name__ == "__main__":
    sys.exit(main())
