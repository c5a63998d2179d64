import { api, bytes, call, chip, find, keep, make, span, text, toast, took } from './dom.js';
import { startUploads } from './uploads.js';
import { address, needsTicket, roomOf, viewer } from './viewers.js';
import { openViews } from './views.js';

let links = new Map(); // by path: what to update when an answer is seen
const answers = new Map(); // by path: the last answer, the one longest ago first
const remembered = 2000; // strangers choose paths
let waiting;

// lives are the choices for a new link, in seconds; 0 is the longest.
const lives = [[60, '1 minute'], [600, '10 minutes'], [3600, '1 hour'], [86400, '1 day'], [604800, '7 days']];

export function startPictures({ linkTtlSeconds, folders, maxUpload }) {
  const life = find('#life');
  for (const [seconds, name] of lives.filter(([seconds]) => seconds < linkTtlSeconds)) life.append(make('option', { value: seconds }, name));
  life.append(make('option', { value: 0, selected: true }, `${span(linkTtlSeconds)}, the longest`));
  startUploads(folders, maxUpload, refresh);
  setInterval(() => links.forEach((link) => link.tick()), 1000);
  // What others issue, revoke or upload shows up, too.
  setInterval(() => { if (!document.hidden) refresh().catch(() => {}); }, 15000);
}

// refresh reads the bucket and its links anew.
export async function refresh() {
  const { pictures, total } = await call('GET', 'pictures');
  links = new Map();
  keep(find('#cards'), pictures, ({ key }) => key, card);
  let note = '';
  if (total === 0) note = 'The bucket is empty.';
  else if (total > pictures.length) note = `The newest ${pictures.length} of ${total} objects are shown.`;
  text(find('#pictures-note'), note);
}

// soon refreshes once, however many ask.
function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(() => refresh().catch((problem) => toast(problem.message, true)), 300);
}

// seen notes what viewers got, for the links that are or will be on the page.
export function seen(requests) {
  for (const request of requests) {
    const path = plain(request.path);
    answers.delete(path);
    answers.set(path, request);
    if (answers.size > remembered) answers.delete(answers.keys().next().value);
    links.get(path)?.answered(request);
  }
}

function plain(path) {
  const [before] = path.split('?');
  try {
    return decodeURIComponent(before);
  } catch {
    return before;
  }
}

// act runs what a button stands for: once at a time, and saying what went wrong.
async function act(button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (problem) {
    toast(problem.message, true);
  }
  button.disabled = false;
}

function card(picture) {
  const { key } = picture;
  const cut = key.lastIndexOf('/') + 1;
  const thumbnail = make('div', { class: 'thumbnail' });
  const facts = make('p', { class: 'soft facts' });
  const list = make('ul', { class: 'links', 'aria-label': `Links of ${key}` });
  const issue = make('button', { type: 'button', class: 'primary', 'aria-label': `Issue a link for ${key}`, onclick: () => act(issue, () => issueLink(key)) }, 'Issue link');
  const revoke = make('button', { type: 'button', 'aria-label': `Revoke all links of ${key}`, onclick: () => act(revoke, () => revokeLinks(key)) }, 'Revoke all');
  const actions = make('div', { class: 'actions' }, issue, revoke);
  const element = make('li', { class: 'card', 'data-key': key },
    thumbnail,
    make('div', { class: 'body' },
      make('h3', { title: key }, make('span', { class: 'soft' }, key.slice(0, cut)), key.slice(cut)),
      facts, list, actions));
  let version;
  let known = [];
  return {
    element,
    update(now) {
      // A link that is gone before its end was revoked, by whomever: the latest of them stay on the page.
      const there = new Set(now.links.map(({ url }) => url));
      const gone = known.filter(({ url, expiresAt }) => !there.has(url) && new Date(expiresAt) > Date.now());
      known = [...now.links, ...gone.slice(0, 3).map((link) => ({ ...link, state: 'revoked' }))];
      if (version !== now.version) {
        version = now.version;
        thumbnail.replaceChildren(image(now));
      }
      const access = now.access === 'none' ? 'no service' : needsTicket(key) ? 'private, with a ticket' : now.access;
      text(facts, `${access} · ${bytes(now.bytes)}`);
      actions.hidden = now.access !== 'private';
      revoke.hidden = now.links.filter(({ state }) => state === 'live').length < 2;
      keep(list, known, ({ url }) => url, (link) => row(key, link));
      list.hidden = known.length === 0;
    },
  };
}

function image({ key, version }) {
  const element = make('img', { alt: '', loading: 'lazy', decoding: 'async', src: api(`thumbnail?key=${encodeURIComponent(key)}&version=${encodeURIComponent(version)}`) });
  element.addEventListener('error', () => element.replaceWith(make('span', { class: 'soft' }, 'no thumbnail')));
  return element;
}

// row is one link of a picture.
function row(key, { hash, url }) {
  const name = hash ? `${hash.slice(0, 8)}…` : 'public address';
  const anchor = make('a', { href: url, target: '_blank', rel: 'noopener noreferrer', title: url, 'aria-label': `Open ${name} of ${key} in a new tab` }, name);
  const left = make('span', { class: 'left' });
  const last = make('span');
  const fetch = make('button', { type: 'button', class: 'small', title: 'Fetch through the CDN, without the browser\'s cache', 'aria-label': `Fetch ${name} of ${key}`, onclick: () => act(fetch, () => fetchLink(key, hash)) }, 'Fetch');
  const revoke = make('button', { type: 'button', class: 'small', 'aria-label': `Revoke ${name} of ${key}`, onclick: () => act(revoke, async () => {
    await revokeLinks(key, hash);
    anchor.focus();
  }) }, 'Revoke');
  const sizes = make('button', { type: 'button', class: 'small', 'aria-label': `View ${name} of ${key} in all sizes`, onclick: () => openViews(key, hash, url) }, 'View');
  const download = make('a', { class: 'button small', href: `${url}/download`, 'aria-label': `Download ${name} of ${key}` }, 'Download');
  const element = make('li', { class: 'link', 'data-hash': hash }, make('p', {}, anchor, left), make('p', { class: 'last' }, last),
    make('p', { class: 'tools' }, ...(hash ? [sizes, download] : []), fetch, revoke));
  let link = {};
  const shown = {
    element,
    tick() {
      if (link.state === 'live' || link.state === 'expired') {
        const seconds = (new Date(link.expiresAt) - Date.now()) / 1000;
        if (seconds <= 0) link.state = 'expired';
        text(left, seconds > 0 ? `${span(seconds)} left` : 'expired');
        left.classList.toggle('soon', seconds < 120);
      } else {
        text(left, link.state === 'public' ? 'for good' : 'revoked');
      }
      element.dataset.state = link.state;
      revoke.hidden = link.state !== 'live' || !hash;
      sizes.hidden = download.hidden = link.state !== 'live';
    },
    answered(request) {
      if (link.last && link.last.number >= request.number) return;
      link.last = request;
      last.replaceChildren(chip(request.source), ` ${verdict(request)} `, make('span', { class: 'soft' }, took(request.milliseconds)));
      element.dataset.status = request.status;
      element.dataset.result = request.result;
    },
    update(now) {
      const before = link.last;
      link = { ...now, last: before };
      anchor.href = address(now.url, key);
      download.href = address(`${now.url}/download`, key);
      const path = plain(new URL(now.url).pathname);
      links.set(path, shown);
      shown.tick();
      if (answers.has(path)) shown.answered(answers.get(path));
      else if (!before) last.replaceChildren(make('span', { class: 'soft' }, 'not fetched yet'));
    },
  };
  return shown;
}

// verdict says what became of a request, hit or miss first.
function verdict({ result, status }) {
  if (status >= 500) return `failed, ${status}`;
  if (status >= 400) return `refused, ${status}`;
  const words = { Hit: 'hit', RefreshHit: 'hit after a check', Miss: 'miss' }[result];
  if (!words) return String(status);
  return status === 200 ? words : `${words}, ${status}`;
}

async function issueLink(key) {
  const known = new Set([...document.querySelectorAll('.link')].map(({ dataset }) => dataset.hash));
  const { hash, expiresAt } = await call('POST', 'links', { key, ttlSeconds: Number(find('#life').value), audience: roomOf(key) });
  await refresh();
  const left = span((new Date(expiresAt) - Date.now()) / 1000 + 1);
  toast(known.has(hash) ? `The picture's link has enough life left, so it is given out again: ${left}.` : `A new link, for ${left}.`);
}

async function revokeLinks(key, hash) {
  const { revoked } = await call('POST', 'revocations', { key, ...(hash && { hash }) });
  await refresh();
  toast(`${revoked === 1 ? 'The link is revoked' : `${revoked} links are revoked`}, and CloudFront forgot its copy. A browser that saw the picture may still have its own.`);
}

async function fetchLink(key, hash) {
  const { status, xCache, age, bytes: size, milliseconds } = await call('POST', 'fetches', hash ? { hash, ticket: viewer()?.ticket } : { key });
  toast(`${status}, ${xCache}${age ? `, ${age} s old` : ''}: ${bytes(size)} in ${took(milliseconds)}.`);
  soon();
}
