// <div data-tabs>: a <nav> of links to sections below it becomes tabs (WAI-ARIA): one section at a time, arrow keys, Home
// and End. The address keeps the open one (#file-history); a link to something inside a section opens that section.
// Without JavaScript all sections stand one below the other, and the links lead to them.

export function watchTabs() {
  for (const box of document.querySelectorAll('[data-tabs]')) dress(box);
  openFragment();
  addEventListener('hashchange', openFragment);
  // A section that was shown anew is dressed as the one before.
  document.addEventListener('htmx:afterSwap', ({ detail }) => {
    document.querySelectorAll('[data-tabs]').forEach(dress);
    if (detail.target?.closest('[data-tabs], [role=tabpanel]')) focusAnew(detail.target.id);
  });
  document.addEventListener('click', ({ target }) => {
    const link = target.closest('a[href^="#"]');
    if (link && link.hash === location.hash) openFragment(); // no hashchange comes
  });
}

// What was pressed is gone with the old section: the focus stays in it, at what is wrong if anything is.
function focusAnew(id) {
  const panel = document.getElementById(id);
  if (document.activeElement === document.body) (panel?.querySelector('[aria-invalid=true]') ?? panel)?.focus();
}

const tabsOf = (box) => [...box.querySelectorAll(':scope > nav a')];
const panelOf = (tab) => document.getElementById(tab.hash.slice(1));

function dress(box) {
  const tabs = tabsOf(box);
  if (!tabs.length) return;
  const list = tabs[0].parentElement;
  if (list.getAttribute('role') !== 'tablist') {
    list.setAttribute('role', 'tablist');
    list.addEventListener('click', (event) => {
      const tab = event.target.closest('a');
      if (!tab) return;
      event.preventDefault();
      open(box, tab, true);
    });
    list.addEventListener('keydown', (event) => move(box, event));
  }
  for (const tab of tabs) {
    const panel = panelOf(tab);
    tab.id = `tab-${panel.id}`;
    tab.setAttribute('role', 'tab');
    tab.setAttribute('aria-controls', panel.id);
    panel.setAttribute('role', 'tabpanel');
    panel.setAttribute('aria-labelledby', tab.id);
    panel.tabIndex = 0;
  }
  open(box, tabs.find((tab) => tab.getAttribute('aria-selected') === 'true') ?? tabs[0], false);
}

function open(box, chosen, remember) {
  for (const tab of tabsOf(box)) {
    const is = tab === chosen;
    tab.setAttribute('aria-selected', String(is));
    tab.tabIndex = is ? 0 : -1;
    panelOf(tab).hidden = !is;
  }
  if (remember) history.replaceState(history.state, '', chosen.hash);
  const list = chosen.parentElement;
  const out = chosen.offsetLeft < list.scrollLeft || chosen.offsetLeft + chosen.offsetWidth > list.scrollLeft + list.clientWidth;
  if (out) list.scrollLeft = chosen.offsetLeft - list.clientWidth / 3;
}

function move(box, event) {
  const tabs = tabsOf(box);
  const here = tabs.indexOf(document.activeElement);
  const steps = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: tabs.length - 1 };
  if (here < 0 || !(event.key in steps) || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const tab = tabs[(steps[event.key] + tabs.length) % tabs.length];
  open(box, tab, true);
  tab.focus();
}

function openFragment() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const panel = target && target.closest('[role=tabpanel]');
  if (!panel) return;
  const tab = document.getElementById(panel.getAttribute('aria-labelledby'));
  open(panel.closest('[data-tabs]'), tab, false);
  if (target !== panel) target.scrollIntoView({ block: 'center' });
  if (target.matches('input, textarea, select')) target.focus();
}
