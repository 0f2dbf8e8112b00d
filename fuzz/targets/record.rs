//! A record in the run directory: what is read is the same once written, and its names stay names.

#![no_main]

use libfuzzer_sys::fuzz_target;
use underlay::attachment::record::version::read as read_record;

fuzz_target!(|text: &[u8]| {
    let Ok(read) = read_record(text) else { return };
    for user in &read.users {
        assert!(!user.key.file_name().contains(['/', '\0']));
    }
    for attachment in &read.attachments {
        let _ = attachment.deletion(read.namespace.nsid);
    }
    let written = serde_json::to_vec(&read).expect("what was read can be written");
    assert_eq!(read_record(&written).expect("what was written can be read"), read);
});
