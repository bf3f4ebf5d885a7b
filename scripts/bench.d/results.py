"""What was measured, kept as JSON, and the tables in docs/benchmarks.md made of it."""

import json
import os
import pathlib
import platform
import re
import subprocess
import time

from failure import Failure
from servers import ROOT
from tables import TABLES

PAGE = ROOT / "docs/benchmarks.md"
INSTRUCTIONS = ROOT / "tests/integration/instruction_counts.json"
# What a row has to have in common with a run that goes on.
SAME = ("commit", "rounds", "seconds")


class Results:
    """{"tables": {name: {"machine", "rows": {row: {"when", …, "variants": {…}}}}}}, written after each row."""

    def __init__(self, file, anew=False):
        self.file = pathlib.Path(file)
        self.tables = json.loads(self.file.read_text())["tables"] if self.file.exists() and not anew else {}

    def has(self, table, row, circumstances):
        there = self.tables.get(table, {}).get(row)
        return there is not None and all(there["circumstances"][name] == circumstances[name] for name in SAME)

    def add(self, table, row, circumstances, variants):
        own = self.tables.setdefault(table, {})
        own.pop(row, None)  # so that the order is that of the last run
        own[row] = {"circumstances": circumstances, "variants": variants}
        part = self.file.with_suffix(".part")
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps({"tables": self.tables}))
        os.replace(part, self.file)

    def lines(self, table):
        """The Markdown of one table: under which circumstances, then its rows."""
        rows = self.tables[table.name]
        said = dict.fromkeys(describe(row["circumstances"]) for row in rows.values())
        return [*said, "", *table.show({title: row["variants"] for title, row in rows.items()})]

    def shown(self, names):
        return [table for table in TABLES if table.name in names and self.tables.get(table.name)]


def describe(circumstances):
    return ("{date}, commit {commit}, Release with link-time optimisation, GCC {compiler}. {machine}. "
            "{seconds:g} s a measurement.").format(**circumstances)


def circumstances(options):
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    git = ["git", "-C", ROOT]
    commit = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    # This page may change while a run goes on.
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", ":!docs"], capture_output=True, check=False).returncode
    commit += "-dirty" if commit and changed else ""
    machine = f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"
    compiler = subprocess.run(["c++", "-dumpfullversion"], capture_output=True, text=True, check=False).stdout.strip()
    return {"date": time.strftime("%Y-%m-%d"), "commit": commit or "none", "machine": machine,
            "compiler": compiler, "rounds": options.rounds, "seconds": options.seconds}  # fmt: skip


def write_page(results, names):
    """Puts the tables into docs/benchmarks.md, and the recorded counts of instructions."""
    for table in results.shown(names):
        put_between_marks(PAGE, f"bench {table.name}", results.lines(table))
    put_between_marks(PAGE, "bench instructions", instruction_lines())


def instruction_lines():
    record = json.loads(INSTRUCTIONS.read_text())
    counts = [f"| {title} | {count:,.0f} |" for title, count in record["instructions"].items()]
    where = "{compiler}, {libc}, libuv {libuv}, {processor}".format(**record["surroundings"])
    return [f"Callgrind, the release build: {where}.", "", "| work | wsd |", "|---|---|", *counts]


def put_between_marks(page, name, lines):
    """Replaces what stands between the marks of this name; the prose around them is written by hand."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = page.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise Failure(f"{page} has no {begin} … {end}")
    page.write_text(before + "\n".join([begin, *lines, end]) + after)
