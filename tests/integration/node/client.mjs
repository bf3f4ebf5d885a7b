// npm's ws against wsd's echo app: node client.mjs URL. Prints "ok", or what went wrong and exits 1.

import assert from "node:assert/strict";
import { once } from "node:events";
import WebSocket from "ws";

const url = process.argv[2];

async function open() {
  const client = new WebSocket(url);
  await once(client, "open");
  return client;
}

async function echo(client, message) {
  const answer = once(client, "message");
  client.send(message);
  const [data, isBinary] = await answer;
  return isBinary ? data : data.toString();
}

const client = await open();
assert.equal(client.extensions, "");
assert.equal(client.protocol, "");
assert.equal(await echo(client, "世界"), "hello 世界");
assert.deepEqual(await echo(client, Buffer.from([0, 255])), Buffer.from("hello \0\xff", "latin1"));
assert.equal(await echo(client, "x".repeat(1 << 20)), "hello " + "x".repeat(1 << 20));

const pong = once(client, "pong");
client.ping("beat");
assert.equal((await pong)[0].toString(), "beat");

const fragmented = once(client, "message");
client.send("in ", { fin: false });
client.send("pieces", { fin: true });
assert.equal((await fragmented)[0].toString(), "hello in pieces");

const closed = once(client, "close");
client.close(4001, "done");
const [code] = await closed;
assert.equal(code, 4001);

const crowd = await Promise.all(Array.from({ length: 50 }, open));
const answers = await Promise.all(crowd.map((member, number) => echo(member, `${number}`)));
assert.deepEqual(answers, crowd.map((_, number) => `hello ${number}`));
for (const member of crowd) member.terminate();

console.log("ok");
