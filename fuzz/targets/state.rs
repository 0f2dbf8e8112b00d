//! The container's state on the hook's standard input, with the very source that the hook is built from: a
//! program has no library to link.

#![no_main]

#[path = "../../hook/src/state.rs"]
#[allow(dead_code, reason = "the hook uses all of it")]
mod state;
#[path = "../../hook/src/voucher.rs"]
#[allow(dead_code, reason = "the hook uses all of it")]
mod voucher;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(state) = state::read(text, "io.underlay.networks") else { return };
    if let Ok(id) = state.id() {
        assert!(!id.as_str().contains('/') && !id.as_str().is_empty());
    }
    if let Ok(bundle) = state.bundle() {
        assert!(bundle.starts_with('/'));
    }
    if let Ok(Some(pod)) = state.vouched() {
        assert!(!pod.namespace.as_str().contains('/'));
    }
    let _ = state.wish().map(underlay::request::parse);
});
