"""Faults under load: what dies, stops or crashes costs what was in its hands, and nobody else anything.

Each test prints a line of figures (fault_run.py). Gates are what must hold on a busy machine too: who is lost, what is
restarted, who waited for whom. Times are figures, and gates only where a rule of wsd's own is one of seconds.
"""

import signal
import subprocess
import time

import pytest

from channel_clients import Crowd, Person, assert_exact
from fault_run import FaultRun
from server import BINARY, environment, is_alive, process_state, send_signal, wait_until
from test_channels import app  # noqa: F401

QUIET = ["--watchdog", 30]


@pytest.fixture
def start(servers, app):  # noqa: F811
    def start(count=3, options=(), asan=""):
        server = servers(app=app, count=count, options=options)
        server.extra_environment["ASAN_OPTIONS"] = environment(server.directory)["ASAN_OPTIONS"] + ":" + asan
        server.start()
        return server

    return start


@pytest.fixture
def rate(sanitized):
    """Handshakes per second: what leaves two cores some room, the sanitizers' work included."""
    return 100 if sanitized else 400


def crowd_on(server, sanitized):
    return Crowd(server, "/plain", subscribers=60 if sanitized else 200, publishers=4, rate=10)


def wait_replaced(server, slot, pid):
    wait_until(lambda: server.worker(slot)["pid"] not in (0, pid) and server.worker(slot)["state"] == "running")


# ---- workers ---------------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_a_killed_worker_costs_what_it_had_in_service(start, rate, sanitized):
    """Its accept queue is served by its successor; other workers' subscribers miss nothing."""
    server = start(options=QUIET)
    with crowd_on(server, sanitized) as crowd, FaultRun("worker killed", server, rate, crowd) as run:
        victim = server.worker(0)
        run.go_on_for(0.5)
        with run.strike():
            server.kill(victim["pid"])
            wait_until(lambda: not is_alive(victim["pid"]))
        wait_replaced(server, 0, victim["pid"])
        run.go_on_for(0.5)
    assert run.figures.lost <= run.in_service()
    assert run.lost_later() == 0
    assert run.figures.refused == run.figures.timeout == run.figures.wrong == 0
    assert run.figures.restarts == 1
    assert run.figures.fd_delta == 0
    assert_exact(run.report, closed=None)
    # The crowd's clients of that worker, and the load's that were just there.
    assert run.report["errors_closed"] <= victim["connections"]


@pytest.mark.long
def test_a_worker_killed_again_and_again(start, rate, sanitized):
    """A killed worker's successor is killed once it serves, for half a minute: back-off and all."""
    server = start(options=QUIET)
    with FaultRun("worker killed again and again", server, rate) as run:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            pid = wait_until(lambda: server.worker(0)["state"] == "running" and server.worker(0)["pid"], timeout=30)
            with run.strike():
                server.kill(pid)
                wait_until(lambda: not is_alive(pid))
        server.wait_running(timeout=30)
    assert run.figures.lost <= run.in_service()
    assert run.figures.refused == run.figures.timeout == run.figures.wrong == 0
    assert run.figures.restarts == len(run.strikes)


@pytest.mark.smoke
def test_a_stopped_worker_is_relieved_by_its_neighbours_and_goes_on(start, rate, sanitized):
    """For 3 s: its queue is served after 500 ms, nobody is lost, nobody is restarted, and its own clients wait."""
    server = start(options=QUIET)
    pid = server.worker(0)["pid"]
    with crowd_on(server, sanitized) as crowd, FaultRun("worker stopped", server, rate, crowd) as run:
        with run.strike():
            send_signal(pid, signal.SIGSTOP)
        wait_until(lambda: server.worker(0)["state"] == "busy")
        run.go_on_for(3)
        assert process_state(pid) == "T"
        woken = time.monotonic()
        send_signal(pid, signal.SIGCONT)
        server.wait_running()
        run.go_on_for(0.5)
    assert run.figures.lost == run.figures.wrong == run.figures.restarts == run.figures.fd_delta == 0
    # Who had been accepted waits for the worker itself; who came in the next second is served long before it is back.
    struck = run.strikes[0][1]
    late = [began - struck for began, seconds, _ in run.outcomes if struck < began < struck + 1 and began + seconds > woken - 0.5]
    assert not late, late
    assert_exact(run.report)


def test_a_worker_that_stays_stopped_is_replaced(start, rate, sanitized):
    """Its neighbours serve until the watchdog has killed it; then one restart, and its slot is its successor's."""
    server = start(options=["--watchdog", 3])
    server.expect_log("worker of slot 0")
    pid = server.worker(0)["pid"]
    with FaultRun("worker stays stopped", server, rate) as run:
        with run.strike():
            send_signal(pid, signal.SIGSTOP)
            wait_until(lambda: not is_alive(pid), what="the stopped worker killed")
        wait_replaced(server, 0, pid)
        run.go_on_for(0.5)
    assert run.figures.lost <= run.in_service()
    assert run.figures.refused == run.figures.timeout == run.figures.wrong == 0
    assert run.figures.restarts == 1


@pytest.mark.parametrize("how", ["spin", "block"])
def test_an_app_that_keeps_its_worker_to_itself_keeps_it_to_itself(start, rate, connect, how):
    """An endless loop, or a call that blocks: neighbours accept meanwhile, then the watchdog ends it and says so."""
    # The watchdog's first signal is SIGABRT, for a core: of which AddressSanitizer need not tell us.
    server = start(options=["--watchdog", 3], asan="handle_abort=0")
    server.expect_log("worker of slot 0")
    person = Person(connect, server.port, slot=0)
    pid = server.worker(0)["pid"]
    with FaultRun(f"app that {how}s", server, rate) as run:
        with run.strike():
            person.order(how, 3_600_000)
            wait_until(lambda: not is_alive(pid), what="the stuck worker killed")
        wait_replaced(server, 0, pid)
        run.go_on_for(0.5)
    assert run.figures.lost <= run.in_service()
    assert run.figures.refused == run.figures.timeout == run.figures.wrong == 0
    assert run.figures.restarts == 1


def test_a_crash_loop_backs_off_and_a_new_generation_cures_it(start, rate):
    """The app of slot 0 ends its process 150 ms after each start: a handful of respawns, not hundreds."""
    server = start(options=QUIET)
    server.expect_log("worker of slot 0")
    others = server.worker_pids()[1:]
    with FaultRun("crash loop", server, rate) as run:
        with run.strike():
            # One that dies before it has taken over is no new generation: on a busy machine that takes another try.
            wait_until(lambda: server.cli("reload", "--set", "dies_after=150").returncode == 0)
            exits = run.exits()
            run.go_on_for(3)
            wait_until(lambda: run.exits() - exits >= 2, what="one death after the other")
        deaths = run.exits() - exits
        result = server.cli("reload", "--set", "dies_after=0")
        assert result.returncode == 0, result.stderr
        server.wait_running()
        cured = server.worker_pids()
        run.go_on_for(1)
        assert server.worker_pids() == cured
    # At once, then after 100, 200, 400, 800, 1600 ms.
    assert deaths <= 8, deaths
    assert not set(others) & set(cured)
    assert run.figures.lost <= run.in_service()
    assert run.figures.refused == run.figures.timeout == run.figures.wrong == 0


# ---- the master ------------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_a_killed_master_is_started_again_on_the_same_port(start, rate, connect):
    """Its workers say 1001 and leave by themselves; then one generation serves, and no orphan beside it."""
    server = start(options=QUIET)
    server.listen = server.urls()
    port, pids = server.port, server.processes()
    client = connect(port)
    with FaultRun("master killed", server, rate) as run:
        run.go_on_for(0.3)
        with run.strike():
            server.kill_master()
            assert client.receive_close().code == 1001
            client.abandon()
            wait_until(lambda: not any(is_alive(pid) for pid in pids), what="the orphans gone")
            server.start()
        run.exits_before = 0
        run.go_on_for(0.5)
    assert run.figures.wrong == run.figures.timeout == 0
    assert run.figures.ok > 0 and run.lost_later() == 0, "the new generation serves everybody"
    assert len(server.processes()) == 1 + server.count
    # While nobody listens, who connects is refused; who waited in a queue of the old sockets was reset.
    assert run.figures.refused > 0


def test_a_master_that_stops_and_goes_on_kills_nobody(start, rate, sanitized):
    """For longer than the watchdog's time. Workers serve without it."""
    server = start(options=["--watchdog", 2])
    before, master = server.worker_pids(), server.master
    with crowd_on(server, sanitized) as crowd, FaultRun("master stopped", server, rate, crowd) as run:
        with run.strike():
            send_signal(master, signal.SIGSTOP)
            run.go_on_for(3)
            send_signal(master, signal.SIGCONT)
        run.go_on_for(2.5)
        assert server.worker_pids() == before
    assert run.figures.lost == run.figures.wrong == run.figures.restarts == run.figures.fd_delta == 0
    assert_exact(run.report)


@pytest.mark.long
def test_two_starts_at_once_again_and_again(servers):
    """One wins, the other says that it is running already, whatever the moment."""
    for _ in range(25):
        server = servers()
        command = [BINARY, "start", "-d", *server.arguments()]
        started = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    env=environment(server.directory)) for _ in range(2)]  # fmt: skip
        output = [process.communicate(timeout=30)[0].decode() for process in started]
        assert sorted(process.returncode for process in started) == [0, 5], output
        assert len(server.processes()) == 1 + server.count
        assert server.stop().returncode == 0


# ---- reloads ---------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_hundred_reloads_lose_nobody(start, rate, sanitized):
    server = start(options=["--drain-timeout", 1])
    with crowd_on(server, sanitized) as crowd, FaultRun("hundred reloads", server, rate, crowd) as run:
        with run.strike():
            for _ in range(100):
                result = server.cli("reload")
                assert result.returncode == 0, result.stderr
    assert run.figures.lost == run.figures.wrong == run.figures.restarts == 0
    assert_exact(run.report)


@pytest.mark.long
def test_resizes_lose_nobody(start, rate):
    """4, 2, 8, 1 workers, again and again. Clients of slots that go are asked to come again; none that connects is lost."""
    server = start(count=4, options=["--drain-timeout", 1])
    with FaultRun("resizes", server, rate) as run:
        with run.strike():
            for count in [2, 8, 1, 4] * 5:
                result = server.cli("reload", "--count", count)
                assert result.returncode == 0, result.stderr
        server.wait_none_draining(timeout=30)
    assert run.figures.lost == run.figures.wrong == run.figures.restarts == 0


# ---- the load itself -------------------------------------------------------------------------------------------------


def test_the_load_has_nothing_to_complain_of_without_a_fault_and_sees_one(start, rate):
    server = start(count=1, options=QUIET)
    with FaultRun("no fault", server, rate) as run:
        run.go_on_for(0.3)
    assert run.figures.lost == run.figures.wrong == run.figures.restarts == run.figures.fd_delta == 0
    assert run.figures.ok == run.figures.sent > 0
    with FaultRun("all is over", server, rate) as run:
        with run.strike():
            assert server.stop().returncode == 0
        run.go_on_for(0.3)
        server.start()
    assert run.figures.lost > 0
