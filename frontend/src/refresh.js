// A question on which others depend posts its form, and the answer takes the place of the form's body (.form-body).
// What a person types while the answer is under way stays. Without JavaScript the button 更新表单 does the same.

const bodyOf = (detail) => (detail.target?.classList.contains('form-body') ? detail.target : null);

// A row that was added or removed moves the others: what a cell then holds belongs to another one.
const movesRows = (detail) => detail.requestConfig?.elt?.name === '_table';

const isTyped = (control) => control.id && control.type !== 'hidden' && control.type !== 'file';

const stateOf = (control) => (['checkbox', 'radio'].includes(control.type) ? control.checked : control.value);

const statesIn = (body) =>
  new Map([...body.querySelectorAll('input, select, textarea')].filter(isTyped).map((control) => [control.id, stateOf(control)]));

function put(id, state) {
  const control = document.getElementById(id);
  if (!control) return;
  if (typeof state === 'boolean') control.checked = state;
  else control.value = state;
}

export function watchForms() {
  let sent = new Map();
  document.addEventListener('htmx:beforeRequest', ({ detail }) => {
    const body = bodyOf(detail);
    if (body) sent = statesIn(body);
  });
  document.addEventListener('htmx:beforeSwap', ({ detail }) => {
    const body = bodyOf(detail);
    if (!body || movesRows(detail)) return;
    const typed = [...statesIn(body)].filter(([id, state]) => sent.get(id) !== state);
    const restore = () => typed.forEach(([id, state]) => put(id, state));
    document.addEventListener('htmx:afterSwap', restore, { once: true });
  });
  focusErrors();
}

// A page that comes back with errors begins with their list.
function focusErrors() {
  document.querySelector('.error-summary')?.focus();
}

// The page keeps what was typed; the hidden notice with id "away" says that the portal did not answer.
export function sayWhenAway() {
  const show = (hidden) => () => {
    const notice = document.getElementById('away');
    if (notice) notice.hidden = hidden;
  };
  for (const name of ['htmx:sendError', 'htmx:timeout', 'htmx:responseError']) document.addEventListener(name, show(false));
  document.addEventListener('htmx:afterSwap', show(true));
}
