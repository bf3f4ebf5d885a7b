"""docs/examples/systemd: the units are what systemd understands, and in such a sandbox wsd does all that it does elsewhere.

There is no systemd here to run them: what its sandbox takes away is taken away by hand, and what it would forbid is looked for.
"""

import os
import pathlib
import platform
import re
import shutil
import subprocess

import pytest

from server import DEADLINE_S, environment, wait_until

ROOT = pathlib.Path(__file__).parents[2]
UNITS = ROOT / "docs/examples/systemd"
ANALYZE = shutil.which("systemd-analyze")

needs_analyze = pytest.mark.skipif(not ANALYZE, reason="there is no systemd-analyze")

APP = """
#include <wsd/app.h>

WSD_APP(app) {
  app.on_message = [](wsd::Connection& connection, wsd::Message message) {
    connection.send("compiled " + std::string(message.data));
  };
}
"""


def setting(name):
    """All values of a setting of the service, in its order."""
    return re.findall(rf"^{name}=(.*)$", (UNITS / "wsd.service").read_text(), re.MULTILINE)


def analyze(*arguments):
    return subprocess.run([ANALYZE, *map(str, arguments)], capture_output=True, text=True, timeout=60)


@pytest.fixture
def units(directory):
    """The units, with our binary in them."""
    service = (UNITS / "wsd.service").read_text()
    assert "/usr/bin/wsd start" in service and "/usr/bin/wsd reload" in service
    stand_in = directory / "wsd"
    stand_in.write_text("#!/bin/sh\n")
    stand_in.chmod(0o755)
    (directory / "wsd.service").write_text(service.replace("/usr/bin/wsd", str(stand_in)))
    shutil.copy(UNITS / "wsd.socket", directory)
    return directory


@needs_analyze
def test_systemd_understands_the_units(units):
    result = analyze("verify", "--man=no", units / "wsd.service", units / "wsd.socket")
    assert (result.returncode, result.stderr.strip()) == (0, "")


@needs_analyze
def test_the_score_is_the_documented_one(units):
    result = analyze("security", "--offline=true", units / "wsd.service")
    score = re.search(r"Overall exposure level for wsd.service: (\S+) (\w+)", result.stdout)
    assert score, result.stdout + result.stderr
    version = re.search(r"\(252\): \*\*(\S+), (\w+)\*\*", (ROOT / "docs/systemd.md").read_text())
    if not analyze("--version").stdout.startswith("systemd 252"):
        pytest.skip("another systemd counts otherwise")
    assert score.groups() == version.groups()


# ---- in the sandbox ---------------------------------------------------------------------------------------------------

# What MemoryDenyWriteExecute= forbids, by a seccomp filter like systemd's.
FORBID_WRITE_AND_EXECUTE = """
import ctypes, errno, os, struct, sys
LOAD, EQUALS, SET, AND, RETURN = 0x20, 0x15, 0x45, 0x54, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
MMAP, MPROTECT, SHMAT, PKEY_MPROTECT = 9, 10, 30, 329
NUMBER, THIRD = 0, 32  # where seccomp_data has the call, and the low half of its third argument
program = [
    (LOAD, 0, 0, NUMBER),
    (EQUALS, 4, 0, MMAP),
    (EQUALS, 6, 0, MPROTECT),
    (EQUALS, 5, 0, PKEY_MPROTECT),
    (EQUALS, 6, 0, SHMAT),
    (RETURN, 0, 0, ALLOW),
    (LOAD, 0, 0, THIRD),
    (AND, 0, 0, 6),
    (EQUALS, 5, 4, 6),
    (LOAD, 0, 0, THIRD),
    (SET, 3, 2, 4),
    (LOAD, 0, 0, THIRD),
    (SET, 1, 0, 0o100000),
    (RETURN, 0, 0, ALLOW),
    (RETURN, 0, 0, REFUSE),
]
code = b"".join(struct.pack("HBBI", *step) for step in program)
buffer = ctypes.create_string_buffer(code)
fprog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, fprog, 0, 0) == 0, os.strerror(ctypes.get_errno())
import mmap
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)
    raise SystemExit("the filter does not filter")
except PermissionError:
    pass
os.execv(sys.argv[1], sys.argv[1:])
"""


def sandboxed(command):
    """The command with the capabilities of the unit, no new privileges, and no memory that is written and executed."""
    (capabilities,) = setting("CapabilityBoundingSet")
    kept = ",".join("+" + name.removeprefix("CAP_").lower() for name in capabilities.split())
    (umask,) = setting("UMask")
    words = ["setpriv", "--no-new-privs", f"--bounding-set=-all,{kept}"]
    words += ["sh", "-c", f'umask {umask}; exec "$@"', "sh"]
    return [*words, "/usr/bin/python3", "-c", FORBID_WRITE_AND_EXECUTE, *map(str, command)]


@pytest.fixture
def in_the_sandbox(servers, as_root, directory):
    if platform.machine() != "x86_64":
        pytest.skip("the filter knows the numbers of x86-64 alone")
    (directory / "app.cpp").write_text(APP)

    def start(**options):
        server = servers(app=str(directory / "app.cpp"), **options)
        server.options = ["--user", "nobody", *server.options]
        server.directory.chmod(0o1777)
        (cache := pathlib.Path("/var/cache/wsd/nobody")).mkdir(parents=True, exist_ok=True)
        cache.parent.chmod(0o711)
        cache.chmod(0o700)
        os.chown(cache, 65534, 65534)
        command = sandboxed([server.binary, "start", "-d", *server.arguments()])
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment(server.directory))
        assert result.returncode == 0, result.stderr + server.log()
        server.has_run = True
        return server

    return start


def assert_all_is_well(server, connect):
    client = connect(server.port)
    assert client.echo(b"x")[1] == b"compiled x"
    for command in ("reload", "upgrade"):
        result = server.cli(command)
        assert result.returncode == 0, result.stderr
        assert client.echo(b"x")[1] == b"compiled x"
    server.kill(server.worker_pids()[0])
    server.wait_running()
    assert connect(server.port).echo(b"x")[1] == b"compiled x"


def test_apps_are_compiled_and_loaded_in_the_sandbox(in_the_sandbox, connect, directory):
    server = in_the_sandbox(count=1, listen=["ws://127.0.0.1:0", f"unix:{directory}/ws.sock"])
    status = pathlib.Path(f"/proc/{server.worker_pids()[0]}/status").read_text()
    assert re.search(r"^Seccomp:\s*2$", status, re.MULTILINE)
    assert_all_is_well(server, connect)
    stopped = server.stop()
    assert stopped.returncode == 0, "it takes CAP_KILL to end workers of another user"


# ---- system calls -----------------------------------------------------------------------------------------------------


def calls_of(*groups):
    """The system calls of systemd's groups, those inside of them too."""
    calls = set()
    for group in groups:
        if not group.startswith("@"):
            calls.add(group)
            continue
        listed = analyze("syscall-filter", group)
        assert listed.returncode == 0, listed.stderr
        lines = [line.strip() for line in listed.stdout.splitlines()[1:]]
        calls |= calls_of(*(line for line in lines if line and not line.startswith("#")))
    return calls


@needs_analyze
@pytest.mark.release
def test_the_filter_of_system_calls_has_all_that_it_takes(in_the_sandbox, servers, connect, directory):
    allowed = set()
    for value in setting("SystemCallFilter"):
        allowed = allowed - calls_of(value[1:]) if value.startswith("~") else allowed | calls_of(value)
    (directory / "app.cpp").write_text(APP)
    server = servers(app=str(directory / "app.cpp"), count=1, options=["--user", "nobody"])
    trace = directory / "trace"
    command = ["strace", "-f", "-qq", "-e", "signal=none", "-o", str(trace), str(server.binary), "start", *server.arguments()]
    with open(server.terminal_file, "wb") as terminal:
        server.foreground = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=terminal, stderr=subprocess.STDOUT)
    wait_until(lambda: "Start success" in server.terminal() or server.foreground.poll() is not None, timeout=60)
    if server.foreground.poll() is not None and "attach" in server.terminal():
        pytest.skip("strace can't trace here")
    server.has_run = True
    assert_all_is_well(server, connect)
    server.stop()
    server.foreground.wait(timeout=DEADLINE_S)
    used = set(re.findall(r"^\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed)", trace.read_text(errors="replace"), re.MULTILINE))
    assert {"accept4", "setresuid", "memfd_create", "execve"} <= used
    assert used - allowed == set()
