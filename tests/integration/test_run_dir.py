"""The run directory: files of a dead server, of strangers, and traps in their place."""

import os
import signal
import socket
import subprocess

import pytest

from server import is_alive, send_signal, wait_until
from test_start import assert_one_line, run_as_nobody


def test_files_are_there_while_it_runs_and_gone_after(server):
    pid_file, control = server.run_dir / f"{server.name}.pid", server.run_dir / f"{server.name}.sock"
    assert int(pid_file.read_text()) == server.master
    assert control.stat().st_mode & 0o777 == 0o600
    server.stop()
    assert not pid_file.exists() and not control.exists()
    assert (server.run_dir / f"{server.name}.lock").exists(), "the lock file is never removed"


def dead_pid():
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def put_text(path, text):
    path.write_text(text)


PID_FILES = {
    "stale": lambda path: put_text(path, f"{dead_pid()}\n"),
    "init": lambda path: put_text(path, "1\n"),
    "garbage": lambda path: path.write_bytes(b"\xff\x00 not a pid"),
    "empty": lambda path: put_text(path, ""),
    "negative": lambda path: put_text(path, "-1\n"),
    "huge": lambda path: put_text(path, "9" * 100_000),
    "fifo": os.mkfifo,
    "dangling symlink": lambda path: path.symlink_to("/nonexistent/file"),
}


@pytest.mark.parametrize("kind", PID_FILES)
def test_nothing_is_signalled_for_a_pid_file_without_a_master(servers, kind):
    server = servers()
    PID_FILES[kind](server.run_dir / f"{server.name}.pid")
    for command in ("stop", "status", "reload"):
        result = server.cli(command, timeout=15)
        assert result.returncode == 3, (command, result)
        assert_one_line(result.stderr)


@pytest.mark.parametrize("kind", PID_FILES)
def test_start_replaces_what_lies_in_the_pid_files_place(servers, kind):
    server = servers()
    path = server.run_dir / f"{server.name}.pid"
    PID_FILES[kind](path)
    server.start()
    assert not path.is_symlink() and int(path.read_text()) == server.master


def test_stranger_named_in_the_pid_file_lives(servers):
    server = servers()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (server.run_dir / f"{server.name}.pid").write_text(f"{stranger.pid}\n")
        assert server.stop().returncode == 3
        server.start()
        assert server.stop().returncode == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_file_behind_a_symlink_is_untouched(servers):
    server = servers()
    victim = server.directory / "victim"
    victim.write_text("precious")
    (server.run_dir / f"{server.name}.pid").symlink_to(victim)
    server.start()
    server.stop()
    assert victim.read_text() == "precious"


def test_symlink_in_the_lock_files_place_is_refused(servers):
    server = servers()
    victim = server.directory / "victim"
    victim.write_text("precious")
    (server.run_dir / f"{server.name}.lock").symlink_to(victim)
    result = server.start(check=False)
    assert result.returncode == 1
    assert_one_line(result.stderr, ".lock")
    assert victim.read_text() == "precious"
    server.expect_nothing_left()


def test_control_socket_left_behind_is_replaced(servers):
    server = servers()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(server.run_dir / f"{server.name}.sock"))
    assert server.cli("status").returncode == 3
    server.start()
    assert server.is_running()


def test_server_killed_leaves_files_that_harm_nobody(servers):
    server = servers()
    server.start()
    pids = server.processes()
    server.kill_master()
    wait_until(lambda: not any(is_alive(pid) for pid in pids), what="orphans gone")
    assert (server.run_dir / f"{server.name}.pid").exists(), "a killed master can't tidy up"
    assert server.cli("status").returncode == 3
    server.start()
    assert server.is_running()


def test_run_directory_not_writable(servers, as_root):
    server = servers()
    server.directory.chmod(0o755)
    os.chown(server.directory, 65534, 65534)  # the log may be written, the run directory may not
    result = run_as_nobody(server, "start", "-d", *server.arguments())
    assert result.returncode in (1, 4)
    assert_one_line(result.stderr, str(server.run_dir))
    server.expect_nothing_left()


def test_run_directory_is_made(servers):
    server = servers()
    server.run_dir = server.directory / "made" / "here"
    server.start()
    assert server.is_running()


def test_run_directory_that_is_a_file(servers):
    server = servers()
    server.run_dir = server.directory / "file"
    server.run_dir.write_text("")
    result = server.start(check=False)
    assert result.returncode in (1, 2)
    assert_one_line(result.stderr, str(server.run_dir))


def test_log_file_that_cannot_be_opened(servers):
    server = servers()
    server.log_file = server.directory / "missing" / "wsd.log"
    result = server.start(check=False)
    assert result.returncode == 1
    assert_one_line(result.stderr, str(server.log_file))
    server.expect_nothing_left()


def test_instances_live_side_by_side_by_name(servers, connect):
    one, two = servers(), servers()
    two.run_dir = one.run_dir
    one.start()
    two.start()
    assert one.port != two.port
    assert one.stop().returncode == 0
    assert connect(two.port).still_works()
    assert one.cli("status").returncode == 3


