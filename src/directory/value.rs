//! The values of attributes.

use std::cmp::Ordering;
use std::fmt;

/// One value of an attribute. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// Text, without white space at its ends.
    Text(Box<str>),
    /// A number.
    Number(Number),
    /// `true` or `false`.
    Truth(bool),
    /// A list of texts, numbers and truth values.
    List(Box<[Value]>),
    /// Something that no rule can ask about, such as a map.
    Other,
}

impl Value {
    /// Text; `None` where nothing but white space is in it: that is a missing attribute.
    pub fn text(written: &str) -> Option<Self> {
        let text = written.trim();
        (!text.is_empty()).then(|| Self::Text(text.into()))
    }

    /// What kind it is, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Number(_) => "a number",
            Self::Truth(_) => "true or false",
            Self::List(_) => "a list",
            Self::Other => "a map",
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }
}

/// A number, whole where it can be: `1` and `1.0` are one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number(Kind);

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Kind {
    Whole(i128),
    /// The bits of a finite number that is not whole.
    Real(u64),
}

impl Number {
    /// A whole number.
    pub fn whole(number: i128) -> Self {
        Self(Kind::Whole(number))
    }

    /// Any number; `None` for one that is not finite.
    pub fn real(number: f64) -> Option<Self> {
        // Up to here every whole number is one of these, and none is lost.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if !number.is_finite() {
            return None;
        }
        if number.fract() == 0.0 && number.abs() <= EXACT {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
            return Some(Self::whole(number as i128));
        }
        Some(Self(Kind::Real(number.to_bits())))
    }

    /// The same with the other sign.
    pub(super) fn negated(self) -> Self {
        match self.0 {
            Kind::Whole(number) => Self::whole(number.saturating_neg()),
            Kind::Real(bits) => Self(Kind::Real((-f64::from_bits(bits)).to_bits())),
        }
    }

    /// Which is greater.
    pub fn compare(self, other: Self) -> Ordering {
        match (self.0, other.0) {
            (Kind::Whole(a), Kind::Whole(b)) => a.cmp(&b),
            (a, b) => as_real(a).total_cmp(&as_real(b)),
        }
    }
}

fn as_real(kind: Kind) -> f64 {
    match kind {
        #[expect(clippy::cast_precision_loss, reason = "beside a number that is not whole")]
        Kind::Whole(number) => number as f64,
        Kind::Real(bits) => f64::from_bits(bits),
    }
}
