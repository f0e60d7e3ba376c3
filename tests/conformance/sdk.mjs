// The stock centrifuge SDK, unmodified, telling what happens to it, a JSON object a line.
// `node sdk.mjs URL TICKET CHANNEL`; on standard input: `cut`, `rpc METHOD JSON`, `end`.

import { createInterface } from "node:readline";
import { Centrifuge } from "centrifuge";
import WebSocket from "ws";

const [url, ticket, channel] = process.argv.slice(2);
let socket = null;
let resume = "";

class Watched extends WebSocket {
  constructor(...args) {
    super(...args);
    socket = this;
  }
}

const tell = (event, more = {}) => console.log(JSON.stringify({ event, ...more }));

const client = new Centrifuge(url, {
  websocket: Watched,
  token: ticket,
  data: { mail: true },
  getToken: async () => {
    tell("token asked");
    return resume;
  },
  minReconnectDelay: 20,
  maxReconnectDelay: 200,
});
client.on("connected", (context) => {
  resume = context.data.resume;
  tell("connected", { data: context.data });
});
client.on("connecting", ({ code, reason }) => tell("connecting", { code, reason }));
client.on("disconnected", ({ code, reason }) => tell("disconnected", { code, reason }));
client.on("error", ({ error }) => tell("error", { code: error.code, message: error.message }));
client.on("subscribed", (context) => {
  const { channel, wasRecovering, recovered } = context;
  tell("server subscribed", { channel, wasRecovering, recovered });
});
client.on("unsubscribed", ({ channel }) => tell("server unsubscribed", { channel }));
client.on("publication", ({ channel, data, offset }) =>
  tell("server publication", { channel, data, offset }),
);

const subscription = client.newSubscription(channel);
subscription.on("subscribed", ({ wasRecovering, recovered, data }) =>
  tell("subscribed", { wasRecovering, recovered, data }),
);
subscription.on("subscribing", ({ code, reason }) => tell("subscribing", { code, reason }));
subscription.on("unsubscribed", ({ code, reason }) => tell("unsubscribed", { code, reason }));
subscription.on("publication", ({ data, offset }) => tell("publication", { data, offset }));
subscription.subscribe();
client.connect();

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, method, ...rest] = line.split(" ");
  if (verb === "cut") socket.terminate();
  if (verb === "end") break;
  if (verb === "rpc") {
    try {
      const { data } = await client.rpc(method, JSON.parse(rest.join(" ")));
      tell("reply", { data });
    } catch ({ code, message, temporary }) {
      tell("refused", { code, message, temporary });
    }
  }
}
client.disconnect();
process.exit(0);
