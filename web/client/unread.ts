// <souk-unread>: how many messages wait, beside the word "Inbox" on every page.
// It also tells senders that their message has arrived on this device.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { SoukElement } from "./element.ts";
import { live, me } from "./live.ts";
import type { Conversation, UserEvent } from "./protocol.ts";
import { say } from "./say.ts";

export function unreadOf(conversation: Conversation): number {
  return Math.max(0, conversation.head_seq - Math.max(conversation.read, conversation.base));
}

let arrivals = false;

// One report for each message and page, whatever components there are.
function reportArrivals(): void {
  if (arrivals || me === null) return;
  arrivals = true;
  live.onUser((event) => {
    if (event.type !== "message.sent" || event.message.sender === me) return;
    void live
      .read("conversation.mark", { conversation: event.conversation, delivered_seq: event.seq })
      .catch(() => undefined);
  });
}

@customElement("souk-unread")
export class SoukUnread extends SoukElement {
  @state() private total = 0;
  #stops: (() => void)[] = [];
  #timer = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    reportArrivals();
    this.#stops = [
      live.onConnected(({ chat }) => {
        if (chat) this.total = chat.total_unread;
      }),
      live.onUser((event) => this.#told(event)),
    ];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stops.forEach((stop) => stop());
    clearTimeout(this.#timer);
  }

  #told(event: UserEvent): void {
    const arrived = event.type === "message.sent";
    const read = event.type === "conversation.cursor" && event.user === me;
    if (!arrived && !read) return;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#count().catch(() => undefined), 400);
  }

  async #count(): Promise<void> {
    const { items } = await live.read("conversation.list", { box: "main", limit: 100 });
    this.total = items.reduce((sum, one) => sum + unreadOf(one), 0);
  }

  protected override render(): TemplateResult | typeof nothing {
    return this.total === 0
      ? nothing
      : html`<span class="badge"
        aria-label=${say("inbox.unread", { count: this.total })}>${this.total > 99 ? "99+" : this.total}</span>`;
  }
}
