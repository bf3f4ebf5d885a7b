"""Limits and quotas: what a worker, and what one client address, may have; what is refused, how, and what never is."""

import re
import threading
import time

import pytest

from clients import BINARY, TEXT, RawClient, frame, handshake_request
from server import wait_until


def status_of(client, **changed):
    """The status of the answer to an opening handshake."""
    client.send(handshake_request(**changed))
    return client.receive_response().status


def answer_to_another(crowd, address, **changed):
    """One more client that comes, and the status of what it is answered."""
    crowd.append(RawClient(address))
    return status_of(crowd[-1], **changed)


@pytest.fixture
def crowd():
    clients = []
    yield clients
    for client in clients:
        client.abandon()


@pytest.fixture
def limited(servers):
    def make(*options, **others):
        server = servers(options=["--set", "prefix=", *map(str, options)], **others)
        server.start()
        return server

    return make


class LocalClient(RawClient):
    """One that comes from another address of this machine."""

    def __init__(self, port, address):
        import socket

        self.socket = socket.create_connection(("127.0.0.1", port), timeout=15, source_address=(address, 0))
        self.port = port
        self.received = b""


def totals(server):
    return server.status()["totals"]


# ---- a worker -------------------------------------------------------------------------------------------------------


def test_connections_of_a_worker(limited, crowd):
    server = limited("--max-connections", 10, count=1)
    assert server.status()["max_connections"] == 10
    port = server.port
    for _ in range(10):
        assert answer_to_another(crowd, port) == 101
    refused = RawClient(port)
    crowd.append(refused)
    refused.send(handshake_request())
    response = refused.receive_response()
    assert response.status == 503 and int(response.fields["retry-after"]) > 0
    assert totals(server)["refused"] == 1
    assert "--max-connections" in server.log()
    for client in crowd[:5]:
        client.close_cleanly()
    refused.abandon()
    wait_until(lambda: "has room again" in server.log())
    assert all(client.still_works() for client in crowd[5:10])
    assert answer_to_another(crowd, port) == 101


def test_a_neighbour_has_room(limited, crowd):
    server = limited("--max-connections", 10, count=2)
    port = server.port
    for _ in range(20):
        assert answer_to_another(crowd, port) == 101
    assert totals(server)["refused"] == 0


def test_the_banner_tells_the_effective_maximum(servers):
    server = servers(options=["--max-connections", 1234])
    server.start_in_foreground()
    assert "max connections: 1234 per worker" in server.terminal()
    server.stop()
    other = servers()
    other.start_in_foreground()
    allowed = re.search(r"max connections: (\d+) per worker", other.terminal())
    assert allowed and int(allowed[1]) == other.status()["max_connections"] > 100


def test_a_long_request_head(limited, connect):
    server = limited("--max-handshake", "2K", count=1)
    client = connect(server.port, handshake=False)
    assert status_of(client, path="/" + "x" * 1500) == 101
    client = connect(server.port, handshake=False)
    assert status_of(client, path="/" + "x" * 3000) == 431
    assert server.cli("reload", "--max-handshake", "60K").returncode == 0
    client = connect(server.port, handshake=False)
    assert status_of(client, path="/" + "x" * 50_000) == 101
    assert server.cli("reload", "--max-handshake", "2K").returncode == 0
    assert client.still_works()


def test_a_message_that_takes_too_long(limited, connect):
    server = limited("--message-timeout", 0.3, count=1)
    client = connect(server.port)
    client.send(frame(TEXT, b"half of", fin=False))
    assert client.receive_close().code == 1008


def test_missed_pings(limited, connect):
    server = limited("--ping-interval", 0.2, "--ping-misses", 5, count=1)
    client = connect(server.port)
    began = time.monotonic()
    client.drain()
    assert time.monotonic() - began > 1.1


# ---- an address -----------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_connections_of_an_address_on_all_workers_together(limited, crowd):
    server = limited("--max-connections-per-address", 6, count=3)
    port = server.port
    for _ in range(6):
        assert answer_to_another(crowd, port) == 101
    for _ in range(5):
        client = RawClient(port)
        crowd.append(client)
        client.send(handshake_request())
        response = client.receive_response()
        assert response.status == 429 and int(response.fields["retry-after"]) > 0, response
        assert response.fields["connection"] == "close"
        client.expect_end()
    assert totals(server)["refused"] == 5
    other = LocalClient(port, "127.0.0.2")
    crowd.append(other)
    assert status_of(other) == 101, "another address"
    crowd[0].close_cleanly()
    crowd[1].reset()
    again = []
    for _ in range(2):
        wait_until(lambda: again.append(RawClient(port)) or status_of(again[-1]) == 101)
    crowd += again


def test_silent_connections_count_too(limited, crowd):
    server = limited("--max-connections-per-address", 4, count=2)
    port = server.port
    crowd += [RawClient(port) for _ in range(4)]
    wait_until(lambda: totals(server)["accepted"] == 4)
    assert answer_to_another(crowd, port) == 429


def test_a_unix_socket_and_a_proxy_are_never_counted(servers, directory, crowd):
    path = directory / "ws.sock"
    server = servers(
        listen=["ws://127.0.0.1:0", f"unix:{path}"],
        options=["--set", "prefix=", "--trusted-proxy", "127.0.0.1",
                 "--max-connections-per-address", 2, "--max-handshakes-per-address", 2, "--max-messages-per-address", 2],
    )
    server.start()
    for address in (str(path), server.port):
        for _ in range(6):
            assert answer_to_another(crowd, address) == 101
    assert all(client.still_works() for client in crowd)


def test_clients_that_a_proxy_names_are_counted_and_ipv6_by_network(limited, crowd):
    server = limited("--trusted-proxy", "127.0.0.1", "--max-connections-per-address", 2, count=2)
    port = server.port

    def ask(address):
        return answer_to_another(crowd, port, x_forwarded_for=address)

    assert [ask("203.0.113.1") for _ in range(3)] == [101, 101, 429]
    assert ask("203.0.113.2") == 101
    assert [ask(f"2001:db8:1:2::{i}") for i in range(1, 4)] == [101, 101, 429]
    assert ask("2001:db8:1:3::1") == 101


def test_clients_behind_the_proxy_protocol_are_counted(servers, crowd):
    server = servers(listen=["ws://127.0.0.1:0?proxy"],
                     options=["--trusted-proxy", "127.0.0.1", "--max-connections-per-address", 2])
    server.start()
    port = server.port

    def ask(address):
        crowd.append(RawClient(port))
        crowd[-1].send(f"PROXY TCP4 {address} 10.0.0.1 51000 443\r\n".encode())
        return status_of(crowd[-1])

    assert [ask("203.0.113.1") for _ in range(3)] == [101, 101, 429]
    assert ask("203.0.113.2") == 101


def test_handshakes_per_second(limited, crowd):
    server = limited("--max-handshakes-per-address", 5, count=2)
    port = server.port
    began = time.monotonic()
    answers = []
    for _ in range(20):
        answers.append(answer_to_another(crowd, port))
    lasted = time.monotonic() - began
    assert answers[:5] == [101] * 5, "a second's worth comes at once"
    assert 5 <= answers.count(101) <= 6 + 5 * lasted
    assert set(answers) <= {101, 429}
    wait_until(lambda: time.monotonic() - began > lasted + 1)
    assert answer_to_another(crowd, port) == 101


def test_messages_per_second(limited, connect):
    server = limited("--max-messages-per-address", 20, count=2)
    clients = [connect(server.port) for _ in range(4)]
    messages = b"".join(frame(TEXT, b"%d" % i) for i in range(30))
    clients[0].send(messages)
    for i in range(20):
        assert clients[0].receive_message()[1] == b"%d" % i
    while (answer := clients[0].receive_frame()).opcode == TEXT:
        pass  # what came in meanwhile
    assert answer.payload[:2] == (1008).to_bytes(2, "big") and b"too many messages" in answer.payload
    assert totals(server)["rate_limited"] == 1
    # Who keeps to the rate is not disturbed.
    began = time.monotonic()
    for i in range(20):
        wait_until(lambda: time.monotonic() - began >= (i + 1) / 15)
        assert clients[1].still_works()


def test_a_dead_workers_counts_go_with_it(limited, crowd):
    server = limited("--max-connections-per-address", 8, count=2)
    port = server.port
    for _ in range(8):
        assert answer_to_another(crowd, port) == 101
    assert answer_to_another(crowd, port) == 429
    row = max(server.workers(), key=lambda row: row["connections"])
    lost = row["connections"]
    server.kill(row["pid"])
    wait_until(lambda: server.workers()[row["slot"]]["pid"] not in (0, row["pid"]))
    server.wait_running()
    for _ in range(lost):
        assert answer_to_another(crowd, port) == 101
    assert answer_to_another(crowd, port) == 429


def test_reloads_refuse_nobody_wrongly_and_forget_nobody(limited, crowd):
    """Both processes of a slot are there for a while; each connection counts once."""
    server = limited("--max-connections-per-address", 10, "--drain-timeout", 5, count=2)
    port = server.port
    for _ in range(9):
        assert answer_to_another(crowd, port) == 101
    answers, done = [], threading.Event()

    def come_and_go():
        while not done.is_set():
            client = RawClient(port)
            answers.append(status_of(client))
            if answers[-1] == 101:
                client.close_cleanly()

    visitor = threading.Thread(target=come_and_go)
    visitor.start()
    try:
        for _ in range(10):
            assert server.cli("reload").returncode == 0
    finally:
        done.set()
        visitor.join()
    assert set(answers) == {101}, answers
    assert answer_to_another(crowd, port) == 101
    assert answer_to_another(crowd, port) == 429
    assert all(client.still_works() for client in crowd[:9])


def test_a_reload_turns_limits_on_for_those_who_are_there(limited, crowd):
    server = limited(count=2)
    port = server.port
    for _ in range(4):
        assert answer_to_another(crowd, port) == 101
    assert server.cli("reload", "--max-connections-per-address", "4").returncode == 0
    assert answer_to_another(crowd, port) == 429
    assert server.cli("reload", "--max-connections-per-address", "0").returncode == 0
    assert answer_to_another(crowd, port) == 101


def test_an_upgrade_keeps_the_counts(limited, crowd):
    server = limited("--max-connections-per-address", 4, count=2)
    port = server.port
    for _ in range(4):
        assert answer_to_another(crowd, port) == 101
    assert server.cli("upgrade").returncode == 0
    assert answer_to_another(crowd, port) == 429
    crowd[0].close_cleanly()
    assert answer_to_another(crowd, port) == 101


# ---- slow consumers -------------------------------------------------------------------------------------------------


def test_slow_consumers_are_closed_if_so_configured(limited, connect):
    server = limited("--slow-consumer", "close", "--send-queue", "64K", count=1)
    port = server.port
    client = connect(port, receive_buffer=4096)
    client.send(b"".join(frame(BINARY, b"x" * 16384) for _ in range(60)))
    wait_until(lambda: totals(server)["slow_closed"] == 1)
    received = None
    while received is None or received.opcode == BINARY:
        received = client.receive_frame()
        assert received.opcode != BINARY or len(received.payload) == 16384, "whole messages"
    assert received.payload[:2] == (1013).to_bytes(2, "big")
    assert connect(port).still_works()


def test_send_queues_of_a_worker_have_a_sum(limited, connect):
    server = limited("--send-queue-total", "256K", "--send-queue", "1M", count=1)
    clients = [connect(server.port, receive_buffer=4096) for _ in range(8)]
    for client in clients:
        client.send(b"".join(frame(BINARY, b"x" * 16384) for _ in range(40)))
    for client in clients:
        client.wait_read()
    wait_until(lambda: totals(server)["send_dropped"] > 0)
    assert connect(server.port).still_works(), "whoever reads is served"
