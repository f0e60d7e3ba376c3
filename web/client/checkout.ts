// <souk-checkout>: which one and how many → held for you → <souk-pay>. What is sold out
// can be waited for. The order's own page says how it ended.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { ActingElement } from "./acting.ts";
import { icon, toast } from "./element.ts";
import type { RoomFeed } from "./feed.ts";
import { left, money, options, priceOf } from "./format.ts";
import { picture, price } from "./goods.ts";
import { live, me, Refused } from "./live.ts";
import { OrderFeed } from "./order_feed.ts";
import "./pay.ts";
import type { Item, Offer } from "./protocol.ts";
import { say } from "./say.ts";
import { isLive } from "./trade.ts";
import "./waiting.ts";

@customElement("souk-checkout")
export class SoukCheckout extends ActingElement {
  @property({ attribute: false }) feed!: RoomFeed;
  @property({ attribute: false }) item!: Item;
  @property({ attribute: false }) offer!: Offer;
  @property({ type: Number }) stream = 0;
  @state() private qty = 1;
  @state() private order = "";
  // What the server says each costs now, until the room hears it as well.
  @state() private told: { amount: number; currency: string } | null = null;
  // The offer that was sold out when it was asked for: the room hears it a moment later.
  @state() private gone = 0;
  @state() private holds: string[] = [];
  readonly #held = new OrderFeed(this, () => this.order);

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#recall();
  }

  // A reload does not lose what is held: the tab remembers the order of each offer. What
  // was paid since is no reason not to buy another.
  async #recall(): Promise<void> {
    this.#held.forget();
    const order = sessionStorage.getItem(`held:${this.offer.offer}`);
    this.order = order ?? "";
    if (order === null) return;
    await this.#held.reload();
    const { view } = this.#held;
    if (this.order === order && (view === null || !isLive(view))) this.#forget();
  }

  #remember(order: string): void {
    this.order = order;
    sessionStorage.setItem(`held:${this.offer.offer}`, order);
  }

  // A piece that was waited for: it is held already.
  #came(order: string): void {
    this.#remember(order);
    void this.#held.reload();
  }

  #forget(): void {
    this.order = "";
    this.#held.forget();
    sessionStorage.removeItem(`held:${this.offer.offer}`);
  }

  get #offer(): Offer {
    return this.item.offers.find((offer) => offer.offer === this.offer.offer) ?? this.offer;
  }

  get #most(): number {
    const has = this.feed.left(this.#offer);
    return Math.max(1, Math.min(99, has ?? 99, this.#offer.per_buyer ?? 99));
  }

  get #qty(): number {
    return Math.min(this.qty, this.#most);
  }

  get #each(): { amount: number; currency: string } | null {
    return this.told ?? priceOf(this.#offer.prices);
  }

  #hold(): Promise<void> {
    return this.attempt(async () => {
      const each = this.#each;
      if (each === null) return;
      this.qty = this.#qty; // what the total on the screen was for
      const { order } = await live.change("order.place", {
        offer: this.offer.offer,
        qty: this.qty,
        expect: { ...each, amount: each.amount * this.qty },
        via: { kind: "stream", id: this.stream },
      });
      this.#remember(order);
      await this.#held.reload();
    });
  }

  protected override refused(error: unknown): void {
    if (!(error instanceof Refused)) return;
    if (error.name === "too_many_holds") this.holds = error.data["orders"] as string[];
    const available = Number(error.data["available"]) || 0;
    if (error.name === "sold_out" && available === 0) this.gone = this.offer.offer;
    if (error.name === "sold_out" && available > 0)
      this.problem = say("checkout.only", { count: available });
    if (error.name !== "price_changed") return;
    const { amount, currency } = error.data as { amount: number; currency: string };
    this.told = { amount: Math.round(amount / this.qty), currency };
    this.problem = say("checkout.new_price", { price: money(this.told) });
  }

  #toBag(): Promise<void> {
    return this.attempt(async () => {
      const { offer } = this.offer;
      const bag = await live.read("bag.get", {});
      const had = bag.lines.find((line) => line.offer === offer)?.qty ?? 0;
      await live.change("bag.put", { offer, qty: Math.min(999, had + this.#qty) });
      toast(say("bag.in"));
      this.emit("bagged");
    });
  }

  #choose(offer: Offer): TemplateResult {
    const chosen = offer.offer === this.offer.offer;
    const out = this.feed.isOut(offer);
    return html`<button class="option ${chosen ? "chosen" : ""} ${out ? "out" : ""}"
      aria-pressed=${chosen ? "true" : "false"} @click=${() => {
        this.offer = offer;
        this.qty = 1;
        this.told = null;
        this.problem = "";
        void this.#recall();
      }}>${options(offer.options)}${out ? html`<span class="visually-hidden"> ${say("goods.sold_out")}</span>` : nothing}</button>`;
  }

  #quantity(): TemplateResult {
    const offer = this.#offer;
    const qty = this.#qty;
    const each = this.#each;
    return html`<div class="checkout-line"><span>${say("checkout.quantity")}</span>
        <span class="stepper"><button class="plain round" aria-label=${say("checkout.less")}
          ?disabled=${qty <= 1} @click=${() => {
          this.qty = qty - 1;
        }}>${icon("minus")}</button>
          <output class="num" aria-live="polite">${qty}</output>
          <button class="plain round" aria-label=${say("checkout.more")}
            ?disabled=${qty >= this.#most} @click=${() => {
            this.qty = qty + 1;
          }}>${icon("plus")}</button></span></div>
      ${offer.per_buyer ? html`<p
        class="small-print">${say("checkout.limit", { count: offer.per_buyer })}</p>` : nothing}
      <div class="checkout-line total"><span>${say("checkout.total")}</span>
        <b class="price">${each === null ? "" : money({ ...each, amount: each.amount * qty })}</b></div>
      ${this.wrong()}
      ${this.holds.length === 0 ? nothing : html`<a class="button plain wide" href="/orders/${this.holds[0]}">${say("checkout.pay_held")}</a>`}
      ${
        me === null
          ? html`<a class="button wide"
            href="/accounts/sign-in?next=${encodeURIComponent(location.pathname)}">${say("checkout.sign_in")}</a>`
          : html`<button class="wide ${this.busy ? "busy" : ""}" data-act="hold" ?disabled=${this.busy}
            @click=${this.#hold}>${say("checkout.hold")}</button>
            <button class="plain wide" data-act="to-bag" ?disabled=${this.busy}
              @click=${this.#toBag}>${icon("cart")}${say("bag.put")}</button>`
      }
      <p class="small-print centre">${say("checkout.hold_more")}</p>`;
  }

  #over(state: string): TemplateResult {
    const word = state === "cancelled" ? "order.cancelled_head" : "checkout.expired";
    return html`<div class="hold over"><h3>${say(word)}</h3><p>${say("checkout.expired_more")}</p></div>
      <button class="wide" data-act="again"
        @click=${this.#forget}>${say("checkout.again")}</button>`;
  }

  // Before anything is held: to be bought, or to be waited for.
  #before(): TemplateResult {
    const many = this.item.offers.length > 1;
    const out = this.feed.isOut(this.#offer) || this.gone === this.offer.offer;
    return html`${
      many
        ? html`<div class="options" role="group"
        aria-label=${say("checkout.options")}>${this.item.offers.map((one) => this.#choose(one))}</div>`
        : nothing
    }${
      out
        ? html`<souk-waiting .offer=${this.offer.offer} .currency=${this.#each?.currency} @came=${(event: CustomEvent<string>) => this.#came(event.detail)}></souk-waiting>`
        : this.#quantity()
    }`;
  }

  #after(): TemplateResult {
    const view = this.#held.view;
    if (view === null)
      return this.#held.problem === ""
        ? html`<div class="skeleton tall"></div>`
        : html`<p class="wrong" role="alert">${this.#held.problem}</p>
          <button class="plain wide" @click=${this.#forget}>${say("checkout.again")}</button>`;
    if (view.state === "expired" || view.state === "cancelled") return this.#over(view.state);
    if (isLive(view))
      return html`<souk-pay .view=${view} @stale=${() => this.#held.reload()}></souk-pay>`;
    return html`<div class="hold"><h3>${say("order.paid_head")}</h3><p>${say("order.paid_more")}</p></div>
      <a class="button wide" href="/orders/${view.order}">${say("checkout.see_order")}</a>
      <button class="quiet wide" @click=${this.#forget}>${say("checkout.one_more")}</button>`;
  }

  protected override render(): TemplateResult {
    const offer = this.#offer;
    return html`<div class="checkout">
      <div class="checkout-item"><span class="goods-pic">${picture(this.item)}<b
        class="goods-number">${this.item.number}</b></span>
        <div><h3>${this.item.title}</h3><p class="small-print">${options(offer.options)}</p>
          <span class="goods-price">${price(offer)}</span> <span
            class="stock num ${this.feed.isOut(offer) ? "few" : ""}">${left(this.feed.left(offer))}</span></div></div>
      ${this.order === "" ? this.#before() : this.#after()}</div>`;
  }
}
