// <souk-waiting offer="7">: a place in the queue for what is sold out. Says `came` with the
// order when a piece is held for the reader.
import { html, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { ActingElement } from "./acting.ts";
import { icon } from "./element.ts";
import { live, me } from "./live.ts";
import { say } from "./say.ts";

export function aheadText(ahead: number): string {
  return ahead === 0
    ? say("wait.next")
    : say(ahead === 1 ? "wait.one_ahead" : "wait.ahead", { count: ahead });
}

@customElement("souk-waiting")
export class SoukWaiting extends ActingElement {
  @property({ type: Number }) offer = 0;
  @property() currency: string | undefined = undefined; // that it is to be paid in
  @state() private place: { wait: number; ahead: number } | null = null;
  #stop: () => void = () => undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = live.onUser((event) => {
      if (
        (event.type === "wait.changed" || event.type === "wait.offered") &&
        event.offer === this.offer
      )
        void this.#look();
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop();
  }

  protected override updated(changed: Map<string, unknown>): void {
    if (changed.has("offer")) void this.#look();
  }

  async #look(): Promise<void> {
    if (me === null) return;
    const mine = await live.read("wait.mine", {}).catch(() => null);
    const ours = (mine?.items ?? []).filter(({ offer }) => offer === this.offer);
    this.place = ours.find(({ state }) => state === "waiting") ?? null;
    const offered = ours.find(({ state }) => state === "offered");
    if (offered?.order) this.emit("came", offered.order);
  }

  #join(): Promise<void> {
    return this.attempt(async () => {
      this.place = await live.change("wait.join", {
        offer: this.offer,
        qty: 1,
        ...(this.currency === undefined ? {} : { currency: this.currency }),
      });
    });
  }

  #leave(wait: number): Promise<void> {
    return this.attempt(async () => {
      await live.change("wait.leave", { wait });
      this.place = null;
    });
  }

  protected override render(): TemplateResult {
    const place = this.place;
    if (place !== null) {
      return html`<div class="hold queue" role="status">${icon("clock")}<h3>${aheadText(place.ahead)}</h3>
        <p>${say("wait.joined_more")}</p></div>${this.wrong()}
        <button class="quiet wide" data-act="wait-leave" ?disabled=${this.busy}
          @click=${() => this.#leave(place.wait)}>${say("wait.leave")}</button>`;
    }
    return html`<div class="hold over"><h3>${say("wait.sold_out")}</h3><p>${say("wait.lead")}</p></div>
      ${this.wrong()}
      ${
        me === null
          ? html`<a class="button wide"
            href="/accounts/sign-in?next=${encodeURIComponent(location.pathname)}">${say("wait.sign_in")}</a>`
          : html`<button class="wide ${this.busy ? "busy" : ""}" data-act="wait-join"
            ?disabled=${this.busy} @click=${this.#join}>${say("wait.join")}</button>`
      }`;
  }
}
