import { bytes, call, find, keep, make, sources, text, toast } from './dom.js';
import { showAlarms } from './alarms.js';
import { refresh, seen, startPictures } from './pictures.js';
import { addRequests, startRequests } from './requests.js';
import { showStack } from './stack.js';
import { startViewers } from './viewers.js';
import { startViews } from './views.js';

// figures draws the counters.
function figures({ stats, sources: counts }) {
  const percent = stats.requests ? `${Math.floor((1000 * stats.hits) / stats.requests) / 10} %` : 'none yet';
  const all = [
    ['Requests', stats.requests.toLocaleString()],
    ['Cache hits', percent],
    ['Function runs', stats.functionCalls.toLocaleString()],
    ['Origin reads', stats.originReads.toLocaleString()],
    ['Refused, 4xx', stats.errors4xx.toLocaleString()],
    ['Failed, 5xx', stats.errors5xx.toLocaleString()],
    ['In the cache', `${stats.cacheObjects.toLocaleString()}, ${bytes(stats.cacheBytes)}`],
  ];
  keep(find('#figures'), all, ([name]) => name, ([name]) => {
    const value = make('dd');
    return { element: make('div', {}, make('dt', {}, name), value), update: ([, now]) => text(value, now) };
  });
  way(counts);
}

// way draws how many answers each stage of a request's way gave.
function way(counts) {
  const all = Object.keys(sources).map((source) => ({ source, count: counts[source] || 0 }));
  keep(find('#way'), all, ({ source }) => source, ({ source }) => {
    const element = make('span', { class: source });
    return { element, update: ({ count }) => { element.style.flexGrow = count; element.hidden = count === 0; } };
  });
  keep(find('#legend'), all, ({ source }) => source, ({ source }) => {
    const value = make('b');
    return {
      element: make('li', {}, make('i', { class: source, 'aria-hidden': 'true' }), sources[source], ' ', value),
      update: ({ count }) => text(value, count.toLocaleString()),
    };
  });
}

// watch asks the console for what is new, again and again.
async function watch(after) {
  const connection = find('#connection');
  const state = (name, words) => {
    connection.className = `connection ${name}`;
    text(connection, words);
  };
  try {
    const news = await call('GET', `news?after=${after}`);
    state('live', 'live');
    figures(news);
    showAlarms(news.alarms);
    if (news.requests.length) {
      after = news.requests.at(-1).number;
      addRequests(news.requests, news.missed);
      seen(news.requests);
    }
  } catch {
    state('lost', 'not connected');
  }
  setTimeout(watch, 500, after);
}

try {
  const stack = await call('GET', 'stack');
  showStack(stack);
  startRequests();
  startViews(stack);
  startViewers(stack, () => refresh().catch((problem) => toast(problem.message, true)));
  startPictures(stack);
  watch(0);
  await refresh();
} catch (problem) {
  toast(problem.message, true);
}
