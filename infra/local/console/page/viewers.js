import { call, find, make, toast } from './dom.js';

const viewers = []; // who was signed in on this page, and is not for ever
let services = []; // whose viewers need tickets

// startViewers shows who looks at the pictures, where services ask for tickets. changed is called when that is another.
export function startViewers({ folders }, changed) {
  services = folders.filter(({ viewers: needed }) => needed === 'ticket').map(({ name }) => name);
  if (services.length === 0) return;
  for (const element of document.querySelectorAll('.of-viewers')) element.hidden = false;
  find('#audiences').append(...services.map((name) => make('label', {}, make('input', { type: 'checkbox', value: name }), ` ${name}, for its links without a room`)));
  find('#rooms').placeholder = `${services[0]}/room-42`;
  find('#viewer').addEventListener('change', () => { tools(); changed(); });
  find('#sign-in').addEventListener('click', () => find('#signing-in').showModal());
  find('#sign-in-not').addEventListener('click', () => find('#signing-in').close());
  find('#sign-in-form').addEventListener('submit', (event) => { event.preventDefault(); act(signIn, changed); });
  find('#sign-out').addEventListener('click', () => act(signOut, changed));
}

// viewer is who looks, if somebody is signed in; he may have signed out.
export const viewer = () => viewers[Number(find('#viewer').value) - 1];

// needsTicket says whether a link of the key asks for more than itself.
export const needsTicket = (key) => services.includes(key.split('/', 1)[0]);

// roomOf is the audience that a new link of the key is bound to, empty for its whole service.
export function roomOf(key) {
  const room = find('#room').value.trim();
  return room && needsTicket(key) ? `${key.split('/', 1)[0]}/${room}` : '';
}

// address is a link's for this browser: with the ticket, unless the browser sends the cookie.
export function address(url, key) {
  const who = viewer();
  if (!who || !needsTicket(key) || who.cookieDomain && `.${location.hostname}`.endsWith(`.${who.cookieDomain}`)) return url;
  return `${url}?ticket=${encodeURIComponent(who.ticket)}`;
}

async function act(work, changed) {
  try {
    await work();
    tools();
    changed();
  } catch (problem) {
    toast(problem.message, true);
  }
}

async function signIn() {
  const audiences = [...find('#audiences').querySelectorAll('input:checked')].map(({ value }) => value);
  audiences.push(...find('#rooms').value.split(/[\s,]+/).filter(Boolean));
  const who = await call('POST', 'viewers', { viewer: find('#name').value, audiences });
  viewers.push(who);
  find('#viewer').append(make('option', { value: viewers.length }, `${who.viewer}: ${audiences.join(', ')}`));
  find('#viewer').value = viewers.length;
  find('#signing-in').close();
  find('#sign-in-form').reset();
  toast(`${who.viewer} is signed in and has a ticket.`);
}

async function signOut() {
  const who = viewer();
  await call('POST', 'signouts', { session: who.session, cookieDomain: who.cookieDomain });
  who.ended = true;
  find('#viewer').selectedOptions[0].textContent += ' (signed out)';
  toast(`The session of ${who.viewer} is ended: the ticket opens nothing any more.`);
}

function tools() {
  find('#sign-out').hidden = !viewer() || viewer().ended === true;
}
