// Whoever asks for nothing for a while has to sign in again. A little before, the page says so, with a button to stay;
// afterwards it says that what is typed is still there. What is done in another window of this browser counts too.

// At most half the limit; the server notes when somebody was seen to the minute.
const SAYS_BEFORE = 180_000;
const EVERY = 10_000;
const KEY = 'portal-seen';

let seen = Date.now();

const kept = () => {
  try {
    return Number(localStorage.getItem(KEY)) || 0;
  } catch {
    return 0; // the browser keeps nothing: this window alone counts
  }
};

// The portal has answered something that the person asked for.
export function wasSeen() {
  seen = Date.now();
  try {
    localStorage.setItem(KEY, String(seen));
  } catch {
    // as above
  }
}

// <div id="idle" data-idle="seconds" hidden>, in it [data-before] with a form, and [data-after].
export function watchIdle() {
  const notice = document.getElementById('idle');
  if (!notice) return;
  const limit = Number(notice.dataset.idle) * 1000;
  const [before, after] = ['[data-before]', '[data-after]'].map((part) => notice.querySelector(part));
  const show = () => {
    const left = limit - (Date.now() - Math.max(seen, kept()));
    notice.hidden = left > Math.min(SAYS_BEFORE, limit / 2);
    before.hidden = left <= 0;
    after.hidden = left > 0;
  };
  wasSeen();
  before.querySelector('form').addEventListener('submit', async (event) => {
    event.preventDefault();
    const { action } = event.target;
    const answer = await fetch(action, { method: 'POST', body: new FormData(event.target) }).catch(() => null);
    if (answer?.ok) wasSeen();
    show();
  });
  document.addEventListener('htmx:afterRequest', ({ detail }) => {
    if (detail.successful && detail.requestConfig?.verb === 'post') wasSeen();
  });
  document.addEventListener('visibilitychange', show);
  setInterval(show, EVERY);
}
