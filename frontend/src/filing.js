// What is typed into a form with data-keeps is kept while one types, and when one leaves: the form is posted with
// _go=keep, without new files. The answer says by which mark the page goes from then on. Without JavaScript every
// button of the page keeps it.

const AFTER = 1500; // milliseconds without a key
const AGAIN = 10000; // until it tries again
const LEFT = 'left-unkept'; // in sessionStorage: the form that was still being kept when this window left it
const ARRIVED = [300, 1200]; // milliseconds after which what was kept as one left has arrived

function posted(form) {
  const data = new FormData(form);
  for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
  data.delete('_over');
  data.set('_go', 'keep');
  return data;
}

const saidBy = (data) => JSON.stringify([...data].filter(([name]) => !name.startsWith('_') && name !== 'csrf_token'));

export function keepForms() {
  for (const form of document.querySelectorAll('form[data-keeps]')) {
    asksAfresh(form);
    keep(form);
    catchUp(form);
  }
  // A page that comes back out of the browser's memory may be older than what was kept.
  window.addEventListener('pageshow', ({ persisted }) => persisted && document.querySelector('form[data-keeps]') && location.reload());
}

// A page that answered the posted form is asked for afresh when one comes back to it or reloads it: what is there was
// kept. Without this the browser would ask whether to send the form again.
function asksAfresh(form) {
  const here = new URL(location.href);
  if (new URL(form.action).pathname !== here.pathname) return;
  if (form.elements._to) here.searchParams.set('to', form.elements._to.value);
  history.replaceState(history.state, '', here);
}

const nameOf = (form) => new URL(form.action).pathname;

// Reloaded in the middle of typing, a page may be faster than what is kept as one leaves: then it is shown once more.
async function catchUp(form) {
  if (sessionStorage.getItem(LEFT) !== nameOf(form)) return;
  sessionStorage.removeItem(LEFT);
  const before = saidBy(posted(form));
  for (const pause of ARRIVED) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    const now = await fetch(location.href, { headers: { Accept: 'text/html' } }).catch(() => null);
    const shown = now?.ok && new DOMParser().parseFromString(await now.text(), 'text/html').getElementById(form.id);
    if (saidBy(posted(form)) !== before) return; // the person types on
    if (shown && shown.elements._seen.value !== form.elements._seen.value) return location.reload();
  }
}

function keep(form) {
  const said = document.getElementById('kept');
  let kept = saidBy(posted(form));
  let timer = 0;
  let over = false; // the page is being left, or another window has kept something else
  let under = null; // the keeping that is under way

  function tell(text) {
    if (said) said.textContent = text;
  }

  function tryAgain(text) {
    tell(text);
    clearTimeout(timer);
    timer = setTimeout(() => keepNow(), AGAIN);
  }

  async function send(leaving) {
    const data = posted(form);
    const now = saidBy(data);
    if (over || now === kept) return;
    if (leaving) sessionStorage.setItem(LEFT, nameOf(form));
    try {
      // What is sent while one leaves may be 64 KB; more is kept by the buttons alone.
      const answer = await fetch(form.action, { method: 'POST', body: data, keepalive: leaving, headers: { Accept: 'application/json' } });
      if ([400, 401].includes(answer.status)) return tryAgain(said?.dataset.signedOut);
      const told = await answer.json();
      tell(told.said);
      over = !answer.ok;
      if (answer.ok) form.elements._seen.value = told.seen;
      kept = now;
      if (!leaving) sessionStorage.removeItem(LEFT);
    } catch {
      tryAgain(said?.dataset.failed);
    }
  }

  function keepNow(leaving = false) {
    clearTimeout(timer);
    const before = under ?? Promise.resolve();
    const mine = before.then(() => send(leaving)).finally(() => {
      if (under === mine) under = null;
    });
    under = mine;
  }

  form.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => keepNow(), AFTER);
  });
  form.addEventListener('submit', (event) => {
    clearTimeout(timer);
    if (under) {
      // What is sent must go by what has just been kept.
      event.preventDefault();
      under.then(() => form.requestSubmit(event.submitter));
    } else {
      over = true;
    }
  });
  // A link or a reload asks for its page before this one is hidden: what is kept should be there first.
  window.addEventListener('beforeunload', () => keepNow(true));
  document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && keepNow(true));
}
