import { find, make } from './dom.js';

// showStack draws what is deployed. It does not change while the console runs.
export function showStack({ groups, outputs, unsupported }) {
  find('#groups').append(...groups.map(({ name, resources }) => make('details', { class: 'group' },
    make('summary', {}, make('b', {}, name), make('span', { class: 'soft' }, ` ${resources.length}`)),
    make('ul', { class: 'plain' }, ...resources.map(resource)))));
  for (const { name, value } of outputs) find('#outputs').append(make('div', {}, make('dt', {}, name), make('dd', {}, words(value))));
  if (!unsupported?.length) return;
  const limits = find('#limits');
  limits.hidden = false;
  limits.querySelector('summary').textContent = `${unsupported.length} settings are not supported on one machine`;
  limits.querySelector('ul').append(...unsupported.map((line) => make('li', {}, line)));
}

function resource({ type, name, region, facts }) {
  const list = facts.map(({ name: fact, value }) => make('span', { class: 'fact' }, `${fact} `, make('code', {}, words(value, ', '))));
  return make('li', {}, make('p', {}, make('b', {}, name), make('span', { class: 'soft' }, ` ${type} in ${region}`)), list.length ? make('p', { class: 'soft' }, ...list) : undefined);
}

// words writes a value for people: one line for each item of an output.
function words(value, between = '\n') {
  if (Array.isArray(value)) return value.map((item) => words(item, ', ')).join(between);
  if (value === null || typeof value !== 'object') return String(value);
  return Object.entries(value).map(([name, item]) => `${name}: ${words(item, ', ')}`).join(between);
}
