// model.js - one form for both sides: what an official schema says, and what our tables say.
//
// A model is a tree of nodes {type, max, enum, format, step, minItems, closed, items, members};
// members is {name: {required, node}}.  Only what is set is there, so that nodes compare by text.
'use strict';

function fromSchema(schema, root = schema) {
  if (schema.$ref) return fromSchema(resolve(schema.$ref, root), root);
  const node = { type: schema.type };
  if (schema.maxLength !== undefined) node.max = schema.maxLength;
  if (schema.enum) node.enum = [...schema.enum].sort();
  if (schema.format) node.format = schema.format;
  if (schema.multipleOf !== undefined) node.step = schema.multipleOf;
  if (schema.minItems !== undefined) node.minItems = schema.minItems;
  refuseUnknownRules(schema);
  if (schema.type === 'array') node.items = fromSchema(schema.items, root);
  if (schema.type === 'object') {
    node.closed = schema.additionalProperties === false;
    node.members = {};
    for (const [name, member] of Object.entries(schema.properties || {}))
      node.members[name] = {
        required: (schema.required || []).includes(name),
        node: fromSchema(member, root),
      };
  }
  return node;
}

function resolve(ref, root) {
  return ref.replace(/^#\//, '').split('/').reduce((at, name) => at[name], root);
}

// A rule that this comparison does not know would make it silently incomplete.
function refuseUnknownRules(schema) {
  const known = ['$id', '$schema', 'title', 'description', 'type', 'maxLength', 'enum', 'format',
    'multipleOf', 'minItems', 'items', 'additionalProperties', 'properties', 'required',
    'definitions', 'javaType'];
  for (const key of Object.keys(schema))
    if (!known.includes(key)) throw new Error(`the schemas use a rule unknown here: ${key}`);
}

const SIMPLE = { int: 'integer', bool: 'boolean', decimal: 'number' };

function fromField(field) {
  const text = { type: 'string' };
  if (field.max !== undefined) text.max = field.max;
  switch (field.kind) {
    case 'int':
    case 'bool':
      return { type: SIMPLE[field.kind] };
    case 'decimal':
      return { type: 'number', step: field.stepMicro / 1e6 };
    case 'time':
      return { type: 'string', format: 'date-time' };
    case 'enum':
      return { type: 'string', enum: [...field.enum].sort() };
    case 'string':
      return field.format ? { ...text, format: field.format } : text;
    case 'object':
      return fromTable(field.members);
    case 'strings':
    case 'objects': {
      const node = { type: 'array' };
      if (field.minItems !== undefined) node.minItems = field.minItems;
      node.items = field.kind === 'strings' ? text : fromTable(field.members);
      return node;
    }
    default:
      throw new Error(`the tables use a kind unknown here: ${field.kind}`);
  }
}

// Our decoder takes every member without a row for a deviation: closed.
function fromTable(table) {
  const node = { type: 'object', closed: true, members: {} };
  for (const [name, field] of Object.entries(table))
    node.members[name] = { required: field.required, node: fromField(field) };
  return node;
}

// {path: "rules as text"} for each node; paths like meterValue[].sampledValue[].unit
function flatten(node, path = '', required = true, into = {}) {
  const { items, members, ...rules } = node;
  into[path] = JSON.stringify({ required, ...Object.fromEntries(Object.entries(rules).sort()) });
  if (items) flatten(items, `${path}[]`, true, into);
  for (const [name, member] of Object.entries(members || {}))
    flatten(member.node, path === '' ? name : `${path}.${name}`, member.required, into);
  return into;
}

module.exports = { fromSchema, fromTable, flatten };
