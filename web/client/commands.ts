// What this client asks, and what it is answered, by method. Written by hand from the
// rooms' Structs; only what is used is here. wire_check.ts holds it to what they say.
import type {
  Comment,
  Conversation,
  Cursor,
  IceServer,
  Insight,
  List,
  Message,
  Millis,
  Person,
  Prices,
  ProductCard,
  ProductPage,
  Shelf,
  ShippingTable,
  ShopView,
  ShowStock,
  StreamKey,
  StreamView,
} from "./protocol.ts";
import type {
  AddressFields,
  AddressView,
  AfterSaleKind,
  Bag,
  OrderState,
  OrderView,
  Part,
  Quote,
  Wait,
} from "./trade.ts";

export interface ProductDraft {
  shop: number;
  product?: number;
  version?: number;
  title: string;
  text: string;
  media: string[];
  category?: string;
  ships_to?: string[];
  cross_border?: boolean;
  skus: {
    sku?: number;
    code: string;
    options: Record<string, string>;
    prices: Prices;
    show_stock?: ShowStock;
  }[];
}
export type Way = { kind: "stream"; id: number };
type Held = { order: string; currency: string; hold_until: Millis };
type Price = { amount: number; currency: string };
type Parcel = { carrier: string; number: string };
type AfterSaleReply = { aftersale: number; state: string; refund?: string | null };

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
  "order.mine": [{ state?: OrderState; limit?: number; cursor?: string }, List<OrderView>];
  "order.shop": [
    { shop: number; state?: OrderState; limit?: number; cursor?: string },
    List<OrderView>,
  ];
  "address.list": [Record<string, never>, List<AddressView>];
  "bag.get": [Record<string, never>, Bag];
  "wait.mine": [Record<string, never>, List<Wait>];
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
  "comment.remove": [{ stream: number; ids: string[] }, { removed: string[] }];
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
  "shop.update": [
    { shop: number; methods?: string[]; shipping?: ShippingTable },
    Record<string, unknown>,
  ];
  "order.place": [{ offer: number; qty: number; via: Way; expect: Price }, Held];
  "order.quote": [{ order: string; address: number | null }, Quote];
  "order.pay": [
    { order: string; version: number; method: string },
    { payment: string; redirect: string | null; expires_at: Millis | null },
  ];
  "order.cancel": [
    { order: string; reason: string },
    { state: OrderState; refund?: string | null },
  ];
  "order.receive": [{ order: string }, { state: OrderState }];
  "order.pack": [{ order: string }, { state: OrderState }];
  "order.mark_paid": [{ order: string; reference: string }, { state: OrderState }];
  "order.ship": [{ order: string; lines?: Part[] } & Parcel, { shipment: number }];
  "shipment.fix": [{ shipment: number } & Parcel, { shipment: number }];
  "refund.create": [
    {
      order: string;
      lines: { line: number; amount: number; qty?: number }[];
      reason: string;
    },
    { refund: string; state: string },
  ];
  "refund.mark_done": [
    { refund: string; reference: string },
    { refund: string; state: string },
  ];
  "aftersale.open": [
    { order: string; kind: AfterSaleKind; lines: Part[]; reason: string },
    AfterSaleReply,
  ];
  "aftersale.sent": [{ aftersale: number } & Parcel, AfterSaleReply];
  "aftersale.withdraw": [{ aftersale: number }, AfterSaleReply];
  "aftersale.decide": [{ aftersale: number; accept: boolean; note: string }, AfterSaleReply];
  "aftersale.received": [{ aftersale: number; restock: boolean }, AfterSaleReply];
  "address.save": [{ address?: number } & AddressFields, { address: number }];
  "address.drop": [{ address: number }, Record<string, never>];
  "bag.put": [{ offer: number; qty: number }, Bag];
  "bag.checkout": [
    { shop: number; via: Way; lines: { offer: number; qty: number; expect: Price }[] },
    Held,
  ];
  "wait.join": [{ offer: number; qty: number; currency?: string }, { wait: number; ahead: number }];
  "wait.leave": [{ wait: number }, Record<string, never>];
}
