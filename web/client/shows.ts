// <souk-shows>: a host's own shows, and the form for a new one.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { icon, reason, SoukElement, toast } from "./element.ts";
import { when } from "./format.ts";
import { live } from "./live.ts";
import type { StreamView } from "./protocol.ts";
import { say, type Word } from "./say.ts";

const STATES: Record<string, { word: Word; look: string }> = {
  live: { word: "room.live", look: "live" },
  interrupted: { word: "studio.interrupted", look: "warm" },
  ended: { word: "studio.ended", look: "" },
};

@customElement("souk-shows")
export class SoukShows extends SoukElement {
  @state() private shows: StreamView[] | null = null;
  @state() private busy = false;

  override connectedCallback(): void {
    super.connectedCallback();
    void live.read("stream.list", { kind: "mine" }).then(
      ({ items }) => {
        this.shows = items;
      },
      (error: unknown) => toast(reason(error)),
    );
  }

  async #create(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const title = String(new FormData(event.target as HTMLFormElement).get("title")).trim();
    if (title === "") return;
    this.busy = true;
    try {
      const { stream } = await live.change("stream.create", { title });
      location.assign(`/studio/${stream}`);
    } catch (error) {
      toast(reason(error));
      this.busy = false;
    }
  }

  #row(show: StreamView): TemplateResult {
    const { word, look } = STATES[show.state] ?? { word: "studio.off_air" as const, look: "" };
    const at = show.ended_at ?? show.started_at;
    return html`<li><a class="show-row" href="/studio/${show.stream}"><span
      class="show-cover hue-${(show.stream * 5) % 12}" aria-hidden="true">${icon("camera")}</span>
      <span class="show-text"><b>${show.title}</b><span><span class="chip ${look}">${say(word)}</span>
        ${at === null ? nothing : html`<small
          class="num">${when(at)}</small>`}</span></span>${icon("next")}</a></li>`;
  }

  protected override render(): TemplateResult {
    return html`<section class="card"><h2>${say("studio.new")}</h2>
      <form class="new-show" @submit=${this.#create}><input name="title" maxlength="100" required
        placeholder=${say("studio.new_title")} aria-label=${say("studio.new_title")}>
        <button ?disabled=${this.busy}>${icon("camera")}${say("studio.create")}</button></form>
      <h2>${say("studio.mine")}</h2>
      ${
        this.shows === null
          ? html`<div class="skeleton row"></div><div class="skeleton row"></div>`
          : this.shows.length === 0
            ? html`<p class="small-print">${say("studio.none")}</p>`
            : html`<ul class="show-rows">${this.shows.map((show) => this.#row(show))}</ul>`
      }</section>`;
  }
}
