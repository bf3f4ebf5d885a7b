"""The HTTP API: publish, send, close, channels and connections, as other programs ask for them (docs/api.md)."""

import base64
import contextlib
import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import urllib.parse

import pytest

from clients import BINARY, CLOSE, TEXT, Frame, RawClient, frame
from server import DEADLINE_S, scratch_directory, shared_server, wait_until

EXAMPLES = pathlib.Path(__file__).parents[2] / "docs/examples"
TOKEN = "a-token-of-the-tests-0123456789"

# Tells each client its id, subscribes it as it says ("+NAME", "-NAME"), and answers when that is done.
CHANNELS = """
#include <wsd/app.h>

#include <string>

WSD_APP(app) {
  app.channels["room/"].presence = true;
  app.on_open = [](wsd::Connection& connection) {
    connection.send(std::to_string(connection.id()) + " " + std::to_string(connection.worker().slot()));
  };
  app.on_message = [](wsd::Connection& connection, wsd::Message message) {
    const std::string name(message.data.substr(1));
    if (message.data.starts_with('+')) {
      connection.subscribe(name, name.starts_with("room/") ? "Ann" : "");
      if (!name.starts_with("room/")) connection.send("subscribed");
    } else {
      connection.unsubscribe(name);
      connection.send("unsubscribed");
    }
  };
  app.on_subscribed = [](wsd::Connection& connection, const wsd::Subscription& subscription) {
    if (subscription.channel.starts_with("room/")) connection.send("subscribed");
  };
}
"""


class Api:
    """One keep-alive connection to the API, as Python's own client has it."""

    def __init__(self, port, token=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
        self.token = token

    def ask(self, method, target, body=None, fields=()):
        headers = dict(fields)
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, (bytes, str)) else json.dumps(body)
            body = body.encode() if isinstance(body, str) else body
        self.connection.request(method, target, body, headers)
        response = self.connection.getresponse()
        content = response.read()
        assert response.headers["Content-Type"] == "application/json", response.headers
        assert not [name for name in response.headers if name.lower().startswith("access-control")]
        response.json = json.loads(content) if content else None
        return response

    def get(self, target, **options):
        return self.ask("GET", target, **options)

    def post(self, target, body, **options):
        return self.ask("POST", target, body, **options)

    def publish(self, channel, data):
        return self.post("/v1/publish", {"channel": channel, "data": data}).json

    def error(self, method, target, body=None, **options):
        """Status, code and position of an answer that must be an error."""
        response = self.ask(method, target, body, **options)
        error = response.json["error"]
        assert error["message"].endswith("."), error
        return response.status, error["code"], error.get("position")

    def close(self):
        self.connection.close()


def api_url(server):
    (url,) = server.status()["api"]
    return url


def api_port(server):
    return int(urllib.parse.urlsplit(api_url(server)).port)


@pytest.fixture(scope="module")
def server():
    """Four workers with channels and an API without a token, for tests that leave them as they found them."""
    with scratch_directory() as path:
        source = path / "channels.cpp"
        source.write_text(CHANNELS)
        # With time for a request that comes in single bytes, however busy the machine is.
        options = ["--api", "http://127.0.0.1:0", "--handshake-timeout", 60]
        with shared_server(app=str(source), count=4, options=options) as made:
            made.api_port = api_port(made)
            yield made


@pytest.fixture
def api(server):
    made = Api(server.api_port)
    yield made
    made.close()


@pytest.fixture
def raw(server):
    """Makes clients of the API that send exactly the bytes they are told to."""
    clients = []

    def make(**options):
        clients.append(RawClient(server.api_port, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.abandon()


WARM = "is everybody known everywhere?"


class Subscriber:
    """A WebSocket client that knows its id."""

    def __init__(self, client):
        self.client = client
        self.id, slot = self.receive_text().split()
        self.slot = int(slot)

    def receive(self):
        """The next frame that is not from warm_up()."""
        while (received := self.client.receive_frame()) == Frame(TEXT, WARM.encode()):
            pass
        return received

    def receive_text(self):
        received = self.receive()
        assert received.opcode == TEXT, received
        return received.payload.decode()

    def subscribe(self, channel):
        self.client.send(frame(TEXT, "+" + channel))
        assert self.receive_text() == "subscribed"
        return self


def warm_up(publish, channel, count):
    """Workers hear of each other's subscribers in their own time: publishes until as many get it."""
    wait_until(lambda: publish(channel, WARM) == {"delivered_to": count}, what=f"{count} subscribers of {channel}")


@pytest.fixture
def subscriber(server, connect):
    return lambda: Subscriber(connect(server.fixed_port))


@pytest.fixture
def channel(request):
    """A channel that no other test uses."""
    return f"test/{request.node.name}"


def request_bytes(method, target, body=None, fields=()):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *fields]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


def publish_bytes(channel, data, fields=()):
    return request_bytes("POST", "/v1/publish", json.dumps({"channel": channel, "data": data}).encode(), fields)


# ---- publish -------------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_publish_reaches_the_subscribers_of_every_worker(api, subscriber, channel):
    subscribers = [subscriber().subscribe(channel) for _ in range(12)]
    warm_up(api.publish, channel, 12)
    response = api.post("/v1/publish", {"channel": channel, "data": "grüße"})
    assert (response.status, response.json) == (200, {"delivered_to": 12})
    for one in subscribers:
        assert one.receive() == Frame(TEXT, "grüße".encode())


def test_publish_to_nobody_is_no_error(api, channel):
    assert api.post("/v1/publish", {"channel": channel, "data": "x"}).json == {"delivered_to": 0}


def test_publish_carries_every_byte(api, subscriber, channel):
    one = subscriber().subscribe(channel)
    warm_up(api.publish, channel, 1)
    data = bytes(range(256)) * 3
    encoded = base64.b64encode(data).decode()
    assert api.post("/v1/publish", {"channel": channel, "data_base64": encoded}).json == {"delivered_to": 1}
    assert one.receive() == Frame(BINARY, data)
    assert api.post("/v1/publish", {"channel": channel, "data": "\0 😀"}).json == {"delivered_to": 1}
    assert one.receive() == Frame(TEXT, "\0 😀".encode())
    api.post("/v1/publish", {"channel": channel, "data": "x", "type": "binary"})
    assert one.receive() == Frame(BINARY, b"x")
    api.post("/v1/publish", {"channel": channel, "data": ""})
    assert one.receive() == Frame(TEXT, b"")


def test_publish_leaves_out_whom_it_is_told_to(api, subscriber, channel):
    one, other, third = [subscriber().subscribe(channel) for _ in range(3)]
    warm_up(api.publish, channel, 3)
    assert api.post("/v1/publish", {"channel": channel, "data": "a", "exclude": one.id}).json == {"delivered_to": 2}
    both = [one.id, other.id]
    assert api.post("/v1/publish", {"channel": channel, "data": "b", "exclude": both}).json == {"delivered_to": 1}
    assert api.post("/v1/publish", {"channel": channel, "data": "c"}).json == {"delivered_to": 3}
    assert [third.receive_text() for _ in range(3)] == ["a", "b", "c"]
    assert [other.receive_text() for _ in range(2)] == ["a", "c"]
    assert one.receive_text() == "c"


def test_publish_takes_a_message_of_the_largest_size_and_no_larger(api, subscriber, channel):
    one = subscriber().subscribe(channel)
    warm_up(api.publish, channel, 1)
    largest = "x" * (1 << 20)
    assert api.post("/v1/publish", {"channel": channel, "data": largest}).json == {"delivered_to": 1}
    assert one.receive().payload == largest.encode()
    encoded = base64.b64encode(b"\xff" * (1 << 20)).decode()
    assert api.post("/v1/publish", {"channel": channel, "data_base64": encoded}).json == {"delivered_to": 1}
    assert one.receive().payload == b"\xff" * (1 << 20)
    error = api.error("POST", "/v1/publish", {"channel": channel, "data": largest + "x"})
    assert error == (413, "message_too_large", None)
    assert api.get("/healthz").status == 200


# ---- send and close ------------------------------------------------------------------------------------------------


def test_send_reaches_one_connection_on_any_worker(api, subscriber):
    subscribers = [subscriber() for _ in range(8)]
    for number, one in enumerate(subscribers):
        response = api.post("/v1/send", {"id": one.id, "data": f"number {number}"})
        assert (response.status, response.json) == (200, {"result": "sent"})
    for number, one in enumerate(subscribers):
        assert one.receive_text() == f"number {number}"


def test_close_sends_code_and_reason(api, subscriber):
    one = subscriber()
    response = api.post("/v1/close", {"id": one.id, "code": 4000, "reason": "enough, said the API"})
    assert (response.status, response.json) == (200, {"closed": True})
    received = one.receive()
    assert (received.opcode, received.payload) == (CLOSE, (4000).to_bytes(2, "big") + b"enough, said the API")
    one.client.send(frame(CLOSE, received.payload))
    assert one.client.is_closed()
    wait_until(lambda: api.get(f"/v1/connections/{one.id}").status == 404)
    assert api.error("POST", "/v1/send", {"id": one.id, "data": "x"}) == (404, "connection_not_found", None)
    assert api.error("POST", "/v1/close", {"id": one.id}) == (404, "connection_not_found", None)


@pytest.mark.parametrize("code", [999, 1004, 1005, 1006, 1015, 2999, 5000, -1, "1000", 1000.5])
def test_close_refuses_a_code_that_may_not_be_sent(api, code):
    assert api.error("POST", "/v1/close", {"id": "1", "code": code})[:2] == (400, "bad_json")


def test_ids_are_strings_or_exact_numbers(api):
    for identifier in ("1", 1, 2**53, str(2**64 - 1)):
        assert api.error("POST", "/v1/close", {"id": identifier}) == (404, "connection_not_found", None), identifier
    for identifier in (2**53 + 1, 2**64, -1, 0, 1.5, None, True, "", "x", "-1", [], {}):
        assert api.error("POST", "/v1/close", {"id": identifier}) == (400, "bad_json", 7), identifier


# ---- channels and connections --------------------------------------------------------------------------------------


def test_channels_are_listed_by_prefix(api, subscriber, channel):
    names = [f"{channel}/ä b", f"{channel}/c?d&e", f"{channel}/f/g"]
    clients = [subscriber().subscribe(name) for name in names]
    clients.append(subscriber().subscribe(names[0]))
    expected = [{"name": names[1], "subscribers": 1}, {"name": names[2], "subscribers": 1}, {"name": names[0], "subscribers": 2}]
    target = "/v1/channels?prefix=" + urllib.parse.quote_plus(channel)
    wait_until(lambda: api.get(target).json == {"channels": expected}, what=f"{expected} in {api.get(target).json}")
    everything = api.get("/v1/channels").json["channels"]
    assert all(row in everything for row in expected)
    assert [row["name"].encode() for row in everything] == sorted(row["name"].encode() for row in everything)
    for name in names:
        for encoded in (urllib.parse.quote(name), urllib.parse.quote(name, safe="")):
            assert api.get(f"/v1/channels/{encoded}").json["name"] == name
    assert api.get("/v1/channels?prefix=no%20such/").json == {"channels": []}


def test_channel_with_presence_has_members(api, subscriber):
    name = "room/api test"
    one = subscriber().subscribe(name)
    expected = {"name": name, "subscribers": 1, "members": [{"id": one.id, "name": "Ann"}]}
    target = "/v1/channels/" + urllib.parse.quote(name, safe="")
    wait_until(lambda: api.get(target).json == expected, what=f"{api.get(target).json}")


def test_channel_that_nobody_is_subscribed_to_is_not_found(api, channel):
    assert api.error("GET", f"/v1/channels/{channel}") == (404, "channel_not_found", None)
    assert api.error("GET", "/v1/channels/%4") == (400, "bad_request", None)
    assert api.error("GET", "/v1/channels/%FF") == (400, "bad_request", None)


def test_connection_has_details(api, subscriber, channel):
    one = subscriber().subscribe(channel)
    wait_until(lambda: api.get(f"/v1/channels/{channel}").status == 200)
    details = api.get(f"/v1/connections/{one.id}").json
    assert details.pop("age_ms") >= 0
    assert details.pop("idle_ms") >= 0
    assert details.pop("messages_out") > 0
    assert details.pop("bytes_in") > 0
    assert details.pop("bytes_out") > 0
    assert details == {
        "id": one.id,
        "remote_address": "127.0.0.1",
        "path": "/",
        "subprotocol": "",
        "slot": one.slot,
        "buffered_bytes": 0,
        "messages_in": 1,
        "deflate": False,
        "tls": "",
        "channels": [channel],
    }
    assert api.error("GET", "/v1/connections/1") == (404, "connection_not_found", None)
    assert api.error("GET", "/v1/connections/x") == (404, "connection_not_found", None)


# ---- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "position"),
    [
        ("", 0),
        ("[]", 0),
        ('{"channel":"a","data":"x",}', 26),
        ('{"channel":"a" "data":"x"}', 15),
        ('{"channel":"a","data":"x"', 24),
        ('{"channel":"a","channel":"b","data":"x"}', 15),
        ('{"channel":"a","data":"\\ud800"}', 22),
        (b'{"channel":"a","data":"\xff"}', 23),
        (b'{"channel":"a","data":"x\0y"}', 24),
        ('{"channel":"a","data":1e999}', 22),
        ('{"channel":"a","data":' + "[" * 100 + "]" * 100 + "}", 85),
        ('{"channel":7,"data":"x"}', 11),
        ('{"channel":"a","data":"x","more":1}', 33),
        ('{"channel":"a","data_base64":"AA"}', 29),
        ('{"channel":"a"}', 0),
    ],
)
def test_bad_json_is_refused_at_its_position(api, body, position):
    assert api.error("POST", "/v1/publish", body) == (400, "bad_json", position)
    assert api.get("/healthz").status == 200  # on the same connection


def test_unknown_paths_are_404(api):
    for path in ("/", "/v1", "/v1/", "/v1/publish/", "/v1/connections/", "/v1/channels/", "/v2/publish", "/favicon.ico"):
        assert api.error("GET", path) == (404, "not_found", None), path


def test_wrong_methods_are_405(api):
    response = api.get("/v1/publish")
    assert (response.status, response.headers["Allow"]) == (405, "POST")
    for target in ("/v1/channels", "/v1/channels/a", "/v1/connections/1", "/healthz", "/readyz"):
        response = api.ask("DELETE", target)
        assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD"), target


def test_other_types_than_json_are_415(api):
    body = '{"channel":"a","data":"x"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert api.error("POST", "/v1/publish", body, fields={"Content-Type": kind})[0] == 415
    assert api.post("/v1/publish", body, fields={"Content-Type": "application/json; charset=utf-8"}).status == 200


def test_requests_of_web_pages_are_403(api, raw):
    for origin in ("https://example.com", "null", "http://127.0.0.1:8090"):
        assert api.error("GET", "/v1/channels", fields={"Origin": origin})[:2] == (403, "forbidden")
    for host in ("example.com", "example.com:8090", "localhost.example.com"):
        client = raw()
        client.send(request_bytes("GET", "/v1/channels").replace(b"localhost", host.encode()))
        assert client.receive_response().status == 403, host


def test_bodies_that_are_not_read_end_the_connection(raw):
    for field, status in (("Transfer-Encoding: chunked", 411), ("Content-Length: 99999999", 413), ("Content-Length: x", 400)):
        client = raw()
        client.send(request_bytes("POST", "/v1/publish", fields=["Content-Type: application/json", field]))
        response = client.receive_response()
        assert (response.status, response.fields["connection"]) == (status, "close")
        assert client.is_closed()


def test_what_is_no_http_is_400(raw):
    for text in (b"hello\r\n\r\n", b"GET / HTTP/1.1\n\n", b"GET / HTTP/1.1\r\nA : b\r\n\r\n", b"\x16\x03\x01\x02\x00"):
        client = raw()
        client.send(text)
        response = client.receive_response()
        assert response.status == 400
        assert json.loads(response.body)["error"]["code"] == "bad_request"
        assert client.is_closed()


# ---- connections ---------------------------------------------------------------------------------------------------


def test_one_connection_is_kept_for_many_requests(api):
    api.connection.connect()
    port = api.connection.sock.getsockname()[1]
    for _ in range(50):
        assert api.get("/healthz").json == {"status": "ok"}
        assert api.error("GET", "/nowhere")[0] == 404
    assert api.connection.sock.getsockname()[1] == port


def test_head_is_answered_without_a_body(api, raw):
    response = api.ask("HEAD", "/healthz")
    assert (response.status, response.json) == (200, None)
    assert response.headers["Content-Length"] == str(len('{"status":"ok"}'))
    assert api.get("/healthz").json == {"status": "ok"}


def test_closes_when_it_is_asked_to(raw):
    for request in (request_bytes("GET", "/healthz", fields=["Connection: close"]), b"GET /healthz HTTP/1.0\r\n\r\n"):
        client = raw()
        client.send(request)
        response = client.receive_response()
        assert (response.status, response.fields["connection"]) == (200, "close")
        assert client.is_closed()


def test_says_continue(raw, channel):
    client = raw()
    request = publish_bytes(channel, "x", ["Expect: 100-continue"])
    head, _, body = request.partition(b"\r\n\r\n")
    client.send(head + b"\r\n\r\n")
    assert client.take_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
    client.send(body)
    assert client.receive_response().status == 200


def test_a_thousand_pipelined_requests_are_answered_in_order(raw, subscriber, channel):
    one = subscriber().subscribe(channel)
    client = raw()

    def publish(channel, data):
        client.send(publish_bytes(channel, data))
        return json.loads(client.receive_response().body)

    warm_up(publish, channel, 1)
    for first in range(0, 1000, 100):
        client.send(b"".join(publish_bytes(channel, f"message {number}") for number in range(first, first + 100)))
        for _ in range(100):
            response = client.receive_response()
            assert (response.status, response.body) == (200, b'{"delivered_to":1}')
    assert [one.receive_text() for _ in range(1000)] == [f"message {number}" for number in range(1000)]


def test_a_thousand_requests_in_one_breath(raw):
    client = raw()
    targets = ["/healthz", "/nowhere", "/v1/channels/none"]
    statuses = [200, 404, 404]
    client.send(b"".join(request_bytes("GET", targets[number % 3]) for number in range(1000)))
    assert [client.receive_response().status for _ in range(1000)] == [statuses[number % 3] for number in range(1000)]


def test_a_request_arrives_byte_by_byte(raw, channel):
    client = raw()
    client.send_byte_by_byte(publish_bytes(channel, "x"))
    assert client.receive_response().body == b'{"delivered_to":0}'


def test_a_client_that_reads_nothing_holds_up_nobody(raw, api, server):
    """Its requests stay with the kernel when its answers are not read."""
    stuck = raw(receive_buffer=4096)
    stuck.socket.setblocking(False)
    request = request_bytes("GET", "/nowhere")
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while sent < 64 << 20:
            sent += stuck.socket.send(request * 100)
    assert sent < 64 << 20
    for _ in range(20):
        assert api.get("/healthz").status == 200
    before = rss_of(server)
    for _ in range(20):
        assert api.get("/v1/channels").status == 200
    assert rss_of(server) < before + (8 << 20)


def rss_of(server):
    return sum(row["rss_bytes"] for row in server.workers())


def test_a_half_request_is_answered_408(servers):
    server = servers(options=["--api", "http://127.0.0.1:0", "--handshake-timeout", "0.3"])
    server.start()
    for part in (b"GET /healthz HT", publish_bytes("a", "x")[:-1]):
        client = RawClient(api_port(server))
        client.send(part)
        response = client.receive_response()
        assert (response.status, json.loads(response.body)["error"]["code"]) == (408, "timeout")
        assert client.is_closed()
        client.abandon()


def test_requests_go_on_through_a_reload(servers, directory):
    """Kept-alive connections, and one in the middle of a request, meet the next generation without noticing."""
    server = servers(count=2, options=["--api", "http://127.0.0.1:0", "--handshake-timeout", 60])
    server.start()
    port = api_port(server)
    apis = [Api(port) for _ in range(8)]
    for one in apis:
        one.connection.connect()
    ports = [one.connection.sock.getsockname()[1] for one in apis]
    assert all(one.get("/healthz").status == 200 for one in apis)
    half = RawClient(port)
    request = publish_bytes("a", "x")
    half.send(request[:-5])
    half.wait_read()
    assert server.cli("reload").returncode == 0
    half.send(request[-5:])
    assert half.receive_response().body == b'{"delivered_to":0}'
    half.abandon()
    for one, expected in zip(apis, ports):
        assert one.get("/healthz").status == 200
        assert one.connection.sock.getsockname()[1] == expected
        one.close()


# ---- token, addresses ----------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(servers, directory):
    """A server whose API has a token."""
    token_file = directory / "token"
    token_file.write_text(TOKEN + "\n")
    token_file.chmod(0o600)
    server = servers(options=["--api", "http://127.0.0.1:0", "--api-token-file", str(token_file)])
    server.start()
    return server


def test_token_is_asked_for(guarded):
    port = api_port(guarded)
    stranger = Api(port)
    response = stranger.get("/v1/channels")
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert stranger.error("GET", "/nowhere") == (401, "unauthorized", None)
    assert stranger.get("/healthz").status == 200
    assert stranger.get("/readyz").status == 200
    for guess in ("", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "x" * 8000):
        assert Api(port, guess or None).error("GET", "/v1/channels") == (401, "unauthorized", None)
    friend = Api(port, TOKEN)
    assert friend.get("/v1/channels").json == {"channels": []}
    assert friend.post("/v1/publish", {"channel": "a", "data": "x"}).json == {"delivered_to": 0}
    assert friend.get("/v1/channels", fields={"Origin": "https://example.com"}).status == 200
    assert TOKEN not in guarded.log()
    assert TOKEN not in json.dumps(guarded.status())


def test_token_survives_a_reload(guarded):
    friend = Api(api_port(guarded), TOKEN)
    assert friend.get("/v1/channels").status == 200
    assert guarded.cli("reload").returncode == 0
    assert friend.get("/v1/channels").status == 200
    friend.token = "another"
    assert friend.error("GET", "/v1/channels")[0] == 401


def test_an_open_address_needs_a_token(servers):
    server = servers(options=["--api", "http://0.0.0.0:0"])
    result = server.start(check=False)
    assert result.returncode != 0
    assert "token" in result.stderr + result.stdout
    server.expect_nothing_left()


def test_a_unix_socket_serves_too(servers, directory):
    path = directory / "api.sock"
    server = servers(options=["--api", f"unix:{path}"])
    server.start()
    client = http.client.HTTPConnection("localhost", timeout=DEADLINE_S)
    client.sock = socket.socket(socket.AF_UNIX)
    client.sock.settimeout(DEADLINE_S)
    client.sock.connect(str(path))
    for _ in range(3):
        client.request("GET", "/v1/channels")
        assert json.loads(client.getresponse().read()) == {"channels": []}
    client.close()


def test_there_is_no_api_unless_it_is_asked_for(servers):
    server = servers()
    server.start()
    assert server.status()["api"] == []


# ---- clients of other people ---------------------------------------------------------------------------------------


def run_example(*command):
    result = subprocess.run(
        [str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30
    )
    return result.returncode, result.stdout.strip(), result.stderr.strip()


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_curl_publishes(server, subscriber, channel):
    one = subscriber().subscribe(channel)
    url = f"http://127.0.0.1:{server.api_port}/v1/publish"

    def publish(channel, data):
        body = json.dumps({"channel": channel, "data": data})
        code, answer, errors = run_example("curl", "-sS", url, "-H", "Content-Type: application/json", "-d", body)
        assert (code, errors) == (0, "")
        return json.loads(answer)

    for _ in range(8):  # curl meets another worker each time
        warm_up(publish, channel, 1)
    warm_up(lambda name, _: publish(name, "from curl"), channel, 1)
    assert one.receive_text() == "from curl"


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_curl_asks_to_continue_before_a_large_body(server, channel):
    body = json.dumps({"channel": channel, "data_base64": base64.b64encode(bytes(1 << 20)).decode()})
    url = f"http://127.0.0.1:{server.api_port}/v1/publish"
    command = ["curl", "-sSv", url, "-H", "Content-Type: application/json", "--data-binary", "@-"]
    result = subprocess.run(command, input=body, capture_output=True, text=True, timeout=30)
    assert (result.returncode, result.stdout) == (0, '{"delivered_to":0}')
    assert "100 Continue" in result.stderr


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_the_node_example_publishes(server, subscriber, channel):
    publishes_by_example(["node", EXAMPLES / "push.mjs"], server, subscriber, channel)


@pytest.mark.skipif(not shutil.which("php"), reason="needs php")
def test_the_php_example_publishes(server, subscriber, channel):
    publishes_by_example(["php", EXAMPLES / "push.php"], server, subscriber, channel)


def publishes_by_example(command, server, subscriber, channel):
    one = subscriber().subscribe(channel)
    api_address = f"http://127.0.0.1:{server.api_port}"
    wait_until(lambda: run_example(*command, api_address, channel, "from it") == (0, "delivered to 1", ""))
    assert one.receive_text() == "from it"
    code, output, errors = run_example(*command, api_address, "", "x")
    assert (code, output) == (1, "")
    assert errors == '"channel" must have 1 to 255 bytes.'
