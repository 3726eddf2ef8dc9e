// #viewer: files and letters are shown beside the form (hx-target="#viewer"). The focus goes there, and back to what
// was pressed when it is closed, by its button or by Escape. A letter may take seconds to be made: until it comes the
// panel says so (data-busy), and what it showed before comes back when nothing does.

export function watchViewer() {
  sayBroken();
  const panel = document.getElementById('viewer-panel');
  if (!panel) return;
  sayWhileWaiting(panel, document.getElementById('viewer'));
  let opener = null;
  document.addEventListener('htmx:afterSwap', ({ detail }) => {
    if (detail.target?.id !== 'viewer') return;
    opener = detail.requestConfig?.elt ?? opener;
    panel.hidden = false;
    panel.scrollIntoView({ block: 'nearest' });
    panel.focus({ preventScroll: true });
  });
  const close = () => {
    panel.hidden = true;
    document.getElementById('viewer').replaceChildren();
    opener?.focus();
  };
  panel.addEventListener('click', ({ target }) => target.closest('[data-close-viewer]') && close());
  panel.addEventListener('keydown', ({ key }) => key === 'Escape' && close());
}

// <img data-broken="words">: what stands in place of a picture that the browser cannot show.
function sayBroken() {
  const say = (image) => {
    if (!image.dataset?.broken) return;
    const words = document.createElement('p');
    words.className = 'notice n';
    words.setAttribute('role', 'status');
    words.textContent = image.dataset.broken;
    image.closest('.shown-picture').replaceWith(words);
  };
  document.addEventListener('error', ({ target }) => say(target), true); // errors of pictures do not bubble
  // It may have failed before this script ran.
  for (const image of document.querySelectorAll('img[data-broken]')) if (image.complete && !image.naturalWidth) say(image);
}

function sayWhileWaiting(panel, viewer) {
  let before = null;
  document.addEventListener('htmx:beforeSend', ({ detail }) => {
    if (detail.target !== viewer) return;
    before ??= { hidden: panel.hidden, shown: [...viewer.childNodes] };
    viewer.textContent = panel.dataset.busy;
    panel.hidden = false;
  });
  document.addEventListener('htmx:afterSwap', ({ detail }) => {
    if (detail.target === viewer) before = null;
  });
  // After an answer that was taken in nothing is left to bring back.
  document.addEventListener('htmx:afterRequest', ({ detail }) => {
    if (detail.target !== viewer || !before) return;
    viewer.replaceChildren(...before.shown);
    panel.hidden = before.hidden;
    before = null;
  });
}
