// #viewer: files and letters are shown beside the form (hx-target="#viewer"). The focus goes there, and back to what
// was pressed when it is closed, by its button or by Escape.

export function watchViewer() {
  const panel = document.getElementById('viewer-panel');
  if (!panel) return;
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
