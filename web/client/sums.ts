// What an order costs, piece by piece, and what it is made of: its lines.
import { html, nothing, type TemplateResult } from "lit";
import { icon } from "./element.ts";
import { hue, money, options, percent } from "./format.ts";
import { say, type Word } from "./say.ts";
import type { OrderLine, OrderView, Sums } from "./trade.ts";

// A sum with nothing beside the goods is told in one line.
export function sums(of: Sums, fixed = true): TemplateResult {
  const line = (word: Word, amount: number, more = ""): TemplateResult => html`<div><dt>${say(
    word,
  )}${more === "" ? nothing : html` <small>${more}</small>`}</dt><dd class="num">${money({
    amount,
    currency: of.currency,
  })}</dd></div>`;
  const plain = fixed && of.amount === of.goods && of.shipping === 0 && of.discount === 0;
  return html`<dl class="sums">
    ${
      plain && of.taxes.length === 0
        ? nothing
        : html`${line("sums.goods", of.goods)}
      ${of.discount > 0 ? line("sums.discount", -of.discount) : nothing}
      ${
        fixed
          ? html`<div><dt>${say("sums.shipping")}</dt><dd class="num">${
              of.shipping === 0
                ? say("sums.free")
                : money({ amount: of.shipping, currency: of.currency })
            }</dd></div>`
          : nothing
      }
      ${of.taxes.map((tax) => html`<div><dt>${tax.name} <small
        class="num">${percent(tax.rate_bp)}</small></dt><dd class="num">${money({ amount: tax.amount, currency: of.currency })}</dd></div>`)}`
    }
    <div class="total"><dt>${say(fixed ? "checkout.total" : "sums.before_shipping")}</dt><dd
      class="price">${money(of)}</dd></div></dl>`;
}

export function lineImage(line: { image: string; line: number }): TemplateResult {
  return line.image
    ? html`<img class="goods-image" src=${line.image} alt="" loading="lazy">`
    : html`<span class="goods-image none ${hue(line.line)}" aria-hidden="true">${icon("bag")}</span>`;
}

// Which variant, how many, for how much each.
function detail(line: OrderLine, currency: string): string {
  const each = `${line.qty} × ${money({ amount: line.price, currency })}`;
  return [options(line.options), each].filter(Boolean).join(" · ");
}

function oneLine(order: OrderView, line: OrderLine): TemplateResult {
  const { currency } = order;
  const parts = order.lines.filter(({ parent }) => parent === line.line);
  return html`<li data-line=${line.line}>${lineImage(line)}
    <span class="receipt-line-text"><b>${line.title}</b><small>${detail(line, currency)}</small>
      ${line.refunded > 0 ? html`<small class="given-back">${say("order.line_refunded", { amount: money({ amount: line.refunded, currency }) })}</small>` : nothing}
      ${
        parts.length === 0
          ? nothing
          : html`<ul class="bundle-parts">${parts.map((part) => html`<li>${part.qty} × ${[part.title, options(part.options)].filter(Boolean).join(" · ")}</li>`)}</ul>`
      }</span>
    <b class="num">${money({ amount: line.price * line.qty, currency })}</b></li>`;
}

export function lines(order: OrderView): TemplateResult {
  const own = order.lines.filter(({ parent }) => parent === null);
  return html`<ul class="receipt-lines">${own.map((line) => oneLine(order, line))}</ul>`;
}
