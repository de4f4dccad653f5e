// payloads.js - payloads made of a model: valid ones, and one change for each rule of each node.
'use strict';

// A value whose JSON spelling matters.
class Raw {
  constructor(text) {
    this.text = text;
  }

  toJSON() {
    return `\u0001${encodeURIComponent(this.text)}\u0001`;
  }
}

const toText = (payload) => JSON.stringify(payload)
  .replace(/"\\u0001([^\\]*)\\u0001"/g, (all, text) => decodeURIComponent(text));

const TIMES = [
  '2026-01-31T12:00:00Z', '2026-01-31t12:00:00z', '2026-01-31T12:00:00.123456789Z',
  '2026-01-31T20:00:00+08:00', '2026-01-31T12:00:00-00:00', '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z', '2024-02-29T00:00:00Z', '2016-12-31T23:59:60Z',
  '2017-01-01T05:29:60+05:30', '2016-12-31T18:59:60-05:00', '2026-01-31T12:00:00+14:00',
  '2026-01-31T12:00:00', '2026-01-31T12:00Z', '2026-01-31T12:00:00,5Z', '2026-01-31T12:00:00.Z',
  '2026-02-29T00:00:00Z', '2026-02-30T00:00:00Z', '2026-04-31T00:00:00Z', '2026-00-01T00:00:00Z',
  '2026-13-01T00:00:00Z', '2026-01-00T00:00:00Z', '2026-01-31T24:00:00Z', '2026-01-31T12:60:00Z',
  '2026-01-31T12:00:61Z', '2026-01-31T12:00:60Z', '2026-01-31T23:59:60+01:00',
  '2026-01-31T12:00:00+24:00', '2026-01-31T12:00:00+01:60', '2026-01-31', '12:00:00Z',
  '1769860800', '', ' 2026-01-31T12:00:00Z', '2026-01-31T12:00:00Z ', '222222017-01-01T00:00:00Z',
  '2026-1-31T12:00:00Z', '20260131T120000Z', 'now', '2026-01-31T12:00:00+1',
  '2026-01-31T12:00:00ZZ',
];

const URIS = [
  'ftp://user:pw@example.com:21/logs/a%20b.tar?x=1&y=/#top', 'https://example.com',
  'http://192.0.2.7:8080/a', 'http://[2001:db8::1]:80/a', 'http://[::ffff:192.0.2.7]/',
  'http://[v1.a:b]/', 'http://host:/a', 'http:///path', 'http://host?q', 'http://host#f',
  'mailto:a@example.com', 'urn:isbn:0451450523', 'file:/etc/motd', '', 'example.com/a', '/path',
  '://host', '1http://host', 'ht tp://host', 'http://host/a b', 'http://host/a%2',
  'http://host/%zz',
  'http://ho st/', 'http://[::1/', 'http://[::g]/', 'http://[]/',
  'http://host/#a#b', 'http://host/<a>', 'http://host/"', 'http://host/\\',
  'http://host/é', 'http://host/{id}', 'http://host/a\n', 'plain',
];

const INTEGERS = ['0', '-1', '-0', '1', '2147483647', '2147483648', '-2147483649',
  '9007199254740993', '1.5', '-0.5'];

const DECIMALS = ['0', '-0.1', '0.3', '8.1', '21.4', '16.10', '81e-1', '1e2', '100000.7', '8.15',
  '8.01', '0.05', '8.100001', '-8.15'];

const OTHER_TYPES = [null, 1, 1.5, 'x', '1', true, {}, []].map((v) => [JSON.stringify(v), v]);

const letters = (count) => 'é'.repeat(count);
const plugs = (count) => '🔌'.repeat(count);

function makeString(node, size) {
  if (node.enum) return node.enum[size === 'least' ? 0 : node.enum.length - 1];
  if (node.format === 'date-time') return '2026-01-31T12:00:00.000Z';
  if (node.format === 'uri') return 'ftp://example.com/a';
  if (size === 'least') return '';
  return size === 'largest' ? letters(node.max || 3000) : letters(Math.min(node.max || 9, 9));
}

// size: least (required members only), all, largest
function make(node, size) {
  switch (node.type) {
    case 'string':
      return makeString(node, size);
    case 'integer':
      return size === 'largest' ? 2147483647 : 1;
    case 'number':
      return size === 'largest' ? 1000000.1 : 16.1;
    case 'boolean':
      return size !== 'least';
    case 'array': {
      const count = size === 'largest' ? 4 : Math.max(1, node.minItems || 0);
      return Array.from({ length: count }, () => make(node.items, size));
    }
    default:
      return Object.fromEntries(Object.entries(node.members)
        .filter(([, member]) => member.required || size !== 'least')
        .map(([name, member]) => [name, make(member.node, size)]));
  }
}

// The values that a node's own rules are tried with: [label, value].
function trials(node) {
  const list = OTHER_TYPES.map(([label, value]) => [`type ${label}`, value]);
  const add = (label, values) => values.forEach((v) => list.push([`${label} ${v.text || v}`, v]));

  if (node.enum) {
    add('enum', node.enum);
    add('enum other case', node.enum.map((v) => v.toLowerCase()));
    add('enum other case', node.enum.map((v) => v.toUpperCase()));
    add('enum blank', node.enum.map((v) => `${v} `));
    add('enum unknown', ['', 'Unheard.Of']);
  } else if (node.format === 'date-time') {
    add('time', TIMES);
  } else if (node.format === 'uri') {
    add('uri', URIS);
  } else if (node.max !== undefined) {
    list.push(['length max', letters(node.max)], ['length max + 1', letters(node.max + 1)],
      ['length max of four bytes', plugs(node.max)], ['length + 1', plugs(node.max + 1)],
      ['length max ASCII', 'x'.repeat(node.max)], ['length + 1', 'x'.repeat(node.max + 1)],
      ['length 0', '']);
  } else if (node.type === 'string') {
    list.push(['length 0', ''], ['length 20000', letters(20000)]);
  }
  if (node.type === 'integer') add('integer', INTEGERS.map((text) => new Raw(text)));
  if (node.type === 'number') add('number', DECIMALS.map((text) => new Raw(text)));
  if (node.type === 'array') {
    for (const count of [0, 1, 3, 100])
      list.push([`array of ${count}`,
        Array.from({ length: count }, () => make(node.items, 'all'))]);
    list.push(['array with null', [make(node.items, 'all'), null]]);
  }
  return list;
}

// Every node of a payload with all members, as [path, node, place]: place(root, value) sets it,
// or with undefined removes it.
function* places(node, path = '', get = (root) => root, set = null) {
  yield [path, node, get, set];
  if (node.type === 'array')
    yield* places(node.items, `${path}[0]`, (root) => get(root)[0], (root, v) => {
      get(root)[0] = v;
    });
  for (const [name, member] of Object.entries(node.members || {}))
    yield* places(member.node, `${path}.${name}`, (root) => get(root)[name], (root, v) => {
      if (v === undefined) delete get(root)[name];
      else get(root)[name] = v;
    });
}

function* changes(model) {
  const fresh = () => make(model, 'all');
  const changed = (set, value) => {
    const root = fresh();
    set(root, value);
    return root;
  };

  for (const [label, value] of OTHER_TYPES) yield [`payload ${label}`, value];
  for (const [path, node, get, set] of places(model)) {
    if (node.type === 'object') {
      const root = fresh();
      get(root).unheardOf = 1;
      yield [`${path} unknown member`, root];
    }
    if (set === null) continue;
    if (!path.endsWith(']')) {
      yield [`${path} removed`, changed(set, undefined)];
      yield* otherCase(path, fresh());
    }
    for (const [label, value] of trials(node)) yield [`${path} ${label}`, changed(set, value)];
  }
}

// The member under a name of another case.
function* otherCase(path, root) {
  const names = path.split('.').slice(1);
  const last = names.pop();
  let at = root;

  for (const name of names) at = name.endsWith('[0]') ? at[name.slice(0, -3)][0] : at[name];
  at[last.toUpperCase()] = at[last];
  delete at[last];
  yield [`${path} in capitals`, root];
}

function* payloads(model) {
  for (const size of ['least', 'all', 'largest']) yield [`valid ${size}`, make(model, size)];
  yield* changes(model);
}

module.exports = { payloads, toText, places, make, Raw };
