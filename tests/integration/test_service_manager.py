"""systemd's side of a unit of Type=notify, and of a .socket unit: what it is told, and the sockets that it opened."""

import pathlib
import signal
import socket
import time

import pytest

from server import environment, holds_for, process_state, send_signal, wait_until
from service_manager import ServiceManager, listening, listening_unix
from test_start import assert_one_line

ENVIRONMENT_APP = """
#include <cstdlib>
#include <wsd/app.h>

WSD_APP(app) {
  app.on_message = [](wsd::Connection& connection, wsd::Message message) {
    const char* value = std::getenv(std::string(message.data).c_str());
    connection.send(value == nullptr ? "(none)" : value);
  };
}
"""


@pytest.fixture(params=[False, True], ids=["path", "abstract"])
def any_manager(directory, request):
    made = ServiceManager(directory, abstract=request.param)
    yield made
    made.close()


@pytest.fixture
def manager(directory):
    made = ServiceManager(directory)
    yield made
    made.close()


# ---- what it is told --------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_it_hears_of_the_whole_life(servers, connect, any_manager):
    manager = any_manager
    server = servers(count=2)
    manager.start(server, wait=False)
    server.has_run = True
    assert manager.wait_for("READY=1", server) == "READY=1\nSTATUS=2 workers, generation 1, 0 connections"
    assert connect(server.port).still_works()
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert server.cli("reload", "--count", "3").returncode == 0
    reloading = manager.wait_for("RELOADING=1").splitlines()
    stamp = int(next(line for line in reloading if line.startswith("MONOTONIC_USEC=")).partition("=")[2])
    assert before <= stamp <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert manager.wait_for("READY=1").endswith("STATUS=3 workers, generation 2, 1 connections")
    server.stop()
    assert "STOPPING=1" in manager.wait_for("STOPPING=1").splitlines()
    assert server.foreground.wait(timeout=15) == 0


def test_a_signal_reloads_too_and_a_refused_reload_ends(servers, manager):
    server = servers(count=1)
    manager.start(server)
    send_signal(server.master, signal.SIGHUP)
    manager.wait_for("RELOADING=1")
    manager.wait_for("READY=1")
    server.expect_log("reload refused")
    assert server.cli("reload", "no-such-app").returncode == 1
    manager.wait_for("RELOADING=1")
    assert "generation 2" in manager.wait_for("READY=1")


def test_the_start_is_not_announced_before_it_has_succeeded(servers, manager, directory):
    server = servers(app="push", options=["--set", "interval=never"])
    manager.start(server, wait=False)
    assert server.foreground.wait(timeout=30) == 1
    server.expect_log("interval must be")
    assert "READY=1" not in "".join(manager.read())
    assert any(message.startswith("STATUS=") and "interval" in message for message in manager.heard)


def test_the_status_follows(servers, connect, manager):
    server = servers(count=1)
    manager.start(server)
    clients = [connect(server.port) for _ in range(3)]
    assert manager.wait_for("3 connections") == "STATUS=1 workers, generation 1, 3 connections"
    assert all(client.still_works() for client in clients)


def test_signs_of_life_come_at_half_of_the_time(servers, manager):
    server = servers(count=1)
    manager.start(server, watchdog_s=0.6)
    manager.wait_for("WATCHDOG=1")
    begun = time.monotonic()
    time.sleep(2)
    signs = sum("WATCHDOG=1" in message for message in manager.read())
    assert 2 <= signs <= (time.monotonic() - begun) / 0.3 + 2
    master = server.master
    send_signal(master, signal.SIGSTOP)
    try:
        wait_until(lambda: process_state(master) == "T")
        manager.read()
        manager.heard.clear()
        assert holds_for(lambda: not manager.read(), 0.7), "a master that is stopped says nothing"
    finally:
        send_signal(master, signal.SIGCONT)
    manager.wait_for("WATCHDOG=1")


def test_nobody_but_the_master_knows_where_it_listens(servers, connect, manager, directory):
    source = directory / "environment.cpp"
    source.write_text(ENVIRONMENT_APP)
    spy = directory / "compiler"
    spy.write_text(f'#!/bin/sh\nenv >>{directory}/compiler-environment\nexec g++ "$@"\n')
    spy.chmod(0o755)
    server = servers(app=str(source), count=1)
    with listening() as opened:
        server.listen = ["ws://127.0.0.1:%d" % opened.getsockname()[1]]
        manager.start(server, sockets=[opened], watchdog_s=30, env={"CXX": str(spy)})
    client = connect(server.port)
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"):
        assert client.echo(name.encode())[1] == b"(none)", name
    assert server.cli("reload").returncode == 0
    assert server.cli("upgrade").returncode == 0
    seen = (directory / "compiler-environment").read_text()
    assert "NOTIFY_SOCKET" not in seen and "LISTEN_" not in seen


def test_an_upgrade_stays_in_touch(servers, connect, manager):
    server = servers(count=1)
    manager.start(server, watchdog_s=0.6)
    client = connect(server.port)
    for _ in range(2):
        pid = server.master
        assert server.cli("upgrade").returncode == 0
        manager.wait_for("RELOADING=1")
        manager.wait_for("READY=1")
        assert server.master == pid == server.foreground.pid
        manager.heard.clear()
        manager.wait_for("WATCHDOG=1")
    assert client.still_works()


def test_without_one_everything_is_as_ever(servers, directory):
    server = servers(count=1)
    server.start()
    environment_of_master = pathlib.Path(f"/proc/{server.master}/environ").read_bytes()
    assert b"NOTIFY_SOCKET" not in environment_of_master


# ---- sockets that it opened -------------------------------------------------------------------------------------------


def ws(opened):
    host, port = opened.getsockname()[:2]
    return f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"


@pytest.mark.smoke
def test_an_inherited_socket_is_served_by_all_slots(servers, connect, manager):
    opened = listening()
    server = servers(count=2, listen=[ws(opened), "ws://127.0.0.1:0"])
    early = connect(opened.getsockname()[1], handshake=False)  # before the server is there
    manager.start(server, sockets=[opened], names="chat.socket")
    early.open()
    assert early.still_works()
    assert server.urls()[0] == ws(opened)
    port = opened.getsockname()[1]
    clients = [connect(port) for _ in range(60)]
    assert all(client.still_works() for client in clients)
    assert all(row["connections"] > 0 for row in server.workers())
    server.kill(server.worker_pids()[0])
    assert all(connect(port).still_works() for _ in range(10))
    server.wait_running()
    opened.close()


def test_an_inherited_socket_outlives_reloads_upgrades_and_its_address(servers, connect, manager):
    opened = listening()
    server = servers(count=1, listen=[ws(opened)])
    manager.start(server, sockets=[opened])
    port = opened.getsockname()[1]
    client = connect(port)
    for command in (["reload", "--count", "2"], ["upgrade"], ["upgrade"], ["reload"]):
        result = server.cli(*command)
        assert result.returncode == 0, result.stderr
        assert client.still_works() and connect(port).still_works()
    assert server.cli("reload", "--listen", "ws://127.0.0.1:0").returncode == 0
    waiting = connect(port, handshake=False)  # nobody refuses: the kernel keeps it
    assert server.cli("upgrade").returncode == 0
    assert server.cli("reload", "--listen", ws(opened)).returncode == 0
    waiting.open()
    assert waiting.still_works() and client.still_works()
    opened.close()


def test_the_manager_keeps_the_socket_when_the_server_has_gone(servers, connect, manager):
    opened = listening()
    server = servers(count=1, listen=[ws(opened)])
    manager.start(server, sockets=[opened])
    server.stop()
    server.foreground.wait(timeout=15)
    waiting = connect(opened.getsockname()[1], handshake=False)
    manager.start(server, sockets=[opened])
    waiting.open()
    assert waiting.still_works()
    opened.close()


def test_inherited_sockets_may_be_unix_and_the_apis(servers, connect, manager, directory):
    path, api = directory / "ws.sock", directory / "api.sock"
    opened, opened_api = listening_unix(path), listening_unix(api)
    server = servers(count=2, listen=[f"unix:{path}"], options=["--api", f"unix:{api}"])
    manager.start(server, sockets=[opened, opened_api])
    assert connect(path).still_works()
    status = server.status()
    assert (status["listen"], status["api"]) == ([f"unix:{path}"], [f"unix:{api}"])
    assert server.cli("upgrade").returncode == 0
    assert connect(path).still_works()
    server.stop()
    assert path.exists() and api.exists(), "they are the manager's"
    opened.close()
    opened_api.close()


def test_an_inherited_ipv6_socket(servers, connect, manager):
    opened = listening("::1")
    server = servers(count=1, listen=[ws(opened)])
    manager.start(server, sockets=[opened])
    assert connect(opened.getsockname()[1], host="::1").still_works()
    opened.close()


def test_a_socket_that_is_no_address_of_ours_fails_the_start(servers, manager):
    opened, other = listening(), listening()
    server = servers(listen=[ws(opened)])
    manager.start(server, sockets=[opened, other], names="web:stranger", wait=False)
    assert server.foreground.wait(timeout=15) == 2
    assert_one_line(server.terminal(), f"stranger at 127.0.0.1:{other.getsockname()[1]}", "--listen", ws(opened))
    server.expect_nothing_left()
    opened.close()
    other.close()


def test_a_socket_that_does_not_listen_fails_the_start(servers, manager):
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    server = servers()
    manager.start(server, sockets=[bound], wait=False)
    assert server.foreground.wait(timeout=15) == 2
    assert_one_line(server.terminal(), "descriptor 3", "ListenStream=")
    bound.close()


def test_sockets_of_another_process_are_left_alone(servers, connect):
    server = servers(count=1)
    env = environment(server.directory) | {"LISTEN_PID": "1", "LISTEN_FDS": "1"}
    result = server.run("start", "-d", *server.arguments(), env=env)
    assert result.returncode == 0, result.stderr
    server.has_run = True
    assert connect(server.port).still_works()
    wait_until(server.is_running)
