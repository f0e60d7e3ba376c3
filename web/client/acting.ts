// Components that act: one thing at a time, and what went wrong said in words.
import { html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { reason, SoukElement } from "./element.ts";

export class ActingElement extends SoukElement {
  @state() protected busy = false;
  @state() protected problem = "";

  // A second click while the first is under way does nothing.
  protected async attempt(act: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.problem = "";
    try {
      await act();
    } catch (error) {
      this.problem = reason(error);
      this.refused(error);
    } finally {
      this.busy = false;
    }
  }

  // What was pressed may be gone with what it opened: the keyboard goes on there.
  protected lead(selector: string): void {
    void this.updateComplete.then(() => this.querySelector<HTMLElement>(selector)?.focus());
  }

  // For those who do more about it than say it.
  protected refused(_error: unknown): void {
    return;
  }

  protected wrong(): TemplateResult | typeof nothing {
    return this.problem === "" ? nothing : html`<p class="wrong" role="alert">${this.problem}</p>`;
  }
}
