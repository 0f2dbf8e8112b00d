//! Has what runs when a container starts linked beside each other.

#[path = "../start/order.rs"]
mod order;

use std::env::VarError;

fn main() -> Result<(), VarError> {
    order::ask_for()
}
