// The danmaku wall: what people in a room say flies across. It speaks the protocol of docs/chat-protocol.md.

const config = require('../../config.js')
const utf8 = require('../../utf8.js')
const WsdSocket = require('../../wsd.js')
const { Lanes, positions } = require('./lanes.js')

const FLYING_MOST = 60
const SAID_KEPT = 50

const STATE_TEXTS = {
  closed: '进入房间，看弹幕飞过',
  connecting: '连接中…',
  open: '正在进入房间…',
  closing: '正在离开…',
  waiting: '连接断开，等待重连'
}

const ERROR_TEXTS = {
  bad_message: '服务器不认识这条消息',
  not_joined: '还没有进入房间',
  name_invalid: '昵称应为 1 到 32 个字符',
  name_taken: '昵称已被占用，换一个吧',
  text_invalid: '内容不能为空',
  text_too_long: '弹幕太长了',
  too_fast: '发得太快了，歇一歇',
  no_such_member: '对方不在房间里'
}

Page({
  data: {
    server: config.wallServer,
    room: 'lobby',
    name: '游客' + Math.floor(1000 + Math.random() * 9000),
    state: 'closed',
    stateText: STATE_TEXTS.closed,
    joined: false,
    count: 0,
    text: '',
    color: '#ffffff',
    colors: ['#ffffff', '#ff5c5c', '#ffc300', '#5ce07a', '#4fb4ff', '#c78bff'],
    position: 'scroll',
    positions: [{ value: 'scroll', label: '滚动' }, { value: 'top', label: '顶部' }, { value: 'bottom', label: '底部' }],
    comments: [],   // what flies: at most FLYING_MOST
    said: []        // what was said, the newest first: at most SAID_KEPT
  },

  onLoad() {
    this.keys = 0
    this.visible = true
    this.lanes = new Lanes()
    this.socket = new WsdSocket(Object.assign({
      probe: JSON.stringify({ type: 'members' }),
      onState: state => this.handleState(state),
      onMessage: data => this.receive(data),
      onClose: ({ code }) => this.handleClose(code),
      onError: errMsg => this.toast(errMsg)
    }, config.socket))
  },

  onShow() {
    this.visible = true
  },

  // A page that nobody sees must not be kept busy, and animations that do not run do not end.
  onHide() {
    this.visible = false
    this.lanes = new Lanes()
    this.setData({ comments: [] })
  },

  onUnload() {
    this.socket.disconnect()
  },

  // ---- What the user does

  edit(event) {
    this.setData({ [event.currentTarget.dataset.field]: event.detail.value })
  },

  chooseColor(event) {
    this.setData({ color: event.currentTarget.dataset.color })
  },

  choosePosition(event) {
    this.setData({ position: event.currentTarget.dataset.position })
  },

  join() {
    const server = this.data.server.trim().replace(/\/+$/, '')
    const room = this.data.room.trim() || 'lobby'
    const name = this.data.name.trim()
    if (!/^wss?:\/\/./.test(server)) return this.toast('地址应以 ws:// 或 wss:// 开头')
    if (!isRoom(room)) return this.toast('房间名太长，或有不能用的符号')
    if (!name) return this.toast(ERROR_TEXTS.name_invalid)
    this.welcomed = false
    this.setData({ room, name, said: [] })
    this.socket.connect({ url: `${server}/danmaku/${encodeURIComponent(room)}` })
  },

  leave() {
    this.socket.disconnect(1000, 'bye')
  },

  say() {
    const { text, color, position } = this.data
    if (!text.trim()) return
    if (!this.data.joined || !this.tell({ type: 'say', text, color, position })) return this.toast('还没有进入房间，弹幕没有发送')
    this.setData({ text: '' })   // it flies when the server sends it back
  },

  land(event) {
    const key = event.currentTarget.dataset.key
    this.setData({ comments: this.data.comments.filter(comment => comment.key !== key) })
  },

  // ---- What the socket does

  tell(message) {
    return this.socket.send(JSON.stringify(message))
  },

  handleState(state) {
    this.setData({ state, stateText: STATE_TEXTS[state], joined: false })
    if (state === 'open') this.tell({ type: 'join', name: this.data.name })
  },

  handleClose(code) {
    if (code === 1008) this.toast('被服务器请出了房间')
  },

  // One message, or an array of them: the danmaku app gathers what is said within a moment.
  receive(data) {
    let messages
    try {
      messages = [].concat(JSON.parse(data))
    } catch (error) {
      return
    }
    const changes = {}
    messages.forEach(message => {
      const handle = message && HANDLERS[message.type]
      if (handle) handle(this, message, changes)
    })
    this.setData(changes)
  },

  toast(title) {
    wx.showToast({ title, icon: 'none' })
  }
})

// What a room may be called: others are answered with 404, which a phone shows as an error like any other.
function isRoom(name) {
  return /^[-\w.\u0080-\uffff]+$/.test(name) && !/^\.\.?$/.test(name) && utf8.encode(name).byteLength <= 64
}

// By the type of a message: (page, message, changes), where changes is what one setData will put on the page.
const HANDLERS = {
  welcome(page, { id, room, name, count, history }, changes) {
    page.id = id
    page.welcomed = true
    Object.assign(changes, { joined: true, room, name, count })
    changes.said = (history || []).map(said => entryOf(page, said)).reverse().slice(0, SAID_KEPT)
  },

  joined: showCount,
  left: showCount,
  members: showCount,
  count: showCount,

  said(page, message, changes) {
    remember(page, message, changes)
    fly(page, message, changes)
  },

  told(page, message, changes) {
    remember(page, Object.assign({}, message, { name: `${message.name}（悄悄话）` }), changes)
  },

  error(page, { code, message }) {
    if (code === 'not_joined' && !page.data.joined) return   // to a probe: an answer as good as any
    if (code === 'name_taken' && page.welcomed) {
      // Our own former connection may hold the name until the server finds it dead.
      page.welcomed = false
      return page.tell({ type: 'join', name: `${page.data.name.slice(0, 28)}_${Math.floor(100 + Math.random() * 900)}` })
    }
    page.toast(ERROR_TEXTS[code] || message || code)
    if (!page.data.joined && (code === 'name_taken' || code === 'name_invalid')) page.leave()
  }
}

// Not every one of these messages has it.
function showCount(page, { count }, changes) {
  if (count !== undefined) changes.count = count
}

function entryOf(page, { name, text, time }) {
  return { key: page.keys++, name, text, time: new Date(time).toTimeString().slice(0, 5) }
}

function remember(page, message, changes) {
  const said = changes.said || page.data.said
  changes.said = [entryOf(page, message)].concat(said).slice(0, SAID_KEPT)
}

function fly(page, { id, text, color, position }, changes) {
  if (!page.visible) return
  const kind = positions.includes(position) ? position : 'scroll'
  const now = Date.now()
  const place = page.lanes.place(kind, text, now)
  if (!place) return   // too many at once: the list has it
  const comment = Object.assign(place, {
    key: page.keys++,
    text,
    mine: id === page.id,
    position: kind,
    edge: kind === 'bottom' ? 'bottom' : 'top',
    color: /^#[0-9a-f]{6}$/i.test(color) ? color : '#ffffff',   // it goes into a style
    until: now + place.delay + place.duration
  })
  // Most leave by their animation's end; `until` is for those whose end nobody reported.
  const flying = (changes.comments || page.data.comments).filter(({ until }) => until > now - 1000)
  changes.comments = flying.concat(comment).slice(-FLYING_MOST)
}
