//! Starts a program, and goes on at once.
//!
//! fork(2) copies the tables of all pages. vfork(2), and with it `posix_spawn(3)` and the standard library, lets the
//! parent wait until the program is executed, some 150 µs in which a second processor would be there for both. Here
//! both go on, in the same memory until execve(2). From that follows what the child must not do:
//!
//! - **use the parent's stack**: it has one of its own, in its [`Image`];
//! - **write to the parent's variables**: it makes system calls and nothing else, and those not by the C library, which
//!   would write to the parent's `errno` (they share the thread-local storage as well);
//! - **run the parent's handlers**: all signals are blocked around the fork, and let in again when the kernel has taken
//!   the handlers away;
//! - **outlive the memory that it uses**: the [`Image`] is freed when the kernel says that the child has left it.
//!
//! That the program could not be executed is not known when the parent goes on. It is when the child has ended: its
//! standard output is at its end then, and [`Child::failure`] says why.

mod call;
mod child;
mod image;

use std::{
    ffi::{OsStr, c_int, c_long},
    io::{Error, Result},
    os::fd::BorrowedFd,
    ptr::{self, NonNull},
};

use child::Signals;
use image::Image;

/// What the program finds open. All else has to be closed on exec, as the standard library opens it.
///
/// Standard error is there but leads nowhere: it is a copy of standard input, the end of a pipe that can only be read, and
/// who writes to it is told `EBADF`.
#[derive(Clone, Copy, Debug)]
pub struct Descriptors<'a> {
    /// Its standard input: the end of a pipe to read from.
    pub stdin: BorrowedFd<'a>,
    /// Its standard output.
    pub stdout: BorrowedFd<'a>,
    /// One more, that has the same number there.
    pub inherited: Option<BorrowedFd<'a>>,
}

/// A child that executes a program, or is about to. Whoever starts it has to wait for it (waitpid(2)).
#[derive(Debug)]
pub struct Child {
    id: c_int,
    image: NonNull<Image>,
}

// SAFETY: an image belongs to one `Child`; what is shared with the process is atomic.
#[expect(unsafe_code, reason = "the compiler cannot know what is behind the pointer")]
unsafe impl Send for Child {}

impl Child {
    /// Starts the program with an empty environment. An error is about the fork.
    pub fn start(program: &OsStr, arguments: &[&OsStr], descriptors: &Descriptors<'_>) -> Result<Self> {
        let image = Image::new(program, arguments, descriptors)?;
        Self::of(image, fork).map_err(Error::from_raw_os_error)
    }

    fn of(image: Image, fork: fn(&Image) -> Answer) -> std::result::Result<Self, c_int> {
        // Not a `Box` any more, which would promise that nobody else uses what is in it.
        let mut child = Self { id: 0, image: NonNull::from(Box::leak(Box::new(image))) };
        child.image().lend();
        let id = fork(child.image()).inspect_err(|_| child.image().take_back())?;
        child.id = c_int::try_from(id).unwrap_or_default();
        Ok(child)
    }

    /// Its number, until it has been waited for.
    #[must_use]
    pub const fn id(&self) -> c_int {
        self.id
    }

    /// Why the program could not be executed. None says something only of a child that has ended, or whose standard
    /// output is at its end.
    #[must_use]
    pub fn failure(&self) -> Option<Error> {
        self.image().failure()
    }

    fn image(&self) -> &Image {
        // SAFETY: it is freed with this value, and written to where it is atomic.
        #[expect(unsafe_code, reason = "the child may be using it as well")]
        unsafe {
            self.image.as_ref()
        }
    }
}

impl Drop for Child {
    /// A child that is still on its way keeps what it needs, for good. It has been killed and waited for before that, if
    /// that was possible.
    fn drop(&mut self) {
        if self.image().is_used() {
            return;
        }
        // SAFETY: it came from a box, the child has left it, and this is the last use of the pointer.
        #[expect(unsafe_code, reason = "a pointer has no owner")]
        drop(unsafe { Box::from_raw(self.image.as_ptr()) });
    }
}

/// Of a call that forks: the child's number, or the error's.
type Answer = std::result::Result<c_long, c_int>;

/// Parent and child share their memory, and its end of use is written down. The child's end is told by SIGCHLD.
const SHARED: c_int = libc::CLONE_VM | libc::CLONE_CHILD_CLEARTID;
/// `include/uapi/linux/sched.h`: handlers are not inherited. Since Linux 5.5, for clone3(2) alone.
const CLONE_CLEAR_SIGHAND: u64 = 1 << 32;

/// clone3(2) is refused by filters that cannot look at its arguments, like that of systemd's `RestrictNamespaces=`.
fn fork(image: &Image) -> Answer {
    match fork_without_handlers(image) {
        Err(libc::ENOSYS | libc::EPERM) => fork_with_handlers(image),
        answer => answer,
    }
}

fn fork_without_handlers(image: &Image) -> Answer {
    let (stack, stack_size) = image.stack();
    let arguments = libc::clone_args {
        flags: u64::from(SHARED.cast_unsigned()) | CLONE_CLEAR_SIGHAND,
        pidfd: 0,
        child_tid: image.mark() as u64,
        parent_tid: 0,
        exit_signal: u64::from(libc::SIGCHLD.cast_unsigned()),
        stack: stack as u64,
        stack_size: stack_size as u64,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: 0,
    };
    let place = ptr::from_ref(&arguments).expose_provenance();
    fork_by(libc::SYS_clone3, [place, size_of_val(&arguments), 0, 0, 0], Signals::LetIn, image)
}

fn fork_with_handlers(image: &Image) -> Answer {
    let (stack, stack_size) = image.stack();
    let flags = (SHARED | libc::SIGCHLD).cast_unsigned() as usize;
    // The last two are the mark and a place for threads, which is not looked at, in an order that depends on the
    // processor.
    let words = [flags, stack + stack_size, 0, image.mark(), image.mark()];
    fork_by(libc::SYS_clone, words, Signals::Blocked, image)
}

fn fork_by(number: c_long, words: call::Words, signals: Signals, image: &Image) -> Answer {
    let run = match signals {
        Signals::LetIn => child::run_with_signals,
        Signals::Blocked => child::run_without_signals,
    };
    let before = set_mask(ALL)?;
    // SAFETY: the stack is the image's, of which there is one for each child, and it lives on until the child has
    // left it; so does the image, in a box. `run` makes system calls alone.
    #[expect(unsafe_code, reason = "it makes a process in the same memory")]
    let answer = unsafe { call::fork(number, words, run, ptr::from_ref(image)) };
    // It cannot fail: the mask is one that the kernel gave.
    let _ = set_mask(before);
    answer
}

/// A set of signals as the kernel has it. The C library's functions would leave its own signals out.
type Mask = u64;
const ALL: Mask = Mask::MAX;
const NONE: Mask = 0;

/// Blocks these signals and no others, in this thread; tells which were blocked before.
fn set_mask(mask: Mask) -> std::result::Result<Mask, c_int> {
    let mut before = NONE;
    let new = ptr::from_ref(&mask).expose_provenance();
    let old = ptr::from_mut(&mut before).expose_provenance();
    let words = [libc::SIG_SETMASK.cast_unsigned() as usize, new, old, size_of::<Mask>(), 0];
    // SAFETY: it reads one set and writes another, both of the size that is given.
    #[expect(unsafe_code, reason = "there is no other way")]
    unsafe { call::call(libc::SYS_rt_sigprocmask, words) }?;
    Ok(before)
}

#[cfg(test)]
mod tests;
