// <souk-desk-aftersale>: what buyers ask for after the sale, and the shop's answer.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { ActingElement } from "./acting.ts";
import { aftersaleCard } from "./aftersale.ts";
import { icon, toast } from "./element.ts";
import { when } from "./format.ts";
import { live } from "./live.ts";
import { say } from "./say.ts";
import { type AfterSale, openAfterSale, type OrderView } from "./trade.ts";

@customElement("souk-desk-aftersale")
export class SoukDeskAftersale extends ActingElement {
  @property({ attribute: false }) view!: OrderView;
  @state() private note = "";

  #decide({ aftersale }: AfterSale, accept: boolean): Promise<void> {
    return this.attempt(async () => {
      await live.change("aftersale.decide", { aftersale, accept, note: this.note.trim() });
      this.note = "";
      toast(say(accept ? "desk.accepted_done" : "desk.refused_done"));
      this.emit("stale");
    });
  }

  #received(event: SubmitEvent, { aftersale }: AfterSale): Promise<void> {
    event.preventDefault();
    const restock = new FormData(event.target as HTMLFormElement).has("restock");
    return this.attempt(async () => {
      await live.change("aftersale.received", { aftersale, restock });
      toast(say("desk.received_done"));
      this.emit("stale");
    });
  }

  #acts(one: AfterSale): TemplateResult | typeof nothing {
    if (one.state === "asked") {
      return html`<div class="after-form">
        ${one.due_at === null ? nothing : html`<p class="small-print">${say("desk.answer_until", { until: when(one.due_at) })}</p>`}
        <label>${say("desk.note")}<input maxlength="200" .value=${this.note} @input=${(event: InputEvent) => {
          this.note = (event.target as HTMLInputElement).value;
        }}></label>${this.wrong()}
        <div class="two"><button data-act="accept" ?disabled=${this.busy}
          @click=${() => this.#decide(one, true)}>${say("desk.accept")}</button>
        <button class="danger" data-act="refuse" ?disabled=${this.busy}
          @click=${() => this.#decide(one, false)}>${say("desk.refuse")}</button></div></div>`;
    }
    if (one.kind === "refund" || (one.state !== "sent" && one.state !== "accepted")) return nothing;
    return html`<form class="after-form" @submit=${(event: SubmitEvent) => this.#received(event, one)}>
      ${one.state === "accepted" ? html`<p class="small-print">${say("desk.waits_for_parcel")}</p>` : nothing}
      <label class="tick-line"><input type="checkbox" name="restock" checked>${say("desk.restock")}</label>${this.wrong()}
      <button class="wide" data-act="came-back" ?disabled=${this.busy}>${say("desk.came_back")}</button></form>`;
  }

  protected override render(): TemplateResult | typeof nothing {
    const { view } = this;
    if (view.aftersales.length === 0) return nothing;
    const open = openAfterSale(view);
    return html`<section class="step"><h2>${icon("help")}${say("desk.aftersales")}</h2>
      ${view.aftersales.map((one) => html`${aftersaleCard(view, one, `/shops/${view.shop}/orders`)}${one === open ? this.#acts(one) : nothing}`)}</section>`;
  }
}
