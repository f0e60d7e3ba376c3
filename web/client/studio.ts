// <souk-studio stream="42">: the host's place: the picture and its switch, what is said,
// what lies on the shelf, what sells.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import "./comments.ts";
import "./bar.ts";
import "./sales.ts";
import "./sheet.ts";
import "./stall.ts";
import "./stream_keys.ts";
import { icon, reason, SoukElement } from "./element.ts";
import { RoomFeed } from "./feed.ts";
import { clock, count } from "./format.ts";
import { live, newKey, pause, Refused } from "./live.ts";
import type { Comment } from "./protocol.ts";
import { say, type Word } from "./say.ts";
import { openCamera, type PublishState, WhipSession } from "./whip.ts";

type Tab = "talk" | "shelf" | "sales";

@customElement("souk-studio")
export class SoukStudio extends SoukElement {
  @property({ type: Number }) stream = 0;
  @property({ type: Number }) shop = 0;
  @state() private tab: Tab = "talk";
  @state() private publish: PublishState = "off";
  @state() private busy = false;
  @state() private ending = false;
  @state() private keys = false;
  @state() private problem = "";
  @state() private now = live.now();
  @query("video") private video!: HTMLVideoElement;
  readonly feed = new RoomFeed(this, () => this.stream);
  #session: WhipSession | null = null;
  #camera: MediaStream | null = null;
  #clock = 0;
  #gone = (): void => this.#close();
  #leave = (event: BeforeUnloadEvent): void => {
    if (this.#open && this.publish === "on") event.preventDefault();
  };

  override connectedCallback(): void {
    super.connectedCallback();
    this.#clock = window.setInterval(() => {
      this.now = live.now();
    }, 1000);
    addEventListener("beforeunload", this.#leave);
    addEventListener("pagehide", this.#gone);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#clock);
    removeEventListener("beforeunload", this.#leave);
    removeEventListener("pagehide", this.#gone);
    this.#close();
  }

  get #open(): boolean {
    return this.feed.view?.state === "live" || this.feed.view?.state === "interrupted";
  }

  async #start(): Promise<void> {
    this.problem = "";
    try {
      this.#camera = await openCamera();
    } catch {
      this.problem = say("studio.no_camera");
      return;
    }
    this.video.srcObject = this.#camera;
    void this.video.play().catch(() => undefined);
    this.#session = new WhipSession(this.stream, this.#camera, (publish) => {
      this.publish = publish;
    });
  }

  #close(): void {
    void this.#session?.stop();
    this.#session = null;
    this.#camera?.getTracks().forEach((track) => track.stop());
    this.#camera = null;
  }

  async #attempt(act: () => Promise<void>): Promise<void> {
    this.busy = true;
    this.problem = "";
    try {
      await act();
    } catch (error) {
      this.problem = reason(error);
    } finally {
      this.busy = false;
    }
  }

  #goLive(): Promise<void> {
    return this.#attempt(async () => {
      if (this.#session === null) await this.#start();
      if (this.#session === null) return;
      // The first whole picture may be a moment away.
      for (let tries = 0; ; tries += 1) {
        try {
          await live.change("stream.go_live", { stream: this.stream }, newKey());
          return;
        } catch (error) {
          if (!(error instanceof Refused) || error.name !== "no_media" || tries >= 20) throw error;
          await pause(500);
        }
      }
    });
  }

  #end(): Promise<void> {
    return this.#attempt(async () => {
      await live.change("stream.end", { stream: this.stream });
      this.ending = false;
      this.#close();
    });
  }

  #badge(): TemplateResult {
    const view = this.feed.view;
    if (view === null) return html`<span class="chip skeleton"></span>`;
    const started = view.started_at;
    if (view.state === "live") {
      const since = started === null ? "" : clock(this.now - started);
      return html`<span class="chip live">${icon("live")}${say("room.live")}<b class="num">${since}</b></span>`;
    }
    if (view.state === "interrupted")
      return html`<span class="chip warm" role="status">${say("studio.interrupted")}</span>`;
    if (view.state === "ended") return html`<span class="chip">${say("studio.ended")}</span>`;
    return html`<span class="chip">${say("studio.off_air")}</span>`;
  }

  #controls(): TemplateResult {
    const ended = this.feed.view?.state === "ended";
    if (ended)
      return html`<p class="studio-over">${say("studio.over")}</p><a class="button plain wide"
        href="/studio">${say("studio.back")}</a>`;
    if (this.#open && this.#session === null) {
      return html`<button class="wide" ?disabled=${this.busy}
        @click=${this.#start}>${icon("camera")}${say("studio.resume")}</button>
        <button class="danger wide" @click=${() => {
          this.ending = true;
        }}>${say("studio.end")}</button>`;
    }
    if (this.#open)
      return html`<button class="danger wide" data-act="end" @click=${() => {
        this.ending = true;
      }}>${icon("stop")}${say("studio.end")}</button>`;
    return html`
      ${this.publish === "off" ? html`<button class="plain wide" data-act="camera"
        @click=${this.#start}>${icon("camera")}${say("studio.camera")}</button>` : nothing}
      <button class="wide ${this.busy ? "busy" : ""}" data-act="live"
        ?disabled=${this.busy || this.feed.view === null}
        @click=${this.#goLive}>${icon("live")}${say("studio.go_live")}</button>`;
  }

  #picture(): TemplateResult {
    const view = this.feed.view;
    return html`<section class="studio-picture" aria-label=${say("studio.picture")}>
      <div class="studio-screen"><video autoplay playsinline muted .muted=${true}
        aria-label=${say("studio.preview")}></video>
        ${this.#camera === null ? html`<div
          class="studio-blank">${icon("camera")}<span>${say("studio.blank")}</span></div>` : nothing}
        <div class="studio-marks on-video">${this.#badge()}
          <span class="chip glass num"
            aria-label=${say("room.viewers", { count: this.feed.viewers ?? 0 })}>${icon("eye")}${count(this.feed.viewers ?? 0)}</span>
          <span class="chip glass num"
            aria-label=${say("bar.like", { count: this.feed.likes })}>${icon("heart")}${count(this.feed.likes)}</span></div>
        ${this.publish === "lost" || this.publish === "connecting" ? html`<p class="studio-net on-video glass"
          role="status">${say(this.publish === "lost" ? "studio.lost" : "studio.connecting")}</p>` : nothing}
      </div>
      <div class="studio-controls"><h1>${view?.title ?? " "}</h1>
        ${this.problem === "" ? nothing : html`<p class="wrong" role="alert">${this.problem}</p>`}
        ${this.#controls()}
        <div class="studio-more"><a class="button quiet-link"
          href="/rooms/${this.stream}" target="_blank" rel="noopener">${icon("eye")}${say("studio.see")}</a>
          <button class="quiet" @click=${() => {
            this.keys = true;
          }}>${icon("key")}${say("keys.title")}</button></div></div>
    </section>`;
  }

  #talk(): TemplateResult {
    return html`<section class="studio-panel studio-talk ${this.tab === "talk" ? "chosen" : ""}"
      aria-label=${say("comments.label")}><h2>${say("comments.label")}</h2>
      <souk-comments .stream=${this.stream} .host=${this.feed.view?.host.user ?? 0} .staff=${true}
        .comments=${this.feed.comments} .pinned=${this.feed.pinned}></souk-comments>
      <souk-bar .stream=${this.stream} .hearts=${false} .closed=${this.feed.view !== null && !this.#open}
        @commented=${(event: CustomEvent<Comment>) => this.feed.add([event.detail])}></souk-bar></section>`;
  }

  #tab(tab: Tab, word: Word): TemplateResult {
    return html`<button class="tab ${this.tab === tab ? "chosen" : ""}" role="tab"
      aria-selected=${this.tab === tab ? "true" : "false"} @click=${() => {
      this.tab = tab;
    }}>${say(word)}</button>`;
  }

  #sure(): TemplateResult {
    return html`<div class="sure"><p>${say("studio.end_more")}</p>
      <button class="wide" data-act="end-sure" ?disabled=${this.busy}
        @click=${() => this.#end()}>${say("studio.end_yes")}</button>
      <button class="quiet wide" @click=${() => {
        this.ending = false;
      }}>${say("studio.end_no")}</button></div>`;
  }

  protected override render(): TemplateResult {
    return html`<div class="studio">
      ${this.#picture()}
      <div class="tab-row studio-tabs"
        role="tablist">${this.#tab("talk", "comments.label")}${this.#tab("shelf", "studio.shelf")}${this.#tab("sales", "studio.sales")}</div>
      ${this.#talk()}
      <div class="studio-right">
        <section class="studio-panel ${this.tab === "shelf" ? "chosen" : ""}"
          aria-label=${say("shelf.title")}><h2>${say("shelf.title")}</h2>
          <souk-stall .stream=${this.stream} .shop=${this.shop} .feed=${this.feed}
            .stamp=${this.feed.revision}></souk-stall></section>
        <section class="studio-panel ${this.tab === "sales" ? "chosen" : ""}"
          aria-label=${say("sales.title")}><h2>${say("sales.title")}</h2>
          <souk-sales .stream=${this.stream} .feed=${this.feed}></souk-sales></section>
      </div></div>
      <souk-sheet .open=${this.ending} .label=${say("studio.end_ask")} .content=${this.#sure()}
        @sheet-closed=${() => {
        this.ending = false;
      }}></souk-sheet>
      <souk-sheet .open=${this.keys} .label=${say("keys.title")} .content=${html`<souk-stream-keys
        .stream=${this.stream}></souk-stream-keys>`}
        @sheet-closed=${() => {
          this.keys = false;
        }}></souk-sheet>`;
  }
}
