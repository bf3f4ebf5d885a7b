"""wsbench: loads of every kind on servers of every kind, and that it notices what it claims to notice."""

import json
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from server import environment, is_alive, shown_on, wait_until
from wsbench import assert_clean, assert_rate, bench, run, wsbench_binary

NODE = pathlib.Path(__file__).parent / "node"
SHORT = ["-d", "500ms", "--warmup", "100ms"]


@pytest.fixture
def floor(directory):
    """tests/load/floor: a port, and its process."""
    binary = pathlib.Path(wsbench_binary()).parent / "floor"
    if not binary.exists():
        pytest.skip("no floor beside wsbench")
    process = subprocess.Popen([binary], stdout=subprocess.PIPE, text=True)
    process.port = int(process.stdout.readline().split()[-1])
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def echo(servers):
    def make(*options, **others):
        server = servers(options=["--set", "prefix=", *options], **others)
        server.start()
        return server

    return make


def url_of(port, host="127.0.0.1"):
    return f"ws://{host}:{port}/"


def start(directory, *words, **options):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    return subprocess.Popen([wsbench_binary(), *map(str, words)], env=environment(directory), **pipes)


# ---- echoes --------------------------------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_echoes_of_wsd(directory, echo):
    server = echo(count=2)
    pids = [word for worker in server.workers() for word in ("--pid", worker["pid"])]
    report = bench(directory, *SHORT, "-c", 20, "-t", 2, *pids, url_of(server.port))
    assert_clean(report)
    assert report["mode"] == "echo" and report["processes"] == 2 and report["connections_opened"] == 20
    assert report["messages"] > 100 and report["messages_in_all"] >= report["messages"] + 20
    assert report["messages_per_second"] == pytest.approx(report["messages"] / report["seconds"], rel=0.1)
    assert 0 < report["server_cpu_us_per_message"] == pytest.approx(
        report["server_user_us_per_message"] + report["server_system_us_per_message"])
    assert report["client_cpu_us_per_message"] > 0
    order = [report[f"latency_us_{share}"] for share in ("p50", "p75", "p90", "p99", "p999", "max")]
    assert order == sorted(order) and order[0] > 0


def test_echoes_of_the_floor(directory, floor):
    for words in (["--pipeline", 16], ["-s", "0"], ["-s", "3", "--pipeline", 4], ["-s", "125-70k", "--binary"],
                  ["-s", "1M", "--pipeline", 3]):
        report = bench(directory, *SHORT, "-c", 4, *words, url_of(floor.port))
        assert_clean(report)
        assert report["messages"] > 4


def test_echoes_of_python_websockets(directory, foreign):
    report = bench(directory, *SHORT, "-c", 4, "-s", "20:90,64k:10", "--pipeline", 3, url_of(foreign().port))
    assert_clean(report)
    assert report["messages"] > 10


@pytest.mark.skipif(shutil.which("node") is None or not (NODE / "node_modules/ws").is_dir(), reason="npm's ws is not installed")
def test_echoes_of_npm_ws(directory):
    with subprocess.Popen(["node", str(NODE / "echo.mjs")], stdout=subprocess.PIPE, text=True) as server:
        try:
            url = url_of(int(server.stdout.readline()))
            for words in (["--pipeline", 4], ["--binary", "-s", "100-100k"], ["--churn"], ["-R", 200]):
                report = bench(directory, *SHORT, "-c", 4, *words, url)
                assert_clean(report)
        finally:
            server.kill()


def test_a_prefix(directory, servers):
    server = servers()  # which says "hello "
    server.start()
    url = url_of(server.port)
    assert_clean(bench(directory, *SHORT, "--prefix", "hello ", "-s", "0-300", url))
    report = bench(directory, *SHORT, "-c", 2, url)
    assert report.status == 1 and report["errors_wrong_answer"] == 2
    assert "hello " in report["problems"][0]


def run_against(directory, answer, *arguments, path="/"):
    """wsbench with a server that answers its one request so: the port, the request's head, the exit status and what was said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with start(directory, *SHORT, "-c", 1, *arguments, f"ws://localhost:{port}{path}") as client:
            connection, _ = listener.accept()
            with connection:
                head = connection.recv(65536).decode()
                connection.sendall(answer)
                output, error = client.communicate(timeout=30)
    return port, head, client.returncode, output, error


def test_headers_and_path_arrive(directory):
    """Seen by a server that only looks at the request."""
    port, head, status, output, error = run_against(
        directory, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        "-H", "Origin: https://example.org", "-H", "Cookie: a=b", path="/a/b?c=d#e")
    assert head.startswith("GET /a/b?c=d HTTP/1.1\r\n")
    assert f"\r\nHost: localhost:{port}\r\n" in head
    assert "\r\nOrigin: https://example.org\r\n" in head and "\r\nCookie: a=b\r\n" in head
    assert status == 1
    assert 'Errors: handshake 1\n    first: the server answered "HTTP/1.1 403 Forbidden"' in output, output + error


def test_what_a_server_says_reaches_no_terminal_as_it_is(directory):
    answer = b"HTTP/1.1 500 \x1b[31mred\xff\r\n\r\n"
    _, _, status, output, error = run_against(directory, answer)
    assert status == 1 and r'the server answered "HTTP/1.1 500 \e[31mred\xff"' in output, output + error
    _, _, status, output, error = run_against(directory, answer, "--json")
    assert status == 1 and r"\e[31mred\xff" in json.loads(output)["problems"][0], output + error


def test_a_wrong_accept_key_is_no_handshake(directory):
    answer = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
    _, _, status, output, _ = run_against(directory, answer, "--json")
    report = json.loads(output)
    assert status == 1 and report["errors_handshake"] == 1
    assert "Sec-WebSocket-Accept" in report["problems"][0]


def test_ipv6(directory, echo):
    server = echo(listen=["ws://[::1]:0"])
    assert_clean(bench(directory, *SHORT, "-c", 2, url_of(server.port, "[::1]")))


def test_source_addresses(directory, echo):
    server = echo(count=1)
    with start(directory, "-d", "20s", "-c", 9, "--source", "127.0.0.2-127.0.0.4", "--idle", url_of(server.port)) as client:
        wait_until(lambda: server.connections() == 9)
        answer = server.run("connections", "--json", *server.instance())
        client.send_signal(signal.SIGINT)
        client.communicate(timeout=30)
    remotes = [row["remote"].rpartition(":")[0] or row["remote"] for row in json.loads(answer.stdout)["connections"]]
    assert {address: remotes.count(address) for address in remotes} == {"127.0.0.2": 3, "127.0.0.3": 3, "127.0.0.4": 3}


# ---- an open loop --------------------------------------------------------------------------------------------------------


def test_a_rate_is_kept(directory, floor):
    report = bench(directory, "-d", "2s", "-c", 7, "-t", 2, "-R", "1k", url_of(floor.port))
    assert_clean(report)
    assert_rate(report["messages"], 2000)
    assert report["rate"] == 1000


# ---- what a server does wrong --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("habit, words", [("alter", "is not its message"), ("retype", "with a binary message")])
def test_a_wrong_answer_is_seen(directory, foreign, habit, words):
    report = bench(directory, "-d", "1s", "-c", 2, "--pipeline", 2, url_of(foreign(habit).port))
    assert report.status == 1 and report["errors_wrong_answer"] == 2
    assert words in report["problems"][0]


@pytest.mark.parametrize("habit, fault", [("lose", "lost"), ("double", "doubled"), ("swap", "reordered")])
def test_faults_are_seen_in_a_closed_loop(directory, foreign, habit, fault):
    report = bench(directory, "-d", "1s", "--timeout", "300ms", "-c", 2, "--pipeline", 4, url_of(foreign(habit).port))
    assert report.status == 1
    assert fault in report.faults()


def test_a_server_that_closes_is_seen(directory, foreign):
    result = run(directory, *SHORT, "-c", 3, "-t", 1, url_of(foreign("close").port))
    assert result.returncode == 1
    assert re.search(r"Errors: closed 3", result.stdout), result.stdout
    assert 'first: the server closed a connection with 1001 "enough"' in result.stdout


def test_a_server_that_stops_gives_no_reason(directory, server):
    with start(directory, "-d", "60s", "-c", 3, "-t", 1, "--go", url_of(server.port)) as client:
        assert client.stderr.readline() == "ready\n", "the connections are open"
        server.stop()
        output, _ = client.communicate("\n\n", timeout=30)
    assert client.returncode == 1
    assert "first: the server closed a connection with 1001\n" in output


def test_nobody_listens(directory):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = run(directory, "-d", "50s", "-c", 3, url_of(port), timeout=40)
    assert result.returncode == 1
    assert "Errors: connect 3" in result.stdout and "Connection refused" in result.stdout


def test_slow_answers_are_counted(directory, foreign):
    report = bench(directory, "-d", "1s", "-c", 2, "--timeout", "20ms", url_of(foreign("delay").port))
    assert report.status == 1 and report["errors_timeout"] >= report["messages"] > 1, "each of them"


# ---- connect, churn, idle ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode, word", [("--connect", "handshake"), ("--churn", "cycle")])
def test_lives_of_connections(directory, echo, mode, word):
    server = echo(count=1)
    pid = server.workers()[0]["pid"]
    report = bench(directory, *SHORT, "-c", 8, mode, "--pid", pid, url_of(server.port))
    assert_clean(report)
    assert report[f"{word}s"] >= 8 and report[f"{word}s_per_second"] == pytest.approx(report[f"{word}s"] / report["seconds"], rel=0.1)
    assert report[f"server_cpu_us_per_{word}"] > 0 and report["latency_us_p50"] > 0
    wait_until(lambda: server.connections() == 0)
    assert server.status()["totals"]["protocol_errors"] == 0


def test_handshakes_at_a_rate(directory, echo):
    report = bench(directory, "-d", "2s", "-c", 20, "--connect", "-R", 100, url_of(echo().port))
    assert_clean(report)
    assert_rate(report["handshakes"], 200)


def test_handshakes_at_a_growing_rate(directory, floor):
    report = bench(directory, "-d", "2s", "-c", 30, "-t", 2, "--connect", "-R", "50-500", "--pid", floor.pid, url_of(floor.port))
    assert_clean(report)
    assert report["rate"] == 50 and report["rate_to"] == 500
    steps = report["steps"]
    assert [step["rate"] for step in steps] == [50 * (i + 1) for i in range(len(steps))]
    assert sum(step["handshakes_per_second"] for step in steps) * 0.2 == pytest.approx(report["handshakes"], abs=30)
    assert all(step["latency_us_p50"] > 0 and step["server_cores"] > 0 < step["client_cores"] for step in steps)


def test_a_growing_rate_ends_where_the_server_does_not_follow(directory, foreign):
    """Two connections, answered after 50 ms: 40 cycles a second at most."""
    words = ["-d", "5s", "-c", 2, "--churn", "-R", "5-500"]
    report = bench(directory, *words, url_of(foreign("delay").port))
    assert_clean(report)  # late is what was to be found out
    assert 5 <= report["rate_followed"] < 70 and len(report["steps"]) < 6 and report["seconds"] < 4
    assert report["steps"][-1]["cycles_per_second"] < 50
    output = run(directory, *words, url_of(foreign("delay").port)).stdout
    assert "Kept up with " in output and " cycles a second; of " in output


def test_some_stay_while_others_come_and_go(directory, echo):
    server = echo(count=1)
    report = bench(directory, *SHORT, "-c", 40, "-t", 2, "--churn", "--stay", 75, url_of(server.port))
    assert_clean(report)
    assert report["connections_opened"] == report["connections_open_at_end"] == 30
    assert report["cycles"] >= 10
    server = echo("--idle-timeout", 0.5, count=1)
    report = bench(directory, "-d", "2s", "-c", 4, "--connect", "--stay", 50, url_of(server.port))
    assert report.status == 1 and report.faults() == {"closed": 2} and report["connections_open_at_end"] == 0


def test_lives_of_connections_that_are_refused(directory):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    report = bench(directory, *SHORT, "-c", 2, "--churn", url_of(port))
    assert report.status == 1 and 2 <= report["errors_connect"] < 40  # not as fast as they can be refused


def test_idle_connections(directory, echo):
    server = echo("--ping-interval", 0.2, "--ping-misses", 50, count=1)
    pid = server.workers()[0]["pid"]
    report = bench(directory, "-d", "1s", "-c", 300, "--idle", "--greet", "--pid", pid, url_of(server.port))
    assert_clean(report)
    assert report["connections_opened"] == report["connections_open_at_end"] == report["messages_in_all"] == 300
    assert 0 < report["resident_bytes_per_connection"] < 1_000_000
    assert report["resident_bytes_before"] > 0 and "kernel_bytes_per_connection" in report


def test_idle_connections_that_do_not_survive(directory, echo):
    server = echo("--idle-timeout", 0.5, count=1)
    result = run(directory, "-d", "3s", "-c", 5, "--idle", url_of(server.port))
    assert result.returncode == 1
    assert "5 of 5 connections were opened" in result.stdout and " 0 were open after" in result.stdout
    assert "Errors: closed 5" in result.stdout


def test_a_ramp(directory, floor):
    report = bench(directory, *SHORT, "-c", 40, "--ramp", 40, url_of(floor.port))
    assert_clean(report)
    assert 0.9 < report["opening_seconds"] < 10


# ---- processes, signals, scripts -----------------------------------------------------------------------------------------


def go(client):
    """Lets the load begin of one that was started with --go."""
    assert client.stderr.readline() == "ready\n"
    client.stdin.write("\n")
    client.stdin.flush()


def test_sigint_ends_with_a_report(directory, floor):
    with start(directory, "-d", "60s", "--warmup", "0", "-c", 4, "--go", url_of(floor.port)) as client:
        go(client)
        time.sleep(0.7)
        client.send_signal(signal.SIGINT)
        output, error = client.communicate("\n", timeout=30)
    assert client.returncode == 0, output + error
    seconds = re.search(r"messages in (\d+\.\d\d)s, \S+ read \(interrupted\)", output)
    assert seconds and 0.4 < float(seconds[1]) < 30, output


def test_sigint_before_the_load_begins(directory, floor):
    with start(directory, "-c", 300, "--ramp", 5, url_of(floor.port)) as client:
        wait_until(lambda: len(os.listdir(f"/proc/{floor.pid}/fd")) > 8, what="some connections")
        client.send_signal(signal.SIGTERM)
        output, error = client.communicate(timeout=30)
    assert client.returncode == 1, output + error
    assert "Problem: it was interrupted before the load began" in output


def children_of(pid):
    return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_the_death_of_a_process_is_told(directory, floor):
    with start(directory, "-d", "3s", "--warmup", "0", "-c", 4, "-t", 2, "--go", url_of(floor.port)) as client:
        go(client)
        time.sleep(0.5)
        os.kill(children_of(client.pid)[1], signal.SIGKILL)
        output, error = client.communicate("\n", timeout=60)
    assert client.returncode == 1, output + error
    assert "Problem: process 2 of 2 was killed by signal 9" in output
    assert re.search(r"^Messages/sec: +[1-9]", output, re.MULTILINE)  # of the other


def test_no_process_is_left(directory, floor):
    with start(directory, "-d", "60s", "-c", 4, "-t", 3, url_of(floor.port)) as client:
        wait_until(lambda: len(children_of(client.pid)) == 3)
        children = children_of(client.pid)
        client.kill()
        client.communicate(timeout=10)
    wait_until(lambda: not any(is_alive(child) for child in children))


def test_go(directory, floor):
    with start(directory, *SHORT, "-c", 2, "--go", "--json", url_of(floor.port)) as client:
        go(client)
        assert client.stderr.readline() == "ready\n"
        output, _ = client.communicate("\n", timeout=60)
    assert client.returncode == 0 and json.loads(output)["messages"] > 0


def test_progress_on_a_terminal(directory, floor):
    ours, theirs = pty.openpty()
    with start(directory, "-d", "3s", "-c", 2, url_of(floor.port), stdin=theirs, stderr=theirs) as client:
        output, _ = client.communicate(timeout=60)
    os.close(theirs)
    seen = shown_on(ours)
    os.close(ours)
    assert len(re.findall(rb"\r\x1b\[K +\ds  [\d.]+k?/s  2 connections", seen)) >= 2, seen
    assert output.startswith("Running 3s test @ ws://") and "\x1b" not in output


def test_the_report_reads_as_wrk_s(directory, floor):
    result = run(directory, "-c", 4, "-t", 2, "-d", "1s", "--latency", url_of(floor.port))
    assert result.returncode == 0, result.stdout + result.stderr
    number = r"[\d.]+"
    for line in (
        rf"Running 1s test @ ws://127\.0\.0\.1:{floor.port}/",
        r"  2 processes and 4 connections",
        r"  Process +Avg +Stdev +Max +\+/- Stdev",
        rf"    Latency +{number}[um]?s +{number}[um]?s +{number}[um]?s +{number}%",
        rf"    Msg/Sec +{number}k? +{number}k? +{number}k? +{number}%",
        rf" +50% +{number}[um]?s",
        rf" +99\.9% +{number}[um]?s",
        rf"  \d+ messages in {number}s, {number}[KM]B read",
        rf"Messages/sec: +{number}",
        rf"Transfer/sec: +{number}[KM]B",
    ):
        assert re.search(f"^{line}$", result.stdout, re.MULTILINE), (line, result.stdout)


# ---- the command line ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words, said", [
    ([], "URL"),
    (["http://127.0.0.1/"], "it begins with ws:// or wss://"),
    (["ws://127.0.0.1:99999/"], "a port from 1 to 65535"),
    (["ws://::1/"], "in brackets"),
    (["-c", "0", "ws://127.0.0.1/"], "a number from 1 on"),
    (["-d", "soon", "ws://127.0.0.1/"], "such as 30s"),
    (["-s", "big", "ws://127.0.0.1/"], "big"),
    (["-H", "no colon", "ws://127.0.0.1/"], "Name: value"),
    (["--connect", "--idle", "ws://127.0.0.1/"], "choose one"),
    (["--idle", "-R", "10", "ws://127.0.0.1/"], "--rate"),
    (["--source", "::1", "ws://127.0.0.1/"], "both IPv4, or both IPv6"),
    (["--unknown", "ws://127.0.0.1/"], "wsbench --help"),
])
def test_what_is_wrong_with_a_command_line(directory, words, said):
    result = run(directory, *words)
    assert result.returncode == 2 and result.stdout == ""
    assert said in result.stderr and result.stderr.startswith("wsbench: ") and result.stderr.count("\n") == 1


def test_help_and_version(directory):
    text = run(directory, "--help")
    assert text.returncode == 0 and "--pipeline" in text.stdout and "wsbench(1)" in text.stdout
    assert re.fullmatch(r"wsbench \d+\.\d+\.\d+\n", run(directory, "--version").stdout)


def test_more_connections_than_descriptors(directory, floor):
    result = subprocess.run(
        ["bash", "-c", 'ulimit -n 200; exec "$@"', "bash", wsbench_binary(), "-c", "400", "-t", "2", url_of(floor.port)],
        capture_output=True, text=True, timeout=30, env=environment(directory))
    assert result.returncode == 1
    assert "use -t 3, or raise ulimit -n" in result.stderr


def test_a_pid_that_is_nobody_s(directory, floor):
    result = run(directory, "-d", "60s", "--pid", 2**22 - 1, url_of(floor.port))
    assert result.returncode == 1 and "has ended, or is not yours" in result.stderr, "said at once"


def test_a_server_that_puts_something_before_each_message(directory, servers):
    server = servers()
    server.start()
    result = run(directory, *SHORT, url_of(server.port))
    assert result.returncode == 1 and """puts "hello " before each message: --prefix 'hello ' expects that""" in result.stdout
    assert run(directory, *SHORT, "--prefix", "hello ", url_of(server.port)).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another")
def test_memory_that_is_not_ones_to_look_at(directory, floor):
    with tempfile.TemporaryDirectory() as place:  # where nobody may go
        os.chmod(place, 0o755)
        command = [shutil.copy(wsbench_binary(), place), "-d", "200ms", "-c", "4", "--idle", "--pid", str(floor.pid)]
        result = subprocess.run(command + [url_of(floor.port)], capture_output=True, text=True, timeout=30, user="nobody", cwd="/",
                                env=environment(directory))
    assert result.returncode == 1 and f"Problem: --pid: cannot read /proc/{floor.pid}/smaps_rollup" in result.stdout
