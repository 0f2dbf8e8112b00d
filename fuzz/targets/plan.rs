//! What hook and helper say to one another: the plan.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plan::Plan;

fuzz_target!(|text: &[u8]| {
    let Ok(read) = serde_json::from_slice::<Plan>(text) else { return };
    let written = serde_json::to_vec(&read).expect("what was read can be written");
    assert_eq!(serde_json::from_slice::<Plan>(&written).expect("what was written can be read"), read);
});
