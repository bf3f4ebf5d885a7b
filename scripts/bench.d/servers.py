"""Servers to measure. Each is started anew for every measurement, so that no row depends on what ran before."""

import contextlib
import dataclasses
import json
import os
import pathlib
import shlex
import shutil
import socket
import subprocess
import tempfile
import time

from failure import Failure

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = ROOT / "tests/load/peers"


@dataclasses.dataclass
class Running:
    url: str
    pids: list  # the processes that serve clients
    reload: list = ()  # the command that replaces them
    status: list = ()  # the command that shows them

    @property
    def port(self):
        return int(self.url.rsplit(":", 1)[1].rstrip("/"))


@dataclasses.dataclass
class Server:
    name: str
    start: object  # a context manager's function: (pinning) -> Running
    rounds: str = "all"  # or some, or few: how often a peer is worth measuring


def floor_server(binaries, options=(), count=1):
    command = [str(binaries / "floor"), *options]

    @contextlib.contextmanager
    def start(pinning):
        with contextlib.ExitStack() as processes:
            pids, port = [], "0"
            for _ in range(count):
                words = pinning + command + ["--port", port]
                process = processes.enter_context(running(words, stdout=subprocess.PIPE, text=True))
                port = process.stdout.readline().split()[-1]
                pids.append(process.pid)
            yield Running(f"ws://127.0.0.1:{port}/", pids)

    return Server("floor", start)


def wsd_server(binary, count=1, prefix="", app="echo", name="wsd", options=(), certificate=None):
    listen = "wss://127.0.0.1:0" if certificate else "ws://127.0.0.1:0"
    tls = [f"--tls-cert={certificate}", f"--tls-key={certificate}"] if certificate else []

    @contextlib.contextmanager
    def start(pinning):
        with tempfile.TemporaryDirectory(prefix="wsd-bench-") as directory:
            where = ["--name=bench", f"--run-dir={directory}"]
            command = [str(binary), "start", str(app), f"--count={count}", f"--set=prefix={prefix}", f"--listen={listen}"]
            command += where + [f"--log-file={directory}/log", *tls, *options]
            with running(pinning + command, stdout=subprocess.DEVNULL) as process:
                ask = [str(binary), "status", "--json"] + where
                status = await_wsd(ask, process)
                pids = [worker["pid"] for worker in status["workers"]]
                url = status["listen"][0].rstrip("/") + "/"
                yield Running(url, pids, [str(binary), "reload"] + where, ask)

    return Server(name, start)


def room_module(directory):
    """docs/examples/room.cpp, compiled once for all rounds."""
    module = pathlib.Path(directory) / "room.so"
    if not module.exists():
        command = ["c++", "-std=c++20", "-O2", "-fPIC", "-shared", f"-I{ROOT}/worker/include", "-o", str(module)]
        subprocess.run(command + [str(ROOT / "docs/examples/room.cpp")], check=True)
    return module


def self_signed(directory):
    """A certificate for 127.0.0.1 and its key (ECDSA P-256), in one file."""
    file = pathlib.Path(directory) / "certificate.pem"
    if not file.exists():
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "3"]
        subprocess.run(command + ["-keyout", str(file), "-out", f"{file}.part"], check=True, capture_output=True)
        with file.open("ab") as both:
            both.write(pathlib.Path(f"{file}.part").read_bytes())
    return file


def await_wsd(status_command, process):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        answer = subprocess.run(status_command, capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            status = json.loads(answer.stdout)
            if all(worker["state"] == "running" for worker in status["workers"]):
                return status
        time.sleep(0.02)
    raise Failure(f"wsd did not start: try {shlex.join(process.args)}")


# Peers: what is installed, and what --peer names.


def installed_peers(directory):
    """The peers that this machine has, and a line for each that it has not: (servers, reasons)."""
    found, reasons = [], []
    for find in (libwebsockets_echo, node_ws_echo):
        try:
            found.append(find(pathlib.Path(directory)))
        except Failure as reason:
            reasons.append(str(reason))
    return found, reasons


def libwebsockets_echo(directory):
    """Debian's libwebsockets-test-server has no echo (4.1.6: increments and a mirror): ours on the same library."""
    package = subprocess.run(["pkg-config", "--cflags", "--libs", "libwebsockets"], capture_output=True, text=True, check=False)
    if package.returncode != 0:
        raise Failure("no libwebsockets: the package libwebsockets-dev is not installed (scripts/setup --bench)")
    binary = directory / "lws_echo"
    if not binary.exists():
        command = ["cc", "-O2", "-o", str(binary), str(PEERS / "lws_echo.c"), *package.stdout.split()]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            raise Failure(f"no libwebsockets: {shlex.join(command)} fails")
    return peer_server(f"libwebsockets={shlex.quote(str(binary))} {{port}}", "some")


def node_ws_echo(_):
    if not shutil.which("node"):
        raise Failure("no npm's ws: node is not installed (scripts/setup --bench)")
    places = [ROOT / "tests/integration/node/node_modules", pathlib.Path("/usr/share/nodejs")]
    if not any((place / "ws").is_dir() for place in places):
        raise Failure("no npm's ws: neither node-ws (scripts/setup --bench) nor tests/integration/node has it")
    path = ":".join(map(str, places))
    return peer_server(f"ws (node)=env NODE_PATH={path} node {PEERS / 'ws_echo.cjs'} {{port}}", "few")


def peer_server(description, rounds="all"):
    name, separator, command = description.partition("=")
    if not separator or "{port}" not in command:
        raise Failure(f"--peer takes NAME=COMMAND with {{port}} in it, not {description}")

    @contextlib.contextmanager
    def start(pinning):
        port = free_port()
        with running(pinning + shlex.split(command.replace("{port}", str(port))), stdout=subprocess.DEVNULL) as process:
            await_port(port, process)
            yield Running(f"ws://127.0.0.1:{port}/", family_of(process.pid))

    return Server(name, start, rounds)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def await_port(port, process):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise Failure(f"nothing listens on the port given to {shlex.join(process.args)}")


def family_of(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [descendant for child in children for descendant in family_of(int(child))]


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def cores():
    """(server's, client's) commands in front of a command, so that each has a core of its own."""
    there = sorted(os.sched_getaffinity(0))
    if len(there) < 2:
        return [], []
    return ["taskset", "-c", str(there[0])], ["taskset", "-c", str(there[1])]
