"""What breaks the protocol costs the one connection that did it, and memory is never given on a promise."""

import contextlib

import pytest

from clients import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, RawClient, close_frame, frame
from server import at_rest, open_descriptors, rss_bytes, wait_until

MIB = 1 << 20

VIOLATIONS = {
    "unmasked frame": (frame(TEXT, b"x", mask=None), 1002),
    "unmasked empty frame": (frame(TEXT, b"", mask=None), 1002),
    "unmasked ping": (frame(PING, b"x", mask=None), 1002),
    "unmasked close": (close_frame(1000, mask=None), 1002),
    "length 5 in 16 bits": (frame(TEXT, b"hello", length_bytes=2), 1002),
    "length 125 in 16 bits": (frame(TEXT, b"x" * 125, length_bytes=2), 1002),
    "length 126 in 64 bits": (frame(TEXT, b"x" * 126, length_bytes=8), 1002),
    "length 65535 in 64 bits": (frame(TEXT, b"x" * 65535, length_bytes=8), 1002),
    "length with the top bit": (bytes.fromhex("82ff8000000000000000"), 1002),
    "length of all ones": (bytes.fromhex("82ffffffffffffffffff"), 1002),
    "length of all ones, unmasked": (bytes.fromhex("817fffffffffffffffff"), 1002),
    "length 2^63-1": (bytes.fromhex("82ff7fffffffffffffff37fa213d"), 1009),
    "length 1 GiB": (frame(BINARY, b"", declared=1 << 30), 1009),
    "one byte over the limit": (frame(BINARY, b"", declared=MIB + 1), 1009),
    "limit reached by fragments": (frame(BINARY, b"x" * MIB, fin=False) + frame(CONTINUATION, b"y"), 1009),
    "limit declared by a fragment": (frame(BINARY, b"x", fin=False) + frame(CONTINUATION, b"", declared=MIB), 1009),
    "fragmented ping": (frame(PING, b"x", fin=False), 1002),
    "fragmented close": (frame(CLOSE, b"\x03\xe8", fin=False), 1002),
    "ping of 126 bytes": (frame(PING, b"x" * 126), 1002),
    "ping of 64 KiB": (frame(PING, b"x" * 65536), 1002),
    "close of 126 bytes": (frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
    "close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "rsv on a continuation": (frame(TEXT, b"x", fin=False) + frame(CONTINUATION, b"y", rsv=4), 1002),
    "compressed without negotiation": (frame(TEXT, b"\xf2\x48\xcd\xc9\xc9\x07\x00", rsv=4), 1002),
    "text inside a fragmented message": (frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"), 1002),
    "character cut at the end of a message": (frame(TEXT, b"\xe4\xbd"), 1007),
    "character cut by a fragment and not finished": (frame(TEXT, b"\xe4", fin=False) + frame(CONTINUATION, b"x"), 1007),
    "invalid text in the last fragment": (frame(TEXT, b"ok", fin=False) + frame(CONTINUATION, b"\xff"), 1007),
    "invalid close reason": (close_frame(1000, b"\xff"), 1007),
}


@pytest.mark.parametrize("kind", VIOLATIONS)
def test_violation_costs_that_connection_only(echo_server, connect, kind):
    data, code = VIOLATIONS[kind]
    bystander, offender = connect(echo_server.fixed_port), connect(echo_server.fixed_port)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        offender.send(data)
    offender.expect_failed(code)
    assert bystander.still_works()
    assert echo_server.status()["exits"] == []


@pytest.mark.parametrize("kind", [k for k, (data, _) in VIOLATIONS.items() if len(data) < 200])
def test_violation_is_seen_in_single_bytes(echo_server, connect, kind):
    data, code = VIOLATIONS[kind]
    client = connect(echo_server.fixed_port)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for i in range(len(data)):
            client.send(data[i : i + 1])
    client.expect_failed(code)


@pytest.mark.parametrize(
    "header",
    [
        frame(TEXT, rsv=4, declared=5),
        frame(0x3, declared=5),
        frame(PING, fin=False, declared=5),
        frame(CONTINUATION, declared=5),
        frame(TEXT, mask=None, declared=5),
        frame(PING, declared=126),
        frame(TEXT, length_bytes=2, declared=5),
    ],
    ids=["rsv", "opcode", "ping without fin", "stray continuation", "no mask", "long ping", "length not minimal"],
)
def test_header_is_judged_as_soon_as_it_is_there(echo_server, connect, header):
    """The payload it announces never comes."""
    client = connect(echo_server.fixed_port)
    client.send(header)
    client.expect_failed(1002)


def test_nothing_is_processed_after_a_close(echo_server, connect):
    client = connect(echo_server.fixed_port)
    client.send(close_frame(1000) + frame(TEXT, b"late") + frame(PING, b"late") + frame(TEXT, b"x", mask=None))
    assert client.receive_close().code == 1000
    client.expect_end()


def test_what_came_before_a_violation_is_answered(echo_server, connect):
    client = connect(echo_server.fixed_port)
    client.send(frame(TEXT, b"one") + frame(PING, b"two") + frame(TEXT, b"three", rsv=7))
    assert client.receive_message() == (TEXT, b"one")
    assert client.receive_frame() == Frame(PONG, b"two")
    client.expect_failed(1002)


def test_client_that_goes_on_sending_still_reads_why(echo_server, connect):
    """The Close must not be lost in a reset because unread bytes were waiting."""
    client = connect(echo_server.fixed_port)
    data = frame(TEXT, b"x", rsv=1) + b"".join(frame(BINARY, b"z" * 1000) for _ in range(200))
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        client.send(data)
    assert client.receive_close().code == 1002


@pytest.mark.parametrize("code", [1012, 1013, 1014])
def test_codes_registered_since_the_rfc_are_answered(echo_server, connect, code):
    connect(echo_server.fixed_port).close_cleanly(code)


def test_every_reason_length_fits(echo_server, connect):
    for size in (0, 1, 122, 123):
        client = connect(echo_server.fixed_port)
        client.send(close_frame(4000, b"r" * size))
        assert client.receive_close().code == 4000
        client.expect_end()


def test_message_of_exactly_the_limit_is_taken(servers, connect):
    server = servers(options=["--max-message", 1000, "--set", "prefix="])
    server.start()
    client = connect(server.port)
    assert client.echo(b"x" * 1000, BINARY) == (BINARY, b"x" * 1000)
    client.send(frame(BINARY, b"a" * 600, fin=False) + frame(CONTINUATION, b"b" * 400))
    assert client.receive_message() == (BINARY, b"a" * 600 + b"b" * 400)
    client.send(frame(BINARY, b"x" * 1001))
    client.expect_failed(1009)


# ---- Pings ------------------------------------------------------------------------------------------------------


def test_ping_is_answered_with_its_payload(echo_server, connect):
    client = connect(echo_server.fixed_port)
    for payload in (b"", b"x", bytes(range(125))):
        client.send(frame(PING, payload))
        assert client.receive_frame() == Frame(PONG, payload)


def test_ping_inside_a_message_is_answered_at_once(echo_server, connect):
    client = connect(echo_server.fixed_port)
    client.send(frame(TEXT, b"he", fin=False) + frame(PING, b"now"))
    assert client.receive_frame() == Frame(PONG, b"now")
    client.send(frame(CONTINUATION, b"llo"))
    assert client.receive_message() == (TEXT, b"hello")


@pytest.mark.parametrize("size", [0, 125])
def test_ping_flood_that_is_never_read_is_bounded(servers, connect, sanitized, size):
    """A million bytes of pings wait for no pong: at most one is kept for a peer that does not read."""
    server = servers(count=1)
    server.start()
    client = connect(server.port, receive_buffer=4096)
    pid = server.worker_pids()[0]
    before = rss_bytes(pid)
    flood = frame(PING, b"p" * size) * (4 * MIB // (6 + size))
    client.send(flood)
    client.wait_read()
    assert rss_bytes(pid) - before < (64 if sanitized else 2) * MIB
    assert connect(server.port).still_works()
    client.send(frame(PING, b"last"))
    pongs = 0
    while client.receive_frame().payload != b"last":
        pongs += 1
    assert pongs * (2 + size) < 2 * MIB, "most pongs were left out"


# ---- Memory on a promise -----------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_declared_length_allocates_nothing(servers, connect, sanitized):
    """300 connections each announce a whole MiB and send one byte of it."""
    server = servers(count=1)
    server.start()
    port, pid = server.port, server.worker_pids()[0]
    clients = [connect(port) for _ in range(300)]
    before, received = rss_bytes(pid), server.worker(0)["bytes_in"]
    promise = frame(BINARY, b"", declared=MIB) + b"x"
    for client in clients:
        client.send(promise)
    wait_until(lambda: server.worker(0)["bytes_in"] == received + len(clients) * len(promise), what="all promises read")
    assert rss_bytes(pid) - before < (30 if sanitized else 3) * MIB
    assert all(row["state"] == "running" for row in server.workers())


def test_many_tiny_fragments_are_one_flat_buffer(servers, connect, sanitized):
    """reliability.md §5 #4: 100,000 continuations of one byte, no end: memory stays near the payload."""
    server = servers(count=1)
    server.start()
    client = connect(server.port)
    pid = server.worker_pids()[0]
    before = rss_bytes(pid)
    client.send(frame(BINARY, b"x", fin=False))
    for _ in range(10):
        client.send(frame(CONTINUATION, b"y", fin=False) * 10_000)
    client.wait_read()
    assert rss_bytes(pid) - before < (40 if sanitized else 2) * MIB
    client.send(frame(CONTINUATION, b""))
    assert client.receive_message() == (BINARY, b"hello x" + b"y" * 100_000)


def test_empty_fragments_without_end_cost_nothing(servers, connect, sanitized):
    server = servers(count=1)
    server.start()
    client = connect(server.port)
    pid = server.worker_pids()[0]
    client.send(frame(TEXT, b"", fin=False))
    before = rss_bytes(pid)
    for _ in range(20):
        client.send(frame(CONTINUATION, b"", fin=False) * 10_000)
    client.wait_read()
    assert rss_bytes(pid) - before < (40 if sanitized else 1) * MIB
    client.send(frame(CONTINUATION, b"end"))
    assert client.receive_message() == (TEXT, b"hello end")


# ---- Ends in every state ------------------------------------------------------------------------------------------

STATES = {
    "before the handshake": b"",
    "in the handshake": b"GET / HTTP/1.1\r\nHost:",
    "open": None,
    "in a frame header": frame(TEXT, b"x" * 200)[:3],
    "in a payload": frame(TEXT, b"x" * 200)[:50],
    "between fragments": frame(TEXT, b"x", fin=False),
    "behind a ping": frame(PING, b"x"),
    "behind a message": frame(TEXT, b"x"),
    "behind a close": close_frame(1000),
    "behind a violation": frame(TEXT, b"x", mask=None),
}


@pytest.mark.parametrize("ending", ["reset", "finish_sending", "abandon"])
@pytest.mark.parametrize("state", STATES)
def test_connection_may_end_in_every_state(echo_server, state, ending):
    raw = "handshake" in state
    for _ in range(5):
        client = RawClient(echo_server.fixed_port)
        if not raw:
            client.open()
        if STATES[state]:
            client.send(STATES[state])
        getattr(client, ending)()
        if ending == "finish_sending":
            client.drain()
            client.abandon()
    bystander = RawClient(echo_server.fixed_port)
    bystander.open()
    assert bystander.still_works()
    bystander.close_cleanly()
    wait_until(lambda: echo_server.connections() == 0, what="no connection left in the server's books")
    assert echo_server.status()["exits"] == []


@pytest.mark.smoke
def test_reset_in_the_middle_of_a_large_answer(servers):
    """SIGPIPE kills nobody."""
    server = servers(count=1, options=["--set", "prefix="])
    server.start()
    pid = server.worker_pids()[0]
    for _ in range(10):
        client = RawClient(server.port, receive_buffer=4096)
        client.open()
        client.send(frame(BINARY, b"x" * MIB))
        client.fill()
        client.reset()
    wait_until(lambda: server.connections() == 0)
    assert server.worker_pids() == [pid]
    assert server.status()["exits"] == []


def test_half_closed_clients_are_let_go(servers, connect):
    server = servers(count=1)
    server.start()
    clients = [connect(server.port) for _ in range(50)]
    for client in clients:
        client.finish_sending()
    for client in clients:
        client.drain()
    wait_until(lambda: server.connections() == 0)


def test_connection_storm_leaves_no_descriptor(servers, sanitized):
    """reliability.md §5 #6, small: descriptors and memory are flat over many short lives."""
    server = servers(count=1)
    server.start()
    port, pid = server.port, server.worker_pids()[0]

    def storm(number):
        for i in range(number):
            client = RawClient(port)
            client.open()
            client.send(frame(TEXT, b"x"))
            client.receive_message()
            client.reset() if i % 2 else client.close_cleanly()
        wait_until(lambda: server.connections() == 0)

    storm(50)
    descriptors, memory = at_rest(lambda: open_descriptors(pid)), rss_bytes(pid)
    storm(500)
    assert at_rest(lambda: open_descriptors(pid)) == descriptors
    assert rss_bytes(pid) - memory < (20 if sanitized else 1) * MIB
    assert server.worker_pids() == [pid]
