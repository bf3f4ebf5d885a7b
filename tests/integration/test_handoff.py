"""Live connections go from worker to worker: nothing is lost, doubled or reordered, whoever dies at which moment."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import time

import pytest

from clients import RawClient, TEXT, close_frame, frame
from exact import ExactClients, assert_exact
from server import BINARY, environment, holds_for, is_alive, process_state, send_signal, shown_on, wait_until
from test_supervision import clients_by_slot

QUIET = ["--set", "prefix=", "--watchdog", 30]


# ---- exactness -------------------------------------------------------------------------------------------------------


def reload_again_and_again(server, times, pause):
    for code in range(2, times + 2):
        time.sleep(pause)
        result = server.cli("reload", "--json", "--set", f"prefix=g{code} ")
        assert result.returncode == 0, result.stderr
        report = json.loads(result.stdout)
        assert report["connections_kept"] > 0
        assert report["draining"] == 0, "nobody is counted twice"


@pytest.mark.smoke
def test_every_message_is_answered_once_across_reloads(servers):
    server = servers(count=4, options=["--set", "prefix=g1 "])
    server.start()
    with ExactClients(server, connections=400, rate=1200) as clients:
        reload_again_and_again(server, times=4, pause=0.5)
        report = clients.finish()
    assert_exact(report, code=5)
    assert server.status()["exits"] == []


@pytest.mark.long
@pytest.mark.release
@pytest.mark.timeout(300)
def test_ten_thousand_clients_notice_nothing_of_ten_reloads(servers):
    server = servers(count=4, options=["--set", "prefix=g1 "])
    server.start()
    with ExactClients(server, connections=10_000, processes=4, rate=5000) as clients:
        reload_again_and_again(server, times=10, pause=1)
        report = clients.finish()
    assert_exact(report, code=11)
    assert server.status()["exits"] == []


# ---- upgrades --------------------------------------------------------------------------------------------------------


@pytest.fixture
def upgradable(servers, directory):
    """Makes servers whose binary is a file of their own, put in place as a package would: under another inode."""

    def install(source, path):
        fresh = path.with_name("wsd.new")
        if isinstance(source, bytes):
            fresh.write_bytes(source)
        else:
            subprocess.run(["cp", source, fresh], check=True)
        fresh.chmod(0o755)
        fresh.rename(path)

    def make(**options):
        path = directory / "bin" / "wsd"
        path.parent.mkdir()
        install(BINARY, path)
        server = servers(binary=path, **options)
        server.install = lambda source=BINARY: install(source, path)
        server.start()
        return server

    return make


@pytest.mark.smoke
def test_every_message_is_answered_once_across_upgrades(upgradable):
    server = upgradable(count=4, options=["--set", "prefix=g1 "])
    with ExactClients(server, connections=400, rate=1200) as clients:
        for _ in range(2):
            time.sleep(1)
            server.install()
            result = server.cli("upgrade")
            assert result.returncode == 0, result.stderr
        report = clients.finish()
    assert_exact(report, code=1)
    assert server.status()["generation"] == 3


@pytest.mark.long
@pytest.mark.release
@pytest.mark.timeout(300)
def test_ten_thousand_clients_notice_nothing_of_upgrades(upgradable):
    server = upgradable(count=4, options=["--set", "prefix=g1 "])
    with ExactClients(server, connections=10_000, processes=4, rate=5000) as clients:
        for _ in range(3):
            time.sleep(3)  # several messages of each client
            server.install()
            assert server.cli("upgrade").returncode == 0
        report = clients.finish()
    assert_exact(report, code=1)


def test_upgrade_keeps_pid_counters_exits_and_clients(upgradable, connect):
    server = upgradable(count=2, options=["--set", "prefix="])
    killed = server.worker(0)["pid"]
    server.kill(killed)
    wait_until(lambda: server.worker(0)["pid"] != killed)
    server.wait_running()
    clients = [connect(server.port) for _ in range(20)]
    assert all(client.still_works() for client in clients)
    before = server.status()
    for number in (1, 2):
        server.install()
        result = server.cli("upgrade")
        assert result.returncode == 0, result.stderr
        assert f"generation {1 + number}: 2 workers, 20 connections kept" in result.stdout
        after = server.status()
        for name in ("pid", "started_at", "exits", "listen"):
            assert after[name] == before[name], name
        assert after["uptime_s"] > before["uptime_s"]
        for name, value in before["totals"].items():
            assert after["totals"][name] >= value, name
        assert after["totals"]["messages_in"] == 20 * number
        assert all(client.still_works() for client in clients)
    assert server.cli("reload").returncode == 0
    assert all(client.still_works() for client in clients)
    assert connect(server.port).still_works()


def test_usr2_upgrades(upgradable, connect):
    server = upgradable(count=2, options=["--set", "prefix="])
    client, before = connect(server.port), server.status()
    server.install()
    send_signal(before["pid"], signal.SIGUSR2)

    def is_upgraded():
        result = server.cli("status", "--json")  # which the old binary may have heard, and taken along
        return result.returncode == 0 and json.loads(result.stdout)["generation"] == 2

    wait_until(is_upgraded, what="the upgrade")
    server.wait_none_draining()
    assert server.master == before["pid"]
    assert "(deleted)" not in os.readlink(f"/proc/{before['pid']}/exe"), "the new file runs"
    assert client.still_works()


BROKEN_BINARIES = {
    "garbage": (b"\x7fELF this is no program", "cannot be run"),
    "a script that fails": (b"#!/bin/sh\necho no such luck >&2\nexit 3\n", "no such luck"),
    "a script that fails without a word": (b"#!/bin/sh\nexit 3\n", "exit 3"),
    "an empty file": (b"", "cannot be run"),
}


@pytest.mark.parametrize("what", BROKEN_BINARIES)
def test_upgrade_to_a_broken_binary_is_refused_and_changes_nothing(upgradable, connect, what):
    binary, reason = BROKEN_BINARIES[what]
    server = upgradable(count=2, options=["--set", "prefix="])
    server.expect_log("upgrade refused")
    client, before = connect(server.port), server.status()
    server.install(binary)
    server.binary = BINARY
    result = server.cli("upgrade")
    assert result.returncode == 1
    assert "nothing has changed" in result.stderr and reason in result.stderr
    after = server.status()
    for name in ("pid", "generation", "started_at"):
        assert after[name] == before[name]
    assert [row["pid"] for row in after["workers"]] == [row["pid"] for row in before["workers"]]
    assert client.still_works()
    assert server.cli("reload").returncode == 0, "what runs can go on running"
    assert client.still_works()


def test_upgrade_without_a_file_that_may_be_run_is_refused(upgradable, connect):
    server = upgradable(count=1, options=["--set", "prefix="])
    server.expect_log("upgrade refused")
    client, path = connect(server.port), server.binary
    server.binary = BINARY
    path.chmod(0o644)
    assert "Permission denied" in server.cli("upgrade").stderr
    path.unlink()
    assert "No such file" in server.cli("upgrade").stderr
    assert client.still_works()
    assert server.status()["generation"] == 1


# ---- deaths ----------------------------------------------------------------------------------------------------------


class Frozen:
    """A reload that has come to a slot whose old worker is stopped: the new one is ready and waits for its clients."""

    def __init__(self, server, slot, *options):
        self.server, self.slot = server, slot
        self.old = server.worker(slot)["pid"]
        send_signal(self.old, signal.SIGSTOP)
        self.reload = subprocess.Popen(
            [server.binary, "reload", *server.instance(), *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(server.directory), text=True,
        )  # fmt: skip
        self.new = wait_until(self.successor, what="a successor that is ready")

    def successor(self, unlike=None):
        rows = [row for row in self.server.status()["draining"] if row["slot"] == self.slot]
        rows = [row for row in rows if row["state"] == "running" and row["pid"] not in (self.old, unlike)]
        return rows[0]["pid"] if rows else None

    def thaw(self):
        send_signal(self.old, signal.SIGCONT)

    def thaw_until_offered(self):
        """The old worker has offered everything, and waits for the answer of a new one that is stopped."""
        self.thaw()
        counts_nobody = lambda: self.server.worker(self.slot)["connections"] == 0  # noqa: E731
        wait_until(lambda: counts_nobody() and process_state(self.old) == "S", what="the whole offer")

    def answer(self):
        output, error = self.reload.communicate(timeout=60)
        return self.reload.returncode, output + error


def test_new_worker_killed_before_the_commit_costs_nothing(servers, connect):
    server = servers(count=2, options=QUIET)
    server.expect_log("reload failed")
    server.start()
    by_slot = clients_by_slot(server, connect)
    before = server.worker_pids()
    frozen = Frozen(server, slot=0)
    server.kill(frozen.new)
    status, said = frozen.answer()
    assert status == 1 and "SIGKILL" in said
    frozen.thaw()
    for clients in by_slot.values():
        assert all(client.still_works() for client in clients)
    assert server.worker_pids() == before
    assert server.status()["generation"] == 1
    server.wait_running()
    assert server.cli("reload").returncode == 0, "and now it can be done"
    assert server.status()["generation"] == 3, "the number that failed is not used again"
    for clients in by_slot.values():
        assert all(client.still_works() for client in clients)


def test_new_worker_of_a_later_slot_killed_before_the_commit_is_followed_by_another(servers, connect):
    server = servers(count=2, options=QUIET)
    server.start()
    by_slot = clients_by_slot(server, connect)
    frozen = Frozen(server, slot=1)
    server.kill(frozen.new)
    wait_until(lambda: frozen.successor(unlike=frozen.new), what="another successor")
    frozen.thaw()
    status, said = frozen.answer()
    assert status == 0, said
    assert [row["generation"] for row in server.workers()] == [2, 2]
    for clients in by_slot.values():
        assert all(client.still_works() for client in clients)


def test_old_worker_killed_before_the_commit_loses_its_own_clients_alone(servers, connect):
    server = servers(count=2, options=QUIET)
    server.start()
    by_slot = clients_by_slot(server, connect)
    frozen = Frozen(server, slot=0)
    server.kill(frozen.old)
    status, said = frozen.answer()
    assert status == 0, said
    assert [row["generation"] for row in server.workers()] == [2, 2]
    assert server.worker(0)["pid"] == frozen.new
    assert all(client.is_closed() for client in by_slot[0])
    assert all(client.still_works() for client in by_slot[1])
    clients_by_slot(server, connect, number=60)


def test_old_worker_killed_after_its_whole_offer_loses_nothing(servers, connect):
    """The new one has everything then, and nobody else."""
    server = servers(count=2, options=QUIET)
    server.start()
    by_slot = clients_by_slot(server, connect)
    frozen = Frozen(server, slot=0)
    send_signal(frozen.new, signal.SIGSTOP)
    frozen.thaw_until_offered()
    server.kill(frozen.old)
    wait_until(lambda: not is_alive(frozen.old))
    send_signal(frozen.new, signal.SIGCONT)
    status, said = frozen.answer()
    assert status == 0, said
    for clients in by_slot.values():
        assert all(client.still_works() for client in clients)
    clients_by_slot(server, connect, number=60)


def test_new_worker_that_takes_nothing_is_given_up_and_the_old_one_goes_on(servers, connect):
    server = servers(count=2, options=[*QUIET, "--stop-timeout", 1])
    server.expect_log("reload failed|did not go in time")
    server.start()
    by_slot = clients_by_slot(server, connect)
    before = server.worker_pids()
    frozen = Frozen(server, slot=0)
    send_signal(frozen.new, signal.SIGSTOP)
    frozen.thaw()
    status, said = frozen.answer()
    assert status == 1 and "kept its clients" in said
    for clients in by_slot.values():
        assert all(client.still_works() for client in clients)
    send_signal(frozen.new, signal.SIGCONT)
    wait_until(lambda: not is_alive(frozen.new), what="the new worker gone")
    assert server.worker_pids() == before
    for clients in by_slot.values():
        assert all(client.still_works() for client in clients)


SLOW_STOP = """
#include <wsd/app.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

WSD_APP(app) {
  app.on_message = [](wsd::Connection& connection, wsd::Message message) {
    if (message.data == "bye") return connection.close(4000, "as asked");
    connection.send(message.data, message.type);
  };
  app.on_worker_stop = [lock = std::string(app.setting("lock"))](wsd::Worker&) {
    while (!lock.empty() && std::filesystem::exists(lock)) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  };
}
"""


@pytest.fixture
def slow_to_stop(servers, directory):
    """A server whose workers stop only once the file `lock` is gone."""
    (directory / "slow.cpp").write_text(SLOW_STOP)
    options = ["--set", f"lock={directory / 'lock'}", "--watchdog", 30, "--stop-timeout", 60]
    server = servers(app=str(directory / "slow.cpp"), count=2, options=options)
    server.lock = directory / "lock"
    server.start()
    return server


def test_old_worker_killed_after_the_commit_loses_nothing(slow_to_stop, connect):
    server = slow_to_stop
    by_slot = clients_by_slot(server, connect)
    before = server.worker_pids()
    server.lock.touch()
    result = server.cli("reload")
    assert result.returncode == 0, result.stderr
    assert all(is_alive(pid) for pid in before), "they are in on_worker_stop"
    for pid in before:
        server.kill(pid)
    server.lock.unlink()
    for clients in by_slot.values():
        assert all(client.still_works() for client in clients)
    assert [row["generation"] for row in server.workers()] == [2, 2]


def test_close_begun_by_the_old_worker_is_finished_by_the_new_one(slow_to_stop, connect):
    client = connect(slow_to_stop.port)
    client.send(frame(TEXT, b"bye"))
    assert client.receive_close() == (4000, "as asked")
    assert slow_to_stop.cli("reload").returncode == 0
    client.send(frame(TEXT, b"too late") + close_frame(4000))
    client.expect_end()


def expect_the_end(server, clients, pids):
    for client in clients:
        assert client.receive_close().code == 1001
        client.send(close_frame(1001))
        client.expect_end()
    wait_until(lambda: not any(is_alive(pid) for pid in pids), what="every worker gone")


@pytest.mark.parametrize("moment", ["before the offer", "during the offer"])
def test_master_killed_during_a_reload(servers, connect, moment):
    """Its workers see the end of their streams: each client is told 1001 by whoever has it, and the next start works."""
    server = servers(count=2, options=QUIET)
    server.start()
    clients = sum(clients_by_slot(server, connect).values(), [])
    pids = server.processes()
    frozen = Frozen(server, slot=0)
    if moment == "during the offer":
        send_signal(frozen.new, signal.SIGSTOP)
        frozen.thaw_until_offered()
    server.kill_master()
    frozen.thaw()
    send_signal(frozen.new, signal.SIGCONT)
    assert frozen.answer()[0] != 0
    expect_the_end(server, clients, [*pids, frozen.new])
    server.start()
    assert connect(server.port).still_works()


def test_new_worker_told_to_leave_waits_for_the_clients_it_has_accepted(slow_to_stop, connect):
    """The master dies between the new worker's word that it has everything and the old one's that it may keep it."""
    server = slow_to_stop
    clients = sum(clients_by_slot(server, connect).values(), [])
    pids = server.processes()
    frozen = Frozen(server, slot=0)
    send_signal(frozen.new, signal.SIGSTOP)
    frozen.thaw_until_offered()
    send_signal(frozen.old, signal.SIGSTOP)
    server.lock.touch()
    server.kill_master()
    send_signal(frozen.new, signal.SIGCONT)
    time.sleep(0.3)
    frozen.thaw()
    for client in clients:
        assert client.receive_close().code == 1001
        client.send(close_frame(1001))
    server.lock.unlink()
    wait_until(lambda: not any(is_alive(pid) for pid in [*pids, frozen.new]), what="every worker gone")
    assert frozen.answer()[0] != 0


def test_worker_killed_after_a_reload_is_respawned_with_its_generation(servers, connect):
    server = servers(count=2, options=["--set", "prefix=one "])
    server.start()
    assert server.cli("reload", "--set", "prefix=two ").returncode == 0
    killed = server.worker_pids()
    for pid in killed:
        server.kill(pid)
    wait_until(lambda: not set(killed) & set(server.worker_pids()))
    server.wait_running()
    assert [row["generation"] for row in server.workers()] == [2, 2]
    for _ in range(10):
        assert connect(server.port).echo(b"x") == (TEXT, b"two x")


# ---- what reload is told and tells -----------------------------------------------------------------------------------


def test_changed_address_opens_before_the_old_one_goes(servers, connect):
    server = servers(count=2, options=QUIET)
    server.start()
    old_port, client = server.port, connect(server.port)
    frozen = Frozen(server, 0, "--listen", "ws://127.0.0.2:0")
    (new_url,) = [url for url in server.urls() if "127.0.0.2" in url]
    new_port = int(new_url.rpartition(":")[2].strip("/"))
    waiting = [RawClient(new_port, host="127.0.0.2") for _ in range(10)]
    frozen.thaw()
    status, said = frozen.answer()
    assert status == 0, said
    for early in waiting:
        early.open()
        assert early.still_works()
        early.abandon()
    assert server.urls() == [new_url]
    wait_until(lambda: is_refused(old_port), what="the old address to refuse")
    assert client.still_works(), "who came by the old address stays"


def is_refused(port):
    with contextlib.suppress(ConnectionRefusedError):
        RawClient(port).abandon()
        return False
    return True


def test_address_in_use_refuses_the_reload(servers, connect):
    server, other = servers(count=2, options=["--set", "prefix="]), servers(count=1)
    server.expect_log("reload refused")
    server.start()
    other.start()
    client = connect(server.port)
    result = server.cli("reload", "--listen", f"ws://127.0.0.1:{other.port}")
    assert result.returncode == 1 and "taken by another program" in result.stderr
    assert server.status()["generation"] == 1
    assert client.still_works() and connect(server.port).still_works()


def test_unknown_app_refuses_the_reload(servers, connect):
    server = servers(count=2, options=["--set", "prefix="])
    server.expect_log("reload refused")
    server.start()
    client, before = connect(server.port), server.worker_pids()
    result = server.cli("reload", "ecco")
    assert result.returncode != 0 and "ecco" in result.stderr
    assert server.worker_pids() == before
    assert client.still_works()
    assert server.cli("reload").returncode == 0


def test_two_reloads_at_once_are_answered_in_order(servers, connect):
    server = servers(count=2, options=[*QUIET])
    server.start()
    client = connect(server.port)
    first = Frozen(server, 0, "--json", "--set", "prefix=first ")
    command = [server.binary, "reload", *server.instance(), "--json", "--set", "prefix=second "]
    second = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(server.directory), text=True)
    assert holds_for(lambda: second.poll() is None and first.reload.poll() is None, 0.3)
    first.thaw()
    status, said = first.answer()
    assert status == 0 and json.loads(said)["generation"] == 2
    assert json.loads(second.communicate(timeout=60)[0])["generation"] == 3
    assert client.echo(b"x") == (TEXT, b"second x")


def test_reload_tells_in_json_what_it_did(servers, connect):
    server = servers(count=2, options=["--set", "prefix="])
    server.start()
    clients = [connect(server.port) for _ in range(10)]
    assert all(client.still_works() for client in clients)
    result = server.cli("reload", "--json")
    report = json.loads(result.stdout)
    assert 0 < report.pop("longest_pause_ms") < 5000
    assert report == {"generation": 2, "workers": 2, "connections_kept": 10, "draining": 0}


def test_reload_at_a_terminal_shows_each_slot(servers, connect):
    server = servers(count=2, options=["--set", "prefix="])
    server.start()
    clients = [connect(server.port) for _ in range(10)]
    assert all(client.still_works() for client in clients)
    ours, theirs = pty.openpty()
    command = [server.binary, "reload", *server.instance()]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(server.directory))
    os.close(theirs)
    assert process.wait(timeout=30) == 0
    shown = shown_on(ours).decode().splitlines()
    os.close(ours)
    assert [line.split(":")[0] for line in shown] == ["slot 0", "slot 1", "generation 2"], shown
    assert "2 workers, 10 connections kept, 0 draining, longest pause" in shown[2]
