// <souk-desk shop="3">: the orders of a shop, by what has to be done about them. On a
// phone the list or one order; side by side on a wide page.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import "./desk_order.ts";
import { icon, reason, SoukElement } from "./element.ts";
import { money, when } from "./format.ts";
import { live, pause } from "./live.ts";
import { chip } from "./order_looks.ts";
import { say, type Word } from "./say.ts";
import { lineImage } from "./sums.ts";
import { type OrderState, type OrderView, openAfterSale, shortNumber } from "./trade.ts";

// What the page's own view counts: orders by state, open after-sales, and a mark that is
// another one when anything of the shop's orders has changed.
interface Counts {
  states: Partial<Record<OrderState, number>>;
  aftersales: string[];
  newest: string;
}
type Pile = OrderState | "all" | "aftersales";
const PILES: Pile[] = [
  "paid",
  "packed",
  "part_shipped",
  "aftersales",
  "paying",
  "held",
  "shipped",
  "received",
  "done",
  "closed",
  "all",
];
const EVERY = 4_000;
const wide = matchMedia("(min-width: 1000px)");

@customElement("souk-desk")
export class SoukDesk extends SoukElement {
  @property({ type: Number }) shop = 0;
  @property() order = "";
  @state() private pile: Pile = "paid";
  @state() private counts: Counts = { states: {}, aftersales: [], newest: "" };
  @state() private orders: OrderView[] | null = null;
  @state() private cursor: string | null | undefined = null;
  @state() private led = false; // an order was chosen here
  @state() private sought = "";
  @state() private problem = "";
  #timer = 0;
  #asked = 0;
  #stops: (() => void)[] = [];
  #back = (): void => {
    this.order = location.pathname.split("/orders/")[1] ?? "";
  };

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("popstate", this.#back);
    this.#timer = window.setInterval(() => {
      if (!document.hidden) void this.#count();
    }, EVERY);
    this.#stops = [
      live.onConnected(() => void this.#count(true)),
      live.onUser((event) => {
        if ("order" in event) void this.#count(true);
      }),
    ];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("popstate", this.#back);
    clearInterval(this.#timer);
    this.#stops.forEach((stop) => stop());
  }

  // Buyers' doings are told to buyers: the desk looks for itself whether anything is new.
  async #count(anyway = false): Promise<void> {
    const reply = await fetch(`/shops/${this.shop}/counts`).catch(() => null);
    if (reply === null || !reply.ok) return;
    const counts = (await reply.json()) as Counts;
    const news = counts.newest !== this.counts.newest;
    this.counts = counts;
    if (news || anyway || this.orders === null) await this.#load();
  }

  async #load(cursor?: string | null): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked;
    try {
      const page = await this.#page(cursor);
      if (asked !== this.#asked) return;
      this.orders = cursor ? [...(this.orders ?? []), ...page.items] : page.items;
      this.cursor = page.cursor;
      this.problem = "";
    } catch (error) {
      this.problem = reason(error);
    }
  }

  async #page(cursor?: string | null): Promise<{ items: OrderView[]; cursor?: string | null }> {
    const { shop, pile } = this;
    if (pile === "aftersales") {
      const asked = this.counts.aftersales.map((order) => live.read("order.get", { order }));
      return { items: await Promise.all(asked) };
    }
    return live.read("order.shop", {
      shop,
      limit: 30,
      ...(pile === "all" ? {} : { state: pile }),
      ...(cursor ? { cursor } : {}),
    });
  }

  // Where nothing fits among what is here, older pages are looked through, ten at most.
  async #seek(words: string): Promise<void> {
    this.sought = words;
    for (let pages = 0; pages < 10; pages += 1) {
      await pause(300);
      const found = (this.orders ?? []).some((order) => this.#matches(order));
      if (this.sought !== words || words.trim() === "" || found || !this.cursor) return;
      await this.#load(this.cursor);
    }
  }

  #choose(pile: Pile): void {
    this.pile = pile;
    this.orders = null;
    void this.#load();
  }

  #show(event: MouseEvent, order: string): void {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.led = true;
    this.order = order;
    history.pushState(null, "", `/shops/${this.shop}/orders/${order}`);
    scrollTo({ top: 0 });
  }

  #leave(event: MouseEvent): void {
    event.preventDefault();
    this.order = "";
    history.pushState(null, "", `/shops/${this.shop}/orders`);
  }

  #tab(pile: Pile): TemplateResult | typeof nothing {
    const { states, aftersales } = this.counts;
    const sum = Object.values(states).reduce((a, b) => a + b, 0);
    const has = pile === "all" ? sum : pile === "aftersales" ? aftersales.length : (states[pile] ?? 0);
    const always = ["paid", "aftersales", "all"].includes(pile) || pile === this.pile;
    if (has === 0 && !always) return nothing;
    const urgent = (pile === "paid" || pile === "aftersales") && has > 0;
    return html`<button class="tab ${pile === this.pile ? "chosen" : ""}" data-pile=${pile}
      aria-pressed=${pile === this.pile ? "true" : "false"} @click=${() => this.#choose(pile)}>${say(`desk.${pile}` as Word)}
      <span class="${urgent ? "badge" : "tab-count"} num">${has}</span></button>`;
  }

  // By buyer, goods or number, among those that are shown; a whole number is enough.
  #matches(order: OrderView): boolean {
    const words = this.sought.trim().toLowerCase();
    const text = [
      order.buyer_name,
      shortNumber(order.order),
      order.order,
      order.address?.name ?? "",
      ...order.lines.map(({ title }) => title),
      ...order.shipments.map(({ number }) => number),
    ].join("\n");
    return words === "" || text.toLowerCase().includes(words);
  }

  #row(order: OrderView): TemplateResult {
    const own = order.lines.filter(({ parent }) => parent === null);
    const first = own[0];
    const units = own.reduce((sum, line) => sum + line.qty, 0);
    const asks = openAfterSale(order) !== undefined && this.pile !== "aftersales";
    return html`<li><a class="order-row ${order.order === this.order ? "chosen" : ""}"
      href="/shops/${this.shop}/orders/${order.order}" aria-current=${order.order === this.order ? "true" : nothing}
      @click=${(event: MouseEvent) => this.#show(event, order.order)}>
      ${first === undefined ? nothing : lineImage(first)}
      <span class="order-row-text"><small>${order.buyer_name} · <span class="num">${shortNumber(order.order)}</span></small>
        <b>${own.map(({ title }) => title).join(say("sale.and"))}</b>
        <span>${chip(order)}${asks ? html`<span class="chip warm">${say("desk.aftersales")}</span>` : nothing}
        <small class="num">${when(order.placed_at)}</small></span></span>
      <span class="order-row-end num"><b>${money(order)}</b><small>× ${units}</small></span></a></li>`;
  }

  #list(): TemplateResult {
    if (this.problem !== "") return html`<p class="wrong" role="alert">${this.problem}</p>`;
    if (this.orders === null)
      return html`${[1, 2, 3].map(() => html`<div class="skeleton row"></div>`)}`;
    const found = this.orders.filter((order) => this.#matches(order));
    return html`${
      found.length === 0
        ? html`<div class="empty"><div class="empty-stall" aria-hidden="true"></div><p>${say(this.sought === "" ? "desk.none" : "desk.not_found")}</p></div>`
        : html`<ul class="order-rows">${repeat(
            found,
            ({ order }) => order,
            (order) => this.#row(order),
          )}</ul>`
    }${this.cursor ? html`<button class="plain" data-act="more" @click=${() => this.#load(this.cursor)}>${say("orders.more")}</button>` : nothing}`;
  }

  protected override render(): TemplateResult {
    return html`<div class="desk ${this.order === "" ? "" : "reading"}">
      <section class="desk-list" aria-label=${say("desk.title")}>
        <div class="tab-row desk-tabs">${PILES.map((pile) => this.#tab(pile))}</div>
        <label class="desk-search"><span class="visually-hidden">${say("desk.search")}</span>
          ${icon("search")}<input type="search" placeholder=${say("desk.search")} @input=${(event: InputEvent) => {
            void this.#seek((event.target as HTMLInputElement).value);
          }}></label>
        ${this.#list()}</section>
      <section class="desk-order" aria-live="off">${
        this.order === ""
          ? wide.matches
            ? html`<div class="empty"><p>${say("desk.choose")}</p></div>`
            : nothing
          : html`<a class="crumb desk-back" href="/shops/${this.shop}/orders"
            @click=${(event: MouseEvent) => this.#leave(event)}>${icon("back")}${say("desk.title")}</a>
            <souk-desk-order .led=${this.led} .order=${this.order} .stamp=${this.counts.newest}
              @changed=${() => this.#count(true)}></souk-desk-order>`
      }</section></div>`;
  }
}
