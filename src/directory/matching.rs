//! Who matches a rule: a column at a time, 64 people to a word.

use super::rule::{Asked, Rule, Test};
use super::{Column, Directory};

/// Why a rule cannot be asked of this directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Nobody has an attribute that it names.
    UnknownAttribute {
        /// Its name.
        attribute: String,
        /// The one that was most likely meant.
        near: Option<String>,
    },
    /// Everybody who has an attribute has it of another type than the rule asks about.
    OtherType {
        /// Its name.
        attribute: String,
        /// What the rule asks about: `text`, `a number`.
        wanted: &'static str,
        /// What it is of the first who has it.
        found: &'static str,
    },
}

/// A set of people.
type Set = Vec<u64>;

/// Who matches so far, and of whom the test could say anything at all.
struct Answer {
    yes: Set,
    known: Set,
}

impl Directory {
    /// Whether a rule can be asked of this directory.
    ///
    /// # Errors
    /// Every attribute that nobody has, or has of the type that the rule asks about.
    pub fn check(&self, rule: &Rule) -> Result<(), Vec<Problem>> {
        let mut problems: Vec<Problem> = rule
            .attributes()
            .filter(|name| self.column(name).is_none())
            .map(|name| Problem::UnknownAttribute {
                attribute: name.to_owned(),
                near: crate::model::diagnostic::nearest(name, self.attributes()).map(str::to_owned),
            })
            .collect();
        let mut other_type = |asked: &Asked| {
            let Some(column) = self.column(&asked.attribute) else { return };
            let fits = |value| asked.ask.of(value).is_some();
            if let (Some(first), false) = (column.values.first(), column.values.iter().any(fits)) {
                problems.push(Problem::OtherType {
                    attribute: asked.attribute.to_string(),
                    wanted: asked.ask.wants(),
                    found: first.kind(),
                });
            }
        };
        each(&rule.test, &mut other_type);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// The people who match, by their numbers, ascending. Whoever misses an attribute that the rule
    /// names, or has one of another type than the rule asks about, does not match, whatever stands
    /// around it.
    pub fn matching(&self, rule: &Rule) -> Vec<usize> {
        let Answer { mut yes, known } = self.answer(&rule.test);
        and(&mut yes, &known);
        let mut people = Vec::new();
        for (at, word) in yes.iter().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                people.push(at * 64 + rest.trailing_zeros() as usize);
                rest &= rest - 1;
            }
        }
        people
    }

    /// A column in which there is something.
    fn column(&self, attribute: &str) -> Option<&Column> {
        self.columns.get(attribute).filter(|column| !column.values.is_empty())
    }

    fn answer(&self, test: &Test) -> Answer {
        match test {
            Test::Asked(asked) => self.asked(asked),
            Test::Not(test) => {
                let Answer { mut yes, known } = self.answer(test);
                yes.iter_mut().for_each(|word| *word = !*word);
                Answer { yes, known }
            }
            Test::All(tests) => self.joined(tests, and),
            Test::Any(tests) => self.joined(tests, or),
        }
    }

    /// All of them are asked, whatever the first says: what one cannot tell, nobody can.
    fn joined(&self, tests: &[Test], join: fn(&mut [u64], &[u64])) -> Answer {
        let mut answers = tests.iter().map(|test| self.answer(test));
        let Some(mut all) = answers.next() else {
            return Answer { yes: self.nobody(), known: self.nobody() };
        };
        for answer in answers {
            join(&mut all.yes, &answer.yes);
            and(&mut all.known, &answer.known);
        }
        all
    }

    fn asked(&self, asked: &Asked) -> Answer {
        let mut answer = Answer { yes: self.nobody(), known: self.nobody() };
        let Some(column) = self.column(&asked.attribute) else { return answer };
        // Each value is judged once; 0 stands for a missing one.
        let mut judged: Vec<u8> = Vec::with_capacity(column.values.len() + 1);
        judged.push(0);
        judged.extend(column.values.iter().map(|value| match asked.ask.of(value) {
            None => 0,
            Some(false) => 2,
            Some(true) => 3,
        }));
        let words = answer.yes.iter_mut().zip(&mut answer.known);
        for ((yes, known), cells) in words.zip(column.cells.chunks(64)) {
            for (bit, cell) in cells.iter().enumerate() {
                let said = judged.get(*cell as usize).copied().unwrap_or_default();
                *yes |= u64::from(said & 1) << bit;
                *known |= u64::from(said >> 1) << bit;
            }
        }
        answer
    }

    fn nobody(&self) -> Set {
        vec![0; self.names.len().div_ceil(64)]
    }
}

fn each(test: &Test, tell: &mut impl FnMut(&Asked)) {
    match test {
        Test::All(tests) | Test::Any(tests) => tests.iter().for_each(|test| each(test, tell)),
        Test::Not(test) => each(test, tell),
        Test::Asked(asked) => tell(asked),
    }
}

fn and(into: &mut [u64], other: &[u64]) {
    into.iter_mut().zip(other).for_each(|(word, other)| *word &= other);
}

fn or(into: &mut [u64], other: &[u64]) {
    into.iter_mut().zip(other).for_each(|(word, other)| *word |= other);
}
