// <souk-sales>: what sells while it sells. Asked for again when something was sold.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { SoukElement } from "./element.ts";
import type { RoomFeed } from "./feed.ts";
import { count } from "./format.ts";
import { live } from "./live.ts";
import type { Insight } from "./protocol.ts";
import { prices } from "./shop.ts";
import { say } from "./say.ts";

@customElement("souk-sales")
export class SoukSales extends SoukElement {
  @property({ type: Number }) stream = 0;
  @property({ attribute: false }) feed!: RoomFeed;
  @state() private insight: Insight | null = null;
  #timer = 0;
  #beat = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.feed.onDeals = ({ type }) => {
      if (type === "sale.announced" || type === "stock.out" || type.startsWith("item."))
        this.#soon();
    };
    this.#beat = window.setInterval(() => this.#soon(), 15_000);
    this.#soon();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#beat);
    clearTimeout(this.#timer);
  }

  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#ask().catch(() => undefined), 300);
  }

  async #ask(): Promise<void> {
    this.insight = await live.read("insight.stream", { stream: this.stream });
  }

  #figure(
    word: "sales.paid" | "sales.units" | "sales.orders" | "sales.buyers",
    value: string,
  ): TemplateResult {
    return html`<div class="figure"><dt>${say(word)}</dt><dd class="num">${value}</dd></div>`;
  }

  protected override render(): TemplateResult {
    if (this.insight === null) return html`<div class="skeleton row"></div>`;
    const { figures, items } = this.insight;
    const most = Math.max(1, ...items.map((item) => item.sold));
    return html`<dl class="figures">
        ${this.#figure("sales.paid", prices(figures.gmv) || "0")}${this.#figure("sales.orders", count(figures.orders))}
        ${this.#figure("sales.units", count(figures.units))}${this.#figure("sales.buyers", count(figures.holders))}</dl>
      ${
        items.length === 0
          ? nothing
          : html`<ul class="sold-rows">${items.map(
              (item) => html`
        <li><span class="sold-title"><b class="goods-number inline">${item.number}</b>${item.title}</span>
          <meter min="0" max=${most} value=${item.sold} aria-hidden="true"></meter>
          <span class="sold-line num"><b>${say("sales.sold", { count: item.sold })}</b><span>${say("stock.left", { count: item.left })}</span><span>${prices(item.gmv)}</span></span></li>`,
            )}</ul>`
      }`;
  }
}
