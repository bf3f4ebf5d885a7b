"""Deadlines: server pings, idle clients, a close that is never answered. (The handshake's are in test_handshake.py.)"""

import time

from clients import CONTINUATION, PING, PONG, TEXT, close_frame, frame
from server import holds_for, wait_until


def test_server_pings_a_silent_client(servers, connect):
    server = servers(options=["--ping-interval", 0.3, "--ping-misses", 20])
    server.start()
    client = connect(server.port)
    for _ in range(4):
        ping = client.receive_frame()
        assert ping.opcode == PING
        client.send(frame(PONG, ping.payload))


def test_two_missed_pongs_end_the_connection(servers, connect):
    """To a peer that answers nothing no Close is owed, but it would be welcome."""
    server = servers(options=["--ping-interval", 0.3, "--close-timeout", 0.5])
    server.start()
    client = connect(server.port)
    began = time.monotonic()
    received = client.drain()
    assert 0.8 < time.monotonic() - began < 15
    assert received.startswith(b"\x89"), "it was asked"
    assert received.count(b"\x89") == 2
    wait_until(lambda: server.connections() == 0)


def test_client_that_vanished_is_let_go(servers, connect):
    """A peer that answers nothing, not even the Close, as one behind a dead line would."""
    server = servers(options=["--ping-interval", 0.3, "--close-timeout", 0.3])
    server.start()
    connect(server.port)
    wait_until(lambda: server.connections() == 1)
    wait_until(lambda: server.connections() == 0, what="the vanished client gone")


def test_pings_can_be_turned_off(servers, connect):
    server = servers(options=["--ping-interval", 0])
    server.start()
    client = connect(server.port)
    assert client.nothing_comes(1.0)
    assert client.still_works()


def test_idle_client_is_closed(servers, connect):
    server = servers(options=["--idle-timeout", 0.5, "--close-timeout", 0.5])
    server.start()
    client = connect(server.port)
    began = time.monotonic()
    answer = client.receive_close()
    assert answer.code in (1000, 1001, 1008)
    assert 0.3 < time.monotonic() - began < 15


def test_messages_keep_a_client_from_being_idle(servers, connect):
    server = servers(options=["--idle-timeout", 2])
    server.start()
    client = connect(server.port)

    def talk():
        time.sleep(0.1)
        return client.still_works()

    assert holds_for(talk, 4.5)


def test_close_that_is_never_answered_ends_at_the_close_timeout(servers, connect):
    """The server failed the ping check, sent its Close, and waits for the answer no longer than told."""
    server = servers(options=["--idle-timeout", 0.3, "--close-timeout", 0.5])
    server.start()
    client = connect(server.port)
    client.receive_close()
    client.expect_end()


def test_answer_to_the_servers_close_ends_the_connection_at_once(servers, connect):
    server = servers(options=["--idle-timeout", 0.3, "--close-timeout", 30])
    server.start()
    client = connect(server.port)
    code = client.receive_close().code
    client.send(close_frame(code))
    client.expect_end()


def test_server_ends_the_connection_first(echo_server, connect):
    """§7.1.1: the server closes the TCP connection, so that TIME_WAIT is its own."""
    client = connect(echo_server.fixed_port)
    client.send(close_frame(1000))
    assert client.receive_close().code == 1000
    client.expect_end(timeout=4)  # and not after the close timeout of 5 s


def test_crossing_closes_end_cleanly(servers, connect):
    """Both sides close at the same time."""
    server = servers(options=["--idle-timeout", 0.5])
    server.start()
    client = connect(server.port)
    client.send(frame(TEXT, b"x", fin=False))
    client.send(close_frame(1000))
    client.receive_close()
    client.expect_end()


def test_pings_inside_a_long_message(servers, connect):
    """Server pings and the client's fragments do not disturb each other."""
    server = servers(options=["--ping-interval", 0.2, "--ping-misses", 20, "--set", "prefix="])
    server.start()
    client = connect(server.port)
    client.send(frame(TEXT, b"a", fin=False))
    for _ in range(3):
        ping = client.receive_frame()
        assert ping.opcode == PING
        client.send(frame(PONG, ping.payload) + frame(CONTINUATION, b"b", fin=False))
    client.send(frame(CONTINUATION, b"c"))
    received = client.receive_frame()
    while received.opcode == PING:
        received = client.receive_frame()
    assert received.payload == b"abbbc"
