// tap.js - a TCP relay that reads along: the WebSocket messages of both directions, decoded here from
// the bytes on the socket, so that no library stands between csmsd and what is judged.
'use strict';

const net = require('net');

const TEXT = 1;
const CONTINUATION = 0;

// Takes bytes of one direction and hands each whole text message to `told`; throws on what RFC 6455
// forbids that direction.
class Reader {
  constructor(masked, told) {
    this.masked = masked;
    this.told = told;
    this.bytes = Buffer.alloc(0);
    this.upgraded = false;
    this.parts = [];
  }

  take(piece) {
    this.bytes = Buffer.concat([this.bytes, piece]);
    if (!this.upgraded) {
      const end = this.bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.bytes = this.bytes.subarray(end + 4);
      this.upgraded = true;
    }
    while (this.frame());
  }

  frame() {
    const b = this.bytes;
    if (b.length < 2) return false;
    let length = b[1] & 0x7f;
    let at = 2;
    if (length === 126) {
      if (b.length < 4) return false;
      length = b.readUInt16BE(2);
      at = 4;
    } else if (length === 127) {
      if (b.length < 10) return false;
      length = Number(b.readBigUInt64BE(2));
      at = 10;
    }
    const masked = (b[1] & 0x80) !== 0;
    if (masked !== this.masked) throw new Error(`masked is ${masked} in the wrong direction`);
    if (b[0] & 0x70) throw new Error('a reserved bit is set');
    const mask = masked ? b.subarray(at, at + 4) : Buffer.alloc(4);
    at += masked ? 4 : 0;
    if (b.length < at + length) return false;
    const payload = Buffer.from(b.subarray(at, at + length)).map((byte, i) => byte ^ mask[i % 4]);
    this.bytes = b.subarray(at + length);
    this.part(b[0] & 0x0f, (b[0] & 0x80) !== 0, payload);
    return true;
  }

  part(opcode, final, payload) {
    if (opcode >= 8) return; // control frames carry no OCPP
    if (opcode !== TEXT && opcode !== CONTINUATION) throw new Error(`opcode ${opcode}`);
    this.parts.push(payload);
    if (!final) return;
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(this.parts));
    this.parts = [];
    this.told(text);
  }
}

// Listens on a free port and relays to `port`. told(connection, fromServer, text); wrong(error).
function tap(port, told, wrong) {
  let connections = 0;
  const server = net.createServer((client) => {
    const number = ++connections;
    const upstream = net.connect(port, '127.0.0.1');
    const join = (from, to, fromServer) => {
      const reader = new Reader(!fromServer, (text) => told(number, fromServer, text));
      from.on('data', (piece) => {
        to.write(piece);
        try {
          if (!reader.failed) reader.take(piece);
        } catch (error) {
          reader.failed = true;
          wrong(error);
        }
      });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
    };
    join(client, upstream, false);
    join(upstream, client, true);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

module.exports = { tap };
