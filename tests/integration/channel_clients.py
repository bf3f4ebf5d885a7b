"""Clients of channels: `wsbench --fanout` for crowds, and Person for one that speaks and listens.

All of them talk to apps/channels.cpp: a client is subscribed to the channel of its path.
"""

import contextlib
import json
import signal
import subprocess

from clients import TEXT, frame
from server import DEADLINE_S, environment, wait_until
from wsbench import wsbench_binary

FAULTS = ("errors_lost", "errors_doubled", "errors_reordered", "errors_wrong_answer", "errors_handshake", "errors_connect")


class Crowd:
    """Subscribers and publishers of one channel, from the handshakes to the verdict."""

    def __init__(self, server, channel, subscribers, publishers=5, rate=20, size=100, stalled=0):
        """`rate`: messages a second of each publisher."""
        command = [wsbench_binary(), "--fanout", "--json", "--go", "--warmup", "0", "-d", "1h", "--timeout", "20s"]
        command += ["-c", str(subscribers), "--publishers", str(publishers), "--stalled", str(stalled)]
        command += ["-s", str(size), "-R", str(rate * publishers), f"ws://127.0.0.1:{server.port}{channel}"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, text=True, env=environment(server.directory), **pipes)

    def __enter__(self):
        said = self.process.stderr.readline()
        assert said == "ready\n", said + self.process.stderr.read()
        self.go_on()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def go_on(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write("\n")
            self.process.stdin.flush()

    def finish(self):
        """Lets the publishers end and the last messages come; returns what was seen."""
        self.process.send_signal(signal.SIGINT)
        self.go_on()
        output, complaints = self.process.communicate(timeout=110)
        assert output, complaints
        return json.loads(output)


def assert_exact(report, closed=0):
    """Everybody who stayed got every message once, in its publisher's order; `closed` clients did not stay (None: some)."""
    faults = {name: report[name] for name in FAULTS if report[name] != 0}
    assert not faults, (faults, report)
    assert closed in (None, report["errors_closed"]), report
    assert report["publications"] > 0 and report["deliveries"] > 0, "the run proves too little"


ANSWERS = {"who": "id", "ask": "subscribers", "publish": "delivered", "subscribe": "subscribed", "unsubscribe": "unsubscribed"}


class Person:
    """One client: says something, gives orders (see apps/channels.cpp), and reads what comes."""

    def __init__(self, connect, port, path="/", slot=None):
        """With `slot`, on that worker: chance is asked until it says so."""
        for _ in range(300):
            self.client = connect(port, handshake=False)
            self.client.open(path=path)
            told = self.ask("who")
            self.id, self.slot = told["id"], told["slot"]
            if slot in (None, self.slot):
                return
            self.client.abandon()
        raise AssertionError(f"chance did not reach slot {slot}")

    def say(self, text):
        self.client.send(frame(TEXT, text))

    def order(self, *words):
        self.say("!" + " ".join(map(str, words)))

    def ask(self, *words):
        """Gives an order that is answered; what comes before the answer is dropped."""
        self.order(*words)
        return self.until(ANSWERS[words[0]])

    def subscribe(self, channel, name=""):
        """To a channel that keeps something: returns the answer."""
        return self.ask("subscribe", channel, name)

    def subscribe_plain(self, channel):
        """Done when it returns, as far as its own worker is concerned: await_subscribers() is for the others."""
        self.order("subscribe", channel)
        self.ask("who")

    def hears(self, timeout=DEADLINE_S):
        """The next message, as (opcode, bytes)."""
        return self.client.receive_message(timeout)

    def text(self, timeout=DEADLINE_S):
        opcode, payload = self.hears(timeout)
        assert opcode == TEXT, payload
        return payload.decode()

    def until(self, name):
        """The next JSON object that has a member of this name."""
        while True:
            with contextlib.suppress(ValueError):
                said = json.loads(self.text())
                if isinstance(said, dict) and name in said:
                    return said

    def hears_nothing(self, seconds=0.2):
        return self.client.nothing_comes(seconds)


def await_subscribers(asker, channel, count):
    """Until the worker of `asker` knows of so many."""
    wait_until(lambda: asker.ask("ask", channel)["subscribers"] == count, what=f"{count} subscribers of {channel}")


def home_slot(channel, homes):
    """Which slot keeps the channel, as worker/home_slot.h has it."""
    mask = (1 << 64) - 1
    key = 0xCBF29CE484222325
    for byte in channel.encode():
        key = ((key ^ byte) * 0x100000001B3) & mask
    slot, candidate = -1, 0
    while candidate < homes:
        slot = candidate
        key = (key * 2862933555777941757 + 1) & mask
        candidate = int((slot + 1) * ((1 << 31) / ((key >> 33) + 1)))
    return slot


def channel_at_home(prefix, slot, homes):
    """A channel whose home is that slot."""
    return next(name for number in range(10_000) if home_slot(name := f"{prefix}{number}", homes) == slot)
