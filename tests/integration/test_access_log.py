"""The access log: one line for each connection, when it has ended, with what an operator asks of it afterwards."""

import re
import time

import pytest

from clients import RawClient, close_frame, handshake_request
from logs import access_entries
from server import wait_until


@pytest.fixture(params=["text", "json"])
def log_format(request):
    return request.param


@pytest.fixture
def access_log(directory):
    return directory / "access.log"


@pytest.fixture
def logging(servers, access_log):
    def make(*options, app="echo", **others):
        server = servers(app=app, options=["--set", "prefix=", "--access-log", access_log, *options], **others)
        server.start()
        return server

    return make


def lines_of(access_log, number):
    wait_until(lambda: access_log.read_text().count("\n") >= number, what=f"{number} lines")
    entries = access_entries(access_log.read_text())
    assert len(entries) == number
    return entries


def open_at(port, path, **changed):
    client = RawClient(port)
    client.send(handshake_request(path=path, **changed))
    client.receive_upgrade()
    return client


@pytest.mark.smoke
def test_a_line_at_the_end_of_a_connection(logging, access_log, log_format):
    server = logging("--log-format", log_format, count=1)
    client = open_at(server.port, "/chat?token=secret", origin="https://a.example")
    client.echo(b"hello")
    assert access_log.read_text() == "", "not before it has ended"
    began = time.monotonic()
    wait_until(lambda: time.monotonic() - began > 0.2)
    client.send(close_frame(4001, "bye"))
    client.receive_close()
    (entry,) = lines_of(access_log, 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["time"])
    assert entry["worker"] == "0" and int(entry["id"]) > 0 and entry["remote"] == "127.0.0.1"
    assert entry["path"] == "/chat" and "secret" not in access_log.read_text()
    assert entry["status"] == "101" and entry["origin"] == "https://a.example"
    assert 0.2 <= float(entry["duration"]) < 15
    assert entry["messages_in"] == entry["messages_out"] == "1"
    assert int(entry["bytes_in"]) > 100 and int(entry["bytes_out"]) > 100
    assert entry["code"] == "4001" and entry["closed_by"] == "client" and entry["reason"] == "bye"
    assert access_log.stat().st_mode & 0o137 == 0


def test_says_who_ended_it(logging, access_log):
    server = logging("--idle-timeout", 0.3, "--ping-interval", 0, count=1)
    open_at(server.port, "/eof").finish_sending()
    open_at(server.port, "/violation").send(b"\x81\x01x")
    idle = open_at(server.port, "/idle")
    idle.receive_close()
    idle.send(close_frame(1000))
    leaving = open_at(server.port, "/leaving")
    server.stop()
    ended = {entry["path"]: (entry["code"], entry["closed_by"]) for entry in lines_of(access_log, 4)}
    assert ended == {
        "/eof": ("1006", "client"),
        "/violation": ("1002", "error"),
        "/idle": ("1000", "server"),
        "/leaving": ("1006", "server"),  # which it never answered
    }
    leaving.abandon()


def test_refused_handshakes_have_a_line(logging, access_log):
    server = logging("--allow-origin", "https://good.example", count=1)
    for head in (
        handshake_request(path="/origin", origin="https://evil.example"),
        handshake_request(path="/version", sec_websocket_version="8"),
        b"GET /bad HTTP/1.1\r\nHost: a\r\nBad Header: 1\r\n\r\n",
    ):
        client = RawClient(server.port)
        client.send(head)
        client.drain()
    entries = lines_of(access_log, 3)
    assert [(entry["status"], entry.get("path")) for entry in entries] == [
        ("403", "/origin"),
        ("426", "/version"),
        ("400", None),  # what is no request has no path
    ]
    assert entries[0]["origin"] == "https://evil.example"
    assert not any("closed_by" in entry for entry in entries)


def test_a_connection_that_a_reload_moved_counts_once_and_whole(logging, access_log):
    server = logging(count=2)
    client = open_at(server.port, "/moved")
    began = time.monotonic()
    for _ in range(3):
        assert server.cli("reload").returncode == 0
        assert client.still_works()
    lasted = time.monotonic() - began
    client.close_cleanly()
    (entry,) = lines_of(access_log, 1)
    assert float(entry["duration"]) >= lasted - 0.01
    assert entry["messages_in"] == entry["messages_out"] == "3"
    assert entry["path"] == "/moved" and entry["closed_by"] == "client"


def test_a_reload_turns_it_on_and_moves_it(servers, access_log, directory):
    server = servers(count=1)
    server.start()
    client = open_at(server.port, "/a")
    assert server.cli("reload", "--access-log", access_log).returncode == 0
    client.close_cleanly()
    lines_of(access_log, 1)
    other = directory / "other.log"
    assert server.cli("reload", "--access-log", other).returncode == 0
    open_at(server.port, "/b").close_cleanly()
    assert lines_of(other, 1)[0]["path"] == "/b"
    lines_of(access_log, 1)


def test_one_that_cannot_be_opened_refuses_start_and_reload(servers, directory):
    server = servers(count=1, options=["--access-log", directory / "missing" / "access.log"])
    result = server.start(check=False)
    assert result.returncode == 1 and "missing/access.log" in result.stderr
    server.options = []
    server.start()
    server.expect_log("reload refused")
    result = server.cli("reload", "--access-log", directory / "missing" / "access.log")
    assert result.returncode == 1 and "missing/access.log" in result.stderr
    assert server.status()["generation"] == 1


def test_without_the_option_there_is_none(servers, directory):
    server = servers(count=1)
    server.start()
    client = open_at(server.port, "/")
    client.close_cleanly()
    assert not list(directory.rglob("access*"))
