"""The log: text or JSON, one line per event whatever clients say, bounded, and reopened for logrotate while it is in use."""

import ctypes
import os
import re
import signal
import threading
import time

import pytest

from certificates import Authority
from clients import RawClient, close_frame, handshake_request
from logs import access_entries, is_printable_line, json_lines
from server import at_rest, send_signal, wait_until

# Newline, carriage return, escape, NUL, DEL, a C1 control and bytes that are no UTF-8.
NASTY = b"\n\r\x1b[2J\0\x7f\xc2\x85\xff\xfe"


def reopen(server, check=True):
    result = server.cli("reopen")
    if check:
        assert result.returncode == 0, result.stdout + result.stderr
    return result


# ---- format ---------------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_json_lines(servers):
    server = servers(count=2, options=["--log-format", "json"])
    server.start()
    assert server.cli("reload").returncode == 0
    server.stop()
    lines = json_lines(server.log())
    assert len(lines) >= 4
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]), line
        assert line["level"] in ("debug", "info", "warning", "error") and line["pid"] > 0, line
        assert line["role"] == "master" or isinstance(line["worker"], int), line
    assert any(line["message"] == "stopped" for line in lines)


def test_a_reload_changes_the_format(servers):
    server = servers(count=1)
    server.start()
    assert server.cli("reload", "--log-format", "json").returncode == 0
    server.wait_none_draining()  # which speaks as it ever did
    assert server.cli("reload").returncode == 0
    assert server.log().splitlines()[-1].startswith('{"time":')


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_what_clients_say_stays_one_printable_line(servers, connect, directory, log_format):
    """Attack 30: path, Origin, subprotocol and close reason with control characters and bytes that are no UTF-8."""
    access = directory / "access.log"
    server = servers(
        count=1,
        options=["--log-level", "debug", "--log-format", log_format, "--access-log", access,
                 "--allow-origin", "https://good.example", "--allow-origin", "absent"],
    )
    server.start()
    port = server.port
    before = len(server.log().splitlines())
    heads = [
        b"GET /" + NASTY + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\xc2\x85\xff HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        handshake_request().replace(b"\r\n\r\n", b"\r\nOrigin: https://\xc2\x85\xff\xfe\t.example\r\n\r\n"),
        handshake_request().replace(b"\r\n\r\n", b"\r\nOrigin: https://\n\x1b.example\r\n\r\n"),
        handshake_request().replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: \xff\x1b\r\n\r\n"),
        b"\x16\x03\x01" + NASTY + b"\r\n\r\n",
        b"PROXY TCP4 \n\x1b[2J 1.2.3.4 1 2\r\n\r\n",
    ]
    for head in heads:
        client = connect(port, handshake=False)
        client.send(head)
        client.finish_sending()
        client.drain()
    # As much as a Close may say, and UTF-8, or it would be failed before anyone is told of it.
    client = connect(port)
    client.send(close_frame(4000, NASTY.decode("latin-1").encode()))
    client.receive_close()
    wait_until(lambda: "4000" in access.read_text(errors="surrogateescape"))
    for text in (server.log_file.read_bytes(), access.read_bytes()):
        for line in text.decode("utf-8").split("\n"):
            assert is_printable_line(line), repr(line)
    said = server.log().splitlines()[before:]
    assert all(line.startswith('{"time":') if log_format == "json" else re.match(r"\d{4}-", line) for line in said), said
    entries = access_entries(access.read_text())
    assert entries[-1]["code"] == "4000" and r"\x5cn" in entries[-1]["reason"] or r"\n" in entries[-1]["reason"]


# ---- bounds ---------------------------------------------------------------------------------------------------------


def test_what_clients_cause_is_bounded(servers, connect):
    server = servers(count=1, options=["--log-level", "debug"])
    server.start()
    port, began = server.port, time.monotonic()
    for _ in range(200):
        client = connect(port, handshake=False)
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nBad Header: 1\r\n\r\n")
        client.receive_response()
    refused = lambda: [line for line in server.log().splitlines() if "refused with 400" in line]  # noqa: E731
    assert len(refused()) <= 10 + (time.monotonic() - began) / 10
    server.stop()
    held_back = re.findall(r"requests that were refused: (\d+) more like this were not logged", server.log())
    assert sum(map(int, held_back)) + len(refused()) == 200


# ---- reopening ------------------------------------------------------------------------------------------------------

PRINTING_APP = """
#include <wsd/app.h>

#include <cstdio>
#include <string>

WSD_APP(app) {
  app.on_message = [](wsd::Connection& connection, wsd::Message message) {
    std::printf("printed %s\\n", std::string(message.data).c_str());
    connection.worker().log(message.data);
    connection.send(message.data);
  };
}
"""


@pytest.fixture
def printing(servers, directory):
    source = directory / "printing.cpp"
    source.write_text(PRINTING_APP)

    def make(*options):
        server = servers(app=str(source), count=2, options=options)
        server.start()
        return server

    return make


@pytest.mark.smoke
def test_reopen_switches_every_file_and_every_process(printing, connect, directory):
    access, printed = directory / "access.log", directory / "stdout.log"
    server = printing("--access-log", access, "--stdout-file", printed)
    client = connect(server.port)
    client.echo(b"before")
    files = (server.log_file, access, printed)
    for file in files:
        file.rename(f"{file}.1")
    assert "3 processes" in reopen(server).stdout
    sizes = [os.path.getsize(f"{file}.1") for file in files]
    client.echo(b"behind")
    client.close_cleanly()
    wait_until(lambda: access.read_text().count("\n") == 1)
    wait_until(lambda: "printed behind" in printed.read_text())
    assert ": behind" in server.log()
    assert sizes == [os.path.getsize(f"{file}.1") for file in files]
    assert "printed before" in (directory / "stdout.log.1").read_text()
    assert all(file.stat().st_mode & 0o137 == 0 for file in files)
    # Who comes later writes to the new files too.
    assert server.cli("reload").returncode == 0
    assert connect(server.port).echo(b"later")[1] == b"later"
    assert ": later" in server.log()


def test_without_a_stdout_file_a_daemons_output_goes_along(printing, connect):
    server = printing()
    client = connect(server.port)
    server.log_file.rename(f"{server.log_file}.1")
    reopen(server)
    client.echo(b"behind")
    wait_until(lambda: "printed behind" in server.log())


def test_a_file_that_cannot_be_opened_changes_nothing(servers, directory):
    access = directory / "access.log"
    server = servers(options=["--access-log", access])
    server.start()
    old = server.log_file.rename(f"{server.log_file}.1")
    access.unlink()
    access.symlink_to(directory / "elsewhere")
    server.expect_log("reopening the logs")
    result = reopen(server, check=False)
    assert result.returncode == 1
    assert "symbolic link" in result.stderr and str(access) in result.stderr
    assert not (directory / "elsewhere").exists()
    assert "symbolic link" in old.read_text(), "the log goes on where it was"
    access.unlink()
    reopen(server)


def test_a_process_that_does_not_answer_is_named_and_switches_later(servers, connect):
    server = servers(count=2, options=["--watchdog", 60, "--log-level", "debug"])
    server.start()
    pid = server.worker(1)["pid"]
    send_signal(pid, signal.SIGSTOP)
    server.log_file.rename(f"{server.log_file}.1")
    server.expect_log("reopening the logs")
    result = reopen(server, check=False)
    assert result.returncode == 1
    assert f"worker 1 (pid {pid}) has not answered within 3 s" in result.stderr
    send_signal(pid, signal.SIGCONT)
    fd = wait_until(lambda: os.readlink(f"/proc/{pid}/fd/2") == str(server.log_file), what="the new log behind it")
    assert fd


def test_relays_switch_too(servers, connect, tmp_path):
    authority = Authority(tmp_path / "ca")
    server = servers(listen=["wss://127.0.0.1:0"], count=1,
                     options=["--set", "prefix=", *authority.server("localhost").options()])
    server.start()
    client = connect(server.port, tls=authority.client_context())
    assert server.cli("reload").returncode == 0
    assert len(server.status()["relays"]) == 1
    server.log_file.rename(f"{server.log_file}.1")
    assert "3 processes" in reopen(server).stdout
    assert os.readlink(f"/proc/{server.status()['relays'][0]['pid']}/fd/2") == str(server.log_file)
    assert client.still_works()


def test_a_log_on_the_terminal_is_no_file(servers):
    server = servers()
    server.arguments = lambda: [*type(server).arguments(server)[:-2], "--count", "1"]
    server.start_in_foreground()
    assert "nothing to reopen" in reopen(server).stdout


def test_reopening_survives_an_upgrade(servers, connect, directory):
    access = directory / "access.log"
    server = servers(count=1, options=["--access-log", access])
    server.start()
    client = connect(server.port)
    assert server.cli("upgrade").returncode == 0
    access.rename(f"{access}.1")
    reopen(server)
    client.close_cleanly()
    wait_until(lambda: access.read_text().count("\n") == 1)
    assert access.with_name("access.log.1").read_text() == ""


# ---- rotation under load (F13) --------------------------------------------------------------------------------------


class Visitors(threading.Thread):
    """Connects, says its number as the path, and leaves, again and again."""

    def __init__(self, port, name):
        super().__init__()
        self.port, self.prefix, self.count, self.stopped, self.failure = port, name, 0, False, None

    def run(self):
        try:
            while not self.stopped:
                client = RawClient(self.port)
                client.open(path=f"/{self.prefix}-{self.count}")
                client.close_cleanly()
                self.count += 1
        except Exception as failure:  # noqa: BLE001
            self.failure = failure

    def finish(self):
        self.stopped = True
        self.join()
        assert self.failure is None, self.failure


def rotate_under_load(server, access, rotations):
    visitors = [Visitors(server.port, f"v{i}") for i in range(4)]
    for visitor in visitors:
        visitor.start()
    rotated, grown = [], []
    try:
        for i in range(rotations):
            old = access.rename(f"{access}.{i}")
            log = server.log_file.rename(f"{server.log_file}.{i}")
            reopen(server)
            rotated.append((time.monotonic(), old, log, old.stat().st_size, log.stat().st_size))
    finally:
        for visitor in visitors:
            visitor.finish()
    for _, old, log, size, log_size in rotated:
        if (old.stat().st_size, log.stat().st_size) != (size, log_size):
            grown.append(old)
    return sum(visitor.count for visitor in visitors), [old for _, old, *_ in rotated], grown


def check_rotation(server, access, rotations):
    visits, rotated, grown = rotate_under_load(server, access, rotations)
    assert not grown, "nobody writes to an old file once the command has come back"
    whole = lambda: "".join(file.read_text() for file in [*rotated, access])  # noqa: E731
    wait_until(lambda: whole().count("\n") == visits, what=f"{visits} lines")
    entries = access_entries(whole())
    assert len({entry["path"] for entry in entries}) == visits
    assert all(entry["code"] == "1000" and entry["closed_by"] == "client" for entry in entries)
    print(f"rotations={rotations} lines={visits} lost=0 torn=0 late=0")


def test_no_line_is_lost_or_torn_by_rotation(servers, directory):
    access = directory / "access.log"
    server = servers(count=2, options=["--access-log", access])
    server.start()
    check_rotation(server, access, 30)


@pytest.mark.long
def test_no_line_is_lost_or_torn_by_a_thousand_rotations(servers, directory):
    access = directory / "access.log"
    server = servers(count=4, options=["--access-log", access])
    server.start()
    check_rotation(server, access, 1000)


# ---- a full disk (F12) ----------------------------------------------------------------------------------------------

CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000


def own_disk(path, size):
    """For a preexec_fn: this process and its children see a small file system of their own there."""
    libc = ctypes.CDLL(None, use_errno=True)

    def mount(source, target, kind, flags, data):
        return libc.mount(source, str(target).encode(), kind, flags, data)

    def prepare():
        if (
            libc.unshare(CLONE_NEWNS) != 0
            or mount(b"none", "/", None, MS_REC | MS_PRIVATE, None) != 0
            or mount(b"tmpfs", path, b"tmpfs", 0, f"size={size}".encode()) != 0
        ):
            raise OSError(ctypes.get_errno(), "no mount namespace")

    return prepare


def may_mount(path):
    pid = os.fork()
    if pid == 0:
        try:
            own_disk(path, 4096)()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


@pytest.fixture
def small_disk(directory):
    path = directory / "small"
    path.mkdir()
    if not may_mount(path):
        pytest.skip("needs a mount namespace")
    return path


def test_a_full_disk_costs_lines_and_nothing_else(servers, connect, small_disk):
    server = servers(count=2, options=["--set", "prefix=", "--access-log", small_disk / "access.log", "--log-level", "debug"])
    server.log_file = small_disk / "wsd.log"
    server.limits = own_disk(small_disk, 1 << 20)
    server.start()
    seen = lambda name: open(f"/proc/{server.master}/root{small_disk / name}", errors="replace").read()  # noqa: E731
    port, client = server.port, connect(server.port)
    filler = f"/proc/{server.master}/root{small_disk / 'filler'}"
    with open(filler, "wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(b"x" * 4096)
    lost = lambda: server.status()["totals"]["log_lost"]  # noqa: E731
    before = seen("access.log")
    for _ in range(50):
        visitor = RawClient(port)
        visitor.open()
        assert visitor.still_works()
        visitor.close_cleanly()
    assert client.still_works()
    wait_until(lambda: lost() >= 40, what="lost lines counted")
    counted = at_rest(lost, seconds=1)  # each worker counts with its next heartbeat
    os.truncate(filler, 0)
    for _ in range(20):
        visitor = RawClient(port)
        visitor.open()
        visitor.close_cleanly()
    wait_until(lambda: seen("access.log").count("\n") >= before.count("\n") + 20, what="the access log goes on")
    wait_until(lambda: "lines of the access log were lost" in seen("wsd.log"))
    assert lost() == counted and client.still_works()
    assert server.status()["exits"] == []
