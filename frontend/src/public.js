// A file is compared with a letter's digests in the browser, where it can compute one: then it is not sent anywhere.

const canCompare = () => window.isSecureContext && Boolean(window.crypto?.subtle);

async function digestOf(file) {
  const bytes = await window.crypto.subtle.digest('SHA-256', await file.arrayBuffer());
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function showOnly(form, shown) {
  for (const part of form.querySelectorAll('.compared > *')) part.hidden = !shown.includes(part);
}

async function compare(form, file) {
  const part = (name) => form.querySelector(`.compared > .${name}`);
  if (file.size === 0) return showOnly(form, [part('empty')]);
  if (file.size > Number(form.dataset.limit)) return showOnly(form, [part('too-large')]);
  showOnly(form, [part('working')]);
  try {
    const digest = await digestOf(file);
    const same = form.dataset.compare.split(' ').includes(digest);
    part('digest').querySelector('.mono').textContent = digest;
    showOnly(form, [part(same ? 'same' : 'different'), part('digest')]);
  } catch {
    showOnly(form, [part('unread')]);
  }
}

export function watchComparisons() {
  if (!canCompare()) return;
  for (const form of document.querySelectorAll('form[data-compare]')) {
    const chooser = form.querySelector('input[type=file]');
    for (const part of form.querySelectorAll('.where')) part.hidden = part.classList.contains('sent');
    form.addEventListener('submit', (event) => event.preventDefault());
    chooser.addEventListener('change', () => (chooser.files.length ? compare(form, chooser.files[0]) : showOnly(form, [])));
  }
}
