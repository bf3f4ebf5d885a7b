"""The tables: their rows, who is measured in each, what the figures are compared with, and how they are shown."""

import dataclasses
import time

from client import CannotTrace, reload, run
from figures import figure, median, ratios, verdict, with_interval
from servers import floor_server, room_module, self_signed, wsd_server

KIB = 1024


@dataclasses.dataclass
class Variant:
    """One way to do a row's work."""

    name: str
    measure: object  # (bench) -> report
    reference: str = ""  # the variant whose figure of the same round this one's is divided by
    target: float = None  # that the ratio should not be above
    rounds: int = None  # fewer than the others: so many slow it is


@dataclasses.dataclass
class Row:
    title: str
    variants: list


@dataclasses.dataclass
class Table:
    """`rows(bench)` are measured one after the other; `show(stored rows)` makes the lines of a Markdown table."""

    name: str
    rows: object
    show: object


def size_name(size):
    return f"{size} B" if size < KIB else f"{size // KIB} KiB" if size < KIB * KIB else f"{size // KIB // KIB} MiB"


def against(server, *arguments, least=0):
    """Measures: the client with these arguments against a fresh server, for the time that the options give, and for so
    many seconds at least."""

    def measure(bench):
        with server.start(bench.server_pinning) as running:
            return bench.client.run(running, list(arguments) + bench.timed(least), bench.patience)

    return measure


def seconds_for(connections):
    """Each of ten thousand has its turn a few times in a second."""
    return 1 if connections >= 10_000 else 0


def table_of(headings, lines):
    return [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"] + [f"| {' | '.join(line)} |" for line in lines]


def cost_table(unit, rate_unit, latency_unit="", ratio_of="ratio to the floor", title="work", subject="server"):
    """How rows of CPU time per unit are shown. A latency unit of "ms" or "µs"; none: latencies are not."""
    cost = f"server_cpu_us_per_{unit}"
    headings = [title, subject, f"CPU µs per {unit}", "user", "system", f"{ratio_of} (95 %)", "rounds", "target", rate_unit + "/s"]
    headings += [f"p50 {latency_unit}", f"p99 {latency_unit}"] if latency_unit else []
    headings += ["client's CPU µs"]
    scale = 1000 if latency_unit == "ms" else 1

    def line_of(row, name, own):
        if not own["reports"]:
            return None
        reports = own["reports"]
        cells = [row, name]
        cells += [figure(median(reports, f"server_{part}_us_per_{unit}")) for part in ("cpu", "user", "system")]
        cells += [own["ratio"], str(len(reports)), own["verdict"], f"{median(reports, f'{rate_unit}_per_second'):,.0f}"]
        if latency_unit:
            cells += [figure(median(reports, f"latency_us_{share}") / scale) for share in ("p50", "p99")]
        return cells + [figure(median(reports, f"client_cpu_us_per_{unit}"))]

    def show(rows):
        lines = []
        for row, variants in rows.items():
            for name, own in variants.items():
                reference = variants.get(own["reference"], {}).get("reports", [])
                values = ratios(own["reports"], reference, cost) if reference else []
                same = own["reference"] == name
                own = own | {"ratio": "1" if same else with_interval(values), "verdict": verdict(values, own["target"])}
                lines.append(line_of(row, name, own))
        return table_of(headings, [line for line in lines if line])

    return show


# ---- Echo

SMALL, LARGE = (20, 125, KIB, 16 * KIB), (64 * KIB, KIB * KIB)
ONE_IN_FLIGHT = {size: 200 for size in SMALL} | {64 * KIB: 50, KIB * KIB: 10}
ECHO_TARGETS = {(20, 1): 1.02, (125, 1): 1.02, (KIB, 1): 1.02, (20, 16): 1.06, (KIB, 16): 1.08,
                (16 * KIB, 1): 1.04, (64 * KIB, 1): 1.06, (KIB * KIB, 1): 1.05}  # fmt: skip


def echo_title(size, connections, pipeline):
    return f"{size_name(size)}, {connections} × {pipeline} in flight"


def echo_arguments(size, connections, pipeline):
    return [f"--connections={connections}", f"--pipeline={pipeline}", f"--size={size}"]


def echo_rows(bench):
    works = [(size, ONE_IN_FLIGHT[size], 1) for size in SMALL + LARGE]
    works += [(size, 50, 16) for size in SMALL] + [(20, 50, 32), (64 * KIB, 10, 16)]
    for work in sorted(works, key=lambda work: (work[0], work[2])):
        arguments = echo_arguments(*work)
        target = ECHO_TARGETS.get((work[0], work[2]))
        own = bench.own_servers()
        variants = [Variant(s.name, against(s, *arguments), "floor", target if s.name == "wsd" else None) for s in own]
        variants += [Variant(s.name, against(s, *arguments), "floor", rounds=bench.rounds_for(s)) for s in bench.peers]
        yield Row(echo_title(*work), variants)


# ---- TLS beside plain

TLS_TARGETS = {20: 1.5, KIB: 1.6, 16 * KIB: 4}


def tls_rows(bench):
    plain = wsd_server(bench.wsd)
    secure = wsd_server(bench.wsd, certificate=self_signed(bench.directory))
    for size, target in TLS_TARGETS.items():
        arguments = echo_arguments(size, ONE_IN_FLIGHT[size], 1)
        variants = [Variant("plain", against(plain, *arguments), "plain")]
        variants += [Variant("TLS 1.3", against(secure, *arguments), "plain", target)]
        yield Row(echo_title(size, ONE_IN_FLIGHT[size], 1), variants)


# ---- Deflate beside zlib

DEFLATE_TARGET = 1.1


def deflate_rows(bench):
    def measure_with(size):
        def measure(bench):
            with wsd_server(bench.wsd, options=["--deflate"]).start(bench.server_pinning) as server:
                command = [str(bench.binaries / "deflate_echo"), server.port, server.pids[0], size, bench.seconds]
                return run(bench.client_pinning + [str(word) for word in command], bench.patience)

        return measure

    for size in (KIB, 16 * KIB):
        yield Row(f"{size_name(size)} of JSON, 20 × 1 in flight", [Variant("wsd --deflate", measure_with(size))])


def show_deflate(rows):
    headings = ["message", "compressed", "plain echo, CPU µs", "zlib alone", "echo with --deflate"]
    headings += ["what compression adds, as a ratio to zlib alone (95 %)", "target"]
    lines = []
    for title, variants in rows.items():
        for own in variants.values():
            reports = own["reports"]
            added = [(report["server_us"] - report["server_plain_us"]) / report["zlib_us"] for report in reports]
            cells = [title, f"{reports[0]['compressed']:,} B"]
            cells += [figure(median(reports, name)) for name in ("server_plain_us", "zlib_us", "server_us")]
            lines.append(cells + [with_interval(added), verdict(added, DEFLATE_TARGET)])
    return table_of(headings, lines)


# ---- Connecting

CONNECT_TARGET = 1.10


def connect_rows(bench):
    arguments = ["--churn", "--connections=50"]
    own = bench.own_servers()
    variants = [Variant(s.name, against(s, *arguments), "floor", CONNECT_TARGET if s.name == "wsd" else None) for s in own]
    variants += [Variant(s.name, against(s, *arguments), "floor", rounds=bench.rounds_for(s)) for s in bench.peers]
    yield Row("connect, handshake, one echo, close", variants)
    if bench.has_wsd:
        secure = wsd_server(bench.wsd, certificate=self_signed(bench.directory), name="wsd, TLS 1.3")
        yield Row("the same with TLS 1.3", [Variant("wsd, TLS 1.3", against(secure, *arguments), rounds=bench.few_rounds)])


# ---- Memory

# A connection with TLS has two descriptors set aside for the day that its worker becomes a relay.
TLS_SHARE = 2
MEMORY_TARGETS = {"wsd": 512, "wsd, TLS 1.3, half as many": 14 * KIB}


def memory_rows(bench):
    def measure_with(server, count):
        def measure(bench):
            with server.start(bench.server_pinning) as running:
                arguments = ["--idle", "--greet", "--duration=0.5", f"--connections={count}"]
                return bench.client.run(running, arguments, bench.patience)

        return measure

    count = bench.options.idle
    works = [(server, count) for server in bench.own_servers() + bench.peers]
    if bench.has_wsd:
        certificate = self_signed(bench.directory)
        works += [(wsd_server(bench.wsd, certificate=certificate, name="wsd, TLS 1.3, half as many"), count // TLS_SHARE)]
    variants = [
        Variant(s.name, measure_with(s, n), target=MEMORY_TARGETS.get(s.name), rounds=bench.few_rounds) for s, n in works
    ]
    yield Row(f"{count:,} connections", variants)


def show_memory(rows):
    lines = []
    for title, variants in rows.items():
        for name, own in variants.items():
            kinds = ("resident", "proportional", "private_dirty")
            cells = [f"{median(own['reports'], f'{kind}_bytes_per_connection'):,.0f}" for kind in kinds]
            values = [report["resident_bytes_per_connection"] for report in own["reports"]]
            lines.append([title, name, *cells, verdict(values, own["target"], "{:,}".format)])
    return table_of(["idle after one message", "server", "RSS, bytes for each", "PSS", "private dirty", "target"], lines)


# ---- Fan-out

FAN_OUT_TARGETS = {(1000, 1): 1.00, (10_000, 1): 1.05, (1000, 4): 0.42, (10_000, 4): 0.40}


def fan_out_rows(bench):
    room = room_module(bench.directory)
    servers = [floor_server(bench.binaries, ["--fan-out"])]
    if bench.has_wsd:
        servers += [wsd_server(bench.wsd, app=room, name="wsd, 1 worker"),
                    wsd_server(bench.wsd, count=4, app=room, name="wsd, 4 workers")]  # fmt: skip
    for (subscribers, outstanding), target in FAN_OUT_TARGETS.items():
        arguments = ["--fanout", "--size=125", f"--connections={subscribers}", f"--pipeline={outstanding}"]
        variants = [
            Variant(s.name, against(s, *arguments, least=seconds_for(subscribers)), "floor",
                    target if s.name == "wsd, 1 worker" else None,
                    bench.few_rounds if "4 workers" in s.name else None)
            for s in servers
        ]  # fmt: skip
        yield Row(f"fan-out to {subscribers:,}, {outstanding} outstanding", variants)


# ---- Several workers, which share the one core

def workers_rows(bench):
    for work in ((20, 200, 1), (20, 50, 16), (KIB, 200, 1)):
        variants = []
        for count in (1, 2, 4):
            server = wsd_server(bench.wsd, count=count)
            name = f"{count} worker{'s' * (count > 1)}"
            variants.append(Variant(name, against(server, *echo_arguments(*work)), "1 worker", rounds=bench.some_rounds))
        yield Row(echo_title(*work), variants)


# ---- How the cost grows with the connections

def growth_rows(bench):
    counts = [count for count in (100, 1000, 10_000) if count <= bench.options.most]
    for size in (20, KIB):
        variants = []
        for server in bench.own_servers():
            first = f"{server.name}, {counts[0]:,}"
            for count in counts:
                measure = against(server, *echo_arguments(size, count, 1), least=seconds_for(count))
                variants.append(Variant(f"{server.name}, {count:,}", measure, first, rounds=bench.some_rounds))
        yield Row(f"{size_name(size)}, one in flight on each", variants)
    if bench.options.most >= 10_000:
        servers = [floor_server(bench.binaries, count=6)]
        servers += [wsd_server(bench.wsd, count=6)] if bench.has_wsd else []
        variants = [many(server, count, bench.few_rounds) for server in servers for count in (1000, 10_000, 100_000)]
        yield Row("20 B, one in flight on each, 6 processes and 6 clients", variants)


def many(server, count, rounds):
    """More than one process may hold. A message takes a second's turn with 100,000, so a measurement takes several."""
    arguments = [*echo_arguments(20, count, 1), "--threads=6"]
    times = ["--duration=4", "--warmup=2"] if count > 10_000 else ["--duration=1", "--warmup=0.3"]

    def measure(bench):
        with server.start(bench.server_pinning) as running:
            return bench.client.run(running, arguments + times, 180)

    return Variant(f"{server.name}, {count:,}", measure, f"{server.name}, 1,000", rounds=rounds)


ACTIVE_TARGET = 1.3


def active_rows(bench):
    """As many speak as of a few hundred, amid thousands that are silent."""
    all_of_them, active = bench.options.many, bench.options.many // 100
    few = 200 if bench.options.many >= 20_000 // 2 else active

    def amid_silent(server):
        def measure(bench):
            with server.start(bench.server_pinning) as running:
                with bench.client.holding(running, ["--idle", f"--connections={all_of_them - active}", "--duration=0.1"]):
                    return bench.client.run(running, echo_arguments(20, active, 1) + bench.timed(), bench.patience)

        return measure

    variants = []
    for server in bench.own_servers():
        alone, amid = f"{server.name}, {few:,}", f"{server.name}, {active:,} of {all_of_them:,}"
        variants.append(Variant(alone, against(server, *echo_arguments(20, few, 1)), alone, rounds=bench.some_rounds))
        target = ACTIVE_TARGET if server.name == "wsd" else None
        variants.append(Variant(amid, amid_silent(server), alone, target, bench.some_rounds))
    yield Row("20 B, one in flight on each that speaks", variants)


# ---- System calls

def calls_rows(bench):
    def measure_with(server, arguments):
        def measure(bench):
            with server.start(bench.server_pinning) as running:
                try:
                    return bench.client.system_calls(running, arguments + [f"--duration={bench.seconds}"])
                except (CannotTrace, FileNotFoundError):
                    return {}

        return measure

    for work in ((20, 200, 1), (20, 50, 16)):
        measures = [(server.name, measure_with(server, echo_arguments(*work))) for server in bench.own_servers()]
        yield Row(echo_title(*work), [Variant(name, measure, rounds=1) for name, measure in measures])


def show_calls(rows):
    lines = []
    for title, variants in rows.items():
        for name, own in variants.items():
            calls = {call: rate for call, rate in own["reports"][0].items() if call != "round"}
            frequent = [(rate, call) for call, rate in calls.items() if rate >= 0.0005]
            text = ", ".join(f"{call} {figure(rate)}" for rate, call in sorted(frequent, reverse=True))
            lines.append([title, name, text or "strace cannot attach here"])
    return table_of(["work", "server", "system calls per message"], lines)


# ---- Reloads

def reload_rows(bench):
    """The same clients at the same pace twice in each round, with reloads and without."""
    count, rate, workers = bench.options.reload_connections, bench.options.reload_connections // 2, 4

    def measure_with(reloads):
        def measure(bench):
            arguments = ["--plain", "--pipeline=8", "--prefix=g", f"--connections={count}", f"--rate={rate}"]
            slots, pause = [], max(bench.seconds, 0.2)
            with wsd_server(bench.wsd, count=workers, prefix="g1 ").start(bench.server_pinning) as server:
                with bench.judge.holding(server, arguments) as report:
                    for _ in range(bench.options.reloads):
                        time.sleep(pause)
                        if reloads:
                            slots += reload(server.reload)
                    time.sleep(pause)
            return report | {"slots": slots}

        return measure

    title = f"{count:,} connections on {workers} workers, {rate:,} messages/s"
    variants = [("without a reload", False), (f"with {bench.options.reloads} reloads", True)]
    yield Row(title, [Variant(name, measure_with(reloads), rounds=bench.few_rounds) for name, reloads in variants])


def show_reload(rows):
    headings = ["work", "", "longest wait for an answer, ms (range)", "p99 ms", "longest pause of a slot, ms"]
    headings += ["pause per moved connection, µs (95 %)"]
    lines = []
    for title, variants in rows.items():
        for name, own in variants.items():
            slots = [slot for report in own["reports"] for slot in report["slots"]]
            each = [pause * 1000 / connections for connections, pause in slots if connections]
            cells = [title, name, with_interval([report["longest_gap_ms"] for report in own["reports"]], figure)]
            cells += [figure(median(own["reports"], "latency_us_p99") / 1000)]
            longest = figure(max(pause for _, pause in slots)) if slots else ""
            lines.append(cells + [longest, with_interval(each, figure)])
        before, after = (own["reports"] for own in variants.values())
        beyond = [b["longest_gap_ms"] - a["longest_gap_ms"] for a, b in zip(before, after)]
        lines.append([title, "longest wait beyond the run without", with_interval(beyond, figure), "", "", ""])
    return table_of(headings, lines)


ECHO_FIGURES = ("message", "messages", "µs")
TABLES = [
    Table("echo", echo_rows, cost_table(*ECHO_FIGURES)),
    Table("tls", tls_rows, cost_table(*ECHO_FIGURES, ratio_of="ratio to plain", subject="wsd")),
    Table("deflate", deflate_rows, show_deflate),
    Table("connect", connect_rows, cost_table("cycle", "cycles")),
    Table("memory", memory_rows, show_memory),
    Table("fan-out", fan_out_rows, cost_table("delivery", "deliveries", "ms")),
    Table("workers", workers_rows, cost_table(*ECHO_FIGURES, ratio_of="ratio to one", subject="wsd")),
    Table("growth", growth_rows, cost_table(*ECHO_FIGURES, ratio_of="ratio to the fewest", subject="connections")),
    Table("active", active_rows, cost_table(*ECHO_FIGURES, ratio_of="ratio to all of the few", subject="connections")),
    Table("calls", calls_rows, show_calls),
    Table("reload", reload_rows, show_reload),
]
