// <souk-bag-count>: how many lines the bag has, beside its picture on every page.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { SoukElement } from "./element.ts";
import { live, me } from "./live.ts";
import { say } from "./say.ts";

@customElement("souk-bag-count")
export class SoukBagCount extends SoukElement {
  @state() private lines = 0;
  #version = 0;
  #stops: (() => void)[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    if (me === null) return;
    this.#stops = [
      live.onConnected(() => void this.#look()),
      live.onUser((event) => {
        if (event.type === "bag.changed") this.#set(event.version, event.lines);
      }),
    ];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stops.forEach((stop) => stop());
  }

  async #look(): Promise<void> {
    const bag = await live.read("bag.get", {}).catch(() => null);
    if (bag !== null) this.#set(bag.version, bag.lines.length);
  }

  #set(version: number, lines: number): void {
    if (version < this.#version) return;
    this.#version = version;
    this.lines = lines;
  }

  protected override render(): TemplateResult | typeof nothing {
    return this.lines === 0
      ? nothing
      : html`<span class="badge" aria-label=${say("bag.count", { count: this.lines })}>${this.lines}</span>`;
  }
}
