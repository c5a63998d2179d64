import { bytes, find, make, toast, upload } from './dom.js';

// startUploads lets photos be dropped on the page, or chosen.
export function startUploads(folders, maxUpload, done) {
  const folder = find('#folder');
  for (const { name, access } of folders) folder.append(make('option', { value: name }, name ? `${name} (${access})` : 'the bucket itself'));
  const drop = find('#drop');
  const files = find('#files');
  let queue = Promise.resolve();
  const add = (list) => {
    for (const file of list) {
      const into = folder.value; // as it is now, not when its turn comes
      const shown = progress(file, into);
      queue = queue.then(() => send(file, into, maxUpload, shown)).then((sent) => sent && done()).catch((problem) => toast(problem.message, true));
    }
  };
  find('#choose').addEventListener('click', () => files.click());
  files.addEventListener('change', () => {
    add(files.files);
    files.value = '';
  });
  drop.addEventListener('submit', (event) => event.preventDefault());
  // Without this a photo that misses the field would replace the page.
  addEventListener('dragover', (event) => {
    event.preventDefault();
    drop.classList.toggle('over', drop.contains(event.target) || event.target.closest?.('#pictures') !== null);
  });
  addEventListener('dragleave', (event) => { if (!event.relatedTarget) drop.classList.remove('over'); });
  addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    if (event.target.closest?.('#pictures')) add(event.dataTransfer.files);
  });
}

// progress is the line of one upload.
function progress(file, folder) {
  const bar = make('progress', { max: 1, value: 0, 'aria-label': `Upload of ${file.name}` });
  const words = make('span', { class: 'soft' }, 'waiting');
  const element = make('li', {}, make('b', {}, folder ? `${folder}/${file.name}` : file.name), bar, words);
  find('#uploads').append(element);
  return {
    at(part) {
      bar.value = part;
      words.textContent = part < 1 ? `${Math.round(part * 100)} % of ${bytes(file.size)}` : 'storing';
    },
    end: () => element.remove(),
    fail(message) {
      bar.remove();
      element.classList.add('wrong');
      words.textContent = message;
      words.setAttribute('role', 'alert');
      element.append(make('button', { type: 'button', class: 'small', onclick: () => element.remove() }, 'Dismiss'));
    },
  };
}

// send uploads one file and reports whether it went well.
async function send(file, folder, maxUpload, shown) {
  if (file.size > maxUpload) {
    shown.fail(`The picture has ${bytes(file.size)}; the console takes ${bytes(maxUpload)} at most.`);
    return false;
  }
  try {
    const { key } = await upload(`pictures?folder=${encodeURIComponent(folder)}&name=${encodeURIComponent(file.name)}`, file, shown.at);
    shown.end();
    toast(`${key} is uploaded.`);
    return true;
  } catch (problem) {
    shown.fail(problem.message);
    return false;
  }
}
