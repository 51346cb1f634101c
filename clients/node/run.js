// Makes a workspace, workers, a queue, a workflow and a person by REST, then runs the SDK scripts on them.
// Run: BASE=http://host:port ACCOUNT_SID= AUTH_TOKEN= API_KEY= API_SECRET= node run.js
'use strict';
const crypto = require('node:crypto');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const twilio = require('twilio');
const { cfg, check, main } = require('./lib');

async function setUp() {
  const client = twilio(cfg.accountSid, cfg.authToken);
  client.taskrouter.baseUrl = `${cfg.BASE}/taskrouter`;
  const workspace = await client.taskrouter.v1.workspaces.create({ friendlyName: 'SDK' });
  const space = client.taskrouter.v1.workspaces(workspace.sid);
  const queue = await space.taskQueues.create({ friendlyName: 'Everyone', targetWorkers: '1==1' });
  const configuration = JSON.stringify({ task_routing: { default_filter: { queue: queue.sid } } });
  const workflow = await space.workflows.create({ friendlyName: 'Default', configuration });
  const alice = await space.workers.create({ friendlyName: 'alice', attributes: '{"languages":[]}' });
  const other = await space.workers.create({ friendlyName: 'someone' });
  const available = (await space.activities.list({ available: 'true' }))[0].sid;
  const target = await space.workers.create({ friendlyName: 'target', attributes: '{"team":"second"}', activitySid: available });
  const bob = await space.workers.create({ friendlyName: 'bob', attributes: '{"team":"third"}' });
  const carol = await space.workers.create({ friendlyName: 'carol', attributes: '{"team":"third"}' });
  const third = await space.taskQueues.create({ friendlyName: 'Third', targetWorkers: "team == 'third'" });
  const quick = await space.workflows.create({ friendlyName: 'Quick', configuration, taskReservationTimeout: 2 });
  const password = crypto.randomBytes(12).toString('hex');
  const authorization = `Basic ${Buffer.from(`${cfg.accountSid}:${cfg.authToken}`).toString('base64')}`;
  const person = await fetch(`${cfg.BASE}/sinew/v1/Users`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'someone', password, role: 'agent', worker_sid: other.sid }),
  });
  check('set up by REST', person.ok, { workspace: workspace.sid, person: person.status });
  return {
    WORKSPACE_SID: workspace.sid,
    WORKER_SID: alice.sid,
    OTHER_WORKER_SID: target.sid,
    PERSON_WORKER_SID: other.sid,
    BOB_SID: bob.sid,
    CAROL_SID: carol.sid,
    AVAILABLE_SID: available,
    THIRD_QUEUE_SID: third.sid,
    QUICK_WORKFLOW_SID: quick.sid,
    NO_CALL: '1',
    WORKFLOW_SID: workflow.sid,
    TASK_QUEUE_SID: queue.sid,
    USERNAME: 'someone',
    PASSWORD: password,
    TIMEOUT_MS: '600000',
  };
}

main(async () => {
  const made = await setUp();
  for (const script of ['taskrouter.js', 'transfers.js', 'reconnect.js']) {
    const { status } = spawnSync(process.execPath, [path.join(__dirname, script)], { stdio: 'inherit', env: { ...process.env, ...made } });
    if (status !== 0) process.exitCode = 1;
  }
});
