// <souk-player stream="42" playing>: the moving picture of a room, muted until a tap.
import { html, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { icon, SoukElement } from "./element.ts";
import { say } from "./say.ts";
import { type PlayState, WhepSession } from "./whep.ts";

@customElement("souk-player")
export class SoukPlayer extends SoukElement {
  @property({ type: Number }) stream = 0;
  @property({ type: Boolean }) playing = false;
  // Raised when the server asks viewers to come in anew.
  @property({ type: Number }) generation = 0;
  @state() private play: PlayState = "idle";
  @state() private moving = false;
  @state() private muted = true;
  @query("video") private video!: HTMLVideoElement;
  #session: WhepSession | null = null;

  // For those who measure: the connection behind the picture.
  get peer(): RTCPeerConnection | null {
    return this.#session?.peer ?? null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("pagehide", this.#leave);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("pagehide", this.#leave);
    this.#leave();
  }

  override updated(changed: PropertyValues<this>): void {
    if (!["stream", "playing", "generation"].some((name) => changed.has(name as keyof SoukPlayer)))
      return;
    this.#stop();
    if (this.playing) this.#start();
  }

  #start(): void {
    this.#session = new WhepSession(
      this.stream,
      (media) => {
        if (this.video.srcObject === media) return;
        this.video.srcObject = media;
        void this.video.play().catch(() => undefined);
      },
      (play) => {
        this.play = play;
      },
    );
  }

  #stop(): void {
    this.#session?.stop();
    this.#session = null;
    this.moving = false;
  }

  #leave = (): void => {
    this.#session?.leave();
    this.#stop();
  };

  #sound(): void {
    this.muted = !this.muted;
    this.video.muted = this.muted;
    void this.video.play().catch(() => undefined);
  }

  protected override render(): TemplateResult {
    const waits = this.playing && !this.moving;
    return html`
      <video class=${this.moving ? "moving" : ""} autoplay playsinline muted .muted=${this.muted}
        aria-label=${say("player.label")} @playing=${() => {
          this.moving = true;
        }}></video>
      ${
        waits
          ? html`<div class="player-wait" role="status"><span class="spinner"></span>
        <span>${say(this.play === "waiting" ? "player.waiting" : "player.opening")}</span></div>`
          : ""
      }
      ${
        this.moving
          ? html`<button class="sound glass ${this.muted ? "" : "on"}" @click=${this.#sound}
        aria-pressed=${this.muted ? "false" : "true"}>${icon(this.muted ? "mute" : "sound")}
        <span>${say(this.muted ? "player.sound_on" : "player.sound_off")}</span></button>`
          : ""
      }`;
  }
}
