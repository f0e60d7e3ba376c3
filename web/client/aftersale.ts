// <souk-aftersale>: what a buyer who is not content asks for, and how far it is; the
// buyer's half. The shop's is in desk_aftersale.ts.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { ActingElement } from "./acting.ts";
import { partsText } from "./after_looks.ts";
import { icon } from "./element.ts";
import { when } from "./format.ts";
import { live } from "./live.ts";
import { parcelFields, parcelOf } from "./parcel_form.ts";
import { chosenParts, partFields } from "./parts_form.ts";
import { say, type Word } from "./say.ts";
import {
  type AfterSale,
  type AfterSaleKind,
  isSent,
  openAfterSale,
  type OrderView,
  paidBack,
  type Part,
} from "./trade.ts";

const KINDS: AfterSaleKind[] = ["refund", "return", "exchange"];

// `orders` is where the reader finds orders: their own, or the shop's.
export function aftersaleCard(order: OrderView, one: AfterSale, orders: string): TemplateResult {
  const good = one.state === "done" ? "good" : one.state === "refused" ? "" : "warm";
  return html`<div class="aftersale" data-aftersale=${one.state}>
    <span class="parcel-head"><b>${say(`aftersale.${one.kind}`)}</b>
      <span class="chip ${good}">${say(`aftersale.is_${one.state}` as Word)}</span></span>
    <small>${partsText(order, one.lines)} · ${when(one.at)}</small>
    <p>“${one.reason}”</p>
    ${one.note === "" ? nothing : html`<p class="note-of-shop"><small>${say("aftersale.shop_says")}</small> ${one.note}</p>`}
    ${one.number === "" ? nothing : html`<p class="small-print">${say("aftersale.parcel")} ${one.carrier} <code class="num">${one.number}</code></p>`}
    ${one.replacement === null ? nothing : html`<a href="${orders}/${one.replacement}">${say("aftersale.replacement")}</a>`}
  </div>`;
}

@customElement("souk-aftersale")
export class SoukAftersale extends ActingElement {
  @property({ attribute: false }) view!: OrderView;
  @state() private asking = false;
  @state() private kind: AfterSaleKind = "refund";

  // What was not made good before; a bundle counts as its own line.
  get #lines(): Part[] {
    const byHand = paidBack(this.view, true);
    const done = this.view.aftersales.filter(({ state }) => state === "done");
    const gone = (line: number): number =>
      done
        .flatMap(({ lines }) => lines)
        .filter((part) => part.line === line)
        .reduce((sum, { qty }) => sum + qty, 0);
    return this.view.lines
      .filter(({ parent }) => parent === null)
      .map(({ line, qty }) => ({ line, qty: qty - gone(line) - (byHand.get(line) ?? 0) }))
      .filter(({ qty }) => qty > 0);
  }

  // What is not all sent yet cannot come back.
  get #kinds(): AfterSaleKind[] {
    return this.view.state === "part_shipped" ? ["refund"] : KINDS;
  }

  #done(): void {
    this.asking = false;
    this.emit("stale");
  }

  #open(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    return this.attempt(async () => {
      await live.change("aftersale.open", {
        order: this.view.order,
        kind: this.kind,
        lines: chosenParts(form),
        reason: String(form.get("reason")).trim(),
      });
      this.#done();
    });
  }

  #sent(event: SubmitEvent, { aftersale }: AfterSale): Promise<void> {
    event.preventDefault();
    const parcel = parcelOf(event.target as HTMLFormElement);
    return this.attempt(async () => {
      await live.change("aftersale.sent", { aftersale, ...parcel });
      this.#done();
    });
  }

  #withdraw({ aftersale }: AfterSale): Promise<void> {
    return this.attempt(async () => {
      await live.change("aftersale.withdraw", { aftersale });
      this.#done();
    });
  }

  #form(): TemplateResult {
    return html`<form class="after-form" @submit=${this.#open}>
      <fieldset class="options" aria-label=${say("aftersale.kind")}>${this.#kinds.map(
        (kind) => html`<button type="button" class="option ${kind === this.kind ? "chosen" : ""}"
          data-kind=${kind} aria-pressed=${kind === this.kind ? "true" : "false"} @click=${() => {
            this.kind = kind;
          }}>${say(`aftersale.${kind}`)}</button>`,
      )}</fieldset>
      <p class="small-print">${say(`aftersale.${this.kind}_more`)}</p>
      ${partFields(this.view, this.#lines)}
      <label>${say("aftersale.reason")}<textarea name="reason" required maxlength="200"
        rows="3"></textarea></label>
      ${this.wrong()}
      <button class="wide ${this.busy ? "busy" : ""}" data-act="ask"
        ?disabled=${this.busy}>${say("aftersale.ask")}</button>
      <button class="quiet wide" type="button" @click=${() => {
        this.asking = false;
        this.lead("[data-act=aftersale]");
      }}>${say("address.back")}</button></form>`;
  }

  // What the buyer may do about one that is open.
  #acts(one: AfterSale): TemplateResult | typeof nothing {
    const back = one.kind !== "refund" && one.state === "accepted";
    const until = one.due_at === null ? "" : when(one.due_at);
    return html`${back ? html`<form class="after-form" @submit=${(event: SubmitEvent) => this.#sent(event, one)}>
        <p>${say("aftersale.send_back", { until })}</p>${parcelFields()}
        <button class="wide" data-act="sent" ?disabled=${this.busy}>${say("aftersale.sent_it")}</button></form>` : nothing}
      ${one.state === "asked" && until !== "" ? html`<p class="small-print">${say("aftersale.shop_until", { until })}</p>` : nothing}
      ${this.wrong()}
      ${one.state === "asked" || one.state === "accepted" ? html`<button class="quiet" data-act="withdraw"
        ?disabled=${this.busy} @click=${() => this.#withdraw(one)}>${say("aftersale.withdraw")}</button>` : nothing}`;
  }

  protected override render(): TemplateResult | typeof nothing {
    const view = this.view;
    const open = openAfterSale(view);
    const may = isSent(view) && open === undefined && this.#lines.length > 0;
    if (!may && view.aftersales.length === 0) return nothing;
    return html`<section class="step"><h2>${icon("help")}${say("aftersale.title")}</h2>
      ${view.aftersales.map((one) => html`${aftersaleCard(view, one, "/orders")} ${one === open ? this.#acts(one) : nothing}`)}
      ${
        !may
          ? nothing
          : this.asking
            ? this.#form()
            : html`<button class="plain wide" data-act="aftersale" @click=${() => {
                this.asking = true;
                this.lead(".option");
              }}>${say("aftersale.begin")}</button>`
      }</section>`;
  }
}
