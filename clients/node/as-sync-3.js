// Loaded before a script (node -r): what asks for twilio-sync gets its major version 3.
'use strict';
const Module = require('node:module');
const find = Module._resolveFilename;
Module._resolveFilename = function (name, ...rest) {
  return find.call(this, name === 'twilio-sync' ? 'twilio-sync-3' : name, ...rest);
};
