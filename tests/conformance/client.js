// client.js MODULES PORT KEY - npm ocpp-rpc, in strict mode, charges at csmsd; see client.py.
//
// Every frame that csmsd sends is taken from the socket (tap.js) and held against the official
// schema of its action: a CALL against .req, a CALLRESULT against the .conf of the call it answers.
'use strict';

const { createRequire } = require('module');
const path = require('path');
const readline = require('readline');
const assert = require('assert');
const { tap } = require('./tap.js');

const [modules, port, key] = process.argv.slice(2);
const load = createRequire(path.join(path.resolve(modules), 'client.js'));
const { RPCClient } = load('ocpp-rpc');
const Ajv = load('ajv');
const addFormats = load('ajv-formats');
const schemas = load('ocpp-rpc/lib/schemas/ocpp1_6.json');

const ERROR_CODES = ['NotImplemented', 'NotSupported', 'InternalError', 'ProtocolError',
  'SecurityError', 'FormationViolation', 'PropertyConstraintViolation',
  'OccurenceConstraintViolation', 'TypeConstraintViolation', 'GenericError'];

// What csmsd is to send in the course of this.
const KINDS = [
  'Authorize', 'BootNotification', 'DataTransfer', 'DiagnosticsStatusNotification',
  'FirmwareStatusNotification', 'Heartbeat', 'LogStatusNotification', 'MeterValues',
  'SecurityEventNotification', 'SignCertificate', 'SignedFirmwareStatusNotification',
  'StartTransaction', 'StatusNotification', 'StopTransaction',
].map((action) => `${action}.conf`).concat('RemoteStartTransaction.req',
  'RemoteStopTransaction.req', 'NotImplemented').sort();

const say = (said) => process.stdout.write(`${JSON.stringify({ said })}\n`);
const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function sql(text, as = 'e2e.admin') {
  process.stdout.write(`${JSON.stringify({ sql: text, as })}\n`);
  return JSON.parse((await answers.next()).value);
}

async function until(what, text, wanted) {
  for (const end = Date.now() + 120000; ;) {
    const got = await sql(text);
    if (got === wanted) return;
    assert(Date.now() < end, `${what}: still ${got}, not ${wanted}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

// What csmsd sent, judged.
class Judge {
  constructor() {
    this.ajv = new Ajv({ allErrors: true, multipleOfPrecision: 6, strict: true });
    addFormats(this.ajv);
    this.ajv.addSchema(schemas);
    this.pending = new Map(); // connection and message id: the action that is to be answered
    this.seen = new Map();    // schema: how many frames of it passed
    this.faults = [];
  }

  frame(connection, fromServer, text) {
    try {
      const message = JSON.parse(text);
      if (!fromServer && message[0] === 2) this.pending.set(`${connection} ${message[1]}`, message[2]);
      if (fromServer) this.passed(this.judge(connection, message));
    } catch (error) {
      this.faults.push(`${error.message} in ${text}`);
    }
  }

  judge(connection, message) {
    const [type, id] = message;
    assert(Array.isArray(message) && typeof id === 'string' && id.length <= 36, 'not a frame');
    if (type === 2) {
      assert.strictEqual(message.length, 4);
      return this.payload(`${message[2]}.req`, message[3]);
    }
    const action = this.pending.get(`${connection} ${id}`);
    assert(action !== undefined, 'answers nothing that was asked');
    this.pending.delete(`${connection} ${id}`);
    if (type === 3) {
      assert.strictEqual(message.length, 3);
      return this.payload(`${action}.conf`, message[2]);
    }
    assert.strictEqual(type, 4);
    assert.strictEqual(message.length, 5);
    assert(ERROR_CODES.includes(message[2]), `${message[2]} is no error code`);
    assert(typeof message[3] === 'string' && message[4].constructor === Object);
    return message[2];
  }

  payload(name, payload) {
    const validate = this.ajv.getSchema(`urn:${name}`);
    assert(validate, `no schema ${name}`);
    assert(validate(payload), `${name}: ${this.ajv.errorsText(validate.errors)}`);
    return name;
  }

  passed(name) {
    this.seen.set(name, (this.seen.get(name) || 0) + 1);
  }
}

const judge = new Judge();
const within = (text, begin) => assert(Date.parse(text) >= begin - 1000 && Date.parse(text) <= Date.now() + 1000);
const now = (shift = 0) => new Date(Date.now() + shift * 1000).toISOString();

async function pile(endpoint, identity, password) {
  const client = new RPCClient({
    endpoint, identity, password, protocols: ['ocpp1.6'], strictMode: true, reconnect: false,
    callTimeoutMs: 120000, pingIntervalMs: 0,
  });
  client.on('strictValidationFailure', ({ error }) => judge.faults.push(`ocpp-rpc: ${error.message}`));
  await client.connect();
  assert.strictEqual(client.protocol, 'ocpp1.6');
  const begin = Date.now();
  const boot = await client.call('BootNotification', {
    chargePointVendor: 'Outside', chargePointModel: 'M', chargePointSerialNumber: 'S-1',
    firmwareVersion: '1.0', iccid: '89', imsi: '460', meterType: 'T', meterSerialNumber: 'M-1',
  });
  assert.strictEqual(boot.status, 'Accepted');
  assert(boot.interval > 0);
  within(boot.currentTime, begin);
  for (const connectorId of [0, 1])
    assert.deepStrictEqual(await client.call('StatusNotification',
      { connectorId, errorCode: 'NoError', status: 'Available', timestamp: now() }), {});
  const beat = await client.call('Heartbeat', {});
  within(beat.currentTime, begin);
  return client;
}

async function authorize(client) {
  const status = async (idTag) => (await client.call('Authorize', { idTag })).idTagInfo;
  assert.strictEqual((await status('VALID')).status, 'Accepted');
  assert.strictEqual((await status('NOBODY')).status, 'Invalid');
  assert.strictEqual((await status('BLOCKED')).status, 'Blocked');
  await new Promise((done) => setTimeout(done, 1100)); // it was registered with a second to live
  const expired = await status('EXPIRED');
  assert.strictEqual(expired.status, 'Expired');
  assert(Date.parse(expired.expiryDate) < Date.now());
  say('ok - authorize: valid, unknown, blocked, expired');
}

const sample = (register) => [
  { value: String(register) },
  { value: '41', measurand: 'SoC', unit: 'Percent', location: 'EV' },
  { value: '22.5', measurand: 'Power.Active.Import', unit: 'kW', context: 'Sample.Clock' },
  { value: '231.4', measurand: 'Voltage', unit: 'V', phase: 'L1-N' },
];

// A charge of 0.3 kWh; what the pile would do by itself, or by command.
async function start(client) {
  const answer = await client.call('StartTransaction',
    { connectorId: 1, idTag: 'VALID', meterStart: 1000, timestamp: now() });
  assert.strictEqual(answer.idTagInfo.status, 'Accepted');
  assert(Number.isInteger(answer.transactionId) && answer.transactionId > 0);
  for (const register of [1100, 1200])
    assert.deepStrictEqual(await client.call('MeterValues', {
      connectorId: 1, transactionId: answer.transactionId,
      meterValue: [{ timestamp: now(), sampledValue: sample(register) }],
    }), {});
  return answer.transactionId;
}

async function stop(client, transactionId, reason) {
  const answer = await client.call('StopTransaction', {
    transactionId, idTag: 'VALID', meterStop: 1300, timestamp: now(), reason,
    transactionData: [{ timestamp: now(),
      sampledValue: [{ value: '1300', context: 'Transaction.End', format: 'Raw' }] }],
  });
  assert.strictEqual(answer.idTagInfo.status, 'Accepted');
}

// 0.3 kWh at 1.2 and 0.4 and 6 % tax is 0.5088: 0.51.
async function billed(transactionId) {
  await until(`the bill of ${transactionId}`, `SELECT coalesce(energy_kwh || ' ' || amount || ' '
    || is_settled, '') FROM query.session WHERE transaction_id = ${transactionId}`,
  '0.300000 0.51 true');
}

async function others(client) {
  const certificate = '-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----';
  const transfer = await client.call('DataTransfer',
    { vendorId: 'org.example', messageId: 'm', data: '{"a":1}' });
  assert.strictEqual(transfer.status, 'UnknownVendorId');
  for (const [action, payload] of [
    ['DiagnosticsStatusNotification', { status: 'Uploading' }],
    ['FirmwareStatusNotification', { status: 'Downloaded' }],
    ['LogStatusNotification', { status: 'Uploaded', requestId: 7 }],
    ['SecurityEventNotification', { type: 'StartupOfTheDevice', timestamp: now(), techInfo: 'x' }],
    ['SignedFirmwareStatusNotification', { status: 'Installed', requestId: 7 }],
  ]) assert.deepStrictEqual(await client.call(action, payload), {}, action);
  const signed = await client.call('SignCertificate', { csr: certificate });
  assert(['Accepted', 'Rejected'].includes(signed.status));
  say('ok - every other action that a pile may send is answered');
}

async function command(name, text, wanted) {
  const id = JSON.parse(await sql(text, 'e2e.operator')).commandId;
  await until(`${name} ${id}`, `SELECT state FROM query.command WHERE command_id = ${id}`, wanted);
}

// A command reaches the pile, its answer the operator, and the pile does what it promised.
async function commanded(client, identity) {
  const called = [];
  let answer = 'Rejected';
  for (const action of ['RemoteStartTransaction', 'RemoteStopTransaction'])
    client.handle(action, ({ params }) => {
      called.push([action, params]);
      return { status: answer };
    });
  const remoteStart = `SELECT operation.remote_start(charge_point_id => '${identity}',
    id_tag => 'VALID', connector_id => 1)`;
  await command('a start that the pile rejects', remoteStart, 'rejected');
  answer = 'Accepted';
  await command('a remote start', remoteStart, 'accepted');
  const transactionId = await start(client);
  await command('a remote stop', `SELECT operation.remote_stop(charge_point_id => '${identity}',
    transaction_id => ${transactionId})`, 'accepted');
  await stop(client, transactionId, 'Remote');
  assert.deepStrictEqual(called, [
    ['RemoteStartTransaction', { idTag: 'VALID', connectorId: 1 }],
    ['RemoteStartTransaction', { idTag: 'VALID', connectorId: 1 }],
    ['RemoteStopTransaction', { transactionId }],
  ]);
  say(`ok - ${identity}: remote start and stop, accepted and rejected`);
  return transactionId;
}

// What strict mode would not let out: an action that nobody knows.
async function unknown(client) {
  const answered = new Promise((done) => client.on('message', ({ message, outbound }) => {
    if (!outbound && message.includes('"stranger"')) done(JSON.parse(message));
  }));
  client.sendRaw('[2,"stranger","Teapot",{}]');
  assert.deepStrictEqual((await answered).slice(0, 3), [4, 'stranger', 'NotImplemented']);
  say('ok - an unknown action gets a CALLERROR');
}

async function refused(endpoint, what, identity, password) {
  await assert.rejects(pile(endpoint, identity, password), (error) => error.code === 401, what);
}

// The judge must be able to say no: a frame of each kind, spoilt.
function judgeJudged() {
  const wrong = (message, text) => assert.throws(() => judge.judge(0, message), undefined, text);
  const asked = (action) => judge.pending.set('0 x', action);
  wrong([2, 'x', 'RemoteStopTransaction', { transactionId: '1' }], 'a type');
  wrong([2, 'x', 'RemoteStopTransaction', { transactionId: 1, more: 1 }], 'a member too many');
  wrong([3, 'x', {}], 'an answer to nothing');
  asked('BootNotification');
  wrong([3, 'x', { status: 'Maybe', interval: 1, currentTime: now() }], 'an enum');
  asked('Heartbeat');
  wrong([3, 'x', { currentTime: 'noon' }], 'a time');
  asked('Heartbeat');
  wrong([4, 'x', 'FormatViolation', '', {}], 'a code that is not of 1.6');
}

async function main() {
  judgeJudged();
  const server = await tap(Number(port), (...seen) => judge.frame(...seen),
    (error) => judge.faults.push(`on the socket: ${error.message}`));
  const endpoint = `ws://127.0.0.1:${server.address().port}/ocpp`;
  const secret = Buffer.from(key, 'hex');
  const open = await pile(endpoint, 'OPEN');
  say('ok - OPEN boots and is accepted');
  await authorize(open);
  const charged = await start(open);
  await stop(open, charged, 'EVDisconnected');
  await others(open);
  await unknown(open);
  const remote = await commanded(open, 'OPEN');

  await refused(endpoint, 'no key', 'KEYED');
  await refused(endpoint, 'a wrong key', 'KEYED', Buffer.alloc(20, 7));
  say('ok - KEYED is refused without its key and with another');
  const keyed = await pile(endpoint, 'KEYED', secret);
  const third = await commanded(keyed, 'KEYED');
  for (const transactionId of [charged, remote, third]) await billed(transactionId);
  say('ok - three charges are billed');
  await open.close();
  await keyed.close();
  server.close();

  const frames = [...judge.seen.values()].reduce((sum, count) => sum + count, 0);
  say(`frames of csmsd: ${frames}, of ${judge.seen.size} kinds: ${[...judge.seen.keys()].sort().join(' ')}`);
  for (const fault of judge.faults) say(`not ok - ${fault}`);
  assert.strictEqual(judge.faults.length, 0, 'a frame of csmsd broke its schema');
  assert.deepStrictEqual([...judge.seen.keys()].sort(), KINDS);
  assert.deepStrictEqual([...judge.pending.values()], [], 'calls that were never answered');
  say('ok - every frame that csmsd sent passes its schema');
}

main().then(() => process.exit(0), (error) => {
  for (const fault of judge.faults) say(`not ok - ${fault}`);
  say(`not ok - ${error.stack}`);
  process.exit(1);
});
