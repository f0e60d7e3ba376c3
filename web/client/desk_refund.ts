// <souk-desk-refund>: give money back for some of an order's lines: whole units, or any
// part of what was paid for them.
import { html, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { ActingElement } from "./acting.ts";
import { icon, toast } from "./element.ts";
import { digits, money } from "./format.ts";
import { live } from "./live.ts";
import { say } from "./say.ts";
import { type OrderLine, type OrderView, paidBack } from "./trade.ts";

// What was paid for a line, its tax in it, and what of that was not given back yet.
function worth(line: OrderLine): number {
  return line.price * line.qty - line.discount + line.tax;
}
function rest(line: OrderLine): number {
  return Math.max(0, worth(line) - line.refunded);
}

@customElement("souk-desk-refund")
export class SoukDeskRefund extends ActingElement {
  @property({ attribute: false }) view!: OrderView;
  @state() private total = 0;

  get #unit(): number {
    return 10 ** digits(this.view.currency);
  }

  get #lines(): OrderLine[] {
    return this.view.lines.filter((line) => line.parent === null && rest(line) > 0);
  }

  #amounts(form: HTMLFormElement): { line: number; amount: number; qty?: number }[] {
    const fields = new FormData(form);
    return this.#lines
      .map((line) => {
        const amount = Math.round(Number(fields.get(`amount-${line.line}`)) * this.#unit);
        const qty = Number(fields.get(`qty-${line.line}`));
        return { line: line.line, amount, ...(qty > 0 ? { qty } : {}) };
      })
      .filter(({ amount }) => amount > 0);
  }

  #count(event: Event): void {
    const form = (event.target as HTMLElement).closest("form");
    if (form === null) return;
    this.total = this.#amounts(form).reduce((sum, { amount }) => sum + amount, 0);
  }

  // Units whose money did not go back yet.
  #left(line: OrderLine): number {
    return Math.max(0, line.qty - (paidBack(this.view).get(line.line) ?? 0));
  }

  // So many whole units: their share of what was paid, the last of them all that is left.
  #units(event: Event, line: OrderLine): void {
    const field = event.target as HTMLSelectElement;
    const units = Number(field.value);
    const part = Math.round((worth(line) * units) / line.qty);
    const share = units === this.#left(line) ? rest(line) : Math.min(rest(line), part);
    const amount = field.form?.elements.namedItem(`amount-${line.line}`) as HTMLInputElement;
    amount.value = share === 0 ? "" : String(share / this.#unit);
    this.#count(event);
  }

  #refund(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const lines = this.#amounts(form);
    const reason = String(new FormData(form).get("reason")).trim();
    return this.attempt(async () => {
      if (lines.length === 0) return;
      await live.change("refund.create", { order: this.view.order, lines, reason });
      toast(say("desk.refunded_done"));
      this.emit("stale");
    });
  }

  #field(line: OrderLine): TemplateResult {
    const { currency } = this.view;
    const counts = Array.from({ length: this.#left(line) + 1 }, (_, count) => count);
    return html`<li><b>${line.title}</b><small>${say("desk.refund_most", { amount: money({ amount: rest(line), currency }) })}</small>
      <span class="two"><label>${say("desk.refund_units")}<select name="qty-${line.line}"
        @change=${(event: Event) => this.#units(event, line)}>${counts.map((count) => html`<option value=${count}>${count === 0 ? "–" : count}</option>`)}</select></label>
      <label>${say("desk.refund_amount", { currency })}<input name="amount-${line.line}" type="number"
        inputmode="decimal" min="0" max=${rest(line) / this.#unit} step=${1 / this.#unit} placeholder="0"
        @input=${this.#count}></label></span></li>`;
  }

  protected override render(): TemplateResult {
    const total = money({ amount: this.total, currency: this.view.currency });
    return html`<form class="after-form" @submit=${this.#refund}><h2>${icon("back-money")}${say("desk.refund")}</h2>
      <ul class="refund-fields">${this.#lines.map((line) => this.#field(line))}</ul>
      <label>${say("desk.refund_reason")}<input name="reason" maxlength="200"></label>${this.wrong()}
      <button class="wide ${this.busy ? "busy" : ""}" data-act="refund-now"
        ?disabled=${this.busy || this.total === 0}>${say("desk.refund_now", { amount: total })}</button></form>`;
  }
}
