"""wsbench beyond plain echoes: TLS, compression, subprotocols, fan-out, reloads; and whether what it says is so."""

import pathlib
import shlex
import signal
import subprocess
import time

import pytest

from modules import SANITIZERS, compile_module
from server import BINARY, cpu_seconds, shared_server, wait_until
from wsbench import assert_clean, assert_rate, bench, run, wsbench_binary

pytest.importorskip("websockets")

SHORT = ["-d", "500ms", "--warmup", "100ms"]


@pytest.fixture
def echo(servers):
    """Makes echo servers of ours."""

    def make(options=(), **others):
        server = servers(options=["--set", "prefix=", *options], **others)
        server.start()
        return server

    return make


# ---- TLS -------------------------------------------------------------------------------------------------------------


@pytest.mark.smoke
@pytest.mark.parametrize("whose", ["ours", "foreign"])
def test_wss_is_verified(directory, echo, foreign, authority, certificate, whose):
    if whose == "ours":
        server = echo(certificate.options(), listen=["wss://127.0.0.1:0"])
    else:
        server = foreign(certificate=certificate)
    url = f"wss://localhost:{server.port}/"
    report = bench(directory, *SHORT, "-c", 6, "-s", "1-60k", "--pipeline", 3, "--cacert", authority.cert, url)
    assert_clean(report)
    assert report["messages"] > 10
    # Whoever is not to be believed is not.
    report = bench(directory, *SHORT, "-c", 2, url)
    assert report.status == 1 and report.faults() == {"handshake": 2}
    assert "certificate" in report["problems"][0]
    report = bench(directory, *SHORT, "-c", 2, "--cacert", authority.cert, url.replace("localhost", "127.0.0.1"))
    assert report.status == 1 and "IP address mismatch" in report["problems"][0]
    assert_clean(bench(directory, *SHORT, "-c", 2, "--insecure", url.replace("localhost", "127.0.0.1")))


def test_wss_to_a_server_without_tls(directory, echo):
    report = bench(directory, *SHORT, "-c", 2, "--insecure", f"wss://127.0.0.1:{echo().port}/")
    assert report.status == 1 and report.faults() == {"handshake": 2}
    assert "TLS" in report["problems"][0]


def test_tls_options_are_for_wss(directory):
    for words in (["--insecure"], ["--cacert", __file__]):
        result = run(directory, *words, "ws://127.0.0.1:1/")
        assert result.returncode == 2 and "wss://" in result.stderr


# ---- compression, subprotocols, headers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["--deflate", "--deflate-takeover"])
@pytest.mark.parametrize("whose", ["ours", "foreign"])
def test_compressed_echoes(directory, echo, foreign, whose, kind):
    server = echo(["--deflate", "--deflate-server-takeover", "--deflate-client-takeover"]) if whose == "ours" else foreign()
    url = f"ws://127.0.0.1:{server.port}/"
    for words in (["-s", "1k"], ["-s", "0-8k", "--pipeline", 4, "--binary"]):
        report = bench(directory, *SHORT, "-c", 4, kind, *words, url)
        assert_clean(report)
        assert report["messages"] > 10
        assert report["bytes_received"] < 0.7 * report["messages"] * report["size"]


def test_compression_with_takeover_is_smaller(directory, foreign):
    url = f"ws://127.0.0.1:{foreign().port}/"
    sizes = []
    for kind in ("--deflate", "--deflate-takeover"):
        report = bench(directory, *SHORT, "-c", 2, "-s", 1000, kind, url)
        assert_clean(report)
        sizes.append(report["bytes_sent"] / report["messages"])
    assert sizes[1] < sizes[0] / 3


def test_a_server_that_declines_compression_is_no_use(directory, echo):
    report = bench(directory, *SHORT, "-c", 2, "--deflate", f"ws://127.0.0.1:{echo().port}/")
    assert report.status == 1 and report.faults() == {"handshake": 2}
    assert report["problems"] == ["the server does not agree to permessage-deflate"]


def test_subprotocols(directory, foreign, echo):
    url = f"ws://127.0.0.1:{foreign().port}/"
    assert_clean(bench(directory, *SHORT, "-c", 2, "--subprotocol", "nope", "--subprotocol", "chat", url))
    report = bench(directory, *SHORT, "-c", 2, "--subprotocol", "nope", url)
    assert report.status == 1 and report["problems"] == ["the server chose none of the subprotocols"]
    result = run(directory, "--subprotocol", "two words", url)
    assert result.returncode == 2 and "two words" in result.stderr


# ---- faults are seen -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("habit, fault", [("lose", "lost"), ("double", "doubled"), ("swap", "reordered")])
def test_a_server_s_faults_are_seen(directory, foreign, habit, fault):
    """Each, and nothing else: of a connection's messages the 25th, the 75th and so on."""
    url = f"ws://127.0.0.1:{foreign(habit).port}/"
    report = bench(directory, "-d", "2s", "--warmup", 0, "--timeout", "2s", "-c", 2, "-R", 400, url)
    assert report.status == 1
    sent = report["messages_in_all"] + report["errors_lost"] + report["errors_reordered"]
    assert_rate(sent, 800)
    of_each = [sent // 2, sent - sent // 2]
    expected = {fault: sum((number + 25) // 50 for number in of_each)}
    if habit == "swap" and (never := sum(number % 50 == 25 for number in of_each)):  # there was nothing to swap it with
        expected = {"reordered": expected["reordered"] - never, "lost": never}
    assert report.faults() == expected


# ---- fan-out -------------------------------------------------------------------------------------------------------------

ROOM = pathlib.Path(__file__).parents[2] / "docs/examples/room.cpp"
CROWD = ["--fanout", "-d", "1s", "--warmup", "200ms"]


@pytest.fixture(scope="module")
def room_module(tmp_path_factory, sanitized):
    """docs/examples/room.cpp compiled once, so that a reload need not."""
    directory = tmp_path_factory.mktemp("room")
    directory.chmod(0o755)
    flags = SANITIZERS if sanitized else ["-O2"]
    return str(compile_module(ROOM, directory / "room.so", flags))


@pytest.fixture(scope="module")
def room(room_module):
    """It on two workers, for all tests that leave it as they found it."""
    with shared_server(app=room_module, count=2) as made:
        yield made


def url_of(server, path):
    return f"ws://127.0.0.1:{getattr(server, 'fixed_port', None) or server.port}{path}"


@pytest.mark.smoke
@pytest.mark.parametrize("whose", ["ours", "foreign"])
@pytest.mark.parametrize(
    "words",
    [[], ["--publishers", 3, "--pipeline", 4, "-s", "32-2k"], ["--publishers", 3, "-R", 60, "-t", 3], ["-t", 1, "--binary"]],
    ids=["closed", "pipelined", "rate", "one process"],
)
def test_everybody_gets_everything_once(directory, room, foreign, whose, words, request):
    server = room if whose == "ours" else foreign("room")
    report = bench(directory, *CROWD, "-c", 20, *words, url_of(server, "/" + str(abs(hash(request.node.name)))))
    assert_clean(report)
    publishers = report["publishers"]
    listeners = 20 + publishers - 1  # a publisher hears the others
    assert report["connections_open_at_end"] == 20 + publishers
    assert report["publications"] > 3
    assert_rate(report["deliveries"], report["publications"] * listeners)
    if report["rate"]:
        assert_rate(report["publications"], 60)
    assert 0 < report["latency_us_p50"] <= report["latency_us_max"] < 10e6


def test_batches_and_compressed_broadcasts(directory, servers, room_module):
    server = servers(app=room_module, count=2, options=["--deflate"])
    server.start()
    for path in ("/wall/x", "/tea"):
        report = bench(directory, *CROWD, "-c", 10, "--publishers", 2, "-R", 200, "-s", 500, "--deflate", url_of(server, path))
        assert_clean(report)
        assert_rate(report["deliveries"], 200 * 11)
        assert (report["largest_batch"] > 1) == path.startswith("/wall")
        assert report["bytes_received"] < 0.9 * 500 * report["deliveries"]


def test_cpu_of_a_delivery(directory, room):
    pids = [word for pid in room.worker_pids() for word in ("--pid", pid)]
    report = bench(directory, *CROWD, "-c", 50, *pids, url_of(room, "/cpu"))
    assert_clean(report)
    assert report["server_cpu_us_per_delivery"] > 0 and report["client_cpu_us_per_delivery"] > 0


@pytest.mark.parametrize("habit, fault", [("room-lose", "lost"), ("room-double", "doubled"), ("room-swap", "reordered")])
def test_faults_of_a_fan_out_are_seen(directory, foreign, habit, fault):
    words = ["--fanout", "-d", "2s", "--warmup", 0, "--timeout", "2s", "-c", 10, "-R", 200]
    report = bench(directory, *words, url_of(foreign(habit), "/x"))
    assert report.status == 1
    publications, rest = divmod(report["deliveries_in_all"] + report["errors_lost"] + report["errors_reordered"], 10)
    assert rest == 0
    assert_rate(publications, 400)
    faults = report.faults()
    if habit == "swap" and faults.pop("lost", 10) != 10:  # of the last, if there was nothing to swap it with
        raise AssertionError(report)
    assert set(faults) == {fault}
    # One in fifty, where the first that the server counts may be a probe; and each for all.
    assert faults[fault] % 10 == 0
    assert publications // 50 - (habit == "swap") <= faults[fault] // 10 <= publications // 50 + 1


def test_a_closed_loop_does_not_wait_for_what_is_lost(directory, foreign):
    report = bench(directory, *CROWD, "-c", 4, "--timeout", "2s", "--pipeline", 3, url_of(foreign("room-lose"), "/x"))
    assert report.status == 1 and set(report.faults()) == {"lost"}
    assert report["publications"] > 60, "or it would be at its first loss, of the 25th, still"


def test_a_server_that_publishes_to_nobody(directory, foreign):
    """Its silence is said, and in the time that was given."""
    report = bench(directory, *CROWD, "-c", 2, url_of(foreign("echo"), "/x"), timeout=60)
    assert report.status == 1
    assert "does not reach all others" in report["problems"][0]


def test_subscribers_that_do_not_read(directory, room):
    """What they did not read is waited for, but not for as long as an answer would be."""
    words = ["--fanout", "-d", "2s", "-c", 10, "-R", 100, "-s", "64k", "--stalled", 2, "--timeout", "60s"]
    report = bench(directory, *words, url_of(room, "/stalled"), timeout=40)
    assert_clean(report)
    assert report["stalled"] == 2 and report["stalled_missed"] > 0
    assert_rate(report["deliveries"], 200 * 10)


def test_a_fan_out_across_a_reload(directory, servers, room_module):
    server = servers(app=room_module, count=2)
    server.start()
    words = ["--fanout", "-d", "5s", "-c", 30, "--publishers", 3, "-R", 60]
    report = bench(directory, *words, "--reload", command_of(server, "reload"), url_of(server, "/x"))
    assert_clean(report)
    assert report["reloads"] == 1 and 0 < report["gap_us_max"] < 3e6


def test_a_fan_out_goes_on_without_those_that_a_death_takes(directory, servers, room_module):
    server = servers(app=room_module, count=2)
    server.start()
    server.expect_log("was killed by SIGKILL")
    rows = server.workers
    kill = f"kill -9 {rows()[0]['pid']}"
    report = bench(directory, "--fanout", "-d", "3s", "-c", 30, "--publishers", 6, "--pipeline", 2, "--reload", kill, url_of(server, "/x"))
    assert report.status == 1
    assert 0 < report["errors_closed"] < 36
    assert set(report.faults()) == {"closed"}
    assert report["connections_open_at_end"] == 36 - report["errors_closed"]


def test_options_of_a_fan_out(directory):
    for words in (["--publishers", 2], ["--stalled", 2], ["--fanout", "-s", 20], ["--fanout", "--publishers", 0]):
        assert run(directory, *words, "ws://127.0.0.1:1/").returncode == 2


# ---- reloads -------------------------------------------------------------------------------------------------------------


def command_of(server, *words):
    return shlex.join([str(BINARY), *words, *map(str, server.instance())])


@pytest.mark.smoke
def test_a_reload_costs_nothing(directory, echo):
    server = echo()
    report = bench(directory, "-d", "3s", "-c", 20, "--reload", command_of(server, "reload"), f"ws://127.0.0.1:{server.port}/")
    assert_clean(report)
    assert report["reloads"] == 1 and report["reload_status"] == 0 and report["reload_seconds"] > 0
    assert report["connections_open_at_end"] == 20 and report["reconnected"] == 0 and report["unsent"] == 0
    assert 0 < report["gap_us_max_before"] and 0 < report["gap_us_max"] < 1.4e6, "half of the time is before it"
    assert server.status()["generation"] == 2


@pytest.mark.parametrize("mode", ["--idle", "--connect", "--churn"])
def test_reloads_under_other_loads(directory, echo, mode):
    server = echo()
    report = bench(directory, "-d", "3s", "-c", 10, mode, "--reload", command_of(server, "reload"), url_of(server, "/"))
    assert_clean(report)
    assert report["reloads"] == 1 and report["gap_us_max"] == 0


def test_many_reloads_with_tls(directory, echo, authority, certificate):
    server = echo(certificate.options(), listen=["wss://127.0.0.1:0"])
    words = ["-d", "6s", "-c", 10, "--reload-every", "1500ms", "--cacert", authority.cert]
    report = bench(directory, *words, "--reload", command_of(server, "reload"), f"wss://localhost:{server.port}/")
    assert_clean(report)
    assert 2 <= report["reloads"] <= 3 and server.status()["generation"] == 1 + report["reloads"]


def test_a_server_that_is_restarted_is_counted(directory, echo):
    server = echo(listen=["ws://127.0.0.1:0"])
    server.expect_log("was killed by SIGKILL")
    victim = server.workers()[0]["pid"]
    words = ["-d", "5s", "-c", 20, "-R", 2000, "--reload", f"kill -9 {victim}"]
    report = bench(directory, *words, f"ws://127.0.0.1:{server.port}/")
    assert report.status == 1
    assert 0 < report["errors_closed"] < 20
    assert report["reconnected"] == report["errors_closed"] and report["connections_open_at_end"] == 20
    # The gap before is the machine's, which may have stood still.
    assert report["unsent"] > 0 and report["gap_us_max"] > 100_000 and report["gap_us_max_before"] > 0
    assert set(report.faults()) <= {"closed", "lost"}


def test_a_server_that_goes_away_for_a_while(directory, foreign):
    """Nobody listens for half a second; the gap says so."""
    server = foreign()
    command = f"kill -STOP {server.pid}; sleep 0.5; kill -CONT {server.pid}"
    report = bench(directory, "-d", "3s", "-c", 4, "-R", 200, "--reload", command, f"ws://127.0.0.1:{server.port}/")
    assert_clean(report)
    assert 480_000 < report["gap_us_max"] < 10_000_000
    assert 0.45 < report["reload_seconds"] < 10


def test_the_command_s_failure_is_the_run_s(directory, foreign):
    url = f"ws://127.0.0.1:{foreign().port}/"
    report = bench(directory, "-d", "1s", "-c", 2, "--reload", "echo no; exit 3", url)
    assert report.status == 1 and report["reload_status"] == 3 and not report.faults()
    assert report["problems"] == ["--reload's command ended with status 3"] and report.said == "no\n"


def test_a_command_that_outlasts_the_load_is_waited_for(directory, foreign):
    url = f"ws://127.0.0.1:{foreign().port}/"
    report = bench(directory, "-d", "1s", "-c", 2, "--reload", "sleep 2; exit 3", url)
    assert report["problems"] == ["--reload's command ended with status 3"] and not report.faults()
    assert 2 < report["reload_seconds"] < 20
    assert report["reload_seconds_after_load"] == pytest.approx(report["reload_seconds"] - 0.5, abs=1)
    result = run(directory, "-d", "1s", "-c", 2, "--reload", "sleep 2", url)
    assert result.returncode == 0 and "came after the load, unseen: a longer -d shows more" in result.stdout


def test_an_interruption_does_not_wait_for_the_command(directory, foreign):
    begun = directory / "begun"
    command = f"touch {begun}; exec sleep 30"
    words = ["-d", "600ms", "-c", 2, "--reload", command, f"ws://127.0.0.1:{foreign().port}/"]
    with subprocess.Popen([wsbench_binary(), *map(str, words)], stdout=subprocess.PIPE, text=True) as client:
        wait_until(begun.exists)
        time.sleep(0.6)  # the load is over, or nearly so
        client.send_signal(signal.SIGTERM)
        output = client.communicate(timeout=20)[0]
    assert client.returncode == 1 and "--reload's command still ran" in output


def test_the_server_s_cpu_time_is_followed_through_a_reload(directory, echo):
    server = echo(count=2)
    words = ["--pid", server.master, "-d", "3s", "-c", 8, "-R", 4000, "--reload", command_of(server, "reload")]
    report = bench(directory, *words, url_of(server, "/"))
    assert_clean(report)
    counted = report["server_cpu_us_per_message"] * report["messages"] / 1e6
    second = sum(cpu_seconds(worker["pid"]) for worker in server.workers())
    # The second generation has served a half, and the rest is what the first one took before it was gone.
    assert counted > 0.8 * second and counted - second > 0.1 * counted, (counted, second)


def test_a_process_of_the_server_that_ends_is_said_once(directory, echo):
    server = echo(count=1)
    pid = server.workers()[0]["pid"]
    command = command_of(server, "reload") + f"; while kill -0 {pid}; do sleep 0.05; done 2>/dev/null"
    words = ["-d", "4s", "-c", 4, "--reload", command, "--pid", pid]
    report = bench(directory, *words, url_of(server, "/"))
    assert report.status == 1 and not report.faults() and "server_cpu_us_per_message" not in report
    assert len(report["problems"]) == 1 and "its master's pid" in report["problems"][0]


def test_the_report_for_people_tells_of_the_reload(directory, foreign):
    result = run(directory, "-d", "1s", "-c", 2, "--reload", "true", f"ws://127.0.0.1:{foreign().port}/")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Reload: 1 time, status 0, took " in result.stdout
    assert "connections closed 0" in result.stdout and "longest gap of a connection" in result.stdout


# ---- what it says is so --------------------------------------------------------------------------------------------------


def test_the_server_counts_the_same_messages(directory, echo):
    server = echo()
    report = bench(directory, *SHORT, "-c", 8, "--pipeline", 4, f"ws://127.0.0.1:{server.port}/")
    assert_clean(report)
    seen = lambda: sum(row["messages_in"] for row in server.workers())  # noqa: E731
    wait_until(lambda: seen() == report["messages_in_all"], what="the same count")


def test_a_delay_of_fifty_milliseconds_is_one(directory, foreign):
    report = bench(directory, "-d", "2s", "-c", 4, "-R", 100, f"ws://127.0.0.1:{foreign('delay').port}/")
    assert_clean(report)
    assert 50_000 <= report["latency_us_p50"] < 95_000
    assert_rate(report["messages"], 200)


def test_a_delivery_fifty_milliseconds_late_is_so_in_every_process(directory, foreign):
    words = ["--fanout", "-d", "2s", "-c", 9, "-t", 3, "-R", 10]
    report = bench(directory, *words, url_of(foreign("room-delay"), "/x"))
    assert_clean(report)
    assert 50_000 <= report["latency_us_p50"] < 95_000
    assert_rate(report["deliveries"], 20 * 9)


def test_a_stall_shows_in_an_open_loop_and_hides_in_a_closed_one(directory, foreign):
    words = ["-d", "3s", "--warmup", 0, "-c", 4, "--timeout", "10s"]
    start = time.monotonic()
    closed = bench(directory, *words, f"ws://127.0.0.1:{foreign('stall').port}/")
    opened = bench(directory, *words, "-R", 200, f"ws://127.0.0.1:{foreign('stall').port}/")
    assert time.monotonic() > start + 6
    assert_clean(closed)
    assert_clean(opened)
    assert closed["latency_us_max"] > 900_000 and opened["latency_us_max"] > 900_000
    assert closed["latency_us_p90"] < 100_000  # four messages of many
    assert opened["latency_us_p99"] > 800_000  # a third of all were due in that second
    assert 200_000 < opened["latency_us_p75"] < 900_000
