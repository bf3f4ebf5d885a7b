"""The wall clock is set back and forth while the server runs: nothing that waits, waits by it.

A preloaded library moves CLOCK_REALTIME for the server alone, never the machine's; what is left to go by is CLOCK_MONOTONIC.
"""

import re
import time

import pytest

import fault_run
from clients import PING, PONG, frame
from server import holds_for, wait_until
from shims import WallClock, compile_shim

HOUR, DAY, YEAR = 3600, 86_400, 31_557_600
JUMPS = [-HOUR, DAY, 68 * YEAR, -20 * YEAR, 0]


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    directory = tmp_path_factory.mktemp("shim")
    directory.chmod(0o755)
    return compile_shim("wall_clock", directory)


def last_logged_year(server):
    return int(re.match(r"(\d{4})-", server.log().splitlines()[-1])[1])


@pytest.mark.smoke
def test_no_clock_that_is_set_ends_or_delays_anything(servers, shim, connect):
    """Not a time-out fires, not a worker is killed; who comes is served; and the log tells the time that it is told."""
    server = servers(count=2, options=["--set", "prefix=", "--watchdog", 10, "--idle-timeout", 60, "--ping-interval", 60])
    clock = WallClock(server, shim)
    server.start()
    workers, port = server.worker_pids(), server.port
    clients = [connect(port) for _ in range(20)]
    for seconds in JUMPS:
        clock.set_off(seconds)
        assert holds_for(lambda: connect(port).still_works(), 0.6)
        assert all(client.still_works() for client in clients)
        assert server.cli("reload").returncode == 0
        expected = time.gmtime(time.time() + seconds).tm_year
        wait_until(lambda: abs(last_logged_year(server) - expected) <= 1, what="the clock of the log")
    assert server.status()["exits"] == []
    assert not set(workers) & set(server.worker_pids()), "the reloads were done"
    fault_run.say(name="wall_clock_set", jumps=len(JUMPS), clients=len(clients), closed=0, restarts=0)


@pytest.mark.parametrize("seconds", [-HOUR, DAY])
def test_deadlines_keep_their_time_though_the_clock_is_set(servers, shim, connect, seconds):
    """An idle client is let go after as long as ever, a silent one is asked as often as ever, a stalled worker is killed."""
    server = servers(count=2, options=["--idle-timeout", 1.5, "--close-timeout", 0.5, "--ping-interval", 0.5, "--ping-misses", 20])
    clock = WallClock(server, shim)
    server.start()
    client = connect(server.port)
    began = time.monotonic()
    clock.set_off(seconds)
    pings = 0
    while (received := client.receive_frame()).opcode == PING:
        pings += 1
        client.send(frame(PONG, received.payload))
    took = time.monotonic() - began
    assert 1.2 < took < 10, took
    assert pings >= 2
