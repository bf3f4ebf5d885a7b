"""`wsd reload`: new workers, no client refused, and a refused reload changes nothing."""

import signal
import threading

import pytest

from clients import BINARY, TEXT, answer_closes, close_frame, frame, time_to_connect
from server import is_alive, send_signal, wait_until


class Hammer:
    """Connects, shakes hands and echoes in several threads; keeps what went wrong and how long each took."""

    def __init__(self, port, threads=4):
        self.port, self.seconds, self.lost = port, [], []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]

    def run(self):
        while not self.over.is_set():
            try:
                self.seconds.append(time_to_connect(self.port))
            except (AssertionError, OSError) as failure:
                self.lost.append(failure)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_until(lambda: len(self.seconds) > 10)
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


@pytest.mark.smoke
def test_reload_replaces_every_worker_and_raises_the_generation(servers, connect):
    server = servers(count=2)
    server.start()
    before, master = server.worker_pids(), server.master
    assert server.cli("reload").returncode == 0
    status = server.status()
    assert status["pid"] == master
    assert status["generation"] == 2
    assert not set(before) & {row["pid"] for row in status["workers"]}
    assert [row["generation"] for row in status["workers"]] == [2, 2]
    assert status["exits"] == [], "a planned end is no exit"
    assert connect(server.port).still_works()
    wait_until(lambda: not any(is_alive(pid) for pid in before), what="old workers gone")
    assert server.status()["draining"] == []


@pytest.mark.smoke
def test_no_connect_is_refused_or_reset_by_reloads(servers):
    server = servers(count=2, options=["--drain-timeout", 1])
    server.start()
    with Hammer(server.port) as hammer:
        for _ in range(10):
            assert server.cli("reload").returncode == 0
    assert hammer.lost == []
    assert server.status()["generation"] == 11


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGHUP])
def test_signals_reload_too(server, number):
    before = server.worker_pids()
    send_signal(server.master, number)
    wait_until(lambda: server.status()["generation"] == 2)
    wait_until(lambda: not set(before) & set(server.worker_pids()))


def test_old_clients_get_1012_and_new_ones_the_new_worker(servers, connect):
    server = servers(count=1, options=["--drain-timeout", 2])
    server.start()
    clients = [connect(server.port) for _ in range(20)]
    old = server.worker_pids()[0]
    assert server.cli("reload").returncode == 0
    fresh = connect(server.port)
    for client in clients:
        assert client.receive_close().code == 1012
        client.send(close_frame(1012))
        client.expect_end()
    wait_until(lambda: not is_alive(old), what="old worker gone")
    assert fresh.still_works()


def test_1012_comes_with_jitter(servers, connect):
    """Clients that reconnect all in one instant are the herd that the window is there to avoid."""
    server = servers(count=1, options=["--drain-timeout", 2])
    server.start()
    clients = [connect(server.port) for _ in range(30)]
    server.cli("reload")
    times = answer_closes(clients, 1012)
    assert times[-1] - times[0] > 0.2


def test_draining_worker_shows_in_status(servers, connect):
    server = servers(count=1, options=["--drain-timeout", 5])
    server.start()
    connect(server.port)  # never answers the Close
    old = server.worker_pids()[0]
    assert server.cli("reload").returncode == 0
    status = server.status()
    assert [row["pid"] for row in status["draining"]] == [old]
    assert status["draining"][0]["state"] == "stopping"
    assert status["draining"][0]["slot"] == 0
    assert status["workers"][0]["pid"] != old
    wait_until(lambda: not is_alive(old), timeout=15)


def test_message_on_its_way_is_answered_before_the_close(servers, connect):
    server = servers(count=1, options=["--drain-timeout", 3, "--set", "prefix="])
    server.start()
    client = connect(server.port)
    payload = b"x" * 300_000
    whole = frame(BINARY, payload)
    client.send(whole[:100_000])
    client.wait_read()
    assert server.cli("reload").returncode == 0
    client.send(whole[100_000:])
    assert client.receive_message() == (BINARY, payload)
    assert client.receive_close(timeout=20).code == 1012


def test_reload_takes_new_options_and_keeps_the_others(servers, connect):
    server = servers(count=1, options=["--set", "prefix=one "])
    server.start()
    port = server.port
    assert server.cli("reload", "--set", "prefix=two ").returncode == 0
    assert connect(port).echo(b"x") == (TEXT, b"two x")
    assert server.cli("reload").returncode == 0
    assert connect(port).echo(b"x") == (TEXT, b"two x")


def test_reload_changes_the_count_both_ways(servers):
    server = servers(count=2, options=["--drain-timeout", 1])
    server.start()
    with Hammer(server.port, threads=2) as hammer:
        for count in (4, 1, 3):
            result = server.cli("reload", "--count", count)
            assert result.returncode == 0, result.stderr
            server.wait_running()
            assert [row["slot"] for row in server.workers()] == list(range(count))
    assert hammer.lost == []


def test_refused_reload_leaves_the_old_generation(servers, connect):
    server = servers(app="push", count=2)
    server.expect_log("interval")
    server.start()
    before = server.worker_pids()
    client = connect(server.port)
    result = server.cli("reload", "--set", "interval=never")
    assert result.returncode == 1
    assert "interval" in result.stderr
    assert server.worker_pids() == before
    assert server.status()["generation"] == 1
    assert client.echo(b"still there?")[0] == TEXT
    assert server.cli("reload").returncode == 0, "the refused option is forgotten"


def test_restart_keeps_options_and_changes_the_master(servers, connect):
    server = servers(count=2, options=["--set", "prefix=kept "])
    server.start()
    before = server.master
    result = server.cli("restart", "-d")
    assert result.returncode == 0, result.stderr
    assert server.master != before
    assert len(server.workers()) == 2
    assert connect(server.port).echo(b"x") == (TEXT, b"kept x")


def test_restart_of_a_stopped_server_starts_it(servers):
    server = servers()
    result = server.run("restart", "-d", *server.arguments())
    assert result.returncode == 0, result.stderr
    assert server.is_running()
