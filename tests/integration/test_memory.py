"""Memory that runs out: one allocation that fails, or all from then on, wherever the worker is; and `ulimit -v`.

On the release binary alone: AddressSanitizer has an allocator of its own and needs more addresses than any limit has.
"""

import resource

import pytest

import fault_run
from certificates import Authority
from channel_clients import Person
from clients import BINARY, CONTINUATION, TEXT, RawClient, close_frame, frame, handshake_request
from server import is_alive, rss_bytes, wait_until
from shims import Memory, compile_shim
from test_channels import app  # noqa: F401

pytestmark = pytest.mark.release

MIB = 1 << 20
OUT_OF_MEMORY = "exit 4"


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    directory = tmp_path_factory.mktemp("shim")
    directory.chmod(0o755)
    return compile_shim("failing_malloc", directory)


def converse(port, tls):
    """A whole conversation: a handshake with a channel that keeps something, large and cut messages, a Close."""
    client = RawClient(port, timeout=5, tls=tls)
    try:
        client.send(handshake_request(path="/kept/x?bob", sec_websocket_extensions="permessage-deflate"))
        client.receive_response(timeout=5)
        client.send(frame(TEXT, b"!who") + frame(TEXT, b"x" * 20_000))
        client.send(frame(TEXT, b"y" * 300, fin=False) + frame(CONTINUATION, b"z" * 4000))
        client.receive_frame(timeout=5)
        client.send(close_frame(1000))
    finally:
        client.abandon()


class Shortage:
    """Lets allocations of slot 0's worker fail, one moment after the other, and sees what becomes of it."""

    def __init__(self, server, memory, port, tls=None):
        self.server, self.memory, self.port, self.tls = server, memory, port, tls
        self.failures = self.deaths = self.survived = 0

    def strike(self, after, times):
        if not all(row["state"] == "running" for row in self.server.workers()):
            self.server.cli("reload")  # a new generation knows of no back-off
        self.server.wait_running()
        pid = self.server.worker(0)["pid"]
        self.memory.run_out(pid, after, times)
        wait_until(lambda: self.talk() or self.memory.has_failed() or not is_alive(pid), what="the shortage")
        failed = self.memory.suffice()
        assert failed or not is_alive(pid)
        self.failures += failed
        if self.talk_again(pid):
            self.survived += 1
        else:
            self.deaths += 1

    def talk(self):
        try:
            converse(self.port, self.tls)
        except (OSError, AssertionError):
            pass

    def talk_again(self, pid):
        """Whether the same worker still serves. One that is about to end does so before it answers."""
        wait_until(lambda: not is_alive(pid) or self.server.worker(0)["pid"] != pid or self.answers(pid))
        return is_alive(pid)

    def answers(self, pid):
        """Whether that worker has closed a connection's books since."""
        before = self.server.worker(0)
        self.talk()
        after = self.server.worker(0)
        return before["pid"] == after["pid"] == pid and after["accepted"] > before["accepted"]


@pytest.fixture
def struck(servers, app, shim, connect, tmp_path):  # noqa: F811
    """struck(moments, times, secure): lets them all happen; nobody but the worker itself may be harmed, and it cleanly."""

    def struck(moments, times, secure):
        listen, options, tls = ["ws://127.0.0.1:0"], ["--deflate", "--ping-interval", "0"], None
        if secure:
            authority = Authority(tmp_path / "authority")
            listen += ["wss://127.0.0.1:0"]
            options += authority.server("localhost").options()
            tls = authority.client_context()
        server = servers(app=app, count=2, listen=listen, options=options)
        server.expect_log("bad_alloc|out of memory|worker of slot 0 ran out of memory|keeps dying")
        memory = Memory(server, shim)
        server.start()
        bystander = Person(connect, server.port, slot=1)
        port = int(server.urls()[-1].rpartition(":")[2])
        shortage = Shortage(server, memory, port, tls)
        for moment in moments:
            shortage.strike(moment, times)
        server.cli("reload")
        server.wait_running()
        assert {row["status"] for row in server.status()["exits"]} <= {OUT_OF_MEMORY}, server.log()
        assert bystander.ask("who")["id"] == bystander.id
        assert connect(server.port).echo(b"!who")[0] == TEXT
        fault_run.say(
            name=f"allocations_fail{'_in_tls' if secure else ''}{'_for_good' if times > 1 else ''}",
            moments=len(moments), failures=shortage.failures, deaths=shortage.deaths, survived=shortage.survived,
        )  # fmt: skip
        return shortage

    return struck


@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
def test_an_allocation_that_fails_costs_a_connection_or_its_worker_cleanly(struck, secure):
    shortage = struck(range(0, 160, 11), times=1, secure=secure)
    assert shortage.deaths > 0, "the run proves too little"


def test_a_worker_without_any_memory_leaves_cleanly(struck):
    shortage = struck(range(0, 160, 23), times=1 << 40, secure=False)
    assert shortage.deaths > 0


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize("times", [1, 1 << 40], ids=["once", "for good"])
def test_every_allocation_may_fail(struck, secure, times):
    struck(range(0, 5000, 13), times=times, secure=secure)


def test_a_worker_at_its_limit_of_memory_leaves_and_the_others_stay(servers, connect):
    """`ulimit -v`: clients whose unfinished messages fill it. Their worker says so, is replaced, and nothing else happens."""
    server = servers(count=2, options=["--set", "prefix="])
    server.expect_log("out of memory|ran out of memory")
    server.limits = lambda: resource.setrlimit(resource.RLIMIT_AS, (256 * MIB, 256 * MIB))
    server.start()
    port, before = server.port, server.worker_pids()
    bystanders = [connect(port) for _ in range(20)]
    by_slot = {row["slot"]: row["connections"] for row in server.workers()}
    assert all(by_slot.values())
    rss = {pid: rss_bytes(pid) for pid in before}
    unfinished = frame(BINARY, b"x" * (MIB - 1), fin=False)
    hogs = []

    def one_more():
        client = RawClient(port)
        hogs.append(client)
        try:
            client.open()
            client.send(unfinished)
        except (OSError, AssertionError):
            pass
        return [pid for pid in before if not is_alive(pid)]

    try:
        (victim,) = wait_until(one_more, timeout=60, what="a worker out of memory")
    finally:
        for hog in hogs:
            hog.abandon()
    server.wait_running()
    slot = before.index(victim)
    assert server.status()["exits"] == [{"status": OUT_OF_MEMORY, "count": 1}]
    assert server.worker(1 - slot)["pid"] == before[1 - slot], "the other one lives"
    assert sum(1 for client in bystanders if not is_gone(client)) == by_slot[1 - slot]
    assert connect(port).still_works()
    fault_run.say(name="memory_limit", limit_mib=256, hogs=len(hogs), restarts=1, rss_before_mib=rss[victim] // MIB)


def test_a_master_without_memory_says_so_and_its_workers_leave(servers, shim):
    """Wherever it runs out: it goes on, or it ends with a line in the log, and can be started again."""
    ended = 0
    for moment in (0, 30, 60, 90):
        server = servers(count=2)
        server.expect_log("the master ends|bad_alloc|Cannot allocate memory")
        memory = Memory(server, shim)
        server.start()
        master, pids = server.master, server.processes()
        memory.run_out(master, moment)
        wait_until(lambda: server.cli("status") and memory.has_failed(), what="the shortage")
        memory.suffice()
        wait_until(lambda: server.is_running() or not is_alive(master))
        if is_alive(master):
            continue
        ended += 1
        server.has_run = False
        wait_until(lambda: not any(is_alive(pid) for pid in pids), what="its workers gone")
        assert "the master ends, and its workers close their clients and leave: std::bad_alloc" in server.log()
        server.start()
        assert server.is_running()
    assert ended > 0, "the run proves too little"


def is_gone(client):
    try:
        return not client.still_works()
    except (OSError, AssertionError):
        return True
