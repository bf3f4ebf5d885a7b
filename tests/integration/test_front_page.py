"""GET / on a server with a built-in app: the page, its headers, and whatever else is asked for as it was before."""

import base64
import hashlib
import pathlib
import re

import pytest

from clients import handshake_request

PAGE = pathlib.Path(__file__).parents[2] / "worker/apps/page.html"


def ask(client, line, *fields):
    client.send("\r\n".join([line, "Host: localhost", *fields, "", ""]).encode())


def get(client, path="/", *fields):
    ask(client, f"GET {path} HTTP/1.1", *fields)
    response = client.receive_response()
    client.expect_end()
    return response


@pytest.fixture
def raw(echo_server, connect):
    """A connected client that has said nothing yet."""
    return connect(echo_server.fixed_port, handshake=False)


@pytest.mark.smoke
def test_get_shows_the_page(raw):
    response = get(raw)
    assert response.status == 200
    assert response.body == PAGE.read_bytes()
    assert response.fields["content-type"] == "text/html; charset=utf-8"
    assert response.fields["cache-control"] == "no-cache"
    assert response.fields["x-content-type-options"] == "nosniff"


def test_policy_names_the_pages_style_and_script_by_their_hashes(raw):
    response = get(raw)
    policy = dict(part.split(" ", 1) for part in response.fields["content-security-policy"].split("; "))
    for tag in ("script", "style"):
        content = re.search(rf"<{tag}>(.*)</{tag}>", response.body.decode(), re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"


def test_head_has_the_same_headers_and_no_body(raw, echo_server, connect):
    ask(raw, "HEAD / HTTP/1.1")
    head = raw.drain()
    assert head.startswith(b"HTTP/1.1 200 ") and head.endswith(b"\r\n\r\n")
    got = get(connect(echo_server.fixed_port, handshake=False))
    assert f"Content-Length: {len(got.body)}\r\n".encode() in head


def test_page_comes_wherever_the_request_is_cut(echo_server, connect):
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for cut in range(1, len(request)):
        client = connect(echo_server.fixed_port, handshake=False)
        client.send_in_pieces([request[:cut], request[cut:]])
        assert client.receive_response().status == 200
        client.abandon()


def test_a_query_does_not_matter(raw):
    assert get(raw, "/?utm_source=mail").status == 200


@pytest.mark.parametrize("path", ["/index.html", "//", "/favicon.ico", "/chat/lobby", "/."])
def test_other_paths_are_426(raw, path):
    assert get(raw, path).status == 426


@pytest.mark.parametrize("field", ["Upgrade: h2c", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="])
def test_a_request_that_wants_more_than_a_page_is_426(raw, field):
    assert get(raw, "/", field).status == 426


def test_other_methods_are_refused(raw):
    ask(raw, "POST / HTTP/1.1", "Content-Length: 0")
    assert raw.receive_response().status in (405, 426)


def test_a_websocket_at_the_pages_path_is_one(raw):
    raw.send(handshake_request(path="/"))
    raw.receive_upgrade()
    assert raw.still_works()


def test_every_worker_of_every_built_in_app_has_it(servers, connect):
    for app in ("push", "chat", "danmaku"):
        server = servers(app=app, count=2)
        server.start()
        port = server.port
        for _ in range(8):
            assert get(connect(port, handshake=False)).status == 200


def test_an_app_of_ones_own_has_none(servers, connect):
    server = servers(count=1)
    source = server.directory / "own.cpp"
    source.write_text('#include <wsd/app.h>\nWSD_APP(app) {\n  app.settings["x"] = "y";\n}\n')
    server.app = str(source)
    server.start()
    assert get(connect(server.port, handshake=False)).status == 426


def test_no_page_turns_it_off(servers, connect):
    server = servers(options=["--no-page"])
    server.start()
    assert get(connect(server.port, handshake=False)).status == 426
    assert server.cli("reload").returncode == 0
    assert get(connect(server.port, handshake=False)).status == 426, "a reload keeps the option"
