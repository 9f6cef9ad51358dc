#!/usr/bin/env node
// Upload a CSV file to Equity Connect, signed. Node 18 or later, nothing to install.
//
//   export GATEWAY_URL=https://leads.example.com HMAC_KEY_ID=acme-4f1c HMAC_SECRET_KEY=... HMAC_SCHEME=v2
//   node upload.mjs leads.csv
//
// Prints the report when every row has an outcome. Exit codes: 0 done, 1 failed, 2 wrong usage, file or
// setting, 3 refused or uploaded before, 4 not reachable.

import { createHash, createHmac } from 'node:crypto';
import { accessSync, constants, createReadStream, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const gateway = (process.env.GATEWAY_URL ?? 'http://127.0.0.1:8080').replace(/\/$/, '');
const { HMAC_KEY_ID: keyId, HMAC_SECRET_KEY: secret } = process.env;
const scheme = process.env.HMAC_SCHEME ?? 'v2'; // v2: timestamp and body; body: the body alone

// Prints the problem and the advice, and exits.
function fail(code, problem, advice) {
  console.error(`Error: ${problem}\n  ${advice}`);
  process.exit(code);
}

// Exits if the file or a setting is missing or wrong.
function check(file) {
  if (process.argv.length !== 3) fail(2, 'One file is uploaded at a time.', 'Usage: node upload.mjs leads.csv');
  if (!keyId || !secret) fail(2, 'HMAC_KEY_ID and HMAC_SECRET_KEY are not both set.', "Set them to your key's id and secret.");
  if (!['v2', 'body'].includes(scheme)) fail(2, 'HMAC_SCHEME is neither v2 nor body.', "Set it to your key's scheme.");
  if (!/^https?:\/\//.test(gateway)) fail(2, 'GATEWAY_URL is not a web address.', 'It reads https://leads.example.com.');
  try {
    accessSync(file, constants.R_OK);
    if (!statSync(file).isFile()) throw Object.assign(new Error(), { code: 'EISDIR' });
  } catch (error) {
    fail(2, `${file} cannot be read: ${error.code}.`, 'Name a file that is there.');
  }
}

// Exits with the reason if the gateway cannot be reached or its response is not the gateway's.
function failWithReason(error) {
  if (error instanceof SyntaxError) fail(1, `${gateway} did not answer as the gateway does.`, 'Check GATEWAY_URL.');
  const why = error.cause?.code ?? error.code ?? error.message;
  fail(4, `The gateway at ${gateway} does not answer (${why}).`, 'Check GATEWAY_URL and your network, then try again.');
}

const now = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

// Returns the headers of an upload. Reads the file in blocks, so that a large file needs no more memory.
async function signedHeaders(file) {
  const timestamp = now();
  const signature = createHmac('sha256', secret);
  const content = createHash('sha256');
  if (scheme === 'v2') signature.update(`${timestamp}.`);
  for await (const block of createReadStream(file)) {
    signature.update(block);
    content.update(block);
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

async function sendFile(file) {
  const headers = await signedHeaders(file);
  return readResponse(await fetch(`${gateway}/v1/uploads`, { method: 'POST', headers, body: createReadStream(file), duplex: 'half' }));
}

// Returns the report of an upload. Reading is signed too: `<timestamp>.GET <path>`.
async function fetchReport(uploadId) {
  const timestamp = now();
  const path = `/v1/uploads/${uploadId}`;
  const digest = createHmac('sha256', secret).update(`${timestamp}.GET ${path}`).digest('hex');
  const headers = { 'X-Key-Id': keyId, 'X-Signature-Timestamp': timestamp, 'X-Signature': `v2=${digest}` };
  return readResponse(await fetch(gateway + path, { headers }));
}

// Returns the body of the gateway's response. Prints a refusal and exits.
async function readResponse(response) {
  if (response.ok) return response.json();
  console.error(response.status, await response.text());
  process.exit(response.status < 500 ? 3 : 1);
}

async function main() {
  check(process.argv[2]);
  const { upload_id: uploadId } = await sendFile(process.argv[2]);
  console.error(`upload ${uploadId}`);
  let report;
  for (;;) {
    report = await fetchReport(uploadId);
    if (['done', 'failed', 'needs_resend'].includes(report.state)) break;
    await sleep(1000);
  }
  console.log(JSON.stringify(report, null, 2));
  process.exit(report.state === 'done' ? 0 : 1);
}

main().catch(failWithReason);
