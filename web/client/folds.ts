// How events change what a room shows. Pure: what came before, one event → what is now.
// A row's event with a version that is not newer changes nothing, so a snapshot and the
// events around it may arrive in any order.
import type { Comment, DealsEvent, Item, Offer, Shelf, Stock, StreamView } from "./protocol.ts";

export function foldStream(view: StreamView, event: DealsEvent): StreamView {
  if (!event.type.startsWith("stream.")) return view;
  const told = event as Extract<DealsEvent, { type: `stream.${string}` }>;
  if (told.version <= view.version) return view;
  const next = { ...view, version: told.version };
  switch (told.type) {
    case "stream.started":
      return { ...next, state: "live", started_at: told.at };
    case "stream.recovered":
      return { ...next, state: "live" };
    case "stream.interrupted":
      return { ...next, state: "interrupted", grace_until: told.grace_until };
    case "stream.ended":
      return { ...next, state: "ended", ended_at: told.at, end_reason: told.reason };
    case "stream.updated":
      return { ...next, ...told.changed };
  }
}

export function foldShelf(shelf: Shelf, event: DealsEvent): Shelf {
  switch (event.type) {
    case "item.added": {
      if (event.version <= shelf.version) return shelf;
      const others = shelf.items.filter((item) => item.number !== event.item.number);
      return { ...shelf, version: event.version, items: [...others, event.item] };
    }
    case "item.removed": {
      if (event.version <= shelf.version) return shelf;
      const items = shelf.items.filter((item) => item.number !== event.number);
      const explaining = shelf.explaining.filter((number) => number !== event.number);
      return { ...shelf, version: event.version, items, explaining };
    }
    case "item.explained":
      if (event.version <= shelf.version) return shelf;
      return { ...shelf, version: event.version, explaining: event.explaining };
    case "offer.changed":
      return withOffer(shelf, event.offer, (offer) =>
        event.version <= offer.version
          ? offer
          : {
              ...offer,
              prices: event.prices,
              list: event.list,
              per_buyer: event.per_buyer,
              version: event.version,
            },
      );
    default:
      return shelf;
  }
}

function withOffer(shelf: Shelf, ident: number, change: (offer: Offer) => Offer): Shelf {
  const offers = (item: Item): Item => ({
    ...item,
    offers: item.offers.map((offer) => (offer.offer === ident ? change(offer) : offer)),
  });
  return { ...shelf, items: shelf.items.map(offers) };
}

export function newerStock(had: Stock | undefined, told: Stock): Stock {
  return had !== undefined && told.version <= had.version ? had : told;
}

// Comments in order of arrival, each id once, the last `keep`.
export function addComments(had: Comment[], more: Comment[], keep = 200): Comment[] {
  const known = new Set(had.map((comment) => comment.id));
  const fresh = more.filter((comment) => !known.has(comment.id) && known.add(comment.id));
  return fresh.length === 0 ? had : [...had, ...fresh].slice(-keep);
}

export function dropComments(
  had: Comment[],
  event: { ids?: string[]; author?: number; before?: number },
): Comment[] {
  const ids = new Set(event.ids ?? []);
  const before = event.before ?? Infinity;
  return had.filter(
    (one) => !ids.has(one.id) && !(one.author === event.author && one.at <= before),
  );
}
