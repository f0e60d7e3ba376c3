// What the wire carries of buying: orders and what follows them, bags, waits, addresses.
// By hand where its types are finer than the wire has them; wire.ts has the others.
import type { Millis, Prices } from "./protocol.ts";
import type { LineView } from "./wire.ts";

export interface AddressFields {
  name: string;
  phone: string;
  country: string;
  region: string;
  line: string;
  is_default: boolean;
}
// Of the copy that an order keeps, `address` is 0.
export interface AddressView extends AddressFields {
  address: number;
}

// goods − discount + shipping + taxes = amount, in minor units.
export interface Sums {
  goods: number;
  discount: number;
  shipping: number;
  taxes: { name: string; rate_bp: number; amount: number }[];
  amount: number;
  currency: string;
}
export interface Quote extends Sums {
  methods: string[];
  version: number;
}

export interface Part {
  line: number;
  qty: number;
}
export type OrderLine = LineView;
export type OrderState =
  | "held"
  | "paying"
  | "paid"
  | "customs"
  | "packed"
  | "part_shipped"
  | "shipped"
  | "received"
  | "done"
  | "closed"
  | "expired"
  | "cancelled";
export interface Shipment {
  shipment: number;
  carrier: string;
  number: string;
  lines: Part[];
  events: Record<string, string | number>[];
  state: "sent" | "delivered";
  at: Millis;
}
export interface Refund {
  refund: string;
  amount: number;
  lines: Part[]; // the whole units it is for
  reason: string;
  state: "due" | "sent" | "done" | "failed";
  at: Millis;
}
export type AfterSaleKind = "refund" | "return" | "exchange";
export type AfterSaleState =
  "asked" | "accepted" | "refused" | "sent" | "received" | "done" | "withdrawn";
export interface AfterSale {
  aftersale: number;
  kind: AfterSaleKind;
  lines: Part[];
  reason: string;
  media: string[];
  note: string;
  carrier: string;
  number: string;
  state: AfterSaleState;
  due_at: Millis | null;
  refund: string | null;
  replacement: string | null;
  at: Millis;
}
export interface Change {
  version: number;
  was: OrderState;
  state: OrderState;
  by: "buyer" | "shop" | null;
  reason: string;
  at: Millis;
}
export interface OrderView extends Sums {
  order: string;
  shop: number;
  shop_name: string;
  buyer: number;
  buyer_name: string;
  stream: number | null;
  state: OrderState;
  version: number;
  lines: OrderLine[];
  needs_address: boolean;
  address: AddressView | null;
  methods: string[];
  shipments: Shipment[];
  refunds: Refund[];
  aftersales: AfterSale[];
  changes: Change[];
  placed_at: Millis;
  hold_until: Millis;
  expires_at: Millis | null;
  paid_at: Millis | null;
  now: Millis;
}

export interface BagLine {
  offer: number;
  sku: number;
  shop: number;
  shop_name: string;
  stream: number | null;
  title: string;
  image: string;
  options: Record<string, string>;
  qty: number;
  prices: Prices;
  left: number | null; // null where the shop does not tell
  open: boolean; // whether it can be bought now
}
export interface Bag {
  lines: BagLine[];
  version: number;
}

export interface Wait {
  wait: number;
  offer: number;
  stream: number;
  title: string;
  qty: number;
  state: "waiting" | "offered" | "bought" | "passed" | "left";
  ahead: number;
  order: string | null; // the hold it was offered
  expires_at: Millis | null;
}

// Units are reserved and the clock runs.
export function isLive(order: { state: OrderState }): boolean {
  return order.state === "held" || order.state === "paying";
}

// Paid, and nothing is on its way yet.
export function isUnsent({ state }: { state: OrderState }): boolean {
  return state === "paid" || state === "customs" || state === "packed";
}

export function isSent({ state }: { state: OrderState }): boolean {
  return ["part_shipped", "shipped", "received", "done"].includes(state);
}

export function openAfterSale(order: OrderView): AfterSale | undefined {
  return order.aftersales.find(({ state }) =>
    ["asked", "accepted", "sent", "received"].includes(state),
  );
}

function perLine(parts: Part[]): Map<number, number> {
  const units = new Map<number, number>();
  for (const { line, qty } of parts) units.set(line, (units.get(line) ?? 0) + qty);
  return units;
}

// Units whose money went back, or is about to; `unasked`: the shop's own doing only.
export function paidBack(order: OrderView, unasked = false): Map<number, number> {
  const stand = order.refunds.filter(
    ({ state, reason }) => state !== "failed" && (!unasked || reason === "shop"),
  );
  return perLine(stand.flatMap(({ lines }) => lines));
}

// How many units of each line have not been sent yet; a bundle counts as its own line.
// What was given back is not sent any more: the server knows exactly.
export function unsent(order: OrderView): Part[] {
  const sent = perLine(order.shipments.flatMap((parcel) => parcel.lines));
  const back = paidBack(order);
  return order.lines
    .filter(({ parent, price, qty, discount, tax, refunded }) => {
      const worth = price * qty - discount + tax;
      return parent === null && (worth === 0 || refunded < worth);
    })
    .map(({ line, qty }) => ({
      line,
      qty: qty - (sent.get(line) ?? 0) - (back.get(line) ?? 0),
    }))
    .filter(({ qty }) => qty > 0);
}

// The number that people read to each other: the end of the id.
export function shortNumber(order: string): string {
  return order.slice(-12).toUpperCase();
}
