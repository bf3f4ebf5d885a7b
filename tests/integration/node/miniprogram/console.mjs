// The console page against the echo app. config.js's `socket` makes wsd.js's times short.

import assert from "node:assert/strict";
import { config } from "./phone.mjs";
import { until } from "./until.mjs";

config.socket = { firstDelay: 50, maxDelay: 400 };

async function connected(phone, url, { probe = "" } = {}) {
  const page = phone.open("console");
  await page.type(".url", url);
  await page.type(".probe", probe);
  page.tap(".connect");
  await page.shows(".state", "已连接");
  return page;
}

async function say(page, text) {
  await page.type(".message", text);
  page.tap(".send");
}

export async function connects_and_says_hello({ phone, url }) {
  const page = phone.open("console");
  assert.equal(page.text(".state"), "未连接");
  assert.equal(page.attribute(".disconnect", "disabled"), true);
  await page.type(".url", url);
  page.tap(".connect");
  await page.shows(".state", "已连接");
  await page.toast("已连接");
  assert.equal(page.attribute(".connect", "disabled"), true);
  assert.ok(page.has(".dot.open"));

  await say(page, "world");
  await page.shows(".last", "hello world");
  assert.equal(page.attribute(".message", "value"), "", "the input is empty for the next message");
  await say(page, "世界 🌍");
  await page.shows(".last", "hello 世界 🌍");
  assert.deepEqual(page.texts(".content"), ["hello 世界 🌍", "世界 🌍", "hello world", "world"]);
  assert.equal(page.all(".entry.sent").length, 2);

  page.tap(".disconnect");
  await page.shows(".state", "未连接");
  await page.toast("未连接");
  assert.deepEqual(phone.socket.closing, { code: 1000, reason: "bye" });
  assert.deepEqual(phone.socket.ended, { code: 1000, reason: "", clean: true });
  assert.equal(page.attribute(".connect", "disabled"), false);
  assert.equal(phone.sockets.length, 1);
}

export async function keeps_a_bounded_list({ phone, url }) {
  const page = await connected(phone, url);
  for (let number = 0; number < 60; number++) {
    await say(page, `message ${number}`);
    await page.shows(".last", `hello message ${number}`);
  }
  assert.equal(page.all(".entry").length, 100);
}

export async function sends_binary({ phone, url }) {
  const page = await connected(phone, url);
  page.event(".binary", "change", { value: true });
  await until("the switch is on", () => page.attribute(".binary", "checked") === true);
  await say(page, "世界");
  await page.shows(".last", "[二进制 12 字节] hello 世界");
  assert.ok(phone.socket.sent[0] instanceof ArrayBuffer);
  assert.ok(phone.socket.received[0] instanceof ArrayBuffer);

  page.component.instance.socket.send(new Uint8Array([0, 255]).buffer);
  await page.shows(".last", "[二进制 8 字节] 68 65 6c 6c 6f 20 00 ff");
}

export async function refuses_to_send_without_a_connection({ phone, url }) {
  const page = phone.open("console");
  await say(page, "too early");
  await page.toast("未连接，消息没有发送");
  assert.equal(page.attribute(".message", "value"), "too early", "the text stays for another try");

  await page.type(".url", "http://example.com");
  page.tap(".connect");
  await page.toast("地址应以 ws:// 或 wss:// 开头");
  await page.type(".url", url);
  page.tap(".connect");
  await page.shows(".state", "已连接");
  page.tap(".send");
  await page.shows(".last", "hello too early");
  assert.deepEqual(phone.socket.sent, ["too early"]);
}

export async function unloading_the_page_closes_with_1000({ phone, url }) {
  const page = await connected(phone, url);
  page.close();
  await until("the socket is closed", () => phone.socket.ended);
  assert.equal(phone.socket.ended.code, 1000);
  assert.ok(phone.socket.ended.clean);
}

export async function tapping_in_a_hurry_never_makes_two_sockets({ phone, url }) {
  const page = await connected(phone, url);
  const { instance } = page.component;
  let most = 0;
  for (let round = 0; round < 10; round++) {
    instance.disconnect();
    instance.connect();
    instance.connect();
    await until("open again", () => {
      most = Math.max(most, phone.openSockets.length);
      return page.text(".state") === "已连接";
    });
    assert.equal(phone.openSockets.length, 1);
  }
  assert.equal(most, 1);
  assert.equal(phone.sockets.length, 11);
  for (const { ended } of phone.sockets.slice(0, -1)) assert.ok(ended.clean && ended.code === 1000);
}

export async function server_stops_and_returns({ phone, url, ask }) {
  const delays = [];
  const page = await connected(phone, url);
  const { socket } = page.component.instance;
  const { onState } = socket.options;
  socket.options.onState = (state, delay) => {
    if (state === "waiting") delays.push(delay);
    onState(state, delay);
  };

  await ask("stop");
  await until("five attempts have failed", () => delays.length >= 6);
  assert.equal(phone.sockets[0].ended.code, 1001, "the server says that it goes");
  await page.shows(".state", "等待重连");
  delays.slice(0, 6).forEach((delay, failures) => {
    const longest = Math.min(400, 50 * 2 ** failures);
    assert.ok(delay >= longest / 2 && delay <= longest, `attempt ${failures}: ${delay} ms of ${longest}`);
  });

  await ask("start");
  await page.shows(".state", "已连接");
  await say(page, "again");
  await page.shows(".last", "hello again");
  assert.equal(phone.openSockets.length, 1);
}

export async function worker_dies({ phone, url, ask }) {
  const page = await connected(phone, url);
  await ask("kill");
  await until("the loss is noticed", () => phone.sockets[0].ended);
  assert.equal(phone.sockets[0].ended.code, 1006);
  await page.toast("Stream end encountered");
  await until("a new socket", () => phone.sockets.length > 1);
  await page.shows(".state", "已连接");
  await say(page, "again");
  await page.shows(".last", "hello again");
  assert.equal(phone.openSockets.length, 1);
}

export async function reload_is_not_noticed({ phone, url, ask }) {
  const page = await connected(phone, url);
  await ask("reload");
  await say(page, "still here");
  await page.shows(".last", "hello still here");
  assert.equal(phone.sockets.length, 1);
}

export async function silence_is_probed({ phone, url }) {
  config.socket.silence = 100;
  const page = await connected(phone, url, { probe: "are you there" });
  await until("three probes are answered", () => phone.socket.received.length >= 3);
  assert.deepEqual(new Set(phone.socket.sent), new Set(["are you there"]));
  assert.equal(page.has(".entry"), false, "probes and their answers are not messages");
  await say(page, "world");
  await page.shows(".last", "hello world");
  assert.equal(phone.sockets.length, 1);
}

export async function silence_without_a_probe_means_nothing({ phone, url }) {
  config.socket.silence = 20;
  const page = await connected(phone, url);
  let rounds = 0;
  const { socket } = page.component.instance;
  const { probe } = socket.options;
  socket.options.probe = () => {
    rounds++;
    return probe();
  };
  await until("silence was noticed ten times", () => rounds >= 10);
  assert.deepEqual(phone.socket.sent, []);
  assert.equal(phone.sockets.length, 1);
  assert.equal(page.text(".state"), "已连接");
}

export async function dead_line_is_replaced({ phone, url, ask }) {
  Object.assign(config.socket, { silence: 100, answerTimeout: 1000, closeTimeout: 300 });
  const page = await connected(phone, url, { probe: "are you there" });
  await until("the line is proven", () => phone.socket.received.length > 0);
  await ask("freeze");
  await page.toast("no answer to the probe");
  assert.deepEqual(phone.sockets[0].closing, { code: 1000, reason: "no answer to the probe" });
  // Another worker takes the next one; the frozen one's socket is given up after closeTimeout.
  await until("a new line answers", () => phone.sockets.some((task) => task !== phone.sockets[0] && task.received.length > 0));
  await page.shows(".state", "已连接");
  await ask("thaw");
  await until("the old socket ends", () => phone.sockets[0].ended);
  assert.equal(page.text(".state"), "已连接", "what it says now is not heard");
  assert.equal(phone.openSockets.length, 1);
}

export async function foreground_return_asks_the_line_at_once({ phone, url }) {
  const page = await connected(phone, url, { probe: "are you there" });
  phone.goToBackground();
  phone.comeToForeground();
  await until("the probe is answered", () => phone.socket.received.length === 1);
  assert.deepEqual(phone.socket.sent, ["are you there"]);
  assert.equal(page.text(".state"), "已连接");
  assert.equal(phone.sockets.length, 1);
}

export async function foreground_return_after_an_interruption_makes_one_socket({ phone, url }) {
  config.socket.firstDelay = config.socket.maxDelay = 1_000_000; // the return does not wait for a back-off
  const page = await connected(phone, url, { probe: "are you there" });
  phone.goToBackground();
  phone.socket.interrupt();
  await page.shows(".state", "等待重连");
  assert.equal(page.component.instance.socket.timer, null, "nothing is tried in the background");
  phone.comeToForeground();
  phone.comeToForeground(); // some phones say it twice
  phone.changeNetwork("wifi");
  await page.shows(".state", "已连接");
  assert.equal(phone.sockets.length, 2);
  assert.equal(phone.openSockets.length, 1);
  await say(page, "back");
  await page.shows(".last", "hello back");
}

export async function another_network_replaces_a_line_without_a_probe({ phone, url }) {
  const page = await connected(phone, url);
  phone.changeNetwork("none", false);
  assert.equal(page.text(".state"), "已连接");
  phone.changeNetwork("4g");
  await until("a second socket", () => phone.sockets.length === 2);
  await page.shows(".state", "已连接");
  assert.deepEqual(phone.sockets[0].closing, { code: 1000, reason: "connection in doubt" });
  assert.ok(phone.sockets[0].ended.clean);
  assert.equal(phone.openSockets.length, 1);
}

export async function sixth_socket_waits_for_a_place({ phone, url }) {
  const others = Array.from({ length: 5 }, () => wx.connectSocket({ url }));
  const page = phone.open("console");
  await page.type(".url", url);
  page.tap(".connect");
  await page.toast("reach max websocket connect count 5");
  await page.shows(".state", "等待重连");
  others[0].close();
  await page.shows(".state", "已连接");
  assert.equal(phone.openSockets.length, 5);
  for (const other of others.slice(1)) other.close();
}

export async function subprotocol_is_answered({ phone, url }) {
  const page = phone.open("console");
  await page.type(".url", url);
  await page.type(".protocol", "protocol1");
  page.tap(".connect");
  await page.shows(".state", "已连接");
  assert.equal(phone.socket.headers["sec-websocket-protocol"], "protocol1");
  await say(page, "world");
  await page.shows(".last", "hello world");
}

export async function subprotocol_that_is_not_answered_is_an_error({ phone, url }) {
  const page = phone.open("console");
  await page.type(".url", url);
  await page.type(".protocol", "protocol1");
  page.tap(".connect");
  await page.toast("Server sent no subprotocol");
  await page.shows(".state", "等待重连");
  page.tap(".disconnect");
  await page.shows(".state", "未连接");
}
