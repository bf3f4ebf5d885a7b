"""System calls per message, counted by strace on one worker of the release binary."""

import collections
import re
import subprocess

import pytest

from clients import BINARY, TEXT, frame
from server import wait_until

pytestmark = pytest.mark.release

RECEIVES = {"read", "readv", "recvfrom", "recvmsg"}
SENDS = {"write", "writev", "sendto", "sendmsg"}


class Strace:
    """Watches one process's input and output on its sockets."""

    def __init__(self, pid, directory):
        self.output = directory / "strace"
        calls = ",".join(sorted(RECEIVES | SENDS))
        self.process = subprocess.Popen(
            ["strace", "-p", str(pid), "-e", f"trace={calls}", "-yy", "-o", str(self.output)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        said = self.process.stderr.readline()
        if "attached" not in said:
            self.process.wait()
            pytest.skip(f"strace can't attach here: {said}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def counts(self, port):
        """Receiving and sending calls on connections of this port."""
        counted = collections.Counter()
        for line in self.output.read_text(errors="replace").splitlines():
            call = re.match(rf"(\w+)\(\d+<TCP[^>]*:{port}->", line)
            if call:
                counted["receives" if call[1] in RECEIVES else "sends"] += 1
        return counted


@pytest.fixture
def traced(servers, connect, directory):
    server = servers(count=1, options=["--set", "prefix="])
    server.start()
    client = connect(server.port)
    client.still_works()
    with Strace(server.worker_pids()[0], directory) as strace:
        strace.port = server.port
        yield client, strace


def test_one_receive_and_one_send_per_message(traced):
    client, strace = traced
    for _ in range(200):
        client.echo(b"twenty bytes of text")
    counts = strace.counts(strace.port)
    assert 100 <= counts["receives"] <= 200
    assert 100 <= counts["sends"] <= 200


def test_one_receive_and_one_send_for_sixteen_pipelined_messages(traced):
    client, strace = traced
    for _ in range(50):
        client.send(frame(TEXT, b"twenty bytes of text") * 16)
        for _ in range(16):
            client.receive_message()
    wait_until(lambda: strace.counts(strace.port)["sends"] >= 50)
    counts = strace.counts(strace.port)
    assert counts["receives"] <= 50
    assert counts["sends"] <= 50


def test_sixteen_kib_take_one_receive_and_one_send(traced):
    client, strace = traced
    payload = b"x" * 16384
    for _ in range(50):
        assert client.echo(payload, BINARY) == (BINARY, payload)
    counts = strace.counts(strace.port)
    assert counts["receives"] <= 55, "a segment may arrive alone"
    assert counts["sends"] <= 55
