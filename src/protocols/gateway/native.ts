// The one door to uWebSockets.js. The package answers with a JavaScript stand-in, a warning and no error where its
// native part does not load; that stand-in is neither fast nor complete, so the gateway refuses to run on it.

import uws from 'uWebSockets.js';

export type {
  HttpRequest,
  HttpResponse,
  us_listen_socket,
  us_socket_context_t,
  WebSocket,
} from 'uWebSockets.js';

/** The native library; throws with the reason and the cure where it did not load. */
export function loadNative(): typeof uws {
  // The stand-in has no TLS application and no compression constants.
  if (typeof uws.SSLApp === 'function' && typeof uws.DISABLED === 'number') return uws;
  throw new Error(
    `uWebSockets.js has no native part for Node.js ${process.version} (${process.platform} ${process.arch}, ` +
      `ABI ${process.versions.modules}), or UWS_USE_FALLBACK is set. Run under Node.js 20 without it, or install an ` +
      'official uWebSockets.js build that fits.',
  );
}

type App = ReturnType<typeof uws.App>;

/**
 * Closes every connection of an application, idle ones too. A thread that ends while one is open takes the whole
 * process along (uv_loop_close() while having open handles), and idle ones stay for 10 s. The library's types lack it.
 */
export function closeConnections(app: App): void {
  (app as App & { close?: () => void }).close?.();
}
