//! What hook and helper say to one another: the report.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plan::{Entered, Hello, Report};

fuzz_target!(|text: &[u8]| {
    let _ = serde_json::from_slice::<Entered>(text);
    let _ = serde_json::from_slice::<Hello>(text);
    let Ok(read) = serde_json::from_slice::<Report>(text) else { return };
    let written = serde_json::to_vec(&read).expect("what was read can be written");
    assert_eq!(serde_json::from_slice::<Report>(&written).expect("what was written can be read"), read);
});
