// Money, times and counts as people read them. Pure.
import type { Prices } from "./protocol.ts";
import { language, say } from "./say.ts";

export interface Price {
  amount: number;
  currency: string;
}

// Of a price map the one this reader pays in: their language's, else the first.
export function priceOf(prices: Prices | null | undefined): Price | null {
  if (!prices) return null;
  const wanted = language === "zh-CN" ? "CNY" : "USD";
  const currency = wanted in prices ? wanted : Object.keys(prices)[0];
  if (currency === undefined) return null;
  return { amount: prices[currency] ?? 0, currency };
}

function formatOf(currency: string): Intl.NumberFormat {
  return new Intl.NumberFormat(language, {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
  });
}

// How many digits the minor unit of a currency has.
export function digits(currency: string): number {
  return formatOf(currency).resolvedOptions().maximumFractionDigits ?? 2;
}

export function money({ amount, currency }: Price): string {
  return formatOf(currency).format(amount / 10 ** digits(currency));
}

// 600 basis points are 6%.
export function percent(basisPoints: number): string {
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 2 }).format(
    basisPoints / 10_000,
  );
}

const places = new Intl.DisplayNames(language, { type: "region" });

export function country(code: string): string {
  return /^[A-Z]{2}$/.test(code) ? (places.of(code) ?? code) : code;
}

export function count(value: number): string {
  return new Intl.NumberFormat(language, {
    notation: value < 10_000 ? "standard" : "compact",
  }).format(value);
}

// 0:07, 12:40; never below zero.
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export function when(at: number): string {
  const today = new Date().toDateString() === new Date(at).toDateString();
  return new Intl.DateTimeFormat(
    language,
    today
      ? { hour: "2-digit", minute: "2-digit" }
      : { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" },
  ).format(at);
}

export function options(chosen: Record<string, string>): string {
  return Object.values(chosen).join(" · ");
}

export function left(amount: number | null): string {
  if (amount === null) return "";
  if (amount <= 0) return say("stock.out");
  return say(amount <= 5 ? "stock.few" : "stock.left", { count: count(amount) });
}

// One of the twelve colours of the market, the same for an id here and on the server.
export function hue(ident: number): string {
  return `hue-${(ident * 5) % 12}`;
}
