import { bytes, chip, clock, find, make, sources, took } from './dom.js';

const shown = 150; // rows
let held = false;
let recent = []; // the latest first, also while the table stands still

export function startRequests() {
  const source = find('#source');
  for (const [value, name] of Object.entries(sources)) source.append(make('option', { value }, name));
  source.addEventListener('change', draw);
  const hold = find('#hold');
  hold.addEventListener('click', () => {
    held = !held;
    hold.setAttribute('aria-pressed', held);
    hold.textContent = held ? 'Go on' : 'Pause';
    draw();
  });
}

// addRequests takes new requests, the oldest first.
export function addRequests(requests, missed) {
  if (recent.length && requests[0].number <= recent[0].number) recent = []; // the console was restarted
  if (missed && recent.length) requests = [{ missed, number: requests[0].number - 0.5 }, ...requests];
  recent = [...requests.reverse(), ...recent].slice(0, 500);
  if (!held) draw();
}

function draw() {
  if (held && find('#log').children.length) return;
  const source = find('#source').value;
  const rows = recent.filter((request) => request.missed || !source || request.source === source).slice(0, shown);
  const body = find('#log');
  const known = new Map([...body.children].map((row) => [row.dataset.number, row]));
  body.replaceChildren(...rows.map((request) => known.get(String(request.number)) || row(request)));
  find('#log-empty').hidden = rows.length > 0;
}

function row(request) {
  if (request.missed) {
    return make('tr', { class: 'missed', 'data-number': request.number }, make('td', { colspan: 7 }, `${request.missed.toLocaleString()} more came too fast to be shown`));
  }
  const { number, time, method, path, status, result, source, note, milliseconds } = request;
  return make('tr', { 'data-number': number, class: status >= 500 ? 'failed' : status >= 400 ? 'refused' : '' },
    make('td', {}, make('time', { datetime: time }, clock(time))),
    make('td', {}, chip(source)),
    make('td', { class: 'status' }, String(status)),
    make('td', { class: 'path', title: path }, method === 'GET' ? '' : `${method} `, path, note ? make('span', { class: 'note' }, note) : ''),
    make('td', { class: 'wide soft' }, result),
    make('td', { class: 'number' }, took(milliseconds)),
    make('td', { class: 'number wide soft' }, bytes(request.bytes)));
}
