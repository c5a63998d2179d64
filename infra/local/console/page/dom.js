// Small tools of the page. Whatever strangers wrote (keys, paths) only ever
// becomes text: the page's rules forbid turning strings into markup.

const base = new URL('.', import.meta.url).pathname.replace(/\/$/, '');
const token = document.querySelector('meta[name=console-token]').content;

export const find = (selector) => document.querySelector(selector);

// make builds an element: attributes, then children, strings being text.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

// text sets an element's text if it changed, so that what is selected stays so.
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

export const api = (path) => `${base}/api/${path}`;

// call talks to the console and throws the sentence that it answers with when
// something is wrong.
export async function call(method, path, body) {
  let response;
  try {
    response = await fetch(api(path), {
      method,
      headers: { 'X-Console-Token': token, ...(body && { 'Content-Type': 'application/json' }) },
      body: body && JSON.stringify(body),
    });
  } catch {
    throw new Error('The console does not answer. Does it still run?');
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(sentence(answer.error || `The console answered ${response.status}`));
  return answer;
}

// view asks for a picture as a browser would get it, and for what came with it.
export async function view(what) {
  const response = await fetch(api('views'), {
    method: 'POST', headers: { 'X-Console-Token': token, 'Content-Type': 'application/json' }, body: JSON.stringify(what),
  });
  if (!response.ok) throw new Error(sentence((await response.json().catch(() => ({}))).error || `The console answered ${response.status}`));
  return { fetched: JSON.parse(response.headers.get('X-Fetched')), picture: response.status === 200 ? await response.blob() : undefined };
}

// upload sends a file and tells of its progress, from 0 to 1.
export function upload(path, file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', api(path));
    request.setRequestHeader('X-Console-Token', token);
    request.responseType = 'json';
    request.upload.addEventListener('progress', (event) => progress(event.loaded / event.total));
    request.addEventListener('error', () => reject(new Error('The upload broke off.')));
    request.addEventListener('load', () => {
      if (request.status === 201) resolve(request.response);
      else reject(new Error(sentence(request.response?.error || `The console answered ${request.status}`)));
    });
    request.send(file);
  });
}

const sentence = (s) => s.charAt(0).toUpperCase() + s.slice(1) + (/[.?!]$/.test(s) ? '' : '.');

let fading;

// toast says what happened; screen readers hear it, too.
export function toast(message, wrong = false) {
  const element = find('#toast');
  element.textContent = message;
  element.classList.toggle('wrong', wrong);
  element.classList.add('shown');
  clearTimeout(fading);
  fading = setTimeout(() => element.classList.remove('shown'), wrong ? 12000 : 5000);
}

export function bytes(n) {
  if (n < 1000) return `${n} B`;
  if (n < 1e6) return `${(n / 1e3).toFixed(n < 1e4 ? 1 : 0)} kB`;
  if (n < 1e9) return `${(n / 1e6).toFixed(1)} MB`;
  return `${(n / 1e9).toFixed(1)} GB`;
}

export function took(milliseconds) {
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 10000) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

// span writes a time in seconds by its two greatest units.
export function span(seconds) {
  const parts = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const words = [];
  for (const [size, unit] of parts) {
    const n = Math.floor(seconds / size);
    if (n > 0 || (words.length === 0 && size === 1)) words.push(`${n} ${unit}`);
    else if (words.length > 0) break;
    seconds -= n * size;
    if (words.length === 2) break;
  }
  return words.join(' ');
}

export const clock = (time) => new Date(time).toLocaleTimeString(undefined, { hour12: false });

export const sources = {
  gate: 'Gate', cache: 'Cache', function: 'Function', url: 'Function URL', s3: 'S3', cloudfront: 'CloudFront',
};

// chip is the mark of where an answer came from.
export const chip = (source) => make('span', { class: `chip ${source}` }, sources[source] || source);

// keep makes a list's children follow data: one child for each key, made once,
// updated in place, in order.
export function keep(list, items, keyOf, create) {
  list.known ??= new Map();
  const known = list.known;
  const wanted = new Set(items.map(keyOf));
  for (const [key, child] of known) {
    if (!wanted.has(key)) {
      child.element.remove();
      known.delete(key);
    }
  }
  items.forEach((item, n) => {
    let child = known.get(keyOf(item));
    if (!child) {
      child = create(item);
      known.set(keyOf(item), child);
    }
    child.update(item);
    if (list.children[n] !== child.element) list.insertBefore(child.element, list.children[n] || null);
  });
}
