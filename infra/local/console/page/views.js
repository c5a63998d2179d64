import { bytes, find, make, took, view } from './dom.js';
import { address, viewer } from './viewers.js';

let variants = []; // of the stack, narrow ones first
let shown = 0; // counts what the dialog was asked to show: answers for what it showed before are late
let urls = []; // of the pictures that are shown

export function startViews(stack) {
  variants = stack.variants;
  const dialog = find('#views');
  find('#views-close').addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', clear);
  find('#format').addEventListener('change', () => draw(dialog.link));
}

// openViews shows a link's picture, and its variants, as a browser gets them.
export function openViews(key, hash, url) {
  const dialog = find('#views');
  dialog.link = { key, hash, url };
  find('#views-title').textContent = key;
  dialog.showModal();
  draw(dialog.link);
}

function clear() {
  shown++;
  for (const url of urls) URL.revokeObjectURL(url);
  urls = [];
  find('#tiles').replaceChildren();
}

// draw asks for one picture after the other, so that each one's time is its own.
async function draw({ key, hash, url }) {
  clear();
  const turn = shown;
  const format = find('#format').value;
  const tiles = [{ name: '', definition: 'the photo as it was uploaded' }, ...variants].map((variant) => ({ ...variant, ...tile(variant, key, url) }));
  find('#tiles').append(...tiles.map(({ element }) => element));
  for (const { name, frame, facts, element } of tiles) {
    let fetched;
    let picture;
    try {
      ({ fetched, picture } = await view({ hash, name, format, ticket: viewer()?.ticket }));
    } catch (problem) {
      fetched = { problem: problem.message };
    }
    if (turn !== shown) return;
    element.dataset.status = fetched.status;
    element.dataset.type = fetched.type;
    facts.replaceChildren(...words(fetched));
    frame.replaceChildren(picture ? image(picture, name) : make('span', { class: 'soft' }, fetched.problem ? 'no answer' : `${fetched.status}, no picture`));
  }
}

function tile({ name, definition }, key, url) {
  const frame = make('a', { class: 'frame', href: address(name ? `${url}/${name}` : url, key), target: '_blank', rel: 'noopener noreferrer', 'aria-label': `Open ${name || 'the photo'} in a new tab` });
  const facts = make('p', { class: 'facts soft' }, 'fetching');
  const element = make('li', { class: 'tile', 'data-name': name }, frame, make('h3', {}, name || 'photo'), make('p', { class: 'soft' }, definition.replaceAll(',', ', ')), facts);
  return { element, frame, facts };
}

function image(picture, name) {
  const url = URL.createObjectURL(picture);
  urls.push(url);
  return make('img', { src: url, alt: name || 'the photo' });
}

// words tell the bytes, the format, the time, and where the answer came from.
function words({ problem, status, type, bytes: size, milliseconds, xCache }) {
  if (problem) return [problem];
  const cache = xCache.replace(' from cloudfront', '').replace('RefreshHit', 'hit after a check').toLowerCase();
  const format = status === 200 ? type.replace('image/', '').toUpperCase() : String(status);
  return [make('b', {}, bytes(size)), ` ${format} · ${took(milliseconds)} · ${cache}`];
}
