// <souk-lobby>: the live rooms. The server drew them; from then on they are kept true.
import { html, render, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { avatar, icon } from "./element.ts";
import { count, hue } from "./format.ts";
import { live } from "./live.ts";
import type { StreamView } from "./protocol.ts";
import { say } from "./say.ts";

const EVERY = 8_000;

function card(room: StreamView): TemplateResult {
  return html`<li><a class="room-card ${hue(room.stream)}" href="/rooms/${room.stream}">
    <span class="room-card-arch" aria-hidden="true">${[...room.host.name][0]?.toUpperCase() ?? ""}</span>
    <span class="room-card-live">${icon("live")}${say("room.live")}</span>
    <span class="room-card-count num">${icon("eye")}${count(room.viewers)}</span>
    <span class="room-card-text"><strong>${room.title}</strong>
      <span class="room-card-host">${avatar(room.host.user, room.host.name, "tiny")}${room.host.name}</span></span></a></li>`;
}

function empty(): TemplateResult {
  return html`<div class="empty"><div class="empty-stall"
    aria-hidden="true"></div><h2>${say("home.none")}</h2><p>${say("home.none_more")}</p>
    <a class="button" href="/studio">${icon("camera")}${say("home.start")}</a></div>`;
}

class SoukLobby extends HTMLElement {
  #timer = 0;
  #drawn = false;

  connectedCallback(): void {
    this.#timer = window.setInterval(() => {
      if (!document.hidden) void this.#look();
    }, EVERY);
    void this.#look();
  }

  disconnectedCallback(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const page = await live.read("stream.list", { kind: "live" }).catch(() => null);
    if (page === null) return;
    if (!this.#drawn) this.replaceChildren();
    this.#drawn = true;
    render(
      page.items.length === 0
        ? empty()
        : html`<ul class="rooms">${repeat(page.items, (room) => room.stream, card)}</ul>`,
      this,
    );
  }
}

customElements.define("souk-lobby", SoukLobby);
