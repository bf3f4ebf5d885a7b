"""Fixtures: servers that are looked over at the end of each test, and clients that are closed."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import fault_run  # noqa: E402
from certificates import Authority  # noqa: E402
from clients import RawClient  # noqa: E402
from foreign_server import ForeignServer  # noqa: E402
from server import BINARY, Server, scratch_directory, shared_server  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="run the long tests too")


def pytest_collection_modifyitems(config, items):
    # pytest-xdist gives whole files away in this order: the one that takes longest must not be the last, alone.
    items.sort(key=lambda item: item.path.name != "test_wsbench_modes.py")
    if not config.getoption("--long"):
        skip = pytest.mark.skip(reason="long: runs with --long")
        for item in items:
            if "long" in item.keywords:
                item.add_marker(skip)


# With pytest-xdist the tests run in processes of their own, and the lines of figures come from there at the end.
def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["fault_lines"] = fault_run.lines


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    fault_run.lines.extend(getattr(node, "workeroutput", {}).get("fault_lines", []))


def pytest_terminal_summary(terminalreporter):
    if fault_run.lines:
        terminalreporter.section("faults")
        for line in fault_run.lines:
            terminalreporter.line(line)


def pytest_report_header(config):
    return f"wsd: {BINARY}"


def is_sanitized():
    return b"__asan_init" in BINARY.read_bytes()


@pytest.fixture(scope="session")
def sanitized():
    """Whether the binary under test carries AddressSanitizer: its figures of memory and time are not the server's."""
    return is_sanitized()


@pytest.fixture
def directory():
    with scratch_directory() as path:
        yield path


@pytest.fixture
def servers(directory):
    """Makes servers: servers(count=4, options=["--ping-interval", 1]). Each is stopped and looked over at the end."""
    made = []

    def make(**options):
        made.append(Server(directory / f"s{len(made)}", **options))
        return made[-1]

    yield make
    failures = []
    for server in made:
        try:
            server.finish()
        except AssertionError as failure:
            failures.append(str(failure))
    assert not failures, "\n".join(failures)


@pytest.fixture
def server(servers):
    """A running daemon with the echo app (a plain echo) and two workers."""
    made = servers(options=["--set", "prefix="])
    made.start()
    return made


@pytest.fixture(scope="module")
def echo_server():
    """One plain echo server for all tests of a module that leave it as they found it."""
    with shared_server(options=["--set", "prefix="]) as made:
        yield made


@pytest.fixture
def connect():
    """Makes raw clients that are closed at the end: connect(port), or connect(port, handshake=False)."""
    clients = []

    def make(port, handshake=True, **options):
        client = RawClient(port, **options)
        clients.append(client)
        if handshake:
            client.open()
        return client

    yield make
    for client in clients:
        client.abandon()


@pytest.fixture
def as_root():
    if os.geteuid() != 0:
        pytest.skip("needs root")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Who signs the certificates of a file's tests."""
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.server("localhost")


@pytest.fixture
def foreign():
    """Makes servers that are not ours; see foreign_server.py."""
    pytest.importorskip("websockets")
    made = []

    def make(habit="echo", certificate=None):
        made.append(ForeignServer(habit, certificate))
        return made[-1]

    yield make
    for server in made:
        server.__exit__()
