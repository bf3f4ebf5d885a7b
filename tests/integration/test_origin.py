"""`--allow-origin`: which pages may open a WebSocket (cross-site WebSocket hijacking), and that nobody else is bothered."""

import pytest

from clients import RawClient, handshake_request

HTTP_APP = """
#include <wsd/app.h>

WSD_APP(app) {
  app.on_handshake = [](const wsd::Request&, wsd::Handshake& answer) { answer.add_header("X-App", "asked"); };
  app.on_request = [](const wsd::Request&, wsd::Response& response) { response.write("plain"); };
}
"""


def ask(port, *origins, path="/"):
    """The answer to a handshake with these Origin headers."""
    client = RawClient(port)
    client.send(handshake_request(path=path, extra=[f"Origin: {origin}" for origin in origins]))
    response = client.receive_response()
    if response.status != 101:
        client.expect_end()
    client.abandon()
    return response


def status_of(port, *origins):
    return ask(port, *origins).status


@pytest.mark.smoke
def test_only_pages_that_are_named_may_connect(servers):
    server = servers(options=["--allow-origin", "https://chat.example.com", "--allow-origin", "*://*.example.org:8443"])
    server.start()
    port = server.port
    for origin in ("https://chat.example.com", "https://CHAT.example.com:443", "http://a.b.example.org:8443"):
        assert status_of(port, origin) == 101, origin
    for origin in ("https://evil.example", "http://chat.example.com", "https://chat.example.com.evil.example",
                   "https://example.org:8443", "https://chat.example.com@evil.example", "null", "", "https://chat.example.com/"):
        refused = ask(port, origin)
        assert refused.status == 403, (origin, refused)
        assert b"Origin" in refused.body and b"evil" not in refused.body
    assert status_of(port) == 403, "no browser, and `absent` was not said"
    assert status_of(port, "https://chat.example.com", "https://chat.example.com") == 400
    assert server.status()["totals"]["protocol_errors"] == 10


def test_absent_and_null(servers):
    server = servers(options=["--allow-origin", "absent", "--allow-origin", "null"])
    server.start()
    assert status_of(server.port) == 101
    assert status_of(server.port, "null") == 101
    assert status_of(server.port, "https://example.com") == 403


def test_without_rules_every_origin_may_connect(echo_server):
    for origin in ("https://example.com", "null", "nonsense", "https://user@example.com/"):
        assert status_of(echo_server.fixed_port, origin) == 101


def test_the_app_hears_of_no_refused_handshake_and_of_every_plain_request(servers, directory):
    source = directory / "app.cpp"
    source.write_text(HTTP_APP)
    server = servers(app=str(source), count=1, options=["--allow-origin", "https://a.example"])
    server.start()
    assert ask(server.port, "https://a.example").fields["x-app"] == "asked"
    assert "x-app" not in ask(server.port, "https://b.example").fields
    client = RawClient(server.port)
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://b.example\r\n\r\n")
    assert client.receive_response().body == b"plain"
    client.abandon()


def test_a_reload_changes_the_rules_and_closes_nobody(servers, connect):
    server = servers(options=["--allow-origin", "https://a.example"])
    server.start()
    client = connect(server.port, handshake=False)
    client.send(handshake_request(origin="https://a.example"))
    client.receive_upgrade()
    assert server.cli("reload").returncode == 0
    assert status_of(server.port, "https://a.example") == 101, "what is not given stays"
    assert server.cli("reload", "--allow-origin", "https://b.example").returncode == 0
    assert status_of(server.port, "https://a.example") == 403
    assert status_of(server.port, "https://b.example") == 101
    assert client.still_works()
    assert server.cli("upgrade").returncode == 0
    assert status_of(server.port, "https://a.example") == 403


@pytest.mark.parametrize("rule", ["*", "example.com", "https://example.com/", "https://*", "https://a.*.com", ""])
def test_what_is_no_rule_is_refused_with_a_sentence(servers, rule):
    server = servers(options=["--allow-origin", rule])
    refused = server.start(check=False)
    assert refused.returncode == 2
    assert refused.stderr.startswith("wsd: --allow-origin: ") and len(refused.stderr.splitlines()) == 1
    assert "https://*.example.com" in refused.stderr


def test_a_refused_origin_is_a_printable_line_of_the_log(servers):
    server = servers(options=["--allow-origin", "https://a.example", "--log-level", "debug"])
    server.start()
    assert status_of(server.port, "https://evil\x9b31m\xe9") == 403
    log = server.log_file.read_bytes()
    assert b"\x9b" not in log
    assert "the origin 'https://evil\\x9b31m" in server.log()
