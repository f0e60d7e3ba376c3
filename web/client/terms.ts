// <souk-terms shop="3">: where a shop ships and for how much, and how it is paid.
import { html, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { ActingElement } from "./acting.ts";
import { countries } from "./countries.ts";
import { icon, toast } from "./element.ts";
import { country, digits } from "./format.ts";
import { live } from "./live.ts";
import { methodWord } from "./pay.ts";
import type { Prices, ShippingTable, ShopView } from "./protocol.ts";
import { say } from "./say.ts";

@customElement("souk-terms")
export class SoukTerms extends ActingElement {
  @property({ type: Number }) shop = 0;
  @property({ attribute: false }) ways: string[] = []; // that this server knows
  @state() private view: ShopView | null = null;
  @state() private table: ShippingTable = {};

  override connectedCallback(): void {
    super.connectedCallback();
    void this.attempt(() => this.#load());
  }

  async #load(): Promise<void> {
    this.view = (await live.read("shop.get", { shop: this.shop })).shop;
    this.table = this.view.shipping ?? {};
  }

  #add(code: string): void {
    const fee: Prices = Object.fromEntries((this.view?.currencies ?? []).map((one) => [one, 0]));
    if (code !== "") this.table = { ...this.table, [code]: { fee } };
  }

  #drop(code: string): void {
    this.table = Object.fromEntries(Object.entries(this.table).filter(([key]) => key !== code));
  }

  #written(fields: FormData): ShippingTable {
    const amounts = (name: string): Prices => {
      const given = (this.view?.currencies ?? []).map((currency): [string, string] => [
        currency,
        String(fields.get(`${name}-${currency}`) ?? ""),
      ]);
      return Object.fromEntries(
        given
          .filter(([, text]) => text !== "")
          .map(([currency, text]) => [currency, Math.round(Number(text) * 10 ** digits(currency))]),
      );
    };
    return Object.fromEntries(
      Object.keys(this.table).map((code) => {
        const over = amounts(`over-${code}`);
        const free = Object.keys(over).length === 0 ? {} : { free_over: over };
        return [code, { fee: amounts(`fee-${code}`), ...free }];
      }),
    );
  }

  #save(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const fields = new FormData(event.target as HTMLFormElement);
    return this.attempt(async () => {
      await live.change("shop.update", {
        shop: this.shop,
        methods: fields.getAll("method").map(String),
        shipping: this.#written(fields),
      });
      await this.#load();
      toast(say("terms.saved"));
      this.emit("saved");
    });
  }

  #money(name: string, label: string, of: Prices | undefined, required: boolean): TemplateResult[] {
    return (this.view?.currencies ?? []).map((currency) => {
      const unit = 10 ** digits(currency);
      const was = of?.[currency];
      return html`<label><span>${label}, ${currency}</span><input name="${name}-${currency}"
        type="number" inputmode="decimal" min="0" step=${1 / unit} ?required=${required}
        .value=${was === undefined ? "" : String(was / unit)}></label>`;
    });
  }

  #row([code, { fee, free_over }]: [string, ShippingTable[string]]): TemplateResult {
    return html`<li class="terms-row" data-country=${code}><span class="terms-head"><b>${country(code)}</b>
      <button class="quiet round" type="button" aria-label=${say("terms.drop", { country: country(code) })}
        @click=${() => this.#drop(code)}>${icon("trash")}</button></span>
      <div class="two">${this.#money(`fee-${code}`, say("terms.fee"), fee, true)}
      ${this.#money(`over-${code}`, say("terms.free_over"), free_over, false)}</div></li>`;
  }

  protected override render(): TemplateResult {
    const view = this.view;
    if (view === null) return html`${this.wrong()}<div class="skeleton tall"></div>`;
    const rows = Object.entries(this.table);
    const others = countries().filter(([code]) => !(code in this.table));
    const ways = [...new Set([...this.ways, ...view.methods])];
    return html`<form class="terms" @submit=${this.#save}>
      <section class="step"><h3>${icon("truck")}${say("terms.shipping")}</h3>
        <p class="small-print">${say(rows.length === 0 ? "terms.ships_nothing" : "terms.ships")}</p>
        <ul class="terms-rows">${rows.map((row) => this.#row(row))}</ul>
        <label>${say("terms.add")}<select name="add" @change=${(event: Event) => {
          const field = event.target as HTMLSelectElement;
          this.#add(field.value);
          field.value = "";
        }}><option value="">${say("terms.choose")}</option>${others.map(([code, name]) => html`<option value=${code}>${name}</option>`)}</select></label></section>
      <section class="step"><h3>${icon("card")}${say("terms.methods")}</h3>
        ${ways.map((method) => html`<label class="tick-line"><input type="checkbox" name="method" value=${method}
          .checked=${view.methods.includes(method)}>${methodWord(method)}</label>`)}</section>
      ${this.wrong()}
      <button class="wide ${this.busy ? "busy" : ""}" data-act="save-terms"
        ?disabled=${this.busy}>${say("shop.save")}</button></form>`;
  }
}
