// <souk-conversation>: what was written between two people, and the line to write on.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { avatar, icon, reason, SoukElement, toast } from "./element.ts";
import { when } from "./format.ts";
import { me } from "./live.ts";
import type { Message } from "./protocol.ts";
import { say } from "./say.ts";
import type { Pending, Thread } from "./thread.ts";

const APART = 10 * 60_000; // after this long a pause the time is written

@customElement("souk-conversation")
export class SoukConversation extends SoukElement {
  @property({ attribute: false }) thread!: Thread;
  @property({ type: Boolean }) ready = false;
  @property({ attribute: false }) stamp: object = {}; // new when the thread changed
  @state() private empty = true;
  @query(".thread") private list!: HTMLElement;
  @query("textarea") private input!: HTMLTextAreaElement;
  #atEnd = true;
  #shown: Thread | null = null;
  #seen = (): void => {
    if (document.visibilityState === "visible") void this.thread.markRead().catch(() => undefined);
  };

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("visibilitychange", this.#seen);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("visibilitychange", this.#seen);
  }

  protected override updated(): void {
    if (this.#shown !== this.thread) {
      this.#shown = this.thread;
      this.#atEnd = true;
    }
    if (this.#atEnd) this.list.scrollTop = this.list.scrollHeight;
    if (this.ready) this.#seen();
  }

  #scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.list;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < 48;
    if (scrollTop < 40 && this.ready && this.thread.hasOlder)
      void this.thread.older().catch(() => undefined);
  }

  async #send(event?: Event): Promise<void> {
    event?.preventDefault();
    const text = this.input.value.trim();
    if (text === "") return;
    this.input.value = "";
    this.empty = true;
    this.#atEnd = true;
    await this.#deliver(text);
  }

  async #deliver(text: string, key?: string): Promise<void> {
    try {
      await this.thread.send(text, key);
    } catch (error) {
      toast(reason(error));
    }
  }

  #key(event: KeyboardEvent): void {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) void this.#send(event);
  }

  #tick(message: Message): TemplateResult | typeof nothing {
    const view = this.thread.view;
    if (message.sender !== me || view === null) return nothing;
    const read = message.seq <= view.peer_read;
    const delivered = message.seq <= view.peer_delivered;
    const word = say(read ? "inbox.read" : delivered ? "inbox.delivered" : "inbox.sent");
    return html`<span class="tick ${read ? "read" : ""}" role="img" aria-label=${word}
      title=${word}>${icon(read || delivered ? "checks" : "check")}</span>`;
  }

  #message(message: Message, before: Message | undefined): TemplateResult {
    const pause = before === undefined || message.at - before.at > APART;
    const mine = message.sender === me;
    const follows = !pause && before.sender === message.sender;
    return html`${pause ? html`<li class="thread-time"><time>${when(message.at)}</time></li>` : nothing}
      <li class="message ${mine ? "mine" : ""} ${follows ? "follows" : ""}"
        data-seq=${message.seq}><p>${message.text}</p>${this.#tick(message)}</li>`;
  }

  #pending(one: Pending): TemplateResult {
    return html`<li class="message mine pending"><p>${one.text}</p>${
      one.failed
        ? html`<button class="quiet small"
          @click=${() => this.#deliver(one.text, one.key)}>${say("inbox.retry")}</button>`
        : html`<span class="tick" role="img" aria-label=${say("inbox.sending")}>${icon("clock")}</span>`
    }</li>`;
  }

  protected override render(): TemplateResult {
    const { view, messages, pending } = this.thread;
    const name = view?.peer?.name ?? "";
    const request = view !== null && (view.flags & 8) !== 0;
    return html`
      <header class="thread-head"><button class="quiet round thread-back" aria-label=${say("inbox.back")}
        @click=${() => this.emit("leave")}>${icon("back")}</button>
        ${view?.peer ? avatar(view.peer.user, name) : nothing}<h2>${name}</h2></header>
      <ol class="thread" role="log" aria-label=${say("inbox.messages")} tabindex="0"
        @scroll=${this.#scrolled}>
        ${this.ready ? nothing : html`<li class="skeleton row"></li>`}
        ${this.ready && messages.length === 0 && pending.length === 0 ? html`<li
          class="thread-time">${say("inbox.first", { name })}</li>` : nothing}
        ${repeat(
          messages,
          (one) => one.seq,
          (one, index) => this.#message(one, messages[index - 1]),
        )}
        ${pending.map((one) => this.#pending(one))}
      </ol>
      ${request ? html`<p class="thread-note">${say("inbox.request", { name })}</p>` : nothing}
      <form class="thread-write" @submit=${this.#send}>
        <textarea rows="1" maxlength="2000" placeholder=${say("inbox.write")} aria-label=${say("inbox.write")}
          @keydown=${this.#key} @input=${() => {
            this.empty = this.input.value.trim() === "";
          }}></textarea>
        <button class="round" aria-label=${say("inbox.send")}
          ?disabled=${this.empty}>${icon("send")}</button></form>`;
  }
}
