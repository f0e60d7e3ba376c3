// What is known of one room, kept true by its three channels.
//
// The subscribe reply is the snapshot; publications change it. When the server could
// not recover what was missed, its reply carries a fresh snapshot, which replaces ours.
import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { Subscription } from "centrifuge";
import { addComments, dropComments, foldShelf, foldStream, newerStock } from "./folds.ts";
import { live } from "./live.ts";
import type {
  Comment,
  CommentsEvent,
  DealsEvent,
  Offer,
  Shelf,
  StateValues,
  Stock,
  StreamView,
} from "./protocol.ts";

interface DealsData {
  stream: StreamView;
  shelf: Shelf;
  pinned: Comment[];
}
interface CommentsData {
  recent: Comment[];
}

export class RoomFeed implements ReactiveController {
  view: StreamView | null = null;
  shelf: Shelf | null = null;
  pinned: Comment[] = [];
  comments: Comment[] = [];
  removed = new Set<string>();
  likes = 0;
  viewers: number | null = null;
  refused: { code: number } | null = null;
  // Counts what changed, for components that are handed the feed itself.
  revision = 0;
  onDeals: (event: DealsEvent) => void = () => undefined;

  #stock = new Map<number, Stock>();
  #subscriptions: Subscription[] = [];

  constructor(
    private readonly host: ReactiveControllerHost,
    private readonly stream: () => number,
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    const id = this.stream();
    const deals = live.subscribe(`deals:${id}`);
    deals.on("subscribed", ({ data, wasRecovering, recovered }) => {
      if (!(wasRecovering && recovered)) this.#snapshot(data as DealsData);
    });
    deals.on("publication", ({ data }) => this.#told(data as DealsEvent));
    deals.on("unsubscribed", ({ code }) => {
      this.refused = { code };
      this.#changed();
    });
    const state = live.subscribe(`state:${id}`);
    state.on("publication", ({ data }) => this.#values(data as StateValues));
    const comments = live.subscribe(`comments:${id}`);
    comments.on("subscribed", ({ data }) =>
      this.add((data as CommentsData | undefined)?.recent ?? []),
    );
    comments.on("publication", ({ data }) => {
      const event = data as CommentsEvent;
      if (event.type === "comment.sent") this.add([event]);
    });
    this.#subscriptions = [deals, state, comments];
    this.#subscriptions.forEach((subscription) => subscription.subscribe());
  }

  hostDisconnected(): void {
    for (const subscription of this.#subscriptions) {
      subscription.removeAllListeners();
      live.client.removeSubscription(subscription);
    }
  }

  add(comments: Comment[]): void {
    this.comments = addComments(
      this.comments,
      comments.filter((one) => !this.removed.has(one.id)),
    );
    this.#changed();
  }

  // How many are left of an offer: by the newer of the shelf's and the tick's word.
  left(offer: Offer): number | null {
    return this.#newest(offer).left;
  }

  isOut(offer: Offer): boolean {
    return !this.#newest(offer).in;
  }

  #newest(offer: Offer): Stock {
    const shelf = { left: offer.left, in: offer.in, version: offer.stock_version };
    const told = this.#stock.get(offer.offer);
    return told === undefined ? shelf : newerStock(shelf, told);
  }

  #changed(): void {
    this.revision += 1;
    this.host.requestUpdate();
  }

  #snapshot(data: DealsData): void {
    this.view = data.stream;
    this.viewers ??= data.stream.viewers;
    this.shelf = data.shelf;
    this.pinned = data.pinned ?? [];
    this.#changed();
  }

  #told(event: DealsEvent): void {
    if (this.view !== null) this.view = foldStream(this.view, event);
    if (this.shelf !== null) this.shelf = foldShelf(this.shelf, event);
    if (event.type === "comment.pinned") this.pinned = event.pinned;
    if (event.type === "stock.out")
      this.#stocked(event.offer, { left: 0, in: false, version: event.version });
    if (event.type === "comment.removed") {
      event.ids?.forEach((id) => this.removed.add(id));
      this.comments = dropComments(this.comments, event);
      this.pinned = dropComments(this.pinned, event);
    }
    this.onDeals(event);
    this.#changed();
  }

  #values(values: StateValues): void {
    for (const [key, value] of Object.entries(values)) {
      const [kind, ident] = key.split(":");
      if (kind === "likes") this.likes = Math.max(this.likes, (value as { total: number }).total);
      if (kind === "viewers") this.viewers = (value as { now: number }).now;
      if (kind === "stock" && ident !== undefined) {
        this.#stocked(Number(ident), value as Stock);
      }
    }
    this.#changed();
  }

  #stocked(offer: number, told: Stock): void {
    this.#stock.set(offer, newerStock(this.#stock.get(offer), told));
  }
}
