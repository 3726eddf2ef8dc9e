// The inbox on top of plain HTML: how many rows are chosen, what has arrived since the page was made, and filters that
// fold on a phone.

const EVERY = 60_000;
const NARROW = '(max-width: 40em)';

export function watchInbox() {
  watchChosen();
  watchArrivals();
  foldFilters();
}

function watchChosen() {
  const button = document.querySelector('[data-claim-chosen]');
  if (!button) return;
  const boxes = [...document.querySelectorAll('[data-choose]')];
  const all = document.querySelector('[data-choose-all]');
  const show = () => {
    const count = boxes.filter((box) => box.checked).length;
    button.textContent = count ? button.dataset.counted.replace('{n}', count) : button.dataset.text;
    if (!all) return;
    all.checked = count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
  };
  document.addEventListener('change', ({ target }) => {
    if (target === all) for (const box of boxes) box.checked = all.checked;
    show();
  });
  show(); // a page that the browser brings back remembers what was ticked
}

// <div data-arrivals="where to ask" data-url="where they are shown">: asks each minute while the page is looked at, and
// stops when nobody is signed in any more or nobody answers. It never loads the page by itself.
function watchArrivals() {
  const bar = document.querySelector('[data-arrivals]');
  if (!bar) return;
  let asked = Date.now();
  const timer = setInterval(async () => {
    if (document.hidden || Date.now() - asked < EVERY) return;
    asked = Date.now();
    const news = await arrivals(bar.dataset.arrivals);
    if (!news) clearInterval(timer);
    else if (news.count) tell(bar, news.text);
  }, EVERY / 12);
}

async function arrivals(address) {
  try {
    const answer = await fetch(address, { redirect: 'manual', headers: { Accept: 'application/json' } });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

// The same words again are not said again.
function tell(bar, text) {
  if (bar.textContent === text) return;
  const link = document.createElement('a');
  link.href = bar.dataset.url;
  link.textContent = text;
  bar.replaceChildren(link);
}

function foldFilters() {
  const fold = document.querySelector('details[data-fold]');
  if (!fold) return;
  const narrow = matchMedia(NARROW);
  fold.open = !narrow.matches;
  narrow.addEventListener('change', () => { fold.open = !narrow.matches; }); // unfolded, its summary is not there
}
