#!/usr/bin/env node
// Upload a CSV file to Equity Connect, signed. Node 18 or later, nothing to install.
//
//   export GATEWAY_URL=https://leads.example.com HMAC_KEY_ID=acme-4f1c HMAC_SECRET_KEY=... HMAC_SCHEME=v2
//   node upload.mjs leads.csv
//
// Prints the report when every row has its verdict. Exit codes: 0 done, 1 failed, 3 refused or uploaded before.

import { createHash, createHmac } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const gateway = (process.env.GATEWAY_URL ?? 'http://127.0.0.1:8080').replace(/\/$/, '');
const { HMAC_KEY_ID: keyId, HMAC_SECRET_KEY: secret } = process.env;
const scheme = process.env.HMAC_SCHEME ?? 'v2'; // v2: timestamp and body; body: the body alone

const now = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

// The headers of an upload. The file is read in pieces, so that its size does not matter.
async function signedHeaders(file) {
  const timestamp = now();
  const signature = createHmac('sha256', secret);
  const content = createHash('sha256');
  if (scheme === 'v2') signature.update(`${timestamp}.`);
  for await (const piece of createReadStream(file)) {
    signature.update(piece);
    content.update(piece);
  }
  return {
    'Content-Type': 'text/csv',
    'Content-Length': String(statSync(file).size),
    'X-Key-Id': keyId,
    'X-Signature-Timestamp': timestamp,
    'X-Signature': `${scheme === 'v2' ? 'v2' : 'sha256'}=${signature.digest('hex')}`,
    'X-Content-SHA256': content.digest('hex'),
  };
}

async function upload(file) {
  const headers = await signedHeaders(file);
  return answer(await fetch(`${gateway}/v1/uploads`, { method: 'POST', headers, body: createReadStream(file), duplex: 'half' }));
}

// How an upload stands. Reading is signed too: `<timestamp>.GET <path>`.
async function report(uploadId) {
  const timestamp = now();
  const path = `/v1/uploads/${uploadId}`;
  const digest = createHmac('sha256', secret).update(`${timestamp}.GET ${path}`).digest('hex');
  const headers = { 'X-Key-Id': keyId, 'X-Signature-Timestamp': timestamp, 'X-Signature': `v2=${digest}` };
  return answer(await fetch(gateway + path, { headers }));
}

// The gateway's answer; ends the program with its reason when it refuses.
async function answer(response) {
  if (response.ok) return response.json();
  console.error(response.status, await response.text());
  process.exit(response.status < 500 ? 3 : 1);
}

const { upload_id: uploadId } = await upload(process.argv[2]);
console.error(`upload ${uploadId}`);
let state;
for (;;) {
  state = await report(uploadId);
  if (['done', 'failed', 'needs_resend'].includes(state.state)) break;
  await sleep(1000);
}
console.log(JSON.stringify(state, null, 2));
process.exit(state.state === 'done' ? 0 : 1);
