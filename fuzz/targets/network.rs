//! A network's definition: what is taken is the same network once printed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use underlay::network::file::{parse, print};

fuzz_target!(|text: &[u8]| {
    let Ok(name) = "lan".parse() else { return };
    match parse(text, &name) {
        Ok(read) => {
            let printed = print(&read.network);
            let again = parse(printed.as_bytes(), &name).map(|checked| checked.network);
            assert_eq!(again.map_err(|mistakes| mistakes.to_string()), Ok(read.network), "{printed}");
        }
        Err(mistakes) => assert!(!mistakes.to_string().contains(char::is_control), "{mistakes}"),
    }
});
