// Runs the scripts of the Sync SDK, with its two major versions, over a line that can be cut.
// Run: BASE=http://host:port ACCOUNT_SID= AUTH_TOKEN= API_KEY= API_SECRET= node run-sync.js
'use strict';
const path = require('node:path');
const { spawn } = require('node:child_process');
const { cfg, check, main } = require('./lib');
const { line, remote } = require('./line');

// Not spawnSync: the line lives in this process.
const run = (script, version, env) => new Promise((done) => {
  console.log(`   ${script} with twilio-sync ${version}`);
  const before = version === 3 ? ['-r', path.join(__dirname, 'as-sync-3.js')] : [];
  const child = spawn(process.execPath, [...before, path.join(__dirname, script)], { stdio: 'inherit', env: { ...process.env, ...env } });
  child.on('exit', (status) => done(status === 0));
});

main(async () => {
  for (const version of [4, 3]) {
    const wire = await line(cfg.BASE);
    const control = await remote(wire);
    const env = { BASE: wire.base, DROP_URL: `${control}/drop`, CLOSE_URL: `${control}/close`, DIRECT: cfg.BASE, CONTROL: control, TIMEOUT_MS: '600000' };
    for (const script of ['sync.js', 'sync-reconnect.js', 'sync-more.js', 'sync-queries.js']) {
      if (!(await run(script, version, env))) check(`${script} with twilio-sync ${version}`, false);
    }
  }
});
