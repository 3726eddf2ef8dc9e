// <form data-refresh="address">: on every change the form is posted there and replaced by the answer, so that
// questions which depend on others come and go. The form has an id, and the answer may be the whole page with it.
// Without JavaScript the form's own "refresh" button does the same.

const isRefreshed = (element) => element instanceof HTMLFormElement && 'refresh' in element.dataset;

export function watchForms(htmx) {
  document.addEventListener('change', ({ target }) => {
    const form = target.form;
    if (!isRefreshed(form) || target.type === 'file') return;
    form.noValidate = true; // an unfinished form may be refreshed
    htmx.ajax('POST', form.dataset.refresh, { source: form, target: form, select: `#${form.id}`, swap: 'outerHTML' });
  });
  keepFiles();
  sayWhenAway();
}

// Chosen files are not sent to a refresh, and their inputs outlive it: a script cannot fill a file input.
function keepFiles() {
  document.addEventListener('htmx:configRequest', ({ detail }) => {
    if (!isRefreshed(detail.elt)) return;
    for (const input of detail.elt.querySelectorAll('input[type=file]')) detail.formData.delete(input.name);
  });
  document.addEventListener('htmx:beforeSwap', ({ detail }) => {
    if (!isRefreshed(detail.target)) return;
    const chosen = [...detail.target.querySelectorAll('input[type=file]')].filter((input) => input.files.length);
    const restore = () => {
      for (const input of chosen) document.getElementById(input.id)?.replaceWith(input);
    };
    document.addEventListener('htmx:afterSwap', restore, { once: true });
  });
}

// The page keeps what was typed; the hidden notice with id "away" says that the portal did not answer.
function sayWhenAway() {
  const show = (hidden) => () => {
    const notice = document.getElementById('away');
    if (notice) notice.hidden = hidden;
  };
  for (const name of ['htmx:sendError', 'htmx:timeout', 'htmx:responseError']) document.addEventListener(name, show(false));
  document.addEventListener('htmx:afterSwap', show(true));
}
