// Socket.IO as its pages show it: one server, its Redis adapter, WebSocket only.
//   node server.mjs STORE_SOCKET     prints its port
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const publisher = createClient({ socket: { path: process.argv[2] } });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);
const http = createServer();
new Server(http, {
  adapter: createAdapter(publisher, subscriber),
  serveClient: false,
  transports: ["websocket"],
});
http.listen({ host: "127.0.0.1", port: 0, backlog: 1024 }, () => {
  console.log(http.address().port);
});
