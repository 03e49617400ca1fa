// What is picked, in full: a way from somebody to a model, a model, or an actor.
function open(title, parts, focus) {
  const panel = $('panel');
  panel.hidden = false;
  redraw();
  panel.replaceChildren(
    el('button', { type: 'button', class: 'close', 'aria-label': 'Close the details', onclick: close }, '×'),
    el('h2', { tabindex: '-1' }, title), ...parts.flat().filter(Boolean));
  panel.scrollTop = 0;
  if (focus) panel.querySelector('h2').focus();
  remember();
}

function close() {
  $('panel').hidden = true;
  state.model = -1;
  state.actor = -1;
  remember();
  redraw();
  const grid = $('grid');
  if (grid) grid.focus();
}

function redraw() {
  const grid = $('grid');
  if (grid) grid.dispatchEvent(new Event('scroll'));
}

const placesOf = (environment, list) => environment.places(list).map((place) => mono(place)).flatMap((it, at) => (at ? [', ', it] : [it]));

function because(environment, edge) {
  const places = placesOf(environment, edge.places);
  if (places.length > 0) return ['[', places, ']', edge.note >= 0 ? ` ${environment.text(edge.note)}` : ''];
  if (edge.grantor >= 0) return [el('span', { class: 'warn' }, `declared nowhere; by ${environment.label(edge.grantor)}`)];
  return environment.declared ? [] : [el('span', { class: 'warn' }, 'declared nowhere')];
}

function endOf(environment, end) {
  if (end.what === 'superuser') return ['a superuser, whom nothing stops'];
  if (end.what === 'owner') return ['owns it'];
  const who = end.actor < 0 ? 'everyone (PUBLIC) has ' : 'has ';
  return [who, el('b', {}, end.gives.join(', ')), ' ', because(environment, end)];
}

function openWay(actor, model, focus) {
  const environment = here();
  const cell = environment.cellAt(actor, model);
  if (cell.word === '') { openModel(model, focus); return; }
  Object.assign(state, { model, actor });
  const ways = waysTo(environment, actor, model);
  const { found, whole } = routes(environment, actor, ways);
  const steps = ({ way, end }) => el('li', {},
    way.slice(1).map((step) => [step.edge.inherits ? 'in ' : 'may SET ROLE ', link(environment.label(step.at), () => openActor(step.at, true)),
      ' ', because(environment, step.edge), ' → ']), endOf(environment, end));
  open(el('span', {}, el('bdi', {}, environment.label(actor)), ' → ', el('bdi', {}, models.name[model])), [
    el('p', {}, chip(said(cell), CLASSES[cell.level]), ' ', environment.set(cell.usable).join(', ')),
    cell.after ? el('p', { class: 'dim' }, 'Only after SET ROLE: ', environment.set(cell.later).join(', ')) : null,
    cell.through.map((way) => el('p', { class: 'warn' }, environment.text(way), ': `rolecall explain` tells by which chain')),
    useless(environment, cell),
    rowSecurity(environment, model),
    chart(environment, actor, model, ways),
    el('h3', {}, 'The same as text'),
    el('ol', { id: 'ways' }, found.map(steps)),
    whole ? null : el('p', { class: 'dim' }, 'and more ways'),
    found.length > 0 || cell.through.length > 0 ? null : el('p', { class: 'dim' }, 'By rules of the warehouse itself.'),
    el('p', {}, link(`All of ${models.name[model]}`, () => openModel(model, true)), ' · ', link(`All of ${environment.label(actor)}`, () => openActor(actor, true))),
  ], focus);
}

const rowSecurity = (environment, model) => (environment.row_security.includes(model) ? el('p', { class: 'warn' }, 'Row security is on: policies of the server decide which rows are seen.') : null);

function useless(environment, cell) {
  const held = environment.set(cell.held).filter((it) => !environment.set(cell.usable).includes(it) && !environment.set(cell.later).includes(it));
  if (held.length === 0) return null;
  return [el('p', { class: 'warn' }, `Held and of no use: ${held.join(', ')}`),
    el('ul', {}, cell.lacks.map((lack) => el('li', {}, environment.text(lack))))];
}

function openModel(model, focus) {
  const environment = here();
  Object.assign(state, { model, actor: -1 });
  const product = models.product[model];
  const holders = [];
  for (let actor = 0; actor < environment.size; actor += 1) {
    const cell = environment.cellAt(actor, model);
    if (cell.word !== '') holders.push({ actor, cell });
  }
  holders.sort((a, b) => b.cell.level - a.cell.level || a.actor - b.actor);
  const list = (title, fits) => {
    const some = holders.filter(({ actor }) => fits(actor));
    return [el('h3', {}, `${title} (${number(some.length)})`), some.length === 0 ? el('p', { class: 'dim' }, 'nobody') : null,
      el('ul', {}, some.slice(0, 200).map(({ actor, cell }) => el('li', {}, link(environment.label(actor), () => openWay(actor, model, true)), ' ', chip(said(cell), CLASSES[cell.level]))),
        some.length > 200 ? el('li', { class: 'dim' }, `and ${number(some.length - 200)} more`) : null)];
  };
  open(models.name[model], [
    el('p', {}, mono(models.id[model])),
    el('p', { class: 'dim' }, models.kind[model], ' · ', environment.classes[model] || '', ' ', el('bdi', {}, environment.relations[model] || 'not in this environment')),
    el('p', {}, product >= 0 ? link(data.products[product].title || data.products[product].name, () => { state.product = product; show(); }) : null, ' ', models.tags[model].map((tag) => chip(data.tags[tag]))),
    rowSecurity(environment, model),
    list('People', environment.isPerson),
    list('Groups and roles', (actor) => !environment.isPerson(actor)),
  ], focus);
}

function openActor(actor, focus) {
  const environment = here();
  Object.assign(state, { model: -1, actor });
  const { kind, product, role, places } = environment.actors;
  const counts = environment.counts(actor);
  const member = (edge, other) => el('li', {}, link(environment.label(other), () => openActor(other, true)), ' ', chip(environment.kind(other)), ' ',
    edge.inherits ? null : el('span', { class: 'dim' }, 'by SET ROLE only '), edge.admin ? el('span', { class: 'warn' }, 'may let others in ') : null, because(environment, edge));
  const list = (title, edges, other) => [el('h3', {}, `${title} (${number(edges.length)})`), edges.length === 0 ? el('p', { class: 'dim' }, 'none') : null,
    el('ul', {}, edges.slice(0, 300).map((edge) => member(edge, other(edge))), edges.length > 300 ? el('li', { class: 'dim' }, `and ${number(edges.length - 300)} more`) : null)];
  open(environment.label(actor), [
    el('p', { class: 'dim' }, KINDS[kind[actor]], product[actor] >= 0 ? ` ${data.products[product[actor]].name}.${role[actor]}` : ` ${role[actor]}`,
      environment.supers.has(actor) ? el('b', { class: 'bad' }, ' · superuser') : null),
    environment.places(places[actor]).length > 0 ? el('p', { class: 'dim' }, 'defined in ', placesOf(environment, places[actor])) : null,
    el('p', {}, `reads ${plural(counts.read, 'model')}, writes ${number(counts.write)}, administers or owns ${number(counts.more)}`),
    el('p', {}, link('Show these in the matrix', () => { Object.assign(state, { person: actor, view: 'matrix', query: '' }); show(); })),
    list('Is in', environment.up(actor), (edge) => edge.role),
    environment.isPerson(actor) && environment.down(actor).length === 0 ? null : list('Members', environment.down(actor), (edge) => edge.member),
    environment.isPerson(actor) ? null : el('p', { class: 'dim' }, `Reaches ${reachOf(environment, actor)}.`),
  ], focus);
}
