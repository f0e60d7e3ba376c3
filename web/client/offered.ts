// <souk-offered>: on every page: a piece waited for has come back and is held for you,
// with the time left. It can be paid right here.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { Clock } from "./clock.ts";
import { icon, SoukElement } from "./element.ts";
import { clock } from "./format.ts";
import { live, me } from "./live.ts";
import { OrderFeed } from "./order_feed.ts";
import "./pay.ts";
import { say } from "./say.ts";
import "./sheet.ts";
import { isLive, type Wait } from "./trade.ts";

@customElement("souk-offered")
export class SoukOffered extends SoukElement {
  @state() private offered: Wait | null = null;
  @state() private open = false;
  readonly #clock = new Clock(this);
  readonly #order = new OrderFeed(this, () => this.offered?.order ?? "");
  #stops: (() => void)[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    if (me === null) return;
    this.#stops = [
      live.onConnected(() => void this.#look()),
      live.onUser(({ type }) => {
        if (type === "wait.offered" || type === "wait.changed") void this.#look();
      }),
    ];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stops.forEach((stop) => stop());
  }

  async #look(): Promise<void> {
    const mine = await live.read("wait.mine", {}).catch(() => null);
    if (mine === null) return;
    this.offered =
      mine.items.find(({ state, order }) => state === "offered" && order !== null) ?? null;
    if (this.offered === null) this.#order.forget();
    else await this.#order.reload();
  }

  protected override render(): TemplateResult | typeof nothing {
    const { offered } = this;
    const view = this.#order.view;
    if (offered === null || (view !== null && !isLive(view))) return nothing;
    if (location.pathname === `/orders/${offered.order}`) return nothing;
    const until = view?.expires_at ?? offered.expires_at ?? 0;
    const rest = until - this.#clock.now;
    if (rest <= 0) return nothing;
    return html`<section class="offered" aria-label=${say("wait.offered")}>
      <div class="offered-text" role="alert"><b>${icon("bag")}${say("wait.offered")}</b>
        <span>${offered.title}${offered.qty > 1 ? ` × ${offered.qty}` : ""}</span></div>
      <span class="hold-clock num" role="timer" aria-label=${say("checkout.left")}>${clock(rest)}</span>
      <button class="small" data-act="take" @click=${() => {
        this.open = true;
      }}>${say("wait.take")}</button></section>
      <souk-sheet .open=${this.open} .label=${offered.title}
        .content=${view === null ? nothing : html`<souk-pay .view=${view} @stale=${() => this.#order.reload()}></souk-pay>`}
        @sheet-closed=${() => {
          this.open = false;
        }}></souk-sheet>`;
  }
}
