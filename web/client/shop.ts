// <souk-shop shop="3">: one's own shop: open it, its products, their price and stock.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { icon, reason, SoukElement, toast } from "./element.ts";
import { digits, left, money } from "./format.ts";
import { picture } from "./goods.ts";
import { live } from "./live.ts";
import type { Prices, ProductCard, ProductPage, ShopView } from "./protocol.ts";
import { say } from "./say.ts";
import "./sheet.ts";
import "./terms.ts";

export function prices(map: Prices): string {
  return Object.entries(map)
    .map(([currency, amount]) => money({ amount, currency }))
    .join(" · ");
}

@customElement("souk-shop")
export class SoukShop extends SoukElement {
  @property({ type: Number }) shop = 0;
  @property() ways = ""; // to be paid that this server knows, apart by spaces
  @state() private terms = false;
  @state() private view: ShopView | null = null;
  @state() private products: ProductCard[] = [];
  @state() private editing: ProductPage | "new" | null = null;
  @state() private busy = false;

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.shop !== 0) void this.#attempt(() => this.#load());
  }

  get #ways(): string[] {
    return this.ways.split(" ").filter(Boolean);
  }

  async #load(): Promise<void> {
    const page = await live.read("shop.get", { shop: this.shop });
    this.view = page.shop;
    this.products = page.products;
  }

  async #attempt(act: () => Promise<void>): Promise<void> {
    this.busy = true;
    try {
      await act();
    } catch (error) {
      toast(reason(error));
    } finally {
      this.busy = false;
    }
  }

  #openShop(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const currency = String(form.get("currency"));
    return this.#attempt(async () => {
      const { shop } = await live.change("shop.create", {
        name: String(form.get("name")),
        country: currency === "CNY" ? "CN" : "US",
        currencies: [currency],
        methods: [this.#ways[0] ?? "manual"],
      });
      this.shop = shop;
      await this.#load();
    });
  }

  // Save what the product is, then what came in: each step may be repeated safely.
  #save(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const was = this.editing === "new" || this.editing === null ? null : this.editing;
    return this.#attempt(async () => {
      const list: Prices = {};
      for (const currency of this.view?.currencies ?? []) {
        list[currency] = Math.round(Number(form.get(`price-${currency}`)) * 10 ** digits(currency));
      }
      const first = was?.skus[0];
      const sku = { code: first?.code ?? "1", options: first?.options ?? {}, prices: list };
      const others = (was?.skus ?? [])
        .slice(1)
        .map(({ sku, code, options, prices, show_stock }) => ({
          sku,
          code,
          options,
          prices,
          show_stock,
        }));
      const saved = await live.change("product.save", {
        shop: this.shop,
        ...(was === null ? {} : { product: was.product.product, version: was.product.version }),
        title: String(form.get("title")),
        text: was?.product.text ?? "",
        media: was?.product.media ?? [],
        // What this form does not ask stays as it is.
        ...(was === null
          ? {}
          : {
              category: was.product.category,
              ships_to: was.product.ships_to,
              cross_border: was.product.cross_border,
            }),
        skus: [
          first === undefined ? sku : { sku: first.sku, show_stock: first.show_stock, ...sku },
          ...others,
        ],
      });
      const received = Number(form.get("received")) || 0;
      const main = saved.skus[0];
      if (received > 0 && main !== undefined)
        await live.change("stock.receive", { sku: main, qty: received, note: "" });
      if (was === null || was.product.state !== "listed")
        await live.change("product.state", { product: saved.product, state: "listed" });
      this.editing = null;
      await this.#load();
    });
  }

  #edit(card: ProductCard): Promise<void> {
    return this.#attempt(async () => {
      this.editing = await live.read("product.get", { product: card.product });
    });
  }

  #form(): TemplateResult | typeof nothing {
    const page = this.editing;
    if (page === null) return nothing;
    const sku = page === "new" ? undefined : page.skus[0];
    return html`<form class="product-form" @submit=${(event: SubmitEvent) => this.#save(event)}>
      <label>${say("shop.title")}<input name="title" required maxlength="80"
        .value=${page === "new" ? "" : page.product.title}></label>
      <div class="two">${(this.view?.currencies ?? []).map(
        (currency) => html`<label>${say("shop.price", { currency })}
        <input name="price-${currency}" required
          type="number" inputmode="decimal" min="0" step=${1 / 10 ** digits(currency)}
          .value=${sku === undefined ? "" : String((sku.prices[currency] ?? 0) / 10 ** digits(currency))}></label>`,
      )}</div>
      <label>${say(page === "new" ? "shop.stock" : "shop.received")}
        <input name="received" type="number" inputmode="numeric" min="0" max="1000000" step="1" value=""
          placeholder="0">
        ${sku === undefined || sku.left === null ? nothing : html`<span
          class="help num">${left(sku.left)}</span>`}</label>
      <button class="wide ${this.busy ? "busy" : ""}"
        ?disabled=${this.busy}>${say("shop.save")}</button></form>`;
  }

  #closed(): TemplateResult {
    return html`<form class="card" @submit=${this.#openShop}><h2>${say("shop.open")}</h2><p
      class="small-print">${say("shop.open_more")}</p>
      <label>${say("shop.name")}<input name="name" required maxlength="40"></label>
      <label>${say("shop.currency")}<select name="currency"><option value="CNY">CNY ¥</option><option
        value="USD">USD $</option><option value="EUR">EUR €</option></select></label>
      <button ?disabled=${this.busy}>${say("shop.open")}</button></form>`;
  }

  protected override render(): TemplateResult {
    if (this.shop === 0) return this.#closed();
    return html`<section class="card shop-card"><header
      class="shop-head"><h2>${this.view?.name ?? say("shop.yours")}</h2>
        <span class="shop-ways"><a class="button small" href="/shops/${this.shop}/orders">${icon("receipt")}${say("desk.open")}</a>
        <button class="plain small" data-act="terms" @click=${() => {
          this.terms = true;
        }}>${icon("truck")}${say("terms.title")}</button>
        <button class="plain small" data-act="add" ?disabled=${this.view === null} @click=${() => {
          this.editing = "new";
        }}>${icon("plus")}${say("shop.add")}</button></span></header>
      ${this.view === null ? html`<div class="skeleton row"></div>` : nothing}
      ${this.view !== null && this.products.length === 0 ? html`<p
        class="small-print">${say("shop.none")}</p>` : nothing}
      <ul class="own-rows">${this.products.map(
        (product) => html`<li><button class="own-row" @click=${() => this.#edit(product)}>
        <span class="goods-pic">${picture(product)}</span><span class="own-text"><b>${product.title}</b><small
          class="num">${prices(product.prices)}</small></span>
        ${product.state === "listed" ? nothing : html`<span
          class="chip">${say("shop.not_listed")}</span>`}${icon("next")}</button></li>`,
      )}</ul></section>
      <souk-sheet .open=${this.editing !== null}
        .label=${say(this.editing === "new" ? "shop.add" : "shop.edit")} .content=${this.#form()}
        @sheet-closed=${() => {
          this.editing = null;
        }}></souk-sheet>
      <souk-sheet .open=${this.terms} .label=${say("terms.title")}
        .content=${html`<souk-terms .shop=${this.shop} .ways=${this.#ways} @saved=${() => {
          this.terms = false;
        }}></souk-terms>`} @sheet-closed=${() => {
          this.terms = false;
        }}></souk-sheet>`;
  }
}
