// The keys of commands that change something: what is sent under one key counts once.
//
// The key of an intent is kept in the tab until its answer is known. So a second click,
// and the same click after a reload, send the same key, and the server gives the answer
// it gave the first. Another quantity or another address is another intent.

// A UUIDv7: its first 48 bits are the time, which spares the server a look-up.
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const now = Date.now().toString(16).padStart(12, "0");
  const rest = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${now.slice(0, 8)}-${now.slice(8)}-7${rest.slice(13, 16)}-a${rest.slice(17, 20)}-${rest.slice(20)}`;
}

function place(method: string, data: object): string {
  return `key:${method}:${JSON.stringify(data)}`;
}

export function keptKey(method: string, data: object): string {
  const at = place(method, data);
  const kept = sessionStorage.getItem(at) ?? newKey();
  sessionStorage.setItem(at, kept);
  return kept;
}

export function answered(method: string, data: object): void {
  sessionStorage.removeItem(place(method, data));
}
