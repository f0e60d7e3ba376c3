// <souk-order order="…">: one order as its buyer sees it, from the hold to the door.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { ActingElement } from "./acting.ts";
import { addressLines } from "./addresses.ts";
import { parcels, refunds } from "./after_looks.ts";
import "./aftersale.ts";
import { Clock } from "./clock.ts";
import { icon } from "./element.ts";
import { live } from "./live.ts";
import { OrderFeed } from "./order_feed.ts";
import { history, way } from "./order_looks.ts";
import "./pay.ts";
import { say, type Word } from "./say.ts";
import { lines, sums } from "./sums.ts";
import { isLive, isUnsent, type OrderState, type OrderView, shortNumber } from "./trade.ts";

const MARKS: Partial<Record<OrderState, string>> = {
  held: "clock",
  paying: "clock",
  paid: "check",
  customs: "globe",
  packed: "box",
  part_shipped: "truck",
  shipped: "truck",
  received: "check",
  done: "check",
};

@customElement("souk-order")
export class SoukOrder extends ActingElement {
  @property() order = "";
  @state() private sure = false;
  readonly #feed = new OrderFeed(this, () => this.order);
  readonly #clock = new Clock(this);

  protected override refused(): void {
    void this.#feed.reload();
  }

  #cancel(view: OrderView): Promise<void> {
    return this.attempt(async () => {
      await live.change("order.cancel", { order: view.order, reason: "changed_mind" });
      this.sure = false;
      await this.#feed.reload();
    });
  }

  #receive(view: OrderView): Promise<void> {
    return this.attempt(async () => {
      await live.change("order.receive", { order: view.order });
      await this.#feed.reload();
    });
  }

  // To the shop's account, as every message to a shop goes.
  #write(view: OrderView): Promise<void> {
    return this.attempt(async () => {
      const { shop } = await live.read("shop.get", { shop: view.shop });
      const { conversation } = await live.change("conversation.open", { user: shop.account });
      location.assign(`/inbox/${conversation}`);
    });
  }

  #over(view: OrderView): boolean {
    return isLive(view) && view.expires_at !== null && view.expires_at <= this.#clock.now;
  }

  #head(view: OrderView): TemplateResult {
    const byHand = view.state === "paying" && view.expires_at === null;
    const state = this.#over(view) ? "expired" : view.state;
    const word = byHand ? "by_hand" : state;
    // Money that came too late went back; what cost nothing was not paid.
    const late = (state === "expired" || state === "cancelled") && view.refunds.length > 0;
    const more = late ? "late" : view.amount === 0 && state === "paid" ? "free" : word;
    return html`<header class="receipt-head ${view.state}" data-state=${view.state}>
      <span class="receipt-mark" aria-hidden="true">${icon(MARKS[state] ?? "close")}</span>
      <h1>${say(`order.${word}_head` as Word)}</h1>
      <p>${say(`order.${more}_more` as Word)}</p></header>`;
  }

  #acts(view: OrderView): TemplateResult | typeof nothing {
    if (isLive(view)) {
      return this.#over(view)
        ? nothing
        : html`<souk-pay brief .view=${view} @stale=${() => this.#feed.reload()}></souk-pay>`;
    }
    if (view.state === "shipped")
      return html`<button class="wide ${this.busy ? "busy" : ""}" data-act="receive"
        ?disabled=${this.busy} @click=${() => this.#receive(view)}>${say("order.receive")}</button>`;
    if (!isUnsent(view)) return nothing;
    if (!this.sure)
      return html`<button class="quiet wide" data-act="cancel" @click=${() => {
        this.sure = true;
        this.lead(".sure button.quiet");
      }}>${say("order.cancel")}</button>`;
    return html`<div class="sure"><p>${say("order.cancel_sure")}</p>
      <button class="danger wide" data-act="cancel-sure" ?disabled=${this.busy}
        @click=${() => this.#cancel(view)}>${say("order.cancel_yes")}</button>
      <button class="quiet wide" @click=${() => {
        this.sure = false;
        this.lead("[data-act=cancel]");
      }}>${say("order.cancel_no")}</button></div>`;
  }

  #facts(view: OrderView): TemplateResult {
    return html`<dl class="receipt-facts"><div><dt>${say("order.shop")}</dt><dd>${view.shop_name}</dd></div>
      <div><dt>${say("order.number")}</dt><dd class="num">${shortNumber(view.order)}</dd></div></dl>
      <button class="quiet" data-act="message" ?disabled=${this.busy}
        @click=${() => this.#write(view)}>${icon("chat")}${say("order.message")}</button>`;
  }

  protected override render(): TemplateResult {
    const view = this.#feed.view;
    if (view === null) {
      return this.#feed.problem === ""
        ? html`<div class="skeleton tall"></div>`
        : html`<div class="empty"><h2>${this.#feed.problem}</h2><a class="button"
          href="/orders">${say("orders.title")}</a></div>`;
    }
    const room = view.stream ?? sessionStorage.getItem("room");
    const paying = isLive(view) && !this.#over(view);
    return html`<a class="crumb" href="/orders">${icon("back")}${say("orders.title")}</a>
      <article class="receipt">${this.#head(view)} ${way(view)}
        ${this.wrong()} ${paying ? this.#acts(view) : nothing}
        ${lines(view)} ${paying ? nothing : sums(view)}
        ${paying || view.address === null ? nothing : html`<section class="step"><h2>${icon("place")}${say("address.title")}</h2><p>${addressLines(view.address)}</p></section>`}
        ${parcels(view)} ${paying ? nothing : this.#acts(view)} ${refunds(view)}
        <souk-aftersale .view=${view} @stale=${() => this.#feed.reload()}></souk-aftersale>
        ${history(view, true)} ${this.#facts(view)}</article>
      ${room ? html`<a class="button plain wide" href="/rooms/${room}">${say("order.room")}</a>` : nothing}`;
  }
}
