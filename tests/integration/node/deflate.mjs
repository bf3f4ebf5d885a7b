// npm's ws with permessage-deflate against a plain echo: node deflate.mjs URL OPTIONS, where OPTIONS is JSON for
// perMessageDeflate. Prints "ok", or what went wrong and exits 1.

import assert from "node:assert/strict";
import { once } from "node:events";
import WebSocket from "ws";

const [url, options] = process.argv.slice(2);
const client = new WebSocket(url, { perMessageDeflate: JSON.parse(options) });
await once(client, "open");
assert.match(client.extensions, /^permessage-deflate/);

async function echo(message) {
  const answer = once(client, "message");
  client.send(message);
  const [data, isBinary] = await answer;
  return isBinary ? data : data.toString();
}

for (const size of [0, 1, 100, 1000, 1000, 40000, 300000]) {
  const text = "hello 世界 danmaku ".repeat(size).slice(0, size);
  assert.equal(await echo(text), text);
  assert.deepEqual(await echo(Buffer.from(text)), Buffer.from(text));
}

const fragmented = once(client, "message");
client.send("in ", { fin: false });
client.send("frag", { fin: false });
client.send("ments ".repeat(300), { fin: true });
assert.equal((await fragmented)[0].toString(), "in frag" + "ments ".repeat(300));

const closed = once(client, "close");
client.close(1000);
assert.equal((await closed)[0], 1000);
console.log("ok");
