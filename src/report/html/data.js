// What the page knows: one JSON document that stands in it. Who may do what was decided before the
// page was made; here it is only looked up. Lists of models and actors are held as columns, and
// everything that repeats as a number.
const data = JSON.parse(document.getElementById('data').textContent);
const models = data.models;
const LETTERS = ['', '·', 'R', 'W', 'W', 'A', 'O'];
const CLASSES = ['', 'other', 'read', 'write', 'write', 'admin', 'own'];
const KINDS = {
  person: 'person', group: 'group', product: 'product role', policy: 'policy', playbook: 'playbook role',
  server: "server's own role", role: 'other role',
};

// An environment, ready to be asked.
function environmentOf(raw) {
  const actors = raw.actors;
  const up = new Map();
  const down = new Map();
  const put = (map, key, value) => { if (map.has(key)) map.get(key).push(value); else map.set(key, [value]); };
  for (const [member, role, how, places, grantor, note] of raw.members) {
    const edge = { member, role, inherits: (how & 1) > 0, sets: (how & 2) > 0, admin: (how & 4) > 0, places, grantor, note };
    put(up, member, edge);
    put(down, role, edge);
  }
  const bases = new Map();
  for (const [model, actor, set, places, grantor] of raw.grants) put(bases, model, { actor, set, places, grantor });
  const owner = new Map(raw.owners);
  const supers = new Set(raw.supers);
  const decoded = new Map();
  const environment = {
    ...raw, owner, supers,
    size: actors.name.length,
    up: (actor) => up.get(actor) || [],
    down: (actor) => down.get(actor) || [],
    places: (list) => (list < 0 ? [] : raw.lists[list].map((text) => raw.texts[text])),
    text: (at) => (at < 0 ? '' : raw.texts[at]),
    set: (at) => raw.sets[at],
    // The number of what an actor may do, for every model; 0 is nothing.
    row(actor) {
      const at = raw.row[actor];
      let row = decoded.get(at);
      if (!row) {
        if (decoded.size > 3000) decoded.clear();
        row = new Uint16Array(models.id.length);
        runs(raw.rows[at], (from, to, cell) => row.fill(cell, from, to));
        decoded.set(at, row);
      }
      return row;
    },
    cellAt: (actor, model) => raw.cells[environment.row(actor)[model]],
    // How many models an actor may read, write, or more.
    counts(actor) {
      const counts = { read: 0, write: 0, more: 0, any: 0 };
      runs(raw.rows[raw.row[actor]], (from, to, cell) => {
        const { level } = raw.cells[cell];
        if (level > 0) counts.any += to - from;
        if (level === 2 || level >= 4) counts.read += to - from;
        if (level >= 3) counts.write += to - from;
        if (level >= 5) counts.more += to - from;
      });
      return counts;
    },
    label: (actor) => (actor < 0 ? 'everyone (PUBLIC)' : actors.name[actor]),
    kind: (actor) => (actor < 0 ? 'everyone' : KINDS[actors.kind[actor]]),
    isPerson: (actor) => actor >= 0 && actors.kind[actor] === 'person',
    basesOf: (model) => [...(bases.get(model) || []), ...(bases.get(-1) || [])],
    // Every actor in it or above it, itself first; `edges` says which memberships count.
    closure(actor, next, counts = () => true) {
      const seen = new Set([actor]);
      for (const at of seen) for (const edge of next(at)) if (counts(edge)) seen.add(next === environment.up ? edge.role : edge.member);
      return seen;
    },
    rolesOf: (actor) => environment.closure(actor, environment.up),
  };
  return environment;
}

// Whom a role lets in, all groups counted. Who is in a group that an identity provider keeps is not
// known where no warehouse was looked at: then the group itself is named, not nobody.
function reachOf(environment, role) {
  const inside = environment.closure(role, environment.down);
  let people = 0;
  let groups = 0;
  for (const at of inside) {
    if (at !== role && environment.isPerson(at)) people += 1;
    else if (environment.actors.kind[at] === 'group' && environment.down(at).length === 0) groups += 1;
  }
  const known = plural(people, 'person', 'people');
  if (groups === 0) return known;
  const unknown = `whoever is in ${plural(groups, 'group')}`;
  return people === 0 ? unknown : `${known} and ${unknown}`;
}

// Runs are [skip, count, cell, …]; what is skipped has nothing.
function runs(row, each) {
  let at = 0;
  for (let i = 0; i < row.length; i += 3) {
    const from = at + row[i];
    at = from + row[i + 1];
    each(from, at, row[i + 2]);
  }
}

const environments = new Map();
function environmentAt(index) {
  if (!environments.has(index)) environments.set(index, environmentOf(data.environments[index]));
  return environments.get(index);
}

// All ways from an actor to what lets it use a model: the actors and memberships that lead there.
function waysTo(environment, actor, model) {
  const cell = environment.cellAt(actor, model);
  const wanted = new Set([...environment.set(cell.held), ...environment.set(cell.later)]);
  const after = environment.set(cell.later).length > 0;
  const counts = (edge) => edge.inherits || (after && edge.sets);
  const reached = environment.closure(actor, environment.up, counts);
  const ends = [];
  for (const at of reached) if (environment.supers.has(at)) ends.push({ actor: at, what: 'superuser', places: -1, grantor: -1 });
  const owner = environment.owner.get(model);
  if (reached.has(owner)) ends.push({ actor: owner, what: 'owner', places: -1, grantor: -1 });
  for (const base of environment.basesOf(model)) {
    const gives = environment.set(base.set).filter((privilege) => wanted.has(privilege));
    if (gives.length > 0 && (base.actor === -1 || reached.has(base.actor))) ends.push({ ...base, gives, what: 'grant' });
  }
  const leads = new Set(ends.map((end) => end.actor));
  const edges = [];
  const back = [...leads];
  while (back.length > 0) {
    const to = back.pop();
    for (const edge of to < 0 ? [] : environment.down(to)) {
      if (!counts(edge) || !reached.has(edge.member)) continue;
      edges.push(edge);
      if (!leads.has(edge.member)) { leads.add(edge.member); back.push(edge.member); }
    }
  }
  // Several entries may make one membership.
  return { cell, ends, edges: edges.filter((edge, at) => edges.findIndex((e) => e.member === edge.member && e.role === edge.role) === at), leads };
}

// The ways one by one, shortest first; not more than anybody reads.
function routes(environment, actor, ways, most = 12) {
  const found = [];
  const open = [[{ at: actor, edge: null }]];
  let tried = 0;
  while (open.length > 0 && found.length < most && tried < 5000) {
    tried += 1;
    const way = open.shift();
    const { at } = way[way.length - 1];
    for (const end of ways.ends) if (end.actor === at || (end.actor < 0 && way.length === 1)) found.push({ way, end });
    for (const edge of ways.edges) {
      if (edge.member === at && !way.some((step) => step.at === edge.role)) open.push([...way, { at: edge.role, edge }]);
    }
  }
  return { found, whole: open.length === 0 };
}
