//! `underlay network …`.

mod check;
mod connect;
mod create;
mod disconnect;
mod import;
mod inspect;
mod list;
mod prune;
mod remove;
mod routes;
mod schema;

pub(crate) use check::check;
pub(crate) use connect::connect;
pub(crate) use create::create;
pub(crate) use disconnect::disconnect;
pub(crate) use import::import;
pub(crate) use inspect::inspect;
pub(crate) use list::list;
pub(crate) use prune::prune;
pub(crate) use remove::remove;
pub(crate) use routes::routes;
pub(crate) use schema::schema;
