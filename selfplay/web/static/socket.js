// The page's socket: objects in both ways; connects again when the server comes back.

const FIRST_MS = 300, LONGEST_MS = 5000;

/**
 * Connects to `path` of the page's own server.
 * handlers: message(object), open() at every connection, closed() when it is lost.
 * Returns {send(object): whether it was sent, close()}.
 */
export function connect(path, handlers) {
  let socket = null, wait = FIRST_MS, ended = false;

  function open() {
    socket = new WebSocket(`ws://${location.host}${path}`);
    socket.onopen = () => { wait = FIRST_MS; handlers.open?.(); };
    socket.onmessage = event => handlers.message(JSON.parse(event.data));
    socket.onclose = event => {
      if (ended) return;
      handlers.closed?.(event.code);
      setTimeout(open, wait);
      wait = Math.min(2 * wait, LONGEST_MS);
    };
  }

  addEventListener("pagehide", () => { ended = true; socket.close(); });
  addEventListener("pageshow", event => { if (event.persisted) { ended = false; open(); } });
  open();
  return {
    send(message) {
      if (socket.readyState !== WebSocket.OPEN) return false;
      socket.send(JSON.stringify(message));
      return true;
    },
    close() { ended = true; socket.close(); },
  };
}
