//! All roles of somebody at once, on Snowflake: `USE SECONDARY ROLES ALL`, which every session may say.

use super::answer::AsRole;
use super::compiled::Effect;
use super::reasons::{Chain, Step};
use crate::model::{DialectKind, Ident, Privilege, Securable};

impl<'a> Effect<'a> {
    /// Somebody with all their roles; `None` where these count anyway.
    fn together(&self, role: u32) -> Option<AsRole<'_, 'a>> {
        let is_user = self.roles.get(role as usize)?.attributes.login;
        let here = self.state.dialect == DialectKind::Snowflake && is_user;
        let at_once = self.inherits.roles_of(role);
        let more = self.sets.roles_of(role).iter().any(|edge| !at_once.contains(edge));
        let own = self.numbered(role);
        (here && more).then(|| AsRole { inherits: self.belongs.upwards(&[role]), ..own })
    }

    /// How somebody can use a privilege with all their roles at once, and not without.
    pub(super) fn by_all_roles(
        &self,
        role: u32,
        on: &Securable,
        privilege: Privilege,
    ) -> Option<Chain<'a>> {
        let together = self.together(role)?;
        if !together.answer(on, privilege).usable() {
            return None;
        }
        let mut chain = together.reason(on, privilege)?;
        if let Some(first) = chain.steps.first_mut()
            && let Step::Member { member, role, grantor } = *first
        {
            *first = Step::SetRole { member, role, grantor };
        }
        Some(chain)
    }
}

impl<'a> AsRole<'_, 'a> {
    /// How it can use a privilege with all its roles at once, and not without.
    pub fn reason_by_all_roles(&self, on: &Securable, privilege: Privilege) -> Option<Chain<'a>> {
        self.effect.by_all_roles(self.role, on, privilege)
    }

    /// The role by which it holds what it can use with all its roles at once alone; where it holds that
    /// itself, the nearest that it needs besides.
    pub(super) fn usable_together(
        &self,
        on: &Securable,
        privilege: Privilege,
    ) -> Option<&'a Ident> {
        self.effect.by_all_roles(self.role, on, privilege)?;
        let roles = self.can_become();
        let holds = |name: &&&'a Ident| {
            let role = self.effect.role(name);
            role.is_some_and(|role| role.held(on).privileges.contains(privilege))
        };
        roles.iter().find(holds).or_else(|| roles.first()).copied()
    }
}
