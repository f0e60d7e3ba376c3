// <souk-waits>: the places one has in queues for what is sold out.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { ActingElement } from "./acting.ts";
import { Clock } from "./clock.ts";
import { clock } from "./format.ts";
import { live } from "./live.ts";
import { say } from "./say.ts";
import type { Wait } from "./trade.ts";
import { aheadText } from "./waiting.ts";

@customElement("souk-waits")
export class SoukWaits extends ActingElement {
  @state() private waits: Wait[] = [];
  readonly #clock = new Clock(this);
  #stops: (() => void)[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stops = [
      live.onConnected(() => void this.#look()),
      live.onUser(({ type }) => {
        if (type === "wait.changed" || type === "wait.offered") void this.#look();
      }),
    ];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stops.forEach((stop) => stop());
  }

  async #look(): Promise<void> {
    const mine = await live.read("wait.mine", {}).catch(() => null);
    this.waits = (mine?.items ?? []).filter(({ state }) =>
      ["waiting", "offered"].includes(state),
    );
  }

  #leave({ wait }: Wait): Promise<void> {
    return this.attempt(async () => {
      await live.change("wait.leave", { wait });
      await this.#look();
    });
  }

  #row(one: Wait): TemplateResult {
    const rest = (one.expires_at ?? 0) - this.#clock.now;
    const offered = one.state === "offered" && one.order !== null;
    return html`<li class="wait-row"><span class="wait-text"><b>${one.title}</b>
      <small>${offered ? say("wait.offered") : aheadText(one.ahead)}</small></span>
      ${
        offered
          ? html`<span class="num">${clock(rest)}</span><a class="button small" href="/orders/${one.order}">${say("wait.take")}</a>`
          : html`<a class="button plain small" href="/rooms/${one.stream}">${say("bag.room")}</a>
            <button class="quiet" ?disabled=${this.busy} @click=${() => this.#leave(one)}>${say("wait.leave")}</button>`
      }</li>`;
  }

  protected override render(): TemplateResult | typeof nothing {
    if (this.waits.length === 0) return nothing;
    return html`<section class="card"><h2>${say("wait.title")}</h2>
      ${this.wrong()}<ul class="wait-rows">${this.waits.map((one) => this.#row(one))}</ul></section>`;
  }
}
