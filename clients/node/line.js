// A line between a client and the server that a test can cut, hold, mend, and speak into (not run directly).
'use strict';
const net = require('node:net');
const http = require('node:http');

// A binary WebSocket frame as a server writes it.
function frame(packet) {
  const body = Buffer.from(packet);
  const head = body.length < 126 ? [0x82, body.length] : [0x82, 126, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from(head), body]);
}

// A server's packet of the Sync socket.
function packet(header, body) {
  const payload = body === undefined ? '' : JSON.stringify(body);
  const text = JSON.stringify({ ...header, ...(payload && { payload_type: 'application/json' }), payload_size: Buffer.byteLength(payload) });
  return `TWILSOCK V3.0 ${Buffer.byteLength(text)}\r\n${text}\r\n${payload}`;
}

async function line(base) {
  let target = new URL(base);
  const pairs = new Set();
  let isOpen = true;
  let count = 0;
  const server = net.createServer((near) => {
    if (!isOpen) return near.destroy();
    const far = net.connect(+target.port, target.hostname);
    const pair = { near, far };
    pairs.add(pair);
    for (const [a, b] of [[near, far], [far, near]]) {
      a.on('error', () => b.destroy()).on('close', () => {
        b.destroy();
        pairs.delete(pair);
      }).pipe(b);
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const all = (f) => [...pairs].forEach(f);
  const made = {
    base: `http://127.0.0.1:${server.address().port}`,
    drop: () => all(({ near, far }) => (near.destroy(), far.destroy())),
    cut() {
      isOpen = false;
      made.drop();
    },
    mend() {
      isOpen = true;
    },
    // From the next connection on it leads elsewhere.
    lead(base) {
      target = new URL(base);
    },
    // From now on the client takes nothing; what it sends still arrives.
    hold: () => all(({ near, far }) => far.unpipe(near)),
    release: () => all(({ near, far }) => far.pipe(near)),
    say: (header, body) => all(({ near }) => near.write(frame(packet({ id: `TN${++count}`, ...header }, body)))),
  };
  return made;
}

// POST /drop, /cut, /mend, /hold, /release, and /close with {status, body}, for scripts that know no line.
async function remote(wire) {
  const server = http.createServer((request, response) => {
    let text = '';
    request.on('data', (part) => (text += part)).on('end', () => {
      const word = request.url.slice(1);
      if (word === 'close') {
        const { status, body } = JSON.parse(text);
        wire.say({ method: 'close', status }, body);
      } else wire[word]();
      response.end();
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${server.address().port}`;
}

module.exports = { line, remote };
