"""Descriptors, disk space: what runs out is said once, costs no one who is connected, and is over when it is over."""

import os
import pathlib
import resource
import subprocess

import pytest

from clients import TEXT, RawClient, handshake_request
from server import cpu_seconds, holds_for, wait_until

DESCRIPTORS = 128  # of which a worker keeps 64 free


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))


def open_until_refused(port, clients, at_most=400):
    """Opens clients until one is refused; returns that answer."""
    for _ in range(at_most):
        client = RawClient(port)
        clients.append(client)
        client.send(handshake_request())
        response = client.receive_response()
        if response.status != 101:
            return response
    raise AssertionError(f"{at_most} clients and no refusal")


def is_served(port, clients):
    client = RawClient(port)
    clients.append(client)
    client.send(handshake_request())
    return client.receive_response().status == 101


@pytest.fixture
def crowd():
    clients = []
    yield clients
    for client in clients:
        client.abandon()


@pytest.mark.smoke
def test_at_the_ceiling_new_clients_get_503_and_the_old_ones_go_on(servers, crowd):
    server = servers(count=1, options=["--set", "prefix="])
    server.limits = few_descriptors
    server.start()
    response = open_until_refused(server.port, crowd)
    assert response.status == 503, response
    assert int(response.fields["retry-after"]) >= 0
    assert response.fields["connection"].lower() == "close"
    crowd.pop().expect_end()
    assert 20 <= len(crowd) <= DESCRIPTORS
    assert all(client.still_works() for client in crowd)


def test_ceiling_is_said_once_and_nothing_spins(servers, crowd):
    server = servers(count=1)
    server.limits = few_descriptors
    server.start()
    port, pid = server.port, server.worker_pids()[0]
    open_until_refused(port, crowd)
    crowd += [RawClient(port) for _ in range(20)]
    before = cpu_seconds(pid)
    holds_for(lambda: True, 2.0)
    assert cpu_seconds(pid) - before < 0.4, "20 % of a core"
    said = [line for line in server.log().splitlines() if "descriptor" in line]
    assert 1 <= len(said) <= 3, said


def test_below_the_ceiling_again_clients_are_served(servers, crowd):
    server = servers(count=1)
    server.limits = few_descriptors
    server.start()
    port = server.port
    for _ in range(2):
        open_until_refused(port, crowd)
        for client in crowd:
            client.abandon()
        crowd.clear()
        wait_until(lambda: server.connections() == 0)
        wait_until(lambda: is_served(port, crowd), what="room for a client again")


def test_neighbour_serves_for_a_full_worker(servers, crowd):
    """No 503 while one worker has room."""
    server = servers(count=2)
    server.limits = few_descriptors
    server.start()
    response = open_until_refused(server.port, crowd)
    assert response.status == 503
    counts = [row["connections"] for row in server.workers()]
    assert min(counts) >= max(counts) - 8, counts


# ---- The log's disk -------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_log_on_a_full_device_harms_nobody(servers, connect):
    server = servers(options=["--log-level", "debug"])
    server.log_file = pathlib.Path("/dev/full")
    server.start()
    clients = [connect(server.port) for _ in range(20)]
    assert all(client.still_works() for client in clients)
    assert server.cli("reload").returncode == 0
    assert server.is_running()
    server.log_file = server.directory / "none.log"  # nothing to look over at the end


@pytest.fixture
def small_disk(directory, as_root):
    mount_point = directory / "disk"
    mount_point.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mount_point)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("may not mount a tmpfs here")
    yield mount_point
    subprocess.run(["umount", "-l", str(mount_point)], check=True)


def test_log_goes_on_when_the_full_disk_has_room_again(small_disk, servers, connect):
    server = servers(count=1, options=["--log-level", "debug"])
    server.log_file = small_disk / "wsd.log"
    server.start()
    ballast = small_disk / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 512)
        except OSError:
            pass
    while True:
        try:
            with open(small_disk / "wsd.log", "ab", buffering=0) as log:
                log.write(b"x")
        except OSError:
            break
    size = server.log_file.stat().st_size
    for _ in range(3):
        assert server.cli("reload").returncode == 0
        assert connect(server.port).still_works()
    assert server.log_file.stat().st_size == size, "the disk was not full"
    os.unlink(ballast)
    assert server.cli("reload").returncode == 0
    wait_until(lambda: server.log_file.stat().st_size > size, what="the log goes on")
    wait_until(lambda: "lost" in server.log(), what="whoever lost lines to say so")


def test_standard_output_on_a_full_device_harms_nobody(servers, connect):
    server = servers(app="push", options=["--stdout-file", "/dev/full"])
    server.start()
    client = connect(server.port)
    for _ in range(3):
        assert client.echo(b"to nowhere")[0] == TEXT
