"""The control socket: whoever may open it and says nonsense, much, or nothing keeps neither master nor others."""

import socket

import pytest

from server import cpu_seconds, holds_for, rss_bytes, wait_until
from test_start import assert_one_line


@pytest.fixture
def callers(server):
    made = []

    def call():
        caller = socket.socket(socket.AF_UNIX)
        caller.settimeout(10)
        caller.connect(str(server.run_dir / f"{server.name}.sock"))
        made.append(caller)
        return caller

    yield call
    for caller in made:
        caller.close()


def test_callers_who_say_nothing_are_in_nobodys_way(server, callers):
    for _ in range(50):
        callers()
    assert server.is_running()
    assert server.cli("reload").returncode == 0


def test_too_many_callers_are_told_so_until_some_have_left(server, callers):
    crowd = [callers() for _ in range(100)]
    result = server.cli("status")
    assert result.returncode == 1
    assert_one_line(result.stderr)
    assert "too many" in result.stderr
    for caller in crowd:
        caller.close()
    wait_until(server.is_running)


@pytest.mark.parametrize(
    "noise",
    [b"\n", b"{}\n", b"null\n", b"nonsense\n", b'{"command":"dance"}\n', b'{"command":\n', b"\xff\xfe\0\n", b"[" * 5000 + b"\n",
     b'{"command":"reload","options":{"count":0}}\n', b'{"command":"reload","options":7}\n', b'{"command":7}\n'],
    ids=lambda noise: repr(noise[:30]),
)  # fmt: skip
def test_nonsense_is_answered_or_closed(server, callers, noise):
    before = server.worker_pids()
    caller = callers()
    caller.sendall(noise)
    caller.shutdown(socket.SHUT_WR)
    while caller.recv(65536):
        pass
    assert server.worker_pids() == before


def test_endless_line_is_cut_off(server, callers):
    caller = callers()
    before = rss_bytes(server.master)
    try:
        for _ in range(1000):
            caller.sendall(b"x" * 65536)
    except (BrokenPipeError, ConnectionResetError, TimeoutError):
        pass
    assert rss_bytes(server.master) - before < 100 << 20
    assert server.is_running()


def test_caller_who_never_reads_the_answers(server, callers):
    caller = callers()
    caller.setblocking(False)
    try:
        while True:
            caller.send(b'{"command":"status"}\n' * 100)
    except (BlockingIOError, BrokenPipeError, ConnectionResetError):
        pass
    assert server.is_running()

    def rests():
        before = cpu_seconds(server.master)
        holds_for(lambda: True, 1.0)
        return cpu_seconds(server.master) - before < 0.3

    wait_until(rests, what="the master to have written all that there is room for")


def test_callers_in_pieces_are_understood(server, callers):
    caller = callers()
    caller.sendall(b'{"comm')
    assert server.is_running(), "the others do not wait for the rest"
    caller.close()
    wait_until(server.is_running)
