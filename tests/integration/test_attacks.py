"""Attacks that no other module has: headers that are slow to read, a Close amid much output, a herd that comes again."""

import time

import pytest

import fault_run
from certificates import Authority
from clients import BINARY, TEXT, RawClient, close_frame, frame, handshake_request
from server import cpu_seconds, is_alive, wait_until

MIB = 1 << 20

# What has made parsers backtrack, or go over their input once for each of its parts.
SLOW_TO_READ = {
    "spaces": " ",
    "commas": ",",
    "semicolons": ";",
    "quotes": '"',
    "open quotes": ',a="',
    "escapes": '\\"',
    "empty parameters": "a;=",
    "tabs and commas": "\t,",
    "parameters": "a;b=c,",
    "offers": "permessage-deflate;client_max_window_bits,",
}


@pytest.mark.parametrize("field", ["Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Origin", "Connection"])
def test_headers_that_are_slow_to_read_are_read_in_no_time(servers, field):
    """16 KiB of each, ten times: an answer of some kind, and less than a millisecond of work for each KiB."""
    server = servers(count=1, options=["--deflate", "--allow-origin", "absent", "--allow-origin", "https://example.com"])
    server.start()
    port, pid = server.port, server.worker_pids()[0]
    before, requests = cpu_seconds(pid), 0
    for part in SLOW_TO_READ.values():
        request = handshake_request(extra=[f"{field}: x" + part * (15 * 1024 // len(part))])
        for _ in range(10):
            client = RawClient(port)
            client.send(request)
            assert client.receive_response().status in (101, 400, 403, 426, 431)
            client.abandon()
            requests += 1
    spent = cpu_seconds(pid) - before
    fault_run.say(name=f"slow_{field.lower()}", requests=requests, cpu_us_each=round(spent / requests * 1e6))
    assert spent / requests < 0.015
    assert server.worker_pids() == [pid]


def test_a_close_amid_a_megabyte_of_output_comes_behind_it(servers, connect):
    """The client closes while what it asked for is under way: it gets all of it, whole, and then its answer."""
    server = servers(count=1, options=["--set", "prefix="])
    server.start()
    client = connect(server.port, receive_buffer=4096)
    payload = bytes(range(256)) * (MIB // 256)
    client.send(frame(BINARY, payload) + close_frame(1000) + frame(TEXT, b"late"))
    assert client.receive_message() == (BINARY, payload)
    assert client.receive_close().code == 1000
    client.expect_end()
    wait_until(lambda: server.connections() == 0)


def test_a_close_amid_output_that_nobody_reads_ends_at_the_close_timeout(servers, connect):
    server = servers(count=1, options=["--set", "prefix=", "--close-timeout", 0.5])
    server.start()
    client = connect(server.port, receive_buffer=4096)
    client.send(frame(BINARY, b"x" * MIB) + close_frame(1000))
    wait_until(lambda: server.connections() == 0, what="a client that reads neither answer nor Close let go")


def test_a_herd_of_tls_clients_comes_again(servers, tmp_path, sanitized):
    """Half of them lose their worker at once and are back with a full handshake each: nobody waits for long, nothing dies of it."""
    number = 100 if sanitized else 400
    authority = Authority(tmp_path / "authority")
    pair = authority.server("localhost")
    server = servers(count=2, listen=["wss://127.0.0.1:0"], options=["--set", "prefix=", *pair.options()])
    server.start()
    context, port, victim = authority.client_context(), server.port, server.worker(0)["pid"]

    def come():
        client = RawClient(port, tls=context)
        client.open()
        return client

    clients = [come() for _ in range(number)]
    try:
        died = server.worker(0)["connections"]
        began = time.monotonic()
        server.kill(victim)
        wait_until(lambda: not is_alive(victim))
        again = 0
        for i in range(number):
            try:
                assert clients[i].still_works()
            except (OSError, AssertionError):
                clients[i].abandon()
                clients[i] = come()
                again += 1
        elapsed = time.monotonic() - began
        assert again == died
        assert all(client.still_works() for client in clients)
    finally:
        for client in clients:
            client.abandon()
    fault_run.say(name="tls_herd", clients=number, came_again=again, all_back_ms=round(elapsed * 1000), restarts=1)
    server.wait_running()
    assert server.status()["exits"] == [{"status": "killed by SIGKILL", "count": 1}]
