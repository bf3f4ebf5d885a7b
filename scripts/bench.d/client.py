"""Runs a load client against one server and reads its report: wsbench, or load_client where that is the judge."""

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import tempfile

from failure import Failure

PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


class CannotTrace(Failure):
    """Strace may not look at the server's process here."""


def run(command, patience):
    """The report that the command prints; it has so many seconds."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=patience)
    except subprocess.TimeoutExpired as expired:
        raise Failure(f"{shlex.join(command)}\ntook longer than {patience:g} s") from expired
    return report_of(result.stdout, result.stderr, result.returncode, command)


class Client:
    def __init__(self, command, pinning, counts_cpu=True):
        self.counts_cpu = counts_cpu
        self.start = pinning + [str(word) for word in command]

    def command(self, server, arguments):
        words = [f"--pid={pid}" for pid in server.pids] if self.counts_cpu else []
        words += arguments
        words += ["--insecure"] if server.url.startswith("wss:") else []
        return self.start + words + [server.url]

    def run(self, server, arguments, patience):
        return run(self.command(server, arguments), patience)

    @contextlib.contextmanager
    def holding(self, server, arguments):
        """A client that goes on while the block runs. Yields a dictionary that holds its report afterwards."""
        command, report = self.command(server, arguments + ["--go"]), {}
        with subprocess.Popen(command, **PIPES) as client:
            try:
                await_line(client.stderr, "ready")
                yield report
                output, error = client.communicate("\n", timeout=60)
            finally:
                client.kill()
        report |= report_of(output, error, client.returncode, command)

    def system_calls(self, server, arguments):
        """{name: calls for each message}: strace counts from after the handshakes until every message is answered."""
        command = self.command(server, arguments + ["--warmup=0", "--go"])
        with subprocess.Popen(command, **PIPES) as client:
            await_line(client.stderr, "ready")
            with counting_system_calls(server.pids) as counts:
                client.stdin.write("\n")
                client.stdin.flush()
                await_line(client.stderr, "ready")
            output, error = client.communicate("\n")
        report = report_of(output, error, client.returncode, command)
        return {name: calls / report["messages_in_all"] for name, calls in counts.items()}


@contextlib.contextmanager
def counting_system_calls(pids):
    """Yields a dictionary that holds name: calls when the block is left."""
    counts = {}
    with tempfile.NamedTemporaryFile("r") as summary:
        command = ["strace", "-c", "-f", "-o", summary.name] + [f"--attach={pid}" for pid in pids]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
            if "attached" not in strace.stderr.readline():
                raise CannotTrace("strace may not attach to the server here")
            yield counts
            strace.send_signal(signal.SIGINT)
            strace.communicate(timeout=10)
        for line in summary:
            columns = line.split()
            if len(columns) >= 5 and columns[3].isdigit() and columns[-1] != "total":
                counts[columns[-1]] = int(columns[3])


def await_line(stream, text):
    for line in stream:
        if text in line:
            return
    raise Failure(f"'{text}' was expected, but the process ended")


def report_of(output, error, status, command):
    if status != 0:
        raise Failure(f"{shlex.join(command)}\nended with {status}: {faults_in(output) or error.strip()}")
    return json.loads(output)


def faults_in(output):
    """What a report says of faults, or what was printed instead of one."""
    try:
        report = json.loads(output)
    except ValueError:
        return output.strip()
    counts = [f"{name} {value}" for name, value in report.items() if name.startswith("errors_") and value]
    return ", ".join(counts + report.get("problems", []))


def reload(command):
    """Reloads, and returns [connections, pause in ms] of every slot: what is shown to a terminal, slot by slot."""
    ours, theirs = os.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process, open(ours, "rb", 0) as terminal:
        os.close(theirs)
        shown = b""
        # A terminal that nobody has open any more reads as EIO.
        with contextlib.suppress(OSError):
            while part := terminal.read(65536):
                shown += part
    if process.returncode != 0:
        raise Failure(f"{shlex.join(command)} ended with {process.returncode}: {shown.decode().strip()}")
    slots = re.findall(r"slot \d+: (\d+) connections kept, pause ([\d.e+]+) ms", shown.decode())
    return [[int(connections), float(pause)] for connections, pause in slots]
