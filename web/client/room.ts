// <souk-room stream="42">: a live shop. On a phone everything lies over the picture;
// on a wide page the shelf stands to its left and the talk to its right.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import "./bag.ts";
import "./bag_count.ts";
import "./bar.ts";
import "./checkout.ts";
import "./comments.ts";
import "./host_card.ts";
import "./player.ts";
import "./sheet.ts";
import "./waits.ts";
import { avatar, icon, SoukElement } from "./element.ts";
import { RoomFeed } from "./feed.ts";
import { clock, count, hue } from "./format.ts";
import { deal, row } from "./goods.ts";
import { live, me } from "./live.ts";
import type { Comment, DealsEvent, Item, Offer } from "./protocol.ts";
import { say } from "./say.ts";

type Panel = "none" | "shelf" | "checkout" | "bag" | "host";
const wide = matchMedia("(min-width: 1000px)");

@customElement("souk-room")
export class SoukRoom extends SoukElement {
  @property({ type: Number }) stream = 0;
  // The server saw the room open: the picture need not wait for the socket.
  @property({ type: Boolean }) open = false;
  @state() private panel: Panel = "none";
  @state() private wide = wide.matches;
  @state() private buying: { item: Item; offer: Offer } | null = null;
  @state() private sale = "";
  @state() private generation = 0;
  @state() private now = live.now();
  readonly feed = new RoomFeed(this, () => this.stream);
  #saleTimer = 0;
  #clock = 0;
  #resize = (): void => {
    this.wide = wide.matches;
  };

  override connectedCallback(): void {
    super.connectedCallback();
    sessionStorage.setItem("room", String(this.stream));
    this.feed.onDeals = (event) => this.#told(event);
    wide.addEventListener("change", this.#resize);
    this.#clock = window.setInterval(() => {
      if (this.feed.view?.state === "interrupted") this.now = live.now();
    }, 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    wide.removeEventListener("change", this.#resize);
    clearTimeout(this.#saleTimer);
    clearInterval(this.#clock);
  }

  #told(event: DealsEvent): void {
    if (event.type === "stream.recovered" && event.rejoin) this.generation += 1;
    if (event.type !== "sale.announced") return;
    const item = this.feed.shelf?.items.find((one) => one.number === event.number);
    const names = event.names.join(say("sale.and"));
    const others = event.count - event.names.length;
    this.sale = say(others > 0 ? "sale.many" : "sale.one", {
      names,
      others,
      title: item?.title ?? `#${event.number}`,
    });
    clearTimeout(this.#saleTimer);
    this.#saleTimer = window.setTimeout(() => {
      this.sale = "";
    }, 5000);
  }

  #buy = (item: Item, offer: Offer): void => {
    this.buying = { item, offer };
    this.panel = "checkout";
  };

  get #open(): boolean {
    const state = this.feed.view?.state;
    return state === undefined ? this.open : state === "live" || state === "interrupted";
  }

  #top(): TemplateResult {
    const view = this.feed.view;
    const viewers = this.feed.viewers ?? 0;
    return html`<header class="room-top on-video">
      ${
        view === null
          ? html`<span class="host-pill glass skeleton"></span>`
          : html`
        <button class="host-pill glass" aria-haspopup="dialog" @click=${() => {
          this.panel = "host";
        }}>
          ${avatar(view.host.user, view.host.name)}
          <span class="host-pill-text"><b>${view.host.name}</b><small class="room-title">${view.title}</small>
            <small class="room-count num"
              aria-label=${say("room.viewers", { count: viewers })}>${icon("eye")}${count(viewers)}</small></span></button>
        <souk-follow class="room-follow" user=${view.host.user}></souk-follow>`
      }
      <a class="room-close glass" href="/" aria-label=${say("room.leave")}>${icon("close")}</a>
    </header>`;
  }

  #status(): TemplateResult | typeof nothing {
    const { view, refused } = this.feed;
    if (refused !== null && view === null)
      return this.#curtain(say("room.refused"), say("room.refused_more"));
    if (view === null || view.state === "live") return nothing;
    if (view.state === "interrupted") {
      const rest = view.grace_until ? clock(view.grace_until - this.now) : "";
      return html`<div class="room-pause on-video glass"
        role="status"><b>${say("room.interrupted")}</b><span>${say("room.interrupted_more", { rest })}</span></div>`;
    }
    if (view.state === "ended") return this.#curtain(say("room.ended"), say("room.ended_more"));
    return this.#curtain(say("room.not_yet"), say("room.not_yet_more"));
  }

  #curtain(title: string, more: string): TemplateResult {
    return html`<div class="curtain on-video" role="status"><div class="awning" aria-hidden="true"></div>
      <div class="curtain-text"><h2>${title}</h2><p>${more}</p>
      <a class="button" href="/">${say("room.others")}</a></div></div>`;
  }

  #comments(): TemplateResult {
    const view = this.feed.view;
    return html`<souk-comments .stream=${this.stream} .host=${view?.host.user ?? 0}
      .staff=${this.wide && view !== null && view.role !== "viewer"}
      .comments=${this.feed.comments} .pinned=${this.feed.pinned}></souk-comments>`;
  }

  #bar(): TemplateResult {
    return html`<souk-bar .stream=${this.stream} .likes=${this.feed.likes}
      .items=${this.feed.shelf?.items.length ?? 0}
      .closed=${this.feed.view !== null && !this.#open} .bag=${!this.wide}
      @bag=${() => {
        this.panel = "shelf";
      }} @commented=${(event: CustomEvent<Comment>) => this.feed.add([event.detail])}></souk-bar>`;
  }

  #deal(): TemplateResult | typeof nothing {
    const explaining = this.feed.shelf?.explaining.at(-1);
    const item = this.feed.shelf?.items.find((one) => one.number === explaining);
    return item === undefined || !this.#open
      ? nothing
      : deal(item, this.feed, this.#open, this.#buy);
  }

  #shelf(): TemplateResult {
    const { shelf } = this.feed;
    if (shelf === null)
      return html`<div class="goods-list">${[1, 2, 3].map(() => html`<div
        class="skeleton row"></div>`)}</div>`;
    if (shelf.items.length === 0)
      return html`<div class="empty"><div class="empty-stall"
        aria-hidden="true"></div><p>${say("shelf.none")}</p></div>`;
    const first = [...shelf.items].sort(
      (a, b) =>
        Number(shelf.explaining.includes(b.number)) - Number(shelf.explaining.includes(a.number)) ||
        a.number - b.number,
    );
    return html`${this.#bagButton()}<ul class="goods-list">${first.map((item) => row(item, this.feed, this.#open, this.#buy))}</ul>`;
  }

  #bagButton(): TemplateResult | typeof nothing {
    if (me === null) return nothing;
    return html`<button class="plain wide own-bag" data-act="bag" @click=${() => {
      this.panel = "bag";
    }}>${icon("cart")}${say("bag.title")}<souk-bag-count></souk-bag-count></button>`;
  }

  #sheets(): TemplateResult {
    const view = this.feed.view;
    const shut = (): void => {
      this.panel = "none";
    };
    const label = {
      none: "",
      shelf: say("shelf.title"),
      checkout: say("checkout.title"),
      bag: say("bag.title"),
      host: view?.host.name ?? "",
    }[this.panel];
    const buying = this.buying;
    const item =
      this.feed.shelf?.items.find((one) => one.number === buying?.item.number) ?? buying?.item;
    const content =
      this.panel === "shelf"
        ? this.#shelf()
        : this.panel === "checkout" && buying !== null
          ? html`<souk-checkout .stream=${this.stream} .feed=${this.feed} .item=${item}
            .offer=${buying.offer} @bagged=${shut}></souk-checkout>`
          : this.panel === "bag"
            ? html`<souk-bag></souk-bag><souk-waits></souk-waits>`
          : this.panel === "host" && view !== null
            ? html`<souk-host-card .user=${view.host.user} .name=${view.host.name}></souk-host-card>`
            : nothing;
    return html`<souk-sheet .open=${this.panel !== "none"} .label=${label} .content=${content}
      @sheet-closed=${shut}></souk-sheet>`;
  }

  protected override render(): TemplateResult {
    const view = this.feed.view;
    const sale =
      this.sale === ""
        ? nothing
        : html`<p class="sale">${icon("bag")}<span>${this.sale}</span></p>`;
    return html`<h1 class="visually-hidden">${view?.title ?? ""}</h1>
      ${this.wide ? html`<aside class="room-side shelf-side"
        aria-label=${say("shelf.title")}><h2>${say("shelf.title")}</h2>${this.#shelf()}</aside>` : nothing}
      <section class="screen ${hue(this.stream)}" aria-label=${view?.title ?? "Souk"}>
        <souk-player .stream=${this.stream} .playing=${this.#open}
          .generation=${this.generation}></souk-player>
        <div class="shade" aria-hidden="true"></div>
        ${this.#top()} ${this.#status()}
        <div class="lower on-video">
          <div class="sale-line" role="status">${sale}</div>
          ${this.wide ? nothing : this.#comments()}
          ${this.#deal()}
          ${this.wide ? nothing : this.#bar()}
        </div>
      </section>
      ${this.wide ? html`<aside class="room-side talk-side"
        aria-label=${say("comments.label")}><h2>${say("comments.label")}</h2>${this.#comments()}${this.#bar()}</aside>` : nothing}
      ${this.#sheets()}`;
  }
}
