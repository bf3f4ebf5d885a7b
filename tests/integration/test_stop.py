"""`wsd stop` and `wsd stop -g`: clients are told, deadlines hold, nothing is left."""

import signal
import socket
import time

import pytest

from clients import RawClient, answer_closes, close_frame
from server import is_alive, send_signal, wait_until


@pytest.mark.smoke
def test_clients_see_1001_and_nothing_is_left(servers, connect):
    server = servers(count=2)
    server.start()
    clients = [connect(server.port) for _ in range(10)]
    pids = server.processes()
    result = server.stop()
    assert result.returncode == 0, result.stderr
    assert not any(is_alive(pid) for pid in pids), "stop returns when everybody is gone"
    for client in clients:
        assert client.receive_close().code == 1001
    server.check_files()
    assert server.cli("status").returncode == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_too(servers, connect, number):
    server = servers()
    server.start()
    client = connect(server.port)
    pids = server.processes()
    send_signal(server.master, number)
    assert client.receive_close().code == 1001
    client.abandon()
    wait_until(lambda: not any(is_alive(pid) for pid in pids))


def test_clients_that_answer_make_the_stop_quick(servers, connect):
    server = servers(options=["--stop-timeout", 30])
    server.start()
    clients = [connect(server.port) for _ in range(5)]
    send_signal(server.master, signal.SIGTERM)
    began = time.monotonic()
    for client in clients:
        assert client.receive_close().code == 1001
        client.send(close_frame(1001))
        client.expect_end()
    wait_until(lambda: not server.processes())
    assert time.monotonic() - began < 25


@pytest.mark.smoke
def test_stuck_client_does_not_hold_up_the_stop(servers, connect):
    """It reads nothing and answers nothing; at the stop timeout its worker leaves by itself, which is a success."""
    server = servers(options=["--stop-timeout", 1, "--close-timeout", 60])
    server.start()
    connect(server.port, receive_buffer=4096)
    began = time.monotonic()
    result = server.stop()
    assert result.returncode == 0, result.stderr
    assert 0.9 < time.monotonic() - began < 30
    assert "leaving 1 connections that did not answer the Close in time" in server.log(), "by itself"


def test_stopped_worker_is_killed_and_the_stop_succeeds(servers):
    server = servers(options=["--stop-timeout", 1, "--watchdog", 60])
    server.expect_log("worker")
    server.start()
    pid = server.worker_pids()[0]
    send_signal(pid, signal.SIGSTOP)
    result = server.stop()
    assert result.returncode == 0, result.stderr
    assert not is_alive(pid)


def test_clients_in_the_opening_handshake_do_not_hold_up_the_stop(servers, connect):
    server = servers(options=["--stop-timeout", 1])
    server.start()
    client = connect(server.port, handshake=False)
    client.send(b"GET / HTTP/1.1\r\nHost:")
    assert server.stop().returncode == 0
    assert client.drain() is not None


@pytest.mark.smoke
def test_graceful_stop_refuses_new_clients_at_once(servers, connect):
    server = servers(options=["--drain-timeout", 10])
    server.start()
    port = server.port
    client = connect(port)
    send_signal(server.master, signal.SIGQUIT)

    def refused():
        try:
            RawClient(port).abandon()
            return False
        except (ConnectionRefusedError, ConnectionResetError):
            return True

    wait_until(refused, timeout=5, what="new clients refused")
    assert client.receive_close().code == 1001
    client.send(close_frame(1001))
    client.expect_end()
    wait_until(lambda: not server.processes())


def test_graceful_stop_spreads_1001_over_a_window(servers, connect):
    server = servers(count=1, options=["--drain-timeout", 5])
    server.start()
    clients = [connect(server.port) for _ in range(30)]
    send_signal(server.master, signal.SIGQUIT)
    times = answer_closes(clients, 1001)
    assert times[-1] - times[0] > 0.3
    wait_until(lambda: not server.processes())


@pytest.mark.smoke
def test_graceful_stop_ends_at_its_timeout_in_spite_of_stuck_clients(servers, connect):
    server = servers(options=["--drain-timeout", 1, "--close-timeout", 30])
    server.start()
    connect(server.port)
    began = time.monotonic()
    result = server.stop("-g")
    assert result.returncode == 0, result.stderr
    assert time.monotonic() - began < 25


def test_graceful_stop_of_an_idle_server_takes_no_time(server):
    began = time.monotonic()
    assert server.stop("-g").returncode == 0
    assert time.monotonic() - began < 20, "it has 30 s for clients that are there"


def test_stop_during_a_graceful_stop_means_now(servers, connect):
    server = servers(options=["--drain-timeout", 60, "--stop-timeout", 1])
    server.start()
    connect(server.port)
    send_signal(server.master, signal.SIGQUIT)
    wait_until(lambda: "stopping" in {row["state"] for row in server.workers()})
    began = time.monotonic()
    assert server.stop().returncode == 0
    assert time.monotonic() - began < 30


def test_stop_while_a_slot_backs_off(servers):
    """A worker that is to come back in seconds does not keep the stop waiting, and does not come back."""
    server = servers(count=2)
    server.start()
    for _ in range(6):
        row = wait_until(lambda: server.worker(0)["state"] == "running" and server.worker(0))
        server.kill(row["pid"])
        wait_until(lambda: server.worker(0)["pid"] != row["pid"])
    assert server.stop().returncode == 0
    assert not server.processes()


def test_stop_during_a_reload(servers, connect):
    server = servers(options=["--drain-timeout", 30])
    server.start()
    connect(server.port)
    assert server.cli("reload").returncode == 0
    assert server.stop().returncode == 0
    assert not server.processes()


def test_port_is_free_after_the_stop(servers):
    server = servers()
    server.start()
    port = server.port
    server.stop()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def test_start_stop_start_on_the_same_port(servers, connect):
    server = servers(options=["--stop-timeout", 0.3])
    server.start()
    server.listen = server.urls()
    for _ in range(3):
        client = connect(server.port)
        assert client.still_works()
        assert server.stop().returncode == 0
        client.abandon()
        server.start()
