// <details class="menu">: closed by Escape or a click elsewhere. <button data-print>: prints the page.

const open = () => document.querySelectorAll('details.menu[open]');

export function watchMenus() {
  document.addEventListener('click', ({ target }) => {
    for (const menu of open()) if (!menu.contains(target)) menu.open = false;
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    for (const menu of open()) {
      menu.open = false;
      menu.querySelector('summary').focus();
    }
  });
}

export function watchPrint() {
  document.addEventListener('click', ({ target }) => {
    if (target.closest('[data-print]')) window.print();
  });
}
