// <souk-addresses>: where to send it: the saved ones to choose from, a new one, an edited
// one. Says `chosen` with the address when there is one to be used.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { ActingElement } from "./acting.ts";
import { countries, guessCountry } from "./countries.ts";
import { icon } from "./element.ts";
import { country } from "./format.ts";
import { live } from "./live.ts";
import { say } from "./say.ts";
import type { AddressFields, AddressView } from "./trade.ts";

export function addressLines(at: AddressFields): TemplateResult {
  return html`<b>${at.name}</b> <span class="num phone">${at.phone}</span><br>${at.line}<br>${[
    at.region,
    country(at.country),
  ]
    .filter(Boolean)
    .join(", ")}`;
}

@customElement("souk-addresses")
export class SoukAddresses extends ActingElement {
  @property({ type: Number }) chosen = 0;
  @state() private saved: AddressView[] | null = null;
  @state() private editing: AddressView | "new" | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#load();
  }

  // The only one, or the default one, is chosen without a click.
  async #load(choose = this.chosen): Promise<void> {
    await this.attempt(async () => {
      this.saved = (await live.read("address.list", {})).items;
      if (this.saved.length === 0) this.editing = "new";
      const wanted = this.saved.find(({ address }) => address === choose) ?? this.saved[0];
      if (wanted !== undefined && wanted.address !== this.chosen) this.#choose(wanted);
    });
  }

  #edit(address: AddressView | "new"): void {
    this.editing = address;
    this.problem = "";
    this.lead("input[name=name]");
  }

  #choose(address: AddressView): void {
    this.chosen = address.address;
    this.emit("chosen", address);
  }

  #save(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const text = (name: string): string => String(form.get(name) ?? "").trim();
    const was = this.editing === "new" || this.editing === null ? null : this.editing;
    return this.attempt(async () => {
      const { address } = await live.change("address.save", {
        ...(was === null ? {} : { address: was.address }),
        name: text("name"),
        phone: text("phone"),
        country: text("country"),
        region: text("region"),
        line: text("line"),
        is_default: form.has("is_default"),
      });
      this.editing = null;
      this.chosen = 0; // what it says may be new: it counts as chosen anew
      this.saved = (await live.read("address.list", {})).items;
      const made = this.saved.find((one) => one.address === address);
      if (made !== undefined) this.#choose(made);
    });
  }

  #drop({ address }: AddressView): Promise<void> {
    return this.attempt(async () => {
      await live.change("address.drop", { address });
      this.saved = (this.saved ?? []).filter((one) => one.address !== address);
      this.editing = this.saved.length === 0 ? "new" : null;
    });
  }

  #form(was: AddressView | "new"): TemplateResult {
    const at: AddressFields =
      was === "new"
        ? { name: "", phone: "", country: guessCountry(), region: "", line: "", is_default: false }
        : was;
    const others = (this.saved ?? []).length > 0;
    return html`<form class="address-form" @submit=${this.#save}>
      <label>${say("address.name")}<input name="name" required maxlength="60" autocomplete="name"
        .value=${at.name}></label>
      <label>${say("address.phone")}<input name="phone" required type="tel" autocomplete="tel"
        minlength="3" maxlength="30" pattern="[\\-0-9+\\(\\) ]{3,30}" .value=${at.phone}></label>
      <label>${say("address.line")}<input name="line" required maxlength="200"
        autocomplete="street-address" placeholder=${say("address.line_hint")} .value=${at.line}></label>
      <div class="two"><label>${say("address.region")}<input name="region" maxlength="60"
        autocomplete="address-level1" .value=${at.region}></label>
      <label>${say("address.country")}<select name="country" autocomplete="country">
        ${countries().map(([code, name]) => html`<option value=${code} ?selected=${code === at.country}>${name}</option>`)}</select></label></div>
      ${others ? html`<label class="tick-line"><input type="checkbox" name="is_default"
        .checked=${at.is_default}>${say("address.default")}</label>` : nothing}
      ${this.wrong()}
      <button class="wide ${this.busy ? "busy" : ""}" data-act="save-address"
        ?disabled=${this.busy}>${say("address.use")}</button>
      ${
        others
          ? html`<div class="two"><button class="quiet" type="button" @click=${() => {
              this.editing = null;
              this.lead(".choice input:checked, .choice input");
            }}>${say("address.back")}</button>
        ${was === "new" ? nothing : html`<button class="quiet" type="button" ?disabled=${this.busy}
          @click=${() => this.#drop(was)}>${icon("trash")}${say("address.drop")}</button>`}</div>`
          : nothing
      }</form>`;
  }

  protected override render(): TemplateResult {
    if (this.saved === null)
      return html`${this.wrong()}<div class="skeleton row"></div>`;
    if (this.editing !== null) return this.#form(this.editing);
    return html`${this.wrong()}<ul class="choices" role="radiogroup" aria-label=${say("address.title")}>
      ${this.saved.map(
        (one) => html`<li class="choice ${one.address === this.chosen ? "chosen" : ""}">
        <label><input type="radio" name="address" .checked=${one.address === this.chosen}
          @change=${() => this.#choose(one)}><span>${addressLines(one)}</span></label>
        <button class="quiet round" aria-label=${say("address.edit", { name: one.name })}
          @click=${() => this.#edit(one)}>${icon("edit")}</button></li>`,
      )}</ul>
      <button class="plain wide" data-act="new-address" @click=${() => this.#edit("new")}>${icon("plus")}${say("address.new")}</button>`;
  }
}
