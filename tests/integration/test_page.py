"""The page of the built-in apps in a real browser: the console, the wall, and what they do when the server goes away."""

import json
import re

import pytest

from browser import browser, running_browser  # noqa: F401  (fixtures)
from server import wait_until

# A browser says so on its console when a connection is refused; a page can't keep it from doing that.
REFUSED = re.compile(r"WebSocket connection to 'ws://[^']*' failed")


def home(server):
    return server.urls()[0].replace("ws://", "http://").rstrip("/") + "/"


# ---- The console


def connect_console(page):
    page.click("#connect")
    page.wait("document.querySelector('#console-state').dataset.state === 'open'")


def rows(page):
    """(kind, text) of the console's list."""
    return [
        tuple(row)
        for row in page.evaluate("Array.from(document.querySelectorAll('#messages li'), (r) => [r.className, r.lastChild.textContent])")
    ]


@pytest.fixture
def echo(servers):
    server = servers(app="echo", count=2)
    server.start()
    return server


@pytest.mark.smoke
def test_console_holds_a_conversation(echo, browser):  # noqa: F811
    page = browser.open(home(echo))
    address = echo.urls()[0].rstrip("/") + "/"
    assert page.evaluate("document.querySelector('#address').value") == address
    assert page.evaluate("document.querySelector('#send').disabled")
    connect_console(page)
    assert page.text("#console-state output") == f"Connected to {address}"
    assert echo.connections() == 1

    page.fill("#message", "world", then="Enter")
    page.wait_for("#messages .received", "hello world")
    assert rows(page)[-2:] == [("sent", "world"), ("received", "hello world")]
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d", time) for time in page.texts("#messages time"))
    assert page.evaluate("document.querySelector('#message').value") == ""
    page.screenshot("console")

    page.click("#disconnect")
    wait_until(lambda: echo.connections() == 0)
    assert page.text("#console-state output") == "Not connected"
    page.click("#clear")
    assert rows(page) == []


def test_console_shows_markup_as_text(echo, browser):  # noqa: F811
    page = browser.open(home(echo))
    connect_console(page)
    markup = "<img src=x onerror=alert(1)><script>alert(1)</script><b>bold</b>"
    page.fill("#message", markup, then="Enter")
    page.wait_for("#messages .received", "hello " + markup)
    assert page.evaluate("document.querySelectorAll('#messages img, #messages script, #messages li b b').length") == 0


def test_policy_stops_what_is_not_the_pages_own(echo, browser):  # noqa: F811
    page = browser.open(home(echo))
    assert page.evaluate(
        "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'markup'; } catch { return 'refused'; } })()"
    ) == "refused"  # fmt: skip
    assert all("Trusted" in complaint for complaint in browser.complaints())


def test_console_shows_bytes_and_long_texts_in_short(servers, browser):  # noqa: F811
    server = servers(options=["--set", "prefix="])
    server.start()
    page = browser.open(home(server))
    connect_console(page)
    page.evaluate("line.socket.send(new Uint8Array([0, 255, 16]))")
    page.wait_for("#messages .received", "3 B: 00 ff 10")
    page.evaluate("line.socket.send('x'.repeat(100000))")
    page.wait_for("#messages .received", "xxx…")
    assert page.evaluate("document.querySelector('#messages li:last-child').textContent.length") < 5000


def test_console_keeps_200_rows(servers, browser):  # noqa: F811
    server = servers(options=["--set", "prefix="])
    server.start()
    page = browser.open(home(server))
    connect_console(page)
    page.evaluate("for (let i = 0; i < 500; ++i) line.socket.send(`number ${i}`)")
    page.wait_for("#messages .received", "number 499")
    assert len(rows(page)) == 200


def test_console_says_when_an_address_is_none(echo, browser):  # noqa: F811
    page = browser.open(home(echo))
    page.fill("#address", "ftp://somewhere")
    page.click("#connect")
    page.wait_for("#console-state", "This is no address of a WebSocket.")
    assert not page.evaluate("document.querySelector('#connect').disabled")


def test_words_are_the_browsers_or_the_chosen_ones(echo, browser):  # noqa: F811
    page = browser.open(home(echo), locale="zh-CN")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.text("#connect") == "连接"
    page.click("#language")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.text("#connect") == "Connect"
    assert page.text("#console-state output") == "Not connected"


def test_every_word_is_there_in_both_languages(echo, browser):  # noqa: F811
    page = browser.open(home(echo))
    keys = page.evaluate("[Object.keys(words.en), Object.keys(words.zh)]")
    from_the_server = {"name_taken", "name_invalid", "text_invalid", "text_too_long", "too_fast", "no_such_member"}
    assert set(keys[1]) - set(keys[0]) == from_the_server
    assert set(keys[0]) <= set(keys[1])


# ---- Coming back


def test_console_comes_back_after_its_worker_was_killed(echo, browser):  # noqa: F811
    page = browser.open(home(echo))
    connect_console(page)
    (worker,) = [row for row in echo.workers() if row["connections"]]
    echo.kill(worker["pid"])
    page.wait_for("#messages .note", "Connection lost (1006). Trying again…")
    page.wait("document.querySelector('#console-state').dataset.state === 'open'")
    page.fill("#message", "world", then="Enter")
    page.wait_for("#messages .received", "hello world")


def test_console_stays_connected_through_a_reload(echo, browser):  # noqa: F811
    page = browser.open(home(echo))
    connect_console(page)
    before = rows(page)
    assert echo.cli("reload").returncode == 0
    wait_until(lambda: all(row["generation"] == 2 for row in echo.workers()))
    page.fill("#message", "world", then="Enter")
    page.wait_for("#messages .received", "hello world")
    assert rows(page) == [*before, ("sent", "world"), ("received", "hello world")]


def test_console_backs_off_and_comes_back_with_the_server(servers, browser):  # noqa: F811
    server = servers()
    server.start()
    port = server.port
    page = browser.open(home(server))
    # Without luck the delays are their limits; each is shown as a whole number of seconds.
    page.evaluate("Math.random = () => 0.999")
    connect_console(page)
    page.evaluate(
        "(window.shown = [], new MutationObserver(() => window.shown.push(document.querySelector('#console-state i').textContent))"
        ".observe(document.querySelector('#console-state i'), { childList: true }), true)"
    )
    server.stop()
    page.wait("window.shown.includes('4 s, attempt 3')")
    waits = [text for text in page.evaluate("window.shown") if text]
    attempts = {}
    for text in waits:
        seconds, attempt = re.fullmatch(r"(\d+) s, attempt (\d+)", text).groups()
        attempts[int(attempt)] = max(attempts.get(int(attempt), 0), int(seconds))
    assert attempts == {1: 1, 2: 2, 3: 4}
    assert page.text("#console-state output") == "Could not connect. Trying again…"

    server.listen = [f"ws://127.0.0.1:{port}"]
    server.start()
    page.wait("document.querySelector('#console-state').dataset.state === 'open'")
    assert all(REFUSED.search(complaint) for complaint in browser.complaints())


def test_disconnect_ends_the_attempts(servers, browser):  # noqa: F811
    server = servers()
    server.start()
    page = browser.open(home(server))
    connect_console(page)
    server.stop()
    page.wait("document.querySelector('#console-state').dataset.state === 'waiting'")
    page.click("#disconnect")
    assert page.text("#console-state output") == "Not connected"
    assert page.text("#console-state i") == ""
    page.evaluate("new Promise((done) => setTimeout(done, 1500))")
    assert page.text("#console-state output") == "Not connected"
    assert all(REFUSED.search(complaint) for complaint in browser.complaints())


# ---- The wall


def enter(page, name, room="cats"):
    page.fill("#room", room)
    page.fill("#name", name)
    page.click("#join")


def is_in(page):
    page.wait("!document.querySelector('#say').disabled")


def comment(page, text, position="scroll"):
    page.select("#position", position)
    page.fill("#comment", text, then="Enter")


@pytest.fixture(params=["danmaku", "chat"])
def rooms(servers, request):
    server = servers(app=request.param, count=2, options=["--set", "rate=1000"])
    server.start()
    return server


@pytest.fixture
def danmaku(servers):
    server = servers(app="danmaku", count=2, options=["--set", "rate=1000"])
    server.start()
    return server


def record_states(page):
    """From now on window.states has each state of the wall's connection."""
    page.evaluate(
        "(() => { window.states = []; const changed = wall.changed; "
        "wall.changed = (before) => { window.states.push(wall.state); changed(before); }; })()"
    )


def worker_of_the_latest(server, before):
    """The slot whose worker has one connection more than `before`."""
    now = {row["slot"]: row["connections"] for row in server.workers()}
    (slot,) = [slot for slot in now if now[slot] > before.get(slot, 0)]
    return slot


def two_on_different_workers(server, browser, **options):
    """Two pages in one room, served by two workers."""
    first = browser.open(home(server) + "#wall", **options)
    enter(first, "Alice")
    is_in(first)
    taken = {row["slot"]: row["connections"] for row in server.workers()}
    second = browser.open(home(server) + "#wall", **options)
    while True:
        enter(second, "小明")
        is_in(second)
        if taken[worker_of_the_latest(server, taken)] == 0:
            return first, second
        second.click("#leave")
        wait_until(lambda: server.connections() == 1)


@pytest.mark.smoke
def test_two_pages_on_different_workers_see_each_others_comments(rooms, browser):  # noqa: F811
    alice, ming = two_on_different_workers(rooms, browser)
    assert [row["connections"] for row in rooms.workers()] == [1, 1]
    for page in (alice, ming):
        page.wait_for("#count", "2 here")
    comment(alice, "Hello, wall!")
    comment(ming, "前方高能！")
    for page in (alice, ming):
        page.wait_for("#stage i", "Hello, wall!")
        page.wait_for("#stage i", "前方高能！")
        page.wait_for("#log .said", "Hello, wall!")
        page.wait_for("#log .said", "前方高能！")
    assert alice.texts("#stage .own") == ["Hello, wall!"]
    assert ming.texts("#stage .own") == ["前方高能！"]
    alice.wait("Array.from(document.querySelectorAll('#stage i')).every((e) => e.getBoundingClientRect().right < 900)")
    alice.screenshot("wall")


def test_a_page_that_comes_later_reads_what_was_said(danmaku, browser):  # noqa: F811
    first = browser.open(home(danmaku) + "#wall")
    enter(first, "Alice")
    is_in(first)
    comment(first, "early")
    first.wait_for("#log .said", "early")
    second = browser.open(home(danmaku) + "#wall/cats")
    assert second.evaluate("document.querySelector('#room').value") == "cats"
    enter(second, "Bob")
    second.wait_for("#log .said", "early")
    assert second.texts("#stage i") == [], "what is past does not fly"


def test_one_member_can_be_told_something_alone(danmaku, browser):  # noqa: F811
    alice, ming = two_on_different_workers(danmaku, browser)
    alice.wait_for("#to option", "小明")
    alice.select("#to", alice.evaluate("document.querySelector('#to option:last-child').value"))
    alice.fill("#comment", "psst", then="Enter")
    alice.wait_for("#log .private", "Alice → 小明")
    ming.wait_for("#log .private", "psst")
    assert ming.texts("#stage i") == []


def test_a_taken_name_is_said_and_another_one_will_do(danmaku, browser):  # noqa: F811
    first = browser.open(home(danmaku) + "#wall")
    enter(first, "Alice")
    is_in(first)
    second = browser.open(home(danmaku) + "#wall")
    enter(second, "Alice")
    second.wait_for("#problem", "Somebody else in the room has this name.")
    assert second.evaluate("document.querySelector('#say').disabled")
    enter(second, "Bob")
    is_in(second)
    assert second.text("#wall-state output") == "In cats as Bob"
    assert second.text("#problem") == ""


def test_comments_stay_text_whatever_is_in_them(danmaku, browser):  # noqa: F811
    page = browser.open(home(danmaku) + "#wall")
    enter(page, "<i>Eve</i>")
    is_in(page)
    markup = "<img src=x onerror=alert(1)>"
    comment(page, markup)
    page.wait_for("#stage i", markup)
    page.wait_for("#log b", "<i>Eve</i>")
    assert page.evaluate("document.querySelectorAll('#stage img, #log img, #log i').length") == 0


def test_the_wall_survives_whatever_other_programs_publish(danmaku, browser):  # noqa: F811
    page = browser.open(home(danmaku) + "#wall")
    enter(page, "Alice")
    is_in(page)
    for data in ["null", "7", "[]", '"x"', '{"type":"later"}', '{"type":"toString"}', '{"type":"said"}', '{"type":"said","text":7,"color":[],"time":"x"}',
                 '{"type":"said","name":"Station","text":"The film begins.","position":"nowhere"}']:  # fmt: skip
        assert danmaku.cli("publish", "danmaku/cats", data).returncode == 0
    page.wait_for("#stage i", "The film begins.")
    page.wait_for("#log b", "Station")
    late = browser.open(home(danmaku) + "#wall")
    enter(late, "Bob")
    late.wait_for("#log b", "Station")


def test_the_wall_comes_back_into_its_room(danmaku, browser):  # noqa: F811
    alice, ming = two_on_different_workers(danmaku, browser)
    comment(alice, "before")
    ming.wait_for("#log .said", "before")
    for page in (alice, ming):
        record_states(page)
    danmaku.kill(danmaku.worker(0)["pid"])
    wait_until(lambda: any("waiting" in page.evaluate("window.states") for page in (alice, ming)))
    for page in (alice, ming):
        is_in(page)
        page.wait_for("#count", "2 here")
    comment(alice, "after")
    for page in (alice, ming):
        page.wait_for("#log .said", "after")
        assert page.texts("#log .said span").count("before") == 1, "history repeats nothing that is shown"


def test_the_wall_stays_in_its_room_through_a_reload(danmaku, browser):  # noqa: F811
    alice, ming = two_on_different_workers(danmaku, browser)
    record_states(alice)
    comment(ming, "before")
    for page in (alice, ming):
        page.wait_for("#log .said", "before")  # and so whatever came before it: comings and goings to get there
    notes = [page.texts("#log .note") for page in (alice, ming)]
    assert danmaku.cli("reload").returncode == 0
    comment(ming, "still here")
    alice.wait_for("#log .said", "still here")
    comment(alice, "me too")
    ming.wait_for("#log .said", "me too")
    assert alice.evaluate("window.states") == []
    assert [page.texts("#log .note") for page in (alice, ming)] == notes


BOXES = "Array.from(document.querySelectorAll('#stage i'), (e) => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom, e.textContent]; })"

# Animations pause with the next frame.
BOXES_AT_REST = f"Promise.all(document.getAnimations().map((animation) => animation.ready)).then(() => {BOXES})"


def overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_comments_fly_in_lanes_and_never_overlap(danmaku, browser):  # noqa: F811
    page = browser.open(home(danmaku) + "#wall")
    enter(page, "Alice")
    is_in(page)
    positions = ["scroll"] * 8 + ["top", "bottom"]
    page.evaluate(
        "(() => { let n = 0; setInterval(() => { const position = " + json.dumps(positions) + "[n % 10]; "
        "wall.send(JSON.stringify({ type: 'say', text: 'comment '.repeat(n % 5 + 1) + n++, position })); }, 20); })()"
    )
    page.wait("document.querySelectorAll('#stage i').length > 20")
    most = 0
    for _ in range(100):
        boxes = page.evaluate(BOXES)
        most = max(most, len(boxes))
        for at, one in enumerate(boxes):
            assert not [(one, other) for other in boxes[at + 1 :] if overlap(one, other)]
    assert most <= 60
    page.wait("document.querySelectorAll('#log li').length === 100")
    page.wait("document.querySelector('#stage .fixed')")
    page.screenshot("crowded wall")


def test_the_wall_can_be_paused(danmaku, browser):  # noqa: F811
    page = browser.open(home(danmaku) + "#wall")
    enter(page, "Alice")
    is_in(page)
    comment(page, "slowly")
    page.wait_for("#stage i", "slowly")
    page.click("#pause")
    assert page.text("#pause") == "Resume"
    still = page.evaluate(BOXES_AT_REST)
    comment(page, "later")
    page.wait_for("#log .said", "later")
    assert page.evaluate(f"new Promise((done) => setTimeout(() => done({BOXES}), 300))") == still
    page.click("#pause")
    page.wait_for("#stage i", "later")
    page.wait(f"({BOXES})[0][0] < {still[0][0]}")


def test_the_wall_pauses_while_it_is_hidden(danmaku, browser):  # noqa: F811
    page = browser.open(home(danmaku) + "#wall")
    enter(page, "Alice")
    is_in(page)
    comment(page, "slowly")
    page.wait_for("#stage i", "slowly")
    hide = "(Object.defineProperty(document, 'hidden', { value: %s, configurable: true }), document.dispatchEvent(new Event('visibilitychange')))"
    page.evaluate(hide % "true")
    still = page.evaluate(BOXES_AT_REST)
    assert page.evaluate(f"new Promise((done) => setTimeout(() => done({BOXES}), 300))") == still
    page.evaluate(hide % "false")
    page.wait(f"({BOXES})[0][0] < {still[0][0]}")


def test_nothing_moves_for_who_wants_it_so(danmaku, browser):  # noqa: F811
    page = browser.open(home(danmaku) + "#wall", reducedMotion="reduce")
    enter(page, "Alice")
    is_in(page)
    comment(page, "calmly")
    page.wait_for("#stage .fixed", "calmly")
    still = page.evaluate(BOXES)
    assert page.evaluate(f"new Promise((done) => setTimeout(() => done({BOXES}), 300))") == still


def test_the_wall_of_a_server_without_rooms_says_so(echo, browser):  # noqa: F811
    page = browser.open(home(echo) + "#wall")
    enter(page, "Alice")
    page.wait_for("#problem", "This server runs no chat room.")
    assert page.text("#wall-state output") == "Not connected"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 375])
def test_the_page_looks_like_this(danmaku, browser, scheme, width):  # noqa: F811
    """For people to look at; of itself it only finds out that nothing is wider than the window."""
    options = {"colorScheme": scheme, "viewport": {"width": width, "height": 800}, "locale": "zh-CN" if scheme == "dark" else "en-US"}
    page = browser.open(home(danmaku) + "#wall", **options)
    enter(page, "Alice")
    is_in(page)
    for text, position in [("Hello, wall!", "scroll"), ("前方高能！", "scroll"), ("what a goal", "top"), ("哈哈哈哈哈哈", "scroll")]:
        comment(page, text, position)
    page.wait("document.querySelectorAll('#stage i').length === 4")
    page.wait(f"Array.from(document.querySelectorAll('#stage i')).every((e) => e.getBoundingClientRect().right < {0.85 * width})")
    page.screenshot(f"wall {scheme} {width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("#to-console")
    connect_console(page)
    page.screenshot(f"console {scheme} {width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
