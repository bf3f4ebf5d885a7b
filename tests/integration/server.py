"""Real wsd servers for the tests: started with their own run directory and name, always ended, and looked over at the end.

A Server knows nothing that `wsd` does not tell its users: the command line, `status --json`, the log. It ends only
processes that it started itself, by pid.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import uuid

BINARY = pathlib.Path(os.environ.get("WSD_BINARY", pathlib.Path(__file__).parents[2] / "build/dev/wsd")).resolve()

# Anything of this in a log or on a terminal is a defect, whatever the test was about.
ALARMS = re.compile(r"Sanitizer|runtime error:|[Aa]ssert|terminate called|stack smashing|buffer overflow detected")
LOGGED_ERROR = re.compile(r"^\S+ \S+ error ")  # worker/log.h has the format

DEADLINE_S = 15.0


def wait_until(condition, timeout=DEADLINE_S, what=None):
    """Asks `condition` again and again until it is true, and returns what it said."""
    deadline = time.monotonic() + timeout
    pause = 0.001
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not true after {timeout} s: {what or condition}")
        time.sleep(pause)
        pause = min(2 * pause, 0.02)


def holds_for(condition, seconds):
    """Whether `condition` stays true all that time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not condition():
            return False
        time.sleep(0.01)
    return True


def at_rest(read, seconds=0.3):
    """What `read` says, once it has said the same for so long: of what still comes and goes for a moment."""
    found, since = read(), time.monotonic()
    deadline = since + DEADLINE_S
    while time.monotonic() < since + seconds:
        time.sleep(0.01)
        now = read()
        if now != found:
            assert time.monotonic() < deadline, f"not at rest after {DEADLINE_S} s: {now}"
            found, since = now, time.monotonic()
    return found


# ---- Processes ---------------------------------------------------------------------------------------------------


def process_state(pid):
    """The letter of /proc/PID/stat: R, S, T (stopped), Z… None when there is no such process."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def is_alive(pid):
    return process_state(pid) not in (None, "Z", "X")


def process_title(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def parent_of(pid):
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def cpu_seconds(pid):
    """User and system time that the process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_bytes(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def shown_on(terminal):
    """All that a terminal was shown, whose users have gone: it comes in pieces, and some time behind their end."""
    shown = b""
    with contextlib.suppress(OSError):  # EIO: its end
        while piece := os.read(terminal, 65536):
            shown += piece
    return shown


def send_signal(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def processes_named(name):
    """Pids of every wsd process, titled or not yet, of the instance with this name."""
    pids = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        title = process_title(entry)
        if re.search(rf"(^|[\s/=]){re.escape(name)}($|[\s/])", title) and is_wsd(entry):
            pids.append(int(entry))
    return [pid for pid in pids if is_alive(pid)]


def is_wsd(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)").endswith("/wsd")
    except OSError:
        return False


# ---- The command ---------------------------------------------------------------------------------------------------


def environment(directory):
    """What wsd is run with: sanitizers write their reports to files that the end of the test looks at."""
    reports = pathlib.Path(directory) / "sanitizer"
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "WSD_CONFIG": "/dev/null",  # and not what is installed on this machine
        "ASAN_OPTIONS": f"log_path={reports}:exitcode=99:detect_leaks=1:handle_abort=1:handle_sigill=1:allocator_may_return_null=0",
        "UBSAN_OPTIONS": f"log_path={reports}:print_stacktrace=1",
    }


def run_wsd(*arguments, directory, timeout=60, binary=None, env=None, **options):
    """Runs `wsd ARGUMENTS…` to its end."""
    return subprocess.run(
        [str(binary or BINARY), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        timeout=timeout,
        env=env if env is not None else environment(directory),
        **options,
    )


def sanitizer_reports(directory):
    return "\n".join(path.read_text(errors="replace") for path in pathlib.Path(directory).glob("sanitizer.*"))


class Server:
    """One instance of wsd: its options, its processes, its files."""

    def __init__(self, directory, app="echo", count=2, listen=("ws://127.0.0.1:0",), options=(), name=None, binary=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.binary = pathlib.Path(binary or BINARY)
        self.name = name or "t" + uuid.uuid4().hex[:10]
        self.app = app
        self.count = count
        self.listen = list(listen)
        self.options = [str(option) for option in options]
        self.run_dir = self.directory / "run"
        self.run_dir.mkdir(exist_ok=True)
        self.log_file = self.directory / f"{self.name}.log"
        self.terminal_file = self.directory / f"{self.name}.out"
        self.foreground = None
        self.limits = None
        self.extra_environment = {}
        self.expected_log = []
        self.killed = set()
        self.has_run = False

    # -- starting

    def arguments(self):
        words = [self.app] if self.app else []
        for url in self.listen:
            words += ["--listen", url]
        if self.count is not None:
            words += ["--count", str(self.count)]
        return words + [*self.instance(), "--log-file", str(self.log_file), *self.options]

    def instance(self):
        return ["--name", self.name, "--run-dir", str(self.run_dir)]

    def start(self, check=True):
        """`wsd start -d`: returns when the shell would have its prompt back."""
        env = environment(self.directory) | self.extra_environment
        result = self.run("start", "-d", *self.arguments(), preexec_fn=self.limits, env=env)
        if check:
            assert result.returncode == 0, f"start -d: exit {result.returncode}\n{result.stdout}{result.stderr}{self.log()}"
        self.has_run = self.has_run or result.returncode == 0
        return result

    def start_in_foreground(self, wait=True, **options):
        """`wsd start` as a child, its terminal in a file; returns at the banner's last line."""
        with open(self.terminal_file, "wb") as terminal:
            self.foreground = subprocess.Popen(
                [str(self.binary), "start", *self.arguments()],
                stdin=subprocess.DEVNULL,
                stdout=terminal,
                stderr=subprocess.STDOUT,
                env=environment(self.directory) | self.extra_environment,
                preexec_fn=self.limits,
                **options,
            )
        if wait:
            self.has_run = True
            wait_until(lambda: "Start success" in self.terminal() or self.foreground.poll() is not None, what="banner")
            assert self.foreground.poll() is None, f"start: exit {self.foreground.returncode}\n{self.terminal()}{self.log()}"
        return self.foreground

    # -- asking

    def run(self, *arguments, timeout=60, **options):
        return run_wsd(*arguments, directory=self.directory, timeout=timeout, binary=self.binary, **options)

    def cli(self, command, *arguments, timeout=60):
        """`wsd COMMAND` on this instance."""
        return self.run(command, *self.instance(), *arguments, timeout=timeout)

    def status(self):
        result = self.cli("status", "--json")
        assert result.returncode == 0, f"status: exit {result.returncode}\n{result.stdout}{result.stderr}"
        return json.loads(result.stdout)

    def is_running(self):
        return self.cli("status", "--json").returncode == 0

    def urls(self):
        return self.status()["listen"]

    @property
    def port(self):
        """Of the first TCP address; None where there are unix sockets alone."""
        ports = (re.search(r":(\d+)/?(\?proxy)?$", url) for url in self.urls())
        return next((int(port[1]) for port in ports if port), None)

    @property
    def master(self):
        return self.status()["pid"]

    def workers(self):
        """Rows of the current workers, by slot."""
        return sorted(self.status()["workers"], key=lambda row: row["slot"])

    def worker_pids(self):
        return [row["pid"] for row in self.workers()]

    def worker(self, slot):
        return self.workers()[slot]

    def wait_running(self, timeout=DEADLINE_S):
        """Every slot has a worker that runs; one that we killed does not, whether the master has noticed or not."""
        runs = lambda row: row["state"] == "running" and row["pid"] not in self.killed  # noqa: E731
        return wait_until(lambda: all(map(runs, self.workers())), timeout, "all workers running")

    def wait_none_draining(self, timeout=DEADLINE_S):
        """Every old worker has ended, and the master has counted how."""
        return wait_until(lambda: self.status()["draining"] == [], timeout, "old workers gone")

    def connections(self):
        return sum(row["connections"] for row in self.workers())

    def processes(self):
        return processes_named(self.name)

    def log(self):
        with contextlib.suppress(FileNotFoundError):
            return self.log_file.read_text(errors="replace")
        return ""

    def terminal(self):
        with contextlib.suppress(FileNotFoundError):
            return self.terminal_file.read_text(errors="replace")
        return ""

    def expect_log(self, pattern):
        """Error lines that match belong to this test."""
        self.expected_log.append(re.compile(pattern))

    # -- ending

    def kill(self, pid):
        """kill -9 for one of our workers, and the error line that its death deserves."""
        self.expect_log("was killed by SIGKILL|keeps dying")
        self.killed.add(pid)
        send_signal(pid, signal.SIGKILL)

    def kill_master(self):
        """kill -9 for the master, which then tidies up nothing."""
        self.has_run = False
        send_signal(self.master, signal.SIGKILL)

    def stop(self, *arguments, timeout=60):
        return self.cli("stop", *arguments, timeout=timeout)

    def kill_processes(self):
        """The last resort, for a test that failed: end what carries our name."""
        for pid in self.processes():
            send_signal(pid, signal.SIGCONT)
            send_signal(pid, signal.SIGKILL)
        wait_until(lambda: not self.processes(), what="killed processes gone")

    def finish(self):
        """Stops what still runs and fails on whatever should not be there. Called by the fixture after every test."""
        try:
            if self.processes():
                result = self.stop()
                # 3: the master is gone already; the next line tells whether the others go too.
                assert result.returncode in (0, 3), f"stop: exit {result.returncode}\n{result.stdout}{result.stderr}{self.log()}"
            wait_until(lambda: not self.processes(), what=f"{self.name}: every process gone")
            if self.foreground:
                self.foreground.wait(timeout=DEADLINE_S)
        finally:
            self.kill_processes()
            if self.foreground and self.foreground.poll() is None:
                self.foreground.kill()
                self.foreground.wait()
        if self.has_run:
            self.check_files()
        self.check_log()

    def expect_nothing_left(self):
        """After a start that failed: no process, no socket, no pid file."""
        wait_until(lambda: not self.processes(), timeout=10, what="the failed start's processes gone")
        self.check_files()

    def check_files(self):
        """Only the lock file, which is never removed, may outlive a server."""
        left = {path.name for path in self.run_dir.iterdir()} if self.run_dir.is_dir() else set()
        assert f"{self.name}.pid" not in left, "the pid file is left behind"
        assert f"{self.name}.sock" not in left, "the control socket is left behind"

    def check_log(self):
        output = self.log() + self.terminal() + sanitizer_reports(self.directory)
        alarms = [line for line in output.splitlines() if ALARMS.search(line)]
        assert not alarms, "\n".join(alarms[:5]) + "\n" + sanitizer_reports(self.directory)[:6000]
        surprises = [
            line
            for line in output.splitlines()
            if LOGGED_ERROR.search(line) and not any(pattern.search(line) for pattern in self.expected_log)
        ]
        assert not surprises, "unexpected errors in the log:\n" + "\n".join(surprises[:20])


@contextlib.contextmanager
def scratch_directory():
    """Short, since a unix socket's path has 108 bytes, and readable by every user."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="wsd-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def shared_server(**options):
    """A daemon for several tests that leave it as they found it; its port does not change, so `fixed_port` has it."""
    with scratch_directory() as path:
        made = Server(path, **options)
        try:
            made.start()
            made.fixed_port = made.port
            yield made
            made.finish()
        finally:
            made.kill_processes()
