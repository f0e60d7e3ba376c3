// <souk-bar>: what a viewer's thumb reaches: say something, the bag, a heart.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { icon, reason, SoukElement, toast } from "./element.ts";
import { count } from "./format.ts";
import { live, me, myName, newKey } from "./live.ts";
import { say } from "./say.ts";

@customElement("souk-bar")
export class SoukBar extends SoukElement {
  @property({ type: Number }) stream = 0;
  @property({ type: Number }) items = 0;
  @property({ type: Number }) likes = 0;
  @property({ type: Boolean }) closed = false;
  @property({ type: Boolean }) bag = false;
  @property({ type: Boolean }) hearts = true;
  @state() private sending = false;
  @state() private liked = false;
  @query("input") private input!: HTMLInputElement;
  @query(".hearts") private sky!: HTMLElement;
  #taps = 0; // on this connection, as the server counts them
  #shown = 0; // the counter never falls under our thumb
  #timer = 0;
  #stop: () => void = () => undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = live.onConnected(() => {
      this.#taps = 0;
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop();
    clearTimeout(this.#timer);
  }

  async #send(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const text = this.input.value.trim();
    if (text === "" || this.sending) return;
    this.sending = true;
    try {
      const reply = await live.change("comment.send", { stream: this.stream, text }, newKey());
      this.input.value = "";
      this.emit("commented", {
        id: reply.id,
        author: me,
        name: myName,
        badges: [],
        text: reply.text ?? text,
        at: reply.at,
      });
    } catch (error) {
      toast(reason(error));
    } finally {
      this.sending = false;
    }
  }

  #like(): void {
    if (me === null) {
      location.assign(`/accounts/sign-in?next=${encodeURIComponent(location.pathname)}`);
      return;
    }
    this.liked = true;
    this.#taps += 1;
    this.#shown = Math.max(this.#shown, this.likes) + 1;
    this.#fly();
    if (this.#timer !== 0) return;
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      void live
        .read("like.send", { stream: this.stream, total: this.#taps })
        .catch(() => undefined);
    }, 400);
  }

  #fly(): void {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches || this.sky.childElementCount > 24)
      return;
    const heart = document.createElement("span");
    heart.className = `flying way-${this.#taps % 5}`;
    heart.textContent = "♥";
    heart.addEventListener("animationend", () => heart.remove());
    this.sky.append(heart);
  }

  #field(): TemplateResult {
    if (this.closed) return html`<p class="bar-closed">${say("bar.closed")}</p>`;
    if (me === null) {
      return html`<a class="bar-sign-in glass"
        href="/accounts/sign-in?next=${encodeURIComponent(location.pathname)}">${say("bar.sign_in")}</a>`;
    }
    return html`<form class="bar-form" @submit=${this.#send}>
      <input class="glass" name="text" maxlength="200" autocomplete="off" enterkeyhint="send"
        placeholder=${say("bar.say")} aria-label=${say("bar.say")}>
      <button class="bar-send round" aria-label=${say("bar.send")}
        ?disabled=${this.sending}>${icon("send")}</button></form>`;
  }

  protected override render(): TemplateResult {
    const likes = Math.max(this.likes, this.#shown);
    return html`<div class="bar">
      ${this.#field()}
      ${
        this.bag
          ? html`<button class="round bar-bag" aria-label=${say("bar.bag", { count: this.items })}
        @click=${() => this.emit("bag")}>${icon("bag")}<span class="badge">${this.items}</span></button>`
          : nothing
      }
      ${
        this.hearts
          ? html`<div class="bar-like"><div class="hearts" aria-hidden="true"></div>
        <button class="round glass ${this.liked ? "liked" : ""}"
          aria-label=${say("bar.like", { count: count(likes) })} @click=${this.#like}>
          ${icon(this.liked ? "heart-full" : "heart")}</button>
        ${likes > 0 ? html`<span class="bar-count num"
          aria-hidden="true">${count(likes)}</span>` : nothing}</div>`
          : nothing
      }
    </div>`;
  }
}
