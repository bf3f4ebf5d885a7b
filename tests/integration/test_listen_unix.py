"""`--listen unix:PATH` and `--api`: sockets behind a proxy, and the second kind of listener."""

import contextlib
import os
import signal
import socket
import stat

import pytest

from clients import ConnectionGone, RawClient, handshake_request
from server import holds_for, send_signal, wait_until

TOKEN = "0123456789abcdef-not-for-others"


@pytest.fixture
def path(directory):
    return directory / "chat.ws"


def unix(path):
    return f"unix:{path}"


def write_token(directory, text=TOKEN + "\n", mode=0o600):
    file = directory / "token"
    file.write_text(text)
    file.chmod(mode)
    return file


def is_listening(path):
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


# ---- WebSockets over a unix socket ------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_websockets_over_a_unix_socket(servers, connect, path):
    server = servers(listen=["ws://127.0.0.1:0", unix(path)])
    server.start()
    assert server.urls()[1] == unix(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    clients = [connect(path) for _ in range(20)]
    for client in clients:
        assert client.still_works()
    assert server.connections() == 20
    assert connect(server.port).still_works()
    for client in clients:
        client.close_cleanly()
    server.stop()
    assert not path.exists()


def test_the_file_goes_with_the_first_word_of_a_graceful_stop(servers, connect, path):
    server = servers(listen=[unix(path)])
    server.start()
    client = connect(path)
    send_signal(server.master, signal.SIGQUIT)
    wait_until(lambda: not path.exists(), what="the socket's file is removed")
    assert client.receive_close().code == 1001


def test_clients_over_a_unix_socket_stay_through_reloads_and_upgrades(servers, connect, path):
    server = servers(listen=[unix(path)])
    server.start()
    clients = [connect(path) for _ in range(10)]
    for command in ("reload", "upgrade", "reload"):
        result = server.cli(command)
        assert result.returncode == 0, result.stderr
        assert server.urls() == [unix(path)]
        for client in clients:
            assert client.still_works()
        assert connect(path).still_works()
    server.stop()
    assert not path.exists()


def test_a_dead_worker_leaves_the_unix_socket_to_the_others(servers, connect, path):
    server = servers(listen=[unix(path)], count=2)
    server.start()
    server.kill(server.worker(0)["pid"])
    for _ in range(20):
        assert connect(path).still_works()
    server.wait_running()


def test_a_reload_adds_and_removes_unix_sockets(servers, connect, directory, path):
    server = servers(listen=[unix(path)])
    server.start()
    client = connect(path)
    other = directory / "other.ws"
    assert server.cli("reload", "--listen", unix(other)).returncode == 0
    assert not path.exists()
    assert connect(other).still_works()
    assert client.still_works()


def test_the_socket_of_a_killed_server_is_replaced_and_that_of_a_living_one_is_not(servers, connect, path):
    first = servers(listen=[unix(path)])
    first.start()
    second = servers(listen=[unix(path)])
    refused = second.start(check=False)
    assert refused.returncode == 1
    assert "another program listens there" in refused.stderr
    second.expect_nothing_left()
    assert connect(path).still_works()

    workers = first.worker_pids()
    first.kill_master()
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), what="the workers gone too")
    assert path.exists() and not is_listening(path)
    second.start()
    assert connect(path).still_works()


def test_what_is_no_socket_stays(servers, path):
    path.write_text("mine")
    server = servers(listen=[unix(path)])
    refused = server.start(check=False)
    assert refused.returncode == 1
    assert "no socket" in refused.stderr and str(path) in refused.stderr
    assert path.read_text() == "mine"


def test_a_path_too_long_for_the_kernel_is_refused(servers, directory):
    server = servers(listen=[unix(directory / ("x" * 108))])
    refused = server.start(check=False)
    assert refused.returncode == 2
    assert "the kernel takes 107" in refused.stderr


def test_relative_paths_are_where_the_command_was_given(servers, connect, directory):
    server = servers(listen=["unix:here.ws"])
    server.directory.mkdir(exist_ok=True)
    result = server.run("start", "-d", *server.arguments(), cwd=directory)
    assert result.returncode == 0, result.stderr
    server.has_run = True
    assert connect(directory / "here.ws").still_works()


# ---- the API's addresses ----------------------------------------------------------------------------------------------


def test_the_api_is_a_kind_of_its_own(servers, path):
    server = servers(options=["--api", "http://127.0.0.1:0", "--api", unix(path)])
    server.start_in_foreground()
    status = server.status()
    assert len(status["listen"]) == 1
    http, over_unix = status["api"]
    assert http.startswith("http://127.0.0.1:") and not http.endswith(":0")
    assert over_unix == unix(path)
    assert http in server.terminal() and "(api)" in server.terminal()
    assert http in server.cli("status").stdout
    for address in (int(http.rpartition(":")[2]), path):  # no WebSocket there
        client = RawClient(address)
        with contextlib.suppress(ConnectionGone, BrokenPipeError):
            client.send(handshake_request())
            assert client.receive_response().status != 101
        client.abandon()
    server.stop()
    assert not path.exists()


def test_there_is_no_api_unless_asked_for(servers):
    server = servers()
    server.start()
    assert server.status()["api"] == []
    assert "api" not in server.cli("status").stdout


def test_a_reload_changes_the_api(servers, directory, path):
    server = servers(options=["--api", unix(path)])
    server.start()
    assert server.cli("reload").returncode == 0
    assert is_listening(path)
    other = directory / "other.http"
    assert server.cli("reload", "--api", unix(other)).returncode == 0
    assert server.status()["api"] == [unix(other)]
    assert is_listening(other) and not path.exists()
    result = server.cli("upgrade")
    assert result.returncode == 0, result.stderr
    assert server.status()["api"] == [unix(other)]
    assert is_listening(other)


# ---- the token --------------------------------------------------------------------------------------------------------


def test_an_api_that_other_machines_reach_needs_a_token(servers, directory):
    server = servers(options=["--api", "http://0.0.0.0:0"])
    refused = server.start(check=False)
    assert refused.returncode == 2
    assert "--api-token-file" in refused.stderr
    server.expect_nothing_left()
    server.options += ["--api-token-file", write_token(directory)]
    server.options = list(map(str, server.options))
    server.start()


@pytest.mark.parametrize(
    "text, mode, words",
    [
        ("", 0o600, "is empty"),
        ("short\n", 0o600, "less than 16 characters"),
        (TOKEN, 0o644, "chmod o="),
        ("x" * 5000, 0o600, "more than 512 characters"),
        ("two words of some length", 0o600, "blanks"),
    ],
    ids=["empty", "short", "open", "long", "blanks"],
)
def test_a_bad_token_file_is_refused(servers, directory, text, mode, words):
    server = servers(options=["--api", "http://127.0.0.1:0", "--api-token-file", write_token(directory, text, mode)])
    refused = server.start(check=False)
    assert refused.returncode == 2
    assert words in refused.stderr and len(refused.stderr.splitlines()) == 1
    server.expect_nothing_left()


def test_the_token_shows_nowhere(servers, directory):
    server = servers(options=["--api", "http://127.0.0.1:0", "--api-token-file", write_token(directory)])
    server.start()
    server.cli("reload")
    server.wait_none_draining()
    for pid in server.processes():
        for file in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{file}", "rb") as shown:
                assert TOKEN.encode() not in shown.read()
    assert TOKEN not in server.cli("status", "--json").stdout + server.cli("status").stdout + server.log()


def test_a_reload_reads_the_token_anew_and_is_refused_without(servers, directory, connect):
    file = write_token(directory)
    server = servers(options=["--api", "http://127.0.0.1:0", "--api-token-file", file])
    server.start()
    assert server.cli("reload").returncode == 0
    file.write_text("")
    server.expect_log("reload refused|upgrade refused")
    for command in ("reload", "upgrade"):
        refused = server.cli(command)
        assert refused.returncode == 1
        assert "is empty" in refused.stderr
    assert server.status()["generation"] == 2
    assert connect(server.port).still_works()
    server.wait_none_draining()
    wait_until(lambda: len(server.processes()) == 3)
    assert holds_for(lambda: len(server.processes()) == 3, 0.2)
    file.write_text(TOKEN)
    assert server.cli("upgrade").returncode == 0
