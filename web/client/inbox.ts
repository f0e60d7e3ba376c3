// <souk-inbox>: conversations, and the one that is open. A phone shows one of the two.
import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import "./conversation.ts";
import { avatar, icon, reason, SoukElement, toast } from "./element.ts";
import { when } from "./format.ts";
import { live, me } from "./live.ts";
import type { Conversation, UserEvent } from "./protocol.ts";
import { say } from "./say.ts";
import { Thread } from "./thread.ts";
import { unreadOf } from "./unread.ts";

type Box = "main" | "requests";

@customElement("souk-inbox")
export class SoukInbox extends SoukElement {
  @property({ type: Number }) conversation = 0;
  @state() private box: Box = "main";
  @state() private lists: Record<Box, Conversation[]> | null = null;
  @state() private thread: Thread | null = null;
  #stops: (() => void)[] = [];
  #timer = 0;
  #back = (): void => {
    this.conversation = Number(/\/inbox\/(\d+)/.exec(location.pathname)?.[1] ?? 0);
  };

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("popstate", this.#back);
    this.#stops = [
      live.onConnected(({ chat }) => {
        if (chat || this.lists === null) void this.#reload();
      }),
      live.onUser((event) => this.#told(event)),
    ];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("popstate", this.#back);
    this.#stops.forEach((stop) => stop());
  }

  // After a connect that could not recover everything: both lists, and the open thread.
  async #reload(): Promise<void> {
    try {
      await this.#fetch();
      if (this.thread?.ready) await this.thread.sync();
      else await this.#open();
    } catch (error) {
      toast(reason(error));
    }
  }

  async #fetch(): Promise<void> {
    const [main, requests] = await Promise.all([
      live.read("conversation.list", { box: "main", limit: 100 }),
      live.read("conversation.list", { box: "requests", limit: 100 }),
    ]);
    this.lists = { main: main.items, requests: requests.items };
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("conversation") && this.lists !== null) void this.#open();
  }

  async #open(): Promise<void> {
    if (this.conversation === 0 || this.conversation === this.thread?.id) {
      if (this.conversation === 0) this.thread = null;
      return;
    }
    const thread = new Thread(this.conversation, () => this.requestUpdate());
    this.thread = thread;
    const all = [...(this.lists?.main ?? []), ...(this.lists?.requests ?? [])];
    try {
      await thread.load(all.find((one) => one.id === thread.id) ?? null);
    } catch (error) {
      toast(reason(error));
      this.#go(0);
    }
  }

  #go(conversation: number): void {
    history.pushState(null, "", conversation === 0 ? "/inbox" : `/inbox/${conversation}`);
    this.conversation = conversation;
    if (conversation === 0) this.#later();
  }

  #told(event: UserEvent): void {
    this.thread?.told(event);
    if (event.type.startsWith("message.") || event.type.startsWith("conversation.")) this.#later();
  }

  // The list follows a little behind, once for many events.
  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#fetch().catch(() => undefined), 150);
  }

  #row(one: Conversation): TemplateResult {
    const unread = one.id === this.thread?.id ? 0 : unreadOf(one);
    const name = one.peer?.name ?? say("inbox.nobody");
    return html`<li><a class="talk-row ${one.id === this.conversation ? "open" : ""} ${unread > 0 ? "fresh" : ""}" href="/inbox/${one.id}"
      aria-current=${one.id === this.conversation ? "true" : nothing}
      @click=${(event: MouseEvent) => {
        if (!event.metaKey && !event.ctrlKey) {
          event.preventDefault();
          this.#go(one.id);
        }
      }}>
      ${avatar(one.peer?.user ?? one.id, name)}
      <span class="talk-row-text"><b>${name}</b><span
        class="talk-row-last">${one.last?.sender === me ? say("inbox.you") : ""}${one.last?.text ?? ""}</span></span>
      <span class="talk-row-end">${one.last_at === null ? nothing : html`<time
        class="num">${when(one.last_at)}</time>`}
        ${unread > 0 ? html`<span class="badge"
          aria-label=${say("inbox.unread", { count: unread })}>${unread}</span>` : nothing}</span></a></li>`;
  }

  #list(): TemplateResult {
    if (this.lists === null)
      return html`${[1, 2, 3, 4].map(() => html`<div class="skeleton row"></div>`)}`;
    const rows = this.lists[this.box];
    if (rows.length === 0) {
      return html`<div class="empty"><div class="empty-stall"
        aria-hidden="true"></div><h2>${say(this.box === "main" ? "inbox.none" : "inbox.no_requests")}</h2><p>${say("inbox.none_more")}</p></div>`;
    }
    return html`<ul class="talk-rows">${repeat(
      rows,
      (one) => one.id,
      (one) => this.#row(one),
    )}</ul>`;
  }

  #tab(box: Box): TemplateResult {
    const unread = this.lists?.[box].reduce((sum, one) => sum + unreadOf(one), 0) ?? 0;
    return html`<button class="tab ${this.box === box ? "chosen" : ""}" role="tab"
      aria-selected=${this.box === box ? "true" : "false"}
      @click=${() => {
        this.box = box;
      }}>${say(box === "main" ? "inbox.main" : "inbox.requests")}
      ${box === "requests" && unread > 0 ? html`<span class="badge">${unread}</span>` : nothing}</button>`;
  }

  protected override render(): TemplateResult {
    return html`<div class="inbox ${this.conversation === 0 ? "listing" : "reading"}">
      <section class="inbox-list" aria-label=${say("inbox.title")}><header><h1>${say("inbox.title")}</h1>
        <div class="tab-row" role="tablist">${this.#tab("main")}${this.#tab("requests")}</div></header>${this.#list()}</section>
      <section class="inbox-thread">
        ${
          this.thread === null
            ? html`<div class="empty">${icon("chat")}<p>${say("inbox.choose")}</p></div>`
            : html`<souk-conversation .thread=${this.thread} .ready=${this.thread.ready} .stamp=${{}}
              @leave=${() => this.#go(0)}></souk-conversation>`
        }
      </section></div>`;
  }
}
