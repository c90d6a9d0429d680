'use strict';
// Search, order and pages for long tables, sizes for diagrams, colours, and the place in the contents.
(() => {
  const ROWS = 100;
  const ROOT = document.documentElement;
  const COLLATOR = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  const number = (value) => value.toLocaleString('en');

  // Colours: those of the system until somebody chooses others.
  const theme = () => {
    const button = document.querySelector('[data-theme-button]');
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const isDark = () => (ROOT.dataset.theme ? ROOT.dataset.theme === 'dark' : dark.matches);
    const label = () => { button.textContent = isDark() ? 'Light colours' : 'Dark colours'; };
    const remembered = (() => {
      try { return localStorage.getItem('coalesce-theme'); } catch { return null; }
    })();
    if (remembered === 'dark' || remembered === 'light') ROOT.dataset.theme = remembered;
    button.addEventListener('click', () => {
      ROOT.dataset.theme = isDark() ? 'light' : 'dark';
      try { localStorage.setItem('coalesce-theme', ROOT.dataset.theme); } catch { /* a file may have no storage */ }
      label();
    });
    dark.addEventListener('change', label);
    label();
    button.hidden = false;
  };

  // A table whose rows are lines of text until they are looked at.
  class Grid {
    constructor(section) {
      const source = section.querySelector('noscript');
      const text = source.textContent;
      const start = text.indexOf('<tbody>') + '<tbody>'.length;
      const frame = new DOMParser().parseFromString(text.slice(0, start) + '</tbody></table></div>', 'text/html');
      this.rows = text.slice(start, text.lastIndexOf('</tbody>')).trim().split('\n');
      this.order = this.rows.map((_, row) => row);
      this.page = 0;
      this.region = document.adoptNode(frame.querySelector('.scroll'));
      this.body = this.region.querySelector('tbody');
      this.table = this.region.querySelector('table');
      this.table.id = `${section.id}-table`;
      this.heads = [...this.region.querySelectorAll('thead th')];
      this.heads.forEach((head, column) => this.sortable(head, column));
      source.replaceWith(this.tools(), this.region, this.pager());
      this.show();
    }

    tools() {
      const title = this.table.caption.textContent;
      this.search = element('input', { type: 'search', autocomplete: 'off', spellcheck: false });
      this.search.setAttribute('aria-controls', this.table.id);
      this.search.setAttribute('aria-label', `Search ${title.toLowerCase()}`);
      this.live = element('span', { className: 'live' });
      this.live.setAttribute('role', 'status');
      this.live.setAttribute('aria-live', 'polite');
      let wait = 0;
      this.search.addEventListener('input', () => {
        clearTimeout(wait);
        wait = setTimeout(() => this.find(), this.rows.length > 2000 ? 200 : 60);
      });
      const tools = element('div', { className: 'tools' }, element('label', {}, element('span', { textContent: 'Search' }), this.search), this.live);
      tools.hidden = this.rows.length < 2;
      return tools;
    }

    sortable(head, column) {
      const button = element('button', { type: 'button' }, ...head.childNodes);
      head.replaceChildren(button);
      head.setAttribute('aria-sort', 'none');
      button.addEventListener('click', () => this.sort(head, column));
    }

    pager() {
      this.previous = element('button', { type: 'button', textContent: 'Previous' });
      this.next = element('button', { type: 'button', textContent: 'Next' });
      this.place = element('span', { className: 'live quiet' });
      this.previous.addEventListener('click', () => this.turn(-1));
      this.next.addEventListener('click', () => this.turn(1));
      this.pages = element('div', { className: 'pager' }, this.previous, this.next, this.place);
      this.pages.setAttribute('role', 'group');
      this.pages.setAttribute('aria-label', `Pages of ${this.table.caption.textContent.toLowerCase()}`);
      return this.pages;
    }

    static text(markup) {
      const plain = markup.replace(/<[^>]*>/g, ' ');
      return plain.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&#10;/g, ' ')
        .replace(/&amp;/g, '&').trim();
    }

    // Every word must be somewhere in the row.
    find() {
      this.texts ??= this.rows.map((row) => Grid.text(row).toLowerCase());
      const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const fits = (row) => words.every((word) => this.texts[row].includes(word));
      this.order = (this.sorted ?? this.rows.map((_, row) => row)).filter(fits);
      this.page = 0;
      this.show();
      const [all, found] = [number(this.rows.length), number(this.order.length)];
      this.live.textContent = words.length === 0 ? '' : `${found} of ${all}`;
    }

    key(row, column) {
      const cell = this.rows[row].split(/<\/t[hd]>/, column + 1)[column];
      const value = /data-n="(\d+)"/.exec(cell);
      return value ? Number(value[1]) : Grid.text(cell);
    }

    sort(head, column) {
      const isNumber = head.classList.contains('number');
      const was = head.getAttribute('aria-sort');
      // Of numbers the largest come first.
      const first = isNumber ? 'descending' : 'ascending';
      const second = isNumber ? 'ascending' : 'descending';
      const now = was === first ? second : first;
      this.heads.forEach((it) => it.setAttribute('aria-sort', it === head ? now : 'none'));
      const keys = this.rows.map((_, row) => this.key(row, column));
      const sign = now === 'ascending' ? 1 : -1;
      const compare = (a, b) => {
        // What is not known comes last, whichever way.
        if (keys[a] === '' || keys[b] === '') return (keys[a] === '') - (keys[b] === '') || a - b;
        const both = typeof keys[a] === 'number' && typeof keys[b] === 'number';
        const order = both ? keys[a] - keys[b] : COLLATOR.compare(keys[a], keys[b]);
        return sign * order || a - b;
      };
      this.sorted = this.rows.map((_, row) => row).sort(compare);
      this.find();
    }

    turn(step) {
      this.page += step;
      this.show();
      this.region.scrollIntoView({ block: 'nearest' });
    }

    show(all = false) {
      const last = Math.max(0, Math.ceil(this.order.length / ROWS) - 1);
      this.page = Math.min(Math.max(this.page, 0), last);
      const from = all ? 0 : this.page * ROWS;
      const to = all ? this.order.length : Math.min(from + ROWS, this.order.length);
      this.body.innerHTML = this.order.slice(from, to).map((row) => this.rows[row]).join('');
      if (to === 0) {
        const cell = element('td', { className: 'none', colSpan: this.heads.length, textContent: 'Nothing found.' });
        this.body.append(element('tr', {}, cell));
      }
      this.pages.hidden = last === 0;
      // A button that has the focus keeps it, or a keyboard would lose its place.
      for (const [button, end] of [[this.previous, this.page === 0], [this.next, this.page === last]]) {
        const other = button === this.next ? this.previous : this.next;
        if (end && document.activeElement === button) {
          other.disabled = false;
          other.focus();
        }
        button.disabled = end;
      }
      this.place.textContent = `${number(from + 1)} to ${number(to)} of ${number(this.order.length)}`;
    }
  }

  // A diagram: drawn when it is first looked at.
  const picture = (details) => {
    const canvas = details.querySelector('.canvas');
    const tools = details.querySelector('[data-zoom]');
    const live = tools.querySelector('.live');
    let svg = null;
    let full = 0;
    const size = (width) => {
      canvas.dataset.sized = '';
      svg.style.width = `${width}px`;
      svg.style.height = 'auto';
      live.textContent = `${Math.round((100 * width) / full)} %`;
    };
    const fit = () => Math.min(full, canvas.clientWidth);
    // A wide diagram may have nothing at its upper left: then it begins with the table that is nearest to it.
    const begin = () => {
      const frame = canvas.getBoundingClientRect();
      const tables = [...svg.querySelectorAll('.erd-table')].map((it) => it.getBoundingClientRect());
      const distance = (it) => it.left - frame.left + (it.top - frame.top);
      const isSeen = (it) => it.left + Math.min(it.width, 120) < frame.right && it.top + Math.min(it.height, 60) < frame.bottom;
      if (tables.length === 0 || tables.some(isSeen)) return;
      const nearest = tables.reduce((a, b) => (distance(b) < distance(a) ? b : a));
      canvas.scrollLeft += nearest.left - frame.left - 40;
      canvas.scrollTop += nearest.top - frame.top - 40;
    };
    const draw = () => {
      if (svg || !details.open) return;
      const source = canvas.querySelector('noscript');
      const holder = document.createElement('div');
      holder.innerHTML = source.textContent;
      svg = holder.querySelector('svg');
      source.replaceWith(svg);
      full = svg.viewBox.baseVal.width || svg.getBoundingClientRect().width;
      // What would get too small to be read scrolls instead.
      size(fit() >= 0.6 * full ? fit() : 0.85 * full);
      tools.hidden = false;
      begin();
    };
    tools.addEventListener('click', (event) => {
      const step = event.target.closest('button')?.dataset.step;
      if (step === undefined) return;
      const now = svg.getBoundingClientRect().width;
      if (step === '0') size(fit());
      else if (step === 'full') size(full);
      else size(Math.min(Math.max(now * (step === '1' ? 1.25 : 0.8), full * 0.1), full * 4));
    });
    details.addEventListener('toggle', draw);
    draw();
  };

  // Where one is, in the contents.
  const place = () => {
    const links = new Map([...document.querySelectorAll('.contents a')].map((it) => [it.hash.slice(1), it]));
    const seen = new Set();
    const watch = new IntersectionObserver((entries) => {
      entries.forEach((it) => (it.isIntersecting ? seen.add(it.target.id) : seen.delete(it.target.id)));
      const first = [...links.keys()].find((id) => seen.has(id));
      if (first === undefined) return;
      links.forEach((link, id) => {
        if (id === first) link.setAttribute('aria-current', 'true');
        else link.removeAttribute('aria-current');
      });
    }, { rootMargin: '-10% 0px -70% 0px' });
    links.forEach((_, id) => watch.observe(document.getElementById(id)));
  };

  theme();
  const grids = [...document.querySelectorAll('[data-grid]')].map((it) => new Grid(it));
  document.querySelectorAll('[data-picture]').forEach(picture);
  place();
  // On paper nobody turns pages.
  addEventListener('beforeprint', () => grids.filter((it) => it.rows.length <= 2000).forEach((it) => it.show(true)));
  addEventListener('afterprint', () => grids.forEach((it) => it.show()));
})();
