// The protocol by hand on npm's `ws`: reconnecting and recovering in sixty lines.
// Its twin is raw.py. `codec`: encode(message) → frame, decode(frame) → messages.

import WebSocket from "ws";

export function player(url, tell, codec) {
  const at = new Map(); // channel → where it stands
  const waiting = new Map();
  const tokens = [];
  let socket, token, over, ids = 0;

  const send = (message) => socket.send(codec.encode(message));
  const ask = (name, body, done, refuse = () => {}) => {
    waiting.set(++ids, { name, done, refuse });
    send({ id: ids, [name]: body });
  };
  const next = () => {
    tell({ event: "token" });
    return (token = tokens.shift());
  };
  const hear = (channel, { data, offset }) => {
    tell({ event: "publication", channel, data, offset });
    if (offset) at.get(channel).offset = offset;
  };
  const joined = (channel, { publications = [], epoch, offset = 0, ...told }) => {
    const { recovered = false, was_recovering = false, data } = told;
    tell({ event: "subscribed", channel, recovered, was_recovering, data });
    at.set(channel, { epoch, offset });
    for (const publication of publications) hear(channel, publication);
  };
  const left = (channel, code) => {
    at.delete(channel);
    tell({ event: "unsubscribed", channel, code });
  };
  const position = (channel) =>
    at.get(channel)?.epoch ? { recover: true, ...at.get(channel) } : {};
  const subscribe = (channel) =>
    ask(
      "subscribe",
      { channel, ...position(channel) },
      (reply) => joined(channel, reply),
      ({ code }) => left(channel, code),
    );
  const lives = ({ expires, ttl }) => {
    if (expires) setTimeout(() => ask("refresh", { token: next() }, lives), ttl * 1000);
  };
  const take = (message) => {
    if (!Object.keys(message).length) return send({});
    if (!message.push) {
      const { name, done, refuse } = waiting.get(message.id);
      waiting.delete(message.id);
      return message.error ? refuse(message.error) : done(message[name]);
    }
    const { channel, pub, unsubscribe, disconnect } = message.push;
    if (pub) hear(channel, pub);
    if (unsubscribe?.code >= 2500) subscribe(channel);
    else if (unsubscribe) left(channel, unsubscribe.code);
    if (disconnect) over = disconnect;
  };
  const open = () => {
    over = null;
    waiting.clear();
    socket = new WebSocket(url, codec.protocols);
    socket.on("error", () => {});
    socket.on("message", (frame) => codec.decode(frame).forEach(take));
    socket.on("close", () => {
      if (over && !over.reconnect) tell({ event: "disconnected", ...over });
      else setTimeout(open, 5);
    });
    socket.on("open", () => {
      const channels = [...at.keys()];
      const own = channels.filter((name) => name.startsWith("#"));
      const subs = Object.fromEntries(own.map((name) => [name, position(name)]));
      ask("connect", { token, subs }, ({ data, subs, ...reply }) => {
        tell({ event: "connected", data });
        Object.entries(subs).forEach(([name, sub]) => joined(name, sub));
        lives(reply);
      });
      channels.filter((name) => !name.startsWith("#")).forEach(subscribe);
    });
  };
  const call = (name) => (body) =>
    new Promise((done, refuse) => ask(name, body, done, refuse));
  return {
    async connect({ tokens: given }) {
      tokens.push(...given);
      next();
      open();
    },
    subscribe: async ({ channel }) => subscribe(channel),
    rpc: call("rpc"),
    history: call("history"),
    presence_stats: call("presence_stats"),
  };
}
