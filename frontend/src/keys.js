// Keys on a page with <table data-keys>, one or several: j and k move from row to row and put the focus on the row's .go,
// so that Enter follows it and a screen reader says it; c claims (form[data-claim]), x chooses ([data-choose]); "/" goes
// to the search field everywhere, "?" shows <dialog id="keys">, which tells them all.
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
    if (event.key === 'Escape' && searched === event.target) leaveSearch(event);
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || isOff()) return;
    if (document.querySelector('dialog[open]')) return;
    if (ACTS[event.key]?.()) event.preventDefault();
  });
}

const ACTS = {
  '/': search,
  '?': help,
  j: () => move(1),
  k: () => move(-1),
  c: () => press('form[data-claim] button'),
  x: () => press('[data-choose]'),
};

const ROW = 'table[data-keys] > tbody > tr';

function move(step) {
  const rows = [...document.querySelectorAll(ROW)];
  const here = rows.indexOf(document.activeElement.closest(ROW));
  const row = rows[here < 0 ? 0 : Math.min(Math.max(here + step, 0), rows.length - 1)];
  return focus(row?.querySelector('.go'));
}

// Escape leads from the search field back to where "/" was pressed; what was typed into it is cleared first.
let searched = null;
let before = null;

function search() {
  before = document.activeElement;
  searched = [...document.querySelectorAll('input[type=search]')].find((input) => input.offsetParent);
  return focus(searched);
}

function leaveSearch(event) {
  if (searched.value) return;
  event.preventDefault();
  searched.blur();
  before?.focus();
}

function press(selector) {
  const target = document.activeElement.closest(ROW)?.querySelector(selector);
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
