"""What a hostile program tries, one short test a wall. Each really runs; what it did is looked at from outside."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from leadtime.sandbox import Ending, Outcome, Watch, discard
from leadtime.sandbox.cgroups import open_cage
from leadtime.sandbox.records import MEBIBYTE_BYTES
from tests.faults.conftest import CONTROL_GROUP, LIMITS

pytestmark = pytest.mark.sandbox

WATCHED = (Watch.NOTHING, Watch.REPORTS)

ATTEMPTS = {
    "ptrace": "EPERM",
    "ptrace-me": "EPERM",
    "read-memory": "EPERM",
    "patch-memory mem": "EROFS",
    "patch-memory coredump_filter": "EROFS",
    "write /proc/self/mem": "EROFS",
    "keyring": "EPERM",
    "keyctl": "EPERM",
    "io_uring": "EPERM",
    "bpf": "EPERM",
    "perf": "EPERM",
    "userfaultfd": "EPERM",
    "shared-memory": "EPERM",
    "unshare-user": "EPERM",
    "unshare-mount": "EPERM",
    "clone-user": "EPERM",
    "clone-pid": "EPERM",
    "clone-untraced": "EPERM",
    "filter-listener": "EPERM",
    "clone3": "ENOSYS",
    "setns": "EPERM",
    "mount": "EPERM",
    "umount /proc": "EPERM",
    "umount /observer": "EPERM",
    "chroot": "EPERM",
    "device": "EPERM",
    "open-by-handle": "EPERM",
    "personality": "EPERM",
    "type-into-terminal": "EPERM",
    "type-with-high-bits": "EPERM",
    "packet-socket": "EAFNOSUPPORT",
    "netlink-with-high-bits": "EAFNOSUPPORT",
    "vsock": "EAFNOSUPPORT",
    "raw-socket": "EPERM",
    "tcp": "ENETUNREACH",
    "udp": "ENETUNREACH",
    "ipv6": "ENETUNREACH",
    "setuid": "EPERM",
    "become-root": "EINVAL",
    "nice": "EACCES",
    "read /etc/shadow": "ENOENT",
    "read /root": "ENOENT",
    "read /home": "ENOENT",
    "read /var": "ENOENT",
    "read /run": "ENOENT",
    "read /sys": "ENOENT",
    "read /dev/mem": "ENOENT",
    "write /dev/new": "EROFS",
    "write /usr/new": "EROFS",
    "write /box/new": "EROFS",
    "write /etc/passwd": "EACCES",
    "write /observer/new": "EROFS",
    "write /proc/sys/kernel/core_pattern": "EACCES",
}
"""What is tried (see ``hostile.c``) -> the error it must get."""


WATCHER = "watcher"


@pytest.fixture(params=[CONTROL_GROUP, WATCHER])
def held_by(request: pytest.FixtureRequest) -> str:
    """Each of the two ways to hold memory, whichever this machine would choose by itself."""
    if request.param == WATCHER:
        return WATCHER
    if (cage := open_cage(f"{os.getpid()}-probe-{uuid4().hex}", LIMITS)) is None:
        pytest.skip("this machine has no control group that we may write")
    cage.remove()
    return CONTROL_GROUP


def alive(marker: str) -> list[str]:
    """Return the command lines of living processes, of anybody, that hold ``marker``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if marker in line:
            found.append(line)
    return found


@pytest.mark.parametrize("watch", WATCHED)
def test_every_attempt_on_the_kernel_and_the_machine_is_refused(attempt: Callable[..., Outcome], watch: Watch) -> None:
    outcome = attempt("; ".join(f"/box/hostile {what}" for what in ATTEMPTS), watch=watch)
    answers = dict(zip(ATTEMPTS, outcome.stdout.decode().splitlines(), strict=True))
    assert answers == {what: f"refused: {error}" for what, error in ATTEMPTS.items()}


@pytest.mark.parametrize("watch", WATCHED)
def test_listeners_of_this_machine_are_not_reached(
    attempt: Callable[..., Outcome], tmp_path: Path, watch: Watch
) -> None:
    name = uuid4().hex
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX) as path,
    ):
        abstract.bind(f"\0{name}")
        abstract.listen()
        path.bind(str(tmp_path / "socket"))
        path.listen()
        lines = [f"loopback {tcp.getsockname()[1]}", f"unix-abstract {name}", f"unix-path {tmp_path}/socket"]
        outcome = attempt("; ".join(f"/box/hostile {line}" for line in lines), watch=watch)
    assert outcome.stdout == b"refused: ECONNREFUSED\nrefused: ECONNREFUSED\nrefused: ENOENT\n"


def test_names_are_not_resolved(attempt: Callable[..., Outcome]) -> None:
    assert attempt("getent hosts example.org").exit_code == 2


def test_a_file_of_this_machine_is_not_there(attempt: Callable[..., Outcome], tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    outcome = attempt(f"cat {secret}; ls /tmp; ls -d /*")
    assert outcome.stdout.split() == (
        b"/bin /box /dev /etc /lib /lib64 /observer /proc /sbin /tmp /usr".split()
        if not Path("/lib32").exists()
        else b"/bin /box /dev /etc /lib /lib32 /lib64 /observer /proc /sbin /tmp /usr".split()
    )


@pytest.mark.parametrize("watch", WATCHED)
def test_a_program_sees_its_own_processes_only(attempt: Callable[..., Outcome], watch: Watch) -> None:
    outcome = attempt("for p in /proc/[0-9]*; do cat $p/comm; done", watch=watch)
    assert set(outcome.stdout.split()) == {b"bwrap", b"sh"}


@pytest.mark.parametrize("watch", list(Watch))
def test_a_program_holds_no_descriptor_but_its_three(attempt: Callable[..., Outcome], watch: Watch) -> None:
    outcome = attempt("ls /proc/self/fd", watch=watch)
    assert outcome.stdout.split() == [b"0", b"1", b"2", b"3"], "3 is the directory that ls reads"


@pytest.mark.parametrize("watch", WATCHED)
def test_no_command_line_in_the_box_names_a_place_of_this_machine(
    attempt: Callable[..., Outcome], work: Path, watch: Watch
) -> None:
    outcome = attempt("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ", watch=watch)
    assert b"prlimit" in outcome.stdout
    assert work.parent.name.encode() not in outcome.stdout


@pytest.mark.parametrize("watch", WATCHED)
def test_the_processes_of_this_machine_are_beyond_its_signals(attempt: Callable[..., Outcome], watch: Watch) -> None:
    outcome = attempt(f"/box/hostile signal {os.getpid()}", watch=watch)
    assert outcome.stdout == b"refused: ESRCH\n"


def test_killing_everything_in_reach_does_not_reach_the_observer(attempt: Callable[..., Outcome]) -> None:
    outcome = attempt("trap '' TERM; kill -TERM -1; kill -KILL -1; kill -KILL 1; kill -KILL $$", watch=Watch.REPORTS)
    assert (outcome.ending, outcome.signal) == (Ending.SIGNALLED, signal.SIGKILL)
    assert json.loads(outcome.sightings)["timed_out"] is False


@pytest.mark.parametrize("watch", WATCHED)
def test_daemons_that_ignore_the_end_are_ended_with_the_program(attempt: Callable[..., Outcome], watch: Watch) -> None:
    marker = f"marker-{uuid4().hex}"
    daemon = f"""setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' {marker} >/dev/null 2>&1 </dev/null &"""
    outcome = attempt(f"{daemon} sleep 0.1; cat /proc/[0-9]*/cmdline | grep -a -c {marker}", watch=watch)
    assert (outcome.ending, outcome.exit_code, outcome.stdout) == (Ending.EXITED, 0, b"1\n")
    assert alive(marker) == []


@pytest.mark.parametrize("watch", WATCHED)
def test_a_program_that_never_ends_is_ended_at_its_wall_time(attempt: Callable[..., Outcome], watch: Watch) -> None:
    marker = f"marker-{uuid4().hex}"
    command = (
        f"""trap "" TERM; (setsid sh -c 'trap "" TERM; while :; do sleep 1; done' {marker} &); while :; do :; done"""
    )
    outcome = attempt(command, watch=watch, limits=replace(LIMITS, wall_s=0.5))
    assert outcome.ending is Ending.TIMED_OUT
    assert (outcome.exit_code, outcome.signal) == (None, None)
    assert 0.5 <= outcome.duration_s < 5.0
    assert alive(marker) == []


def test_a_program_that_closes_its_outputs_is_still_ended(attempt: Callable[..., Outcome]) -> None:
    outcome = attempt("exec >&- 2>&-; while :; do sleep 1; done", limits=replace(LIMITS, wall_s=0.3))
    assert outcome.ending is Ending.TIMED_OUT


@pytest.mark.parametrize("watch", WATCHED)
def test_a_fork_bomb_stops_at_its_number_of_processes(
    attempt: Callable[..., Outcome], held_by: str, watch: Watch
) -> None:
    marker = f"marker-{uuid4().hex}"
    count = f"""python3 -c '
import os, time
made = 0
try:
    while made < 1000:
        if os.fork() == 0:
            time.sleep(60)
        made += 1
except OSError:
    pass
print(made, flush=True)
os._exit(0)' {marker}"""
    outcome = attempt(count, watch=watch, held_by=held_by)
    assert outcome.ending is Ending.EXITED
    assert 32 <= int(outcome.stdout) <= LIMITS.pids_max
    assert alive(marker) == []


def test_a_fork_bomb_that_goes_on_is_ended_whole(attempt: Callable[..., Outcome], held_by: str) -> None:
    marker = f"marker-{uuid4().hex}"
    command = f"""sh -c 'bomb() {{ bomb | bomb & bomb; }}; bomb' {marker} 2>/dev/null; while :; do :; done"""
    outcome = attempt(command, limits=replace(LIMITS, wall_s=1.0), held_by=held_by)
    assert outcome.ending is Ending.TIMED_OUT
    assert alive(marker) == []


HOGS = {
    "heap": "x = []\nwhile True: x.append(bytearray(8 << 20))",
    "memory without a mapping": "import os\nf = os.memfd_create('x')\nwhile True: os.write(f, bytes(8 << 20))",
    "many small processes": "import os, time\nfor i in range(40):\n  if not os.fork(): break\n"
    "x = b'1' * (32 << 20)\ntime.sleep(60)",
}


@pytest.mark.parametrize("hog", HOGS)
@pytest.mark.parametrize("watch", WATCHED)
def test_a_memory_hog_is_ended(
    attempt: Callable[..., Outcome], work: Path, held_by: str, hog: str, watch: Watch
) -> None:
    (work / "hog.py").write_text(HOGS[hog])
    limits = replace(LIMITS, memory_mib=192, disk_mib=4096)
    outcome = attempt("python3 hog.py", watch=watch, limits=limits, held_by=held_by)
    assert outcome.ending is Ending.OUT_OF_MEMORY


def test_memory_shared_by_many_processes_counts_once(attempt: Callable[..., Outcome], held_by: str) -> None:
    program = """import os, time
x = b"1" * (64 << 20)
for i in range(20):
    if not os.fork(): break
time.sleep(0.3)"""
    outcome = attempt(f"python3 -c '{program}'", held_by=held_by)
    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 0)


@pytest.mark.parametrize("place", ["/tmp", "/dev/shm"])
def test_the_places_in_memory_are_bounded(attempt: Callable[..., Outcome], place: str) -> None:
    outcome = attempt(f"dd if=/dev/zero of={place}/x bs=1M count=100; stat -c %s {place}/x")
    size = {"/tmp": LIMITS.scratch_mib, "/dev/shm": 64}[place] * MEBIBYTE_BYTES
    assert int(outcome.stdout) == size
    assert b"No space left" in outcome.stderr


FILLERS = {
    "many files": "i=0; while :; do i=$((i+1)); dd if=/dev/zero of=f$i bs=1M count=4 2>/dev/null; done",
    "files without a name": 'exec python3 -c \'import os\nk = []\nfor i in range(60):\n  f = os.open(f"{i}", 65)\n'
    '  os.write(f, bytes(4 << 20))\n  os.unlink(f"{i}")\nimport time\ntime.sleep(60)\'',
}


@pytest.mark.parametrize("filler", FILLERS)
def test_a_disk_filler_is_ended(attempt: Callable[..., Outcome], filler: str) -> None:
    assert attempt(FILLERS[filler]).ending is Ending.DISK_FULL


def test_one_file_stops_at_the_disk_limit(attempt: Callable[..., Outcome], work: Path) -> None:
    attempt("dd if=/dev/zero of=x bs=1M count=1000 2>/dev/null")
    assert (work / "x").stat().st_size <= LIMITS.disk_mib * MEBIBYTE_BYTES


HIDING_PLACES = {
    "too deep to count": "i=0; while [ $i -lt 300 ]; do mkdir d; cd d; i=$((i+1)); done",
    "not to be listed": "mkdir d; echo x >d/x; chmod 300 d",
}


@pytest.mark.parametrize("place", HIDING_PLACES)
def test_nothing_is_hidden_from_the_count_of_files(attempt: Callable[..., Outcome], work: Path, place: str) -> None:
    outcome = attempt(HIDING_PLACES[place])
    root_lists_everything = os.geteuid() == 0 and place == "not to be listed"
    assert outcome.ending is (Ending.EXITED if root_lists_everything else Ending.DISK_FULL)
    discard(work)
    assert not work.exists()


def test_an_inode_filler_is_ended(attempt: Callable[..., Outcome]) -> None:
    command = "python3 -c 'import itertools\nfor i in itertools.count(): open(str(i), \"w\").close()'"
    assert attempt(command, limits=replace(LIMITS, files_max=500)).ending is Ending.DISK_FULL


@pytest.mark.parametrize("watch", WATCHED)
@pytest.mark.parametrize("stream", [1, 2])
def test_ten_gigabytes_of_output_are_not_kept(attempt: Callable[..., Outcome], stream: int, watch: Watch) -> None:
    limits = replace(LIMITS, output_bytes_max=4 * MEBIBYTE_BYTES)
    outcome = attempt(f"head -c 10G /dev/zero >&{stream}", watch=watch, limits=limits)
    assert outcome.ending is Ending.OUTPUT_FLOOD
    assert len(outcome.stdout) + len(outcome.stderr) < 2 * MEBIBYTE_BYTES
    assert outcome.stdout_total_bytes + outcome.stderr_total_bytes < 16 * MEBIBYTE_BYTES


def test_a_crash_leaves_no_core_and_feeds_no_collector(attempt: Callable[..., Outcome], work: Path) -> None:
    outcome = attempt("grep -F 'core file size' /proc/self/limits; kill -SEGV $$")
    assert outcome.signal == signal.SIGSEGV
    assert outcome.stdout.split()[-3:] == [b"1", b"1", b"bytes"]
    assert list(work.iterdir()) == []


def test_a_link_out_of_the_box_leads_nowhere(attempt: Callable[..., Outcome], work: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (work / "out").symlink_to(tmp_path / "secret")
    outcome = attempt("cat out; cat ../../../../../../etc/shadow")
    assert (outcome.stdout, outcome.exit_code) == (b"", 1)
    owner = (tmp_path / "secret").stat()
    assert owner.st_uid == os.geteuid(), "giving the work directory away does not follow links"


def test_a_killed_worker_takes_its_programs_with_it(work: Path) -> None:
    marker = f"marker-{uuid4().hex}"
    worker = f"""
from leadtime.sandbox import *
run(Program("echo > started; sh -c 'while :; do sleep 1; done' {marker}",
            Limits(60, 256), (Mount(__import__("pathlib").Path({str(work)!r}), "/box/work", writable=True),)))
"""
    with subprocess.Popen([sys.executable, "-c", worker]) as process:
        wait_for(lambda: (work / "started").exists() and alive(marker) != [])
        process.kill()
    wait_for(lambda: alive(marker) == [])


def wait_for(condition: Callable[[], bool]) -> None:
    """Look until ``condition`` holds, for ten seconds at most."""
    deadline_s = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < deadline_s
        select.select([], [], [], 0.02)
