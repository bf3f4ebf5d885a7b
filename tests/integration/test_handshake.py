"""The opening handshake (RFC 6455 §4.2): what is accepted, what is refused and how, wherever the bytes are cut."""

import ssl
import time

import pytest

from clients import BINARY, KEY, TEXT, RawClient, accept_for, close_frame, frame, handshake_request
from server import cpu_seconds, shared_server, wait_until


@pytest.fixture(scope="module")
def echo_server():
    """With time for requests that come in 15,000 pieces, however busy the machine is."""
    with shared_server(options=["--set", "prefix=", "--handshake-timeout", 60]) as made:
        yield made


@pytest.fixture
def raw(echo_server, connect):
    """A connected client that has said nothing yet."""
    return connect(echo_server.fixed_port, handshake=False)


def test_rfc_example_is_answered(raw):
    raw.send(handshake_request())
    response = raw.receive_upgrade()
    assert response.fields["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.smoke
def test_split_at_each_byte(echo_server, connect):
    """The request cut in two at every offset, with a frame behind it."""
    request = handshake_request() + frame(TEXT, b"early")
    for cut in range(1, len(request)):
        client = connect(echo_server.fixed_port, handshake=False)
        client.send_in_pieces([request[:cut], request[cut:]])
        client.receive_upgrade()
        assert client.receive_message() == (TEXT, b"early")
        client.abandon()


def test_in_single_bytes(raw):
    raw.send_byte_by_byte(handshake_request())
    raw.receive_upgrade()
    assert raw.still_works()


@pytest.mark.smoke
def test_frames_behind_the_handshake_in_the_same_segment(raw):
    messages = [b"one", b"two", b"x" * 300]
    raw.send(handshake_request() + b"".join(frame(TEXT, message) for message in messages) + close_frame(1000))
    raw.receive_upgrade()
    for message in messages:
        assert raw.receive_message() == (TEXT, message)
    assert raw.receive_close().code == 1000
    raw.expect_end()


def test_half_a_frame_behind_the_handshake(raw):
    message = frame(BINARY, b"y" * 1000)
    raw.send_in_pieces([handshake_request() + message[:5], message[5:500], message[500:]])
    raw.receive_upgrade()
    assert raw.receive_message() == (BINARY, b"y" * 1000)


@pytest.mark.parametrize(
    "changed",
    [
        {"upgrade": "WebSocket"},
        {"upgrade": "WEBSOCKET"},
        {"upgrade": "h2c, websocket"},
        {"connection": "upgrade"},
        {"connection": "keep-alive, Upgrade"},
        {"connection": "keep-alive,UPGRADE , x"},
        {"host": "example.com:8080"},
        {"sec_websocket_key": "  " + KEY + "  "},
        {"sec_websocket_extensions": "permessage-deflate; client_max_window_bits"},
        {"sec_websocket_extensions": "x-unknown; a=1; b=\"2\", y"},
        {"sec_websocket_protocol": "chat, superchat"},
        {"origin": "https://example.com"},
        {"cookie": "a=b; c=d"},
        {"user_agent": ""},
    ],
    ids=str,
)  # fmt: skip
def test_accepts(raw, changed):
    raw.send(handshake_request(**changed))
    response = raw.receive_upgrade()
    assert "sec-websocket-protocol" not in response.fields, "no subprotocol that the app did not choose"
    assert raw.still_works()


@pytest.mark.parametrize("path", ["/", "/chat?room=1", "/%E4%BD%A0", "/a/b/../c"])
def test_accepts_any_path(raw, path):
    raw.open(path=path)


def test_field_names_in_any_case(raw):
    raw.send(handshake_request().replace(b"Sec-WebSocket-Key", b"sec-websocket-KEY").replace(b"Host", b"HOST"))
    raw.receive_upgrade()


def test_connection_and_upgrade_spread_over_several_lines(raw):
    raw.send(handshake_request(connection="keep-alive", extra=["Connection: Upgrade"]))
    raw.receive_upgrade()


def test_every_key_gets_its_own_accept(echo_server, connect):
    for key in ("AAAAAAAAAAAAAAAAAAAAAA==", "/////////////////////w==", "x3JJHMbDL1EzLkh9GBhXDw=="):
        client = connect(echo_server.fixed_port, handshake=False)
        client.send(handshake_request(sec_websocket_key=key))
        assert client.receive_upgrade(key).fields["sec-websocket-accept"] == accept_for(key)


def refused(client, request, status):
    """An HTTP answer a person can read, with its length, and the end of the connection."""
    client.send(request)
    response = client.receive_response()
    assert response.status == status, response
    assert response.version == "HTTP/1.1"
    assert int(response.fields["content-length"]) == len(response.body) > 0
    assert response.body.decode().isprintable() or response.body.decode().strip().isprintable()
    assert says_close(response), response
    client.expect_end()
    return response


def says_close(response):
    return "close" in response.fields["connection"].lower().replace(" ", "").split(",")


# What a server must not take for a handshake (§4.2.1), and what two readers could read differently: 400, and closed.
BAD_REQUESTS = {
    "no host": handshake_request(host=None),
    "no key": handshake_request(sec_websocket_key=None),
    "empty key": handshake_request(sec_websocket_key=""),
    "key of 15 bytes": handshake_request(sec_websocket_key="AAAAAAAAAAAAAAAAAAAA"),
    "key of 17 bytes": handshake_request(sec_websocket_key="AAAAAAAAAAAAAAAAAAAAAAA="),
    "key that is not base64": handshake_request(sec_websocket_key="!!!!!!!!!!!!!!!!!!!!!!=="),
    "key without padding": handshake_request(sec_websocket_key="AAAAAAAAAAAAAAAAAAAAAA"),
    "two keys": handshake_request(extra=[f"Sec-WebSocket-Key: {KEY}"]),
    "two hosts": handshake_request(extra=["Host: other"]),
    "two versions": handshake_request(extra=["Sec-WebSocket-Version: 13"]),
    "content-length": handshake_request(extra=["Content-Length: 5"]) + b"hello",
    "two content-lengths": handshake_request(extra=["Content-Length: 5", "Content-Length: 6"]),
    "chunked": handshake_request(extra=["Transfer-Encoding: chunked"]) + b"0\r\n\r\n",
    "content-length and chunked": handshake_request(extra=["Content-Length: 5", "Transfer-Encoding: chunked"]),
    "bare LF": handshake_request().replace(b"\r\n", b"\n"),
    "one bare LF": handshake_request().replace(b"localhost\r\n", b"localhost\n"),
    "bare CR in a value": handshake_request(host="local\rhost"),
    "bare CR for a line": handshake_request().replace(b"localhost\r\n", b"localhost\r"),
    "obs-fold": handshake_request(extra=["X-Folded: one", " two"]),
    "obs-fold with a tab": handshake_request(extra=["X-Folded: one", "\ttwo"]),
    "space before the colon": handshake_request(extra=["X-Spaced : one"]),
    "tab before the colon": handshake_request(extra=["X-Spaced\t: one"]),
    "space in a name": handshake_request(extra=["X Spaced: one"]),
    "empty name": handshake_request(extra=[": one"]),
    "line without a colon": handshake_request(extra=["nonsense"]),
    "NUL in a value": handshake_request(extra=["X-Nul: a\0b"]),
    "NUL in a name": handshake_request(extra=["X-\0: a"]),
    "control character in a value": handshake_request(extra=["X-Esc: a\x1b[31m"]),
    "space in the path": handshake_request(path="/a b"),
    "control character in the path": handshake_request(path="/a\x01b"),
    "two spaces": handshake_request().replace(b"GET /", b"GET  /"),
    "leading space": b" " + handshake_request(),
    "space before the first field": handshake_request().replace(b"\r\nHost", b"\r\n Host"),
}


@pytest.mark.parametrize("kind", BAD_REQUESTS)
def test_bad_request_is_400_and_closed(raw, kind):
    refused(raw, BAD_REQUESTS[kind], 400)


@pytest.mark.parametrize("kind", ["bare LF", "obs-fold", "space before the colon", "content-length", "two hosts", "NUL in a value"])
def test_bad_request_in_single_bytes(raw, kind):
    """No way of cutting the bytes makes an ambiguous request acceptable."""
    request = BAD_REQUESTS[kind]
    try:
        for i in range(len(request)):
            raw.send(request[i : i + 1])
    except (BrokenPipeError, ConnectionResetError):
        pass
    response = raw.receive_response()
    assert response.status == 400, response


@pytest.mark.parametrize("version", ["12", "14", "8", "0", "255"])
def test_other_version_is_426_with_the_one_we_speak(raw, version):
    response = refused(raw, handshake_request(sec_websocket_version=version), 426)
    assert response.fields["sec-websocket-version"] == "13"


@pytest.mark.parametrize("version", [None, "", "13, 8", "013", "+13", "thirteen"])
def test_version_that_is_none_is_refused(raw, version):
    raw.send(handshake_request(sec_websocket_version=version))
    assert raw.receive_response().status in (400, 426)


@pytest.mark.parametrize(
    "changed",
    [{"upgrade": None}, {"upgrade": ""}, {"upgrade": "h2c"}, {"upgrade": "websockets"}, {"connection": None},
     {"connection": "keep-alive"}, {"connection": "upgraded"}],
    ids=str,
)  # fmt: skip
def test_request_that_asks_for_no_websocket_is_refused(raw, changed):
    raw.send(handshake_request(**changed))
    assert raw.receive_response().status in (400, 426)


def test_plain_get_is_426_with_upgrade(raw):
    response = refused(raw, b"GET /chat HTTP/1.1\r\nHost: localhost\r\n\r\n", 426)
    assert response.fields["upgrade"].lower() == "websocket"


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "OPTIONS", "DELETE", "PATCH"])
def test_other_method_is_405(raw, method):
    raw.send(handshake_request().replace(b"GET", method.encode()))
    response = raw.receive_response() if method != "HEAD" else None
    if response:
        assert response.status == 405, response
        assert "GET" in response.fields["allow"]
    else:
        assert raw.take_until(b"\r\n\r\n").startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/1.2", "HTTP/3.0"])
def test_other_http_version_is_505(raw, version):
    refused(raw, handshake_request().replace(b"HTTP/1.1", version.encode()), 505)


def test_http_1_0_is_refused(raw):
    raw.send(handshake_request().replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert raw.receive_response().status in (400, 426, 505)


def test_head_over_16_kib_is_431(raw):
    refused(raw, handshake_request(extra=["X-Long: " + "a" * 17_000]), 431)


def test_endless_field_is_431_before_it_ends(raw):
    raw.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 17_000)
    assert raw.receive_response().status == 431


def test_endless_path_is_refused(raw):
    raw.send(b"GET /" + b"a" * 17_000)
    assert raw.receive_response().status in (414, 431)


def test_head_just_under_16_kib_is_accepted(raw):
    request = handshake_request(extra=["X-Long: "])
    request = request.replace(b"X-Long: ", b"X-Long: " + b"a" * (16 * 1024 - len(request)))
    assert len(request) == 16 * 1024
    raw.send(request)
    raw.receive_upgrade()


def test_more_than_100_fields_is_431(raw):
    refused(raw, handshake_request(extra=[f"X-{i}: {i}" for i in range(100)]), 431)


def test_100_fields_are_accepted(raw):
    raw.send(handshake_request(extra=[f"X-{i}: {i}" for i in range(95)]))
    raw.receive_upgrade()


def test_16_kib_in_single_bytes_cost_little(echo_server, raw, sanitized):
    request = handshake_request(extra=["X-Long: " + "a, " * 5000])
    pids = echo_server.worker_pids()
    before = sum(map(cpu_seconds, pids))
    for i in range(0, len(request)):
        raw.send(request[i : i + 1])
    raw.receive_upgrade()
    assert sum(map(cpu_seconds, pids)) - before < (10 if sanitized else 2)


@pytest.mark.smoke
@pytest.mark.parametrize(
    "noise",
    [
        b"\x00" * 64,
        b"\xff" * 64,
        b"hello\r\n\r\n",
        b"\r\n" * 100 + b"x\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1 \r\n\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        frame(TEXT, b"no handshake before"),
    ],
    ids=["zeros", "ones", "hello", "empty lines", "ssh", "http/2", "get", "trailing space", "redis", "frame"],
)
def test_noise_gets_an_http_error_and_harms_nobody(echo_server, raw, connect, noise):
    raw.send(noise)
    answer = raw.drain()
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 405 ", b"HTTP/1.1 505 ")), answer[:100]
    assert connect(echo_server.fixed_port).still_works()


def test_tls_client_hello_is_refused_at_once(echo_server, connect):
    """A browser at wss:// must not wait for a timeout."""
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    client = connect(echo_server.fixed_port, handshake=False)
    client.send(outgoing.read())
    assert client.drain(timeout=5).startswith(b"HTTP/1.1 400 ")


def test_nothing_behind_a_refused_request_is_read_as_http(raw):
    """No second request is answered: a proxy and we might disagree where it begins."""
    raw.send(b"GET /chat HTTP/1.1\r\nHost: a\r\n\r\n" + handshake_request())
    answer = raw.drain()
    assert answer.count(b"HTTP/1.1 ") == 1 and answer.startswith(b"HTTP/1.1 426 ")


def test_http_behind_an_accepted_handshake_is_frames(raw):
    raw.send(handshake_request() + handshake_request())
    raw.receive_upgrade()
    raw.expect_failed(1002)


def test_request_text_never_returns_in_a_header(raw):
    raw.send(handshake_request(sec_websocket_protocol="evil\xe9, <script>", origin="http://x"))
    response = raw.receive_response()
    assert "script" not in str(response.fields)


def test_strange_requests_stay_one_printable_log_line(servers, connect):
    server = servers(options=["--log-level", "debug"])
    server.start()
    port = server.port
    for path in ("/\x1b[31mred", "/\x7f", "/%0d%0ainjected", "/\xc2\x9b"):
        client = connect(port, handshake=False)
        client.send(handshake_request(path=path, origin="evil\x9b31m"))
        client.receive_response()
        client.abandon()
    log = server.log_file.read_bytes()
    assert b"\x1b" not in log and b"\x7f" not in log and b"\xc2\x9b" not in log
    assert not any(line.startswith(b"injected") for line in log.splitlines())


def test_handshake_that_never_ends_is_408(servers, connect):
    server = servers(options=["--handshake-timeout", 0.5])
    server.start()
    client = connect(server.port, handshake=False)
    client.send(b"GET / HTTP/1.1\r\nHost: ")
    response = client.receive_response()
    assert response.status == 408, response
    assert says_close(response)
    client.expect_end()


def test_one_byte_at_a_time_does_not_extend_the_deadline(servers, connect):
    """Slowloris: the deadline is for the whole handshake."""
    server = servers(options=["--handshake-timeout", 1])
    server.start()
    client = connect(server.port, handshake=False)
    request = handshake_request(extra=["X-Slow: " + "a" * 1000])
    began = time.monotonic()
    sent = 0

    def refused_by_now():
        nonlocal sent
        try:
            client.send(request[sent : sent + 1])
        except (BrokenPipeError, ConnectionResetError):
            return True
        sent += 1
        return not client.nothing_comes(0.02)

    wait_until(refused_by_now)
    assert 0.8 < time.monotonic() - began < 15, "all of it takes longer"


def test_client_that_says_nothing_is_let_go(servers, connect):
    server = servers(options=["--handshake-timeout", 0.5])
    server.start()
    client = connect(server.port, handshake=False)
    client.drain()
    wait_until(lambda: server.connections() == 0)


@pytest.mark.smoke
def test_500_connects_that_say_nothing_are_in_nobodys_way(servers, connect):
    server = servers(options=["--handshake-timeout", 3])
    server.start()
    port = server.port
    idle = [connect(port, handshake=False) for _ in range(500)]
    assert connect(port).still_works()
    for client in idle:
        client.drain()
    assert connect(port).still_works()


def test_many_handshakes_at_once(echo_server):
    clients = [RawClient(echo_server.fixed_port) for _ in range(200)]
    try:
        for client in clients:
            client.send(handshake_request())
        for client in clients:
            client.receive_upgrade()
    finally:
        for client in clients:
            client.abandon()
