"""`wsd start` tells the truth: it ends well when every worker serves, and otherwise says why and leaves nothing."""

import os
import pathlib
import re
import signal
import socket
import subprocess

import pytest

from server import BINARY, environment, holds_for, is_alive, process_title, run_wsd, send_signal, wait_until


@pytest.mark.smoke
def test_foreground_start_prints_a_banner_in_workermans_manner(servers):
    server = servers(count=2)
    server.start_in_foreground()
    banner = server.terminal()
    for word in ("wsd", "libuv", "OpenSSL", server.urls()[0], "echo"):
        assert word in banner, banner
    assert re.search(r"libuv\D{0,20}\d+\.\d+", banner), banner
    assert re.search(r"OpenSSL\D{0,20}\d+\.\d+", banner), banner
    assert "Press Ctrl+C to stop. Start success." in banner
    for heading in ("user", "count", "state"):
        assert heading in banner.lower(), banner


@pytest.mark.smoke
def test_ctrl_c_stops_the_foreground_server(servers):
    server = servers(count=2)
    server.start_in_foreground(start_new_session=True)
    pids = server.processes()
    os.killpg(server.foreground.pid, signal.SIGINT)  # a terminal signals the whole foreground group
    assert server.foreground.wait(timeout=15) == 0
    wait_until(lambda: not any(is_alive(pid) for pid in pids), what="all processes gone")


def test_second_ctrl_c_means_now(servers, connect):
    server = servers(options=["--stop-timeout", 60, "--close-timeout", 60])
    server.start_in_foreground(start_new_session=True)
    connect(server.port)  # never answers the Close
    os.killpg(server.foreground.pid, signal.SIGINT)
    wait_until(lambda: "stopping" in server.cli("status", "--json").stdout)
    assert holds_for(lambda: server.foreground.poll() is None, 1.0), "the first one waits for the client"
    os.killpg(server.foreground.pid, signal.SIGINT)
    server.foreground.wait(timeout=30)


def test_workers_ignore_signals_of_the_terminal(servers):
    server = servers()
    server.start()
    before = server.worker_pids()
    for pid in before:
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
            send_signal(pid, number)
    assert server.worker_pids() == before
    assert server.status()["exits"] == []


def test_process_titles_name_instance_and_slot(servers):
    server = servers(count=2)
    server.start()
    status = server.status()
    assert process_title(status["pid"]).startswith(f"wsd: master process  {server.name}")
    for row in status["workers"]:
        assert process_title(row["pid"]) == f"wsd: worker process  {server.name}/{row['slot']}"


def test_daemon_is_detached(server):
    """Its own session, standard input from /dev/null, nothing of the shell's open."""
    master = server.master
    assert os.getsid(master) != os.getsid(0)
    assert os.readlink(f"/proc/{master}/fd/0") == "/dev/null"
    assert os.readlink(f"/proc/{master}/cwd") == "/"


def test_daemon_lets_go_of_the_callers_pipes(servers):
    """$(wsd start -d) returns: run() reads to the end of both pipes, which daemons must not hold."""
    server = servers()
    server.start()
    assert server.is_running()


@pytest.mark.smoke
@pytest.mark.parametrize("mode", ["-d", "foreground"])
def test_port_taken_fails_with_the_reason_and_leaves_nothing(servers, mode):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = servers(listen=[f"ws://127.0.0.1:{port}"])
        result = server.run("start", *(["-d"] if mode == "-d" else []), *server.arguments())
    assert result.returncode == 1
    assert_one_line(result.stderr, str(port))
    server.expect_nothing_left()


def test_failed_start_can_be_tried_again_at_once(servers):
    """Nothing of it holds the lock or the name once the command has returned."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = servers(listen=[f"ws://127.0.0.1:{taken.getsockname()[1]}"])
        for _ in range(5):
            assert server.start(check=False).returncode == 1
    server.start()


def test_second_server_on_the_same_port_is_refused(servers):
    """With SO_REUSEPORT it would start and silently take half of the traffic."""
    first, second = servers(), servers()
    first.start()
    second.listen = first.urls()
    result = second.start(check=False)
    assert result.returncode == 1
    assert_one_line(result.stderr, str(first.port))
    second.expect_nothing_left()


def test_second_start_of_an_instance_says_already_running(server):
    result = server.start(check=False)
    assert result.returncode == 5
    assert_one_line(result.stderr, str(server.master))
    assert server.is_running()


def test_of_two_starts_at_once_one_wins(servers):
    server = servers()
    command = [BINARY, "start", "-d", *server.arguments()]
    started = [
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(server.directory))
        for _ in range(4)
    ]
    output = [process.communicate(timeout=60)[0].decode() for process in started]
    codes = sorted(process.returncode for process in started)
    assert codes == [0, 5, 5, 5], output
    assert len(server.processes()) == 1 + server.count


def test_unknown_app_fails_with_the_reason(servers):
    server = servers(app="ecko")
    result = server.start(check=False)
    assert result.returncode == 1
    assert_one_line(result.stderr, "ecko")
    assert "echo" in result.stderr, "the nearest app is named"
    server.expect_nothing_left()


def test_app_that_refuses_to_start_fails_the_start(servers):
    server = servers(app="push", options=["--set", "interval=never"])
    server.expect_log("interval must be")
    result = server.start(check=False)
    assert result.returncode == 1
    assert_one_line(result.stderr, "interval")
    server.expect_nothing_left()


def test_privileged_port_without_permission(servers, as_root):
    """As a user without rights: exit 1 (or 4) with the port in the reason."""
    if int(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 80:
        pytest.skip("every user may bind port 80 here")
    server = servers(listen=["ws://127.0.0.1:80"])
    os.chown(server.directory, 65534, 65534)
    os.chown(server.run_dir, 65534, 65534)
    result = run_as_nobody(server, "start", "-d", *server.arguments())
    assert result.returncode in (1, 4), result
    assert_one_line(result.stderr, "80")
    server.expect_nothing_left()


def test_ordinary_user_can_run_a_server(servers, connect, as_root):
    server = servers()
    os.chown(server.directory, 65534, 65534)
    os.chown(server.run_dir, 65534, 65534)
    result = run_as_nobody(server, "start", "-d", *server.arguments())
    assert result.returncode == 0, result.stderr
    assert connect(server.port).still_works()
    assert run_as_nobody(server, "stop", *server.instance()).returncode == 0


def test_stranger_may_not_stop_the_server(server, as_root):
    """Exit 4 names pid and owner, and nothing happens."""
    result = run_as_nobody(server, "stop", *server.instance())
    assert result.returncode == 4, result
    assert_one_line(result.stderr, str(server.master))
    assert "root" in result.stderr
    assert server.is_running()


def test_without_a_runtime_directory_the_user_gets_a_hint(servers, as_root):
    server = servers()
    result = run_as_nobody(server, "status")
    assert result.returncode == 2, result
    assert_one_line(result.stderr, "--run-dir")


@pytest.mark.parametrize("scheme", ["ws", "websocket"])
def test_listens_on_every_address_given(servers, connect, scheme):
    server = servers(listen=[f"{scheme}://127.0.0.1:0", f"{scheme}://[::1]:0"])
    server.start()
    urls = server.urls()
    assert len(urls) == 2
    assert re.fullmatch(r"ws://127\.0\.0\.1:\d+", urls[0]), urls
    assert re.fullmatch(r"ws://\[::1\]:\d+", urls[1]), urls
    ports = [int(url.rpartition(":")[2]) for url in urls]
    assert 0 not in ports
    assert connect(ports[0]).still_works()
    assert connect(ports[1], host="::1").still_works()


def test_every_slot_accepts_on_a_port_the_kernel_chose(servers, connect):
    """Port 0 is resolved by the first socket: all slots share it."""
    server = servers(count=4)
    server.start()
    port = server.port
    for _ in range(40):
        connect(port)
    wait_until(lambda: server.connections() == 40)
    assert all(row["accepted"] > 0 for row in server.workers())


def run_as_nobody(server, *arguments):
    env = environment(server.directory)
    env["HOME"] = "/nonexistent"
    return subprocess.run(
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", str(public_copy(server)), *map(str, arguments)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, env=env, cwd="/",
    )  # fmt: skip


def public_copy(server):
    """The binary where every user may run it, whatever the rights on the source tree."""
    copy = server.directory.parent / "wsd"
    if not copy.exists():
        copy.write_bytes(BINARY.read_bytes())
        copy.chmod(0o755)
    return copy


def assert_one_line(stderr, *words):
    """The one line that comes with every exit status but 0."""
    lines = stderr.strip().splitlines()
    assert len(lines) == 1, stderr
    for word in words:
        assert word in lines[0], stderr


def test_version_is_told(directory):
    result = run_wsd("version", directory=directory)
    assert result.returncode == 0
    assert re.search(r"wsd \d+\.\d+\.\d+", result.stdout), result.stdout
