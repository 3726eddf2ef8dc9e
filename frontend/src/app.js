// What every page may have on top of plain HTML. Nothing here is needed to file, answer or decide.
import './css/app.css';
import htmx from 'htmx.org';
import { watchBeside } from './beside.js';
import { watchIdle } from './idle.js';
import { watchInbox } from './inbox.js';
import { watchKeeping } from './keeping.js';
import { watchKeys } from './keys.js';
import { watchMenus, watchPrint } from './menus.js';
import { watchComparisons } from './public.js';
import { sayWhenAway, watchForms } from './refresh.js';
import { watchTabs } from './tabs.js';
import { watchViewer } from './viewer.js';

htmx.config.allowEval = false; // the content security policy forbids it
htmx.config.allowScriptTags = false;
htmx.config.includeIndicatorStyles = false; // would be an inline style
htmx.config.attributesToSettle = ['class', 'width', 'height']; // a style carried over would be an inline one
htmx.config.historyCacheSize = 0; // no page of a case stays in a shared machine's browser storage
htmx.config.refreshOnHistoryMiss = true;
htmx.config.responseHandling = [
  { code: '204', swap: false },
  { code: '[23]..', swap: true },
  { code: '422', swap: true }, // a form with its errors
  { code: '...', swap: false, error: true },
];

document.documentElement.classList.add('js');
watchForms();
sayWhenAway();
watchIdle();
watchInbox();
watchKeys();
watchMenus();
watchPrint();
watchTabs();
watchKeeping();
watchBeside();
watchViewer();
watchComparisons();
