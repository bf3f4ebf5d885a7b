// Runs one scenario of the mini program against a server: node run.mjs FILE SCENARIO URL. The scenarios of FILE.mjs are
// its exported functions; each gets a phone and the server's URL. Prints "ok" at the end, or what went wrong and how the
// page looked, and exits 1.
//
// A scenario that wants something done to the server asks for it: `ask WORD` on standard output, and test_miniprogram.py
// does it and answers with a line on standard input.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { Phone } from "./phone.mjs";
import { until } from "./until.mjs";

const [file, name, url] = process.argv.slice(2);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function ask(word) {
  console.log(`ask ${word}`);
  const { value, done } = await answers.next();
  if (done || value !== "done") throw new Error(`asked to ${word}, was told ${value}`);
}

const scenarios = await import(`./${file}.mjs`);
const phone = new Phone();
phone.launch();
try {
  await scenarios[name]({ phone, url, ask });
  // Whatever a scenario was about: a page that is left leaves nothing behind.
  phone.page?.close();
  await until("every socket is closed", () => phone.openSockets.length === 0);
  assert.deepEqual(Object.values(phone.listeners).map((set) => set.size), [0, 0, 0], "listeners are left");
} catch (error) {
  console.error(error);
  if (phone.page) console.error(phone.page.html);
  for (const task of phone.sockets) console.error(task.url, { sent: task.sent, received: task.received, ended: task.ended });
  process.exit(1);
}
console.log("ok");
process.stdin.unref?.();
