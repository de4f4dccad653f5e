// compare.js - our field tables and our decoder against the official OCPP 1.6 schemas.
//
// Usage: node compare.js MODULES DESCRIBE JUDGE
// MODULES is the folder with node_modules, DESCRIBE and JUDGE our two programs.
//
// 1. Both sides are brought into one form; any difference in a member's name, type, length, enum,
//    format, step, least number of elements or necessity fails.
// 2. Payloads made from either side, valid ones and one change for each rule of each member, are
//    judged by ajv and by our decoder: exact if and only if the schema accepts, and the error code
//    is one that the schema's complaints stand for.
// 3. Where the schema's own text is stricter than ajv, or a number cannot be kept, the exception is
//    named here, tried, and fails when it no longer is one.
'use strict';

const { execFileSync } = require('child_process');
const { createRequire } = require('module');
const path = require('path');
const { fromSchema, fromTable, flatten } = require('./model.js');
const { payloads, toText, places, make, Raw } = require('./payloads.js');

const [modules, describe, judge] = process.argv.slice(2).map((p) => path.resolve(p));
const load = createRequire(path.join(modules, 'compare.js'));
const Ajv = load('ajv');
const addFormats = load('ajv-formats');
const schemas = load('ocpp-rpc/lib/schemas/ocpp1_6.json');

const failures = [];
const fail = (text) => failures.push(text);

// What ajv's complaints are called in OCPP-J 1.6.
const CODES = {
  required: 'OccurenceConstraintViolation',
  minItems: 'OccurenceConstraintViolation',
  type: 'TypeConstraintViolation',
  enum: 'PropertyConstraintViolation',
  maxLength: 'PropertyConstraintViolation',
  multipleOf: 'PropertyConstraintViolation',
  format: 'PropertyConstraintViolation',
  additionalProperties: 'FormationViolation',
};

const codeOf = (error) =>
  (error.keyword === 'type' && error.instancePath === '' ? 'FormationViolation'
    : CODES[error.keyword]);

// OCPP-J 4.2 lets null stand for an empty payload, which then may lack something required.
const codesOf = (errors, text) =>
  (text === 'null' ? [CODES.additionalProperties, CODES.required] : errors.map(codeOf));

function run(program, args, input) {
  return execFileSync(program, args, { input, maxBuffer: 1 << 30, encoding: 'utf8' });
}

function compareTables(theirs, ours) {
  const messages = new Set([...Object.keys(theirs), ...Object.keys(ours)]);
  let nodes = 0;

  for (const message of messages) {
    const a = theirs[message] ? flatten(theirs[message]) : {};
    const b = ours[message] ? flatten(ours[message]) : {};

    for (const at of new Set([...Object.keys(a), ...Object.keys(b)])) {
      nodes++;
      if (a[at] !== b[at])
        fail(`${message} ${at || '(payload)'}: schema ${a[at] || 'has none'}, ` +
          `table ${b[at] || 'has none'}`);
    }
  }
  console.log(`tables: ${messages.size} payloads, ${nodes} members and elements compared`);
}

// {key: {message, label, text}}, each text once.
function collect(models, into, source) {
  for (const [message, model] of Object.entries(models))
    for (const [label, payload] of payloads(model)) {
      const text = toText(payload);
      const key = `${message} ${text}`;
      if (!into.has(key)) into.set(key, { message, label: `${source}: ${label}`, text });
    }
}

function collectSamples(into) {
  const lines = run(judge, ['--samples', '25'], '').trim().split('\n');

  for (const line of lines) {
    const { action, direction } = JSON.parse(line);
    const text = line.slice(line.indexOf(',"payload":') + 11, -1);
    into.set(`${action}.${direction} ${text}`,
      { message: `${action}.${direction}`, label: 'sample', text, sample: true });
  }
  return lines.length;
}

function judgeAll(cases) {
  const lines = cases.map(({ message, text }) => {
    const [action, direction] = message.split('.');
    return `{"action":"${action}","direction":"${direction}","payload":${text}}\n`;
  });
  return run(judge, [], lines.join('')).trim().split('\n').map((line) => JSON.parse(line));
}

function compareVerdicts(ajv, cases) {
  const verdicts = judgeAll(cases);
  const counts = { accepted: 0, refused: 0, exact: 0, tolerated: 0, unusable: 0 };

  if (verdicts.length !== cases.length) fail(`${cases.length} cases, ${verdicts.length} verdicts`);
  cases.forEach(({ message, label, text, sample }, i) => {
    const validate = ajv.getSchema(`urn:${message}`);
    const accepted = validate(JSON.parse(text));
    const { verdict, code } = verdicts[i];
    const short = text.length > 200 ? `${text.slice(0, 200)}…` : text;

    counts[accepted ? 'accepted' : 'refused']++;
    counts[verdict]++;
    if (accepted !== (verdict === 'exact'))
      fail(`${message} ${label}: schema ${accepted ? 'accepts' : 'refuses'}, ` +
        `we say ${verdict} ${code}: ${short}`);
    else if (sample && !accepted) fail(`${message}: our own sample is refused: ${short}`);
    else if (!accepted && !codesOf(validate.errors, text).includes(code))
      fail(`${message} ${label}: we say ${code}, ` +
        `the schema ${validate.errors.map((e) => e.message)}: ${short}`);
  });
  console.log(`verdicts: ${cases.length} payloads; schema: ${counts.accepted} accepted, ` +
    `${counts.refused} refused; ours: ${counts.exact} exact, ${counts.tolerated} tolerated, ` +
    `${counts.unusable} unusable`);
}

// ajv accepts these, we do not; each with its reason.
const EXCEPTIONS = [
  { reason: 'draft 4, the official dialect: a number with a fraction is no integer',
    applies: (node) => node.type === 'integer', values: ['12.0', '1e2', '12.50e2'],
    code: 'TypeConstraintViolation' },
  { reason: 'RFC 3339 wants T, and a colon in the offset; ajv-formats does not',
    applies: (node) => node.format === 'date-time',
    values: ['"2026-01-31 12:00:00Z"', '"2026-01-31T12:00:00+02"', '"2026-01-31T12:00:00+0200"'],
    code: 'PropertyConstraintViolation' },
  { reason: 'RFC 3986 wants a port of digits and one @; ajv-formats reads // as a path too',
    applies: (node) => node.format === 'uri',
    values: ['"http://host:port/"', '"http://host:80x"', '"http://a@b@c/"'],
    code: 'PropertyConstraintViolation' },
  { reason: 'no int64 holds it',
    applies: (node) => node.type === 'integer', values: ['9223372036854775808', '-1e19'],
    code: '' },
  { reason: 'no count of millionths holds it',
    applies: (node) => node.type === 'number', values: ['1e15', '100000000000000000000'],
    code: '' },
];

function compareExceptions(ajv, models) {
  for (const { reason, applies, values, code } of EXCEPTIONS) {
    const cases = [];

    for (const [message, model] of Object.entries(models))
      for (const [at, node, , set] of places(model))
        for (const value of applies(node) ? values : []) {
          const payload = make(model, 'all');
          set(payload, new Raw(value));
          cases.push({ message, label: at, text: toText(payload) });
        }
    const verdicts = judgeAll(cases);
    cases.forEach(({ message, label, text }, i) => {
      if (!ajv.getSchema(`urn:${message}`)(JSON.parse(text)))
        fail(`${message} ${label}: no exception any more (${reason}): ${text}`);
      if (verdicts[i].verdict === 'exact' || verdicts[i].code !== code ||
          verdicts[i].beyond !== (code === ''))
        fail(`${message} ${label}: ${JSON.stringify(verdicts[i])}, though ${reason}: ${text}`);
    });
    console.log(`exception: ${cases.length} payloads: ${reason}`);
  }
}

function main() {
  const ajv = new Ajv({ allErrors: true, multipleOfPrecision: 6, strict: true });
  const theirs = {};
  const ours = {};
  const cases = new Map();

  addFormats(ajv);
  ajv.addSchema(schemas);
  for (const schema of schemas) theirs[schema.$id.replace(/^urn:/, '')] = fromSchema(schema);
  for (const [message, table] of Object.entries(JSON.parse(run(describe, [], ''))))
    ours[message] = fromTable(table);

  compareTables(theirs, ours);
  const samples = collectSamples(cases);
  collect(theirs, cases, 'from the schema');
  collect(ours, cases, 'from the table');
  console.log(`payloads: ${samples} samples of ours, ${cases.size} different ones in all`);
  const known = [...cases.values()].filter(({ message }) => theirs[message] && ours[message]);
  compareVerdicts(ajv, known);
  compareExceptions(ajv, ours);

  for (const text of failures.slice(0, 50)) console.log(`DIFFERENCE ${text}`);
  console.log(`${failures.length} differences`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

main();
