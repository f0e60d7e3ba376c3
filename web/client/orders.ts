// <souk-orders>: what one bought; <souk-order>: one order, from hold to receipt.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { icon, reason, SoukElement } from "./element.ts";
import { clock, hue, money, options, when } from "./format.ts";
import { live } from "./live.ts";
import type { OrderLine, OrderState, OrderView } from "./protocol.ts";
import { say, type Word } from "./say.ts";

const LOOK: Record<OrderState, string> = {
  held: "warm",
  paying: "warm",
  paid: "good",
  expired: "",
  cancelled: "",
};

function chip(order: OrderView): TemplateResult {
  return html`<span class="chip ${LOOK[order.state] ?? ""}"
    data-state=${order.state}>${say(`order.${order.state}` as Word)}</span>`;
}

function image(line: { image: string; line: number }): TemplateResult {
  return line.image
    ? html`<img class="goods-image" src=${line.image} alt="" loading="lazy">`
    : html`<span class="goods-image none ${hue(line.line)}" aria-hidden="true">${icon("bag")}</span>`;
}

// Which variant, how many, for how much each.
function detail(line: OrderLine, currency: string): string {
  const each = `${line.qty} × ${money({ amount: line.price, currency })}`;
  return [options(line.options), each].filter(Boolean).join(" · ");
}

@customElement("souk-orders")
export class SoukOrders extends SoukElement {
  @state() private orders: OrderView[] | null = null;
  @state() private cursor: string | null | undefined = null;
  @state() private problem = "";
  #stop: () => void = () => undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = live.onUser(({ type }) => {
      if (type === "order.changed") void this.#load();
    });
    void this.#load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop();
  }

  async #load(cursor?: string | null): Promise<void> {
    try {
      const page = await live.read("order.mine", !cursor ? { limit: 30 } : { limit: 30, cursor });
      this.orders = !cursor ? page.items : [...(this.orders ?? []), ...page.items];
      this.cursor = page.cursor;
    } catch (error) {
      this.problem = reason(error);
    }
  }

  #row(order: OrderView): TemplateResult {
    const first = order.lines[0];
    const units = order.lines.reduce((sum, line) => sum + line.qty, 0);
    return html`<li><a class="order-row" href="/orders/${order.order}">
      ${first === undefined ? nothing : image(first)}
      <span class="order-row-text"><small>${order.shop_name}</small><b>${first?.title ?? ""}</b>
        <span>${chip(order)} <small class="num">${when(order.placed_at)}</small></span></span>
      <span class="order-row-end num"><b>${money(order)}</b><small>× ${units}</small></span></a></li>`;
  }

  protected override render(): TemplateResult {
    if (this.problem !== "") return html`<p class="wrong" role="alert">${this.problem}</p>`;
    if (this.orders === null)
      return html`${[1, 2, 3].map(() => html`<div class="skeleton row"></div>`)}`;
    if (this.orders.length === 0) {
      return html`<div class="empty"><div class="empty-stall"
        aria-hidden="true"></div><h2>${say("orders.none")}</h2><p>${say("orders.none_more")}</p>
        <a class="button" href="/">${say("room.others")}</a></div>`;
    }
    return html`<ul class="order-rows">${this.orders.map((order) => this.#row(order))}</ul>
      ${this.cursor ? html`<button class="plain"
        @click=${() => this.#load(this.cursor)}>${say("orders.more")}</button>` : nothing}`;
  }
}

@customElement("souk-order")
export class SoukOrder extends SoukElement {
  @property() order = "";
  @state() private view: OrderView | null = null;
  @state() private problem = "";
  @state() private busy = false;
  @state() private now = live.now();
  #clock = 0;
  #stops: (() => void)[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    this.#clock = window.setInterval(() => {
      this.now = live.now();
    }, 500);
    this.#stops = [
      live.onConnected(() => void this.#load()),
      live.onUser((event) => {
        if ("order" in event && event.order === this.order) void this.#load();
      }),
    ];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#clock);
    this.#stops.forEach((stop) => stop());
  }

  async #load(): Promise<void> {
    try {
      const view = await live.read("order.get", { order: this.order });
      if (this.view === null || view.version >= this.view.version) this.view = view;
    } catch (error) {
      if (this.view === null) this.problem = reason(error);
    }
  }

  async #attempt(act: () => Promise<void>): Promise<void> {
    this.busy = true;
    this.problem = "";
    try {
      await act();
    } catch (error) {
      this.problem = reason(error);
      await this.#load();
    } finally {
      this.busy = false;
    }
  }

  #pay(view: OrderView): Promise<void> {
    return this.#attempt(async () => {
      const { redirect } = await live.change("order.pay", {
        order: view.order,
        version: view.version,
        method: view.methods[0] ?? "bank",
      });
      if (redirect === null) await this.#load();
      else location.assign(redirect);
    });
  }

  #cancel(view: OrderView): Promise<void> {
    return this.#attempt(async () => {
      await live.change("order.cancel", { order: view.order, reason: "changed_mind" });
      await this.#load();
    });
  }

  #head(view: OrderView): TemplateResult {
    const rest = (view.expires_at ?? view.hold_until) - this.now;
    const held = view.state === "held" || view.state === "paying";
    const word: Word =
      held && rest <= 0 ? "order.expired_head" : (`order.${view.state}_head` as Word);
    return html`<header class="receipt-head ${view.state}">
      <span class="receipt-mark"
        aria-hidden="true">${icon(view.state === "paid" ? "check" : held ? "clock" : "close")}</span>
      <h1>${say(word)}</h1>
      ${held && rest > 0 ? html`<p class="hold-clock num" role="timer">${clock(rest)}</p>` : nothing}
      <p>${say(`order.${view.state}_more` as Word)}</p></header>`;
  }

  #acts(view: OrderView): TemplateResult | typeof nothing {
    const rest = (view.expires_at ?? view.hold_until) - this.now;
    if ((view.state !== "held" && view.state !== "paying") || rest <= 0) return nothing;
    return html`<div class="receipt-acts"><button class="wide ${this.busy ? "busy" : ""}"
      ?disabled=${this.busy} @click=${() => this.#pay(view)}>${say("checkout.pay")}</button>
      <button class="quiet wide" ?disabled=${this.busy}
        @click=${() => this.#cancel(view)}>${say("checkout.cancel")}</button></div>`;
  }

  // What happened, in order; what is still to come stays pale.
  #history(view: OrderView): TemplateResult {
    const steps: { word: Word; at: number | null }[] = [
      { word: "order.step_held", at: view.placed_at },
    ];
    if (view.state === "expired" || view.state === "cancelled")
      steps.push({ word: `order.${view.state}`, at: null });
    else steps.push({ word: "order.step_paid", at: view.paid_at });
    return html`<ol class="steps">${steps.map(
      ({
        word,
        at,
      }) => html`<li class=${at === null && view.state !== "expired" && view.state !== "cancelled" ? "to-come" : ""}>
      <b>${say(word)}</b>${at === null ? nothing : html`<time class="num">${when(at)}</time>`}</li>`,
    )}</ol>`;
  }

  protected override render(): TemplateResult {
    const view = this.view;
    if (view === null) {
      return this.problem === ""
        ? html`<div class="skeleton tall"></div>`
        : html`<div class="empty"><h2>${this.problem}</h2><a class="button"
          href="/orders">${say("orders.title")}</a></div>`;
    }
    const room = view.stream ?? sessionStorage.getItem("room");
    return html`<a class="crumb" href="/orders">${icon("back")}${say("orders.title")}</a>
      <article class="receipt">${this.#head(view)}
        ${this.problem === "" ? nothing : html`<p class="wrong" role="alert">${this.problem}</p>`}
        <ul class="receipt-lines">${view.lines.map(
          (line) => html`<li>${image(line)}
          <span class="receipt-line-text"><b>${line.title}</b><small>${detail(line, view.currency)}</small></span>
          <b class="num">${money({ amount: line.price * line.qty, currency: view.currency })}</b></li>`,
        )}</ul>
        <p class="receipt-total"><span>${say("checkout.total")}</span><b class="price">${money(view)}</b></p>
        ${this.#acts(view)} ${this.#history(view)}
        <dl class="receipt-facts"><div><dt>${say("order.shop")}</dt><dd>${view.shop_name}</dd></div>
          <div><dt>${say("order.number")}</dt><dd
            class="num">${view.order.slice(-12).toUpperCase()}</dd></div></dl></article>
      ${room ? html`<a class="button plain wide" href="/rooms/${room}">${say("order.room")}</a>` : nothing}`;
  }
}
