// The tutorial's console: connect, send, see what comes back.

const config = require('../../config.js')
const utf8 = require('../../utf8.js')
const WsdSocket = require('../../wsd.js')

const MESSAGES_KEPT = 100

const STATE_TEXTS = {
  closed: '未连接',
  connecting: '连接中…',
  open: '已连接',
  closing: '正在断开…',
  waiting: '连接断开，等待重连'
}

Page({
  data: {
    url: config.consoleUrl,
    protocol: '',
    probe: 'ping',
    state: 'closed',
    stateText: STATE_TEXTS.closed,
    message: '',
    binary: false,
    last: '',
    messages: []   // the newest first
  },

  onLoad() {
    this.keys = 0
    this.socket = new WsdSocket(Object.assign({
      probe: () => this.data.probe || null,
      // The echo app answers "hello ping"; nobody wants to read that.
      isProbeAnswer: data => typeof data === 'string' && data.endsWith(this.data.probe),
      onState: (state, delay) => this.showState(state, delay),
      onMessage: data => this.showMessage('received', data),
      onError: errMsg => this.toast(errMsg)
    }, config.socket))
  },

  onUnload() {
    this.socket.disconnect()
  },

  edit(event) {
    this.setData({ [event.currentTarget.dataset.field]: event.detail.value })
  },

  switchBinary(event) {
    this.setData({ binary: event.detail.value })
  },

  connect() {
    const { url, protocol } = this.data
    if (!/^wss?:\/\/./.test(url)) return this.toast('地址应以 ws:// 或 wss:// 开头')
    this.socket.connect({ url, protocols: protocol ? [protocol] : [] })
  },

  disconnect() {
    this.socket.disconnect(1000, 'bye')
  },

  send() {
    const { message, binary } = this.data
    const data = binary ? utf8.encode(message) : message
    if (!this.socket.send(data)) return this.toast('未连接，消息没有发送')
    this.showMessage('sent', data)
    this.setData({ message: '' })
  },

  showState(state, delay) {
    const text = STATE_TEXTS[state]
    this.setData({ state, stateText: state === 'waiting' ? `${text}（${(delay / 1000).toFixed(1)} 秒）` : text })
    if (state === 'open' || state === 'closed') this.toast(STATE_TEXTS[state])
  },

  showMessage(direction, data) {
    const text = describe(data)
    const entry = { key: this.keys++, direction, text, time: new Date().toTimeString().slice(0, 8) }
    const changes = { messages: [entry].concat(this.data.messages).slice(0, MESSAGES_KEPT) }
    if (direction === 'received') changes.last = text
    this.setData(changes)
  },

  toast(title) {
    wx.showToast({ title, icon: 'none' })
  }
})

// A text message as it is; a binary one with its size, and as text where it is UTF-8.
function describe(data) {
  if (typeof data === 'string') return data
  const text = utf8.decode(data)
  return `[二进制 ${data.byteLength} 字节] ${text === null ? utf8.hex(data.slice(0, 32), ' ').trim() : text}`
}
