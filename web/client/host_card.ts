// <souk-follow user="7"> follows a host; <souk-host-card> says who the host is.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { avatar, icon, reason, SoukElement, toast } from "./element.ts";
import { count } from "./format.ts";
import { live, me } from "./live.ts";
import { say } from "./say.ts";

interface Standing {
  following: boolean;
  followers: number;
}

// Both components show the same person: what one learns, the other shows.
const told = new EventTarget();
const known = new Map<number, Standing>();

function learn(user: number, standing: Standing): void {
  known.set(user, standing);
  told.dispatchEvent(new Event("standing"));
}

async function ask(user: number): Promise<void> {
  if (!known.has(user)) learn(user, await live.read("profile.get", { user }));
}

@customElement("souk-follow")
export class SoukFollow extends SoukElement {
  @property({ type: Number }) user = 0;
  @state() private busy = false;
  #heard = (): void => this.requestUpdate();

  override connectedCallback(): void {
    super.connectedCallback();
    told.addEventListener("standing", this.#heard);
    void ask(this.user).catch(() => undefined);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    told.removeEventListener("standing", this.#heard);
  }

  async #set(on: boolean): Promise<void> {
    if (me === null) {
      location.assign(`/accounts/sign-in?next=${encodeURIComponent(location.pathname)}`);
      return;
    }
    this.busy = true;
    try {
      learn(this.user, await live.change("follow.set", { user: this.user, on }));
    } catch (error) {
      toast(reason(error));
    } finally {
      this.busy = false;
    }
  }

  protected override render(): TemplateResult | typeof nothing {
    if (this.user === me) return nothing;
    const on = known.get(this.user)?.following ?? false;
    return html`<button class="small ${on ? "following plain" : ""}" ?disabled=${this.busy}
      aria-pressed=${on ? "true" : "false"}
      @click=${() => this.#set(!on)}>${on ? html`${icon("check")}<span>${say("host.following")}</span>` : html`<span>${say("host.follow")}</span>`}</button>`;
  }
}

@customElement("souk-host-card")
export class SoukHostCard extends SoukElement {
  @property({ type: Number }) user = 0;
  @property() name = "";
  @state() private busy = false;
  #heard = (): void => this.requestUpdate();

  override connectedCallback(): void {
    super.connectedCallback();
    told.addEventListener("standing", this.#heard);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    told.removeEventListener("standing", this.#heard);
  }

  async #write(): Promise<void> {
    if (me === null) {
      location.assign(`/accounts/sign-in?next=${encodeURIComponent(location.pathname)}`);
      return;
    }
    this.busy = true;
    try {
      const { conversation } = await live.change("conversation.open", { user: this.user });
      location.assign(`/inbox/${conversation}`);
    } catch (error) {
      toast(reason(error));
      this.busy = false;
    }
  }

  protected override render(): TemplateResult {
    const followers = known.get(this.user)?.followers;
    return html`<div class="host-card">${avatar(this.user, this.name, "big")}
      <p class="num">${followers === undefined ? " " : say("host.followers", { count: count(followers) })}</p>
      <div class="host-card-acts"><souk-follow .user=${this.user}></souk-follow>
        ${this.user === me ? nothing : html`<button class="plain small" data-act="message"
          ?disabled=${this.busy}
          @click=${this.#write}>${icon("chat")}${say("host.message")}</button>`}</div></div>`;
  }
}
