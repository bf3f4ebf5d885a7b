"""Reloads and wss clients: they stay, their TLS relayed by the worker that they came to, or are told to reconnect."""

import asyncio
import contextlib
import json
import os
import signal
import ssl
import threading
import time

import pytest

from clients import TEXT, close_frame, frame
from exact import ExactClients, assert_exact
from server import cpu_seconds, holds_for, is_alive, process_title, send_signal, wait_until
from test_handoff import reload_again_and_again, upgradable  # noqa: F401

WSS = "wss://127.0.0.1:0"


@pytest.fixture
def secure_server(servers, certificate):
    def make(*options, prefix="", make_server=servers, **others):
        server = make_server(listen=[WSS], options=["--set", f"prefix={prefix}", *certificate.options(), *options], **others)
        if not server.has_run:
            server.start()
        return server

    return make


@pytest.fixture
def connect_tls(connect, authority):
    return lambda server, **options: connect(server.port, tls=authority.client_context(), **options)


def reload(server, *arguments):
    result = server.cli("reload", *arguments)
    assert result.returncode == 0, result.stderr
    return result


def relays(server):
    return server.status()["relays"]


# ---- exactness ------------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_every_message_is_answered_once_across_reloads(secure_server):
    server = secure_server(prefix="g1 ", count=2)
    with ExactClients(server, connections=100, rate=400) as clients:
        reload_again_and_again(server, times=4, pause=0.7)
        report = clients.finish()
    assert_exact(report, code=5)
    assert server.status()["exits"] == []
    wait_until(lambda: relays(server) == [], what="relays gone with their clients")


def test_every_message_is_answered_once_across_upgrades(upgradable, secure_server):  # noqa: F811
    server = secure_server(prefix="g1 ", count=2, make_server=upgradable)
    with ExactClients(server, connections=100, rate=400) as clients:
        for _ in range(2):
            time.sleep(1)
            server.install()
            result = server.cli("upgrade")
            assert result.returncode == 0, result.stderr
        report = clients.finish()
    assert_exact(report, code=1)
    wait_until(lambda: relays(server) == [], what="relays gone with their clients")


# ---- relays ---------------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_a_relay_keeps_tls_for_the_workers_that_come_and_go(secure_server, connect_tls):
    server = secure_server(count=1)
    old = connect_tls(server)
    assert old.still_works()
    first = server.worker(0)["pid"]
    for generation in (2, 3, 4):
        reload(server)
        assert old.still_works()
        status = server.status()
        assert status["generation"] == generation
        assert status["totals"]["connections"] == 1, "counted once"
        assert [(row["pid"], row["state"], row["connections"]) for row in status["relays"]] == [(first, "relaying", 1)]
        server.wait_none_draining()
    assert process_title(first).startswith(f"wsd: relay process  {server.name}/0")
    assert "[relaying]" in server.cli("status").stdout
    new = connect_tls(server)
    second = server.worker(0)["pid"]
    reload(server)
    assert old.still_works() and new.still_works()
    assert [row["pid"] for row in relays(server)] == [first, second]
    old.close_cleanly()
    wait_until(lambda: [row["pid"] for row in relays(server)] == [second], what="the first relay to leave")
    wait_until(lambda: not is_alive(first))
    new.close_cleanly()
    wait_until(lambda: relays(server) == [])
    assert server.status()["exits"] == []
    wait_until(lambda: server.connections() == 0)


def test_a_relay_outlives_the_drain_timeout_and_an_upgrade(upgradable, secure_server, connect_tls):  # noqa: F811
    server = secure_server("--drain-timeout", 0.5, count=1, make_server=upgradable)
    client = connect_tls(server)
    first = server.worker(0)["pid"]
    reload(server)
    assert server.cli("upgrade").returncode == 0
    assert holds_for(lambda: is_alive(first), 2)
    assert client.still_works()
    assert [row["pid"] for row in relays(server)] == [first]
    client.close_cleanly()
    wait_until(lambda: relays(server) == [])
    assert not is_alive(first)
    assert server.status()["exits"] == []


def test_what_is_under_way_at_the_moment_of_a_reload_is_not_lost(secure_server, authority, connect, connect_tls):
    server = secure_server("--handshake-timeout", 60, count=1)
    half_frame, bulky = connect_tls(server), connect_tls(server)
    half_head = connect_tls(server, handshake=False)
    message = frame(TEXT, b"in two halves")
    half_frame.send(message[:7])
    half_head.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
    half_hello = connect(server.port, handshake=False)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = authority.client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        hello.do_handshake()
    greeting = outgoing.read()
    half_hello.send(greeting[:100])
    half_hello.wait_read()
    payload = os.urandom(900_000)
    bulky.send(frame(TEXT + 1, payload))  # its answer waits in the queue, for nobody reads it
    for _ in range(3):
        reload(server)
    half_frame.send(message[7:])
    assert half_frame.receive_message() == (TEXT, b"in two halves")
    half_head.send(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
    half_head.receive_upgrade()
    assert half_head.still_works()
    assert bulky.receive_message() == (TEXT + 1, payload)
    half_hello.send(greeting[100:])
    while True:
        try:
            hello.do_handshake()
            break
        except ssl.SSLWantReadError:
            if outgoing.pending:
                half_hello.send(outgoing.read())
            incoming.write(half_hello.socket.recv(1 << 16))
    half_hello.send(outgoing.read())
    hello.write(b"GET / HTTP/1.1\r\n\r\n")
    half_hello.send(outgoing.read())
    assert half_hello.socket.recv(1 << 16), "an answer"


def test_a_client_that_stalls_in_the_handshake_is_let_go_by_the_relay_too(secure_server, connect):
    server = secure_server("--handshake-timeout", 1, "--close-timeout", 60, count=1)
    client = connect(server.port, handshake=False)
    client.send(bytes.fromhex("16030102"))
    client.wait_read()
    reload(server)
    assert client.is_closed(), "and not only when its worker has lost its patience too"
    wait_until(lambda: relays(server) == [])


def test_a_relayed_client_that_does_not_read_slows_its_worker_down(secure_server, connect_tls):
    server = secure_server(count=1)
    client = connect_tls(server, receive_buffer=4096)
    reload(server)
    relay = relays(server)[0]["pid"]
    payload = bytes(range(256)) * 3500
    sent = threading.Thread(target=lambda: [client.send(frame(TEXT + 1, payload)) for _ in range(12)])
    sent.start()

    def rests():
        before = cpu_seconds(relay)
        time.sleep(0.5)
        return cpu_seconds(relay) - before < 0.2

    wait_until(rests, what="it to wait, once both sides are full, and not to spin")
    received = client.receive_message()
    assert received == (TEXT + 1, payload)
    sent.join(timeout=10)
    client.abandon()
    wait_until(lambda: relays(server) == [])


def test_ends_of_either_side_reach_the_other(secure_server, connect_tls):
    server = secure_server(count=1)
    clients = [connect_tls(server) for _ in range(4)]
    reload(server)
    clients[0].close_cleanly()
    clients[1].reset()
    clients[2].abandon()
    clients[3].send(b"\xff\xff\xff\xff")
    clients[3].expect_failed(1002)
    clients[3].abandon()
    wait_until(lambda: server.connections() == 0)
    wait_until(lambda: relays(server) == [])


def test_a_worker_that_dies_takes_its_relayed_clients_along(secure_server, connect_tls):
    server = secure_server(count=1)
    client = connect_tls(server)
    reload(server)
    killed = server.worker(0)["pid"]
    server.kill(killed)
    client.expect_end()
    wait_until(lambda: relays(server) == [])
    wait_until(lambda: server.worker(0)["pid"] not in (0, killed))
    server.wait_running()
    assert connect_tls(server).still_works()


def test_a_relay_that_dies_takes_its_clients_along(secure_server, connect_tls):
    server = secure_server(count=1)
    client, other = connect_tls(server), None
    reload(server)
    other = connect_tls(server)
    server.kill(relays(server)[0]["pid"])
    with pytest.raises((ssl.SSLError, ConnectionError)):  # it has said neither Close nor close_notify
        client.take(1)
    assert other.still_works()
    wait_until(lambda: server.connections() == 1)
    wait_until(lambda: relays(server) == [])
    assert server.status()["exits"] == [{"status": "killed by SIGKILL", "count": 1}]


def test_a_relay_that_is_stuck_is_killed_and_its_clients_may_come_again(secure_server, connect_tls):
    server = secure_server("--watchdog", 3, count=1)
    client = connect_tls(server)
    reload(server)
    other = connect_tls(server)
    stuck = relays(server)[0]["pid"]
    server.expect_log("relay of slot 0 (gave no heartbeat for|was killed by SIGKILL)")
    send_signal(stuck, signal.SIGSTOP)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        client.take(1)
    wait_until(lambda: "relay of slot 0 was killed by SIGKILL" in server.log())
    assert "relay of slot 0 gave no heartbeat for" in server.log()
    assert relays(server) == []
    assert other.still_works() and connect_tls(server).still_works()
    wait_until(lambda: server.connections() == 2, what="the worker to notice the end of the stuck relay's client")


def test_a_relay_that_is_stopped_for_less_goes_on(secure_server, connect_tls):
    server = secure_server("--watchdog", 30, count=1)
    client = connect_tls(server)
    reload(server)
    stopped = relays(server)[0]["pid"]
    send_signal(stopped, signal.SIGSTOP)
    client.send(frame(TEXT, b"meanwhile"))
    assert client.nothing_comes(1.5)
    send_signal(stopped, signal.SIGCONT)
    assert client.receive_message() == (TEXT, b"meanwhile")
    assert "no heartbeat" not in server.log()


# ---- and their end --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("graceful", [False, True])
def test_a_stop_says_close_through_the_relay(secure_server, connect_tls, graceful):
    server = secure_server("--drain-timeout", 3, count=2)
    clients = [connect_tls(server) for _ in range(6)]
    reload(server)
    stopping = threading.Thread(target=lambda: server.stop(*(["-g"] if graceful else [])))
    stopping.start()
    for client in clients:
        assert client.receive_close().code == 1001
        client.send(close_frame(1001))
        client.expect_end()
    stopping.join(timeout=20)
    assert not server.processes()


def test_a_stop_does_not_wait_for_relayed_clients_that_are_silent(secure_server, connect_tls):
    server = secure_server(count=1)
    client = connect_tls(server)
    reload(server)
    server.stop()
    assert not server.processes()
    client.abandon()


def test_after_the_relay_timeout_clients_are_told_to_reconnect(secure_server, connect_tls):
    server = secure_server("--relay-timeout", 4, "--drain-timeout", 1.5, count=1)
    clients = [connect_tls(server) for _ in range(10)]
    began = time.monotonic()
    reload(server)
    reload(server)
    assert all(client.still_works() for client in clients)
    for client in clients:
        assert client.receive_close().code == 1012
        client.send(close_frame(1012))
        client.expect_end()
    assert time.monotonic() - began >= 4
    wait_until(lambda: relays(server) == [])
    assert connect_tls(server).still_works()


def test_a_relay_whose_time_is_up_leaves_those_who_do_not_answer(secure_server, connect_tls):
    server = secure_server("--relay-timeout", 0.2, "--drain-timeout", 0.3, "--close-timeout", 0.5, count=1)
    client = connect_tls(server)
    reload(server)
    wait_until(lambda: relays(server) == [])
    assert client.receive_close().code == 1012


@pytest.mark.long
@pytest.mark.release
@pytest.mark.timeout(1200)
def test_the_oldest_relay_ends_when_there_are_too_many(secure_server, connect_tls):
    """A client and a reload, over and over: the scoreboard has 1,024 rows, and three of them are the slot's."""
    server = secure_server("--drain-timeout", 6, "--close-timeout", 2, "--ping-interval", 0, count=1)
    clients = []
    for _ in range(1021):
        clients.append(connect_tls(server))
        reload(server)
    assert len(relays(server)) == 1021
    assert "is ended, being the oldest" not in server.log()
    clients.append(connect_tls(server))
    reload(server)
    assert "relay of slot 0 is ended, being the oldest of more than 1021" in server.log()
    refused = server.cli("reload")
    assert refused.returncode == 1 and "no more than 1024 can be" in refused.stderr
    server.expect_log("reload failed")
    assert clients[0].receive_close().code == 1012
    clients[0].send(close_frame(1012))
    clients[0].expect_end()
    wait_until(lambda: len(relays(server)) == 1021 and server.status()["draining"] == [])
    assert all(client.still_works() for client in clients[1:])
    reload(server)
    server.stop()


def test_reload_may_drain_instead(secure_server, connect_tls, connect):
    server = secure_server("--drain-timeout", 3, count=1)
    clients = [connect_tls(server) for _ in range(10)]
    began = time.monotonic()
    reload(server, "--tls-reload", "drain")
    times = []
    for client in clients:
        assert client.receive_close().code == 1012
        times.append(time.monotonic() - began)
        client.send(close_frame(1012))
        client.expect_end()
    assert max(times) > 0.3, "spread over the window"
    wait_until(lambda: relays(server) == [])


# ---- apps -----------------------------------------------------------------------------------------------------------


def test_a_chat_goes_on_across_reloads(servers, certificate, authority):
    websockets = pytest.importorskip("websockets")
    server = servers(app="chat", listen=[WSS], count=2, options=certificate.options())
    server.start()
    url = f"wss://localhost:{server.port}/chat/tea?name="

    async def next_of(client, kind):
        while True:
            message = json.loads(await asyncio.wait_for(client.recv(), 10))
            if message["type"] == kind:
                return message

    async def converse():
        context = authority.client_context()
        async with websockets.connect(url + "alice", ssl=context) as alice, websockets.connect(url + "bob", ssl=context) as bob:
            await next_of(bob, "welcome")
            for text in ("one", "two", "three"):
                await alice.send(json.dumps({"type": "say", "text": text}))
                assert (await next_of(bob, "said"))["text"] == text
                await asyncio.to_thread(reload, server)
            await alice.send(json.dumps({"type": "members"}))
            assert (await next_of(alice, "members"))["count"] == 2

    asyncio.run(converse())


def test_push_reaches_relayed_clients(servers, certificate, connect_tls, authority):
    server = servers(app="push", listen=[WSS], count=2, options=certificate.options())
    server.start()
    clients = [connect_tls(server) for _ in range(4)]
    reload(server)
    for client in clients:
        assert client.echo(b"hello") == (TEXT, "服务器已经收到了你的消息".encode())
