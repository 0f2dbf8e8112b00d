//! The annotation: what is taken means the same once printed, and what is refused is refused in a short line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use underlay::request::{ShortForm, parse};

fuzz_target!(|text: &str| {
    match parse(text) {
        Ok(requests) => {
            let printed = ShortForm(&requests).to_string();
            assert_eq!(parse(&printed).map_err(|mistakes| mistakes.to_string()), Ok(requests), "{printed}");
        }
        Err(mistakes) => {
            let told = mistakes.to_string();
            assert!(told.len() < 8192 && !told.contains(char::is_control), "{told}");
        }
    }
});
