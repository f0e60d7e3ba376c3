// A player in Node: `node play.mjs centrifuge|json|msgpack URL`. Each line in is
// `{id, verb, what}`; each line out what it answered, or an event.

import { createInterface } from "node:readline";
import { decodeMulti, encode } from "@msgpack/msgpack";
import WebSocket from "ws";
import * as raw from "./raw.mjs";
import * as stock from "./stock.mjs";

const CODECS = {
  json: {
    encode: JSON.stringify,
    decode: (frame) => frame.toString().split("\n").map((line) => JSON.parse(line)),
  },
  msgpack: { protocols: "souk.msgpack.v1", encode, decode: (f) => [...decodeMulti(f)] },
};

const [kind, url] = process.argv.slice(2);
const tell = (message) => console.log(JSON.stringify(message));
const player =
  kind === "centrifuge"
    ? stock.player(url, tell, { websocket: WebSocket })
    : raw.player(url, tell, CODECS[kind]);

for await (const line of createInterface({ input: process.stdin })) {
  const { id, verb, what } = JSON.parse(line);
  player[verb](what).then(
    (result = {}) => tell({ id, result }),
    ({ code, message, temporary = false }) => tell({ id, refused: [code, message, temporary] }),
  );
}
process.exit(0);
