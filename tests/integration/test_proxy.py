"""Behind a proxy: `--trusted-proxy` with X-Forwarded-For and X-Real-IP, and the PROXY protocol (`?proxy`)."""

import re
import ssl
import struct

import pytest

from clients import TEXT, RawClient, frame, handshake_request
from server import scratch_directory, send_signal, shared_server, wait_until

ADDRESS_APP = """
#include <wsd/app.h>

WSD_APP(app) {
  app.on_message = [](wsd::Connection& connection, wsd::Message) { connection.send(connection.remote_address()); };
  app.on_request = [](const wsd::Request& request, wsd::Response& response) { response.write(request.remote_address()); };
}
"""
CLIENT = "203.0.113.9"
PATIENT = ["--handshake-timeout", "60"]  # with requests in a hundred pieces, however busy the machine is
VERSION_1 = f"PROXY TCP4 {CLIENT} 10.0.0.1 51000 443\r\n".encode()


def version_2(address=(203, 0, 113, 9), command=0x21, family=0x11, rest=None):
    if rest is None:
        rest = bytes(address) + bytes([10, 0, 0, 1]) + struct.pack(">HH", 51000, 443)
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([command, family]) + struct.pack(">H", len(rest)) + rest


def port_of(url):
    return int(re.search(r":(\d+)(\?proxy)?$", url)[1])


@pytest.fixture(scope="module")
def app():
    with scratch_directory() as directory:
        source = directory / "address.cpp"
        source.write_text(ADDRESS_APP)
        yield str(source)


@pytest.fixture(scope="module")
def behind(app):
    """A server behind every kind of proxy; `plain`, `proxied`, `unix` and `proxied_unix` are where it listens."""
    with scratch_directory() as sockets:
        plain_path, proxied_path = sockets / "ws", sockets / "proxied"
        with shared_server_of(app, plain_path, proxied_path) as server:
            urls = server.urls()
            server.plain, server.proxied = port_of(urls[0]), port_of(urls[1])
            server.unix, server.proxied_unix = plain_path, proxied_path
            yield server


def shared_server_of(app, plain_path, proxied_path):
    listen = ["ws://127.0.0.1:0", "ws://127.0.0.1:0?proxy", f"unix:{plain_path}", f"unix:{proxied_path}?proxy"]
    trusted = ["127.0.0.1", "10.0.0.0/8", "unix:"]
    options = [word for cidr in trusted for word in ("--trusted-proxy", cidr)]
    return shared_server(app=app, listen=listen, options=["--log-level", "debug", *PATIENT, *options])


def seen_by_app(client):
    client.send(frame(TEXT, b"who am I"))
    return client.receive_message()[1].decode()


def address_at(place, header=b"", **changed):
    """What the app says our address is."""
    client = RawClient(place)
    try:
        client.send(header + handshake_request(**changed))
        client.receive_upgrade()
        return seen_by_app(client)
    finally:
        client.abandon()


def is_let_go(place, *pieces):
    """Whether the server closes without a byte of answer."""
    client = RawClient(place)
    try:
        for piece in pieces:
            client.send(piece)
        return client.drain() == b""
    except (BrokenPipeError, ConnectionResetError):
        return True
    finally:
        client.abandon()


# ---- headers ---------------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_a_trusted_proxy_names_the_client(behind):
    for place in (behind.plain, behind.unix):
        assert address_at(place, x_forwarded_for=CLIENT) == CLIENT
        assert address_at(place, x_forwarded_for=f"1.1.1.1, {CLIENT}, 10.0.0.7") == CLIENT
        assert address_at(place, x_forwarded_for="2001:DB8::1") == "2001:db8::1"
        assert address_at(place, x_real_ip=CLIENT) == CLIENT
    assert address_at(behind.plain) == "127.0.0.1"
    assert address_at(behind.unix) == "unix:"
    assert address_at(behind.plain, x_forwarded_for="unknown") == "127.0.0.1"


def test_plain_requests_have_the_clients_address_too(behind):
    client = RawClient(behind.plain)
    client.send(f"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {CLIENT}\r\n\r\n".encode())
    assert client.receive_response().body.decode() == CLIENT
    client.abandon()


def test_nobody_is_believed_unasked(servers, app):
    server = servers(app=app)
    server.start()
    assert address_at(server.port, x_forwarded_for=CLIENT, x_real_ip=CLIENT) == "127.0.0.1"
    assert server.cli("reload", "--trusted-proxy", "192.0.2.0/24").returncode == 0
    assert address_at(server.port, x_forwarded_for=CLIENT) == "127.0.0.1"
    assert server.cli("reload", "--trusted-proxy", "127.0.0.0/8").returncode == 0
    assert address_at(server.port, x_forwarded_for=CLIENT) == CLIENT


def test_the_address_survives_reloads(servers, app):
    server = servers(app=app, options=["--trusted-proxy", "127.0.0.1", *PATIENT])
    server.start()
    client = RawClient(server.port)
    client.send(handshake_request(x_forwarded_for=f"1.1.1.1, {CLIENT}"))
    client.receive_upgrade()
    half = RawClient(server.port)
    request = handshake_request(x_forwarded_for=CLIENT)
    half.send(request[:-20])
    half.wait_read()
    for command in ("reload", "upgrade"):
        assert server.cli(command).returncode == 0
        assert seen_by_app(client) == CLIENT
    half.send(request[-20:])
    half.receive_upgrade()
    assert seen_by_app(half) == CLIENT
    client.abandon()
    half.abandon()


def test_the_log_shows_the_client_and_stays_printable(behind):
    client = RawClient(behind.plain)
    client.send(handshake_request(sec_websocket_version="8", x_forwarded_for="203.0.113.77"))
    assert client.receive_response().status == 426
    client.abandon()
    wait_until(lambda: "request from 203.0.113.77 refused with 426" in behind.log())


@pytest.mark.parametrize("cidr", ["", "localhost", "10.0.0.1/8", "10.0.0.0/33", "unix", "::1/64"])
def test_what_is_no_block_is_refused_with_a_sentence(servers, cidr):
    refused = servers(options=["--trusted-proxy", cidr]).start(check=False)
    assert refused.returncode == 2
    assert refused.stderr.startswith("wsd: --trusted-proxy: ") and len(refused.stderr.splitlines()) == 1


# ---- the PROXY protocol ----------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_a_proxy_header_names_the_client(behind):
    for place in (behind.proxied, behind.proxied_unix):
        assert address_at(place, VERSION_1) == CLIENT
        assert address_at(place, version_2()) == CLIENT
        assert address_at(place, b"PROXY TCP6 2001:DB8::1 ::1 1 2\r\n") == "2001:db8::1"
    for header in (version_2(command=0x20, family=0, rest=b""), version_2(family=0, rest=b"x"), b"PROXY UNKNOWN\r\n"):
        assert address_at(behind.proxied, header) == "127.0.0.1"
        assert address_at(behind.proxied_unix, header) == "unix:"


def test_a_proxy_behind_a_proxy(behind):
    """What the header names may be a trusted proxy, which names the client in its turn."""
    assert address_at(behind.proxied, version_2((10, 0, 0, 9)), x_forwarded_for=CLIENT) == CLIENT
    assert address_at(behind.proxied, version_2(), x_forwarded_for="1.1.1.1") == CLIENT


@pytest.mark.parametrize("header", [VERSION_1, version_2()], ids=["version 1", "version 2"])
def test_cut_at_each_byte(behind, header):
    for cut in range(1, len(header)):
        client = RawClient(behind.proxied)
        client.send_in_pieces([header[:cut], header[cut:] + handshake_request()])
        client.receive_upgrade()
        assert seen_by_app(client) == CLIENT
        client.abandon()


def test_in_single_bytes(behind):
    client = RawClient(behind.proxied)
    client.send_byte_by_byte(version_2() + handshake_request())
    client.receive_upgrade()
    assert seen_by_app(client) == CLIENT
    client.abandon()


def test_who_does_not_begin_with_the_header_is_let_go(behind):
    before = behind.status()["totals"]["protocol_errors"]
    wrong = [handshake_request(), b"PROXY nonsense\r\n", b"PROXY " + b"x" * 200, version_2(command=0x31), b"\x16\x03\x01\x02"]
    for place in (behind.proxied, behind.proxied_unix):
        for bytes_sent in wrong:
            assert is_let_go(place, bytes_sent)
    wait_until(lambda: behind.status()["totals"]["protocol_errors"] == before + 2 * len(wrong))
    assert "does not begin with a PROXY header" in behind.log()
    assert address_at(behind.proxied, VERSION_1) == CLIENT


def test_the_header_is_of_no_use_where_it_is_not_expected(behind):
    client = RawClient(behind.plain)
    client.send(VERSION_1 + handshake_request())
    assert client.receive_response().status == 400
    client.abandon()


# ---- and TLS behind it ------------------------------------------------------------------------------------------------


class TlsByHand:
    """TLS over a client's socket, in the place of that. `before` goes ahead of the first flight, and what comes of both
    is cut into two at `cut`."""

    def __init__(self, client, context, before=b"", cut=0):
        self.plain = client.socket
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        while True:
            try:
                self.tls.do_handshake()
                self.plain.sendall(self.outgoing.read())
                break
            except ssl.SSLWantReadError:
                flight, before = before + self.outgoing.read(), b""
                client.send_in_pieces(piece for piece in (flight[:cut], flight[cut:]) if piece)
                cut = 0
                self.take()
        client.socket = self

    def take(self):
        data = self.plain.recv(1 << 16)
        if not data:
            raise ConnectionResetError("the stream ended inside TLS")
        self.incoming.write(data)

    def sendall(self, data):
        self.tls.write(data)
        self.plain.sendall(self.outgoing.read())

    def recv(self, size):
        while True:
            try:
                return self.tls.read(size)
            except ssl.SSLWantReadError:
                self.take()

    def __getattr__(self, name):
        return getattr(self.plain, name)


@pytest.fixture(scope="module")
def tls_options(authority):
    return ["--trusted-proxy", "127.0.0.1", "--log-level", "debug", *PATIENT, *authority.server("localhost").options()]


@pytest.fixture(scope="module")
def behind_with_tls(app, tls_options):
    with shared_server(app=app, listen=["wss://127.0.0.1:0?proxy"], count=1, options=tls_options) as server:
        yield server


def tls_address(client, context, before=b"", cut=0):
    TlsByHand(client, context, before, cut)
    client.open()
    return seen_by_app(client)


HEADERS = pytest.mark.parametrize("header", [VERSION_1, version_2()], ids=["version 1", "version 2"])


@HEADERS
@pytest.mark.smoke
def test_tls_begins_behind_the_header(behind_with_tls, authority, connect, header):
    """Cut at each byte of the header and of the record's head that follows; at once, and with a pause between the two."""
    port, context = port_of(behind_with_tls.urls()[0]), authority.client_context()
    for cut in range(len(header) + 8):
        assert tls_address(connect(port, handshake=False), context, header, cut) == CLIENT, cut
    client = connect(port, handshake=False)
    client.send_byte_by_byte(header)
    assert tls_address(client, context) == CLIENT


def test_local_connections_of_the_proxy_have_its_address_over_tls_too(behind_with_tls, authority, connect):
    port, context = port_of(behind_with_tls.urls()[0]), authority.client_context()
    local = version_2(command=0x20, family=0, rest=b"")
    assert tls_address(connect(port, handshake=False), context, local) == "127.0.0.1"


def test_tls_without_the_header_is_let_go(behind_with_tls, authority):
    hello = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        authority.client_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
    assert is_let_go(port_of(behind_with_tls.urls()[0]), hello.read())


def test_a_handshake_that_fails_is_the_clients_and_not_the_proxys(behind_with_tls, connect):
    client = connect(port_of(behind_with_tls.urls()[0]), handshake=False)
    client.send(VERSION_1 + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.receive_response().status == 400
    client.expect_end()
    wait_until(lambda: f"TLS handshake with {CLIENT} failed: it speaks HTTP without TLS" in behind_with_tls.log())


@HEADERS
@pytest.mark.smoke
def test_a_handoff_in_the_middle_of_the_header_and_of_the_handshake(servers, app, authority, tls_options, connect, header):
    server = servers(app=app, listen=["wss://127.0.0.1:0?proxy"], options=tls_options)
    server.start()
    port, context = server.port, authority.client_context()
    cuts = range(0, len(header) + 1, 3)
    clients = [connect(port, handshake=False) for _ in cuts]
    for client, cut in zip(clients, cuts):
        client.send(header[:cut])
    half = connect(port, handshake=False)  # its TLS has begun, so that it stays with the old worker
    half.send(header + b"\x16\x03\x01")
    for client in (*clients, half):
        client.wait_read()
    for command in ("reload", "upgrade"):
        result = server.cli(command)
        assert result.returncode == 0, result.stderr
    for client, cut in zip(clients, cuts):
        assert tls_address(client, context, header[cut:]) == CLIENT
    half.send(b"\xff\xff")  # the length of no record
    half.drain()
    wait_until(lambda: f"TLS handshake with {CLIENT} failed" in server.log())
    for client in clients:
        assert seen_by_app(client) == CLIENT
    assert server.cli("reload").returncode == 0
    for client in clients:
        assert seen_by_app(client) == CLIENT


def test_only_trusted_proxies_may_speak_for_others(servers, app):
    options = ["--trusted-proxy", "192.0.2.0/24", "--log-level", "debug"]
    server = servers(app=app, listen=["ws://127.0.0.1:0?proxy"], options=options)
    server.start()
    port = server.port
    assert is_let_go(port, VERSION_1 + handshake_request())
    wait_until(lambda: "nobody said to trust this proxy" in server.log())
    assert server.cli("reload", "--trusted-proxy", "127.0.0.1").returncode == 0
    assert address_at(port, VERSION_1) == CLIENT


def test_an_address_that_lets_in_nobody_is_refused(servers):
    server = servers(listen=["ws://127.0.0.1:0?proxy"])
    refused = server.start(check=False)
    assert refused.returncode == 2
    assert "--trusted-proxy" in refused.stderr and len(refused.stderr.splitlines()) == 1
    server.expect_nothing_left()
    server.listen = ["ws://127.0.0.1:0"]
    server.start()
    server.expect_log("reload refused")
    refused = server.cli("reload", "--listen", "ws://127.0.0.1:0?proxy")
    assert refused.returncode == 1
    assert "--trusted-proxy" in refused.stderr
    assert server.cli("reload", "--listen", "ws://127.0.0.1:0?proxy", "--trusted-proxy", "127.0.0.1").returncode == 0


def test_a_header_that_never_ends_is_let_go_at_the_deadline(servers, app):
    options = ["--trusted-proxy", "127.0.0.1", "--handshake-timeout", 0.5]
    server = servers(app=app, listen=["ws://127.0.0.1:0?proxy"], options=options)
    server.start()
    port = server.port
    assert is_let_go(port, VERSION_1[:10])
    assert is_let_go(port)
    wait_until(lambda: server.connections() == 0)


@pytest.mark.smoke
def test_a_handoff_in_the_middle_of_the_header(servers, app):
    server = servers(app=app, listen=["ws://127.0.0.1:0?proxy"], options=["--trusted-proxy", "127.0.0.1", *PATIENT])
    server.start()
    port = server.port
    cuts = [(header, cut) for header in (VERSION_1, version_2()) for cut in range(0, len(header), 3)]
    clients = [RawClient(port) for _ in cuts]
    for client, (header, cut) in zip(clients, cuts):
        client.send(header[:cut])
    for client in clients:
        client.wait_read()
    for command in ("reload", "upgrade"):
        assert server.cli(command).returncode == 0
        assert server.urls() == [f"ws://127.0.0.1:{port}?proxy"]
    for client, (header, cut) in zip(clients, cuts):
        client.send(header[cut:] + handshake_request())
    for client in clients:
        client.receive_upgrade()
        assert seen_by_app(client) == CLIENT
        client.abandon()


def test_a_neighbour_that_serves_the_socket_expects_the_header_too(servers, app):
    server = servers(app=app, listen=["ws://127.0.0.1:0?proxy"], options=["--trusted-proxy", "127.0.0.1"])
    server.start()
    port = server.port
    stopped = server.worker(0)["pid"]
    send_signal(stopped, 19)
    try:
        for _ in range(20):
            assert address_at(port, version_2()) == CLIENT
    finally:
        send_signal(stopped, 18)


def test_what_is_open_keeps_its_role(servers, app, directory):
    path = directory / "chat.ws"
    server = servers(app=app, listen=["ws://127.0.0.1:0", f"unix:{path}"])
    server.start()
    server.expect_log("reload refused")
    refused = server.cli("reload", "--listen", f"unix:{path}?proxy")
    assert refused.returncode == 1
    assert "only a restart can change that" in refused.stderr
    assert address_at(path) == "unix:"
    assert server.cli("restart", "-d", "--listen", f"unix:{path}?proxy").returncode == 0
    assert address_at(path, VERSION_1) == CLIENT


def test_relative_paths_may_be_proxied(servers, directory):
    server = servers(listen=["unix:here.ws?proxy"])
    result = server.run("start", "-d", *server.arguments(), cwd=directory)
    assert result.returncode == 0, result.stderr
    server.has_run = True
    assert server.urls() == [f"unix:{directory / 'here.ws'}?proxy"]


def test_the_api_may_be_behind_a_proxy_too(servers, directory):
    path = directory / "api"
    server = servers(options=["--api", f"unix:{path}?proxy"])
    server.start()
    client = RawClient(path)
    client.send(VERSION_1 + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert client.receive_response().status == 200
    client.abandon()
