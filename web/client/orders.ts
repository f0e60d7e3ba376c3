// <souk-orders>: what one bought, the newest first.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { reason, SoukElement } from "./element.ts";
import { money, when } from "./format.ts";
import { live } from "./live.ts";
import { chip } from "./order_looks.ts";
import { say } from "./say.ts";
import { lineImage } from "./sums.ts";
import { openAfterSale, type OrderView } from "./trade.ts";

@customElement("souk-orders")
export class SoukOrders extends SoukElement {
  @state() private orders: OrderView[] | null = null;
  @state() private cursor: string | null | undefined = null;
  @state() private problem = "";
  #stop: () => void = () => undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = live.onUser(({ type }) => {
      if (type === "order.changed" || type === "aftersale.changed") void this.#load();
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
    const own = order.lines.filter(({ parent }) => parent === null);
    const units = own.reduce((sum, line) => sum + line.qty, 0);
    return html`<li><a class="order-row" href="/orders/${order.order}">
      ${first === undefined ? nothing : lineImage(first)}
      <span class="order-row-text"><small>${order.shop_name}</small><b>${first?.title ?? ""}</b>
        <span>${chip(order)} ${openAfterSale(order) === undefined ? nothing : html`<span class="chip warm">${say("desk.aftersales")}</span>`} <small class="num">${when(order.placed_at)}</small></span></span>
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
