"""`wsd reload`: new workers, no client refused, and a refused reload changes nothing."""

import signal
import subprocess
import threading

import pytest

from clients import BINARY, CONTINUATION, TEXT, answer_closes, frame, handshake_request, time_to_connect
from server import at_rest, environment, is_alive, open_descriptors, send_signal, wait_until


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
    assert connect(server.port).still_works()
    server.wait_none_draining()
    assert not any(is_alive(pid) for pid in before)
    assert server.status()["exits"] == [], "a planned end is no exit"


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


@pytest.mark.smoke
def test_clients_stay_connected_through_reloads(servers, connect):
    server = servers(count=2, options=["--set", "prefix="])
    server.start()
    clients = [connect(server.port) for _ in range(20)]
    for _ in range(3):
        assert server.cli("reload").returncode == 0
        assert all(client.still_works() for client in clients)
    assert server.connections() == 20
    assert server.status()["totals"]["accepted"] == 20


def test_message_half_received_is_answered_by_the_new_worker(servers, connect):
    """One cut in its payload, one between fragments, one in the header, one with half a character."""
    server = servers(count=1, options=["--set", "prefix="])
    server.start()
    payload = b"x" * 300_000
    text = "好".encode()
    cut = {
        frame(BINARY, payload): (100_000, (BINARY, payload)),
        frame(TEXT, b"one ", fin=False) + frame(CONTINUATION, b"two"): (10, (TEXT, b"one two")),
        frame(BINARY, b"y" * 1000): (3, (BINARY, b"y" * 1000)),
        frame(TEXT, text): (7, (TEXT, text)),
    }
    clients = [(connect(server.port), data, at, answer) for data, (at, answer) in cut.items()]
    for client, data, at, _ in clients:
        client.send(data[:at])
        client.wait_read()
    old = server.worker_pids()
    assert server.cli("reload").returncode == 0
    assert server.worker_pids() != old
    for client, data, at, answer in clients:
        client.send(data[at:])
        assert client.receive_message() == answer


def test_handshake_half_received_is_answered_by_the_new_worker(servers, connect):
    server = servers(count=1, options=["--handshake-timeout", 60])
    server.start()
    client = connect(server.port, handshake=False)
    request = handshake_request()
    client.send(request[:60])
    client.wait_read()
    assert server.cli("reload").returncode == 0
    client.send(request[60:])
    client.receive_upgrade()
    assert client.still_works()


def test_bytes_that_wait_for_a_slow_reader_move_too(servers, connect):
    server = servers(count=1, options=["--set", "prefix="])
    server.start()
    client = connect(server.port, receive_buffer=4096)
    payload = bytes(range(256)) * 3000
    client.send(frame(BINARY, payload))
    client.wait_read()
    assert server.cli("reload").returncode == 0
    assert client.receive_message() == (BINARY, payload)
    assert client.still_works()


def test_clients_of_a_retired_slot_get_1012_with_jitter(servers, connect):
    """Clients that come back all in one instant are the herd that the window is there to avoid."""
    server = servers(count=2, options=["--drain-timeout", 6])
    server.start()
    clients = [connect(server.port) for _ in range(60)]
    retired = server.worker(1)
    kept = server.worker(0)["connections"]
    assert 10 < retired["connections"] < 50
    assert server.cli("reload", "--count", 1).returncode == 0
    (draining,) = [row for row in server.status()["draining"] if row["slot"] == 1]  # slot 0's old one may be there too
    assert draining["pid"] == retired["pid"] and draining["state"] == "stopping"
    times = answer_closes(clients, 1012, retired["connections"])
    assert times[-1] - times[0] > 0.2
    wait_until(lambda: not is_alive(retired["pid"]), what="retired worker gone")
    assert server.connections() == kept


def test_retired_slot_ends_in_spite_of_stuck_clients(servers, connect):
    server = servers(count=2, options=["--drain-timeout", 1, "--close-timeout", 60])
    server.start()
    for _ in range(20):
        connect(server.port)
    retired = server.worker(1)["pid"]
    assert server.cli("reload", "--count", 1).returncode == 0
    wait_until(lambda: not is_alive(retired), what="retired worker gone")


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


def test_reload_gets_past_a_stopped_worker(servers, connect):
    """The old worker of slot 0 hears nothing; its slot has a new one all the same, and it is ended in the end."""
    server = servers(count=2, options=["--drain-timeout", 1, "--stop-timeout", 1, "--watchdog", 4])
    server.expect_log("worker")
    server.start()
    before = server.worker_pids()
    send_signal(before[0], signal.SIGSTOP)
    result = server.cli("reload")
    assert result.returncode == 0, result.stderr
    assert not set(before) & set(server.worker_pids())
    for _ in range(20):
        assert connect(server.port).still_works()
    wait_until(lambda: not is_alive(before[0]), timeout=30, what="the stopped worker ended")


def test_two_reloads_at_once(servers, connect):
    """Both are carried out, or the second is refused with a reason; never half of each."""
    server = servers(count=2, options=["--drain-timeout", 1])
    server.start()
    command = [server.binary, "reload", *server.instance()]
    reloads = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(server.directory), text=True)
        for _ in range(4)
    ]
    output = [reload.communicate(timeout=60) for reload in reloads]
    codes = [reload.returncode for reload in reloads]
    assert 0 in codes and set(codes) <= {0, 1}, output
    server.wait_running()
    status = server.status()
    assert status["generation"] == 1 + codes.count(0)
    assert {row["generation"] for row in status["workers"]} == {status["generation"]}


def listening_sockets(port):
    with open("/proc/net/tcp") as lines:
        rows = [line.split() for line in lines]
    return sum(1 for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A")


def test_each_slot_has_one_listening_socket_and_retired_slots_none(servers):
    """A copy that someone forgot would take 1/N of the new clients and never serve them."""
    server = servers(count=3, options=["--drain-timeout", 1])
    server.start()
    port = server.port
    assert listening_sockets(port) == 3
    for count in (5, 1, 2):
        assert server.cli("reload", "--count", count).returncode == 0
        wait_until(lambda: listening_sockets(port) == count, what=f"{count} listening sockets")
    for _ in range(50):
        time_to_connect(port)


def test_reloads_and_deaths_leave_no_descriptor_behind(servers):
    server = servers(count=2, options=["--drain-timeout", 1])
    server.start()

    def reload_and_kill():
        assert server.cli("reload").returncode == 0
        pid = server.worker(0)["pid"]
        server.kill(pid)
        wait_until(lambda: server.worker(0)["pid"] not in (0, pid))
        server.wait_running()
        server.wait_none_draining()

    def descriptors():
        pids = [server.master, *server.worker_pids()]
        return at_rest(lambda: [open_descriptors(pid) for pid in pids])  # links to the dead close in their own time

    reload_and_kill()
    before = descriptors()
    for _ in range(4):
        reload_and_kill()
    assert descriptors() == before


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
