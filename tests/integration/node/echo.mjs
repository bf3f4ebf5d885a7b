// An echo server of npm's ws. Prints its port.
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (client) => client.on("message", (data, isBinary) => client.send(data, { binary: isBinary })));
server.on("listening", () => console.log(server.address().port));
