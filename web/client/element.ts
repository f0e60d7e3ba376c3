// What our components share: they render into the page itself, so that one style sheet
// dresses everything and no style has to be injected (the content policy forbids it).
import { html, LitElement, type TemplateResult } from "lit";
import { Refused } from "./live.ts";
import { say } from "./say.ts";

export class SoukElement extends LitElement {
  // What the server drew stands until the component draws.
  protected override createRenderRoot(): HTMLElement {
    this.replaceChildren();
    return this;
  }

  protected emit(name: string, detail?: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

const sprite = document.querySelector<HTMLMetaElement>("meta[name=icons]")?.content ?? "";

export function icon(name: string): TemplateResult {
  return html`<svg class="icon" aria-hidden="true"><use href="${sprite}#${name}"></use></svg>`;
}

export function avatar(ident: number, name: string, size = ""): TemplateResult {
  return html`<span class="avatar ${size} hue-${(ident * 5) % 12}"
    aria-hidden="true">${[...name][0]?.toUpperCase() ?? ""}</span>`;
}

export function reason(error: unknown): string {
  return error instanceof Refused ? error.text : say("error.other");
}

// A short word at the edge of the page, read out once.
export function toast(text: string): void {
  const note = document.createElement("div");
  note.className = "toast";
  note.role = "status";
  document.body.append(note);
  note.textContent = text;
  setTimeout(() => note.remove(), 3500);
}
