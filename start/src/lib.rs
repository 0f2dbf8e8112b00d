//! The start of a program that runs for a millisecond, at every start of a container.
//!
//! [`main!`] takes the place of Rust's own start, [`relocations`] that of a dynamic linker, and [`process`] that of
//! `posix_spawn(3)`, by which the one of our programs starts the other.

mod arguments;
pub mod process;
pub mod relocations;

pub use arguments::arguments;

/// Makes `$main`, which is given the arguments after the program's name and returns an exit status, what the C
/// library's start calls. The crate says `#![cfg_attr(not(test), no_main)]`.
///
/// Rust's own start (`lang_start`) is absent on purpose: with its stack for a handler of overflows, which only adds
/// words to the signal that ends the program anyway, it takes as many system calls as a hook that has nothing to do. Of
/// what else it does, the program must do itself what it needs: ignore SIGPIPE, and not open files while a standard
/// stream is closed, whose place they would take. At the end, what was printed with `print!` is not written out.
#[macro_export]
macro_rules! main {
    ($main:path) => {
        #[cfg(not(test))]
        #[expect(unsafe_code, reason = "the C library looks for a function of this name")]
        #[unsafe(no_mangle)]
        extern "C" fn main(
            count: ::core::ffi::c_int,
            words: *const *const ::core::ffi::c_char,
        ) -> ::core::ffi::c_int {
            // SAFETY: the C library hands on what the kernel gave it.
            let arguments = unsafe { $crate::arguments(count, words) };
            ::core::ffi::c_int::from($main(arguments))
        }

        /// For the tests, which have a start of their own, so that nothing seems unused.
        #[cfg(test)]
        fn main() {
            let status: u8 = $main(::std::env::args_os().skip(1).collect());
            ::std::process::exit(status.into());
        }
    };
}
