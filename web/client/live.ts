// The one socket of the page: commands with typed replies, errors with facts, pushes.
//
// A mutating command is sent again with its own key until the server has an answer, so
// a lost reply never makes a second order (the server keeps the first answer).
import { Centrifuge, type Subscription, UnauthorizedError } from "centrifuge";
import type { Changes, Reads } from "./commands.ts";
import type { UserEvent } from "./protocol.ts";
import { answered, keptKey } from "./keys.ts";
import { country } from "./format.ts";
import { known, say } from "./say.ts";

export { newKey } from "./keys.ts";

const page = document.documentElement;
export const me: number | null = Number(page.dataset["user"]) || null;
export const myName: string = page.dataset["name"] ?? "";

export class Refused extends Error {
  constructor(
    readonly code: number,
    name: string,
    readonly data: Record<string, unknown>,
    readonly temporary: boolean,
  ) {
    super(name);
    this.name = name;
  }

  // The SDK keeps code, message, temporary; the facts ride in the message.
  static from(error: { code?: number; message?: string; temporary?: boolean }): Refused {
    const message = error.message ?? "unavailable";
    const brace = message.indexOf(" {");
    const name = brace < 0 ? message : message.slice(0, brace);
    const data = brace < 0 ? {} : (JSON.parse(message.slice(brace + 1)) as Record<string, unknown>);
    const code = error.code ?? 0;
    return new Refused(code, name, data, error.temporary === true || code < 100);
  }

  get text(): string {
    const word = `error.${this.name}`;
    if (!known(word)) return say("error.other");
    const facts = { ...this.data } as Record<string, string>;
    if (typeof facts["country"] === "string") facts["country"] = country(facts["country"]);
    return say(word, facts);
  }
}

const SIGNED_OUT = 4501;
const UNAUTHORIZED = 1; // the SDK's own, when there was no ticket to be had

export function csrf(): string {
  return document.querySelector<HTMLMetaElement>("meta[name=csrf]")?.content ?? "";
}

async function ticket(): Promise<string> {
  const reply = await fetch("/accounts/ticket", {
    method: "POST",
    headers: { "X-CSRFToken": csrf() },
  });
  if (reply.status === 401) throw new UnauthorizedError("signed out");
  if (!reply.ok) throw new Error(`ticket: ${reply.status}`);
  return ((await reply.json()) as { ticket: string }).ticket;
}

export interface Connected {
  now: number;
  resume?: string;
  chat?: { total_unread: number; requests: number };
}

class Live {
  readonly client: Centrifuge;
  skew = 0; // server's clock − ours, ms
  fresh: Connected | null = null; // data of the newest connect

  constructor() {
    const address = `${location.protocol.replace("http", "ws")}//${location.host}/connection/websocket`;
    this.client = new Centrifuge(
      address,
      me === null ? { name: "web" } : { name: "web", data: { chat: true }, getToken: ticket },
    );
    this.client.on("connected", ({ data }) => {
      this.fresh = data as Connected;
      this.skew = this.fresh.now - Date.now();
      if (this.fresh.resume !== undefined) this.client.setToken(this.fresh.resume);
      this.#whenConnected.forEach((listener) => listener(data as Connected));
    });
    this.client.on("publication", ({ data }) => {
      this.#whenTold.forEach((listener) => listener(data as UserEvent));
    });
    // Signed out elsewhere: the page becomes that of somebody who is not signed in.
    // Signed out right here, the form has led away before that.
    this.client.on("disconnected", ({ code }) => {
      if (code === SIGNED_OUT || code === UNAUTHORIZED) setTimeout(() => location.reload(), 1500);
    });
    this.client.connect();
  }

  #whenConnected = new Set<(data: Connected) => void>();
  #whenTold = new Set<(event: UserEvent) => void>();

  now(): number {
    return Date.now() + this.skew;
  }

  // Called at each connect, also at once if there was one. Returns how to stop.
  onConnected(listener: (data: Connected) => void): () => void {
    this.#whenConnected.add(listener);
    if (this.fresh !== null) listener(this.fresh);
    return () => this.#whenConnected.delete(listener);
  }

  // Everything told to this user alone. Returns how to stop.
  onUser(listener: (event: UserEvent) => void): () => void {
    this.#whenTold.add(listener);
    return () => this.#whenTold.delete(listener);
  }

  async read<M extends keyof Reads>(method: M, data: Reads[M][0]): Promise<Reads[M][1]> {
    return (await this.#rpc(method, data)) as Reads[M][1];
  }

  // One effect, however often it has to be sent. Gives up after about half a minute.
  // Without a `key` the one kept for this intent is used (keys.ts).
  async change<M extends keyof Changes>(
    method: M,
    data: Changes[M][0],
    key: string = keptKey(method, data),
  ): Promise<Changes[M][1]> {
    for (let tries = 0; ; tries += 1) {
      try {
        const reply = (await this.#rpc(method, { ...data, key })) as Changes[M][1];
        answered(method, data);
        return reply;
      } catch (error) {
        if (error instanceof Refused && !error.temporary) answered(method, data);
        if (!(error instanceof Refused) || !error.temporary || tries >= 5) throw error;
        const asked = Number(error.data["retry_after_ms"]) || 0;
        await pause(Math.max(asked, 250 * 2 ** tries));
      }
    }
  }

  async #rpc(method: string, data: object): Promise<unknown> {
    try {
      return (await this.client.rpc(method, data)).data;
    } catch (error) {
      throw Refused.from(error as { code?: number; message?: string });
    }
  }

  // The SDK hands one subscription out per channel; whoever asked last removes it.
  subscribe(channel: string): Subscription {
    const subscription =
      this.client.getSubscription(channel) ?? this.client.newSubscription(channel);
    return subscription;
  }
}

// WHIP and WHEP live at the site's own address, whatever name it was opened by.
export function here(address: string): string {
  const { pathname, search } = new URL(address, location.href);
  return location.origin + pathname + search;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export const live = new Live();
