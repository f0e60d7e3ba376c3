// <souk-stream-keys>: keys for OBS and other encoders. A secret is shown once.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { icon, reason, SoukElement, toast } from "./element.ts";
import { live } from "./live.ts";
import type { StreamKey } from "./protocol.ts";
import { say } from "./say.ts";

interface Fresh {
  secret: string;
  whip: string;
}

@customElement("souk-stream-keys")
export class SoukStreamKeys extends SoukElement {
  @property({ type: Number }) stream = 0;
  @state() private keys: StreamKey[] | null = null;
  @state() private fresh: Fresh | null = null;
  @state() private busy = false;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#attempt(() => this.#load());
  }

  async #load(): Promise<void> {
    this.keys = (await live.read("stream_key.list", {})).items;
  }

  async #attempt(act: () => Promise<void>): Promise<void> {
    this.busy = true;
    try {
      await act();
    } catch (error) {
      toast(reason(error));
    } finally {
      this.busy = false;
    }
  }

  #make(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const name = String(new FormData(form).get("name")).trim() || "OBS";
    return this.#attempt(async () => {
      this.fresh = await live.change(
        "stream_key.create",
        this.stream === 0 ? { name } : { name, stream: this.stream },
      );
      form.reset();
      await this.#load();
    });
  }

  #revoke(key: StreamKey): Promise<void> {
    return this.#attempt(async () => {
      await live.change("stream_key.revoke", { id: key.id });
      await this.#load();
    });
  }

  #copy(text: string): void {
    void navigator.clipboard.writeText(text).then(
      () => toast(say("keys.copied")),
      () => undefined,
    );
  }

  #secret(label: "keys.server" | "keys.secret", text: string): TemplateResult {
    return html`<div class="secret"><span>${say(label)}</span><code>${text}</code>
      <button class="plain round" aria-label=${say("keys.copy")}
        @click=${() => this.#copy(text)}>${icon("copy")}</button></div>`;
  }

  protected override render(): TemplateResult {
    return html`<div class="keys"><p class="small-print">${say("keys.lead")}</p>
      ${
        this.fresh === null
          ? nothing
          : html`<div class="fresh-key" role="status"><b>${say("keys.once")}</b>
        ${this.#secret("keys.server", new URL(this.fresh.whip, location.href).href)}${this.#secret("keys.secret", this.fresh.secret)}</div>`
      }
      <form class="key-form" @submit=${this.#make}><input name="name" maxlength="40"
        placeholder=${say("keys.name")} aria-label=${say("keys.name")}>
        <button class="small" ?disabled=${this.busy}>${icon("plus")}${say("keys.make")}</button></form>
      <ul class="key-rows">${(this.keys ?? []).map(
        (key) => html`<li>${icon("key")}<span><b>${key.name}</b> <small>…${key.hint}</small></span>
        <button class="quiet small" ?disabled=${this.busy}
          @click=${() => this.#revoke(key)}>${say("keys.revoke")}</button></li>`,
      )}</ul></div>`;
  }
}
