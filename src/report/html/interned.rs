//! Everything once: a number for what repeats.

use std::collections::HashMap;
use std::hash::Hash;

use crate::report::findings::one_line;

/// A place in a list; -1 for nothing.
pub type Number = i32;

/// A text as it is shown: letters that a page would not show, or show in another order, are written
/// out, so that two names never look the same.
pub fn shown(text: &str) -> String {
    one_line(text)
}

/// A list in which everything stands once.
#[derive(Debug)]
pub struct Interned<T> {
    numbers: HashMap<T, Number>,
    list: Vec<T>,
}

impl<T: Clone + Eq + Hash> Interned<T> {
    pub fn new() -> Self {
        Self { numbers: HashMap::new(), list: Vec::new() }
    }

    pub fn number(&mut self, it: T) -> Number {
        if let Some(number) = self.numbers.get(&it) {
            return *number;
        }
        let number = Number::try_from(self.list.len()).unwrap_or(-1);
        self.numbers.insert(it.clone(), number);
        self.list.push(it);
        number
    }

    pub fn into_list(self) -> Vec<T> {
        self.list
    }
}
