//! `underlay network …`.

mod check;
mod create;
mod import;
mod inspect;
mod list;
mod remove;
mod routes;
mod schema;

pub(crate) use check::check;
pub(crate) use create::create;
pub(crate) use import::import;
pub(crate) use inspect::inspect;
pub(crate) use list::list;
pub(crate) use remove::remove;
pub(crate) use routes::routes;
pub(crate) use schema::schema;
