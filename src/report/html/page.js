// The page as a whole: what is shown, what is remembered in the address, keys, theme and print.
const VIEWS = { matrix: ['Matrix', viewMatrix], products: ['Products', viewProducts], roles: ['Roles', viewRoles], people: ['People', viewPeople], findings: ['Drift and checks', viewFindings] };
const say = (text) => { $('said').textContent = text; };

function show() {
  const environment = here();
  for (const tab of $('tabs').children) {
    const chosen = tab.dataset.view === state.view;
    tab.setAttribute('aria-selected', chosen);
    tab.tabIndex = chosen ? 0 : -1;
  }
  const { made, then } = VIEWS[state.view][1]();
  const view = $('view');
  view.setAttribute('aria-labelledby', `tab-${state.view}`);
  view.replaceChildren(...made.flat(Infinity).filter(Boolean));
  if (then) then();
  $('query').value = state.query;
  $('tag').value = state.tag;
  $('product').value = state.product;
  $('person').value = state.person < 0 ? '' : environment.label(state.person);
  remember();
}

// Names, not numbers: an address that somebody kept still means the same tomorrow.
function remember() {
  const environment = here();
  const said_ = {
    environment: environment.name, view: state.view, query: state.query, tag: data.tags[state.tag], product: (data.products[state.product] || {}).name,
    person: state.person < 0 ? '' : environment.label(state.person), columns: state.columns, model: models.id[state.model], actor: state.actor < 0 ? '' : environment.label(state.actor),
  };
  const hash = new URLSearchParams(Object.entries(said_).filter(([, value]) => value));
  try { history.replaceState(null, '', `#${hash}`); } catch { /* a frame without an address */ }
}

function recall() {
  const said_ = new URLSearchParams(location.hash.slice(1));
  const at = (list, name) => (said_.get(name) ? list.indexOf(said_.get(name)) : -1);
  const named = at(data.environments.map((it) => it.name), 'environment');
  // Where nothing is said, the one that is protected: it is what an auditor asks about.
  state.environment = named >= 0 ? named : Math.max(0, data.environments.findIndex((it) => it.protected));
  const { name } = here().actors;
  Object.assign(state, {
    view: VIEWS[said_.get('view')] ? said_.get('view') : 'matrix', query: said_.get('query') || '', tag: at(data.tags, 'tag'),
    product: at(data.products.map((it) => it.name), 'product'), person: at(name, 'person'), columns: COLUMNS[said_.get('columns')] ? said_.get('columns') : 'roles',
    model: at(models.id, 'model'), actor: at(name, 'actor'),
  });
}

function figures() {
  const environment = here();
  const kinds = environment.actors.kind;
  const errors = environment.findings.filter((it) => it.severity === 'error').length;
  const others = kinds.filter((it) => it === 'role').length;
  const there = environment.relations.filter((it) => it !== null).length;
  const { drift } = environment;
  const figure = (name, value, kind) => el('div', {}, el('dt', {}, name), el('dd', { class: kind }, value));
  $('figures').replaceChildren(
    figure('Products', number(data.products.length)),
    figure('Models', there === environment.relations.length ? number(there) : `${number(there)} of ${number(environment.relations.length)} there`),
    figure('Product roles and policies', number(kinds.filter(isManaged).length)),
    figure('Groups', number(kinds.filter((it) => it === 'group').length)),
    figure('People', number(kinds.filter((it) => it === 'person').length)),
    others > 0 ? figure('Other roles', number(others)) : '',
    drift ? figure('Drift', drift.changes.length === 0 ? 'in sync' : plural(drift.changes.length, 'difference'), drift.changes.length === 0 ? 'good' : 'bad') : figure('Drift', 'not looked'),
    figure('Checks', environment.findings.length === 0 ? 'nothing found' : counted(errors, environment.findings.length - errors), errors > 0 ? 'bad' : null));
  $('about').textContent = `${environment.declared ? `${environment.name}, as declared` : `${environment.name}, as found on ${environment.server}`} · ${data.made_at.replace('T', ' ').replace(/:\d\dZ$/, ' UTC')} · ${data.tool}`;
  $('people').replaceChildren();
}

const counted = (errors, warnings) => [errors > 0 ? plural(errors, 'error') : '', warnings > 0 ? plural(warnings, 'warning') : ''].filter(Boolean).join(', ');

function suggest() {
  const { name, kind } = here().actors;
  const text = $('person').value.toLowerCase();
  const found = [];
  for (let at = 0; at < name.length && found.length < 40; at += 1) {
    if ((kind[at] === 'person' || kind[at] === 'group') && name[at].toLowerCase().includes(text)) found.push(el('option', { value: name[at] }, KINDS[kind[at]]));
  }
  $('people').replaceChildren(...found);
}

function person() {
  const { name, kind } = here().actors;
  const text = $('person').value.trim();
  const exact = name.indexOf(text);
  const near = text === '' ? [] : name.flatMap((it, at) => (kind[at] === 'person' && it.toLowerCase().includes(text.toLowerCase()) ? [at] : []));
  state.person = exact >= 0 && text !== '' ? exact : near.length === 1 ? near[0] : -1;
  show();
  if (text !== '' && state.person < 0) { $('person').value = text; say(`Nobody, or more than one, is called ${text}: everyone is shown.`); }
}

function theme(chosen) {
  const dark = chosen === 'dark' || (chosen === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
}

function begin() {
  const choices = (list, first) => [el('option', { value: -1 }, first), ...list.map((name, at) => el('option', { value: at }, name))];
  document.title = `Access report: ${data.title}`;
  $('title').textContent = `Access report: ${data.title}`;
  $('environment').append(...data.environments.map((it, at) => el('option', { value: at }, it.name)));
  $('environment-field').hidden = data.environments.length < 2;
  $('tag').append(...choices(data.tags, 'any'));
  $('product').append(...choices(data.products.map((it) => it.title || it.name), 'any'));
  $('foot').append('Made by Rolecall. What a role or a person may do was worked out before the page was made, with memberships to any depth, ownership and PUBLIC counted.',
    ...data.left_out.map((it) => el('p', { class: 'warn' }, `${it.environment} is not in this page: ${it.why}`)));
  for (const [name, [text]] of Object.entries(VIEWS)) {
    $('tabs').append(el('button', { type: 'button', role: 'tab', id: `tab-${name}`, 'data-view': name, 'aria-controls': 'view', onclick: () => { state.view = name; show(); } }, text));
  }
  $('view').setAttribute('role', 'tabpanel');
  recall();
  $('environment').value = state.environment;
  let kept = 'auto';
  try { kept = localStorage.getItem('rolecall-theme') || 'auto'; } catch { /* not kept, then */ }
  $('theme').value = kept;
  theme(kept);
  figures();
  listen();
  const { model, actor } = state;
  show();
  if (model >= 0 && actor >= 0) openWay(actor, model);
  else if (model >= 0) openModel(model);
  else if (actor >= 0) openActor(actor);
}

function listen() {
  const on = (id, event, act) => $(id).addEventListener(event, act);
  on('query', 'input', () => { state.query = $('query').value; show(); });
  on('tag', 'change', () => { state.tag = Number($('tag').value); show(); });
  on('product', 'change', () => { state.product = Number($('product').value); show(); });
  on('person', 'input', suggest);
  on('person', 'focus', suggest);
  on('person', 'change', person);
  on('clear', 'click', () => { Object.assign(state, { query: '', tag: -1, product: -1, person: -1 }); show(); });
  on('environment', 'change', () => {
    const kept = state.person < 0 ? '' : here().label(state.person);
    $('panel').hidden = true;
    Object.assign(state, { environment: Number($('environment').value), model: -1, actor: -1 });
    state.person = kept === '' ? -1 : here().actors.name.indexOf(kept);
    figures();
    show();
  });
  on('theme', 'change', () => {
    theme($('theme').value);
    try { localStorage.setItem('rolecall-theme', $('theme').value); } catch { /* not kept, then */ }
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => theme($('theme').value));
  on('print', 'click', () => print());
  addEventListener('beforeprint', () => { document.documentElement.dataset.theme = 'light'; paper(); });
  addEventListener('afterprint', () => { theme($('theme').value); $('paper').replaceChildren(); });
  addEventListener('resize', redraw);
  on('tabs', 'keydown', (event) => {
    const names = Object.keys(VIEWS);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    state.view = names[(names.indexOf(state.view) + step + names.length) % names.length];
    show();
    $(`tab-${state.view}`).focus();
  });
  addEventListener('keydown', (event) => {
    if (event.key === '/' && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); $('query').focus(); }
    if (event.key === 'Escape' && !$('panel').hidden) close();
  });
}

begin();
