import { find, keep, make, span, text } from './dom.js';

const order = { alarm: 0, nodata: 1, ok: 2, unmeasured: 3 };
const words = { alarm: 'alarm', nodata: 'no data', ok: 'ok', unmeasured: 'not measured' };

// showAlarms draws the alarms, what needs a look first.
export function showAlarms(alarms) {
  const measured = alarms.filter(({ state }) => state !== 'unmeasured').sort((a, b) => order[a.state] - order[b.state] || a.name.localeCompare(b.name));
  keep(find('#alarm-list'), measured, ({ name }) => name, alarm);
  const rest = alarms.filter(({ state }) => state === 'unmeasured');
  const details = find('#unmeasured');
  details.hidden = rest.length === 0;
  text(details.querySelector('summary'), `${rest.length} more cannot be measured on one machine`);
  keep(details.querySelector('ul'), rest, ({ name }) => name, ({ name, reason }) => ({
    element: make('li', {}, make('b', {}, name), make('span', { class: 'soft' }, ` ${reason}`)),
    update() {},
  }));
  const ringing = alarms.filter(({ state }) => state === 'alarm').length;
  find('#alarm-count').hidden = ringing === 0;
  text(find('#alarm-count'), String(ringing));
}

function alarm({ name, description, region }) {
  const state = make('span', { class: 'state' });
  const value = make('span', { class: 'value' });
  const rule = make('p', { class: 'soft' });
  const suffix = `-${region}`;
  const title = name.endsWith(suffix) ? [make('b', {}, name.slice(0, -suffix.length)), ' ', make('span', { class: 'soft region' }, region)] : [make('b', {}, name)];
  const [what, remedy] = description.split(' What to do: ');
  const element = make('li', { class: 'alarm' },
    make('details', {},
      make('summary', {}, state, make('span', {}, ...title), value),
      make('p', {}, what),
      remedy ? make('p', {}, make('b', {}, 'What to do: '), remedy) : undefined,
      rule));
  return {
    element,
    update(now) {
      element.dataset.state = now.state;
      text(state, words[now.state]);
      text(value, now.value === null ? 'no data' : quantity(now.metric, now.value));
      const times = now.periods > 1 ? `, ${now.periods} times in a row` : '';
      text(rule, `Rings when the ${now.statistic.toLowerCase()} of ${now.metric} over ${span(now.periodSeconds)} is ${now.comparison} ${quantity(now.metric, now.threshold)}${times}. Region ${region}.`);
    },
  };
}

function quantity(metric, value) {
  const number = Number(value.toFixed(value < 10 ? 1 : 0)).toLocaleString();
  if (/Rate$/.test(metric)) return `${number} %`;
  return metric === 'Duration' ? `${number} ms` : number;
}
