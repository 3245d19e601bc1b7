/**
 * Takes webhooks of Throughline with plain Node (20 or newer): checks who sent them, counts each delivery once however
 * often it arrives, and knows who is in which audience.
 *
 *   WEBHOOK_SECRET=whsec_… node receiver.mjs
 *
 * PORT is 4000 unless it says otherwise, DATA the file of what was taken (received.ndjson). While a secret is changed,
 * WEBHOOK_SECRET may name both, with a comma between.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';

const { WEBHOOK_SECRET, PORT = '4000', DATA = 'received.ndjson' } = process.env;
if (!WEBHOOK_SECRET) throw new Error('Set WEBHOOK_SECRET to what the destination was created with: whsec_…');

const KEYS = WEBHOOK_SECRET.split(',').map((secret) => Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));
/** What is older or newer was recorded by somebody, and is not sent by the collector. */
const MAX_AGE_S = 5 * 60;
/** 500 changes have some 200 KB. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;

/** Which deliveries were taken, and who is in which audience by them: "audience profileId" to the number of the change. */
const taken = new Set();
const members = new Map();
const latest = new Map();
let changesTaken = 0;

/** Whether one of our secrets has signed it, lately. https://www.standardwebhooks.com */
function isGenuine(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures = '' } = headers;
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= MAX_AGE_S)) return false;
  const expected = KEYS.map((key) => createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest());
  return signatures
    .split(' ')
    .filter((signature) => signature.startsWith('v1,'))
    .map((signature) => Buffer.from(signature.slice(3), 'base64'))
    .some((given) => expected.some((one) => one.length === given.length && timingSafeEqual(one, given)));
}

function apply({ id, changes }) {
  taken.add(id);
  changesTaken += changes.length;
  for (const { id: number, audience, profileId, change } of changes) {
    const who = `${audience} ${profileId}`;
    // Nothing older comes later, unless an answer of ours was lost on the way.
    if (Number(number) < (latest.get(who) ?? 0)) continue;
    latest.set(who, Number(number));
    if (change === 'entered') members.set(who, number);
    else members.delete(who);
  }
}

/** What was taken before; a last line without its end was never acknowledged, and comes again. */
function readTaken() {
  if (!existsSync(DATA)) return;
  const text = readFileSync(DATA, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  truncateSync(DATA, Buffer.byteLength(whole));
  for (const line of whole.split('\n').filter(Boolean)) apply(JSON.parse(line));
}

/** On the disk before it is acknowledged: what was answered with 2xx does not come again. */
function keep(delivery) {
  const file = openSync(DATA, 'a');
  writeSync(file, `${JSON.stringify(delivery)}\n`);
  fsyncSync(file);
  closeSync(file);
}

function receive(headers, body) {
  if (!isGenuine(headers, body)) return 401;
  const id = headers['webhook-id'];
  if (taken.has(id)) return 200;
  const { changes, isTest } = JSON.parse(body).data;
  if (isTest) return 200;
  keep({ id, changes });
  apply({ id, changes });
  for (const { change, audience, email, userId, profileId } of changes)
    console.log(`${email ?? userId ?? profileId} ${change} ${audience}`);
  return 200;
}

readTaken();
const server = createServer((request, response) => {
  if (request.method !== 'POST') {
    const counts = { deliveries: taken.size, changes: changesTaken, members: [...members.keys()].sort() };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(counts));
    return;
  }
  const chunks = [];
  let size = 0;
  request.on('data', (chunk) => {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
    else response.writeHead(413, { connection: 'close' }).end();
  });
  request.on('end', () => {
    if (!response.headersSent)
      response.writeHead(receive(request.headers, Buffer.concat(chunks).toString())).end();
  });
});
server.listen(Number(PORT), '127.0.0.1', () =>
  console.log(`Webhooks: http://127.0.0.1:${server.address().port}`),
);
