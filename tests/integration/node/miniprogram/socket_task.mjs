// The shim for wx.connectSocket: a SocketTask over npm's ws that behaves as a phone's does.
//
// - Five sockets at most; the sixth is refused through `fail`.
// - The handshake has a Referer of servicewechat.com, which the mini program cannot change, and no Origin.
// - Script sees neither pings nor pongs; the phone answers pings by itself.
// - A subprotocol that was asked for must be answered.
// - A connection that ends without a Close frame is reported as an error first.
// - In the background nothing can be connected.

import WebSocket from "ws";

const SOCKETS_AT_MOST = 5;
const APP_ID = "touristappid";
const OWN_HEADERS = new Set(["referer", "origin", "host", "connection", "upgrade"]);

// What a call reports arrives later, never before the call returns.
function report(options, outcome, result) {
  setImmediate(() => {
    options[outcome]?.(result);
    options.complete?.(result);
  });
}

export class SocketTask {
  sent = []; // what the mini program sent, and what it received
  received = [];
  headers = {}; // of the server's answer
  closing = null; // the arguments of close()
  ended = null; // what onClose was told, and whether both sides sent a Close frame

  constructor(phone, options) {
    this.phone = phone;
    this.url = options.url;
    this.listeners = { open: [], message: [], error: [], close: [] };
    const headers = Object.fromEntries(Object.entries(options.header ?? {}).filter(([name]) => !OWN_HEADERS.has(name.toLowerCase())));
    this.socket = new WebSocket(options.url, options.protocols ?? [], {
      headers: { ...headers, Referer: `https://servicewechat.com/${APP_ID}/0/page-frame.html` },
      handshakeTimeout: options.timeout ?? 60_000,
      perMessageDeflate: options.perMessageDeflate ?? false,
    });
    this.socket.binaryType = "arraybuffer";
    let failed = false;
    const fail = (errMsg) => {
      failed = true;
      this.tell("error", { errMsg });
    };
    this.socket.on("upgrade", (response) => {
      this.headers = response.headers;
    });
    this.socket.on("open", () => this.tell("open", { header: this.headers }));
    this.socket.on("message", (data, isBinary) => {
      const message = isBinary ? data : Buffer.from(data).toString();
      this.received.push(message);
      this.tell("message", { data: message });
    });
    this.socket.on("error", (error) => fail(error.message));
    this.socket.on("close", (code, reason) => {
      if (code === 1006 && !failed && !this.closing) fail("Stream end encountered");
      const { _closeFrameSent: said, _closeFrameReceived: heard } = this.socket;
      this.ended = { code, reason: String(reason) || (code === 1006 ? "abnormal closure" : ""), clean: said && heard };
      this.tell("close", { code, reason: this.ended.reason });
    });
  }

  onOpen(listener) {
    this.listeners.open.push(listener);
  }

  onMessage(listener) {
    this.listeners.message.push(listener);
  }

  onError(listener) {
    this.listeners.error.push(listener);
  }

  onClose(listener) {
    this.listeners.close.push(listener);
  }

  tell(event, result) {
    for (const listener of this.listeners[event]) listener(result);
  }

  send(options) {
    const { data } = options;
    if (typeof data !== "string" && !(data instanceof ArrayBuffer)) {
      return report(options, "fail", { errMsg: "sendSocketMessage:fail data must be string or ArrayBuffer" });
    }
    if (this.socket.readyState !== WebSocket.OPEN) {
      return report(options, "fail", { errMsg: "sendSocketMessage:fail SocketTask.readyState is not OPEN" });
    }
    this.sent.push(data);
    this.socket.send(data);
    report(options, "success", { errMsg: "sendSocketMessage:ok" });
  }

  close(options = {}) {
    const { code = 1000, reason = "" } = options;
    if (code !== 1000 && !(code >= 3000 && code <= 4999)) {
      return report(options, "fail", { errMsg: "closeSocket:fail invalid code" });
    }
    if (this.isOver) return report(options, "fail", { errMsg: "closeSocket:fail taskID not exist" });
    this.closing = { code, reason };
    this.socket.close(code, reason);
    report(options, "success", { errMsg: "closeSocket:ok" });
  }

  get isOver() {
    return this.socket.readyState === WebSocket.CLOSED;
  }

  // What the system does to the sockets of a mini program that stays in the background.
  interrupt() {
    this.socket.terminate();
  }
}

// wx.connectSocket of a phone (phone.mjs), which keeps the list of its sockets.
export function connectSocket(phone, options) {
  if (phone.inBackground) return refuse(options, "interrupted");
  if (phone.sockets.filter((task) => !task.isOver).length >= SOCKETS_AT_MOST) {
    return refuse(options, `fail reach max websocket connect count ${SOCKETS_AT_MOST}`);
  }
  if (!/^wss?:\/\/./.test(options.url)) return refuse(options, "invalid url");
  const task = new SocketTask(phone, options);
  phone.sockets.push(task);
  report(options, "success", { errMsg: "connectSocket:ok" });
  return task;
}

// A refused call still returns a task, one that stays silent.
function refuse(options, why) {
  report(options, "fail", { errMsg: `connectSocket:fail ${why}` });
  const nothing = () => {};
  return {
    onOpen: nothing,
    onMessage: nothing,
    onError: nothing,
    onClose: nothing,
    send: (options) => report(options, "fail", { errMsg: "sendSocketMessage:fail taskID not exist" }),
    close: (options) => report(options, "fail", { errMsg: "closeSocket:fail taskID not exist" }),
  };
}
