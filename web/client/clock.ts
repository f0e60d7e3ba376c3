// The server's time for a component that counts down: it draws again four times a second.
import type { ReactiveController, ReactiveControllerHost } from "lit";
import { live } from "./live.ts";

export class Clock implements ReactiveController {
  #timer = 0;

  constructor(private readonly host: ReactiveControllerHost) {
    host.addController(this);
  }

  get now(): number {
    return live.now();
  }

  hostConnected(): void {
    this.#timer = window.setInterval(() => this.host.requestUpdate(), 250);
  }

  hostDisconnected(): void {
    clearInterval(this.#timer);
  }
}
