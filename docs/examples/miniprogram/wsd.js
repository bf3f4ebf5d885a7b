// WsdSocket: one WebSocket to one server, there for as long as the page wants it.
//
//   const socket = new WsdSocket({
//     url: 'wss://example.com/chat/lobby',
//     probe: '{"type":"members"}',
//     onState: (state, delay) => {…},
//     onMessage: data => {…}                  // a string or an ArrayBuffer
//   })
//   socket.connect()                          // in onLoad, or at a tap
//   socket.send('hello')                      // false: there is no connection, nothing was sent
//   socket.disconnect()                       // in onUnload
//
// What it does
// - Never has two sockets: a mini program may have five in all, and a forgotten one counts. The next is opened when the
//   former said that it is closed, or owes that for `closeTimeout`.
// - After a connection that was lost it tries again, each time later (`firstDelay`, doubled up to `maxDelay`), at a random
//   moment of the second half of that time, so that the clients of a restarted server do not all come at once. It tries
//   at once when the mini program comes back to the foreground or the network is back.
// - Stays away when the server closes with one of the codes in `final`. 1000 is not among them, since phones say 1000 of
//   their own accord when they cut a line in the background. An app that knows better calls disconnect() in onClose.
// - Ends each connection with a Close frame, also one that it gives up.
// - Probes a silent line. Script can neither send a ping nor see the server's, so a quiet room and a dead line look the
//   same. After `silence` without a message it therefore sends `probe`, a message of the app's own that the server
//   answers. Anything that arrives proves the line; nothing for `answerTimeout` ends it and connects again. Without a
//   `probe` silence means nothing, since closing every quiet line would be worse: then the server's ping (25 s) finds the
//   dead client, and this side goes by what the system says, by changes of the network, and by the time in the background.
//
// What it does not
// - Queue. send() refuses while there is no connection, and the page says so: a message that leaves a minute late, into a
//   room that was not yet joined again, is worse than one that the user sends again.

const defaults = {
  url: '',
  protocols: [],            // subprotocols; a server that was asked and chooses none is refused by the phone
  header: {},
  probe: null,              // string, ArrayBuffer, or a function that returns one; null: none
  isProbeAnswer: () => false,   // of the first message after a probe: true keeps it from onMessage
  final: [1008],            // close codes that mean: do not come back

  connectTimeout: 10000,    // milliseconds, all of these
  firstDelay: 1000,
  maxDelay: 30000,
  silence: 30000,
  answerTimeout: 5000,
  closeTimeout: 2000,

  onState: () => {},        // (state, delay): delay is the time to the next attempt in the state 'waiting'
  onMessage: () => {},      // (data)
  onClose: () => {},        // ({ code, reason }): a socket is gone; the state says what comes next
  onError: () => {}         // (errMsg): something to show or to log; what follows from it happens by itself
}

// WeChat ends the sockets of a mini program that is in the background for longer than this.
const BACKGROUND_GRACE = 5000

class WsdSocket {
  constructor(options) {
    this.options = Object.assign({}, defaults, options)
    // closed      nobody wants a connection, and there is no socket
    // connecting  a socket is on its way; the timer ends an attempt that takes too long
    // open        messages go both ways; the timer waits for silence, or for the answer to a probe
    // closing     our Close is sent; the timer ends the wait for the socket's last event
    // waiting     there is no socket; the timer starts the next attempt, if the mini program is in the foreground
    this.state = 'closed'
    this.wanted = false       // between connect() and disconnect()
    this.task = null          // the SocketTask, from connecting to closing
    this.attempt = 0          // a number for each socket: what a former one still says is not heard
    this.timer = null         // the only one; what it means follows from the state
    this.failures = 0         // attempts and short connections since the last good one
    this.hurry = false        // the next attempt need not wait
    this.openedAt = 0
    this.probing = false      // a probe is out and nothing has arrived since
    this.hiddenAt = 0         // when the mini program went to the background; 0: it is in front

    this.handleShow = this.handleShow.bind(this)
    this.handleHide = this.handleHide.bind(this)
    this.handleNetwork = this.handleNetwork.bind(this)
  }

  // Connects, and again whenever the connection is lost, until disconnect(). Options given here replace former ones.
  connect(options) {
    if (this.wanted) return
    Object.assign(this.options, options)
    this.wanted = true
    this.failures = 0
    this.hiddenAt = 0
    wx.onAppShow(this.handleShow)
    wx.onAppHide(this.handleHide)
    wx.onNetworkStatusChange(this.handleNetwork)
    if (this.state === 'closed') this.open()
    else this.hurry = true    // the former socket is still saying goodbye
  }

  // Ends it: a Close frame, no further attempt, no timer but the one that bounds the goodbye.
  disconnect(code, reason) {
    if (!this.wanted) return
    this.forget()
    if (!this.task) this.become('closed')
    else if (this.state !== 'closing') this.close(code, reason)
  }

  // Whether the socket took it. A string leaves as text, an ArrayBuffer as binary.
  send(data) {
    if (this.state !== 'open') return false
    this.task.send({ data, fail: ({ errMsg }) => this.options.onError(errMsg) })
    return true
  }

  forget() {
    this.wanted = false
    this.hurry = false
    wx.offAppShow(this.handleShow)
    wx.offAppHide(this.handleHide)
    wx.offNetworkStatusChange(this.handleNetwork)
  }

  // ---- The life of a socket

  open() {
    const { url, protocols, header, connectTimeout } = this.options
    const attempt = this.attempt += 1
    const mine = handle => result => {
      if (attempt === this.attempt) handle.call(this, result || {})
    }
    this.openedAt = 0
    this.probing = false
    const task = wx.connectSocket({ url, protocols, header, fail: mine(this.handleRefusal) })
    if (attempt !== this.attempt) return   // refused before the call returned
    if (!task) return this.handleRefusal({ errMsg: 'connectSocket:fail' })
    this.task = task
    task.onOpen(mine(this.handleOpen))
    task.onMessage(mine(this.handleMessage))
    task.onError(mine(this.handleError))
    task.onClose(mine(this.handleClose))
    this.become('connecting', connectTimeout, () => this.giveUp('connect timeout'))
  }

  // Says goodbye and waits for the socket's last event. 1000 and 3000 to 4999 are the codes that a client may use.
  close(code, reason) {
    const attempt = this.attempt
    const gone = () => {
      if (attempt === this.attempt) this.handleClose({ code: 1006, reason: 'no answer to Close' })
    }
    this.become('closing', this.options.closeTimeout, gone)
    this.task.close({ code: code || 1000, reason: reason || '', fail: gone })
  }

  giveUp(why) {
    this.close(1000, why)
    this.options.onError(why)
  }

  // The only way from one state to another. The timer of the former state ends here; the new one's is set before the
  // app hears of it, which may call anything.
  become(state, delay, whenOver) {
    const changed = state !== this.state
    clearTimeout(this.timer)
    this.timer = whenOver ? setTimeout(whenOver, delay) : null
    this.state = state
    if (changed) this.options.onState(state, delay || 0)
  }

  // ---- What a socket says

  handleOpen() {
    if (this.state === 'closing') return this.task.close({ code: 1000 })   // it came too late, and opened all the same
    this.openedAt = Date.now()
    this.hurry = false
    this.listen()
  }

  handleMessage({ data }) {
    if (this.state !== 'open') return
    const answersProbe = this.probing && this.options.isProbeAnswer(data)
    this.probing = false
    this.listen()
    if (!answersProbe) this.options.onMessage(data)
  }

  // No socket came of it: five there are already, the domain is not on the list, the mini program is in the background.
  handleRefusal({ errMsg }) {
    const why = errMsg || 'connectSocket:fail'
    this.handleClose({ code: 1006, reason: why })
    this.options.onError(why)
  }

  // A socket that has had an error is of no use. Some phones report its close as well, some do not.
  handleError({ errMsg }) {
    if (this.state !== 'closing') this.giveUp(errMsg || 'error')
  }

  handleClose({ code, reason }) {
    const { maxDelay, final, onClose } = this.options
    this.attempt += 1   // deaf to whatever this socket says after its last word
    this.task = null
    if (this.openedAt && Date.now() - this.openedAt >= maxDelay) this.failures = 0   // that one was good
    if (this.wanted && final.includes(code)) this.forget()
    if (!this.wanted) {
      this.become('closed')
    } else if (this.hiddenAt) {
      this.become('waiting')   // until handleShow: nothing gets through before
    } else {
      const delay = this.hurry ? 0 : this.backOff()
      this.become('waiting', delay, () => this.open())
    }
    onClose({ code, reason: reason || '' })
  }

  backOff() {
    const { firstDelay, maxDelay } = this.options
    const longest = Math.min(maxDelay, firstDelay * Math.pow(2, this.failures))
    this.failures += 1
    return longest / 2 + Math.random() * longest / 2
  }

  // ---- Silence

  listen() {
    if (this.hiddenAt) this.become('open')   // a timer that slept with the phone would measure its sleep
    else this.become('open', this.options.silence, () => this.check(false))
  }

  // Asks whether the line still carries something. `suspect`: there is a reason to think that it does not.
  check(suspect) {
    const { probe, answerTimeout } = this.options
    const message = typeof probe === 'function' ? probe() : probe
    if (message !== null && message !== undefined) {
      this.probing = true
      this.become('open', answerTimeout, () => this.giveUp('no answer to the probe'))
      this.send(message)
    } else if (suspect) {
      this.hurry = true
      this.giveUp('connection in doubt')
    } else {
      this.listen()
    }
  }

  // ---- What the phone says

  handleShow() {
    const hiddenFor = this.hiddenAt ? Date.now() - this.hiddenAt : 0
    this.hiddenAt = 0
    this.resume(hiddenFor >= BACKGROUND_GRACE)
  }

  handleHide() {
    this.hiddenAt = Date.now()
    if (this.state === 'waiting' || this.state === 'open') this.become(this.state)   // without a timer
  }

  handleNetwork({ isConnected }) {
    if (isConnected && !this.hiddenAt) this.resume(true)   // another network: another address, and the old line is dead
  }

  resume(suspect) {
    if (this.state === 'waiting') this.open()
    else if (this.state === 'open') this.check(suspect)
    else this.hurry = true
  }
}

module.exports = WsdSocket
