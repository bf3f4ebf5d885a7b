// npm's ws with a plain echo, a step at a time: node conversation.mjs URL OPTIONS, where OPTIONS is JSON for
// perMessageDeflate. Prints what was agreed on; then for each line of standard input it talks, and prints "ok". Ends
// with standard input, by a clean close.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createInterface } from "node:readline";
import WebSocket from "ws";

const [url, options] = process.argv.slice(2);
const client = new WebSocket(url, { perMessageDeflate: JSON.parse(options) });
await once(client, "open");
console.log(client.extensions);

async function echo(message) {
  const answer = once(client, "message");
  client.send(message);
  const [data, isBinary] = await answer;
  return isBinary ? data : data.toString();
}

for await (const line of createInterface({ input: process.stdin })) {
  for (const size of JSON.parse(line)) {
    const text = "hello 世界 danmaku ".repeat(size).slice(0, size);
    assert.equal(await echo(text), text);
    assert.deepEqual(await echo(Buffer.from(text)), Buffer.from(text));
  }
  console.log("ok");
}

const closed = once(client, "close");
client.close(1000);
assert.equal((await closed)[0], 1000);
