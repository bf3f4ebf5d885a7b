// The browser that miniprogram-simulate expects, by jsdom. Imported before it.

import { JSDOM } from "jsdom";

const { window } = new JSDOM("<!doctype html><html><head></head><body></body></html>");

Object.assign(globalThis, {
  window,
  document: window.document,
  CustomEvent: window.CustomEvent,
  Event: window.Event,
  TouchEvent: window.TouchEvent,
});
