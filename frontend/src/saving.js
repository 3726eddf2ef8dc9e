// <form data-save="address">: what is typed is kept (暂存) while one types, and when one leaves, without new files; and at
// once what a page came back with and is kept nowhere (data-unsaved). It says so in #saving, and keeps trying when the
// portal does not answer. When another window has kept something else it waits until the person presses 暂存 again.
// Without JavaScript that button posts the form.

const PAUSE = 2000; // milliseconds after the last key
const AGAIN = 10000; // until it tries again

export function watchSaving() {
  const form = document.querySelector('form[data-save]');
  if (form) watch(form);
}

function watch(form) {
  const status = document.getElementById('saving');
  let timer = 0;
  let running = null;
  let dirty = false;
  let waiting = ''; // the mark of what another window has kept, until the person decides
  let leaving = false;

  const say = (text, wrong) => {
    status.textContent = text;
    status.classList.toggle('wrong', wrong);
  };

  function later(pause) {
    clearTimeout(timer);
    timer = setTimeout(save, pause);
  }

  async function send() {
    const mine = form.elements._seen;
    const answer = await fetch(form.dataset.save, {
      method: 'POST',
      body: posted(form),
      headers: { Accept: 'application/json' },
      redirect: 'manual',
    });
    if (answer.type === 'opaqueredirect' || answer.status === 401) return say(status.dataset.signedOut, true);
    const told = await answer.json();
    say(told.said, !answer.ok);
    if (answer.ok) mine.value = told.seen;
    else if (told.seen) waiting = told.seen;
    else leaving = true; // the task is over: there is nothing to keep it for
    return undefined;
  }

  function save() {
    clearTimeout(timer);
    if (waiting || leaving || running) return;
    dirty = false;
    running = send()
      .catch(() => {
        dirty = true;
        say(status.dataset.away, true);
      })
      .finally(() => {
        running = null;
        if (dirty) later(status.classList.contains('wrong') ? AGAIN : PAUSE);
      });
  }

  function typed({ target }) {
    if (target.type === 'file') return;
    dirty = true;
    later(PAUSE);
  }

  form.addEventListener('input', typed);
  form.addEventListener('change', typed);
  form.addEventListener('htmx:afterSwap', typed); // rows were added or removed
  form.addEventListener('click', (event) => {
    if (!event.target.closest('[data-save-now]')) return;
    event.preventDefault();
    if (waiting) form.elements._seen.value = waiting;
    waiting = '';
    save();
  });
  form.addEventListener('submit', () => {
    leaving = true;
    clearTimeout(timer);
  });
  addEventListener('pageshow', () => {
    leaving = false;
  });
  if ('unsaved' in form.dataset) typed({ target: form });
  addEventListener('pagehide', () => {
    // What is sent while one leaves may be 64 KB.
    if (dirty && !leaving && !waiting) {
      fetch(form.dataset.save, { method: 'POST', body: posted(form), headers: { Accept: 'application/json' }, keepalive: true }).catch(() => {});
    }
  });
}

function posted(form) {
  const data = new FormData(form);
  for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
  return data;
}
