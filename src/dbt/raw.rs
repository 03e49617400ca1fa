//! The JSON of a manifest as it stands, borrowed from the bytes: only the keys that decide about
//! access, each of any JSON type, so that one odd value becomes a finding and not the end.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

use super::raw_value::{Block, Loose, Meta, Text, Texts};

/// The top of the file. Everything else in it is skipped.
#[derive(Default)]
pub(super) struct RawManifest<'a> {
    pub metadata: Option<Loose<RawMetadata<'a>>>,
    pub nodes: Option<Loose<RawNodes<'a>>>,
    pub sources: Option<Loose<RawNodes<'a>>>,
    /// The first few keys, to say what the file is instead.
    pub keys: Vec<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawMetadata<'a> {
    #[serde(borrow)]
    pub dbt_schema_version: Text<'a>,
    #[serde(borrow)]
    pub dbt_version: Text<'a>,
    #[serde(borrow)]
    pub project_name: Text<'a>,
    #[serde(borrow)]
    pub adapter_type: Text<'a>,
    #[serde(borrow)]
    pub generated_at: Text<'a>,
    #[serde(borrow)]
    pub invocation_id: Text<'a>,
    pub quoting: Loose<RawQuoting>,
}

/// What is quoted; a key that is missing, null or not a boolean says nothing.
#[derive(Default, Clone, Copy, Deserialize)]
#[serde(default)]
pub(super) struct RawQuoting {
    pub database: Flag,
    pub schema: Flag,
    pub identifier: Flag,
}

/// A boolean, or nothing that can be used as one.
#[derive(Default, Clone, Copy)]
pub(super) struct Flag(pub Option<bool>);

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawNode<'a> {
    #[serde(borrow)]
    pub resource_type: Text<'a>,
    #[serde(borrow)]
    pub package_name: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub source_name: Text<'a>,
    #[serde(borrow)]
    pub relation_name: Text<'a>,
    #[serde(borrow)]
    pub database: Text<'a>,
    #[serde(borrow)]
    pub schema: Text<'a>,
    #[serde(borrow)]
    pub alias: Text<'a>,
    #[serde(borrow)]
    pub identifier: Text<'a>,
    #[serde(borrow)]
    pub original_file_path: Text<'a>,
    #[serde(borrow)]
    pub patch_path: Text<'a>,
    #[serde(borrow)]
    pub fqn: Texts<'a>,
    #[serde(borrow)]
    pub tags: Texts<'a>,
    #[serde(borrow)]
    pub group: Text<'a>,
    #[serde(borrow)]
    pub access: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub latest_version: Text<'a>,
    #[serde(borrow)]
    pub meta: Meta<'a>,
    #[serde(borrow)]
    pub config: Loose<RawConfig<'a>>,
    #[serde(borrow)]
    pub depends_on: Loose<RawDependsOn<'a>>,
    pub quoting: Loose<RawQuoting>,
    /// As text: looked into only where it speaks of us.
    #[serde(borrow)]
    pub columns: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawConfig<'a> {
    pub enabled: Flag,
    #[serde(borrow)]
    pub materialized: Text<'a>,
    #[serde(borrow)]
    pub meta: Meta<'a>,
    #[serde(borrow)]
    pub tags: Texts<'a>,
    #[serde(borrow)]
    pub group: Text<'a>,
    #[serde(borrow)]
    pub access: Text<'a>,
    #[serde(borrow)]
    pub grants: Option<&'a RawValue>,
    /// As some Fusion previews wrote it.
    #[serde(borrow, rename = "+grants")]
    pub plus_grants: Option<&'a RawValue>,
    #[serde(borrow, rename = "pre-hook")]
    pub pre_hook: Option<&'a RawValue>,
    #[serde(borrow, rename = "post-hook")]
    pub post_hook: Option<&'a RawValue>,
    /// As dbt's Rust line writes it.
    #[serde(borrow, rename = "pre_hook")]
    pub pre_hook_: Option<&'a RawValue>,
    #[serde(borrow, rename = "post_hook")]
    pub post_hook_: Option<&'a RawValue>,
    pub quoting: Loose<RawQuoting>,
}

/// One of `on-run-start` and `on-run-end`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawOperation<'a> {
    #[serde(borrow)]
    pub raw_code: Text<'a>,
    /// Before dbt 1.3.
    #[serde(borrow)]
    pub raw_sql: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawDependsOn<'a> {
    #[serde(borrow)]
    pub nodes: Texts<'a>,
}

/// A column, as far as it can hold a block.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawColumn<'a> {
    #[serde(borrow)]
    pub meta: Meta<'a>,
    #[serde(borrow)]
    pub config: Loose<RawColumnConfig<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawColumnConfig<'a> {
    #[serde(borrow)]
    pub meta: Meta<'a>,
}

/// The nodes of one map that have a relation, and what runs before and after all of them, in file order;
/// the others are skipped by their key.
#[derive(Default)]
pub(super) struct RawNodes<'a> {
    pub nodes: Vec<(Cow<'a, str>, Loose<RawNode<'a>>)>,
    pub operations: Vec<(Cow<'a, str>, Loose<RawOperation<'a>>)>,
}

/// A key of a map, borrowed where it holds no escape.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E: de::Error>(self, v: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(v)))
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(v.to_owned())))
            }
        }
        deserializer.deserialize_str(Keys)
    }
}

/// `model.`, `seed.`, `snapshot.` and `source.`: everything else has no relation.
pub(super) fn has_relation(unique_id: &str) -> bool {
    ["model.", "seed.", "snapshot.", "source."].iter().any(|kind| unique_id.starts_with(kind))
}

impl<'de: 'a, 'a> Block<'de> for RawNodes<'a> {
    fn from_map<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let (mut nodes, mut operations) = (Vec::new(), Vec::new());
        while let Some(Key(key)) = map.next_key()? {
            if has_relation(&key) {
                let node = map.next_value()?;
                nodes.push((key, node));
            } else if key.starts_with("operation.") {
                let operation = map.next_value()?;
                operations.push((key, operation));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Self { nodes, operations })
    }
}

/// The entries of a map whose values are `T`, in file order.
pub(super) struct Entries<'a, T>(pub Vec<(Cow<'a, str>, T)>);

impl<'de: 'a, 'a, T: Deserialize<'de>> Block<'de> for Entries<'a, T> {
    fn from_map<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut entries = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            entries.push((key, map.next_value()?));
        }
        Ok(Self(entries))
    }
}

macro_rules! block_by_derive {
    ($($name:ident),*) => {$(
        impl<'de: 'a, 'a> Block<'de> for $name<'a> {
            fn from_map<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
                Self::deserialize(de::value::MapAccessDeserializer::new(map))
            }
        }
    )*};
}
block_by_derive!(
    RawMetadata,
    RawNode,
    RawOperation,
    RawConfig,
    RawDependsOn,
    RawColumn,
    RawColumnConfig
);

impl<'de> Block<'de> for RawQuoting {
    fn from_map<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Self::deserialize(de::value::MapAccessDeserializer::new(map))
    }
}

impl<'de> Deserialize<'de> for RawManifest<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Top<'a>(PhantomData<&'a ()>);
        impl<'de> Visitor<'de> for Top<'de> {
            type Value = RawManifest<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut top = RawManifest::default();
                while let Some(Key(key)) = map.next_key()? {
                    match &*key {
                        "metadata" => once("metadata", &mut top.metadata, &mut map)?,
                        "nodes" => once("nodes", &mut top.nodes, &mut map)?,
                        "sources" => once("sources", &mut top.sources, &mut map)?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                    if top.keys.len() < 6 {
                        top.keys.push(key);
                    }
                }
                Ok(top)
            }
        }
        deserializer.deserialize_map(Top(PhantomData))
    }
}

fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    key: &'static str,
    slot: &mut Option<T>,
    map: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(de::Error::duplicate_field(key));
    }
    *slot = Some(map.next_value()?);
    Ok(())
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Flags;
        impl<'de> Visitor<'de> for Flags {
            type Value = Flag;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or false")
            }
            fn visit_bool<E>(self, v: bool) -> Result<Flag, E> {
                Ok(Flag(Some(v)))
            }
            fn visit_unit<E>(self) -> Result<Flag, E> {
                Ok(Flag(None))
            }
            fn visit_str<E>(self, _: &str) -> Result<Flag, E> {
                Ok(Flag(None))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Flag, E> {
                Ok(Flag(None))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Flag, E> {
                Ok(Flag(None))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Flag, E> {
                Ok(Flag(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Flag, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Flag(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Flag, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Flag(None))
            }
        }
        deserializer.deserialize_any(Flags)
    }
}
