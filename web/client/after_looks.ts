// What follows a sale, to look at: parcels and money that goes back.
import { html, nothing, type TemplateResult } from "lit";
import { icon } from "./element.ts";
import { money, when } from "./format.ts";
import { known, say, type Word } from "./say.ts";
import type { OrderView, Part, Refund, Shipment } from "./trade.ts";

// Which of an order's lines, as words: "2 × Tea bowl, 1 × Cup".
export function partsText(order: OrderView, parts: Part[]): string {
  return parts
    .map(({ line, qty }) => {
      const found = order.lines.find((one) => one.line === line);
      return `${qty} × ${found?.title || "?"}`;
    })
    .join(say("sale.and"));
}

function news(parcel: Shipment): TemplateResult | typeof nothing {
  if (parcel.events.length === 0) return nothing;
  return html`<ol class="parcel-news">${[...parcel.events].reverse().map((event) => {
    const at = Number(event["at"]);
    return html`<li><span>${String(event["text"] ?? event["state"] ?? "")}</span>${at > 0 ? html`<time class="num">${when(at)}</time>` : nothing}</li>`;
  })}</ol>`;
}

// `fix` is offered to the shop: another number than was said.
export function parcels(
  order: OrderView,
  fix?: (parcel: Shipment) => TemplateResult,
): TemplateResult | typeof nothing {
  if (order.shipments.length === 0) return nothing;
  return html`<section class="step"><h2>${icon("truck")}${say("parcel.title")}</h2>
    <ul class="parcels">${order.shipments.map(
      (parcel) => html`<li class="parcel" data-shipment=${parcel.shipment}>
      <span class="parcel-head"><b>${parcel.carrier}</b>
        <span class="chip ${parcel.state === "delivered" ? "good" : "warm"}">${say(`parcel.${parcel.state}`)}</span></span>
      <code class="num">${parcel.number}</code>
      <small>${partsText(order, parcel.lines)} · ${when(parcel.at)}</small>
      ${news(parcel)} ${fix?.(parcel) ?? nothing}</li>`,
    )}</ul></section>`;
}

// Why, where it is one of the server's own reasons.
function why({ reason }: Refund): string {
  const word = `refund.why_${reason}`;
  return known(word) ? `${say(word)} · ` : "";
}

// `act` is offered to the shop: it gave the money by hand.
export function refunds(
  order: OrderView,
  act?: (refund: Refund) => TemplateResult | typeof nothing,
): TemplateResult | typeof nothing {
  if (order.refunds.length === 0) return nothing;
  return html`<section class="step"><h2>${icon("back-money")}${say("refund.title")}</h2>
    <ul class="refunds">${order.refunds.map(
      (refund) => html`<li data-refund=${refund.state}><span><b class="num">${money({ amount: refund.amount, currency: order.currency })}</b>
        <small>${why(refund)}${when(refund.at)}</small></span>
        <span class="chip ${refund.state === "done" ? "good" : "warm"}">${say(`refund.${refund.state}` as Word)}</span>${act?.(refund) ?? nothing}</li>`,
    )}</ul></section>`;
}
