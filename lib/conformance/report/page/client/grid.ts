/** The table: only the rows in sight are elements. */
import type { PageData, PageRow } from '../data.js';
import { inSight, scoreOf, step, verdictAt, type Item } from '../model.js';
import { h } from './dom.js';
import { headNames } from './names.js';
import { cellText, sign } from './verdicts.js';

export interface GridEvents {
  readonly onOpen: (row: number) => void;
}

export class Grid {
  readonly #data: PageData;
  readonly #scroller: HTMLElement;
  readonly #body: HTMLElement;
  readonly #open: (row: number) => void;
  #items: readonly Item[] = [];
  #active = -1;
  /** The lines that are elements, by their positions. */
  readonly #lines = new Map<number, HTMLElement>();
  #scheduled = false;

  constructor(data: PageData, scroller: HTMLElement, { onOpen }: GridEvents) {
    this.#data = data;
    this.#scroller = scroller;
    this.#open = onOpen;
    this.#body = h('div', { class: 'body', role: 'rowgroup' });
    scroller.style.setProperty('--kernels', String(data.kernels.length));
    scroller.classList.toggle('single', data.kernels.length === 1);
    scroller.setAttribute('aria-colcount', String(data.kernels.length + 1));
    scroller.append(this.#head(), this.#body);
    scroller.addEventListener('scroll', () => {
      this.#schedule();
    });
    new ResizeObserver(() => {
      this.#schedule();
    }).observe(scroller);
    scroller.addEventListener('keydown', (event) => {
      this.#key(event);
    });
    this.#body.addEventListener('click', (event) => {
      const element = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-at]') : null;
      const at = Number(element?.dataset['at'] ?? -1);
      const item = this.#items[at];
      if (item?.kind !== 'row') return;
      this.activate(at);
      this.#open(item.row);
    });
  }

  get items(): readonly Item[] {
    return this.#items;
  }

  /** The row that keys go to; undefined when there is none. */
  get activeRow(): number | undefined {
    const item = this.#items[this.#active];
    return item?.kind === 'row' ? item.row : undefined;
  }

  show(items: readonly Item[]): void {
    const row = this.activeRow;
    this.#items = items;
    this.#active = row === undefined ? -1 : this.#positionOf(row);
    this.#scroller.setAttribute('aria-rowcount', String(items.length + 1));
    this.#body.style.height = `calc(${items.length} * var(--row))`;
    this.#body.classList.toggle('empty', items.length === 0);
    this.#lines.clear();
    this.#body.replaceChildren();
    this.#draw();
  }

  focus(): void {
    this.#scroller.focus({ preventScroll: true });
    if (this.#active < 0) this.move(1);
  }

  /** Goes some rows on. The row that is then active. */
  move(by: number): number | undefined {
    this.activate(step(this.#items, this.#active, by));
    return this.activeRow;
  }

  /** Makes a row active by its index in the data, if it is among those shown. */
  goTo(row: number): void {
    this.activate(this.#positionOf(row));
  }

  #positionOf(row: number): number {
    return this.#items.findIndex((item) => item.kind === 'row' && item.row === row);
  }

  activate(at: number): void {
    if (at < 0 || at >= this.#items.length) return;
    this.#active = at;
    const height = this.#rowHeight();
    const head = this.#scroller.firstElementChild?.clientHeight ?? 0;
    const [top, bottom] = [at * height, (at + 1) * height];
    // A heading right above comes into sight together with its first row.
    const above = this.#items[at - 1]?.kind === 'group' ? height : 0;
    if (top - above < this.#scroller.scrollTop) this.#scroller.scrollTop = top - above;
    const visible = this.#scroller.clientHeight - head;
    if (bottom > this.#scroller.scrollTop + visible) this.#scroller.scrollTop = bottom - visible;
    this.#draw();
  }

  #rowHeight(): number {
    return Number.parseFloat(getComputedStyle(this.#scroller).getPropertyValue('--row')) || 36;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  /** Makes the lines that have come into sight, and takes away those that have gone. */
  #draw(): void {
    const { scrollTop, clientHeight } = this.#scroller;
    const [first, end] = inSight(scrollTop, clientHeight, this.#rowHeight(), this.#items.length);
    for (const [at, line] of this.#lines) {
      if (at >= first && at < end) continue;
      line.remove();
      this.#lines.delete(at);
    }
    let before: HTMLElement | undefined;
    for (const [index, item] of this.#items.slice(first, end).entries()) {
      const at = first + index;
      let line = this.#lines.get(at);
      if (line === undefined) {
        line = this.#line(item, at);
        this.#lines.set(at, line);
        // In their order, for readers that go from element to element.
        if (before === undefined) this.#body.prepend(line);
        else before.after(line);
      }
      before = line;
    }
    this.#mark();
  }

  /** Shows which line is the active one. */
  #mark(): void {
    for (const [at, line] of this.#lines) {
      const active = at === this.#active;
      line.classList.toggle('active', active);
      if (line.id !== '') line.setAttribute('aria-selected', String(active));
    }
    if (this.#lines.has(this.#active)) this.#scroller.setAttribute('aria-activedescendant', `at-${this.#active}`);
    else this.#scroller.removeAttribute('aria-activedescendant');
  }

  #line(item: Item, at: number): HTMLElement {
    const style = `transform: translateY(calc(${at} * var(--row)))`;
    const place = { role: 'row', 'aria-rowindex': String(at + 2), style };
    if (item.kind === 'group') {
      return h(
        'div',
        { class: 'line group', ...place },
        h('div', { class: 'name', role: 'rowheader' }, h('strong', {}, item.name), ` ${item.rows.length}`),
        ...this.#data.kernels.map((_, kernel) => {
          const { passed, of } = scoreOf(this.#data, item.rows, kernel);
          const words = `${passed} of ${of} pass`;
          return h(
            'div',
            { class: 'cell', role: 'gridcell', title: words, 'aria-label': words },
            of === 0 ? '' : `${passed}/${of}`,
          );
        }),
      );
    }
    const row = this.#data.rows[item.row];
    const line = h('div', { class: 'line', id: `at-${at}`, 'data-at': String(at), ...place });
    if (row === undefined) return line;
    const reason = this.#data.kernels.length === 1 ? row.kinds[0]?.reason : undefined;
    line.append(
      h(
        'div',
        { class: 'name', role: 'rowheader' },
        h('code', {}, row.id),
        h('span', { class: 'title' }, row.title),
        ...(reason === undefined ? [] : [h('span', { class: 'why' }, reason)]),
      ),
      ...row.cells.map((_, kernel) => this.#cell(row, kernel)),
    );
    return line;
  }

  #cell(row: PageRow, kernel: number): HTMLElement {
    const verdict = verdictAt(row, kernel);
    const text = cellText(row, kernel);
    const single = this.#data.kernels.length === 1;
    const kind = row.kinds[row.cells[kernel] ?? -1];
    const properties = { class: `cell ${verdict}`, role: 'gridcell', 'aria-label': text, title: kind?.reason ?? text };
    if (single) return h('div', properties, `${sign(verdict)} ${verdict}`);
    const [, variant] = text.split(', observation ');
    return h('div', properties, sign(verdict), ...(variant === undefined ? [] : [h('sub', {}, variant)]));
  }

  #head(): HTMLElement {
    const head = h('div', { class: 'line head', role: 'row', 'aria-rowindex': '1' });
    head.append(h('div', { class: 'name', role: 'columnheader' }, 'behaviour'));
    for (const kernel of this.#data.kernels) {
      const [first, second] = headNames(kernel);
      const name = kernel.name.startsWith(kernel.release) ? kernel.name : `${kernel.name}, ${kernel.release}`;
      head.append(
        h(
          'div',
          { class: 'cell', role: 'columnheader', title: name, 'aria-label': name },
          h('span', {}, first),
          h('small', {}, second),
        ),
      );
    }
    return head;
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.#scroller.clientHeight / this.#rowHeight()) - 2);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      j: 1,
      ArrowUp: -1,
      k: -1,
      PageDown: page,
      PageUp: -page,
      Home: -this.#items.length,
      End: this.#items.length,
    };
    const by = steps[event.key];
    const row = this.activeRow;
    if (by !== undefined) this.move(by);
    else if ((event.key === 'Enter' || event.key === ' ') && row !== undefined) this.#open(row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
