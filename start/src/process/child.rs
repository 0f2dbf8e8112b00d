//! What the child does before it is another program: system calls, and nothing that its parent could notice.

use std::{
    convert::Infallible,
    ffi::{c_int, c_long},
};

use super::{call, image::Image};

/// As a shell says it of a program that cannot be executed.
const NOT_EXECUTED: usize = 127;

/// Whether the signals that were blocked around the fork can be let in before the program is there.
///
/// A handler of the parent's would run in the parent's memory. Where the kernel has taken handlers away from the child
/// there is none. Otherwise the program begins with all signals blocked and has to let them in itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Signals {
    LetIn,
    Blocked,
}

pub(super) extern "C" fn run_with_signals(image: *const Image) -> ! {
    run(image, Signals::LetIn)
}

pub(super) extern "C" fn run_without_signals(image: *const Image) -> ! {
    run(image, Signals::Blocked)
}

fn run(image: *const Image, signals: Signals) -> ! {
    // SAFETY: the image is there until this process is another program or none, and nobody writes to it meanwhile, but
    // to what is atomic and to the stack.
    #[expect(unsafe_code, reason = "the image is behind a pointer")]
    let image = unsafe { &*image };
    let Err(errno) = execute(image, signals);
    image.fail(errno);
    loop {
        let _ = call(libc::SYS_exit_group, [NOT_EXECUTED, 0, 0, 0]);
    }
}

/// Comes back only if it fails, with the kernel's number for it.
fn execute(image: &Image, signals: Signals) -> Result<Infallible, c_int> {
    die_with_parent(image.parent)?;
    let [stdin, stdout, stderr] = image.streams;
    copy(stdin, libc::STDIN_FILENO)?;
    copy(stdout, libc::STDOUT_FILENO)?;
    copy(stderr, libc::STDERR_FILENO)?;
    if let Some(inherited) = image.inherited {
        // The table of descriptors is the child's own: the parent's stays closed on exec.
        call(libc::SYS_fcntl, [word(inherited), word(libc::F_SETFD), 0, 0])?;
    }
    if signals == Signals::LetIn {
        super::set_mask(super::NONE)?;
    }
    let [path, argv, environment] = image.program();
    call(libc::SYS_execve, [path, argv, environment, 0])?;
    Err(libc::ENOEXEC)
}

/// After vfork(2) the parent would live at least until the program is executed. So it is here: should it end, so does
/// the child, and the program can ask for its parent's number and know it for that of the one that started it.
fn die_with_parent(parent: c_long) -> Result<(), c_int> {
    call(libc::SYS_prctl, [word(libc::PR_SET_PDEATHSIG), word(libc::SIGKILL), 0, 0])?;
    // One that ended before that has left the child to another.
    if call(libc::SYS_getppid, [0; 4])? == parent { Ok(()) } else { Err(libc::ESRCH) }
}

/// Neither has the same number, so that dup3(2) closes the copy on exec only if it is told to.
fn copy(from: c_int, to: c_int) -> Result<(), c_int> {
    call(libc::SYS_dup3, [word(from), word(to), 0, 0]).map(drop)
}

/// Descriptors and constants, none of which is negative.
fn word(number: c_int) -> usize {
    number.cast_unsigned() as usize
}

/// Those of this file.
fn call(number: c_long, [a, b, c, d]: [usize; 4]) -> Result<c_long, c_int> {
    // SAFETY: numbers, and for execve(2) texts and lists of the image, which end with a zero.
    #[expect(unsafe_code, reason = "they have no other way")]
    unsafe {
        call::call(number, [a, b, c, d, 0])
    }
}
