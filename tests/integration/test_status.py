"""`wsd status`: the fields, the figures, and that it answers whatever the workers do."""

import re
import signal
import subprocess
import time

import pytest

from clients import TEXT, frame
from server import BINARY, environment, send_signal, wait_until

ROW = {
    "slot", "pid", "generation", "state", "connections", "accepted", "messages_in", "messages_out", "bytes_in",
    "bytes_out", "send_dropped", "protocol_errors", "published", "bus_dropped", "rss_bytes", "loop_lag_ms",
}  # fmt: skip
TOP = {
    "name", "version", "pid", "started_at", "uptime_s", "generation", "app", "listen", "workers", "draining", "totals", "exits",
}  # fmt: skip


@pytest.mark.smoke
def test_json_has_every_field(servers):
    server = servers(count=3)
    server.start()
    status = server.status()
    assert set(status) >= TOP
    assert status["name"] == server.name
    assert status["app"] == "echo"
    assert status["generation"] == 1
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", status["version"])
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", status["started_at"])
    assert 0 <= status["uptime_s"] < 60
    assert status["draining"] == [] and status["exits"] == []
    assert [row["slot"] for row in status["workers"]] == [0, 1, 2]
    for row in status["workers"]:
        assert set(row) >= ROW
        assert row["state"] == "running" and row["generation"] == 1
        assert row["rss_bytes"] > 100_000
        assert row["loop_lag_ms"] >= 0
    assert len({row["pid"] for row in status["workers"]}) == 3


def test_counts_what_passes(servers, connect):
    server = servers(count=1, options=["--set", "prefix="])
    server.start()
    client = connect(server.port)
    for _ in range(10):
        assert client.echo(b"12345")[1] == b"12345"
    broken = connect(server.port)
    broken.send(frame(TEXT, b"x", mask=None))
    broken.expect_failed(1002)
    wait_until(lambda: server.worker(0)["connections"] == 1)
    row = server.worker(0)
    assert row["accepted"] == 2
    assert row["messages_in"] == row["messages_out"] == 10
    assert row["bytes_in"] >= 10 * len(frame(TEXT, b"12345"))
    assert row["bytes_out"] >= 10 * 7
    assert row["protocol_errors"] == 1
    totals = server.status()["totals"]
    for field in ("connections", "accepted", "messages_in", "messages_out", "bytes_in", "bytes_out", "protocol_errors"):
        assert totals[field] == row[field], field


def test_totals_never_go_back(servers, connect):
    """What a dead or replaced process has counted stays in the totals."""
    server = servers(count=1)
    server.start()
    connect(server.port).echo(b"one")
    server.kill(server.worker(0)["pid"])
    wait_until(lambda: server.status()["exits"])
    server.wait_running()
    connect(server.port).echo(b"two")
    assert server.cli("reload").returncode == 0
    connect(server.port).echo(b"three")
    wait_until(lambda: server.status()["totals"]["messages_in"] == 3)
    assert server.status()["totals"]["accepted"] == 3


def test_tables_say_the_same(servers, connect):
    server = servers(count=2)
    server.start()
    connect(server.port)
    wait_until(lambda: server.connections() == 1)
    result = server.cli("status")
    assert result.returncode == 0
    assert "GLOBAL STATUS" in result.stdout and "PROCESS STATUS" in result.stdout
    assert "Summary" in result.stdout
    for pid in server.worker_pids():
        assert str(pid) in result.stdout
    assert server.urls()[0] in result.stdout


@pytest.mark.smoke
def test_answers_quickly_while_workers_hang(servers):
    server = servers(count=2, options=["--watchdog", 30])
    server.start()
    pids = server.worker_pids()
    for pid in pids:
        send_signal(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        states = [row["state"] for row in server.workers()]
        assert time.monotonic() - began < 10, "no worker is waited for"
        assert set(states) <= {"running", "busy"}
        wait_until(lambda: all(row["state"] == "busy" for row in server.workers()), what="both busy")
    finally:
        for pid in pids:
            send_signal(pid, signal.SIGCONT)
    server.wait_running()
    assert server.worker_pids() == pids


def test_many_at_once_are_answered(server):
    command = [BINARY, "status", "--json", *server.instance()]
    asking = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(server.directory)) for _ in range(8)]
    for process in asking:
        output, _ = process.communicate(timeout=30)
        assert process.returncode == 0 and output.startswith(b"{")
