"""What is wrong with a page whatever it is about: too wide, unlabelled, out of order, hard to read or to use."""

from __future__ import annotations

from functools import cache

from playwright.sync_api import Page

from tests.builders.world import ROOT

AXE = ROOT / "frontend/node_modules/axe-core/axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BARRIERS = """async (tags) => {
  const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
  const places = (rule) => rule.nodes.slice(0, 3).map((node) => node.target.join(' ')).join(', ');
  return violations.map((rule) => `${rule.impact}: ${rule.id}: ${rule.help}: ${places(rule)}`);
}"""

FAULTS = """() => {
  const root = document.documentElement, faults = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const seen = (element) => element.getClientRects().length > 0;
  const named = (element) => element.outerHTML.replace(/\\s+/g, ' ').slice(0, 120);
  if (root.scrollWidth > root.clientWidth) {
    const hides = (element) => getComputedStyle(element).overflowX !== 'visible';
    const inside = (element) => element && (hides(element) || inside(element.parentElement));
    const wide = all('body *').filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1);
    const guilty = wide.filter((element) => !inside(element.parentElement)).map(named);
    faults.push(`${root.scrollWidth} px wide: ${guilty.slice(0, 3)}`);
  }
  if (root.lang !== 'zh-CN') faults.push(`the language is ${root.lang}`);
  if (!document.title.trim()) faults.push('no title');
  if (all('main').length !== 1) faults.push(`${all('main').length} times main`);
  for (const input of all('input:not([type=hidden]), select, textarea')) {
    if (!input.labels?.length && !input.ariaLabel && !input.getAttribute('aria-labelledby')) {
      faults.push(`no label: ${named(input)}`);
    }
  }
  for (const one of all('a[href], button').filter((one) => one.ariaHidden !== 'true')) {
    if (!one.textContent.trim() && !one.ariaLabel && !one.title) faults.push(`no name: ${named(one)}`);
  }
  for (const image of all('img:not([alt])')) faults.push(`no alternative: ${named(image)}`);
  for (const one of all('[aria-describedby], [aria-labelledby]')) {
    const ids = `${one.getAttribute('aria-describedby') ?? ''} ${one.getAttribute('aria-labelledby') ?? ''}`;
    const missing = ids.split(/\\s+/).filter((id) => id && !document.getElementById(id));
    if (missing.length) faults.push(`described by nothing (${missing}): ${named(one)}`);
  }
  const ids = all('[id]').filter((one) => !one.closest('svg')).map((one) => one.id);
  for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) faults.push(`two elements ${id}`);
  const headings = all('h1, h2, h3, h4, h5, h6').filter(seen);
  if (headings.filter((one) => one.tagName === 'H1').length !== 1) faults.push('not one first heading');
  let level = 0;
  for (const heading of headings) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) faults.push(`h${next} after h${level}: ${heading.textContent.trim()}`);
    level = next;
  }
  for (const one of all('button, select, input:not([type=hidden])').filter(seen)) {
    const { width, height } = (one.closest('label') ?? one).getBoundingClientRect();
    if (Math.min(width, height) < 24 && !one.closest('.visually-hidden')) {
      faults.push(`hard to hit (${Math.round(width)}×${Math.round(height)}): ${named(one)}`);
    }
  }
  return faults;
}"""


def faults(page: Page) -> list[str]:
    """What is wrong with the page at the width it has now, once all of it is there."""
    page.wait_for_load_state()
    found: list[str] = page.evaluate(FAULTS)
    return found


@cache
def _axe() -> str:
    return AXE.read_text()


def barriers(page: Page) -> list[str]:
    """What keeps people from using the page, as far as axe-core finds it (WCAG 2.2 A and AA)."""
    page.wait_for_load_state()
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    found: list[str] = page.evaluate(BARRIERS, WCAG)
    return found
