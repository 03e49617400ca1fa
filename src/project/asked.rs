//! What access tests and checks ask of a project.

use std::collections::{BTreeMap, BTreeSet};

use super::Project;
use crate::config::Located;
use crate::directory::Known;
use crate::model::{DesiredState, Diagnostics, Ident, Inventory};
use crate::resolve::{self, Asked, Inputs, ManagedNode};

impl Project {
    /// Its environment's access tests, about these nodes. See [`resolve::asked`].
    pub fn asked<'a>(
        &'a self,
        known: &'a Known,
        desired: &DesiredState,
        nodes: &[ManagedNode],
    ) -> (Vec<Asked<'a>>, Diagnostics) {
        let unseen = Inventory::default();
        // What the inputs hold beside the project is not in the answer.
        let Some(inputs) = self.about(known, &unseen) else {
            return (Vec::new(), Diagnostics::default());
        };
        let (asked, found) = resolve::asked(&inputs, desired, nodes);
        let asked = asked.into_iter().filter_map(|asked| {
            let test = self.config.checks.tests.get(&asked.test.name)?;
            Some(Asked { test, parts: asked.parts })
        });
        (asked.collect(), found)
    }

    /// Nodes that a `select` of something names; `None` where it cannot be read, which is said.
    pub fn selected(
        &self,
        select: &Located<String>,
        whose: &str,
        found: &mut Diagnostics,
    ) -> Option<BTreeSet<String>> {
        let unseen = Inventory::default();
        resolve::selected(&self.about(&self.known, &unseen)?, select, whose, found)
    }

    /// The people of each group that the directory lists; `None` where nobody is known.
    pub fn people_of_groups(&self, known: &Known) -> Option<BTreeMap<Ident, BTreeSet<Ident>>> {
        let unseen = Inventory::default();
        resolve::people_of_groups(&self.about(known, &unseen)?)
    }

    fn about<'a>(&'a self, known: &'a Known, unseen: &'a Inventory) -> Option<Inputs<'a>> {
        let inputs = self.inputs(None, unseen, true, None)?;
        Some(Inputs { known, ..inputs })
    }
}
