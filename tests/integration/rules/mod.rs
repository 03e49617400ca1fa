//! The rules of scope, markers, adoption, renames, roles that go, and plan files, through the real
//! binary on real servers.

mod adoption;
mod alongside;
mod circles;
mod cuts;
mod drift;
mod guards;
mod hostile;
mod letting_go;
mod limits;
mod markers;
mod meanwhile;
mod missing;
mod ordinary;
mod plans;
mod playbook_plans;
mod playbooks;
mod powers;
mod retiring;
mod scope;
mod selected;
pub mod site;
