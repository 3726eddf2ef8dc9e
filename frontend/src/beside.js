// <span data-beside="1196160" data-to="f-amount">: how far a number that somebody said is from the one typed into a field.

const WHOLE = /^-?(\d+|\d{1,3}(,\d{3})+)$/;

export function watchBeside() {
  document.addEventListener('input', ({ target }) => {
    for (const place of document.querySelectorAll(`[data-beside][data-to="${CSS.escape(target.id || '-')}"]`)) tell(place, target.value);
  });
}

function tell(place, typed) {
  const text = typed.trim().normalize('NFKC');
  const said = place.dataset.beside;
  // Decimals are told by the server only, which reckons them exactly.
  const apart = WHOLE.test(text) && WHOLE.test(said) ? BigInt(said) - BigInt(text.replaceAll(',', '')) : null;
  if (apart === null) place.textContent = '';
  else if (apart === 0n) place.textContent = place.dataset.same;
  else place.textContent = (apart > 0n ? place.dataset.more : place.dataset.less).replace('{n}', grouped(apart > 0n ? apart : -apart));
}

const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ',');
