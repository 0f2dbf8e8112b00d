//! Part of the build scripts of hook and helper: what runs when a container starts is linked beside each other, in the order
//! of the package's `order.ld`.
//!
//! The kernel maps a program's code in pieces of 16 pages, each when it is first needed (`fault_around_bytes`), and takes
//! all of them away again at its end. In the compiler's order an attach needs every piece.
//!
//! The names in the list lack what depends on the compiler's version. A name that is no function's any more does nothing,
//! and a function that is not named is where it would be anyway: `make order` writes the list anew.
//!
//! For what is shipped alone, and by the compiler's own linker: scripts that add to the linker's (INSERT) are known to GNU's
//! and LLVM's, and another may stop at them.

use std::env::{self, VarError};

/// Tells cargo what to tell the linker.
pub(crate) fn ask_for() -> Result<(), VarError> {
    println!("cargo::rerun-if-changed=order.ld");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let is_shipped = is("PROFILE", "release")
        && is("CARGO_CFG_TARGET_ARCH", "x86_64")
        && is("CARGO_CFG_TARGET_ENV", "musl");
    if is_shipped && env::var_os("RUSTC_LINKER").is_none() {
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}/order.ld", env::var("CARGO_MANIFEST_DIR")?);
    }
    Ok(())
}
