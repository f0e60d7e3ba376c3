// Fields of a parcel: who carries it, under which number.
import { html, type TemplateResult } from "lit";
import { say } from "./say.ts";

const CARRIERS = ["SF Express 顺丰", "YTO 圆通", "ZTO 中通", "EMS", "DHL", "UPS", "FedEx"];

export function parcelFields(was = { carrier: "", number: "" }): TemplateResult {
  return html`<div class="two"><label>${say("parcel.carrier")}<input name="carrier" required
      maxlength="40" list="carriers" .value=${was.carrier}></label>
    <label>${say("parcel.number")}<input name="number" required maxlength="60" autocomplete="off"
      autocapitalize="characters" spellcheck="false" .value=${was.number}></label></div>
    <datalist id="carriers">${CARRIERS.map((name) => html`<option value=${name}></option>`)}</datalist>`;
}

export function parcelOf(form: HTMLFormElement): { carrier: string; number: string } {
  const fields = new FormData(form);
  const text = (name: string): string => String(fields.get(name)).trim();
  return { carrier: text("carrier"), number: text("number") };
}
