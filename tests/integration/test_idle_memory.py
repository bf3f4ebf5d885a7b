"""What an idle connection costs its worker: the request that it came with, and little else (docs/benchmarks.md).

On the release binary alone: AddressSanitizer has an allocator of its own.
"""

import resource

import pytest

from clients import TEXT, RawClient, frame, handshake_request
from server import rss_bytes

pytestmark = pytest.mark.release

BEFORE, AFTER = 500, 3000  # connections
# 300 for the connection, 176 for a request of 150 bytes, and its place in the table, which doubles at times. What the
# allocator rounds differs from one version to the next.
MOST_BYTES = 560


@pytest.fixture
def many_descriptors():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_an_idle_connection_is_small(servers, many_descriptors):
    server = servers(count=1, options=["--set", "prefix="])
    server.start()
    (pid,), port = server.worker_pids(), server.port
    clients = []

    def rss_with(count):
        while len(clients) < count:
            some = [RawClient(port) for _ in range(50)]
            clients.extend(some)
            for client in some:
                client.send(handshake_request() + frame(TEXT, b"an idle connection is one that has talked"))
            for client in some:
                client.receive_upgrade()
                client.receive_frame()
        return rss_bytes(pid)

    try:
        before = rss_with(BEFORE)
        grown = rss_with(AFTER) - before
    finally:
        for client in clients:
            client.abandon()
    assert grown / (AFTER - BEFORE) <= MOST_BYTES, f"{grown / (AFTER - BEFORE):.0f} bytes"
