"""Peers that do not read, or read slowly: the queue is bounded, what is dropped is counted, nobody else notices."""

import pathlib

import pytest

from clients import BINARY, PING, TEXT, frame
from server import at_rest, rss_bytes, wait_until

MIB = 1 << 20


def flood(client, message, at_most):
    """Sends the message again and again until the server stops reading or `at_most` were sent; returns how many."""
    client.socket.settimeout(5.0)
    sent = 0
    try:
        while sent < at_most:
            client.socket.sendall(message)
            sent += 1
    except TimeoutError:
        pass
    return sent


@pytest.mark.smoke
def test_reader_that_never_reads_is_bounded(servers, connect, sanitized):
    """Echoes of 64 KiB to someone who reads nothing: the queue stops at its limit and drops are counted."""
    server = servers(count=1, options=["--set", "prefix="])
    server.start()
    port, pid = server.port, server.worker_pids()[0]
    client = connect(port, receive_buffer=4096)
    before = rss_bytes(pid)
    flood(client, frame(BINARY, b"x" * 65536), 200)
    assert rss_bytes(pid) - before < (60 if sanitized else 6) * MIB
    wait_until(lambda: server.worker(0)["send_dropped"] > 0, what="drops counted")
    assert connect(port).still_works()
    assert server.status()["exits"] == []


def test_many_readers_that_never_read(servers, connect, sanitized):
    server = servers(count=1, options=["--set", "prefix=", "--send-queue", 65536])
    server.start()
    port, pid = server.port, server.worker_pids()[0]
    before = rss_bytes(pid)
    clients = [connect(port, receive_buffer=4096) for _ in range(40)]
    message = frame(BINARY, b"x" * 16384)
    for client in clients:
        flood(client, message, 40)
    assert rss_bytes(pid) - before < (60 if sanitized else 8) * MIB
    assert connect(port).still_works()


def test_whole_messages_are_dropped_never_parts(servers, connect):
    """What arrives in the end are whole messages in their order, with gaps."""
    server = servers(count=1, options=["--set", "prefix=", "--send-queue", 100_000])
    server.start()
    client = connect(server.port, receive_buffer=4096)
    numbers = list(range(400))
    messages = b"".join(frame(BINARY, number.to_bytes(4, "big") * 2500) for number in numbers)
    client.send(messages)
    client.send(frame(PING, b"end"))
    received = []
    while True:
        answer = client.receive_frame()
        if answer.payload == b"end":
            break
        assert len(answer.payload) == 10_000 and answer.payload[:4] * 2500 == answer.payload
        received.append(int.from_bytes(answer.payload[:4], "big"))
    wait_until(lambda: client.unread_by_server() == 0)
    assert received == sorted(set(received))
    dropped = server.worker(0)["send_dropped"]
    # The Ping's answer passes ahead of queued messages: what was still to come is read now.
    while len(received) + dropped < len(numbers):
        received.append(int.from_bytes(client.receive_frame().payload[:4], "big"))
    assert received == sorted(set(received))
    assert len(received) + dropped == len(numbers)


def test_slow_reader_gets_everything_that_fits(servers, connect):
    server = servers(count=1, options=["--set", "prefix="])
    server.start()
    client = connect(server.port, receive_buffer=4096)
    payload = bytes(range(256)) * 2000
    client.send(frame(BINARY, payload))
    collected = b""
    while len(collected) < len(payload) + 10:
        collected += client.take(min(5000, len(payload) + 10 - len(collected)))
    assert collected[10:] == payload


def test_one_message_larger_than_the_queue_is_taken_when_nothing_waits(servers, connect):
    server = servers(count=1, options=["--set", "prefix=", "--send-queue", 65536])
    server.start()
    client = connect(server.port, receive_buffer=4096)
    payload = b"z" * (900 * 1024)
    client.send(frame(BINARY, payload))
    assert client.receive_message() == (BINARY, payload)
    assert server.worker(0)["send_dropped"] == 0


def test_kernel_memory_of_a_stuck_reader_is_capped(servers, connect):
    """TCP_NOTSENT_LOWAT is 128 KiB: the kernel holds no megabytes for it."""
    server = servers(count=1, options=["--set", "prefix=", "--send-queue", 65536])
    server.start()
    client = connect(server.port, receive_buffer=4096)
    sent = flood(client, frame(BINARY, b"x" * 16384), 100)
    client.wait_read()
    dropped = at_rest(lambda: server.worker(0)["send_dropped"])
    assert dropped > 0
    held = (sent - dropped) * 16384
    assert held < 600_000, f"{held} bytes are held for a peer that reads nothing"


def bytes_in_kernel(port):
    """What the sockets of the server at this port have not got acknowledged, the largest of them."""
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return max(int(row[4].split(":")[0], 16) for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01")


def test_kernel_memory_of_a_reader_that_gets_stuck_is_capped(servers, connect):
    """It has read a lot, so that large messages are taken whole; the many that follow are not."""
    server = servers(count=1, options=["--set", "prefix=", "--send-queue", 65536])
    server.start()
    client = connect(server.port, receive_buffer=4096)
    large = frame(BINARY, b"l" * (MIB - 10))
    for _ in range(3):
        client.send(large)
        assert len(client.receive_message()[1]) == MIB - 10
    flood(client, frame(BINARY, b"x" * 16384), 300)
    client.wait_read()
    wait_until(lambda: server.worker(0)["send_dropped"] > 0)
    assert bytes_in_kernel(server.port) < 400_000


def test_fast_pipelining_is_answered_in_order(echo_server, connect):
    client = connect(echo_server.fixed_port)
    numbers = [b"%d" % number for number in range(5000)]
    client.send(b"".join(frame(TEXT, number) for number in numbers))
    assert [client.receive_message()[1] for _ in numbers] == numbers
