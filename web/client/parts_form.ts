// Fields to choose some units of an order's lines, and what was chosen.
import { html, type TemplateResult } from "lit";
import { say } from "./say.ts";
import type { OrderView, Part } from "./trade.ts";

// One field a line, full to begin with: `part-<line>` is how many.
export function partFields(order: OrderView, may: Part[]): TemplateResult {
  return html`<ul class="part-fields">${may.map(({ line, qty }) => {
    const { title } = order.lines.find((one) => one.line === line) ?? { title: "?" };
    return html`<li><label for="part-${line}">${title}</label>
      <span class="part-count"><input id="part-${line}" name="part-${line}" type="number"
        inputmode="numeric" min="0" max=${qty} value=${qty} required
        aria-label=${say("parts.of", { title, count: qty })}><span class="num">/ ${qty}</span></span></li>`;
  })}</ul>`;
}

export function chosenParts(form: FormData): Part[] {
  return [...form]
    .filter(([name]) => name.startsWith("part-"))
    .map(([name, qty]) => ({ line: Number(name.slice(5)), qty: Number(qty) }))
    .filter(({ qty }) => qty > 0);
}
