//! The graph of roles: who is in what, and what it may do, as text for Mermaid and Graphviz.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::findings::one_line;
use super::matrix;
use crate::effect::AccessState;
use crate::model::{DesiredState, Ident, PrivilegeSet, Securable};

/// What a node of the graph is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A role that can log in.
    Person,
    /// Any role that is not managed.
    Group,
    /// A managed role.
    Role,
    /// A relation.
    Model,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Group => "group",
            Self::Role => "role",
            Self::Model => "model",
        }
    }
}

/// An edge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// A place in the nodes.
    pub from: usize,
    /// Another.
    pub to: usize,
    /// What may be done; empty for a membership.
    pub label: String,
    /// The member has the role's privileges only after SET ROLE.
    pub by_set_role: bool,
}

/// Everybody who is in a managed role, the managed roles, and what they were granted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Graph {
    /// What each is, and what it is called; for managed roles a second line, whose they are.
    pub nodes: Vec<(Kind, String, String)>,
    /// Sorted.
    pub edges: Vec<Edge>,
}

impl Graph {
    /// Of the managed roles of a state. `with_models` draws what was granted to them, too.
    pub fn of(state: &AccessState, desired: &DesiredState, with_models: bool) -> Self {
        let mut inside: BTreeSet<&Ident> = desired.roles.keys().collect();
        loop {
            let leads = state.memberships.iter().filter(|it| inside.contains(&it.role));
            let more: Vec<&Ident> = leads.map(|it| &it.member).collect();
            let before = inside.len();
            inside.extend(more);
            if inside.len() == before {
                break;
            }
        }
        let mut graph = Self::default();
        let mut places: BTreeMap<&Ident, usize> = BTreeMap::new();
        for name in inside {
            let login = state.roles.get(name).is_some_and(|role| role.attributes.login);
            let managed = desired.roles.get(name).map(|role| role.marker.whose());
            let kind = match (&managed, login) {
                (Some(_), _) => Kind::Role,
                (None, true) => Kind::Person,
                (None, false) => Kind::Group,
            };
            places.insert(name, graph.nodes.len());
            graph.nodes.push((kind, name.as_str().to_owned(), managed.unwrap_or_default()));
        }
        let mut edges: BTreeMap<(usize, usize), bool> = BTreeMap::new();
        for it in &state.memberships {
            if let (Some(from), Some(to)) = (places.get(&it.member), places.get(&it.role))
                && (it.inherit || it.set)
            {
                let inherits = edges.entry((*from, *to)).or_default();
                *inherits |= it.inherit;
            }
        }
        graph.edges.extend(edges.into_iter().map(|((from, to), inherits)| Edge {
            from,
            to,
            label: String::new(),
            by_set_role: !inherits,
        }));
        if with_models {
            graph.models(state, &places);
        }
        graph
    }

    fn models(&mut self, state: &AccessState, places: &BTreeMap<&Ident, usize>) {
        let relations = state.objects.iter().filter(|(on, _)| on.class().is_relation());
        for (on, object) in relations {
            let mut given: BTreeMap<usize, PrivilegeSet> = BTreeMap::new();
            for entry in &object.acl {
                let grantee = entry.grantee.as_ref();
                let role = grantee.and_then(|role| places.get(role)).copied();
                if let Some(role) = role.filter(|at| self.nodes.get(*at).is_some_and(is_role)) {
                    let privileges = given.entry(role).or_insert(PrivilegeSet::EMPTY);
                    *privileges = privileges.union(entry.privileges);
                }
            }
            if given.is_empty() {
                continue;
            }
            let to = self.nodes.len();
            self.nodes.push((Kind::Model, shown(on), on.class().as_str().to_owned()));
            self.edges.extend(given.into_iter().map(|(from, privileges)| Edge {
                from,
                to,
                label: matrix::short(privileges),
                by_set_role: false,
            }));
        }
    }

    /// For Mermaid, which is drawn where Markdown is shown.
    pub fn mermaid(&self) -> String {
        let mut out = String::from("flowchart LR\n");
        for (at, (kind, name, note)) in self.nodes.iter().enumerate() {
            let text = match note.as_str() {
                "" => in_mermaid(name),
                note => format!("{}<br/>{}", in_mermaid(name), in_mermaid(note)),
            };
            let (open, close) = match kind {
                Kind::Person => ("([", "])"),
                Kind::Group => ("[[", "]]"),
                Kind::Role => ("[", "]"),
                Kind::Model => ("[(", ")]"),
            };
            let _ = writeln!(out, "  n{at}{open}\"{text}\"{close}:::{}", kind.as_str());
        }
        for Edge { from, to, label, by_set_role } in &self.edges {
            let line = if *by_set_role { "-.->" } else { "-->" };
            let label = match (label.as_str(), by_set_role) {
                ("", false) => String::new(),
                ("", true) => "|\"SET ROLE\"|".to_owned(),
                (label, _) => format!("|\"{}\"|", in_mermaid(label)),
            };
            let _ = writeln!(out, "  n{from} {line}{label} n{to}");
        }
        out.push_str(
            "  classDef person fill:#dce9f8,stroke:#1b5a9e,color:#1b232e\n  \
             classDef group fill:#e6e9ed,stroke:#55606e,color:#1b232e\n  \
             classDef role fill:#d5ebe2,stroke:#0b4a38,color:#1b232e\n  \
             classDef model fill:#fbe5b3,stroke:#644000,color:#1b232e\n",
        );
        out
    }

    /// For Graphviz.
    pub fn dot(&self) -> String {
        let mut out = String::from(
            "digraph access {\n  rankdir=LR;\n  node [fontname=\"Helvetica\", fontsize=11, style=filled];\n  \
             edge [fontname=\"Helvetica\", fontsize=9, color=\"#55606e\"];\n",
        );
        for (at, (kind, name, note)) in self.nodes.iter().enumerate() {
            let text = match note.as_str() {
                "" => in_dot(name),
                note => format!("{}\\n{}", in_dot(name), in_dot(note)),
            };
            let look = match kind {
                Kind::Person => "shape=ellipse, fillcolor=\"#dce9f8\"",
                Kind::Group => "shape=folder, fillcolor=\"#e6e9ed\"",
                Kind::Role => "shape=box, fillcolor=\"#d5ebe2\"",
                Kind::Model => "shape=cylinder, fillcolor=\"#fbe5b3\"",
            };
            let _ = writeln!(out, "  n{at} [label=\"{text}\", {look}];");
        }
        for Edge { from, to, label, by_set_role } in &self.edges {
            let look = match (label.as_str(), by_set_role) {
                ("", false) => String::new(),
                ("", true) => " [label=\"SET ROLE\", style=dashed]".to_owned(),
                (label, _) => format!(" [label=\"{}\"]", in_dot(label)),
            };
            let _ = writeln!(out, "  n{from} -> n{to}{look};");
        }
        out.push_str("}\n");
        out
    }
}

fn is_role((kind, _, _): &(Kind, String, String)) -> bool {
    *kind == Kind::Role
}

fn shown(on: &Securable) -> String {
    on.to_string()
}

/// A text within quotes in Mermaid: what is not plainly a letter, a digit or a mark of names is
/// written as a number, so that nothing is read as Markdown, HTML, a comment or the end of the text.
fn in_mermaid(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text).chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '.' | ',' | '-' | '_' | '@') {
            out.push(c);
        } else {
            let _ = write!(out, "#{};", u32::from(c));
        }
    }
    out
}

/// A text within quotes in DOT. A backslash begins an escape there, and an ampersand an entity.
fn in_dot(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text).chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> Graph {
        let node = |kind, name: &str, note: &str| (kind, name.to_owned(), note.to_owned());
        let edge = |from, to, label: &str, by_set_role| Edge {
            from,
            to,
            label: label.to_owned(),
            by_set_role,
        };
        Graph {
            nodes: vec![
                node(Kind::Person, "a\"]; click n0 \"javascript:alert(1)", ""),
                node(Kind::Group, "`**x**` <b>&lt;\n%%", ""),
                node(Kind::Role, "p_analyst\\", "p.analyst"),
                node(Kind::Model, "d.s.t", "table"),
            ],
            edges: vec![edge(0, 1, "", false), edge(1, 2, "", true), edge(2, 3, "read", false)],
        }
    }

    #[test]
    fn no_name_is_more_than_a_text_to_mermaid() {
        insta::assert_snapshot!(graph().mermaid(), @r##"
        flowchart LR
          n0(["a#34;#93;#59; click n0 #34;javascript#58;alert#40;1#41;"]):::person
          n1[["#96;#42;#42;x#42;#42;#96; #60;b#62;#38;lt#59;#92;n#37;#37;"]]:::group
          n2["p_analyst#92;<br/>p.analyst"]:::role
          n3[("d.s.t<br/>table")]:::model
          n0 --> n1
          n1 -.->|"SET ROLE"| n2
          n2 -->|"read"| n3
          classDef person fill:#dce9f8,stroke:#1b5a9e,color:#1b232e
          classDef group fill:#e6e9ed,stroke:#55606e,color:#1b232e
          classDef role fill:#d5ebe2,stroke:#0b4a38,color:#1b232e
          classDef model fill:#fbe5b3,stroke:#644000,color:#1b232e
        "##);
    }

    #[test]
    fn no_name_is_more_than_a_text_to_graphviz() {
        insta::assert_snapshot!(graph().dot(), @r##"
        digraph access {
          rankdir=LR;
          node [fontname="Helvetica", fontsize=11, style=filled];
          edge [fontname="Helvetica", fontsize=9, color="#55606e"];
          n0 [label="a\"]; click n0 \"javascript:alert(1)", shape=ellipse, fillcolor="#dce9f8"];
          n1 [label="`**x**` <b>&amp;lt;\\n%%", shape=folder, fillcolor="#e6e9ed"];
          n2 [label="p_analyst\\\np.analyst", shape=box, fillcolor="#d5ebe2"];
          n3 [label="d.s.t\ntable", shape=cylinder, fillcolor="#fbe5b3"];
          n0 -> n1;
          n1 -> n2 [label="SET ROLE", style=dashed];
          n2 -> n3 [label="read"];
        }
        "##);
    }
}
