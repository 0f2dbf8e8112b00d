//! What was done, so that it can be undone: records, the directory that holds them, and what the kernel says
//! of them.

pub mod ledger;
pub mod liveness;
pub mod lock;
pub mod overview;
pub mod record;
