"""A WebSocket server that is not ours (Debian's python3-websockets), with faults on demand:

    foreign_server.py HABIT [CERT KEY]     prints its port

HABIT: echo; lose, double, swap, alter, retype (each 50th message); delay (each answer 50 ms late); stall (one second of silence, half a
second after the first message); room (all to all of a path), room-lose, room-double, room-swap, room-delay; close (each connection
after its 20th message).
"""

import asyncio
import pathlib
import ssl
import subprocess
import sys
import time

FILE = pathlib.Path(__file__)


class ForeignServer:
    """One in a process of its own."""

    def __init__(self, habit="echo", certificate=None):
        words = [sys.executable, str(FILE), habit]
        if certificate:
            words += [str(certificate.cert), str(certificate.key)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        assert line, "the foreign server did not start"
        self.port = int(line)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Habit:
    def __init__(self, name):
        self.name = name
        self.count = 0
        self.kept = None
        self.first = None
        self.rooms = {}

    def answers(self, message):
        """What becomes of a message: none, one or two."""
        self.count += 1
        fault = self.name.removeprefix("room-") if self.count % 50 == 25 else ""
        if fault == "lose":
            return []
        if fault == "double":
            return [message, message]
        if fault == "alter":
            return [message[:-1] + "!"]
        if fault == "retype":
            return [message.encode()]
        if self.kept is not None:
            kept, self.kept = self.kept, None
            return [message, kept]
        if fault == "swap":
            self.kept = message
            return []
        return [message]

    async def serve(self, client, path):
        if self.name.startswith("room"):
            return await self.hold_room(client, path)
        own = Habit(self.name)
        async for message in client:
            self.first = self.first or time.monotonic()
            if self.name == "delay":
                asyncio.get_running_loop().call_later(0.05, lambda message=message: asyncio.ensure_future(client.send(message)))
                continue
            if self.name == "stall" and time.monotonic() > self.first + 0.5:
                self.first = float("inf")
                time.sleep(1)  # all of the server stands still
            for answer in own.answers(message):
                await client.send(answer)
            if self.name == "close" and own.count == 20:
                return await client.close(1001, "enough")

    async def hold_room(self, client, path):
        room = self.rooms.setdefault(path, set())
        room.add(client)
        try:
            async for message in client:
                if self.name == "room-delay":
                    await asyncio.sleep(0.05)
                for answer in self.answers(message):
                    for member in list(room):
                        if member is not client:
                            await member.send(answer)
        finally:
            room.discard(client)


async def main(habit, *pair):
    import websockets

    context = None
    if pair:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
    habit = Habit(habit)
    options = {"ssl": context, "max_size": None, "max_queue": None, "subprotocols": ["chat", "other"], "ping_interval": None}
    server = await websockets.serve(habit.serve, "127.0.0.1", 0, **options)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
