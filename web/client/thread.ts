// One conversation, kept whole by `rev`.
//
// A publication that is next is applied, an older one ignored, and one from further
// ahead waits a moment for what is between, then we ask for all that changed.
import { live, me, newKey } from "./live.ts";
import type { Conversation, Cursor, Message, UserEvent } from "./protocol.ts";

export interface Pending {
  key: string;
  text: string;
  failed: boolean;
}

const PAGE = 50;

export class Thread {
  messages: Message[] = [];
  pending: Pending[] = [];
  view: Conversation | null = null;
  ready = false;
  #rev = 0;
  #timer = 0;

  constructor(
    readonly id: number,
    private readonly changed: () => void,
  ) {}

  async load(known: Conversation | null): Promise<void> {
    this.view = known;
    if (known === null) {
      await this.sync();
    } else {
      const { messages, head_rev } = await live.read("conversation.history", {
        conversation: this.id,
        limit: PAGE,
      });
      this.messages = messages;
      this.#rev = head_rev;
    }
    this.ready = true;
    this.changed();
  }

  async older(): Promise<void> {
    const first = this.messages[0];
    if (first === undefined || !this.hasOlder) return;
    const { messages } = await live.read("conversation.history", {
      conversation: this.id,
      before_seq: first.seq,
      limit: PAGE,
    });
    this.#put(messages);
    this.changed();
  }

  get hasOlder(): boolean {
    const first = this.messages[0];
    return first !== undefined && first.seq > (this.view?.base ?? 0) + 1;
  }

  // All that changed since what we hold, page by page.
  async sync(): Promise<void> {
    for (let more = true; more;) {
      const page = await live.read("conversation.sync", {
        conversation: this.id,
        after_rev: this.#rev,
      });
      if (page.head_rev < this.#rev) this.messages = [];
      if (page.conversation !== null) this.view = page.conversation;
      this.#put(page.messages);
      page.cursors.forEach((cursor) => this.cursor(cursor));
      this.#rev = page.next_rev;
      more = page.more;
    }
    this.changed();
  }

  told(event: UserEvent): void {
    if (event.type === "message.sent" && event.conversation === this.id) this.#sent(event);
    if (event.type === "conversation.cursor" && event.conversation === this.id) {
      this.cursor(event);
      this.changed();
    }
  }

  #sent(event: Extract<UserEvent, { type: "message.sent" }>): void {
    if (event.rev <= this.#rev) return;
    if (event.rev > this.#rev + 1) {
      clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => void this.sync().catch(() => undefined), 300);
      return;
    }
    this.#rev = event.rev;
    this.#put([event.message]);
    this.changed();
  }

  cursor(cursor: Cursor): void {
    if (this.view === null) return;
    const { user, read = 0, delivered = 0 } = cursor;
    const view = this.view;
    this.view =
      user === me
        ? {
            ...view,
            read: Math.max(view.read, read),
            delivered: Math.max(view.delivered, delivered),
          }
        : {
            ...view,
            peer_read: Math.max(view.peer_read, read),
            peer_delivered: Math.max(view.peer_delivered, delivered, read),
          };
  }

  #put(messages: Message[]): void {
    const bySeq = new Map(this.messages.map((message) => [message.seq, message]));
    for (const message of messages) {
      const had = bySeq.get(message.seq);
      if (had === undefined || message.rev >= had.rev) bySeq.set(message.seq, message);
      this.pending = this.pending.filter(
        (one) => !(message.sender === me && one.key === message.key),
      );
      if (message.sender !== me)
        this.cursor({ user: message.sender, read: message.seq, delivered: message.seq });
    }
    this.messages = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
  }

  async send(text: string, key = newKey()): Promise<void> {
    this.pending = [...this.pending.filter((one) => one.key !== key), { key, text, failed: false }];
    this.changed();
    try {
      const { seq, rev, at } = await live.change(
        "message.send",
        { conversation: this.id, kind: "text", text },
        key,
      );
      this.#put([{ seq, rev, key, sender: me ?? 0, kind: "text", text, reply_to: null, at }]);
    } catch (error) {
      this.pending = this.pending.map((one) => (one.key === key ? { ...one, failed: true } : one));
      throw error;
    } finally {
      this.changed();
    }
  }

  get lastSeq(): number {
    return this.messages.at(-1)?.seq ?? 0;
  }

  // Tell the others that this was seen, once for each message.
  async markRead(): Promise<void> {
    const seq = this.lastSeq;
    if (this.view === null || seq <= this.view.read) return;
    this.cursor({ user: me ?? 0, read: seq, delivered: seq });
    this.changed();
    await live.read("conversation.mark", { conversation: this.id, read_seq: seq });
  }
}
