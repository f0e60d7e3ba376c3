// How an item looks: on the shelf, and as the card of what is being explained.
import { html, nothing, type TemplateResult } from "lit";
import { icon } from "./element.ts";
import type { RoomFeed } from "./feed.ts";
import { hue, left, money, priceOf } from "./format.ts";
import type { Item, Offer } from "./protocol.ts";
import { say } from "./say.ts";

export type Buy = (item: Item, offer: Offer) => void;

export function picture(item: { image: string; title: string; product?: number }): TemplateResult {
  return item.image
    ? html`<img class="goods-image" src=${item.image} alt="" loading="lazy" decoding="async">`
    : html`<span class="goods-image none ${hue(item.product ?? 0)}" aria-hidden="true">${icon("bag")}</span>`;
}

export function price(offer: Offer | undefined): TemplateResult {
  const now = priceOf(offer?.prices);
  if (now === null) return html`<span class="price hidden-price">${say("goods.price_soon")}</span>`;
  const was = priceOf(offer?.list);
  return html`<span class="price">${money(now)}</span>${
    was !== null && was.amount > now.amount
      ? html`<s class="was num"><span class="visually-hidden">${say("goods.was")}</span>${money(was)}</s>`
      : nothing
  }`;
}

// The offer a button buys: the first that is not sold out.
export function toBuy(item: Item, feed: RoomFeed): Offer | undefined {
  return item.offers.find((offer) => !feed.isOut(offer)) ?? item.offers[0];
}

function stock(item: Item, feed: RoomFeed): TemplateResult {
  const amounts = item.offers.map((offer) => feed.left(offer));
  const known = amounts.filter((amount) => amount !== null);
  const sum = known.length === 0 ? null : known.reduce((a, b) => a + b, 0);
  const out = item.offers.length > 0 && item.offers.every((offer) => feed.isOut(offer));
  const few = out || (sum !== null && sum <= 5);
  return html`<span class="stock num ${few ? "few" : ""}"
    data-stock=${sum ?? ""}>${out ? say("stock.out") : left(sum)}</span>`;
}

function buyButton(item: Item, feed: RoomFeed, open: boolean, buy: Buy): TemplateResult {
  const offer = toBuy(item, feed);
  const out = offer === undefined || feed.isOut(offer);
  const shut = offer === undefined || !open || priceOf(offer.prices) === null;
  const word = !out ? "goods.buy" : shut ? "goods.sold_out" : "wait.join";
  return html`<button class="buy small ${out ? "plain" : ""}" ?disabled=${shut}
    @click=${() => offer !== undefined && buy(item, offer)}>${say(word)}</button>`;
}

export function row(item: Item, feed: RoomFeed, open: boolean, buy: Buy): TemplateResult {
  const explained = feed.shelf?.explaining.includes(item.number) ?? false;
  return html`<li class="goods-row ${explained ? "explained" : ""}" data-item=${item.number}>
    <span class="goods-pic">${picture(item)}<b class="goods-number">${item.number}</b></span>
    <div class="goods-text"><h3>${item.title}</h3>
      ${explained ? html`<span class="chip warm">${icon("live")}${say("goods.explaining")}</span>` : nothing}
      ${stock(item, feed)}
      <div class="goods-end"><span
        class="goods-price">${price(toBuy(item, feed))}</span>${buyButton(item, feed, open, buy)}</div>
    </div></li>`;
}

export function deal(item: Item, feed: RoomFeed, open: boolean, buy: Buy): TemplateResult {
  return html`<article class="deal" aria-label=${say("goods.explaining")} data-item=${item.number}>
    <span class="goods-pic">${picture(item)}<b class="goods-number">${item.number}</b></span>
    <div class="deal-text"><span class="deal-now">${icon("live")}${say("goods.explaining")}</span>
      <h3>${item.title}</h3>
      <span class="goods-price">${price(toBuy(item, feed))}</span></div>
    <div class="deal-end">${stock(item, feed)}${buyButton(item, feed, open, buy)}</div>
  </article>`;
}
