// What is looked for, and what of everything it leaves.
const state = { environment: 0, view: 'matrix', query: '', tag: -1, product: -1, person: -1, columns: 'roles', model: -1, actor: -1 };

const hay = models.id.map((id, at) => [
  id, models.name[at], models.product[at] < 0 ? '' : data.products[models.product[at]].name,
  ...models.tags[at].map((tag) => data.tags[tag]),
].join(' ').toLowerCase());
const straw = new Map();
function strawOf(environment) {
  if (!straw.has(environment)) {
    const { name, kind, role, product } = environment.actors;
    straw.set(environment, name.map((it, at) => [
      it, role[at], KINDS[kind[at]], product[at] < 0 ? '' : `${data.products[product[at]].name}.${role[at]}`,
    ].join(' ').toLowerCase()));
  }
  return straw.get(environment);
}

const here = () => environmentAt(state.environment);
const words = () => state.query.toLowerCase().split(/\s+/).filter((word) => word !== '');
const all = (text, list) => list.every((word) => text.includes(word));
const isFiltered = () => state.query !== '' || state.tag >= 0 || state.product >= 0 || state.person >= 0;

// The models that are meant, in their order. A query that means no model may mean a role.
function modelsMeant() {
  const environment = here();
  const list = words();
  const row = state.person >= 0 ? environment.row(state.person) : null;
  const fits = (at) => environment.relations[at] !== null
    && (state.tag < 0 || models.tags[at].includes(state.tag))
    && (state.product < 0 || models.product[at] === state.product)
    && (row === null || row[at] > 0);
  const within = [];
  for (let at = 0; at < hay.length; at += 1) if (fits(at)) within.push(at);
  if (list.length === 0) return { rows: within, byQuery: false };
  const rows = within.filter((at) => all(hay[at], list) || all((environment.relations[at] || '').toLowerCase(), list));
  const any = rows.length > 0 || !actorsByQuery().some(() => true);
  return { rows: any ? rows : within, byQuery: any };
}

function actorsByQuery() {
  const list = words();
  const texts = strawOf(here());
  const found = [];
  for (let at = 0; at < texts.length; at += 1) if (all(texts[at], list)) found.push(at);
  return found;
}

const isManaged = (kind) => kind === 'product' || kind === 'policy' || kind === 'playbook';
const COLUMNS = {
  roles: ['Product roles and policies', isManaged],
  members: ['Groups, people and other roles', (kind) => !isManaged(kind) && kind !== 'server'],
  all: ['Everybody and everything', () => true],
};

// The columns of the matrix: by what is chosen, by person, by query, and only those with anything.
function actorsMeant({ rows, byQuery }) {
  const environment = here();
  const { kind } = environment.actors;
  const list = words();
  let pool;
  if (state.person >= 0) pool = [...environment.rolesOf(state.person)];
  else if (list.length > 0 && !byQuery) pool = actorsByQuery();
  else pool = kind.map((_, at) => at).filter((at) => COLUMNS[state.columns][1](kind[at]));
  if (!isFiltered()) return pool;
  return pool.filter((at) => {
    const row = environment.row(at);
    return rows.some((model) => row[model] > 0);
  });
}
