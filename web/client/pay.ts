// <souk-pay>: from a held order to the bank's page: where to send it, what it costs
// there, how to pay. Whoever shows it owns the order's feed and reads it again when
// this says `stale`.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { ActingElement } from "./acting.ts";
import { addressLines } from "./addresses.ts";
import "./addresses.ts";
import { Clock } from "./clock.ts";
import { icon } from "./element.ts";
import { clock } from "./format.ts";
import { live, Refused } from "./live.ts";
import { known, say, type Word } from "./say.ts";
import { sums } from "./sums.ts";
import { type AddressView, isLive, type OrderView, type Quote } from "./trade.ts";

// Stripe's card form is a script of Stripe's: these pages load nobody else's.
const ELSEWHERE = ["stripe"];

export function methodWord(method: string): string {
  const word = `method.${method}`;
  return known(word) ? say(word) : method;
}

@customElement("souk-pay")
export class SoukPay extends ActingElement {
  @property({ attribute: false }) view!: OrderView;
  // The page around it says already that it is held: the clock is enough.
  @property({ type: Boolean }) brief = false;
  @state() private choosing = false;
  @state() private method = "";
  @state() private address = 0;
  // The newest quote: the order itself is a moment behind.
  @state() private quoted: Quote | null = null;
  readonly #clock = new Clock(this);

  override connectedCallback(): void {
    super.connectedCallback();
    this.choosing = this.#asksAddress && this.view.address === null;
  }

  // In a sheet the button that held it is gone: the keyboard and the voice go on here.
  protected override firstUpdated(): void {
    if (this.closest("dialog") !== null) this.querySelector<HTMLElement>(".hold")?.focus();
  }

  get #asksAddress(): boolean {
    return this.view.needs_address && isLive(this.view);
  }

  get #of(): OrderView | Quote {
    return this.quoted !== null && this.quoted.version >= this.view.version
      ? this.quoted
      : this.view;
  }

  get #methods(): string[] {
    return this.#of.methods.filter((method) => !ELSEWHERE.includes(method));
  }

  get #ready(): boolean {
    return !this.view.needs_address || this.view.address !== null || this.quoted !== null;
  }

  #quote(at: AddressView): Promise<void> {
    this.address = at.address;
    return this.attempt(async () => {
      this.quoted = null;
      this.quoted = await live.change("order.quote", {
        order: this.view.order,
        address: at.address,
      });
      this.choosing = false;
      this.emit("stale");
    });
  }

  // A hold that is over, or an order that changed elsewhere, is shown as it is now.
  protected override refused(error: unknown): void {
    if (!(error instanceof Refused)) return;
    if (error.name === "not_shippable" || error.name === "address_required") this.choosing = true;
    else this.emit("stale");
  }

  #pay(): Promise<void> {
    return this.attempt(async () => {
      const { order } = this.view;
      const method = this.#methods.includes(this.method) ? this.method : this.#methods[0];
      const version = Math.max(this.#of.version, this.view.version);
      const reply = await live.change("order.pay", { order, version, method: method ?? "bank" });
      const page = `/orders/${order}`;
      if (reply.redirect !== null) location.assign(reply.redirect);
      else if (location.pathname === page) this.emit("stale");
      else location.assign(page);
    });
  }

  #giveBack(): Promise<void> {
    return this.attempt(async () => {
      await live.change("order.cancel", { order: this.view.order, reason: "changed_mind" });
      this.emit("stale");
      this.emit("given-back");
    });
  }

  #clockBox(rest: number): TemplateResult {
    const paying = this.view.state === "paying";
    return html`<div tabindex="-1" class="hold ${rest < 60_000 ? "soon" : ""}"><span class="hold-clock num" role="timer"
        aria-label=${say("checkout.left")}>${icon("clock")}${clock(rest)}</span>
        ${this.brief ? nothing : html`<h3>${say(paying ? "order.paying_head" : "checkout.held")}</h3><p>${say(paying ? "order.paying_more" : "checkout.held_more")}</p>`}</div>`;
  }

  #where(): TemplateResult | typeof nothing {
    if (!this.view.needs_address) return nothing;
    const at = this.view.address;
    if (this.choosing && this.#asksAddress) {
      return html`<section class="step"><h3>${icon("place")}${say("address.title")}</h3>
        <souk-addresses .chosen=${this.address}
          @chosen=${(event: CustomEvent<AddressView>) => this.#quote(event.detail)}></souk-addresses>
        </section>`;
    }
    if (at === null) return nothing;
    return html`<section class="step where"><h3>${icon("place")}${say("address.title")}</h3>
      <div class="where-line"><p>${addressLines(at)}</p>
      ${this.#asksAddress ? html`<button class="plain small" data-act="change-address" @click=${() => {
        this.choosing = true;
        this.lead(".choice input");
      }}>${say("address.change")}</button>` : nothing}</div></section>`;
  }

  #how(): TemplateResult | typeof nothing {
    const methods = this.#methods;
    if (methods.length < 2) return nothing;
    const chosen = methods.includes(this.method) ? this.method : methods[0];
    return html`<section class="step"><h3>${icon("card")}${say("pay.how")}</h3>
      <ul class="choices" role="radiogroup" aria-label=${say("pay.how")}>${methods.map(
        (method) => html`<li class="choice ${method === chosen ? "chosen" : ""}"><label><input type="radio"
          name="method" value=${method} .checked=${method === chosen} @change=${() => {
            this.method = method;
          }}><span>${methodWord(method)}</span></label></li>`,
      )}</ul></section>`;
  }

  protected override render(): TemplateResult | typeof nothing {
    const view = this.view;
    if (!isLive(view)) return nothing;
    const rest = view.expires_at === null ? null : view.expires_at - this.#clock.now;
    if (rest !== null && rest <= 0)
      return html`<p class="small-print centre" role="status">${say("pay.time_over")}</p>`;
    const ready = this.#ready && !(this.choosing && this.quoted === null);
    const payable = this.#methods.length > 0;
    const word: Word =
      view.state === "paying" ? "pay.again" : ready ? "checkout.pay" : "pay.choose_address";
    return html`<div class="pay">
      ${rest === null ? nothing : this.#clockBox(rest)} ${this.#where()}
      ${sums(this.#of, this.#ready)} ${this.#how()}
      ${view.state === "held" && view.changes.at(-1)?.was === "paying" ? html`<p class="wrong">${say("pay.failed")}</p>` : nothing}
      ${payable ? nothing : html`<p class="wrong">${say("pay.elsewhere")}</p>`} ${this.wrong()}
      <button class="wide ${this.busy ? "busy" : ""}" data-act="pay" ?disabled=${this.busy || !ready || !payable}
        @click=${this.#pay}>${say(word)}</button>
      <button class="quiet wide" data-act="give-back" ?disabled=${this.busy}
        @click=${this.#giveBack}>${say("checkout.cancel")}</button></div>`;
  }
}
