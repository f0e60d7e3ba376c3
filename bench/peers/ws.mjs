// The plainest broadcast server of Node: `ws`, one Redis subscription, a loop of sends.
//   node ws.mjs STORE_SOCKET CHANNEL     prints its port
import { createConnection } from "node:net";
import { WebSocketServer } from "ws";

const [, , store, channel] = process.argv;
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 1024 });

function broadcast(text) {
  for (const client of server.clients) {
    if (client.readyState === 1) client.send(text);
  }
}

// A subscription speaks arrays of three bulk strings: "message", channel, text.
let rest = "";
const link = createConnection(store, () => link.write(`SUBSCRIBE ${channel}\r\n`));
link.setEncoding("utf8");
link.on("data", (data) => {
  rest += data;
  const message = /\*3\r\n\$\d+\r\n(\w+)\r\n\$\d+\r\n[^\r]*\r\n(?:\$\d+\r\n)?:?([^\r]*)\r\n/y;
  let used = 0;
  for (let found; (found = message.exec(rest)); used = message.lastIndex) {
    if (found[1] === "message") broadcast(found[2]);
  }
  rest = rest.slice(used);
});
server.on("listening", () => console.log(server.address().port));
