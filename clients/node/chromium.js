// Starts headless Chromium and evaluates code in a page served from 127.0.0.1 (not run directly). Env: CHROMIUM=path of the browser.
'use strict';
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const http = require('node:http');
const WebSocket = require('ws');

const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--remote-debugging-port=0', '--no-first-run'];

function serve(files, html) {
  return http.createServer((request, response) => {
    const file = files[new URL(request.url, 'http://x').pathname];
    response.writeHead(200, { 'content-type': file ? 'text/javascript' : 'text/html' });
    if (file) fs.createReadStream(file).pipe(response);
    else response.end(html);
  });
}

// The address that the browser says it listens at.
function debuggerOf(child) {
  return new Promise((found, failed) => {
    let text = '';
    child.stderr.on('data', (part) => {
      text += part;
      const match = /DevTools listening on (ws:\S+)/.exec(text);
      if (match) found(match[1]);
    });
    child.on('exit', () => failed(new Error(`the browser ended: ${text}`)));
    setTimeout(() => failed(new Error(`the browser did not start: ${text}`)), 120_000).unref();
  });
}

async function launch({ files, html }) {
  const web = serve(files, html);
  await new Promise((done) => web.listen(0, '127.0.0.1', done));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sync-browser-'));
  const child = spawn(process.env.CHROMIUM || 'chromium', [...FLAGS, `--user-data-dir=${folder}`, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const socket = new WebSocket(await debuggerOf(child));
  await new Promise((done, failed) => socket.on('open', done).on('error', failed));
  const waiting = new Map();
  let count = 0;
  socket.on('message', (data) => {
    const { id, error, result } = JSON.parse(data);
    const [done, failed] = waiting.get(id) || [];
    waiting.delete(id);
    if (error) failed?.(new Error(JSON.stringify(error)));
    else done?.(result);
  });
  const command = (method, params = {}, sessionId) =>
    new Promise((done, failed) => {
      waiting.set(++count, [done, failed]);
      socket.send(JSON.stringify({ id: count, method, params, sessionId }));
    });
  const page = async () => {
    const { targetId } = await command('Target.createTarget', { url: `http://127.0.0.1:${web.address().port}/` });
    const { sessionId } = await command('Target.attachToTarget', { targetId, flatten: true });
    const run = async (f, ...args) => {
      const expression = `(${f})(${args.map((a) => JSON.stringify(a)).join(',')})`;
      const got = await command('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId);
      if (got.exceptionDetails) throw new Error(got.exceptionDetails.exception?.description || got.exceptionDetails.text);
      return got.result.value;
    };
    const isReady = () => document.readyState === 'complete' && !!window.Twilio;
    for (let n = 0; n < 600 && !(await run(isReady).catch(() => false)); n++) await new Promise((r) => setTimeout(r, 100));
    return run;
  };
  const close = () =>
    new Promise((done) => {
      child.removeAllListeners('exit');
      child.on('exit', () => {
        web.close();
        fs.rmSync(folder, { recursive: true, force: true, maxRetries: 100 });
        done();
      });
      socket.close();
      child.kill();
    });
  return { page, close };
}
module.exports = { launch };
