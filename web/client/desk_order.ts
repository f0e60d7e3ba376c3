// <souk-desk-order>: one order as its shop sees it, and what the shop may do about it.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { ActingElement } from "./acting.ts";
import { addressLines } from "./addresses.ts";
import { parcels, refunds } from "./after_looks.ts";
import "./desk_aftersale.ts";
import "./desk_refund.ts";
import { icon, toast } from "./element.ts";
import { when } from "./format.ts";
import { live, me } from "./live.ts";
import { OrderFeed } from "./order_feed.ts";
import { chip, history, way } from "./order_looks.ts";
import { parcelFields, parcelOf } from "./parcel_form.ts";
import { chosenParts, partFields } from "./parts_form.ts";
import { say } from "./say.ts";
import { lines, sums } from "./sums.ts";
import {
  isLive,
  isUnsent,
  type OrderView,
  type Part,
  type Refund,
  type Shipment,
  shortNumber,
  unsent,
} from "./trade.ts";

type Panel = "none" | "ship" | "refund" | "cancel" | "mark";

@customElement("souk-desk-order")
export class SoukDeskOrder extends ActingElement {
  @property() order = "";
  @property() stamp = ""; // another one when an order of the shop has changed
  @state() private panel: Panel = "none";
  @state() private fixing = 0;
  // It was chosen on this page, not come to: the keyboard goes to its heading.
  @property({ type: Boolean }) led = false;
  #arriving = false;
  readonly #feed = new OrderFeed(this, () => this.order);

  protected override updated(changed: Map<string, unknown>): void {
    if (changed.has("order")) {
      this.#feed.forget();
      this.panel = "none";
      this.problem = "";
      this.#arriving = this.led;
    }
    if (this.#arriving && this.#feed.view?.order === this.order) {
      this.#arriving = false;
      this.querySelector("h1")?.focus({ preventScroll: true });
    }
    if (changed.has("order") || changed.has("stamp")) void this.#feed.reload();
  }

  protected override refused(): void {
    void this.#feed.reload();
  }

  // Do it, say so, and show what came of it.
  #act(done: Parameters<typeof say>[0], act: () => Promise<unknown>): Promise<void> {
    return this.attempt(async () => {
      await act();
      this.panel = "none";
      this.fixing = 0;
      this.lead("h1");
      toast(say(done));
      this.emit("changed");
      await this.#feed.reload();
    });
  }

  #stale = (): void => {
    this.panel = "none";
    this.emit("changed");
    void this.#feed.reload();
  };

  #ship(event: SubmitEvent, view: OrderView): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const parcel = parcelOf(form);
    const lines = chosenParts(new FormData(form));
    const units = (parts: Part[]): number => parts.reduce((sum, { qty }) => sum + qty, 0);
    const all = units(lines) === units(unsent(view));
    return this.#act("desk.shipped_done", () =>
      live.change("order.ship", { order: this.order, ...parcel, ...(all ? {} : { lines }) }),
    );
  }

  #fix(event: SubmitEvent, { shipment }: Shipment): Promise<void> {
    event.preventDefault();
    const parcel = parcelOf(event.target as HTMLFormElement);
    return this.#act("desk.fixed_done", () => live.change("shipment.fix", { shipment, ...parcel }));
  }

  #mark(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const reference = String(new FormData(event.target as HTMLFormElement).get("reference")).trim();
    return this.#act("desk.marked_done", () =>
      live.change("order.mark_paid", { order: this.order, reference }),
    );
  }

  #write(view: OrderView): Promise<void> {
    return this.attempt(async () => {
      const { conversation } = await live.change("conversation.open", { user: view.buyer });
      location.assign(`/inbox/${conversation}`);
    });
  }

  #open(panel: Panel): void {
    this.problem = "";
    this.panel = panel;
    this.lead(panel === "none" ? ".desk-acts button" : "form input, form select, .sure button");
  }

  #backButton(): TemplateResult {
    return html`<button class="quiet wide" type="button" @click=${() => this.#open("none")}>${say("address.back")}</button>`;
  }

  #shipForm(view: OrderView): TemplateResult {
    return html`<form class="after-form" @submit=${(event: SubmitEvent) => this.#ship(event, view)}><h2>${icon("truck")}${say("desk.ship")}</h2>
      ${parcelFields()}${partFields(view, unsent(view))}${this.wrong()}
      <button class="wide ${this.busy ? "busy" : ""}" data-act="ship-now"
        ?disabled=${this.busy}>${say("desk.ship_now")}</button>${this.#backButton()}</form>`;
  }

  #markForm(): TemplateResult {
    return html`<form class="after-form" @submit=${this.#mark}><h2>${say("desk.mark_paid")}</h2>
      <p class="small-print">${say("desk.mark_paid_more")}</p>
      <label>${say("desk.reference")}<input name="reference" maxlength="200"></label>${this.wrong()}
      <button class="wide ${this.busy ? "busy" : ""}" data-act="mark-now"
        ?disabled=${this.busy}>${say("desk.mark_now")}</button>${this.#backButton()}</form>`;
  }

  #cancelForm(view: OrderView): TemplateResult {
    return html`<div class="sure"><p>${say(isLive(view) ? "desk.cancel_held" : "desk.cancel_sure")}</p>${this.wrong()}
      <button class="danger wide" data-act="cancel-sure" ?disabled=${this.busy}
        @click=${() =>
          this.#act("desk.cancelled_done", () =>
            live.change("order.cancel", { order: this.order, reason: "shop" }),
          )}>${say("order.cancel_yes")}</button>${this.#backButton()}</div>`;
  }

  #buttons(view: OrderView): TemplateResult {
    const sends = isUnsent(view) || view.state === "part_shipped";
    const waits = isLive(view) && view.methods.includes("manual");
    const paid = view.paid_at !== null && view.state !== "closed";
    return html`<div class="desk-acts">
      ${this.panel === "none" ? this.wrong() : nothing}
      ${sends ? html`<button data-act="ship" @click=${() => this.#open("ship")}>${icon("truck")}${say("desk.ship")}</button>` : nothing}
      ${view.state === "paid" || view.state === "customs" ? html`<button class="plain" data-act="pack" ?disabled=${this.busy}
        @click=${() => this.#act("desk.packed_done", () => live.change("order.pack", { order: this.order }))}>${icon("box")}${say("desk.pack")}</button>` : nothing}
      ${waits ? html`<button data-act="mark" @click=${() => this.#open("mark")}>${icon("check")}${say("desk.mark_paid")}</button>` : nothing}
      ${paid ? html`<button class="plain" data-act="refund" @click=${() => this.#open("refund")}>${icon("back-money")}${say("desk.refund")}</button>` : nothing}
      ${isUnsent(view) || isLive(view) ? html`<button class="quiet" data-act="cancel" @click=${() => this.#open("cancel")}>${say("desk.cancel")}</button>` : nothing}
      </div>`;
  }

  #panel(view: OrderView): TemplateResult {
    if (this.panel === "ship") return this.#shipForm(view);
    if (this.panel === "mark") return this.#markForm();
    if (this.panel === "cancel") return this.#cancelForm(view);
    if (this.panel === "refund")
      return html`<souk-desk-refund .view=${view} @stale=${this.#stale}></souk-desk-refund>${this.#backButton()}`;
    return this.#buttons(view);
  }

  #fixer(parcel: Shipment): TemplateResult {
    if (this.fixing !== parcel.shipment)
      return html`<button class="quiet small" data-act="fix" @click=${() => {
        this.fixing = parcel.shipment;
        this.lead(".parcel input");
      }}>${icon("edit")}${say("desk.fix")}</button>`;
    return html`<form class="after-form" @submit=${(event: SubmitEvent) => this.#fix(event, parcel)}>
      ${parcelFields(parcel)}<button class="small" data-act="fix-now" ?disabled=${this.busy}>${say("desk.fix_now")}</button></form>`;
  }

  // Only money that went by hand waits for somebody's word.
  #gave(view: OrderView, { refund, state }: Refund): TemplateResult | typeof nothing {
    if (state !== "sent" || !view.methods.includes("manual")) return nothing;
    return html`<button class="plain small" data-act="gave" ?disabled=${this.busy} @click=${() =>
      this.#act("desk.gave_done", () =>
        live.change("refund.mark_done", { refund, reference: "" }),
      )}>${say("desk.gave")}</button>`;
  }

  protected override render(): TemplateResult {
    const view = this.#feed.view;
    if (view === null || view.order !== this.order)
      return this.#feed.problem === ""
        ? html`<div class="skeleton tall"></div>`
        : html`<p class="wrong" role="alert">${this.#feed.problem}</p>`;
    return html`<article class="card desk-sheet" data-state=${view.state}>
      <header class="desk-head"><div><h1 class="num" tabindex="-1">${shortNumber(view.order)}</h1>
        <p><b>${view.buyer_name}</b> · <span class="num">${when(view.placed_at)}</span></p></div><span class="desk-head-end">${chip(view)}
        ${view.buyer === me ? nothing : html`<button class="quiet round" data-act="message" aria-label=${say("desk.message", { name: view.buyer_name })}
          ?disabled=${this.busy} @click=${() => this.#write(view)}>${icon("chat")}</button>`}</span></header>
      ${way(view)} ${this.#panel(view)}
      <souk-desk-aftersale .view=${view} @stale=${this.#stale}></souk-desk-aftersale>
      ${view.address === null ? nothing : html`<section class="step"><h2>${icon("place")}${say("desk.to")}</h2><p class="desk-address">${addressLines(view.address)}</p></section>`}
      ${lines(view)} ${sums(view)}
      ${parcels(view, (parcel) => this.#fixer(parcel))} ${refunds(view, (refund) => this.#gave(view, refund))} ${history(view, false)}</article>`;
  }
}
