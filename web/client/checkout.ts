// <souk-checkout>: how many → held for you, with the time left → the bank's page.
// The order's own page says how it ended.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { icon, reason, SoukElement } from "./element.ts";
import type { RoomFeed } from "./feed.ts";
import { clock, left, money, options, priceOf } from "./format.ts";
import { picture, price } from "./goods.ts";
import { live, me, newKey, Refused } from "./live.ts";
import type { Changes } from "./commands.ts";
import type { Item, Offer } from "./protocol.ts";
import { say } from "./say.ts";

type Held = Changes["order.place"][1] & { amount: number };

@customElement("souk-checkout")
export class SoukCheckout extends SoukElement {
  @property({ attribute: false }) feed!: RoomFeed;
  @property({ attribute: false }) item!: Item;
  @property({ attribute: false }) offer!: Offer;
  @property({ type: Number }) stream = 0;
  @state() private qty = 1;
  @state() private held: Held | null = null;
  @state() private busy = false;
  @state() private problem = "";
  @state() private now = live.now();
  #key = newKey(); // one purchase, however often the button is pressed
  #payKey = newKey(); // one attempt: the first one made another version of the order
  #clock = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#clock = window.setInterval(() => {
      this.now = live.now();
    }, 250);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#clock);
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

  async #attempt(act: () => Promise<void>): Promise<void> {
    this.busy = true;
    this.problem = "";
    try {
      await act();
    } catch (error) {
      this.problem = reason(error);
      if (!(error instanceof Refused && error.temporary)) this.#key = newKey();
    } finally {
      this.busy = false;
    }
  }

  #hold(): Promise<void> {
    return this.#attempt(async () => {
      const each = priceOf(this.#offer.prices);
      if (each === null) return;
      this.qty = this.#qty; // what the total on the screen was for
      const reply = await live.change(
        "order.place",
        {
          offer: this.offer.offer,
          qty: this.qty,
          expect: { ...each, amount: each.amount * this.qty },
          via: { kind: "stream", id: this.stream },
        },
        this.#key,
      );
      this.held = { ...reply, amount: each.amount * this.qty };
      this.#payKey = newKey();
    });
  }

  #pay(): Promise<void> {
    return this.#attempt(async () => {
      if (this.held === null) return;
      const reply = await live.change(
        "order.pay",
        {
          order: this.held.order,
          version: 0,
          method: this.held.amount === 0 ? "free" : "bank",
        },
        this.#payKey,
      );
      location.assign(reply.redirect ?? `/orders/${this.held.order}`);
    });
  }

  #giveBack(): Promise<void> {
    return this.#attempt(async () => {
      if (this.held === null) return;
      await live.change("order.cancel", { order: this.held.order, reason: "changed_mind" });
      this.held = null;
      this.#key = newKey();
    });
  }

  #again(): void {
    this.held = null;
    this.#key = newKey();
  }

  #choose(offer: Offer): TemplateResult {
    const chosen = offer.offer === this.offer.offer;
    return html`<button class="option ${chosen ? "chosen" : ""}" aria-pressed=${chosen ? "true" : "false"}
      ?disabled=${this.feed.isOut(offer)} @click=${() => {
        this.offer = offer;
        this.qty = 1;
      }}>${options(offer.options)}</button>`;
  }

  #quantity(): TemplateResult {
    const offer = this.#offer;
    const most = this.#most;
    const qty = this.#qty;
    const each = priceOf(offer.prices);
    const out = this.feed.isOut(offer);
    return html`
      ${this.item.offers.length > 1 ? html`<div class="options" role="group"
        aria-label=${say("checkout.options")}>${this.item.offers.map((one) => this.#choose(one))}</div>` : nothing}
      <div class="checkout-line"><span>${say("checkout.quantity")}</span>
        <span class="stepper"><button class="plain round" aria-label=${say("checkout.less")}
          ?disabled=${qty <= 1} @click=${() => {
          this.qty = qty - 1;
        }}>${icon("minus")}</button>
          <output class="num" aria-live="polite">${qty}</output>
          <button class="plain round" aria-label=${say("checkout.more")} ?disabled=${qty >= most}
            @click=${() => {
            this.qty = qty + 1;
          }}>${icon("plus")}</button></span></div>
      ${offer.per_buyer ? html`<p
        class="small-print">${say("checkout.limit", { count: offer.per_buyer })}</p>` : nothing}
      <div class="checkout-line total"><span>${say("checkout.total")}</span>
        <b class="price">${each === null ? "" : money({ ...each, amount: each.amount * qty })}</b></div>
      ${this.#problem()}
      ${
        me === null
          ? html`<a class="button wide"
            href="/accounts/sign-in?next=${encodeURIComponent(location.pathname)}">${say("checkout.sign_in")}</a>`
          : html`<button class="wide ${this.busy ? "busy" : ""}" data-act="hold" ?disabled=${this.busy || out}
            @click=${this.#hold}>${say(out ? "goods.sold_out" : "checkout.hold")}</button>`
      }
      <p class="small-print centre">${say("checkout.hold_more")}</p>`;
  }

  #holding(held: Held): TemplateResult {
    const rest = held.hold_until - this.now;
    if (rest <= 0) {
      return html`<div class="hold over"><h3>${say("checkout.expired")}</h3><p>${say("checkout.expired_more")}</p></div>
        <button class="wide" @click=${this.#again}>${say("checkout.again")}</button>`;
    }
    return html`
      <div class="hold"><span class="hold-clock num" role="timer"
        aria-label=${say("checkout.left")}>${icon("clock")}${clock(rest)}</span>
        <h3>${say("checkout.held")}</h3><p>${say("checkout.held_more")}</p></div>
      <div class="checkout-line total"><span>${say("checkout.total")} · ${this.qty} ×</span><b
        class="price">${money({ amount: held.amount, currency: held.currency })}</b></div>
      ${this.#problem()}
      <button class="wide ${this.busy ? "busy" : ""}" data-act="pay" ?disabled=${this.busy}
        @click=${this.#pay}>${say("checkout.pay")}</button>
      <button class="quiet wide" ?disabled=${this.busy}
        @click=${this.#giveBack}>${say("checkout.cancel")}</button>`;
  }

  #problem(): TemplateResult | typeof nothing {
    return this.problem === "" ? nothing : html`<p class="wrong" role="alert">${this.problem}</p>`;
  }

  protected override render(): TemplateResult {
    const offer = this.#offer;
    return html`<div class="checkout">
      <div class="checkout-item"><span class="goods-pic">${picture(this.item)}<b
        class="goods-number">${this.item.number}</b></span>
        <div><h3>${this.item.title}</h3><p class="small-print">${options(offer.options)}</p>
          <span class="goods-price">${price(offer)}</span> <span
            class="stock num">${left(this.feed.left(offer))}</span></div></div>
      ${this.held === null ? this.#quantity() : this.#holding(this.held)}</div>`;
  }
}
