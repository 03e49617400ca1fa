// Products, roles, people, drift and checks, as tables.
function viewProducts() {
  const environment = here();
  const list = words();
  const count = new Map();
  models.product.forEach((product, at) => { if (environment.relations[at] !== null) count.set(product, (count.get(product) || 0) + 1); });
  const rolesOf = (product) => environment.actors.product.flatMap((of, at) => (of === product ? [at] : []));
  const fits = data.products.map((product, at) => ({ ...product, at })).filter((product) => (state.product < 0 || product.at === state.product)
    && all(`${product.name} ${product.title || ''} ${product.owners.join(' ')}`.toLowerCase(), list));
  say(`${plural(fits.length, 'product')}${isFiltered() ? ' fit' : ''}.`);
  return { made: [table('Products', ['Product', 'Owners', '#Models', 'Roles, and whom each reaches', 'Defined in'], fits, (product) => el('tr', {},
    el('td', {}, link(product.title || product.name, () => { Object.assign(state, { product: product.at, view: 'matrix' }); show(); }), product.title ? el('div', { class: 'dim mono' }, product.name) : null),
    el('td', {}, product.owners.length > 0 ? product.owners.join(', ') : el('span', { class: 'bad' }, 'nobody')),
    el('td', { class: 'number' }, number(count.get(product.at) || 0)),
    el('td', {}, rolesOf(product.at).map((at) => el('div', {}, link(environment.actors.role[at] || environment.label(at), () => openActor(at, true)), el('span', { class: 'dim' }, ` ${reachOf(environment, at)}`)))),
    el('td', {}, mono(product.place))))] };
}

function actorTable(title, pool, heads, draw) {
  const list = words();
  const environment = here();
  const texts = strawOf(environment);
  const near = state.person >= 0 ? environment.rolesOf(state.person) : null;
  const fits = pool.filter((at) => all(texts[at], list) && (near === null || near.has(at)) && (state.product < 0 || environment.isPerson(at) || environment.actors.product[at] === state.product));
  say(`${number(fits.length)} of ${number(pool.length)} ${title.toLowerCase()}.`);
  return { made: [fits.length === 0 ? el('p', { class: 'void note' }, 'None fits.') : table(title, heads, fits, draw)] };
}

function who(environment, at) {
  return el('td', {}, link(environment.label(at), () => openActor(at, true)), environment.supers.has(at) ? chip('superuser', 'admin') : null);
}

function reach(environment, at) {
  const counts = environment.counts(at);
  return [counts.read, counts.write, counts.more].map((n) => el('td', { class: 'number' }, n === 0 ? '–' : number(n)));
}

function viewRoles() {
  const environment = here();
  const pool = environment.actors.kind.flatMap((kind, at) => (kind === 'person' ? [] : [at]));
  return actorTable('Roles', pool, ['Role', 'What it is', 'Members', 'Reaches', '#Reads', '#Writes', '#Admin'], (at) => {
    const members = environment.down(at);
    const product = environment.actors.product[at];
    return el('tr', {}, who(environment, at),
      el('td', {}, KINDS[environment.actors.kind[at]], el('div', { class: 'dim' }, product >= 0 ? `${data.products[product].name}.${environment.actors.role[at]}` : environment.actors.role[at])),
      el('td', {}, members.slice(0, 6).flatMap((edge, n) => [n ? ', ' : '', link(environment.label(edge.member), () => openActor(edge.member, true))]), members.length > 6 ? `, and ${number(members.length - 6)} more` : '', members.length === 0 ? el('span', { class: 'dim' }, 'nobody') : null),
      el('td', {}, reachOf(environment, at)), reach(environment, at));
  });
}

function viewPeople() {
  const environment = here();
  const pool = environment.actors.kind.flatMap((kind, at) => (kind === 'person' ? [at] : []));
  return actorTable('People', pool, ['Person', 'Is in', '#Reads', '#Writes', '#Admin'], (at) => el('tr', {}, who(environment, at),
    el('td', {}, environment.up(at).flatMap((edge, n) => [n ? ', ' : '', link(environment.label(edge.role), () => openActor(edge.role, true))])), reach(environment, at)));
}

function viewFindings() {
  const environment = here();
  const { drift, findings } = environment;
  const list = words();
  const fits = findings.filter((finding) => all(`${finding.code} ${finding.message} ${finding.place} ${finding.node}`.toLowerCase(), list));
  const changes = drift ? drift.changes.filter((change) => all(`${change.role} ${change.text}`.toLowerCase(), list)) : [];
  say(`${plural(fits.length, 'finding')}, ${plural(changes.length, 'difference')}.`);
  const words_ = { error: 'bad', warning: 'warn' };
  return { made: [
    el('h2', {}, 'Drift'),
    !drift ? el('p', { class: 'note dim' }, 'No warehouse was looked at: this is what the declarations say.') : null,
    drift && drift.changes.length === 0 ? el('p', { class: 'note good' }, 'The warehouse is as declared.') : null,
    drift && drift.changes.length > 0 ? [el('p', { class: 'note' }, drift.summary), table('Drift', ['Role', 'What would change', 'Why'], changes, (change) => el('tr', {},
      el('td', {}, mono(change.role)), el('td', {}, el('span', { class: `sign ${change.takes ? 'bad' : 'good'}` }, change.sign), change.text), el('td', { class: 'dim' }, change.why)))] : null,
    el('h3', {}, 'Checks'),
    fits.length === 0 ? el('p', { class: 'note' }, findings.length === 0 ? 'Nothing was found.' : 'None fits.') : null,
    fits.slice(0, 300).map((finding) => el('div', { class: 'note' }, el('h3', {}, el('span', { class: words_[finding.severity] }, finding.severity), ' ', mono(finding.code)),
      el('p', {}, finding.message), el('p', { class: 'dim' }, finding.place ? mono(finding.place) : null, finding.node ? [' ', mono(finding.node)] : null), finding.help ? el('p', { class: 'dim' }, finding.help) : null)),
  ] };
}

// On paper there is no scrolling: each model that is meant, and who may use it, then what was found.
function paper(most = 500) {
  const environment = here();
  const meant = modelsMeant();
  const actors = actorsMeant(meant);
  const rows = meant.rows.slice(0, most);
  const of = (model) => actors.map((actor) => ({ actor, cell: environment.cellAt(actor, model) })).filter(({ cell }) => cell.word !== '')
    .map(({ actor, cell }) => `${environment.label(actor)} (${said(cell)})`).join(', ');
  const narrowed = [
    state.query && `that fit “${state.query}”`, state.tag >= 0 && `tagged ${data.tags[state.tag]}`, state.product >= 0 && `of ${data.products[state.product].name}`,
    state.person >= 0 && `that ${environment.label(state.person)} may use`,
  ].filter(Boolean).join(', ');
  const sheet = (heads, lines) => el('table', {}, el('thead', {}, el('tr', {}, heads.map((head) => el('th', {}, head)))),
    el('tbody', {}, lines.map((line) => el('tr', {}, line.map((cell) => el('td', {}, cell))))));
  const { drift, findings } = environment;
  $('paper').replaceChildren(...[
    el('h2', {}, `Who may use what in ${environment.name}${narrowed ? `: models ${narrowed}` : ''}`),
    el('p', {}, `Columns: ${state.person >= 0 ? 'their roles' : COLUMNS[state.columns][0].toLowerCase()}.`),
    sheet(['Model', 'Relation', 'Who'], rows.map((model) => [models.name[model], environment.relations[model], of(model) || 'nobody'])),
    meant.rows.length > most && el('p', {}, `and ${plural(meant.rows.length - most, 'model')} more: narrow what is shown before printing.`),
    drift && el('h2', {}, 'Drift'),
    drift && (drift.changes.length === 0 ? el('p', {}, 'The warehouse is as declared.') : sheet(['Role', 'What would change', 'Why'], drift.changes.map((it) => [it.role, `${it.sign} ${it.text}`, it.why]))),
    findings.length > 0 && el('h2', {}, 'Checks'),
    findings.length > 0 && sheet(['Code', 'What was found', 'Where'], findings.map((it) => [`${it.severity} ${it.code}`, it.message, it.place || it.node])),
  ].filter(Boolean));
}
