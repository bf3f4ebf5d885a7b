// wsd.js alone, with a clock and a wx of the test's own: every order of events that a phone may come up with, also those
// that a real server cannot be made to cause.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const project = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../../../docs/examples/miniprogram");
const WsdSocket = createRequire(import.meta.url)(path.join(project, "wsd.js"));

const real = { setTimeout, clearTimeout, now: Date.now };
let now, timers, tasks, listeners, events, refusal, socket;

class ScriptedTask {
  constructor(options) {
    this.options = options;
    this.sent = [];
    this.closes = [];
    this.heard = {}; // the mini program's listeners, to be called by the test
  }

  onOpen(listener) {
    this.heard.open = listener;
  }

  onMessage(listener) {
    this.heard.message = listener;
  }

  onError(listener) {
    this.heard.error = listener;
  }

  onClose(listener) {
    this.heard.close = listener;
  }

  send({ data, fail }) {
    this.sent.push(data);
    this.failSend = fail;
  }

  close({ code, reason, fail }) {
    this.closes.push({ code, reason });
    this.failClose = fail;
  }
}

beforeEach(() => {
  now = 1_000_000;
  timers = new Map();
  tasks = [];
  events = [];
  refusal = null;
  listeners = { show: new Set(), hide: new Set(), network: new Set() };
  let ids = 0;
  globalThis.setTimeout = (callback, delay) => {
    timers.set(++ids, { at: now + delay, callback });
    return ids;
  };
  globalThis.clearTimeout = (id) => timers.delete(id);
  Date.now = () => now;
  globalThis.wx = {
    connectSocket(options) {
      if (refusal === "at once") options.fail({ errMsg: "connectSocket:fail at once" });
      tasks.push(refusal === "without a task" ? undefined : new ScriptedTask(options));
      return tasks.at(-1);
    },
    onAppShow: (listener) => listeners.show.add(listener),
    offAppShow: (listener) => listeners.show.delete(listener),
    onAppHide: (listener) => listeners.hide.add(listener),
    offAppHide: (listener) => listeners.hide.delete(listener),
    onNetworkStatusChange: (listener) => listeners.network.add(listener),
    offNetworkStatusChange: (listener) => listeners.network.delete(listener),
  };
  socket = make();
});

afterEach(() => {
  globalThis.setTimeout = real.setTimeout;
  globalThis.clearTimeout = real.clearTimeout;
  Date.now = real.now;
});

function make(options) {
  return new WsdSocket({
    url: "wss://example.com",
    onState: (state) => events.push(state),
    onMessage: (data) => events.push({ message: data }),
    onClose: ({ code }) => events.push({ close: code }),
    onError: (errMsg) => events.push({ error: errMsg }),
    ...options,
  });
}

// Lets time pass, timer by timer.
function pass(ms) {
  const end = now + ms;
  for (;;) {
    const due = [...timers].filter(([, timer]) => timer.at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
    if (!due) break;
    now = due[1].at;
    timers.delete(due[0]);
    due[1].callback();
  }
  now = end;
}

function tell(what, result = {}) {
  for (const listener of [...listeners[what]]) listener(result);
}

function open() {
  socket.connect();
  tasks.at(-1).heard.open({});
}

describe("connecting", () => {
  test("says what happens, and takes text and binary", () => {
    open();
    const bytes = new ArrayBuffer(2);
    tasks[0].heard.message({ data: "text" });
    tasks[0].heard.message({ data: bytes });
    assert.deepEqual(events, ["connecting", "open", { message: "text" }, { message: bytes }]);
    assert.equal(socket.send("a"), true);
    assert.equal(socket.send(bytes), true);
    assert.deepEqual(tasks[0].sent, ["a", bytes]);
  });

  test("twice makes one socket", () => {
    socket.connect();
    socket.connect();
    tasks[0].heard.open({});
    socket.connect();
    assert.equal(tasks.length, 1);
  });

  test("takes new options", () => {
    socket.connect({ url: "wss://other.example", protocols: ["chat"], header: { "X-Token": "t" } });
    const { url, protocols, header } = tasks[0].options;
    assert.deepEqual({ url, protocols, header }, { url: "wss://other.example", protocols: ["chat"], header: { "X-Token": "t" } });
  });

  test("is given up after connectTimeout, with a Close, and tried again", () => {
    socket.connect();
    pass(9_999);
    assert.equal(socket.state, "connecting");
    pass(1);
    assert.equal(socket.state, "closing");
    assert.equal(tasks[0].closes[0].code, 1000);
    tasks[0].heard.close({ code: 1006 });
    pass(1_000);
    assert.equal(tasks.length, 2);
  });

  test("that opens after it was given up is closed once more", () => {
    socket.connect();
    socket.disconnect();
    tasks[0].heard.open({});
    assert.equal(tasks[0].closes.length, 2);
    assert.equal(socket.state, "closing");
    assert.equal(socket.send("x"), false);
  });

  for (const how of ["at once", "without a task"]) {
    test(`that is refused ${how} is tried again`, () => {
      refusal = how;
      socket.connect();
      assert.equal(socket.state, "waiting");
      assert.equal(events.filter(({ error }) => error).length, 1);
      refusal = null;
      pass(1_000);
      assert.equal(socket.state, "connecting");
      tasks.at(-1).heard.open({});
      assert.equal(socket.state, "open");
    });

    test(`that is refused ${how} can be ended from the callback`, () => {
      refusal = how;
      socket = make({ onError: () => socket.disconnect() });
      socket.connect();
      assert.equal(socket.state, "closed");
      assert.equal(timers.size, 0);
    });
  }

  test("that is refused later is tried again", () => {
    socket.connect();
    tasks[0].options.fail({ errMsg: "connectSocket:fail url not in domain list" });
    assert.deepEqual(events, ["connecting", "waiting", { close: 1006 }, { error: "connectSocket:fail url not in domain list" }]);
    pass(1_000);
    assert.equal(tasks.length, 2);
  });
});

describe("losing the line", () => {
  // An error may come alone, before a close, after it, or more than once. It is one loss all the same.
  const orders = {
    "a close": ["close"],
    "an error, then a close": ["error", "close"],
    "a close, then an error": ["close", "error"],
    "two errors and two closes": ["error", "error", "close", "close"],
  };
  for (const [order, sequence] of Object.entries(orders)) {
    for (const when of ["connecting", "open"]) {
      test(`by ${order} while ${when} is one loss`, () => {
        socket.connect();
        const { heard } = tasks[0];
        if (when === "open") heard.open({});
        for (const event of sequence) heard[event]({ errMsg: "broken", code: 1006 });
        assert.equal(events.filter(({ close }) => close).length, 1);
        assert.ok(events.filter(({ error }) => error).length <= 1);
        assert.equal(socket.state, "waiting");
        pass(1_000);
        assert.equal(tasks.length, 2);
      });
    }
  }

  test("by an error that no close follows goes on after closeTimeout", () => {
    open();
    tasks[0].heard.error({ errMsg: "broken" });
    assert.equal(socket.state, "closing");
    pass(2_000);
    assert.equal(socket.state, "waiting");
    pass(1_000);
    assert.equal(tasks.length, 2);
  });

  test("by an error of a socket that is gone goes on at once", () => {
    open();
    tasks[0].heard.error({ errMsg: "broken" });
    tasks[0].failClose({ errMsg: "closeSocket:fail taskID not exist" });
    assert.equal(socket.state, "waiting");
  });

  for (const code of [1000, 1001, 1006, 1013, 4000]) {
    test(`by close ${code} is followed by another attempt`, () => {
      open();
      tasks[0].heard.close({ code, reason: "interrupted" });
      assert.equal(socket.state, "waiting");
    });
  }

  test("by a close that is final is the end", () => {
    open();
    tasks[0].heard.close({ code: 1008 });
    assert.deepEqual(events, ["connecting", "open", "closed", { close: 1008 }]);
    assert.equal(timers.size, 0);
    assert.equal(listeners.show.size, 0);
    socket.connect();
    assert.equal(tasks.length, 2, "until the app wants it again");
  });

  test("is answered later each time, at a random moment of the second half", () => {
    socket.connect();
    for (const longest of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      tasks.at(-1).heard.close({ code: 1006 });
      const attempts = tasks.length;
      pass(longest / 2 - 1);
      assert.equal(tasks.length, attempts, "not in the first half");
      pass(longest / 2 + 1);
      assert.equal(tasks.length, attempts + 1, `within ${longest} ms`);
    }
  });

  test("does not start over for a connection that ends as soon as it opens", () => {
    socket.connect();
    for (let round = 0; round < 5; round++) {
      tasks.at(-1).heard.open({});
      tasks.at(-1).heard.close({ code: 1013 });
      while (socket.state === "waiting") pass(500);
    }
    assert.equal(socket.failures, 5);
    tasks.at(-1).heard.open({});
    pass(30_000);
    tasks.at(-1).heard.close({ code: 1006 });
    assert.equal(socket.failures, 1, "but for one that was good");
  });

  test("is the end when the app disconnects in the callback", () => {
    socket = make({ onClose: () => socket.disconnect() });
    open();
    tasks[0].heard.close({ code: 4001 });
    assert.equal(socket.state, "closed");
    assert.equal(timers.size, 0);
  });
});

describe("disconnecting", () => {
  test("sends Close 1000 and waits for the answer", () => {
    open();
    socket.disconnect();
    assert.deepEqual(tasks[0].closes, [{ code: 1000, reason: "" }]);
    assert.equal(socket.state, "closing");
    tasks[0].heard.close({ code: 1000 });
    assert.equal(socket.state, "closed");
    assert.equal(timers.size, 0);
    assert.deepEqual(Object.values(listeners).map((set) => set.size), [0, 0, 0]);
  });

  test("ends by itself when nothing answers", () => {
    open();
    socket.disconnect(3001, "done");
    assert.deepEqual(tasks[0].closes, [{ code: 3001, reason: "done" }]);
    pass(2_000);
    assert.equal(socket.state, "closed");
    assert.equal(timers.size, 0);
  });

  test("cancels the next attempt", () => {
    open();
    tasks[0].heard.close({ code: 1006 });
    socket.disconnect();
    assert.equal(socket.state, "closed");
    pass(100_000);
    assert.equal(tasks.length, 1);
  });

  test("of what never was connected is harmless", () => {
    socket.disconnect();
    assert.deepEqual(events, []);
  });

  test("and connecting again waits for the former socket, and then not at all", () => {
    open();
    socket.disconnect();
    socket.connect();
    pass(100);
    assert.equal(tasks.length, 1);
    tasks[0].heard.close({ code: 1000 });
    pass(0);
    assert.equal(tasks.length, 2);
  });

  test("makes deaf to what the former socket still says", () => {
    open();
    socket.disconnect();
    pass(2_000);
    socket.connect();
    tasks[1].heard.open({});
    events.length = 0;
    const former = tasks[0].heard;
    former.message({ data: "late" });
    former.error({ errMsg: "late" });
    former.close({ code: 1006 });
    assert.deepEqual(events, []);
    assert.equal(socket.state, "open");
  });
});

describe("sending", () => {
  test("is refused in every state but open", () => {
    assert.equal(socket.send("x"), false);
    socket.connect();
    assert.equal(socket.send("x"), false);
    tasks[0].heard.open({});
    assert.equal(socket.send("x"), true);
    tasks[0].heard.close({ code: 1006 });
    assert.equal(socket.send("x"), false);
    socket.disconnect();
    assert.equal(socket.send("x"), false);
    assert.deepEqual(tasks[0].sent, ["x"]);
  });

  test("tells of a failure", () => {
    open();
    socket.send("x");
    tasks[0].failSend({ errMsg: "sendSocketMessage:fail" });
    assert.deepEqual(events.at(-1), { error: "sendSocketMessage:fail" });
  });
});

describe("silence", () => {
  beforeEach(() => {
    socket = make({ probe: "ping", isProbeAnswer: (data) => data === "pong" });
    open();
    events.length = 0;
  });

  test("is probed; any message proves the line, and its answer is kept from the app", () => {
    pass(30_000);
    assert.deepEqual(tasks[0].sent, ["ping"]);
    pass(4_999);
    tasks[0].heard.message({ data: "pong" });
    pass(29_999);
    assert.deepEqual(tasks[0].sent, ["ping"]);
    pass(1);
    tasks[0].heard.message({ data: "news" });
    tasks[0].heard.message({ data: "pong" });
    assert.deepEqual(events, [{ message: "news" }, { message: "pong" }], "an unasked pong is a message");
  });

  test("is not probed while messages arrive", () => {
    for (let second = 0; second < 100; second++) {
      pass(1_000);
      tasks[0].heard.message({ data: "news" });
    }
    assert.deepEqual(tasks[0].sent, []);
  });

  test("that a probe does not end is the end of the line, with a Close", () => {
    pass(35_000);
    assert.deepEqual(tasks[0].closes, [{ code: 1000, reason: "no answer to the probe" }]);
    assert.deepEqual(events, ["closing", { error: "no answer to the probe" }]);
    pass(2_000);
    assert.equal(socket.state, "waiting");
    pass(1_000);
    assert.equal(tasks.length, 2);
  });

  test("means nothing without a probe", () => {
    socket.options.probe = null;
    pass(3_600_000);
    assert.deepEqual(tasks[0].sent, []);
    assert.equal(socket.state, "open");
  });

  test("may be probed by what a function returns, an ArrayBuffer too", () => {
    const bytes = new ArrayBuffer(1);
    socket.options.probe = () => bytes;
    pass(30_000);
    assert.deepEqual(tasks[0].sent, [bytes]);
  });
});

describe("the background", () => {
  test("stops every timer but that of an attempt under way", () => {
    socket = make({ probe: "ping" });
    open();
    tell("hide");
    assert.equal(timers.size, 0);
    tasks[0].heard.message({ data: "x" });
    assert.equal(timers.size, 0);
    tasks[0].heard.close({ code: 1000, reason: "interrupted" });
    assert.equal(socket.state, "waiting");
    assert.equal(timers.size, 0);
  });

  test("is followed by an attempt at once, by one alone", () => {
    open();
    tell("hide");
    tasks[0].heard.close({ code: 1006 });
    tell("show");
    tell("show");
    tell("network", { isConnected: true });
    assert.equal(tasks.length, 2);
  });

  test("is followed by a probe, whose silence is the end", () => {
    socket = make({ probe: "ping" });
    open();
    tell("hide");
    now += 60_000; // suspended: no timer runs
    tell("show");
    assert.deepEqual(tasks[0].sent, ["ping"]);
    pass(5_000);
    assert.equal(socket.state, "closing");
  });

  test("that was short leaves a line without a probe alone", () => {
    open();
    tell("hide");
    pass(4_000);
    tell("show");
    assert.equal(socket.state, "open");
    assert.equal(tasks[0].closes.length, 0);
  });

  test("that was long replaces a line without a probe, at once", () => {
    open();
    tell("hide");
    pass(5_000);
    tell("show");
    assert.equal(tasks[0].closes.length, 1);
    tasks[0].heard.close({ code: 1000 });
    pass(0);
    assert.equal(tasks.length, 2);
  });

  test("does not try, whatever the network says", () => {
    open();
    tell("hide");
    tasks[0].heard.close({ code: 1006 });
    tell("network", { isConnected: true });
    pass(100_000);
    assert.equal(tasks.length, 1);
  });

  test("in the middle of a goodbye is followed by the next socket without delay", () => {
    open();
    tasks[0].heard.error({ errMsg: "broken" });
    tell("hide");
    tell("show");
    tasks[0].heard.close({ code: 1006 });
    pass(0);
    assert.equal(tasks.length, 2);
  });
});

describe("the network", () => {
  test("that is back ends the wait", () => {
    open();
    tasks[0].heard.close({ code: 1006 });
    tell("network", { isConnected: false });
    assert.equal(tasks.length, 1);
    tell("network", { isConnected: true });
    assert.equal(tasks.length, 2);
  });

  test("that is another one puts the line to the probe", () => {
    socket = make({ probe: "ping" });
    open();
    tell("network", { isConnected: true });
    assert.deepEqual(tasks[0].sent, ["ping"]);
  });
});
