//! The content of one `meta.rolecall` block, checked: every odd thing in it is a finding.

use serde_json::Value;

use crate::model::diagnostic::nearest;
use crate::model::{Diagnostic, Diagnostics, Place, Privilege};

use super::{Declaration, NodeDeclarations, RoleRef};

/// The words that become privileges per object class.
const WORDS: [&str; 4] = ["read", "write", "admin", "own"];

/// Privileges that are offered where a word is close to one of them.
const OFFERED: [&str; 10] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "TRUNCATE",
    "REFERENCES",
    "TRIGGER",
    "MAINTAIN",
    "MONITOR",
    "OPERATE",
];

const KEYS: [&str; 2] = ["product", "grants"];

const SHAPE: &str = "write it as `rolecall: {grants: {analyst: [read]}}`";

/// Where the parts of a block stand, as far as that is known.
pub(super) trait Places {
    /// The block itself.
    fn block(&self) -> Option<Place>;
    /// A key of the block.
    fn key(&self, key: &str) -> Option<Place>;
    /// A role in `grants`.
    fn role(&self, role: &str) -> Option<Place>;
}

/// Reads the block of one node; `None` where it is no block at all.
pub(super) fn read(
    unique_id: &str,
    value: &Value,
    places: &dyn Places,
    diagnostics: &mut Diagnostics,
) -> Option<NodeDeclarations> {
    let mut reader = Reader { unique_id, places, diagnostics };
    let Value::Object(block) = value else {
        reader.wrong_type("", "an object with `product` and `grants`", value, places.block());
        return None;
    };
    for key in block.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        let help = match nearest(key, KEYS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => SHAPE.to_owned(),
        };
        let found = Diagnostic::error("unknown-key", format!("`rolecall` knows no key `{key}`"));
        reader.say(found.with_help(help), &format!(".{key}"), places.key(key));
    }
    let product = block.get("product").and_then(|value| match value {
        Value::String(name) if !name.trim().is_empty() => Some(name.clone()),
        _ => {
            reader.wrong_type(".product", "the name of a product", value, places.key("product"));
            None
        }
    });
    let grants = match block.get("grants") {
        None => Vec::new(),
        Some(Value::Object(grants)) => {
            let read = |(role, value): (&String, &Value)| reader.declaration(role, value);
            grants.iter().filter_map(read).collect()
        }
        Some(value) => {
            let wanted = "an object of product roles (`grants: {}` for none)";
            reader.wrong_type(".grants", wanted, value, places.key("grants"));
            Vec::new()
        }
    };
    reader.said_in_two_ways(product.as_deref(), &grants);
    let mut grants = grants;
    grants.sort_by(|a, b| a.role.cmp(&b.role));
    let product_place = product.as_ref().and_then(|_| places.key("product"));
    let place = places.block();
    Some(NodeDeclarations { product, product_place, place, grants, fallback: None })
}

struct Reader<'r> {
    unique_id: &'r str,
    places: &'r dyn Places,
    diagnostics: &'r mut Diagnostics,
}

impl Reader<'_> {
    fn declaration(&mut self, written: &str, value: &Value) -> Option<Declaration> {
        let place = self.places.role(written);
        let path = format!(".grants.{written}");
        let role = self.role_ref(written, &path, &place);
        let permissions = self.permissions(written, value, &path, &place);
        let (role, permissions) = (role?, permissions?);
        (!permissions.is_empty()).then_some(Declaration { role, permissions, place })
    }

    /// `analyst` or `finance.analyst`.
    fn role_ref(&mut self, written: &str, path: &str, place: &Option<Place>) -> Option<RoleRef> {
        let parts: Vec<&str> = written.split('.').collect();
        let clean = parts.iter().all(|part| !part.is_empty() && part.trim() == *part);
        match parts[..] {
            [role] if clean => Some(RoleRef { product: None, role: role.to_owned() }),
            [product, role] if clean => {
                Some(RoleRef { product: Some(product.to_owned()), role: role.to_owned() })
            }
            _ => {
                let found =
                    Diagnostic::error("role-name", format!("{written:?} names no product role"));
                let help = "write `analyst`, or another product's role as `finance.analyst`";
                self.say(found.with_help(help), path, place.clone());
                None
            }
        }
    }

    fn permissions(
        &mut self,
        role: &str,
        value: &Value,
        path: &str,
        place: &Option<Place>,
    ) -> Option<Vec<String>> {
        let list = match value {
            Value::String(_) => std::slice::from_ref(value),
            Value::Array(list) => list.as_slice(),
            _ => {
                self.wrong_type(path, "a permission or a list of them", value, place.clone());
                return None;
            }
        };
        if list.is_empty() {
            let found =
                Diagnostic::warning("empty-permissions", format!("`{role}` gets nothing here"));
            self.say(
                found.with_help("take the role out, or write a permission such as `read`"),
                path,
                place.clone(),
            );
        }
        let mut permissions: Vec<String> = Vec::new();
        for (at, value) in list.iter().enumerate() {
            let path = if value.is_string() && list.len() == 1 {
                path.to_owned()
            } else {
                format!("{path}[{at}]")
            };
            let Value::String(word) = value else {
                self.wrong_type(&path, "a permission such as `read`", value, place.clone());
                continue;
            };
            if !is_known(word) {
                self.unknown(word, &path, place.clone());
            } else if permissions.iter().any(|other| same(other, word)) {
                let found = Diagnostic::warning(
                    "duplicate-permission",
                    format!("`{role}` gets `{word}` twice here"),
                );
                self.say(found.with_help("write it once"), &path, place.clone());
            } else {
                permissions.push(word.clone());
            }
        }
        Some(permissions)
    }

    fn unknown(&mut self, word: &str, path: &str, place: Option<Place>) {
        let near = nearest(&word.to_ascii_lowercase(), WORDS)
            .or_else(|| nearest(&word.to_ascii_uppercase(), OFFERED));
        let known = "permissions are read, write, admin, own, or a privilege by its SQL name";
        let help = match near {
            Some(near) => format!("did you mean `{near}`? {known}"),
            None => known.to_owned(),
        };
        let found = Diagnostic::error("unknown-permission", format!("{word:?} is no permission"));
        self.say(found.with_help(help), path, place);
    }

    /// `analyst` and `sales.analyst` in a block of the product `sales`.
    fn said_in_two_ways(&mut self, product: Option<&str>, grants: &[Declaration]) {
        let Some(product) = product else { return };
        for full in grants.iter().filter(|d| d.role.product.as_deref() == Some(product)) {
            let short = RoleRef { product: None, role: full.role.role.clone() };
            if grants.iter().any(|other| other.role == short) {
                let found = Diagnostic::warning(
                    "duplicate-role",
                    format!(
                        "`{0}` and `{product}.{0}` are the same role here; it gets what both say",
                        short.role
                    ),
                );
                let path = format!(".grants.{product}.{}", short.role);
                self.say(found.with_help("write it once"), &path, full.place.clone());
            }
        }
    }

    fn wrong_type(&mut self, path: &str, wanted: &str, found: &Value, place: Option<Place>) {
        let what = format!("`rolecall{path}` should be {wanted}, and is {}", kind_of(found));
        self.say(Diagnostic::error("meta-type", what).with_help(SHAPE), path, place);
    }

    fn say(&mut self, diagnostic: Diagnostic, path: &str, place: Option<Place>) {
        let diagnostic =
            diagnostic.with_node(self.unique_id).with_path(format!("meta.rolecall{path}"));
        let place = place.or_else(|| self.places.block());
        self.diagnostics.push(match place {
            Some(place) => diagnostic.with_place(place),
            None => diagnostic,
        });
    }
}

/// One of the four words, to the letter, or a privilege of any dialect. `Read` is neither: as a
/// privilege it would be that of stages, which nobody means by it.
pub(super) fn is_known(word: &str) -> bool {
    WORDS.contains(&word)
        || (Privilege::parse(word).is_some()
            && (!WORDS.contains(&word.to_ascii_lowercase().as_str())
                || word == word.to_ascii_uppercase()))
}

fn same(one: &str, other: &str) -> bool {
    let is_word = |word: &str| WORDS.contains(&word);
    one == other
        || (!is_word(one) && !is_word(other) && Privilege::parse(one) == Privilege::parse(other))
}

pub(super) fn kind_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("the boolean {value}"),
        Value::Number(value) => format!("the number {value}"),
        Value::String(text) if text.is_empty() => "an empty text".to_owned(),
        Value::String(text) => format!("the text {:?}", text.chars().take(60).collect::<String>()),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
