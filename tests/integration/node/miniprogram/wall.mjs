// The wall page against the danmaku app, with other clients (plain ws) in the same room.

import assert from "node:assert/strict";
import WebSocket from "ws";
import { config } from "./phone.mjs";
import { until } from "./until.mjs";

config.socket = { firstDelay: 50, maxDelay: 400 };

// Another client in the room: what it says, and what it has heard.
class Guest {
  heard = [];

  static async join(url, room, name) {
    const guest = new Guest();
    guest.socket = new WebSocket(`${url}/danmaku/${encodeURIComponent(room)}`);
    guest.socket.on("message", (data) => guest.heard.push(...[JSON.parse(data)].flat()));
    await until(`${name} is connected`, () => guest.socket.readyState === WebSocket.OPEN);
    guest.tell({ type: "join", name });
    await guest.hears(`${name} is welcome`, ({ type }) => type === "welcome");
    return guest;
  }

  tell(message) {
    this.socket.send(JSON.stringify(message));
  }

  say(text, more) {
    this.tell({ type: "say", text, ...more });
  }

  hears(what, condition) {
    return until(what, () => this.heard.find(condition));
  }

  async leave() {
    this.socket.close(1000);
    await until("the guest is gone", () => this.socket.readyState === WebSocket.CLOSED);
  }
}

async function fillIn(phone, url, { room = "lobby", name = "小明" } = {}) {
  const page = phone.open("wall");
  await page.type(".server", url);
  await page.type(".room", room);
  await page.type(".name", name);
  return page;
}

async function joined(phone, url, options) {
  const page = await fillIn(phone, url, options);
  page.tap(".join");
  await page.shows(".count", "人在线");
  return page;
}

async function say(page, text) {
  await page.type(".text", text);
  page.tap(".send");
}

const flies = (page, text) => until(`${text} flies`, () => page.all(".comment").find(({ dom }) => dom.textContent === text));
const styleOf = (comment) => comment._exparserNode._vt.attrs.find(({ name }) => name === "style").value;

export async function comments_fly_both_ways({ phone, url }) {
  const guest = await Guest.join(url, "放映厅", "Bob");
  const page = await joined(phone, url, { room: "放映厅" });
  assert.ok(phone.socket.url.endsWith("/danmaku/" + encodeURIComponent("放映厅")));
  assert.equal(page.text(".who"), "小明 @ 放映厅");
  await page.shows(".count", "2 人在线");
  await guest.hears("小明 has come", ({ type, name }) => type === "joined" && name === "小明");

  guest.say("前方高能", { color: "#ff5c5c", position: "scroll" });
  const comment = await flies(page, "前方高能");
  assert.match(styleOf(comment), /^top: 0rpx; color: #ff5c5c; animation-duration: \d+ms; animation-delay: 0ms$/);
  assert.ok(page.has(".comment.scroll"));
  assert.equal(page.has(".mine"), false);
  assert.deepEqual(page.texts(".speaker"), ["Bob"]);
  comment.dispatchEvent("animationend");
  await until("it has flown by", () => !page.has(".comment"));
  assert.deepEqual(page.texts(".content"), ["前方高能"], "and stays in the list");

  page.tap(".color", 2);
  page.tap(".position", 1);
  await until("both are chosen", () => page.has(".color.chosen") && page.text(".position.chosen") === "顶部");
  await say(page, "来了来了");
  const said = await guest.hears("what the page said", ({ type, name }) => type === "said" && name === "小明");
  assert.deepEqual([said.text, said.color, said.position], ["来了来了", "#ffc300", "top"]);
  await flies(page, "来了来了");
  assert.ok(page.has(".comment.top.mine"));
  assert.equal(page.attribute(".text", "value"), "");

  page.tap(".leave");
  await page.shows(".curtain", "进入房间");
  assert.ok(page.has(".join"));
  assert.equal(phone.socket.ended.code, 1000);
  assert.ok(phone.socket.ended.clean);
  await guest.hears("小明 has left", ({ type, name }) => type === "left" && name === "小明");
  await guest.leave();
}

export async function what_was_said_before_is_listed({ phone, url }) {
  const guest = await Guest.join(url, "lobby", "Bob");
  for (const text of ["one", "two", "three"]) guest.say(text);
  await guest.hears("its last word", ({ type, text }) => type === "said" && text === "three");
  const page = await joined(phone, url);
  assert.deepEqual(page.texts(".content"), ["three", "two", "one"]);
  assert.equal(page.has(".comment"), false);
  await guest.leave();
  await page.shows(".count", "1 人在线");
}

export async function many_at_once_come_in_one_message({ phone, url }) {
  const guest = await Guest.join(url, "lobby", "Bob");
  const page = await joined(phone, url);
  const texts = Array.from({ length: 8 }, (_, number) => `comment ${number}`);
  for (const text of texts) guest.say(text, { position: "scroll" });
  await flies(page, "comment 7");
  assert.deepEqual(page.texts(".comment"), texts);
  assert.deepEqual(page.texts(".content"), [...texts].reverse());
  const lanes = page.all(".comment").map((comment) => styleOf(comment).match(/^top: (\d+)rpx/)[1]);
  assert.equal(new Set(lanes).size, 8, "each in a lane of its own");
  const largest = Math.max(...phone.socket.received.map((message) => [JSON.parse(message)].flat().length));
  assert.ok(largest > 1, "no batch came");
  await guest.leave();
}

export async function a_room_that_cannot_be_is_refused({ phone, url }) {
  const page = await fillIn(phone, url);
  for (const room of ["a/b", "..", "a b", "x?y", "房".repeat(22)]) {
    phone.toasts.length = 0;
    await page.type(".room", room);
    page.tap(".join");
    await page.toast("房间名太长，或有不能用的符号");
  }
  assert.equal(phone.sockets.length, 0);
  await page.type(".room", "房".repeat(21));
  page.tap(".join");
  await page.shows(".count", "1 人在线");
}

export async function a_taken_name_is_refused({ phone, url }) {
  const guest = await Guest.join(url, "lobby", "小明");
  const page = await fillIn(phone, url);
  page.tap(".join");
  await page.toast("昵称已被占用");
  await until("the form is back", () => page.has(".join"));
  await page.type(".name", "小红");
  page.tap(".join");
  await page.shows(".count", "2 人在线");
  await guest.leave();
}

export async function too_fast_is_said({ phone, url }) {
  const page = await joined(phone, url);
  for (let number = 0; number < 15; number++) await say(page, `${number}`);
  await page.toast("发得太快了");
  await flies(page, "0");
}

export async function nothing_is_said_outside_a_room({ phone, url, ask }) {
  const page = await joined(phone, url);
  await ask("stop");
  await page.shows(".count", "等待重连");
  await say(page, "hello?");
  await page.toast("还没有进入房间");
  assert.equal(page.attribute(".text", "value"), "hello?", "the text stays for another try");
  page.tap(".leave");
  await page.shows(".curtain", "进入房间");
}

export async function a_lost_line_joins_again({ phone, url, ask }) {
  const page = await joined(phone, url);
  await say(page, "first");
  await flies(page, "first");
  await ask("kill");
  await until("a new socket", () => phone.sockets.length > 1);
  await page.shows(".count", "1 人在线");
  await say(page, "second");
  await flies(page, "second");
  assert.match(page.text(".who"), /^小明(_\d{3})? @ lobby$/);
  assert.equal(phone.openSockets.length, 1);
}

export async function a_reload_is_not_noticed({ phone, url, ask }) {
  const guest = await Guest.join(url, "lobby", "Bob");
  const page = await joined(phone, url);
  await ask("reload");
  guest.say("still here");
  await flies(page, "still here");
  await say(page, "so am I");
  await guest.hears("the page", ({ type, text }) => type === "said" && text === "so am I");
  await page.shows(".count", "2 人在线");
  assert.equal(phone.sockets.length, 1);
  await guest.leave();
}

export async function silence_is_probed({ phone, url }) {
  config.socket.silence = 100;
  const page = await joined(phone, url);
  const probes = () => phone.socket.sent.filter((message) => JSON.parse(message).type === "members").length;
  await until("three probes", () => probes() >= 3);
  await page.shows(".count", "1 人在线");
  assert.equal(phone.sockets.length, 1);
}

export async function a_hidden_page_lists_but_does_not_fly({ phone, url }) {
  const guest = await Guest.join(url, "lobby", "Bob");
  const page = await joined(phone, url);
  guest.say("seen");
  await flies(page, "seen");
  page.call("onHide");
  assert.equal(page.has(".comment"), false);
  guest.say("not seen");
  await until("it is listed", () => page.texts(".content").includes("not seen"));
  assert.equal(page.has(".comment"), false);
  page.call("onShow");
  guest.say("seen again");
  await flies(page, "seen again");
  await guest.leave();
}

// Without a server: what no server of ours would send, and more than one could.
export async function whatever_arrives_is_survived({ phone }) {
  const page = phone.open("wall");
  const { instance } = page.component;
  const said = (text, more) => ({ type: "said", id: "1", name: "Eve", text, time: 1764084000000, ...more });
  for (const data of ["", "nonsense", "null", "[null, 1, {}]", '{"type":"later"}', new ArrayBuffer(3)]) instance.receive(data);
  assert.equal(page.has(".entry"), false);
  instance.receive('{"type":"count","count":5012}');
  instance.receive('{"type":"left","id":"1","name":"Eve"}');
  assert.equal(instance.data.count, 5012);
  instance.receive('{"type":"error","code":"not_joined","message":"You are not in the room."}');
  instance.receive('{"type":"error","code":"new_one","message":"Something of a later version."}');
  await page.toast("Something of a later version.");
  assert.deepEqual(phone.toasts, ["Something of a later version."]);

  instance.receive(JSON.stringify(said("<b>&", { color: "red; background: url(http://example.com)", position: "sideways" })));
  const comment = await flies(page, "<b>&");
  assert.match(styleOf(comment), /color: #ffffff;/);
  assert.ok(page.has(".comment.scroll"));

  // Half a second from batch to batch, by a clock of the test's own: more than the lanes hold, for longer than one flies.
  const { now } = Date;
  let later = 0;
  Date.now = () => now() + later;
  for (let batch = 0; batch < 12; batch++) {
    instance.receive(JSON.stringify(Array.from({ length: 50 }, () => said("x"))));
    later += 500;
  }
  Date.now = now;
  assert.equal(page.all(".entry").length, 50);
  assert.equal(page.all(".comment").length, 60);
}
