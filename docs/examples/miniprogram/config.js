// Where the servers are. Change these to yours: `wss://…` in a published mini program, and a whitelisted domain (README.md).
//
// On a real phone 127.0.0.1 is the phone: write the address of the computer that runs wsd.
module.exports = {
  consoleUrl: 'ws://127.0.0.1:8080',   // wsd start
  wallServer: 'ws://127.0.0.1:8081',   // wsd start danmaku --name wall --listen ws://0.0.0.0:8081

  // What wsd.js is to do otherwise than its defaults, for example { silence: 60000 }.
  socket: {}
}
