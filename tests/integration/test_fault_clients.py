"""Clients at their worst, by the thousand, under load: who says nothing, reads nothing, resets, half closes; lost packets.

What one such client does to its own connection is in test_violations, test_deadlines and test_backpressure. Numbers are
for two cores and clients in Python; under sanitizers they are smaller.
"""

import contextlib
import resource
import ssl
import time

import pytest

import fault_run
from certificates import Authority
from channel_clients import Crowd, assert_exact
from clients import BINARY, RawClient, frame, handshake_request
from fault_run import FaultRun
from own_network import run_in_own_network, why_not
from server import at_rest, cpu_seconds, open_descriptors, rss_bytes, wait_until
from test_channels import app  # noqa: F401
from test_faults import crowd_on, rate, start  # noqa: F401
from test_violations import STATES

KIB, MIB = 1 << 10, 1 << 20


def raise_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.fixture
def many_descriptors():
    """For this process; server.limits does it for the server."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    raise_descriptors()
    if before[1] < 12_000:
        pytest.skip("fewer than 12,000 descriptors to be had")
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def roomy(servers, app):  # noqa: F811
    """A server with descriptors for thousands."""

    def roomy(**options):
        server = servers(app=app, **options)
        server.limits = raise_descriptors
        server.start()
        return server

    return roomy


@pytest.fixture
def crowd():
    clients = []
    yield clients
    for client in clients:
        client.abandon()


def end_quietly(client):
    with contextlib.suppress(OSError):
        client.drain(timeout=30)


# ---- who says nothing, or a byte a second ----------------------------------------------------------------------------


def silent_and_slow(roomy, rate, crowd, number):  # noqa: F811
    """`number` clients at once, of which every fifth sends a byte of its handshake a second: all are let go in time."""
    server = roomy(count=2, options=["--handshake-timeout", 6])
    pids, port = server.worker_pids(), server.port
    before, descriptors = sum(map(rss_bytes, pids)), sum(map(open_descriptors, pids))
    held_now = lambda: sum(map(open_descriptors, pids)) - descriptors  # noqa: E731
    with FaultRun(f"{number} silent clients", server, rate) as run:
        with run.strike():
            crowd += [RawClient(port) for _ in range(number)]
        began = time.monotonic()
        wait_until(lambda: held_now() >= number, timeout=30, what="all of them accepted")
        held = sum(map(rss_bytes, pids)) - before
        slow = crowd[::5]
        request = handshake_request(extra=["X-Slow: " + "a" * 100])
        for second in range(2):
            for client in slow:
                with contextlib.suppress(OSError):
                    client.send(request[second : second + 1])
            run.go_on_for(max(0.0, began + second + 1 - time.monotonic()))
        for client in crowd:
            end_quietly(client)
        wait_until(lambda: held_now() < number / 10, timeout=30, what="nearly all of them let go")
    assert run.figures.lost == run.figures.wrong == run.figures.restarts == run.figures.fd_delta == 0
    assert server.worker_pids() == pids
    fault_run.say(name="a_silent_client", rss_bytes=held // number)
    return held // number


def test_a_thousand_silent_clients_are_in_nobodys_way(roomy, rate, crowd, many_descriptors):  # noqa: F811
    silent_and_slow(roomy, rate, crowd, 1000)


@pytest.mark.release
def test_five_thousand_silent_clients_are_in_nobodys_way(roomy, rate, crowd, many_descriptors):  # noqa: F811
    assert silent_and_slow(roomy, rate, crowd, 5000) < 8 * KIB


# ---- who reads nothing -----------------------------------------------------------------------------------------------


def test_hundreds_of_subscribers_that_never_read_cost_the_others_nothing(start, rate, sanitized):  # noqa: F811
    """Their queues are bounded by --send-queue, and hold references to the same messages."""
    number = 60 if sanitized else 300
    queue = 512 * KIB  # 1.6 s: what reads, but not while the machine pauses, is to lose nothing
    server = start(count=2, options=["--watchdog", 30, "--send-queue", queue])
    pids = server.worker_pids()
    with Crowd(server, "/plain", subscribers=60, publishers=4, rate=20, size=4000, stalled=number) as crowd:
        before = sum(map(rss_bytes, pids))
        with FaultRun("subscribers that never read", server, rate, crowd) as run:
            with run.strike():
                run.go_on_for(3)
            wait_until(lambda: server.status()["totals"]["send_dropped"] > 0, what="drops counted")
            held = sum(map(rss_bytes, pids)) - before
    assert run.figures.lost == run.figures.wrong == run.figures.restarts == 0
    assert_exact(run.report)
    fault_run.say(name="a_subscriber_that_never_reads", number=number, rss_bytes=held // number)
    if not sanitized:
        assert held < number * queue


# ---- who resets, in every state --------------------------------------------------------------------------------------


def client_hello():
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def reset_in(state, port):
    client = RawClient(port)
    if "handshake" not in state:
        client.open()
    if STATES[state]:
        client.send(STATES[state])
    client.reset()


def reset_while_output_waits(port):
    client = RawClient(port, receive_buffer=4096)
    client.open(path="/")
    client.send(frame(BINARY, b"!send") * 20 + frame(BINARY, b"x" * 200_000))
    client.reset()


def test_a_storm_of_resets_in_every_state_leaves_nothing_behind(servers, rate, sanitized, tmp_path):  # noqa: F811
    """SO_LINGER 0, also in the middle of a TLS handshake: descriptors and memory are as before, nobody else is touched."""
    authority = Authority(tmp_path / "authority")
    pair = authority.server("localhost")
    server = servers(count=2, listen=["ws://127.0.0.1:0", "wss://127.0.0.1:0"], options=["--set", "prefix=", *pair.options()])
    server.start()
    port, secure_port = (int(url.rpartition(":")[2]) for url in server.urls())
    pids, hello = server.worker_pids(), client_hello()
    bystander = RawClient(port)
    bystander.open()

    def storm(rounds):
        for number in range(rounds):
            for state in STATES:
                reset_in(state, port)
            reset_while_output_waits(port)
            for size in (0, 3, 5, len(hello) // 2, len(hello)):
                client = RawClient(secure_port)
                client.send(hello[:size])
                if size == len(hello) and number % 2:
                    client.fill()  # in the middle of its answer
                client.reset()
            secure = RawClient(secure_port, tls=authority.client_context())
            secure.send(handshake_request())
            secure.reset()
        wait_until(lambda: server.connections() == 1, what="all but the bystander gone")
        return rounds * (len(STATES) + 7)

    descriptors_now = lambda: at_rest(lambda: [open_descriptors(pid) for pid in pids])  # noqa: E731
    storm(3)
    descriptors, memory = descriptors_now(), sum(map(rss_bytes, pids))
    cpu, began = sum(map(cpu_seconds, pids)), time.monotonic()
    number = storm(20 if sanitized else 100)
    elapsed = time.monotonic() - began
    after = descriptors_now()
    fault_run.say(
        name="resets", number=number, per_second=round(number / elapsed), rss_delta=sum(map(rss_bytes, pids)) - memory,
        fd_delta=sum(after) - sum(descriptors), restarts=0,
        cpu_percent=round(100 * (sum(map(cpu_seconds, pids)) - cpu) / elapsed),
    )  # fmt: skip
    assert after == descriptors
    assert sum(map(rss_bytes, pids)) - memory < (80 if sanitized else 2) * MIB
    assert bystander.still_works()
    bystander.abandon()
    assert server.worker_pids() == pids and server.status()["exits"] == []


def test_half_closed_clients_by_the_thousand_are_let_go(roomy, crowd, many_descriptors, sanitized):
    """Each says that it will send no more, before the handshake, in it, or after it: all ends, and no descriptor stays."""
    number = 300 if sanitized else 1000
    server = roomy(count=2, options=["--handshake-timeout", 30, "--close-timeout", 30])
    pids, port = server.worker_pids(), server.port
    RawClient(port).abandon()
    wait_until(lambda: server.connections() == 0)
    descriptors = at_rest(lambda: [open_descriptors(pid) for pid in pids])
    for i in range(number):
        client = RawClient(port)
        crowd.append(client)
        if i % 3 == 1:
            client.send(b"GET / HTTP/1.1\r\nHost:")
        if i % 3 == 2:
            client.open()
        client.finish_sending()
    began = time.monotonic()
    for client in crowd:
        end_quietly(client)
    wait_until(lambda: server.connections() == 0, what="all of them let go")
    fault_run.say(name="half_closed_clients", number=number, let_go_ms=round((time.monotonic() - began) * 1000))
    assert time.monotonic() - began < 20, "no time-out was waited for"
    wait_until(lambda: [open_descriptors(pid) for pid in pids] == descriptors, what="no descriptor left")
    assert server.worker_pids() == pids


@pytest.mark.long
def test_a_minute_of_handshakes_leaves_memory_as_it_was(start, rate):  # noqa: F811
    """Tens of thousands of short lives, each ended by a RST."""
    server = start(count=2, options=["--watchdog", 30])
    with FaultRun("warm up", server, rate * 3) as run:
        run.go_on_for(15)
    with FaultRun("a minute of handshakes", server, rate * 3) as run:
        run.go_on_for(60)
    assert run.figures.lost == run.figures.wrong == run.figures.restarts == run.figures.fd_delta == 0
    assert run.figures.rss_delta < 2 * MIB


# ---- the network -----------------------------------------------------------------------------------------------------


@pytest.fixture
def networks():
    if reason := why_not():
        pytest.skip(reason)


@pytest.mark.parametrize("percent", [2, pytest.param(5, marks=pytest.mark.long), pytest.param(20, marks=pytest.mark.long)])
def test_lost_packets_lose_no_message(networks, servers, app, sanitized, percent):  # noqa: F811
    """Of all packets so many are lost: everything arrives, once and in order; then all are lost, and peers are let go."""
    server = servers(app=app, count=2, options=["--watchdog", 30, "--ping-interval", 0, "--close-timeout", 1])

    def body(network):
        server.start()
        crowd = Crowd(server, "/plain", subscribers=20, publishers=2, rate=10)
        with crowd, FaultRun(f"{percent} percent of packets lost", server, 20, crowd) as run:
            with run.strike():
                network.lose(percent)
                run.go_on_for(3)
            network.lose(0)  # so that the last messages come soon
        assert run.figures.refused == run.figures.reset == run.figures.eof == run.figures.wrong == 0
        assert run.figures.restarts == 0
        assert_exact(run.report)
        assert server.cli("reload", "--ping-interval", 0.5).returncode == 0
        port = server.port
        clients = [RawClient(port) for _ in range(10)]
        for client in clients:
            client.open()
        wait_until(lambda: server.connections() == 10)
        network.lose(100)
        wait_until(lambda: server.connections() == 0, timeout=30, what="peers behind a dead line let go")
        network.lose(0)
        for client in clients:
            client.abandon()

    run_in_own_network(body)
