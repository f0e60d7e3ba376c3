// <souk-stall>: the shelf as its host sees it: explain, take down, put up own products.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { icon, reason, SoukElement, toast } from "./element.ts";
import type { RoomFeed } from "./feed.ts";
import { left } from "./format.ts";
import { picture, price } from "./goods.ts";
import { live } from "./live.ts";
import type { Item, ProductCard } from "./protocol.ts";
import { prices } from "./shop.ts";
import { say } from "./say.ts";

@customElement("souk-stall")
export class SoukStall extends SoukElement {
  @property({ type: Number }) stream = 0;
  @property({ type: Number }) shop = 0;
  @property({ attribute: false }) feed!: RoomFeed;
  @property({ type: Number }) stamp = 0; // the feed's revision
  @state() private own: ProductCard[] | null = null;
  @state() private busy = false;

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.shop !== 0) void this.#load();
  }

  async #load(): Promise<void> {
    const { products } = await live
      .read("shop.get", { shop: this.shop })
      .catch(() => ({ products: [] }));
    this.own = products;
  }

  async #attempt(act: () => Promise<unknown>): Promise<void> {
    this.busy = true;
    try {
      await act();
    } catch (error) {
      toast(reason(error));
    } finally {
      this.busy = false;
    }
  }

  #add(product: ProductCard): Promise<void> {
    return this.#attempt(async () => {
      const { skus } = await live.read("product.get", { product: product.product });
      await live.change("shelf.add", {
        stream: this.stream,
        product: product.product,
        offers: skus.map(({ sku }) => ({ sku })),
      });
    });
  }

  #explain({ number }: Item, on: boolean): Promise<void> {
    return this.#attempt(() => live.change("shelf.explain", { stream: this.stream, number, on }));
  }

  #remove({ number }: Item): Promise<void> {
    return this.#attempt(() => live.change("shelf.remove", { stream: this.stream, number }));
  }

  #row(item: Item): TemplateResult {
    const on = this.feed.shelf?.explaining.includes(item.number) ?? false;
    const known = item.offers
      .map((offer) => this.feed.left(offer))
      .filter((amount) => amount !== null);
    const sum = known.length === 0 ? null : known.reduce((a, b) => a + b, 0);
    return html`<li class="goods-row ${on ? "explained" : ""}" data-item=${item.number}>
      <span class="goods-pic">${picture(item)}<b class="goods-number">${item.number}</b></span>
      <div class="goods-text"><h3>${item.title}</h3>
        <span class="goods-price">${price(item.offers[0])}</span>
        <span class="stock num ${sum !== null && sum <= 5 ? "few" : ""}"
          data-stock=${sum ?? ""}>${left(sum)}</span>
        <div class="goods-end"><button class="small ${on ? "" : "plain"}" data-act="explain"
          aria-pressed=${on ? "true" : "false"} ?disabled=${this.busy}
            @click=${() => this.#explain(item, !on)}>${icon("live")}${say(on ? "stall.explaining" : "stall.explain")}</button>
          <button class="quiet round" aria-label=${say("stall.remove", { title: item.title })}
            ?disabled=${this.busy}
            @click=${() => this.#remove(item)}>${icon("trash")}</button></div>
      </div></li>`;
  }

  #own(): TemplateResult {
    const on = new Set(this.feed.shelf?.items.map((item) => item.product));
    const rest = (this.own ?? []).filter(
      (product) => product.state === "listed" && !on.has(product.product),
    );
    if (this.shop === 0 || (this.own !== null && this.own.length === 0)) {
      return html`<p class="small-print">${say("stall.no_products")} <a
        href="/studio">${say("studio.title")}</a></p>`;
    }
    if (rest.length === 0) return html``;
    return html`<h3 class="stall-own">${say("stall.own")}</h3><ul class="goods-list">${rest.map(
      (product) => html`
      <li class="own-row"><span class="goods-pic">${picture(product)}</span><span
        class="own-text"><b>${product.title}</b><small class="num">${prices(product.prices)}</small></span>
        <button class="plain small" data-act="add" ?disabled=${this.busy}
          @click=${() => this.#add(product)}>${icon("plus")}${say("stall.add")}</button></li>`,
    )}</ul>`;
  }

  protected override render(): TemplateResult {
    const items = this.feed.shelf?.items;
    return html`${
      items === undefined
        ? html`<div class="skeleton row"></div>`
        : items.length === 0
          ? html`<p class="small-print">${say("stall.none")}</p>`
          : html`<ul class="goods-list">${items.map((item) => this.#row(item))}</ul>`
    }
      ${this.feed.view?.state === "ended" ? nothing : this.#own()}`;
  }
}
