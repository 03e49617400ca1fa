// Models × roles. Only what is seen is in the document; the rest is a place to scroll to.
const ROW = 27;
const NARROW = 34;
const WIDE = 66;

function mark(cell) {
  const useless = cell.level === 0;
  const kind = useless ? 'useless' : CLASSES[cell.level];
  const later = cell.after ? ' later' : '';
  return el('span', { class: `cell ${kind}${later}` }, useless ? '×' : LETTERS[cell.level]);
}

function said(cell) {
  if (!cell || cell.word === '') return 'nothing';
  return cell.after ? `${cell.word}, after SET ROLE` : cell.word;
}

function bands(environment, columns) {
  const found = [];
  columns.forEach((actor, at) => {
    const { kind, product } = environment.actors;
    const name = product[actor] >= 0 ? data.products[product[actor]].name : `${KINDS[kind[actor]]}s`.replace('policys', 'policies').replace('persons', 'people');
    const last = found[found.length - 1];
    if (last && last.name === name) last.count += 1;
    else found.push({ name, at, count: 1 });
  });
  return found;
}

// The relation without what the model's name says already.
function whereIs(environment, model) {
  const relation = environment.relations[model];
  const own = `.${models.name[model]}`;
  return relation.endsWith(own) ? relation.slice(0, -own.length) : relation;
}

function headOf(environment, actor) {
  const { name, role } = environment.actors;
  return role[actor] === '' ? name[actor] : role[actor];
}

function matrix(rows, columns) {
  const environment = here();
  let COLUMN = NARROW;
  const NAME = Math.max(150, Math.min(330, Math.round($('view').clientWidth * 0.4)));
  const longest = columns.reduce((most, actor) => Math.max(most, headOf(environment, actor).length), 0);
  const HEAD = Math.min(190, 46 + longest * 7);
  const canvas = el('div', { class: 'canvas', role: 'rowgroup', at: { height: px(HEAD + rows.length * ROW) } });
  const grid = el('div', {
    class: 'grid', id: 'grid', role: 'grid', tabindex: '0', 'aria-label': 'Models and who may use them',
    'aria-rowcount': rows.length + 1, 'aria-colcount': columns.length + 1,
    'aria-describedby': 'keys',
  }, canvas);
  const now = { row: Math.max(0, rows.indexOf(state.model)), column: columns.indexOf(state.actor) };
  if (now.column < 0) now.column = -1;
  const groups = bands(environment, columns);
  const column = (at) => px(NAME + at * COLUMN);

  function heads(first, last) {
    const bandOf = groups.filter((band) => band.at <= last && band.at + band.count > first).map((band) => el('div', {
      class: 'band', title: band.name, 'aria-hidden': 'true', at: { left: column(band.at), width: px(band.count * COLUMN) },
    }, band.name));
    const list = [];
    for (let at = first; at <= last; at += 1) {
      const actor = columns[at];
      const { name } = environment.actors;
      list.push(el('div', {
        class: at === now.column ? 'head now' : 'head', role: 'columnheader', 'aria-colindex': at + 2, title: name[actor], 'aria-label': name[actor],
        at: { left: column(at), width: px(COLUMN) }, onclick: () => openActor(actor),
      }, headOf(environment, actor)));
    }
    return el('div', { class: 'heads', role: 'row', 'aria-rowindex': 1, at: { height: px(HEAD), width: px(NAME + columns.length * COLUMN + 24) } },
      el('div', { class: 'corner', role: 'columnheader', 'aria-colindex': 1, at: { width: px(NAME) } }, `${plural(rows.length, 'model')} × ${plural(columns.length, 'column')}`), bandOf, list);
  }

  function line(at, first, last) {
    const model = rows[at];
    const here_ = (column_) => at === now.row && column_ === now.column;
    const boxes = [];
    for (let c = first; c <= last; c += 1) {
      const cell = environment.cellAt(columns[c], model);
      boxes.push(el('div', {
        class: here_(c) ? 'box here' : 'box', id: `c${at}-${c}`, role: 'gridcell', 'aria-colindex': c + 2,
        'aria-label': `${models.name[model]}, ${environment.label(columns[c])}: ${said(cell)}`, title: cell.word === '' ? null : `${environment.label(columns[c])}: ${said(cell)}`,
        at: { left: column(c), width: px(COLUMN) }, onclick: () => { go(at, c); openWay(columns[c], model); },
      }, cell.word === '' ? null : mark(cell)));
    }
    return el('div', { class: at === now.row ? 'line now' : 'line', role: 'row', 'aria-rowindex': at + 2, at: { top: px(HEAD + at * ROW), height: px(ROW), width: px(NAME + columns.length * COLUMN + 24) } },
      el('div', { class: here_(-1) ? 'name here' : 'name', id: `c${at}--1`, role: 'rowheader', 'aria-colindex': 1, title: models.id[model], at: { width: px(NAME) }, onclick: () => { go(at, -1); openModel(model); } },
        el('b', {}, el('bdi', {}, models.name[model])), el('i', {}, el('bdi', {}, whereIs(environment, model)))), boxes);
  }

  // As wide as there is room for: beside the details there is less.
  function draw() {
    COLUMN = Math.max(NARROW, Math.min(WIDE, Math.floor((grid.clientWidth - NAME - 26) / columns.length)));
    canvas.style.width = px(NAME + columns.length * COLUMN + 24);
    const top = Math.max(0, Math.floor(grid.scrollTop / ROW) - 4);
    const bottom = Math.min(rows.length - 1, Math.ceil((grid.scrollTop + (grid.clientHeight || 700) - HEAD) / ROW) + 4);
    const left = Math.max(0, Math.floor(grid.scrollLeft / COLUMN) - 2);
    const right = Math.min(columns.length - 1, Math.ceil((grid.scrollLeft + (grid.clientWidth || 1200) - NAME) / COLUMN) + 2);
    const lines = [];
    for (let at = top; at <= bottom; at += 1) lines.push(line(at, left, right));
    canvas.replaceChildren(heads(left, right), ...lines);
    const active = $(`c${now.row}-${now.column}`);
    if (active) grid.setAttribute('aria-activedescendant', active.id);
    else grid.removeAttribute('aria-activedescendant');
  }

  function go(row, column_) {
    now.row = Math.max(0, Math.min(rows.length - 1, row));
    now.column = Math.max(-1, Math.min(columns.length - 1, column_));
    const top = now.row * ROW;
    const view = grid.clientHeight - HEAD - ROW;
    if (top < grid.scrollTop) grid.scrollTop = top;
    else if (top > grid.scrollTop + view) grid.scrollTop = top - view;
    const left = Math.max(0, now.column) * COLUMN;
    const wide = grid.clientWidth - NAME - COLUMN;
    if (left < grid.scrollLeft) grid.scrollLeft = left;
    else if (left > grid.scrollLeft + wide) grid.scrollLeft = left - wide;
    draw();
  }

  const page = () => Math.max(1, Math.floor((grid.clientHeight - HEAD) / ROW) - 1);
  const keys = {
    ArrowDown: () => go(now.row + 1, now.column), ArrowUp: () => go(now.row - 1, now.column),
    ArrowRight: () => go(now.row, now.column + 1), ArrowLeft: () => go(now.row, now.column - 1),
    PageDown: () => go(now.row + page(), now.column), PageUp: () => go(now.row - page(), now.column),
    Home: (event) => go(event.ctrlKey ? 0 : now.row, -1), End: (event) => go(event.ctrlKey ? rows.length : now.row, columns.length),
    Enter: () => (now.column < 0 ? openModel(rows[now.row], true) : openWay(columns[now.column], rows[now.row], true)),
  };
  keys[' '] = keys.Enter;
  grid.addEventListener('keydown', (event) => {
    if (!keys[event.key] || event.altKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key](event);
  });
  let asked = 0;
  grid.addEventListener('scroll', () => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(draw);
  }, { passive: true });
  return { grid, draw };
}

function legend() {
  const sample = (level, text, more = {}) => el('span', {}, mark({ level, ...more }), text);
  const choose = el('select', { id: 'columns', onchange: () => { state.columns = choose.value; show(); } },
    Object.entries(COLUMNS).map(([name, [text]]) => el('option', { value: name, selected: name === state.columns }, text)));
  return el('div', { class: 'legend' },
    sample(2, 'read'), sample(4, 'write'), sample(5, 'admin'), sample(6, 'own'), sample(1, 'other privileges'),
    sample(0, 'held, of no use'), sample(2, 'after SET ROLE', { after: true }),
    el('span', { id: 'keys' }, 'Arrow keys move, Enter opens, / searches'),
    el('label', { class: 'field' }, 'Columns ', choose));
}

function viewMatrix() {
  const meant = modelsMeant();
  const columns = actorsMeant(meant);
  const roles = columns.filter((at) => !here().isPerson(at)).length;
  const who = roles === columns.length ? plural(roles, 'role') : `${plural(roles, 'role')} and ${plural(columns.length - roles, 'person', 'people')}`;
  say(`${plural(meant.rows.length, 'model')}, ${who}${isFiltered() ? ' fit' : ''}.`);
  if (meant.rows.length === 0 || columns.length === 0) {
    return { made: [legend(), el('p', { class: 'void note' }, meant.rows.length === 0 ? 'No model fits.' : 'Nobody has access to what fits.')] };
  }
  const { grid, draw } = matrix(meant.rows, columns);
  return { made: [legend(), grid], then: draw };
}
