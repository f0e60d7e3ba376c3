// Broadcasting a camera by WHIP, with nothing but the browser's own API.
import { here, live, pause } from "./live.ts";

export type PublishState = "off" | "connecting" | "on" | "lost";

export class WhipSession {
  peer: RTCPeerConnection | null = null;
  #session: string | null = null;
  #stopped = new AbortController();

  constructor(
    private readonly stream: number,
    private readonly media: MediaStream,
    private readonly tell: (state: PublishState) => void,
  ) {
    void this.#run();
  }

  // Comes back by itself when the network does; the server lets the show wait.
  async #run(): Promise<void> {
    for (let tries = 0; !this.#stopped.signal.aborted; tries += 1) {
      this.tell(tries === 0 ? "connecting" : "lost");
      const published = await this.#publish().catch(() => null);
      if (this.#stopped.signal.aborted) return;
      if (published !== null) tries = 0;
      await pause(Math.min(500 * 2 ** tries, 4000));
    }
  }

  async #publish(): Promise<void> {
    const ticket = await live.read("stream.ticket", { stream: this.stream });
    const peer = new RTCPeerConnection({
      iceServers: ticket.ice_servers,
      bundlePolicy: "max-bundle",
    });
    this.peer = peer;
    for (const track of this.media.getTracks()) {
      peer.addTransceiver(track, { direction: "sendonly", streams: [this.media] });
    }
    try {
      await peer.setLocalDescription();
      const reply = await fetch(here(ticket.whip), {
        method: "POST",
        headers: { "Content-Type": "application/sdp", Authorization: `Bearer ${ticket.token}` },
        body: peer.localDescription?.sdp ?? "",
        signal: this.#stopped.signal,
      });
      if (reply.status !== 201) throw new Error(`whip: ${reply.status}`);
      this.#session = here(reply.headers.get("Location") ?? "");
      await peer.setRemoteDescription({ type: "answer", sdp: await reply.text() });
      await this.#untilLost(peer);
    } finally {
      peer.close();
    }
  }

  #untilLost(peer: RTCPeerConnection): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => peer.connectionState !== "connected" && reject(new Error("late")),
        10_000,
      );
      const look = (): void => {
        if (peer.connectionState === "connected") this.tell("on");
        if (!["failed", "closed"].includes(peer.connectionState)) return;
        clearTimeout(late);
        reject(new Error(peer.connectionState));
      };
      peer.addEventListener("connectionstatechange", look);
      this.#stopped.signal.addEventListener("abort", () => resolve());
    });
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.peer?.close();
    this.tell("off");
    if (this.#session !== null)
      await fetch(this.#session, { method: "DELETE", keepalive: true }).catch(() => null);
  }
}

// Portrait where the camera can; any picture rather than none.
export function openCamera(): Promise<MediaStream> {
  return navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: true, noiseSuppression: true },
    video: {
      facingMode: "user",
      width: { ideal: 720 },
      height: { ideal: 1280 },
      frameRate: { ideal: 30 },
    },
  });
}
