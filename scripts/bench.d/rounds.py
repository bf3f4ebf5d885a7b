"""Measures rows: every variant in every round, in an order that alternates."""

import sys
import time

from client import Client
from failure import Failure
from servers import cores, floor_server, installed_peers, peer_server, wsd_server


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Bench:
    """What the rows are measured with: binaries, servers, cores and the time that each measurement takes."""

    def __init__(self, options, binaries, directory):
        self.options = options
        self.binaries = binaries
        self.directory = directory  # for what is made once and lives as long as the run
        self.wsd = (options.wsd or binaries / "wsd").resolve()
        self.has_wsd = not options.without_wsd
        self.seconds = options.seconds
        self.patience = 60 + 10 * options.seconds
        self.server_pinning, self.client_pinning = cores()
        # One process of load is enough for one core; an answer may take long where a peer is slow.
        self.client = Client([binaries / "wsbench", "--threads=1", "--timeout=30", "--json"], self.client_pinning)
        self.judge = Client([binaries / "load_client"], self.client_pinning, counts_cpu=False)
        self.peers, absent = ([], []) if options.without_peers else installed_peers(directory)
        self.peers += [peer_server(description) for description in options.peer]
        for reason in absent:
            say(reason)

    def own_servers(self):
        return [floor_server(self.binaries)] + ([wsd_server(self.wsd)] if self.has_wsd else [])

    def timed(self, least=0):
        return [f"--duration={max(self.seconds, least)}", f"--warmup={min(0.2, self.seconds)}"]

    # Ratios that have a target get all rounds. Fewer suffice for what is far from the others, or steady.
    @property
    def some_rounds(self):
        return min(self.options.rounds, 7)

    @property
    def few_rounds(self):
        return min(self.options.rounds, 3)

    def rounds_for(self, peer):
        """All for who was named by --peer; of those that are several times slower few say enough."""
        rounds = {"all": self.options.rounds, "some": self.some_rounds, "few": self.few_rounds}[peer.rounds]
        return min(rounds, self.options.peer_rounds or rounds)

    def measure(self, row, title):
        """{variant's name: {"reference", "target", "reports"}}; a report has the number of its round."""
        results = {v.name: {"reference": v.reference, "target": v.target, "reports": []} for v in row.variants}
        rounds = max(self.rounds_of(variant) for variant in row.variants)
        begun = time.monotonic()
        for number in range(rounds):
            say(f"{title}: {row.title}: round {number + 1} of {rounds}")
            due = [variant for variant in row.variants if is_due(number, self.rounds_of(variant), rounds)]
            for variant in due if number % 2 == 0 else due[::-1]:
                report = self.measure_again(variant)
                results[variant.name]["reports"].append({"round": number} | report)
        say(f"{title}: {row.title}: {time.monotonic() - begun:.0f} s")
        return results

    def rounds_of(self, variant):
        return self.options.rounds if variant.rounds is None else variant.rounds

    def measure_again(self, variant):
        """A second try, because one stumble in a thousand measurements is no reason to lose a row."""
        try:
            return variant.measure(self)
        except (Failure, OSError) as failure:
            say(f"once more: {variant.name}: {failure}")
            time.sleep(1)
            return variant.measure(self)


def is_due(number, own, rounds):
    """Spreads `own` rounds evenly over all of them."""
    return (number + 1) * own // rounds > number * own // rounds
