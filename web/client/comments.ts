// <souk-comments>: what is said in a room, newest at the bottom, pins above.
// Staff may pin and remove.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { icon, reason, SoukElement, toast } from "./element.ts";
import { hue } from "./format.ts";
import { live, me } from "./live.ts";
import type { Comment } from "./protocol.ts";
import { say } from "./say.ts";

@customElement("souk-comments")
export class SoukComments extends SoukElement {
  @property({ type: Number }) stream = 0;
  @property({ type: Number }) host = 0;
  @property({ type: Boolean }) staff = false;
  @property({ attribute: false }) comments: Comment[] = [];
  @property({ attribute: false }) pinned: Comment[] = [];
  @state() private unseen = 0;
  @query(".comments-list") private list!: HTMLElement;
  #atEnd = true;
  #last = "";

  protected override willUpdate(): void {
    const newest = this.comments.at(-1);
    if (newest === undefined || newest.id === this.#last) return;
    this.#last = newest.id;
    if (newest.author === me) this.#atEnd = true;
    if (!this.#atEnd) this.unseen += 1;
  }

  protected override updated(): void {
    if (this.#atEnd) this.list.scrollTop = this.list.scrollHeight;
  }

  #scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.list;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < 48;
    if (this.#atEnd) this.unseen = 0;
  }

  #toEnd(): void {
    this.unseen = 0;
    this.#atEnd = true;
    this.list.scrollTo({ top: this.list.scrollHeight });
  }

  async #pin(comment: Comment, on: boolean): Promise<void> {
    await live
      .change("comment.pin", { stream: this.stream, id: comment.id, on })
      .catch((error: unknown) => toast(reason(error)));
  }

  async #remove(comment: Comment): Promise<void> {
    await live
      .change("comment.remove", { stream: this.stream, ids: [comment.id] })
      .catch((error: unknown) => toast(reason(error)));
  }

  #tools(comment: Comment, pinned: boolean): TemplateResult | typeof nothing {
    if (!this.staff) return nothing;
    return html`<span class="comment-tools">
      <button class="quiet round" aria-pressed=${pinned ? "true" : "false"}
        title=${say(pinned ? "comments.unpin" : "comments.pin")}
        aria-label=${say(pinned ? "comments.unpin" : "comments.pin")}
          @click=${() => this.#pin(comment, !pinned)}>${icon("pin")}</button>
      <button class="quiet round" title=${say("comments.remove")} aria-label=${say("comments.remove")}
        @click=${() => this.#remove(comment)}>${icon("trash")}</button></span>`;
  }

  #line(comment: Comment): TemplateResult {
    const isHost = comment.author === this.host;
    const buyer = comment.badges?.includes("buyer");
    const pinned = this.pinned.some((one) => one.id === comment.id);
    return html`<li class="comment ${isHost ? "by-host" : ""} ${comment.author === me ? "mine" : ""}">
      <p><b class="comment-name name-${hue(comment.author)}">${comment.name}</b>${isHost ? html`<i
        class="mark">${say("comments.host")}</i>` : nothing}${buyer ? html`<i
        class="mark buyer">${say("comments.buyer")}</i>` : nothing}<span
        class="comment-text">${comment.text}</span></p>
      ${this.#tools(comment, pinned)}</li>`;
  }

  protected override render(): TemplateResult {
    return html`
      ${this.pinned.map(
        (comment) => html`<div class="pinned">${icon("pin")}
        <p><b>${comment.name}</b> <span>${comment.text}</span></p>${this.#tools(comment, true)}</div>`,
      )}
      <ol class="comments-list" role="log" aria-label=${say("comments.label")} tabindex="0"
        @scroll=${this.#scrolled}>
        ${this.comments.length === 0 ? html`<li
          class="comments-empty">${say("comments.none")}</li>` : nothing}
        ${repeat(
          this.comments,
          (comment) => comment.id,
          (comment) => this.#line(comment),
        )}
      </ol>
      ${this.unseen > 0 ? html`<button class="unseen small"
        @click=${this.#toEnd}>${say("comments.new", { count: this.unseen })}</button>` : nothing}`;
  }
}
