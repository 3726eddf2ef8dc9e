// <form data-keep="address">: what is typed is kept while one types and when one leaves, and at once what the page came
// back with and is kept nowhere (data-unsaved). It is posted to the address, without new files, asking for JSON. The
// answer is {said, seen}: what #kept says from then on, and the mark (_seen) by which the page goes. With 409 it was not
// kept: another window has kept what has the mark `seen`, and [data-keep-now] puts this page's in its place; or, without
// `seen`, there is nothing to keep it for any more. When the portal does not answer, or nobody is signed in, it is tried
// again. What was sent before and is not answered yet is posted along (_under.name): it may be what is kept by now.
// Without JavaScript the buttons of the page keep it.

import { wasSeen } from './idle.js';

const PAUSE = 1500; // milliseconds without a key
const AGAIN = 10000; // until it is tried again
const LATE = 4000; // until it is said that no answer comes
const LEFT = 'left-unkept'; // in sessionStorage: the address of what was still being kept when this window left its page
const ARRIVED = [300, 1200]; // milliseconds after which what was kept as one left has arrived

export function watchKeeping() {
  const form = document.querySelector('form[data-keep]');
  if (!form) return;
  new Keeping(form).watch();
  if (new URL(form.action).pathname === location.pathname) {
    asksAfresh();
    catchUp(form);
  }
  // A page that comes back out of the browser's memory may be older than what was kept.
  addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
}

function posted(form) {
  const data = new FormData(form);
  for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
  return data;
}

function withUnheard(data, unheard) {
  const body = new FormData();
  for (const [name, value] of data) body.append(name, value);
  for (const [name, value] of unheard ?? []) body.append(`_under.${name}`, value);
  return body;
}

const answersIn = (data) => JSON.stringify([...data].filter(([name]) => !name.startsWith('_') && name !== 'csrf_token'));

const isSignedOut = (answer) => answer.type === 'opaqueredirect' || [400, 401].includes(answer.status);

class Keeping {
  constructor(form) {
    this.form = form;
    this.status = document.getElementById('kept');
    this.kept = 'unsaved' in form.dataset ? '' : answersIn(posted(form));
    this.timer = 0;
    this.under = null; // the keeping that is under way
    this.unheard = null; // what was sent last, while no answer has come
    this.left = ''; // the answers that were sent as one was leaving
    this.others = ''; // the mark of what another window has kept, until the person decides
    this.over = false; // the form has been sent, or there is nothing to keep it for
    this.signedOut = false;
    this.failed = false; // what was typed last could not be kept
  }

  watch() {
    for (const name of ['input', 'htmx:afterSwap']) this.form.addEventListener(name, () => this.keepAfter(PAUSE));
    this.form.addEventListener('click', (event) => this.press(event));
    this.form.addEventListener('submit', (event) => this.submit(event));
    // A link or a reload asks for its page before this one is hidden: what is kept should be there first.
    addEventListener('beforeunload', (event) => {
      const isKept = !this.failed || this.over || answersIn(posted(this.form)) === this.kept;
      if (!isKept) event.preventDefault(); // the browser asks whether to stay
      this.keep(true);
    });
    document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && this.keep(true));
    if (!this.kept) this.keep();
  }

  keepAfter(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), pause);
  }

  // One after the other: each goes by the mark that the one before was answered. Whoever leaves cannot wait for that.
  keep(leaving = false) {
    clearTimeout(this.timer);
    const before = this.under ?? Promise.resolve();
    const sent = leaving ? this.send(true) : before.then(() => this.send());
    const mine = Promise.all([before, sent]).finally(() => {
      if (this.under === mine) this.under = null;
    });
    this.under = mine;
  }

  async send(leaving = false) {
    const data = posted(this.form);
    const answers = answersIn(data);
    if (this.over || this.others || answers === this.kept || (leaving && answers === this.left)) return;
    if (leaving) {
      sessionStorage.setItem(LEFT, this.form.dataset.keep);
      this.left = answers;
    }
    const body = withUnheard(data, this.unheard);
    this.unheard = data;
    const late = setTimeout(() => this.miss(this.status.dataset.away), LATE);
    try {
      const answer = await this.post(body, leaving);
      if (this.unheard !== data) return; // what was sent after it counts
      this.signedOut = isSignedOut(answer);
      if (this.signedOut) return this.tryAgain(this.status.dataset.signedOut);
      this.take(answer.ok, await answer.json(), answers);
      this.unheard = null;
      if (!leaving) sessionStorage.removeItem(LEFT);
    } catch {
      if (this.unheard === data) this.tryAgain(this.status.dataset.away);
    } finally {
      clearTimeout(late);
    }
  }

  post(body, keepalive) {
    const request = { method: 'POST', body, headers: { Accept: 'application/json' }, redirect: 'manual' };
    const answer = fetch(this.form.dataset.keep, { ...request, keepalive });
    // What outlives its page may be 64 KB; of more one can only hope that it gets through.
    return keepalive ? answer.catch(() => fetch(this.form.dataset.keep, request)) : answer;
  }

  take(isKept, { said, seen }, answers) {
    this.failed = !isKept;
    this.say(said, !isKept);
    if (isKept) {
      this.form.elements._seen.value = seen;
      this.kept = answers;
      wasSeen();
    } else if (seen) {
      this.others = seen;
    } else {
      this.over = true;
    }
  }

  tryAgain(said) {
    this.left = '';
    this.miss(said);
    this.keepAfter(AGAIN);
  }

  miss(said) {
    this.failed = true;
    this.say(said, true);
  }

  say(said, isWrong) {
    this.status.textContent = said;
    this.status.classList.toggle('wrong', isWrong);
  }

  press(event) {
    if (!event.target.closest('[data-keep-now]')) return;
    if (this.over || this.signedOut) return; // the button posts the form: the page that comes says what can be done
    event.preventDefault();
    if (this.others) this.form.elements._seen.value = this.others;
    this.others = '';
    this.kept = '';
    this.keep();
  }

  submit(event) {
    clearTimeout(this.timer);
    if (this.under) {
      // What is sent must go by what has just been kept.
      event.preventDefault();
      this.under.then(() => this.form.requestSubmit(event.submitter));
    } else if (!this.over) {
      this.over = true;
      setTimeout(() => this.stay(), AGAIN);
    }
  }

  // The form was sent, but the page is still here: a file was given out, or the browser was stopped.
  stay() {
    this.over = false;
    this.keep();
  }
}

// A page that answered the posted form is asked for afresh when one comes back to it or reloads it: what is there was
// kept. Without this the browser would ask whether to send the form again.
function asksAfresh() {
  history.replaceState(history.state, '', location.href);
}

// Reloaded in the middle of typing, a page may be faster than what is kept as one leaves: then it is shown once more.
async function catchUp(form) {
  if (sessionStorage.getItem(LEFT) !== form.dataset.keep || 'unsaved' in form.dataset) return;
  sessionStorage.removeItem(LEFT);
  const before = answersIn(posted(form));
  let leaves = false; // to show the page once more would stop the way to another one
  addEventListener('beforeunload', () => {
    leaves = true;
  });
  for (const pause of ARRIVED) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    const now = await fetch(location.href, { headers: { Accept: 'text/html' } }).catch(() => null);
    const shown = now?.ok && new DOMParser().parseFromString(await now.text(), 'text/html').getElementById(form.id);
    if (leaves || answersIn(posted(form)) !== before) return; // the person goes or types on
    if (shown && shown.elements._seen.value !== form.elements._seen.value) return location.reload();
  }
}
