// One order, kept true: read at each connect and whenever something of it is told.
import type { ReactiveController, ReactiveControllerHost } from "lit";
import { reason } from "./element.ts";
import { live } from "./live.ts";
import type { OrderView } from "./trade.ts";

export class OrderFeed implements ReactiveController {
  view: OrderView | null = null;
  problem = "";
  #stops: (() => void)[] = [];
  #asked = 0;

  constructor(
    private readonly host: ReactiveControllerHost,
    private readonly order: () => string,
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    this.#stops = [
      live.onConnected(() => void this.reload()),
      live.onUser((event) => {
        if ("order" in event && event.order === this.order()) void this.reload();
      }),
    ];
  }

  hostDisconnected(): void {
    this.#stops.forEach((stop) => stop());
  }

  // Answers may overtake each other: the one that was asked for last is shown.
  async reload(): Promise<void> {
    const order = this.order();
    if (order === "") return;
    this.#asked += 1;
    const asked = this.#asked;
    try {
      const view = await live.read("order.get", { order });
      if (asked !== this.#asked) return;
      this.view = view;
      this.problem = "";
    } catch (error) {
      if (this.view === null) this.problem = reason(error);
    }
    this.host.requestUpdate();
  }

  forget(): void {
    this.view = null;
    this.problem = "";
    this.#asked += 1;
  }
}
