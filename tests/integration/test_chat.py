"""The apps chat and danmaku: docs/chat-protocol.md, kept by clients on different workers, through reloads and deaths."""

import json
import threading
import time

import pytest

from clients import BINARY, CLOSE, PING, PONG, TEXT, close_frame, closed, frame, handshake_request
from server import wait_until


class Chatter:
    """A client that speaks the protocol. Objects of one array are received one by one."""

    def __init__(self, client):
        self.client = client
        self.waiting = []

    def say(self, type_, **members):
        self.client.send(frame(TEXT, json.dumps({"type": type_, **members})))

    def hear(self):
        """The next object."""
        if not self.waiting:
            opcode, payload = self.client.receive_message()
            while opcode == PING:
                self.client.send(frame(PONG, payload))
                opcode, payload = self.client.receive_message()
            assert opcode == TEXT, (opcode, payload)
            messages = json.loads(payload)
            self.waiting = messages if isinstance(messages, list) else [messages]
        return self.waiting.pop(0)

    def expect(self, type_, **members):
        """The next object of this type; whatever else comes before it is passed over."""
        while (heard := self.hear())["type"] != type_:
            assert heard["type"] != "error", heard
        for name, value in members.items():
            assert heard.get(name) == value, heard
        return heard

    def expect_error(self, code):
        while (heard := self.hear())["type"] != "error":
            pass
        assert heard["code"] == code, heard
        assert heard["message"].endswith("."), heard

    def join(self, name):
        self.say("join", name=name)
        welcome = self.expect("welcome", name=name)
        self.id = welcome["id"]
        return welcome

    def hears_nothing_of(self, type_, seconds=0.3):
        """Whether nothing of this type comes for so long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not self.waiting and self.client.nothing_comes(left):
                return True
            if self.hear()["type"] == type_:
                return False
        return True


@pytest.fixture
def enter(connect):
    """enter(server, "Alice", slot=1): a member of a room; with a slot, served by that worker."""

    def make(server, name=None, room="cats", slot=None, **options):
        while True:
            before = {row["slot"]: row["connections"] for row in server.workers()}
            client = connect(server.port, handshake=False, **options)
            client.open(path=f"/chat/{room}")
            if slot is None:
                break
            wait_until(lambda: server.connections() > sum(before.values()), what="the connection to be counted")
            if server.worker(slot)["connections"] > before[slot]:
                break
            client.close_cleanly()
            wait_until(lambda: server.connections() == sum(before.values()))
        chatter = Chatter(client)
        if name is not None:
            chatter.welcome = chatter.join(name)
        return chatter

    return make


@pytest.fixture(params=["chat", "danmaku"])
def rooms(servers, request):
    server = servers(app=request.param, count=2, options=["--set", "rate=100000"])
    server.start()
    return server


@pytest.fixture
def chat(servers):
    server = servers(app="chat", count=2, options=["--set", "rate=100000"])
    server.start()
    return server


# ---- Rooms


@pytest.mark.smoke
def test_members_on_different_workers_hear_one_another(rooms, enter):
    alice = enter(rooms, "Alice", slot=0)
    assert alice.welcome["room"] == "cats"
    assert alice.welcome["members"] == [{"id": alice.id, "name": "Alice"}]
    assert alice.welcome["history"] == []
    bob = enter(rooms, "Bob", slot=1)
    assert bob.welcome["count"] == 2
    assert sorted(member["name"] for member in bob.welcome["members"]) == ["Alice", "Bob"]
    alice.expect("joined", id=bob.id, name="Bob", count=2)

    alice.say("say", text="hello, 鲍勃 \U0001f600\n")
    for member in (alice, bob):
        said = member.expect("said", id=alice.id, name="Alice", text="hello, 鲍勃 \U0001f600\n")
        assert abs(said["time"] / 1000 - time.time()) < 60
        assert ("color" in said) == (rooms.app == "danmaku")
    bob.say("say", text="hi")
    for member in (alice, bob):
        member.expect("said", id=bob.id, text="hi")


def test_rooms_hear_nothing_of_each_other(chat, enter):
    alice = enter(chat, "Alice", room="cats")
    bob = enter(chat, "Alice", room="dogs")  # a name is taken in its room alone
    alice.say("say", text="meow")
    alice.expect("said")
    assert bob.hears_nothing_of("said")


def test_every_path_of_a_room_leads_into_it(chat, connect):
    names = iter("ABCDE")
    for path in ("/", "/chat/lobby", "/danmaku/lobby", "/chat/%6Cobby"):
        client = connect(chat.port, handshake=False)
        client.open(path=path)
        assert Chatter(client).join(next(names))["room"] == "lobby"


@pytest.mark.parametrize("path", ["/chat", "/chat/", "/chat/a/b", "/chat/..", "/other/cats", "/chat/a%20b", "/chat/" + "x" * 65])
def test_other_paths_are_404(chat, connect, path):
    client = connect(chat.port, handshake=False)
    client.send(handshake_request(path=path))
    assert client.receive_response().status == 404


def test_a_name_in_the_address_joins_at_once(chat, connect):
    client = connect(chat.port, handshake=False)
    client.open(path="/chat/%E7%8C%AB?name=+%E7%8E%8B%E5%B0%8F%E6%98%8E+")
    welcome = Chatter(client).expect("welcome")
    assert (welcome["room"], welcome["name"]) == ("猫", "王小明")
    bad = connect(chat.port, handshake=False)
    bad.open(path="/chat/cats?name=%00")
    chatter = Chatter(bad)
    chatter.expect_error("name_invalid")
    chatter.join("Bob")


def test_who_leaves_hears_no_more_and_may_come_back(rooms, enter):
    alice, bob = enter(rooms, "Alice", slot=0), enter(rooms, "Bob", slot=1)
    alice.expect("joined")
    bob.say("leave")
    assert "count" not in bob.expect("left", id=bob.id)
    alice.expect("left", id=bob.id, name="Bob", count=1)
    alice.say("say", text="gone?")
    alice.expect("said")
    assert bob.hears_nothing_of("said")
    bob.say("say", text="I")
    bob.expect_error("not_joined")
    assert [said["text"] for said in bob.join("Bob")["history"]] == ["gone?"]
    alice.expect("joined", name="Bob", count=2)


def test_who_disconnects_has_left(rooms, enter):
    alice, bob, carol = enter(rooms, "Alice", slot=0), enter(rooms, "Bob", slot=1), enter(rooms, "Carol", slot=1)
    bob.client.send(close_frame(1000))
    alice.expect("left", id=bob.id, name="Bob", count=2)
    carol.client.reset()
    alice.expect("left", id=carol.id, name="Carol", count=1)
    enter(rooms, "Bob")


def test_a_member_may_take_another_name(rooms, enter):
    alice, bob = enter(rooms, "Alice", slot=0), enter(rooms, "Bob", slot=1)
    alice.expect("joined", name="Bob")
    bob.say("join", name="Alice")
    bob.expect_error("name_taken")
    bob.say("say", text="still Bob")
    alice.expect("said", name="Bob")
    assert {member["name"] for member in bob.join("Robert")["members"]} == {"Alice", "Robert"}
    alice.expect("joined", id=bob.id, name="Robert", count=2)
    bob.say("say", text="new name")
    alice.expect("said", id=bob.id, name="Robert")
    enter(rooms, "Bob")  # free again


def test_members_are_listed_on_request(rooms, enter):
    alice, bob = enter(rooms, "Alice", slot=0), enter(rooms, "Bob", slot=1)
    for member in (alice, bob):
        member.say("members")
        answer = member.expect("members", count=2)
        assert sorted((one["id"], one["name"]) for one in answer["members"]) == sorted([(alice.id, "Alice"), (bob.id, "Bob")])


def test_history_is_the_last_50_in_their_order(rooms, enter):
    alice = enter(rooms, "Alice", slot=0)
    for number in range(60):
        alice.say("say", text=str(number))
    for number in range(60):
        alice.expect("said", text=str(number))
    bob = enter(rooms, "Bob", slot=1)
    assert [said["text"] for said in bob.welcome["history"]] == [str(number) for number in range(10, 60)]
    assert all(said["type"] == "said" and said["id"] == alice.id for said in bob.welcome["history"])
    assert "history_lost" not in bob.welcome


def test_nothing_is_missed_or_doubled_between_history_and_what_follows(rooms, enter):
    """Somebody talks all the time while others come in."""
    alice = enter(rooms, "Alice", slot=0)
    done = threading.Event()

    def talk():
        number = 0
        while not done.is_set():
            alice.say("say", text=str(number))
            assert alice.expect("said")["text"] == str(number)
            number += 1

    talker = threading.Thread(target=talk)
    talker.start()
    try:
        for name in ("Bob", "Carol", "Dave", "Eve"):
            member = enter(rooms, name, slot=1)
            numbers = [int(said["text"]) for said in member.welcome["history"]]
            numbers += [int(member.expect("said")["text"]) for _ in range(10)]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    finally:
        done.set()
        talker.join()


def test_a_crowd_is_counted_and_not_listed(chat, connect, enter):
    alice = enter(chat, "Alice")
    port = chat.port

    def come(number):
        client = connect(port, handshake=False)
        client.open(path=f"/chat/cats?name=Member+{number}")
        return client

    members = [come(number) for number in range(2, 201)]
    for number in range(2, 201):
        alice.expect("joined", count=number)
    members.append(come(201))
    assert alice.hear() == {"type": "count", "count": 201}
    latest = Chatter(come(202))
    welcome = latest.expect("welcome")
    assert welcome["count"] == 202 and "members" not in welcome
    assert alice.hears_nothing_of("count", 0.1), "not for less than one in a hundred"
    latest.client.reset()
    members.pop().reset()
    assert len(alice.expect("members", count=200)["members"]) == 200
    members.pop().reset()
    alice.expect("left", count=199)


def test_other_programs_speak_in_the_room_too(chat, enter):
    alice = enter(chat, "Alice")
    message = {"type": "said", "name": "Station", "text": "The film begins."}
    assert chat.cli("publish", "chat/cats", json.dumps(message)).returncode == 0
    assert alice.hear() == message
    assert chat.cli("publish", "chat/cats", "this is no JSON").returncode == 0
    assert alice.client.receive_message() == (TEXT, b"this is no JSON")
    assert enter(chat, "Bob").welcome["history"] == [message]


# ---- One to one


def test_tell_reaches_one_member_alone(rooms, enter):
    alice, bob, carol = enter(rooms, "Alice", slot=0), enter(rooms, "Bob", slot=1), enter(rooms, "Carol", slot=1)
    alice.say("tell", to=bob.id, text="psst")
    told = bob.expect("told", id=alice.id, name="Alice", text="psst")
    assert "to" not in told
    alice.expect("told", to=bob.id, text="psst", time=told["time"])
    assert carol.hears_nothing_of("told")
    assert enter(rooms, "Dave").welcome["history"] == []


@pytest.mark.parametrize("to", ["1", "nobody", "", "18446744073709551615"])
def test_tell_to_nobody_is_said(chat, enter, to):
    alice = enter(chat, "Alice")
    alice.say("tell", to=to, text="psst")
    alice.expect_error("no_such_member")


def test_tell_finds_nobody_outside_the_room(chat, enter):
    alice = enter(chat, "Alice", room="cats")
    outside = [enter(chat, "Bob", room="dogs"), enter(chat, "Carol")]
    outside[1].say("leave")
    outside[1].expect("left", id=outside[1].id)
    for other in outside:
        alice.say("tell", to=other.id, text="psst")
        alice.expect_error("no_such_member")
        assert other.hears_nothing_of("told", 0.1)


def test_who_is_heard_of_can_be_told_something_at_once(rooms, enter):
    alice = enter(rooms, "Alice", slot=0)
    bob = enter(rooms, slot=1)
    for number in range(20):
        bob.say("join", name=f"Bob {number}")
        joined = alice.expect("joined", name=f"Bob {number}")
        alice.say("tell", to=joined["id"], text=str(number))
        alice.expect("told", text=str(number))
        bob.expect("told", text=str(number))
        bob.say("leave")


# ---- What is refused


def test_before_the_welcome_nothing_but_join_is_followed(chat, enter):
    outsider = enter(chat)
    for type_, members in [("say", {"text": "x"}), ("tell", {"to": "1", "text": "x"}), ("members", {}), ("leave", {})]:
        outsider.say(type_, **members)
        outsider.expect_error("not_joined")


@pytest.mark.parametrize("message", [b"", b"hello", b"[]", b"{}", b'{"type":"shout"}', b'{"type":"say"}', b'{"type":"say","text":7}'])
def test_what_is_no_message_is_said_and_harms_nobody(chat, enter, message):
    alice = enter(chat, "Alice")
    alice.client.send(frame(TEXT, message))
    alice.expect_error("bad_message")
    alice.client.send(frame(BINARY, b'{"type":"leave"}'))
    alice.expect_error("bad_message")
    alice.say("say", text="still here")
    alice.expect("said", text="still here")


@pytest.mark.parametrize("name", ["", " ", "x" * 33, "a\nb", "a\u202eb", "\u200b"])
def test_bad_names_are_refused(chat, enter, name):
    outsider = enter(chat)
    outsider.say("join", name=name)
    outsider.expect_error("name_invalid")


def test_texts_have_a_limit_in_characters(servers, enter):
    server = servers(app="chat", count=1, options=["--set", "max_text=5"])
    server.start()
    alice = enter(server, "Alice")
    alice.say("say", text="\U0001f600" * 5)
    alice.expect("said")
    alice.say("say", text="\U0001f600" * 6)
    alice.expect_error("text_too_long")
    alice.say("say", text="\u3000")
    alice.expect_error("text_invalid")


def test_who_is_too_fast_is_told_so(servers, enter):
    server = servers(app="chat", count=1)
    server.start()
    alice, bob = enter(server, "Alice"), enter(server, "Bob")
    alice.expect("joined")
    began = time.monotonic()
    for number in range(40):
        alice.say("say", text=str(number))
    answers = [alice.hear() for _ in range(40)]
    accepted = [answer["text"] for answer in answers if answer["type"] == "said"]
    assert {answer["code"] for answer in answers if answer["type"] == "error"} == {"too_fast"}
    passed = time.monotonic() - began
    assert 9 <= len(accepted) <= 9 + 5 * passed + 1  # the join was one of ten
    for text in accepted:
        bob.expect("said", text=text)
    wait_until(lambda: alice.say("say", text="later") or alice.hear()["type"] == "said")


@pytest.mark.parametrize("setting", ["rate=0", "rate=x", "max_text=0", "max_text="])
def test_settings_that_are_none_fail_the_start(servers, setting):
    server = servers(app="chat", options=["--set", setting])
    result = server.start(check=False)
    assert result.returncode == 1
    assert setting.partition("=")[0] + " must be a number from 1 to 100000" in result.stderr + result.stdout
    server.expect_log("could not start|must be a number")
    server.expect_nothing_left()


def test_danmaku_has_looks_and_batches(servers, enter):
    server = servers(app="danmaku", count=2, options=["--set", "rate=100000"])
    server.start()
    alice, bob = enter(server, "Alice", slot=0), enter(server, "Bob", slot=1)
    alice.say("say", text="red", color="#ff0000", position="top")
    alice.say("say", text="plain")
    bob.expect("said", text="red", color="#ff0000", position="top")
    bob.expect("said", text="plain", color="#ffffff", position="scroll")
    alice.say("say", text="x", color="red")
    alice.expect_error("bad_message")

    for number in range(100):
        alice.say("say", text=str(number))
    frames = 0
    for number in range(100):
        frames += not bob.waiting
        bob.expect("said", text=str(number))
    assert frames < 50, "what is said within 50 ms comes together"


# ---- Names


def test_a_name_that_two_want_at_once_is_given_to_one(rooms, connect, enter):
    """Clients of different workers ask at the same time, again and again."""
    pair = [enter(rooms, slot=0), enter(rooms, slot=1)]
    for number in range(20):
        name = f"Alice {number}"
        barrier = threading.Barrier(2)

        def ask(chatter):
            barrier.wait()
            chatter.say("join", name=name)

        threads = [threading.Thread(target=ask, args=(chatter,)) for chatter in pair]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answers = []
        for chatter in pair:
            while (heard := chatter.hear())["type"] not in ("welcome", "error"):
                pass
            answers.append(heard.get("code", "welcome"))
        assert sorted(answers) == ["name_taken", "welcome"]
        winner = pair[answers.index("welcome")]
        winner.say("leave")
        while winner.hear()["type"] != "left":
            pass


# ---- Reloads and deaths


@pytest.mark.smoke
def test_a_reload_keeps_rooms_names_and_history(rooms, enter):
    alice, bob = enter(rooms, "Alice", slot=0), enter(rooms, "Bob", slot=1)
    alice.expect("joined")
    alice.say("say", text="before")
    bob.expect("said", text="before")
    assert rooms.cli("reload").returncode == 0
    alice.say("say", text="after")
    for member in (alice, bob):
        assert member.expect("said", text="after" if member is bob else "before")
    alice.expect("said", id=alice.id, name="Alice", text="after")
    bob.say("tell", to=alice.id, text="psst")
    alice.expect("told", id=bob.id, name="Bob")
    bob.expect("told", to=alice.id)
    carol = enter(rooms, "Carol", slot=0)
    assert [said["text"] for said in carol.welcome["history"]] == ["before", "after"]
    assert sorted(member["name"] for member in carol.welcome["members"]) == ["Alice", "Bob", "Carol"]
    thief = enter(rooms)
    thief.say("join", name="Alice")
    thief.expect_error("name_taken")
    assert alice.hears_nothing_of("left", 0.1)


def test_nobody_misses_a_word_through_reloads(rooms, enter):
    """Two talk on different workers while everything is replaced under them, twice."""
    alice, bob = enter(rooms, "Alice", slot=0), enter(rooms, "Bob", slot=1)
    counts = {}

    def talk(member, until):
        number = 0
        while not until.is_set() or number < 50:
            member.say("say", text=f"{member.id} {number}")
            number += 1
            time.sleep(0.005)
        counts[member.id] = number

    def listen(member):
        """What each said arrives once and in order, until both have come to an end."""
        heard = {alice.id: 0, bob.id: 0}
        while len(counts) < 2 or heard != counts:
            said = member.expect("said")
            assert said["text"] == f"{said['id']} {heard[said['id']]}", heard
            heard[said["id"]] += 1

    done = threading.Event()
    failures = []

    def guarded(function, *arguments):
        try:
            function(*arguments)
        except BaseException as failure:
            failures.append(failure)

    talkers = [threading.Thread(target=guarded, args=(talk, member, done)) for member in (alice, bob)]
    for talker in talkers:
        talker.start()
    for _ in range(2):
        assert rooms.cli("reload").returncode == 0
    done.set()
    for talker in talkers:
        talker.join()
    for member in (alice, bob):
        guarded(listen, member)
    assert not failures, failures


@pytest.mark.parametrize("slot", [0, 1])
def test_members_of_a_killed_worker_have_left(rooms, enter, slot):
    alice, bob = enter(rooms, "Alice", slot=1 - slot), enter(rooms, "Bob", slot=slot)
    alice.expect("joined")
    alice.say("say", text="before")
    alice.expect("said")
    rooms.kill(rooms.worker(slot)["pid"])
    # The room may have been kept by the worker that died: then everybody gets the new list instead.
    while (heard := alice.hear())["type"] not in ("left", "members"):
        pass
    while heard["count"] != 1:
        heard = alice.hear()
    rooms.wait_running()
    alice.say("say", text="after")
    alice.expect("said", text="after")
    wait_until(lambda: enters(enter, rooms, "Bob"), what="the dead one's name to be free")


def enters(enter, server, name):
    chatter = enter(server)
    chatter.say("join", name=name)
    while (heard := chatter.hear())["type"] not in ("welcome", "error"):
        pass
    if heard["type"] == "error":
        assert heard["code"] == "name_taken"
        chatter.client.close_cleanly()
        return False
    assert sorted(member["name"] for member in heard["members"]) == ["Alice", "Bob"]
    return True


def test_history_survives_the_death_of_a_worker_or_is_said_to_be_lost(rooms, enter):
    alice, bob = enter(rooms, "Alice", slot=0), enter(rooms, "Bob", slot=1)
    for number in range(5):
        alice.say("say", text=str(number))
        bob.expect("said", text=str(number))
    rooms.kill(rooms.worker(0)["pid"])
    rooms.wait_running()
    carol = enter(rooms, "Carol", slot=1)
    texts = [said["text"] for said in carol.welcome["history"]]
    assert texts == [str(number) for number in range(5)] or carol.welcome.get("history_lost") is True


# ---- Who reads too slowly


def stall(server, enter, name):
    """A member that reads nothing any more."""
    return enter(server, name, receive_buffer=4096)


def test_chat_closes_who_reads_too_slowly_and_nobody_else(servers, enter):
    server = servers(app="chat", count=2, options=["--set", "rate=100000", "--set", "max_text=10000", "--send-queue", "65536"])
    server.start()
    alice, bob = enter(server, "Alice", slot=0), enter(server, "Bob", slot=1)
    slow = stall(server, enter, "Slow")
    bob.expect("joined", name="Slow")
    number = 0
    while server.status()["totals"]["send_dropped"] == 0:
        alice.say("say", text=f"{number} " + "x" * 9000)
        for member in (alice, bob):
            assert member.expect("said")["text"].startswith(f"{number} ")
        number += 1
    received = slow.client.receive_frame()
    while received.opcode != CLOSE:
        received = slow.client.receive_frame()
    assert closed(received.payload).code == 1013
    slow.client.abandon()
    # It comes back and catches up.
    again = enter(server, "Slow")
    texts = [said["text"].partition(" ")[0] for said in again.welcome["history"]]
    assert texts == [str(one) for one in range(max(0, number - 50), number)]


def test_danmaku_lets_who_reads_too_slowly_miss_the_oldest(servers, enter):
    server = servers(app="danmaku", count=2, options=["--set", "rate=100000", "--set", "max_text=10000", "--send-queue", "65536"])
    server.start()
    alice, bob = enter(server, "Alice", slot=0), enter(server, "Bob", slot=1)
    slow = stall(server, enter, "Slow")
    for first in range(0, 500, 5):
        for number in range(first, first + 5):
            alice.say("say", text=f"{number} " + "x" * 1000)
        for member in (alice, bob):
            for number in range(first, first + 5):
                assert member.expect("said")["text"].startswith(f"{number} ")
    alice.say("say", text="last")
    bob.expect("said", text="last")
    numbers = []
    while (text := slow.expect("said")["text"]) != "last":
        numbers.append(int(text.partition(" ")[0]))
    assert numbers == sorted(set(numbers))
    assert len(numbers) < 500, "it could not have everything"
    assert numbers[-1] == 499, "what is dropped is the oldest"
