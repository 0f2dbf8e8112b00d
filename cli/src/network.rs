//! `underlay network …`.

mod create;
mod inspect;
mod list;
mod remove;

pub(crate) use create::create;
pub(crate) use inspect::inspect;
pub(crate) use list::list;
pub(crate) use remove::remove;
