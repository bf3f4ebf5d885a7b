#!/usr/bin/python3
"""User instructions that a worker executes for each echoed message, counted by callgrind.

    tests/integration/instruction_counts.py [--wsd build/release/wsd]      counts them, beside the record
    tests/integration/instruction_counts.py --record                       and makes them the record

Unlike times they hardly depend on what else the machine does: ten runs on a busy one lay within 1.2 %. They do depend on
the compiler, the C library and libuv, so the record says whose counts it has. Each is the difference of two runs of
different lengths, so that start, handshakes and stop cancel.
"""

import argparse
import ctypes
import ctypes.util
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECORD = pathlib.Path(__file__).with_suffix(".json")

# title: (bytes of a message, connections, messages in flight on each, rounds of the longer run)
WORKS = {
    "20 B, 50 × 16 in flight": (20, 50, 16, 400),
    "20 B, 200 × 1 in flight": (20, 200, 1, 800),
    "1 KiB, 50 × 16 in flight": (1024, 50, 16, 200),
}
SHORT_RUN = 10  # rounds
PATIENCE_S = 60


class CannotCount(Exception):
    """Why callgrind cannot count here."""


def surroundings(wsd):
    """What the counts depend on besides our code."""
    compilers = set(re.findall(rb"GCC: \([^)]*\) [0-9.]+|clang version [0-9.]+", pathlib.Path(wsd).read_bytes()))
    libuv = ctypes.CDLL(ctypes.util.find_library("uv") or "libuv.so.1")
    libuv.uv_version_string.restype = ctypes.c_char_p
    return {
        "compiler": b", ".join(sorted(compilers)).decode(),
        "libc": os.confstr("CS_GNU_LIBC_VERSION"),
        "libuv": libuv.uv_version_string().decode(),
        "processor": os.uname().machine + (" with AVX2" if "avx2" in pathlib.Path("/proc/cpuinfo").read_text() else ""),
    }


def count_all(wsd):
    """{title: instructions for each message}."""
    if not shutil.which("valgrind"):
        raise CannotCount("valgrind is not installed")
    counts = {}
    for title, (size, connections, in_flight, rounds) in WORKS.items():
        short, long = (instructions(wsd, size, connections, in_flight, n) for n in (SHORT_RUN, SHORT_RUN + rounds))
        counts[title] = round((long - short) / (rounds * connections * in_flight), 1)
    return counts


def instructions(wsd, size, connections, in_flight, rounds):
    """Of one worker's whole life, in which each connection has `rounds` times `in_flight` messages answered."""
    with tempfile.TemporaryDirectory(prefix="wsd-counts-") as directory:
        where = ["--name=counts", f"--run-dir={directory}"]
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/callgrind.%p", str(wsd), "start", "echo"]
        command += ["--count=1", "--set=prefix=", "--listen=ws://127.0.0.1:0", f"--log-file={directory}/log", *where]
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "WSD_CONFIG": "/dev/null"}
        nowhere = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, env=environment, **nowhere) as server:
            try:
                port, worker = await_worker([str(wsd), "status", "--json", *where], server)
                echo(port, size, connections, in_flight, rounds)
                server.send_signal(signal.SIGTERM)
                server.wait(PATIENCE_S)
            finally:
                server.kill()
        summary = pathlib.Path(directory, f"callgrind.{worker}").read_text()
        return int(re.search(r"^(?:summary|totals): (\d+)", summary, re.MULTILINE)[1])


def await_worker(status_command, server):
    """(port, pid) of the one worker."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and server.poll() is None:
        answer = subprocess.run(status_command, capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            status = json.loads(answer.stdout)
            if status["workers"][0]["state"] == "running":
                return int(status["listen"][0].rsplit(":", 1)[1].rstrip("/")), status["workers"][0]["pid"]
        time.sleep(0.05)
    raise CannotCount("wsd does not run under valgrind here")


def echo(port, size, connections, in_flight, rounds):
    """All connections send, and then all have their answers: a turn of the worker finds them ready together."""
    text = (b"abcdefghijklmnopqrstuvwxyz" * (size // 26 + 1))[:size]
    length = bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size)
    key = b"\x37\xfa\x21\x3d"
    masked = bytes(byte ^ key[i % 4] for i, byte in enumerate(text))
    sent = (b"\x81" + bytes([length[0] | 0x80]) + length[1:] + key + masked) * in_flight
    answer = (b"\x81" + length + text) * in_flight
    sockets = [connect(port) for _ in range(connections)]
    for _ in range(rounds):
        for client in sockets:
            client.sendall(sent)
        for client in sockets:
            if client.recv(len(answer), socket.MSG_WAITALL) != answer:
                raise CannotCount("wsd gives a wrong answer")
    for client in sockets:
        client.close()


def connect(port):
    client = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    client.settimeout(None)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", PATIENCE_S, 0))
    client.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())  # fmt: skip
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = client.recv(1)
        if not byte:
            raise CannotCount("wsd refuses a client")
        head += byte
    return client


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--wsd", type=pathlib.Path, default=ROOT / "build/release/wsd")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    recorded = json.loads(RECORD.read_text()) if RECORD.exists() else {"instructions": {}}
    here = surroundings(options.wsd)
    counts = count_all(options.wsd)
    print(f"{here}\nrecorded: {recorded.get('surroundings')}")
    for title, count in counts.items():
        print(f"{title}: {count:,.1f} instructions, recorded {recorded['instructions'].get(title)}")
    if options.record:
        RECORD.write_text(json.dumps({"surroundings": here, "instructions": counts}, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    try:
        main()
    except CannotCount as reason:
        sys.exit(f"instruction_counts: {reason}")
