// The mini program as a project: what WeChat's developer tools would refuse when they open it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const { wxmlToJs } = require("miniprogram-compiler");
const compileWxss = require("miniprogram-compiler/src/wcsc.js");

const project = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../../../docs/examples/miniprogram");
const files = readdirSync(project, { recursive: true }).map(String);
const read = (file) => readFileSync(path.join(project, file), "utf8");
const app = JSON.parse(read("app.json"));

test("every JSON file is JSON", () => {
  for (const file of files.filter((file) => file.endsWith(".json"))) JSON.parse(read(file));
});

test("every page has its four files, every tab is a page", () => {
  for (const page of app.pages) {
    for (const extension of ["js", "json", "wxml", "wxss"]) assert.ok(existsSync(path.join(project, `${page}.${extension}`)), page);
  }
  for (const { pagePath } of app.tabBar.list) assert.ok(app.pages.includes(pagePath), pagePath);
  assert.ok(existsSync(path.join(project, app.sitemapLocation)));
});

test("the project opens without an appid of one's own, and without the domain check", () => {
  const { appid, setting } = JSON.parse(read("project.config.json"));
  assert.equal(appid, "touristappid");
  assert.equal(setting.urlCheck, false);
});

test("WeChat's compilers take every wxml and wxss", () => {
  assert.ok(wxmlToJs(project).includes("$gwx"));
  const styles = files.filter((file) => file.endsWith(".wxss")).map((file) => file.slice(0, -".wxss".length));
  const compiled = compileWxss(project, styles);
  assert.ok(!(compiled instanceof Error), String(compiled));
});

test("every script is one", () => {
  for (const file of files.filter((file) => file.endsWith(".js"))) {
    execFileSync(process.execPath, ["--check", path.join(project, file)]);
    assert.doesNotMatch(read(file), /\beval\(|new Function|\?\.|\?\?|\basync\b|\bawait\b/, `${file} is not ES6`);
  }
});

for (const page of app.pages) {
  test(`${page}: the template's handlers and fields are the page's`, () => {
    let definition;
    globalThis.Page = (options) => (definition = options);
    require(path.join(project, page));
    const template = read(`${page}.wxml`);
    for (const [, handler] of template.matchAll(/\b(?:bind|catch):?[a-z]+="(\w+)"/g)) {
      assert.equal(typeof definition[handler], "function", handler);
    }
    for (const [, field] of template.matchAll(/data-field="(\w+)"/g)) assert.equal(typeof definition.data[field], "string", field);
  });
}
