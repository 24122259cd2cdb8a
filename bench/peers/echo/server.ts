// The transport's limit: uWebSockets.js that answers every message with the same bytes, over WebSocket and HTTP.

import uws from 'uWebSockets.js';
import { servePeer } from '../serving.ts';

servePeer(
  () =>
    new Promise((done, fail) => {
      const app = uws.App();
      app.ws('/*', {
        message: (socket, message, isBinary) => {
          socket.send(message, isBinary);
        },
      });
      app.any('/*', (res) => {
        let isOver = false;
        let before = Buffer.alloc(0);
        res.onAborted(() => {
          isOver = true;
        });
        res.onData((part, isLast) => {
          before = Buffer.concat([before, Buffer.from(part)]);
          if (!isLast || isOver) return;
          res.cork(() => {
            res.writeHeader('Content-Type', 'application/json').end(before);
          });
        });
      });
      app.listen('127.0.0.1', 0, (listening) => {
        if (listening === false) fail(new Error('no port'));
        else done(uws.us_socket_local_port(listening));
      });
    }),
);
