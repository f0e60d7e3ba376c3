// Playing a stream by WHEP with the browser's own RTCPeerConnection.
//
// No candidate of ours is awaited: the server is ICE-lite and answers whoever knocks.
import { here, live, pause } from "./live.ts";

export type PlayState = "idle" | "connecting" | "playing" | "waiting" | "refused";

export class WhepSession {
  peer: RTCPeerConnection | null = null;
  #session: string | null = null;
  #stopped = new AbortController();

  constructor(
    private readonly stream: number,
    private readonly show: (media: MediaStream) => void,
    private readonly tell: (state: PlayState) => void,
  ) {
    void this.#run();
  }

  // The show is over, or the server asked us in anew: it has let our session go.
  stop(): void {
    this.#stopped.abort();
    this.peer?.close();
    this.tell("idle");
  }

  // We go, and say so: nobody has to wait until our silence is noticed.
  leave(): void {
    const session = this.#session;
    this.stop();
    if (session !== null)
      void fetch(session, { method: "DELETE", keepalive: true }).catch(() => null);
  }

  // Asks again until it plays: the host may be away (409), a node full (503).
  async #run(): Promise<void> {
    for (let tries = 0; !this.#stopped.signal.aborted; tries += 1) {
      this.tell(tries === 0 ? "connecting" : "waiting");
      const played = await this.#play().catch(() => null);
      if (this.#stopped.signal.aborted) return;
      if (played !== null) tries = 0;
      await pause(Math.min(500 * 2 ** tries, 4000));
    }
  }

  // Resolves when a session that played ends; rejects when there was none.
  async #play(): Promise<void> {
    const watching = live.read("stream.watch", { stream: this.stream });
    const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.peer = peer;
    const media = new MediaStream();
    peer.addTransceiver("video", { direction: "recvonly" });
    peer.addTransceiver("audio", { direction: "recvonly" });
    peer.addEventListener("track", ({ track }) => {
      media.addTrack(track);
      this.show(media);
    });
    try {
      // The offer is made while the socket still opens; gathering begins after it.
      const [offer, watch] = await Promise.all([peer.createOffer(), watching]);
      if (watch.ice_servers.length > 0) {
        peer.setConfiguration({ ...peer.getConfiguration(), iceServers: watch.ice_servers });
      }
      await peer.setLocalDescription(offer);
      this.#session = await this.#post(here(watch.whep), watch.ticket, peer);
      await this.#untilOver(peer);
    } finally {
      peer.close();
      this.#session = null;
    }
  }

  async #post(address: string, bearer: string | null, peer: RTCPeerConnection): Promise<string> {
    const headers: Record<string, string> = { "Content-Type": "application/sdp" };
    if (bearer) headers["Authorization"] = `Bearer ${bearer}`;
    const reply = await fetch(address, {
      method: "POST",
      headers,
      body: peer.localDescription?.sdp ?? "",
      signal: this.#stopped.signal,
    });
    if (reply.status !== 201) {
      const wait = Number(reply.headers.get("Retry-After")) || 0;
      await pause(Math.min(wait * 1000, 5000));
      throw new Error(`whep: ${reply.status}`);
    }
    await peer.setRemoteDescription({ type: "answer", sdp: await reply.text() });
    return here(reply.headers.get("Location") ?? "");
  }

  #untilOver(peer: RTCPeerConnection): Promise<void> {
    return new Promise((resolve, reject) => {
      let played = false;
      const late = setTimeout(
        () => peer.connectionState !== "connected" && reject(new Error("late")),
        10_000,
      );
      const look = (): void => {
        if (peer.connectionState === "connected") {
          played = true;
          this.tell("playing");
        } else if (["failed", "closed", "disconnected"].includes(peer.connectionState)) {
          clearTimeout(late);
          if (played) resolve();
          else reject(new Error(peer.connectionState));
        }
      };
      peer.addEventListener("connectionstatechange", look);
      this.#stopped.signal.addEventListener("abort", () => resolve());
      look();
    });
  }
}
