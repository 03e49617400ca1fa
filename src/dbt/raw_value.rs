//! JSON values of which any type may stand in any place: what is of use is kept, borrowed where
//! it can be, and the kind of anything else is remembered for the message.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Where a block stands in `meta`.
pub(crate) const KEY: &str = "rolecall";

/// Where Raito's blocks stand in `meta`.
pub(crate) const RAITO: &str = "raito";

/// What is read out of a JSON object.
pub(super) trait Block<'de>: Sized {
    /// Reads all entries.
    fn from_map<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error>;
}

/// An object, nothing, or something of another kind.
#[derive(Default)]
pub(super) enum Loose<T> {
    /// Missing or null.
    #[default]
    Nothing,
    Is(T),
    /// Another kind of JSON value, such as `a list`.
    Wrong(&'static str),
}

impl<T> Loose<T> {
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Nothing | Self::Wrong(_) => None,
        }
    }
}

/// A text, or what stands in its place.
#[derive(Default)]
pub(super) enum Text<'a> {
    /// Missing or null.
    #[default]
    Nothing,
    Is(Cow<'a, str>),
    /// A number, as dbt writes versions.
    Number(String),
    Wrong(&'static str),
}

/// A list of texts; dbt writes a single one bare at times.
#[derive(Default)]
pub(super) enum Texts<'a> {
    /// Missing or null.
    #[default]
    Nothing,
    Are(Vec<Cow<'a, str>>),
    Wrong(&'static str),
}

/// A `meta` object, of which only our key is kept, as JSON text.
#[derive(Default)]
pub(super) enum Meta<'a> {
    /// Missing or null.
    #[default]
    Nothing,
    Is {
        rolecall: Option<&'a RawValue>,
        /// Raito's block.
        raito: Option<&'a RawValue>,
        /// It says something else.
        others: bool,
    },
    Wrong(&'static str),
}

impl<'a> Meta<'a> {
    pub fn rolecall(&self) -> Option<&'a RawValue> {
        match self {
            Self::Is { rolecall, .. } => *rolecall,
            Self::Nothing | Self::Wrong(_) => None,
        }
    }

    pub fn raito(&self) -> Option<&'a RawValue> {
        match self {
            Self::Is { raito, .. } => *raito,
            Self::Nothing | Self::Wrong(_) => None,
        }
    }
}

/// Each visitor answers to every kind of JSON value; those it has no use for are named.
macro_rules! other_kinds {
    ($value:ty, $wrong:path; $($kind:ident)*) => {
        fn visit_unit<E: de::Error>(self) -> Result<$value, E> {
            Ok(<$value>::default())
        }
        $(other_kinds!(@$kind $value, $wrong);)*
    };
    (@bool $value:ty, $wrong:path) => {
        fn visit_bool<E: de::Error>(self, _: bool) -> Result<$value, E> {
            Ok($wrong("true or false"))
        }
    };
    (@number $value:ty, $wrong:path) => {
        fn visit_i64<E: de::Error>(self, _: i64) -> Result<$value, E> {
            Ok($wrong("a number"))
        }
        fn visit_u64<E: de::Error>(self, _: u64) -> Result<$value, E> {
            Ok($wrong("a number"))
        }
        fn visit_f64<E: de::Error>(self, _: f64) -> Result<$value, E> {
            Ok($wrong("a number"))
        }
    };
    (@text $value:ty, $wrong:path) => {
        fn visit_str<E: de::Error>(self, _: &str) -> Result<$value, E> {
            Ok($wrong("a text"))
        }
    };
    (@list $value:ty, $wrong:path) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<$value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok($wrong("a list"))
        }
    };
    (@object $value:ty, $wrong:path) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($wrong("an object"))
        }
    };
}

struct Any<T>(PhantomData<T>);

impl<'de, T: Block<'de>> Visitor<'de> for Any<Loose<T>> {
    type Value = Loose<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Loose<T>, A::Error> {
        T::from_map(map).map(Loose::Is)
    }
    other_kinds!(Loose<T>, Loose::Wrong; bool number text list);
}

impl<'de> Visitor<'de> for Any<Text<'de>> {
    type Value = Text<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }
    fn visit_borrowed_str<E: de::Error>(self, v: &'de str) -> Result<Text<'de>, E> {
        Ok(Text::Is(Cow::Borrowed(v)))
    }
    fn visit_str<E: de::Error>(self, v: &str) -> Result<Text<'de>, E> {
        Ok(Text::Is(Cow::Owned(v.to_owned())))
    }
    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Text<'de>, E> {
        Ok(Text::Number(v.to_string()))
    }
    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Text<'de>, E> {
        Ok(Text::Number(v.to_string()))
    }
    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Text<'de>, E> {
        // As Python prints it, since dbt's unique_id holds that: 1.0 stays `1.0`.
        Ok(Text::Number(format!("{v:?}")))
    }
    other_kinds!(Text<'de>, Text::Wrong; bool list object);
}

impl<'de> Visitor<'de> for Any<Texts<'de>> {
    type Value = Texts<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }
    fn visit_borrowed_str<E: de::Error>(self, v: &'de str) -> Result<Texts<'de>, E> {
        Ok(Texts::Are(vec![Cow::Borrowed(v)]))
    }
    fn visit_str<E: de::Error>(self, v: &str) -> Result<Texts<'de>, E> {
        Ok(Texts::Are(vec![Cow::Owned(v.to_owned())]))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Texts<'de>, A::Error> {
        let (mut texts, mut wrong) = (Vec::new(), None);
        while let Some(text) = seq.next_element::<Text<'de>>()? {
            match text {
                Text::Is(text) => texts.push(text),
                Text::Number(number) => texts.push(Cow::Owned(number)),
                Text::Nothing => wrong = Some("a list that holds null"),
                Text::Wrong(_) => wrong = Some("a list that holds other things than texts"),
            }
        }
        Ok(wrong.map_or(Texts::Are(texts), Texts::Wrong))
    }
    other_kinds!(Texts<'de>, Texts::Wrong; bool number object);
}

impl<'de> Visitor<'de> for Any<Meta<'de>> {
    type Value = Meta<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Meta<'de>, A::Error> {
        let (mut rolecall, mut raito, mut others) = (None, None, false);
        while let Some(key) = map.next_key::<MetaKey>()? {
            let (name, slot) = match key {
                MetaKey::Ours => (KEY, &mut rolecall),
                MetaKey::Raito => (RAITO, &mut raito),
                MetaKey::Other => {
                    map.next_value::<IgnoredAny>()?;
                    others = true;
                    continue;
                }
            };
            if slot.replace(map.next_value()?).is_some() {
                return Err(de::Error::duplicate_field(name));
            }
        }
        Ok(Meta::Is { rolecall, raito, others: others || raito.is_some() })
    }
    other_kinds!(Meta<'de>, Meta::Wrong; bool number text list);
}

/// Whose key it is; nothing else of it is needed.
enum MetaKey {
    Ours,
    Raito,
    Other,
}

impl<'de> Deserialize<'de> for MetaKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Ours;
        impl Visitor<'_> for Ours {
            type Value = MetaKey;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<MetaKey, E> {
                Ok(match v {
                    KEY => MetaKey::Ours,
                    RAITO => MetaKey::Raito,
                    _ => MetaKey::Other,
                })
            }
        }
        deserializer.deserialize_str(Ours)
    }
}

impl<'de, T: Block<'de>> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any::<Self>(PhantomData))
    }
}

macro_rules! any {
    ($($name:ident),*) => {$(
        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Any::<$name<'de>>(PhantomData))
            }
        }
    )*};
}
any!(Text, Texts, Meta);
