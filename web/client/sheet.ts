// <souk-sheet>: a panel that rises from the edge (a card in the middle on wide pages).
// The browser's own <dialog> keeps the focus inside and closes on Escape.
// Handlers inside `content` are called with the sheet as `this`: pass arrow functions.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { icon, SoukElement } from "./element.ts";
import { say } from "./say.ts";

@customElement("souk-sheet")
export class SoukSheet extends SoukElement {
  @property({ type: Boolean }) open = false;
  @property() label = "";
  @property({ attribute: false }) content: TemplateResult | typeof nothing = nothing;
  @query("dialog") private dialog!: HTMLDialogElement;

  override updated(): void {
    if (this.open && !this.dialog.open) this.dialog.showModal();
    if (!this.open && this.dialog.open) this.dialog.close();
  }

  #closed(): void {
    if (!this.open) return;
    this.open = false;
    this.emit("sheet-closed");
  }

  #outside(event: MouseEvent): void {
    if (event.target === this.dialog) this.dialog.close();
  }

  protected override render(): TemplateResult {
    return html`<dialog class="sheet" aria-label=${this.label} @close=${this.#closed} @click=${this.#outside}>
      <div class="sheet-inner">
        <header class="sheet-head"><h2>${this.label}</h2>
          <button class="quiet round" aria-label=${say("sheet.close")}
            @click=${() => this.dialog.close()}>${icon("close")}</button>
        </header>
        ${this.open ? this.content : nothing}
      </div></dialog>`;
  }
}
