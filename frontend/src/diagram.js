// <div data-diagram>: a case's diagram, read only, with the way it has gone and the places where it is.
//   data-src         where the BPMN is fetched from; or a <script type="application/xml"> inside the element
//   data-walked      ids of elements and flows gone through, separated by blanks
//   data-here        ids of the elements where the case is
//   [data-zoom=in|out|fit]  buttons in the same <figure>
// The bpmn.io mark in the corner stays visible and uncovered: its licence asks for that.
import 'bpmn-js/dist/assets/diagram-js.css';
import 'bpmn-js/dist/assets/bpmn-js.css';
import './css/diagram.css';
import Viewer from 'bpmn-js/lib/NavigatedViewer';

const READABLE = 0.6; // below this scale names cannot be read, and we go to the current place instead
const CLOSE = 0.9;
const NARROW = 560; // in less room than this the smallest readable scale shows more of what stands around
const EDGE = 12;

// A drawing in what is folded or hidden has no room yet: it is drawn when it is seen.
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    show(target);
  }
});
for (const box of document.querySelectorAll('[data-diagram]')) seen.observe(box);

async function show(box) {
  const xml = await source(box);
  const colour = (name) => getComputedStyle(box).getPropertyValue(name).trim();
  const font = { fontFamily: getComputedStyle(box).fontFamily, fontSize: 12, lineHeight: 1.25 };
  const viewer = new Viewer({
    container: box,
    zoomScroll: { enabled: false }, // the wheel scrolls the page
    bpmnRenderer: {
      defaultFillColor: colour('--paper'),
      defaultStrokeColor: colour('--diagram-line'),
      defaultLabelColor: colour('--ink'),
    },
    textRenderer: { defaultStyle: font, externalStyle: { ...font, fontSize: 11 } },
  });
  try {
    await viewer.importXML(xml);
  } catch {
    box.dataset.state = 'failed';
    return;
  }
  const here = words(box.dataset.here);
  paint(viewer, words(box.dataset.walked), colour('--jade'), colour('--jade-wash'));
  paint(viewer, here, colour('--amber-mark'), colour('--amber-wash'), 'here');
  watchZoom(box, viewer);
  fit(viewer, here);
  box.dataset.state = 'ready';
}

async function source(box) {
  const inside = box.querySelector('script[type="application/xml"]');
  return inside ? inside.textContent.trim() : (await fetch(box.dataset.src)).text();
}

const words = (text) => (text ?? '').split(/\s+/).filter(Boolean);

function paint(viewer, ids, line, fill, marker) {
  const registry = viewer.get('elementRegistry');
  for (const id of ids) {
    const element = registry.get(id);
    if (!element) continue; // drawn in another diagram: a called one
    const kind = element.waypoints ? 'connection' : 'shape';
    element.di.set('bioc:stroke', line);
    if (kind === 'shape') element.di.set('bioc:fill', fill);
    viewer.get('graphicsFactory').update(kind, element, registry.getGraphics(element));
    if (marker) viewer.get('canvas').addMarker(element, marker);
  }
}

function fit(viewer, here) {
  const canvas = viewer.get('canvas');
  const place = viewer.get('elementRegistry').get(here[0]);
  if (canvas.zoom('fit-viewport', 'auto') < READABLE && place) {
    const { outer, inner } = canvas.viewbox();
    const scale = outer.width < NARROW ? READABLE : CLOSE;
    const [width, height] = [outer.width / scale, outer.height / scale];
    canvas.viewbox({
      x: within(place.x + place.width / 2, width, inner.x, inner.width),
      y: within(place.y + place.height / 2, height, inner.y, inner.height),
      width,
      height,
    });
  }
}

// Where a view of this length begins: about its middle, but not beyond the drawing, whose middle it is when it is longer.
function within(middle, length, from, all) {
  if (length >= all) return from + all / 2 - length / 2;
  return Math.min(Math.max(middle - length / 2, from - EDGE), from + all - length + EDGE);
}

function watchZoom(box, viewer) {
  const canvas = viewer.get('canvas');
  const steps = {
    in: () => canvas.zoom(canvas.zoom() * 1.25),
    out: () => canvas.zoom(canvas.zoom() / 1.25),
    fit: () => canvas.zoom('fit-viewport', 'auto'),
  };
  box.closest('figure')?.addEventListener('click', ({ target }) => {
    const button = target.closest('[data-zoom]');
    if (button) steps[button.dataset.zoom]();
  });
}
