// Keys on a page with <table data-keys>: j and k move from row to row and put the focus on the row's .go, so that Enter
// follows it and a screen reader says it; c claims (form[data-claim]), x chooses ([data-choose]); "/" goes to the search
// field everywhere, "?" shows <dialog id="keys">, which tells them all.
// Single keys can be switched off with a [data-keys-switch] button (WCAG 2.1.4); the choice is this browser's.

const SETTING = 'portal.keys';

export function watchKeys() {
  showSwitch();
  document.addEventListener('click', ({ target }) => {
    if (target.closest('[data-keys-help]')) help();
    if (!target.closest('[data-keys-switch]')) return;
    remember(isOff() ? 'on' : 'off');
    showSwitch();
  });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || isOff()) return;
    if (document.querySelector('dialog[open]')) return;
    const act = ACTS[event.key];
    if (act?.(document.querySelector('table[data-keys]'))) event.preventDefault();
  });
}

const ACTS = {
  '/': () => focus([...document.querySelectorAll('input[type=search]')].find((input) => input.offsetParent)),
  '?': help,
  j: (table) => table && move(table, 1),
  k: (table) => table && move(table, -1),
  c: (table) => table && press(table, 'form[data-claim] button'),
  x: (table) => table && press(table, '[data-choose]'),
};

function move(table, step) {
  const rows = [...table.tBodies[0].rows];
  const here = rows.indexOf(document.activeElement.closest('tr'));
  const row = rows[here < 0 ? 0 : Math.min(Math.max(here + step, 0), rows.length - 1)];
  return focus(row?.querySelector('.go'));
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

function help() {
  const dialog = document.getElementById('keys');
  dialog?.showModal();
  return Boolean(dialog);
}

// What is ticked or pressed takes no letters: there the keys work.
function isTyping(element) {
  const takesNone = ['checkbox', 'radio', 'button', 'submit'].includes(element.type);
  return element.isContentEditable || (['INPUT', 'TEXTAREA', 'SELECT'].includes(element.tagName) && !takesNone);
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
