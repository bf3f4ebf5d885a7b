// The browser that is installed, for tests in another language: obeys one JSON command per line of standard input and
// answers each with one line, {"value": …} or {"error": "…"}. Ends with standard input.
//
//   {"do": "open", "page": "a", "url": "http://…", "options": {"colorScheme": "dark"}}      a page in a profile of its own
//   {"do": "click" | "fill" | "press" | "select" | "text" | "hide" | …, "page": "a", …}     see `commands`

import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const arguments_ = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", ...process.argv.slice(3)];
const patience = 15_000;

const browser = await chromium.launch({ executablePath: process.argv[2], headless: true, args: arguments_ });
const pages = new Map();
const complaints = [];  // of any page's console, and what its scripts threw

async function open({ page: name, url, options }) {
  const context = await browser.newContext({ locale: "en-US", ...options });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  page.on("console", (line) => { if (["error", "warning"].includes(line.type())) complaints.push(`${name}: ${line.text()}`); });
  page.on("pageerror", (error) => complaints.push(`${name}: ${error}`));
  pages.set(name, page);
  await page.goto(url);
}

// Until the expression is true. (Playwright's own way of waiting needs eval, which the page's policy refuses.)
async function wait(page, { expression }) {
  const deadline = Date.now() + patience;
  while (!(await page.evaluate(expression))) {
    if (Date.now() > deadline) throw new Error(`not true after ${patience} ms; the page says:\n${await page.innerText("main")}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

const commands = {
  open,
  click: (page, { selector }) => page.click(selector),
  fill: (page, { selector, text }) => page.fill(selector, text),
  press: (page, { selector, key }) => page.press(selector, key),
  select: (page, { selector, value }) => page.selectOption(selector, value),
  text: (page, { selector }) => page.innerText(selector),
  // Whatever the expression comes to.
  evaluate: (page, { expression }) => page.evaluate(expression),
  wait,
  screenshot: async (page, { path }) => { await page.screenshot({ path, fullPage: true }); },
  // Closes every page; what their consoles complained about.
  async finish() {
    for (const page of pages.values()) await page.context().close();
    pages.clear();
    return complaints.splice(0);
  },
  complaints: () => complaints.splice(0),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    const run = commands[command.do];
    answer = { value: (await (run === open ? open(command) : run(pages.get(command.page), command))) ?? null };
  } catch (error) {
    answer = { error: `${JSON.stringify(command)}: ${error.message}` };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
await browser.close();
