// <souk-bag>: what was put aside, shop by shop, and the waits. A shop's lines are held all
// together or not at all; then it is paid like any order. Nothing is held before.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { ActingElement } from "./acting.ts";
import { icon } from "./element.ts";
import { hue, left, money, options, priceOf } from "./format.ts";
import { live, Refused } from "./live.ts";
import { OrderFeed } from "./order_feed.ts";
import "./pay.ts";
import type { Prices } from "./protocol.ts";
import { say } from "./say.ts";
import { type Bag, type BagLine, isLive } from "./trade.ts";

// The currency that all lines have a price in: the reader's if it can be.
function together(lines: BagLine[]): string | null {
  const [first, ...others] = lines;
  const common = Object.keys(first?.prices ?? {}).filter((currency) =>
    others.every(({ prices }) => currency in prices),
  );
  const prices: Prices = Object.fromEntries(common.map((currency) => [currency, 0]));
  return priceOf(prices)?.currency ?? null;
}

@customElement("souk-bag")
export class SoukBag extends ActingElement {
  @state() private bag: Bag | null = null;
  @state() private order = "";
  readonly #held = new OrderFeed(this, () => this.order);
  #wrong = 0; // the shop whose checkout was refused
  #stops: (() => void)[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stops = [
      live.onConnected(() => void Promise.all([this.#load(), this.#recall()])),
      live.onUser(({ type }) => {
        if (type === "bag.changed") void this.#load();
        if (type === "order.changed" && this.order === "") void this.#recall();
      }),
    ];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stops.forEach((stop) => stop());
  }

  async #load(): Promise<void> {
    const bag = await live.read("bag.get", {}).catch(() => null);
    if (bag !== null && bag.version >= (this.bag?.version ?? 0)) this.bag = bag;
  }

  // What is held and not paid is shown first, also after a reload in the middle of it.
  async #recall(): Promise<void> {
    if (this.order !== "") return;
    const held = await live.read("order.mine", { state: "held", limit: 1 }).catch(() => null);
    const [order] = held?.items ?? [];
    if (order === undefined || this.order !== "") return;
    this.order = order.order;
    await this.#held.reload();
  }

  #put(line: BagLine, qty: number): Promise<void> {
    this.#wrong = line.shop;
    return this.attempt(async () => {
      await live.change("bag.put", { offer: line.offer, qty });
      await this.#load();
    });
  }

  #checkOut(shop: number, lines: BagLine[]): Promise<void> {
    this.#wrong = shop;
    return this.attempt(async () => {
      const currency = together(lines);
      if (currency === null) throw new Refused(481, "currency_missing", {}, false);
      const stream = lines.find((line) => line.stream !== null)?.stream ?? 0;
      const { order } = await live.change("bag.checkout", {
        shop,
        via: { kind: "stream", id: stream },
        lines: lines.map(({ offer, qty, prices }) => ({
          offer,
          qty,
          expect: { amount: (prices[currency] ?? 0) * qty, currency },
        })),
      });
      this.order = order;
      await Promise.all([this.#held.reload(), this.#load()]);
    });
  }

  // What was refused may be because the bag shows yesterday's prices.
  protected override refused(error: unknown): void {
    void this.#load();
    if (!(error instanceof Refused)) return;
    const lines = (error.data["lines"] ?? []) as { offer?: number }[];
    const offers = lines.map(({ offer }) => offer);
    const titles = (this.bag?.lines ?? [])
      .filter(({ offer }) => offers.includes(offer))
      .map(({ title }) => title);
    if (titles.length === 0) return;
    const named = titles.join(say("sale.and"));
    this.problem =
      error.name === "sold_out" ? say("bag.short", { titles: named }) : `${this.problem} ${named}`;
  }

  #forget(): void {
    this.order = "";
    this.#held.forget();
  }

  #line(line: BagLine, currency: string | null): TemplateResult {
    const each = currency === null ? priceOf(line.prices) : { amount: line.prices[currency] ?? 0, currency };
    const most = Math.min(99, line.left ?? 99);
    return html`<li class="bag-line ${line.open ? "" : "shut"}" data-offer=${line.offer}>
      ${line.image ? html`<img class="goods-image" src=${line.image} alt="" loading="lazy">` : html`<span class="goods-image none ${hue(line.sku)}" aria-hidden="true">${icon("bag")}</span>`}
      <div class="bag-text"><b>${line.title}</b><small>${options(line.options)}</small>
        <span class="bag-end"><span class="price">${each === null ? "" : money(each)}</span>
        ${line.open ? html`<span class="stock num ${most <= 5 ? "few" : ""}">${left(line.left)}</span>` : html`<span class="chip">${say("bag.shut")}</span>`}</span>
        <span class="stepper"><button class="plain round" aria-label=${say(line.qty === 1 ? "bag.out" : "checkout.less")}
          ?disabled=${this.busy}
          @click=${() => this.#put(line, line.qty - 1)}>${icon(line.qty === 1 ? "trash" : "minus")}</button>
          <output class="num" aria-live="polite">${line.qty}</output>
          <button class="plain round" aria-label=${say("checkout.more")}
            ?disabled=${this.busy || !line.open || line.qty >= most}
            @click=${() => this.#put(line, line.qty + 1)}>${icon("plus")}</button></span></div></li>`;
  }

  #shop(shop: number, lines: BagLine[]): TemplateResult {
    const open = lines.filter((line) => line.open);
    const currency = together(open);
    const total = open.reduce((sum, { prices, qty }) => sum + (prices[currency ?? ""] ?? 0) * qty, 0);
    return html`<section class="card bag-shop" aria-label=${lines[0]?.shop_name ?? ""}>
      <h2>${icon("arch")}${lines[0]?.shop_name ?? ""}</h2>
      <ul class="bag-lines">${lines.map((line) => this.#line(line, currency))}</ul>
      ${this.#wrong === shop ? this.wrong() : nothing}
      <div class="checkout-line total"><span>${say("sums.before_shipping")}</span><b
        class="price">${currency === null ? "" : money({ amount: total, currency })}</b></div>
      <button class="wide ${this.busy ? "busy" : ""}" data-act="check-out"
        ?disabled=${this.busy || open.length === 0}
        @click=${() => this.#checkOut(shop, open)}>${say("checkout.hold")}</button></section>`;
  }

  #paying(): TemplateResult | typeof nothing {
    const view = this.#held.view;
    if (this.order === "" || view === null) return nothing;
    if (isLive(view)) {
      return html`<section class="card bag-shop"><h2>${icon("arch")}${view.shop_name}</h2>
        <ul class="bag-held">${view.lines.filter(({ parent }) => parent === null).map((line) => html`<li><span>${line.title}</span><b class="num">× ${line.qty}</b></li>`)}</ul>
        <souk-pay .view=${view} @stale=${() => this.#held.reload()}></souk-pay></section>`;
    }
    if (view.state === "expired" || view.state === "cancelled")
      return html`<section class="card hold over"><h3>${say("checkout.expired")}</h3><p>${say("bag.expired_more")}</p>
        <button class="plain" @click=${this.#forget}>${say("bag.well")}</button></section>`;
    return html`<a class="button wide" href="/orders/${view.order}">${say("checkout.see_order")}</a>`;
  }

  protected override render(): TemplateResult {
    if (this.bag === null) return html`<div class="skeleton tall"></div>`;
    const shops = new Map<number, BagLine[]>();
    for (const line of this.bag.lines) shops.set(line.shop, [...(shops.get(line.shop) ?? []), line]);
    const paying = this.#paying();
    return html`${paying}
      ${
        shops.size === 0 && paying === nothing
          ? html`<div class="empty"><div class="empty-stall" aria-hidden="true"></div>
            <h2>${say("bag.none")}</h2><p>${say("bag.none_more")}</p></div>`
          : [...shops].map(([shop, lines]) => this.#shop(shop, lines))
      }`;
  }
}
