// Keys on a page with <table data-keys>: j and k move from row to row, Enter follows the row's .go, c claims
// (form[data-claim]), t transfers ([data-transfer]); "/" goes to the search field everywhere.
// Single keys can be switched off with a [data-keys-switch] button (WCAG 2.1.4); the choice is this browser's.

const SETTING = 'portal.keys';

export function watchKeys() {
  showSwitch();
  document.addEventListener('click', ({ target }) => {
    if (!target.closest('[data-keys-switch]')) return;
    remember(isOff() ? 'on' : 'off');
    showSwitch();
  });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || isOff()) return;
    const act = ACTS[event.key];
    if (act?.(document.querySelector('table[data-keys]'))) event.preventDefault();
  });
}

const ACTS = {
  '/': () => focus([...document.querySelectorAll('input[type=search]')].find((input) => input.offsetParent)),
  j: (table) => table && move(table, 1),
  k: (table) => table && move(table, -1),
  Enter: (table) => document.activeElement.tagName === 'TR' && press(table, '.go'),
  c: (table) => table && press(table, 'form[data-claim] button'),
  t: (table) => table && press(table, '[data-transfer]'),
};

function move(table, step) {
  const rows = [...table.tBodies[0].rows];
  const here = rows.indexOf(document.activeElement.closest('tr'));
  const row = rows[here < 0 ? 0 : Math.min(Math.max(here + step, 0), rows.length - 1)];
  if (row) row.tabIndex = -1;
  return focus(row);
}

function press(table, selector) {
  const row = document.activeElement.closest('tr');
  const target = row && table.contains(row) && row.querySelector(selector);
  target?.click();
  return Boolean(target);
}

function focus(element) {
  element?.focus();
  return Boolean(element);
}

function isTyping(element) {
  return element.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(element.tagName);
}

function isOff() {
  try {
    return localStorage.getItem(SETTING) === 'off';
  } catch {
    return false; // storage is forbidden: the keys work and cannot be switched off for good
  }
}

function remember(value) {
  try {
    localStorage.setItem(SETTING, value);
  } catch {
    // storage is forbidden
  }
}

function showSwitch() {
  for (const button of document.querySelectorAll('[data-keys-switch]')) {
    button.setAttribute('aria-pressed', String(!isOff()));
    button.textContent = isOff() ? button.dataset.off : button.dataset.on;
  }
}
