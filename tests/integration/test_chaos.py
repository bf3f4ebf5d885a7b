"""Faults in random order under load, from a seed that a failure prints (reliability.md F24, small)."""

import os
import random
import signal
import time

import pytest

from server import is_alive, send_signal, wait_until
from test_reload import Hammer


class Faults:
    """What can happen to a server that people depend on."""

    def __init__(self, server, chance):
        self.server, self.chance = server, chance
        self.deaths = 0

    def a_worker(self):
        running = [row["pid"] for row in self.server.workers() if row["pid"]]
        return self.chance.choice(running) if running else None

    def kill(self):
        if pid := self.a_worker():
            self.deaths += 1
            self.server.kill(pid)

    def stall(self):
        if pid := self.a_worker():
            send_signal(pid, signal.SIGSTOP)
            time.sleep(self.chance.uniform(0.1, 0.9))  # how long the stall takes, not a wait for anything
            send_signal(pid, signal.SIGCONT)

    def reload(self):
        result = self.server.cli("reload")
        assert result.returncode == 0, result.stderr

    def resize(self):
        result = self.server.cli("reload", "--count", self.chance.randint(1, 4))
        assert result.returncode == 0, result.stderr

    def kill_during_reload(self):
        pid = self.a_worker()
        send_signal(self.server.master, signal.SIGUSR1)
        if pid:
            self.deaths += 1
            self.server.kill(pid)

    def ask(self):
        assert self.server.cli("status").returncode == 0

    def strike(self):
        self.chance.choice([self.kill, self.stall, self.reload, self.resize, self.kill_during_reload, self.ask])()


def run_chaos(servers, seed, seconds):
    print(f"seed {seed}: WSD_SEED={seed} repeats it")
    server = servers(count=3, options=["--drain-timeout", 1, "--stop-timeout", 1, "--watchdog", 5])
    server.expect_log("worker")
    server.start()
    faults = Faults(server, random.Random(seed))
    with Hammer(server.port, threads=3) as hammer:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            faults.strike()
    # A client that a killed worker had accepted is lost with it; nobody else may be.
    assert len(hammer.lost) <= 3 * faults.deaths, (seed, faults.deaths, hammer.lost[:5])
    assert len(hammer.seconds) > 20
    # One that a signal asked for may be under way: this one is done when that is.
    wait_until(lambda: server.cli("reload").returncode == 0, timeout=30, what="a reload after all")
    server.wait_running(timeout=30)
    server.wait_none_draining(timeout=30)
    rows = server.workers()
    assert [row["slot"] for row in rows] == list(range(len(rows)))
    assert {row["generation"] for row in rows} == {server.status()["generation"]}
    assert set(server.processes()) == {server.master, *server.worker_pids()}
    assert all(is_alive(row["pid"]) for row in rows)


def test_random_faults(servers):
    run_chaos(servers, int(os.environ.get("WSD_SEED", random.SystemRandom().randrange(10**6))), seconds=8)


@pytest.mark.long
@pytest.mark.parametrize("number", range(5))
def test_random_faults_for_longer(servers, number):
    run_chaos(servers, int(os.environ.get("WSD_SEED", random.SystemRandom().randrange(10**6))) + number, seconds=40)
