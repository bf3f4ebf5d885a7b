"""`wsd connections` and GET /metrics: what a server tells of itself, whatever happens to its workers."""

import http.client
import json
import re
import signal

import pytest

from clients import BINARY as BINARY_FRAME
from server import process_state, send_signal, wait_until

FIELDS = {
    "id", "worker", "remote", "path", "subprotocol", "age_ms", "idle_ms", "messages_in", "messages_out", "bytes_in",
    "bytes_out", "queue", "deflate", "tls", "relayed", "state",
}  # fmt: skip


def connections(server, *arguments):
    result = server.cli("connections", "--json", *arguments)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def metrics(server):
    """Samples by name and labels, as they stand on the page."""
    address = server.status()["api"][0].removeprefix("http://")
    client = http.client.HTTPConnection(address, timeout=10)
    client.request("GET", "/metrics")
    response = client.getresponse()
    assert response.status == 200
    assert response.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line for line in response.read().decode().splitlines() if not line.startswith("#")]
    client.close()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def total(samples, name):
    return sum(value for key, value in samples.items() if re.fullmatch(rf"{name}(\{{.*\}})?", key))


def open_at(connect, port, path):
    client = connect(port, handshake=False)
    client.open(path=path)
    return client


API = ["--api", "http://127.0.0.1:0"]


@pytest.mark.smoke
def test_connections_are_listed_with_what_they_did(servers, connect):
    server = servers(count=3, options=["--set", "prefix="])
    server.start()
    clients = [open_at(connect, server.port, f"/room/{number}") for number in range(6)]
    for client in clients[:2]:
        for _ in range(3):
            assert client.echo(b"hello")[1] == b"hello"
    listing = connections(server)
    assert listing["total"] == 6 and listing["missing"] == []
    rows = {row["path"]: row for row in listing["connections"]}
    assert set(rows) == {f"/room/{number}" for number in range(6)}
    for row in rows.values():
        assert set(row) == FIELDS
        assert row["remote"] == "127.0.0.1" and row["state"] == "open" and row["tls"] == "" and not row["deflate"]
        assert row["bytes_in"] > 100 and row["bytes_out"] > 100 and row["queue"] == 0
    assert rows["/room/0"]["messages_in"] == 3 == rows["/room/0"]["messages_out"]
    assert rows["/room/5"]["messages_in"] == 0
    assert rows["/room/0"]["bytes_in"] == rows["/room/5"]["bytes_in"] + 3 * (2 + 4 + 5)


def test_connections_are_filtered_sorted_and_limited(servers, connect):
    server = servers(count=2, options=["--set", "prefix="])
    server.start()
    clients = [open_at(connect, server.port, f"/{number}") for number in range(5)]
    for number, client in enumerate(clients):
        for _ in range(number):
            client.echo(b"x")
    assert [row["messages_in"] for row in connections(server, "--sort", "messages_in")["connections"]] == [4, 3, 2, 1, 0]
    limited = connections(server, "--sort", "messages_in", "--limit", "2")
    assert [row["path"] for row in limited["connections"]] == ["/4", "/3"] and limited["total"] == 5
    assert [row["path"] for row in connections(server, "--path", "/3")["connections"]] == ["/3"]
    assert connections(server, "--remote", "127.0.0.0/8")["total"] == 5
    assert connections(server, "--remote", "192.0.2.0/24")["total"] == 0
    assert connections(server, "--state", "paused")["total"] == 0
    assert connections(server, "--min-age", "1h")["total"] == 0
    by_worker = [connections(server, "--worker", str(slot))["total"] for slot in (0, 1)]
    assert sum(by_worker) == 5
    wrong = server.cli("connections", "--sort", "agee")
    assert wrong.returncode == 2 and "'age'" in wrong.stderr
    assert server.cli("connections", "--remote", "localhost").returncode == 2


def test_what_a_client_says_does_not_reach_the_terminal(servers, connect):
    server = servers(count=1)
    server.start()
    open_at(connect, server.port, "/%1b]0;title")
    result = server.cli("connections")
    assert result.returncode == 0
    assert "/%1b]0;title" in result.stdout and "\x1b" not in result.stdout
    assert result.stdout.endswith("1 connection\n")


def test_counts_and_ages_survive_a_reload(servers, connect):
    server = servers(count=2, options=[*API, "--set", "prefix="])
    server.start()
    client = open_at(connect, server.port, "/kept")
    for _ in range(7):
        client.echo(b"hello")
    before = connections(server)["connections"][0]
    counted = metrics(server)
    assert server.cli("reload").returncode == 0
    after = connections(server)["connections"][0]
    for name in ("id", "path", "messages_in", "messages_out", "bytes_in", "bytes_out"):
        assert after[name] == before[name], name
    assert after["age_ms"] >= before["age_ms"]
    client.echo(b"hello")
    assert connections(server)["connections"][0]["messages_in"] == 8
    samples = metrics(server)
    assert total(samples, "wsd_messages_received_total") == 8
    assert total(samples, "wsd_connections") == 1
    for name, value in counted.items():
        if "_total" in name or "_bucket" in name:
            assert samples[name] >= value, name


def test_a_worker_that_does_not_answer_is_named(servers, connect):
    server = servers(count=2)
    server.start()
    port = server.port
    clients = [connect(port) for _ in range(8)]
    stopped = server.worker(0)["pid"]
    alive = server.worker(1)["connections"]
    send_signal(stopped, signal.SIGSTOP)
    wait_until(lambda: process_state(stopped) == "T")
    listing = connections(server)
    assert listing["missing"] == [0] and listing["total"] == alive
    text = server.cli("connections").stdout
    assert "worker 0 did not answer in time" in text
    send_signal(stopped, signal.SIGCONT)
    wait_until(lambda: connections(server)["missing"] == [])
    assert len(clients) == connections(server)["total"]


def test_many_connections_are_listed(servers, connect):
    server = servers(count=1)
    server.start()
    port = server.port
    clients = [connect(port) for _ in range(1200)]  # more than a turn's
    assert connections(server)["total"] == len(clients)


@pytest.mark.smoke
def test_metrics_sum_the_whole_server(servers, connect):
    server = servers(count=3, options=[*API, "--set", "prefix="])
    server.start()
    port = server.port
    clients = [connect(port) for _ in range(12)]
    for client in clients:
        client.echo(b"x" * 100, opcode=BINARY_FRAME)
    samples = metrics(server)
    assert total(samples, "wsd_connections") == 12
    assert total(samples, "wsd_connections_opened_total") == 12
    assert total(samples, "wsd_messages_received_total") == 12
    assert samples['wsd_message_size_bytes_bucket{le="64"}'] == 0
    assert samples['wsd_message_size_bytes_bucket{le="128"}'] == 12
    assert samples["wsd_message_size_bytes_sum"] == 1200
    assert samples["wsd_callback_duration_seconds_count"] == 12
    assert samples["wsd_workers"] == 3 == samples["wsd_workers_expected"]
    assert total(samples, "wsd_resident_memory_bytes") > 1_000_000
    assert {key for key in samples if key.startswith("wsd_connections{")} == {
        f'wsd_connections{{slot="{slot}"}}' for slot in range(3)
    }


def test_no_counter_goes_back_when_a_worker_is_killed(servers, connect):
    server = servers(count=1, options=[*API, "--set", "prefix="])
    server.start()
    client = connect(server.port)
    for _ in range(5):
        client.echo(b"hello")
    wait_until(lambda: total(metrics(server), "wsd_cpu_seconds_total") > 0)
    before = metrics(server)
    server.kill(server.worker_pids()[0])
    server.wait_running()
    wait_until(lambda: metrics(server)['wsd_worker_exits_total{kind="killed"}'] == 1)
    after = metrics(server)
    for name, value in before.items():
        if "_total" in name or "_bucket" in name or name.endswith(("_sum", "_count")):
            assert after[name] >= value, name
    assert total(after, "wsd_messages_received_total") == 5
    assert total(after, "wsd_connections") == 0


def test_reloads_are_counted(servers):
    server = servers(count=1, options=API)
    server.start()
    assert server.cli("reload").returncode == 0
    server.expect_log("reload refused")
    assert server.cli("reload", "/nonexistent.so").returncode != 0
    samples = metrics(server)
    assert samples['wsd_reloads_total{result="done"}'] == 1
    assert samples['wsd_reloads_total{result="failed"}'] == 1
    assert samples["wsd_generation"] == 2


def test_an_upgrade_keeps_the_counters(servers, connect):
    server = servers(count=2, options=[*API, "--set", "prefix="])
    server.start()
    client = connect(server.port)
    for _ in range(5):
        client.echo(b"hello")
    assert server.cli("upgrade").returncode == 0
    samples = metrics(server)
    assert total(samples, "wsd_messages_received_total") == 5
    assert samples["wsd_message_size_bytes_count"] == 5
    assert samples["wsd_upgrades_total"] == 1
    assert connections(server)["connections"][0]["messages_in"] == 5


def test_metrics_need_the_token(servers, tmp_path):
    token = tmp_path / "token"
    token.write_text("a-token-of-some-length\n")
    token.chmod(0o600)
    server = servers(count=1, options=[*API, "--api-token-file", str(token)])
    server.start()
    address = server.status()["api"][0].removeprefix("http://")
    for credentials, status in (({}, 401), ({"Authorization": "Bearer a-token-of-some-length"}, 200)):
        client = http.client.HTTPConnection(address, timeout=10)
        client.request("GET", "/metrics", headers=credentials)
        assert client.getresponse().status == status
        client.close()
