// A phone that runs docs/examples/miniprogram: its `wx`, as far as the mini program uses it, and the shim for `Page`.
//
// miniprogram-simulate renders components, not pages, so Page({...}) becomes a component with the page's data, and its
// handlers and lifecycle functions become methods; the wxml is compiled by WeChat's own compiler. The phone calls
// onLoad, onShow, onReady, onHide and onUnload when WeChat would.

import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import "./dom.mjs";
import { connectSocket } from "./socket_task.mjs";
import { until } from "./until.mjs";

const require = createRequire(import.meta.url);

export const PROJECT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../../../docs/examples/miniprogram");
export const config = require(path.join(PROJECT, "config.js"));

export class Phone {
  sockets = []; // every SocketTask there ever was
  toasts = [];
  inBackground = false;
  app = null;
  page = null; // the one in front
  listeners = { show: new Set(), hide: new Set(), network: new Set() };

  constructor() {
    globalThis.wx = {
      connectSocket: (options) => connectSocket(this, options),
      showToast: ({ title }) => this.toasts.push(title),
      onAppShow: (listener) => this.listeners.show.add(listener),
      offAppShow: (listener) => this.listeners.show.delete(listener),
      onAppHide: (listener) => this.listeners.hide.add(listener),
      offAppHide: (listener) => this.listeners.hide.delete(listener),
      onNetworkStatusChange: (listener) => this.listeners.network.add(listener),
      offNetworkStatusChange: (listener) => this.listeners.network.delete(listener),
    };
    globalThis.App = (options) => {
      this.app = options;
    };
    globalThis.getApp = () => this.app;
    this.simulate = require("miniprogram-simulate"); // adds what it knows of wx to ours
  }

  launch() {
    require(path.join(PROJECT, "app.js"));
    this.app.onLaunch?.({});
    this.app.onShow?.({});
  }

  // Opens pages/NAME/NAME.
  open(name) {
    let definition;
    globalThis.Page = (options) => {
      definition = options;
      const methods = Object.fromEntries(Object.entries(options).filter(([, value]) => typeof value === "function"));
      globalThis.Component({ data: options.data, methods });
    };
    const id = this.simulate.load(path.join(PROJECT, "pages", name, name), { rootPath: PROJECT });
    const page = new OpenPage(this, this.simulate.render(id), definition);
    page.component.attach(document.body);
    page.call("onLoad", {});
    page.call("onShow");
    page.call("onReady");
    this.page = page;
    return page;
  }

  // The user turns to something else, and back.
  goToBackground() {
    this.page?.call("onHide");
    this.app.onHide?.();
    this.inBackground = true;
    for (const listener of [...this.listeners.hide]) listener({});
  }

  comeToForeground() {
    this.inBackground = false;
    this.app.onShow?.({});
    for (const listener of [...this.listeners.show]) listener({});
    this.page?.call("onShow");
  }

  changeNetwork(networkType, isConnected = true) {
    for (const listener of [...this.listeners.network]) listener({ isConnected, networkType });
  }

  // The sockets that exist now.
  get openSockets() {
    return this.sockets.filter((task) => !task.isOver);
  }

  get socket() {
    return this.sockets.at(-1);
  }
}

// One page on the screen, driven by what a finger can do and looked at as an eye does.
class OpenPage {
  constructor(phone, component, definition) {
    this.phone = phone;
    this.component = component;
    // What is neither data nor a function is a property of the page.
    for (const [name, value] of Object.entries(definition)) {
      if (name !== "data" && typeof value !== "function") component.instance[name] = value;
    }
  }

  call(lifecycle, ...args) {
    this.component.instance[lifecycle]?.(...args);
  }

  close() {
    this.call("onUnload");
    this.component.detach();
    if (this.phone.page === this) this.phone.page = null;
  }

  find(selector) {
    const found = this.component.querySelector(selector);
    if (!found) throw new Error(`no ${selector} on the page:\n${this.html}`);
    return found;
  }

  has(selector) {
    return Boolean(this.component.querySelector(selector));
  }

  all(selector) {
    return this.component.querySelectorAll(selector);
  }

  text(selector) {
    return this.find(selector).dom.textContent;
  }

  texts(selector) {
    return this.all(selector).map((found) => found.dom.textContent);
  }

  // An attribute as the template gave it.
  attribute(selector, name) {
    return this.find(selector)._exparserNode._vt.attrs.find((attribute) => attribute.name === name)?.value;
  }

  // A finger on a button that is disabled does nothing.
  tap(selector, index = 0) {
    const button = this.all(selector)[index] ?? this.find(selector);
    if (this.attribute(selector, "disabled") === true) throw new Error(`${selector} is disabled`);
    button.dispatchEvent("tap");
  }

  // Types into an input; done when the page's data has it.
  async type(selector, value) {
    this.find(selector).dispatchEvent("input", { detail: { value } });
    await until(`${selector} shows ${value}`, () => this.attribute(selector, "value") === value);
  }

  // Any other event of a component.
  event(selector, name, detail = {}) {
    this.find(selector).dispatchEvent(name, { detail });
  }

  shows(selector, text) {
    return until(`${selector} shows ${text}`, () => this.has(selector) && this.text(selector).includes(text));
  }

  toast(text) {
    return until(`a toast says ${text}`, () => this.phone.toasts.some((toast) => toast.includes(text)));
  }

  get html() {
    return this.component.dom.outerHTML;
  }
}
