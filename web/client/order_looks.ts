// How an order's state looks: its chip, the way it goes, what happened to it.
import { html, nothing, type TemplateResult } from "lit";
import { icon } from "./element.ts";
import { when } from "./format.ts";
import { known, say, type Word } from "./say.ts";
import { type Change, type OrderState, type OrderView, shortNumber } from "./trade.ts";

const LOOK: Record<OrderState, string> = {
  held: "warm",
  paying: "warm",
  paid: "good",
  customs: "good",
  packed: "good",
  part_shipped: "good",
  shipped: "good",
  received: "good",
  done: "good",
  closed: "",
  expired: "",
  cancelled: "",
};

export function chip({ state }: { state: OrderState }): TemplateResult {
  return html`<span class="chip ${LOOK[state] ?? ""}"
    data-state=${state}>${say(`order.${state}` as Word)}</span>`;
}

const WAY: { word: Word; picture: string; reached: OrderState[] }[] = [
  { word: "way.held", picture: "clock", reached: ["held", "paying"] },
  { word: "way.paid", picture: "check", reached: ["paid", "customs"] },
  { word: "way.packed", picture: "box", reached: ["packed"] },
  { word: "way.shipped", picture: "truck", reached: ["part_shipped", "shipped"] },
  { word: "way.received", picture: "home", reached: ["received", "done"] },
];

// A picture of where it is, from the hold to the buyer's door. An order that left the way
// shows none.
export function way({ state }: OrderView): TemplateResult | typeof nothing {
  const at = WAY.findIndex(({ reached }) => reached.includes(state));
  if (at < 0) return nothing;
  return html`<ol class="way" aria-label=${say("way.label")}>${WAY.map(
    ({ word, picture }, place) => html`<li class=${place < at ? "gone" : place === at ? "here" : ""}
      aria-current=${place === at ? "step" : nothing}><span class="way-mark">${icon(place < at ? "check" : picture)}</span><span>${say(word)}</span></li>`,
  )}</ol>`;
}

function changeWord({ was, state }: Change): string {
  const pair = `history.${was}_${state}`;
  return say(known(pair) ? pair : (`history.${state}` as Word));
}

// Reasons are codes of ours, or what a person wrote.
function changeReason({ reason }: Change): string {
  const [, other] = /^instead of ([0-9a-f-]{36})$/.exec(reason) ?? [];
  if (other !== undefined) return say("reason.instead_of", { number: shortNumber(other) });
  const word = `reason.${reason.replaceAll(" ", "_")}`;
  return known(word) ? say(word) : reason;
}

function who(by: Change["by"], buyer: boolean): string {
  if (by === null) return "";
  return say((by === "buyer") === buyer ? "history.by_you" : (`history.by_${by}` as Word));
}

// What happened, the newest last. `buyer`: it is the buyer who reads.
export function history(order: OrderView, buyer: boolean): TemplateResult {
  const line = (word: string, at: number, more: string): TemplateResult => html`<li><span><b>${word}</b>${
    more === "" ? nothing : html`<small>${more}</small>`
  }</span><time class="num" datetime=${new Date(at).toISOString()}>${when(at)}</time></li>`;
  return html`<section class="step"><h2>${say("history.title")}</h2>
    <ol class="steps">${line(say("history.held"), order.placed_at, "")}
    ${order.changes.map((change) =>
      line(
        changeWord(change),
        change.at,
        [who(change.by, buyer), changeReason(change)].filter(Boolean).join(" · "),
      ),
    )}</ol></section>`;
}
