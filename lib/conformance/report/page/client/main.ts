/** The page of a report, or of several. */
import type { PageData } from '../data.js';
import { fromHash, itemsOf, matching, searchTexts, toHash, type Filter } from '../model.js';
import { detailsOf } from './details.js';
import { byId, h } from './dom.js';
import { Grid } from './grid.js';
import { themes } from './theme.js';

const data = JSON.parse(byId('data', HTMLScriptElement).textContent) as PageData;
const texts = searchTexts(data);

const search = byId('search', HTMLInputElement);
const selects = {
  verdict: byId('verdict', HTMLSelectElement),
  source: byId('source', HTMLSelectElement),
  tag: byId('tag', HTMLSelectElement),
  arch: byId('arch', HTMLSelectElement),
  groupBy: byId('group', HTMLSelectElement),
};
const differing = byId('differing', HTMLInputElement);
const count = byId('count', HTMLOutputElement);
const dialog = byId('details', HTMLDialogElement);

let open = -1;

function filter(): Filter {
  return {
    query: search.value.trim(),
    verdict: selects.verdict.value as Filter['verdict'],
    source: selects.source.value,
    tag: selects.tag.value,
    arch: selects.arch.value,
    differing: differing.checked,
    groupBy: selects.groupBy.value as Filter['groupBy'],
  };
}

function remember(): void {
  const hash = toHash(filter(), data.rows[open]?.id ?? '');
  history.replaceState(null, '', hash === '' ? '#' : `#${hash}`);
}

const grid = new Grid(data, byId('grid', HTMLElement), { onOpen: show });

function refresh(): void {
  const wanted = filter();
  const rows = matching(data, texts, wanted);
  grid.show(itemsOf(data, rows, wanted.groupBy));
  count.value =
    rows.length === data.rows.length ? `${rows.length} behaviours` : `${rows.length} of ${data.rows.length}`;
  remember();
}

function show(index: number): void {
  const row = data.rows[index];
  if (row === undefined) return;
  open = index;
  const button = (id: string, text: string, label: string, act: () => void): HTMLButtonElement => {
    const made = h('button', { type: 'button', id, title: label, 'aria-label': label }, text);
    made.addEventListener('click', act);
    return made;
  };
  dialog.replaceChildren(
    h(
      'header',
      {},
      h('h2', { id: 'details-name' }, h('code', {}, row.id)),
      h(
        'nav',
        {},
        button('previous', '↑', 'previous behaviour (k)', () => {
          turn(-1);
        }),
        button('next', '↓', 'next behaviour (j)', () => {
          turn(1);
        }),
        button('close', '✕', 'close (Escape)', () => {
          dialog.close();
        }),
      ),
      h('p', {}, row.title),
    ),
    h('div', { class: 'content', tabindex: '-1' }, ...detailsOf(data, row)),
  );
  if (!dialog.open) dialog.showModal();
  dialog.querySelector<HTMLElement>('.content')?.focus();
  remember();
}

function turn(by: number): void {
  const row = grid.move(by);
  if (row !== undefined && row !== open) show(row);
}

dialog.addEventListener('close', () => {
  open = -1;
  remember();
  grid.focus();
});
dialog.addEventListener('click', (event) => {
  if (event.target === dialog) dialog.close();
});
dialog.addEventListener('keydown', (event) => {
  if (event.key === 'j') turn(1);
  else if (event.key === 'k') turn(-1);
});

search.addEventListener('input', refresh);
for (const control of [...Object.values(selects), differing]) control.addEventListener('change', refresh);
byId('filters', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  grid.focus();
});
search.addEventListener('keydown', (event) => {
  if (event.key === 'ArrowDown') grid.focus();
  else if (event.key === 'Escape') {
    if (search.value === '') grid.focus();
    search.value = '';
    refresh();
  } else return;
  event.preventDefault();
});

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLInputElement || target instanceof HTMLSelectElement;

document.addEventListener('keydown', (event) => {
  if (dialog.open || typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === '/') search.focus();
  else if (event.key === 'j' || event.key === 'k' || event.key === 'ArrowDown' || event.key === 'ArrowUp') grid.focus();
  else return;
  event.preventDefault();
});

function restore(): void {
  const { filter: wanted, open: id } = fromHash(location.hash);
  search.value = wanted.query;
  for (const name of ['verdict', 'source', 'tag', 'arch', 'groupBy'] as const) selects[name].value = wanted[name];
  differing.checked = wanted.differing;
  refresh();
  const row = data.rows.findIndex((each) => each.id === id);
  if (row < 0) return;
  grid.goTo(row);
  show(row);
}

themes(byId('theme', HTMLButtonElement));
restore();
addEventListener('hashchange', restore);
document.documentElement.dataset['ready'] = String(Math.round(performance.now()));
