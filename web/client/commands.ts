// What this client asks, and what it is answered, by method. Written by hand from the
// rooms' Structs; only what is used is here.
import type {
  Comment,
  Conversation,
  Cursor,
  IceServer,
  Insight,
  List,
  Message,
  Millis,
  OrderState,
  OrderView,
  Person,
  Prices,
  ProductCard,
  ProductPage,
  Shelf,
  ShopView,
  StreamKey,
  StreamView,
} from "./protocol.ts";

export interface ProductDraft {
  shop: number;
  product?: number;
  version?: number;
  title: string;
  text: string;
  media: string[];
  skus: { sku?: number; code: string; options: Record<string, string>; prices: Prices }[];
}
type Way = { kind: "stream"; id: number };

// Method → [what is sent, what is answered]. Those that change something carry a key.
export interface Reads {
  "profile.get": [{ user: number }, Person & { followers: number; following: boolean }];
  "stream.get": [{ stream: number }, StreamView];
  "stream.list": [{ kind: "live" | "mine" | "following" }, List<StreamView>];
  "stream.watch": [
    { stream: number },
    { state: string; whep: string; ticket: string | null; ice_servers: IceServer[] },
  ];
  "stream.ticket": [{ stream: number }, { whip: string; token: string; ice_servers: IceServer[] }];
  "stream_key.list": [Record<string, never>, List<StreamKey>];
  "comment.list": [{ stream: number }, List<Comment>];
  "like.send": [{ stream: number; total: number }, { liked: number }];
  "conversation.list": [
    { box: "main" | "requests"; limit?: number; cursor?: string },
    List<Conversation>,
  ];
  "conversation.history": [
    { conversation: number; before_seq?: number; limit: number },
    { messages: Message[]; head_seq: number; head_rev: number },
  ];
  "conversation.sync": [
    { conversation: number; after_rev: number },
    {
      messages: Message[];
      cursors: Cursor[];
      head_seq: number;
      head_rev: number;
      next_rev: number;
      more: boolean;
      conversation: Conversation | null;
    },
  ];
  "conversation.mark": [
    { conversation: number; read_seq?: number; delivered_seq?: number },
    { read_seq: number; delivered_seq: number },
  ];
  "shop.get": [
    { shop: number },
    { shop: ShopView; products: ProductCard[]; streams: number[]; followers: number },
  ];
  "product.get": [{ product: number }, ProductPage];
  "shelf.get": [{ stream: number }, Shelf];
  "order.get": [{ order: string }, OrderView];
  "order.mine": [{ limit?: number; cursor?: string }, List<OrderView>];
  "insight.stream": [{ stream: number }, Insight];
}

export interface Changes {
  "follow.set": [{ user: number; on: boolean }, { following: boolean; followers: number }];
  "stream.create": [{ title: string; text?: string }, { stream: number; version: number }];
  "stream.go_live": [{ stream: number }, { state: string; version: number }];
  "stream.end": [{ stream: number }, { state: string; version: number }];
  "stream_key.create": [
    { name: string; stream?: number },
    { id: number; secret: string; hint: string; whip: string },
  ];
  "stream_key.revoke": [{ id: number }, Record<string, never>];
  "comment.send": [
    { stream: number; text: string },
    { id: string; state: string; at: Millis; text?: string },
  ];
  "comment.pin": [{ stream: number; id: string; on: boolean }, { pinned: Comment[] }];
  "comment.remove": [{ stream: number; ids: string[] }, { removed: number }];
  "conversation.open": [{ user: number }, { conversation: number }];
  "message.send": [
    { conversation: number; kind: "text"; text: string },
    { seq: number; rev: number; at: Millis },
  ];
  "shop.create": [
    { name: string; country: string; currencies: string[]; methods: string[] },
    { shop: number },
  ];
  "product.save": [ProductDraft, { product: number; version: number; skus: number[] }];
  "product.state": [{ product: number; state: "listed" | "delisted" }, { state: string }];
  "stock.receive": [
    { sku: number; qty: number; note: string },
    { available: number; version: number },
  ];
  "shelf.add": [
    { stream: number; product: number; offers: { sku: number }[] },
    { number: number; offers: number[] },
  ];
  "shelf.remove": [{ stream: number; number: number }, { version: number }];
  "shelf.explain": [{ stream: number; number: number; on: boolean }, { explaining: number[] }];
  "order.place": [
    { offer: number; qty: number; via: Way; expect: { amount: number; currency: string } },
    { order: string; currency: string; hold_until: Millis },
  ];
  "order.pay": [
    { order: string; version: number; method: string },
    { payment: string; redirect: string | null; expires_at: Millis },
  ];
  "order.cancel": [{ order: string; reason: string }, { state: OrderState }];
}
