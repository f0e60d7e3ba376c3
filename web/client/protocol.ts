// What the wire carries, as this client uses it: rows, and the events about them.
// Written by hand from the rooms' Structs; orders, bags and addresses are in trade.ts, the
// commands in commands.ts.
import type { OrderState } from "./trade.ts";

export type Millis = number;
export type Prices = Record<string, number>;
export type ShowStock = "exact" | "low" | "hidden";

export interface Person {
  user: number;
  name: string;
}

export interface StreamView {
  stream: number;
  host: Person;
  title: string;
  text: string;
  state: "draft" | "preview" | "live" | "interrupted" | "ended";
  version: number;
  started_at: Millis | null;
  ended_at: Millis | null;
  end_reason: string | null;
  viewers: number;
  peak: number;
  grace_until?: Millis | null; // told at subscribe
  role: "host" | "assistant" | "moderator" | "service" | "viewer";
}

export interface Comment {
  id: string;
  author: number;
  name: string;
  badges: string[];
  text: string;
  at: Millis;
}

export interface Offer {
  offer: number;
  sku: number;
  code: string;
  options: Record<string, string>;
  prices: Prices;
  list: Prices; // what it costs elsewhere
  per_buyer: number | null;
  left: number | null; // null where the shop does not tell
  in: boolean;
  version: number;
  stock_version: number;
}

export interface Item {
  number: number;
  product: number;
  shop: number;
  title: string;
  image: string;
  offers: Offer[];
}

export interface Shelf {
  items: Item[];
  explaining: number[];
  version: number;
  now: Millis;
}
export interface Stock {
  left: number | null;
  in: boolean;
  version: number;
}

export interface ShopView {
  shop: number;
  account: number;
  name: string;
  country: string;
  currencies: string[];
  methods: string[];
  shipping?: ShippingTable;
}
// Where a shop ships, and for how much: a country's fee, and from which sum on it is free.
export type ShippingTable = Record<string, { fee: Prices; free_over?: Prices }>;
export interface ProductCard {
  product: number;
  title: string;
  image: string;
  state: ProductState;
  prices: Prices;
}
export type ProductState = "draft" | "listed" | "delisted";
export interface Sku {
  sku: number;
  code: string;
  options: Record<string, string>;
  prices: Prices;
  show_stock: ShowStock;
  left: number | null;
}
export interface ProductPage {
  product: {
    product: number;
    shop: number;
    title: string;
    text: string;
    media: string[];
    category: string;
    ships_to: string[];
    cross_border: boolean;
    state: ProductState;
    version: number;
  };
  skus: Sku[];
}

export interface Message {
  seq: number;
  rev: number;
  key: string;
  sender: number;
  kind: string;
  text: string;
  reply_to: number | null;
  at: Millis;
}
export interface Conversation {
  id: number;
  kind: string;
  peer: Person | null;
  head_seq: number;
  head_rev: number;
  base: number;
  read: number;
  delivered: number;
  peer_read: number;
  peer_delivered: number;
  flags: number; // 1 mentioned, 2 muted, 4 pinned, 8 a stranger's request
  last_at: Millis | null;
  last: Message | null;
}

export interface StreamKey {
  id: number;
  name: string;
  hint: string;
  stream: number | null;
}
export interface IceServer {
  urls: string | string[];
  username?: string;
  credential?: string;
}
export interface List<T> {
  items: T[];
  cursor?: string | null;
}

export interface Insight {
  figures: { orders: number; units: number; gmv: Prices; holders: number };
  items: { number: number; title: string; sold: number; left: number; gmv: Prices }[];
}

export interface Cursor {
  user: number;
  read?: number;
  delivered?: number;
}

type Of<T extends string, F = unknown> = { type: T } & F;
export type DealsEvent =
  | Of<"stream.started" | "stream.recovered", { version: number; at: Millis; rejoin?: boolean }>
  | Of<"stream.interrupted", { version: number; at: Millis; grace_until: Millis }>
  | Of<"stream.ended", { version: number; at: Millis; reason: string }>
  | Of<"stream.updated", { version: number; at: Millis; changed: Partial<StreamView> }>
  | Of<"comment.pinned", { pinned: Comment[] }>
  | Of<"comment.removed", { ids?: string[]; author?: number; before?: Millis }>
  | Of<"item.added", { item: Item; version: number }>
  | Of<"item.removed", { number: number; version: number }>
  | Of<"item.explained", { number: number; on: boolean; explaining: number[]; version: number }>
  | Of<
      "offer.changed",
      {
        number: number;
        offer: number;
        prices: Prices;
        list: Prices;
        per_buyer: number | null;
        version: number;
      }
    >
  | Of<"stock.out" | "stock.back", { number: number; offer: number; version: number }>
  | Of<"sale.announced", { number: number; names: string[]; count: number; sold: number }>;
export type CommentsEvent =
  (Comment & { type: "comment.sent" }) | Of<"lane.skipped", { count: number }>;
export type StateValues = Record<string, unknown>;
export type UserEvent =
  | Of<"message.sent", { conversation: number; rev: number; seq: number; message: Message }>
  | Of<"conversation.cursor", Cursor & { conversation: number }>
  | Of<"conversation.requested", { conversation: number; user: number; name: string }>
  | OrderEvent
  | Of<"wait.offered", { wait: number; offer: number; order: string; expires_at: Millis }>
  | Of<"wait.changed", { wait: number; offer: number; state: string; ahead: number }>
  | Of<"bag.changed", { version: number; lines: number }>;
// Each is a reason to read its order again.
export type OrderEvent =
  | Of<"order.changed", { order: string; state: OrderState; version: number }>
  | Of<"payment.changed", { order: string; state: string; reason?: string }>
  | Of<"refund.changed", { order: string; refund: string; state: string }>
  | Of<"shipment.changed", { order: string; shipment: number; last: string }>
  | Of<"aftersale.changed", { order: string; aftersale: number; state: string }>;
