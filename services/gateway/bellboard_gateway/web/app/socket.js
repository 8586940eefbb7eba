// The one connection to the gateway. It comes back by itself; what it says is in adapters/web.py.

const FIRST_WAIT = 250, LONGEST_WAIT = 4000;

export class Socket {
  // on: {message(object), closed()}
  constructor(on) {
    this.on = on;
    this.wait = FIRST_WAIT;
    addEventListener("online", () => this.now());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.now());
  }

  connect() {
    clearTimeout(this.timer);
    this.timer = undefined;
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    this.socket = socket;
    socket.onopen = () => { this.wait = FIRST_WAIT; };
    socket.onmessage = (event) => this.on.message(JSON.parse(event.data));
    socket.onclose = () => { this.on.closed(); this.later(); };
  }

  // Try again soon, and less and less often; a session that has ended leads to the sign-in page.
  async later() {
    this.timer = setTimeout(() => this.connect(), this.wait * (0.75 + Math.random() / 2));
    this.wait = Math.min(this.wait * 1.7, LONGEST_WAIT);
    try {
      const answer = await fetch("/", { method: "HEAD", redirect: "manual" });
      if (answer.type === "opaqueredirect") location.assign("/in");
    } catch { /* nobody is there; the timer goes on */ }
  }

  now() {
    if (this.timer !== undefined) { this.wait = FIRST_WAIT; this.connect(); }
  }

  send(message) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }
}
