//! What a child needs of its parent's memory.

use std::{
    cell::UnsafeCell,
    ffi::{CString, OsStr, c_char, c_int, c_long},
    io::{Error, ErrorKind, Result},
    mem::MaybeUninit,
    os::{
        fd::{AsRawFd, BorrowedFd},
        unix::ffi::OsStrExt,
    },
    ptr,
    sync::atomic::{AtomicI32, AtomicU32, Ordering},
};

use super::Descriptors;

/// In pieces of 16 bytes, to which a stack is aligned.
///
/// Of these 4 KiB the child uses less than a hundred bytes, and a thousand where nothing is optimised (a test looks): a
/// few functions deep it makes system calls, for which the kernel has a stack of its own. No signal's frame comes on top,
/// since no handler ever runs there. What is not used is not touched, and costs no page.
const STACK: usize = 256;

/// Lives until the child has left it, wherever its parent is by then; `Child` sees to it.
pub(super) struct Image {
    /// The program and its arguments. What the pointers point at.
    _words: Vec<CString>,
    argv: Vec<*const c_char>,
    environment: [*const c_char; 1],
    /// What shall be standard input, output and error.
    pub(super) streams: [c_int; 3],
    /// What else stays open.
    pub(super) inherited: Option<c_int>,
    /// The number of the process that starts it.
    pub(super) parent: c_long,
    /// Why it could not execute the program.
    failure: AtomicI32,
    /// Not zero as long as the child uses this memory.
    ///
    /// `CLONE_CHILD_CLEARTID`: the kernel writes the zero when the child takes leave of the memory that it shares, and
    /// not before (`mm_release`, by execve(2) once it has read its arguments, and by the end). By this `pthread_join(3)`
    /// knows when a thread's stack may be freed.
    is_used: AtomicU32,
    stack: Box<[MaybeUninit<UnsafeCell<u128>>]>,
}

impl Image {
    pub(super) fn new(program: &OsStr, arguments: &[&OsStr], descriptors: &Descriptors<'_>) -> Result<Self> {
        let words = [program].into_iter().chain(arguments.iter().copied());
        let words =
            words.map(|word| CString::new(word.as_bytes())).collect::<std::result::Result<Vec<_>, _>>()?;
        let argv = words.iter().map(|word| word.as_ptr()).chain([ptr::null()]).collect();
        let Descriptors { stdin, stdout, inherited } = descriptors;
        let (stdin, stdout) = (above_streams(*stdin)?, above_streams(*stdout)?);
        let inherited = inherited.map(above_streams).transpose()?;
        #[cfg(test)]
        ALIVE.set(ALIVE.get() + 1);
        Ok(Self {
            _words: words,
            argv,
            environment: [ptr::null()],
            streams: [stdin, stdout, stdin],
            inherited,
            parent: c_long::from(std::process::id()),
            failure: AtomicI32::new(0),
            is_used: AtomicU32::new(0),
            stack: Box::new_uninit_slice(STACK),
        })
    }

    /// The arguments of execve(2).
    pub(super) fn program(&self) -> [usize; 3] {
        let path = self.argv.first().copied().unwrap_or_else(ptr::null);
        let (argv, environment) = (self.argv.as_ptr(), self.environment.as_ptr());
        [path.expose_provenance(), argv.expose_provenance(), environment.expose_provenance()]
    }

    /// Where the stack begins, and its size in bytes.
    pub(super) fn stack(&self) -> (usize, usize) {
        (self.stack.as_ptr().expose_provenance(), size_of_val(&*self.stack))
    }

    /// Where the kernel writes.
    pub(super) fn mark(&self) -> usize {
        self.is_used.as_ptr().expose_provenance()
    }

    /// To a child that is about to be made.
    pub(super) fn lend(&self) {
        self.is_used.store(1, Ordering::Relaxed);
    }

    /// From one that has not been made.
    pub(super) fn take_back(&self) {
        self.is_used.store(0, Ordering::Relaxed);
    }

    pub(super) fn is_used(&self) -> bool {
        self.is_used.load(Ordering::Acquire) != 0
    }

    pub(super) fn fail(&self, errno: c_int) {
        self.failure.store(errno, Ordering::Release);
    }

    pub(super) fn failure(&self) -> Option<Error> {
        match self.failure.load(Ordering::Acquire) {
            0 => None,
            errno => Some(Error::from_raw_os_error(errno)),
        }
    }
}

/// One of 0, 1 and 2 would be replaced before it is used.
fn above_streams(fd: BorrowedFd<'_>) -> Result<c_int> {
    match fd.as_raw_fd() {
        fd @ ..=libc::STDERR_FILENO => {
            let why = format!("descriptor {fd} is given to it, which is a standard stream's: one was closed");
            Err(Error::new(ErrorKind::InvalidInput, why))
        }
        fd => Ok(fd),
    }
}

#[cfg(test)]
thread_local! {
    /// How many images this thread has made and not freed.
    static ALIVE: std::cell::Cell<isize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
impl Drop for Image {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}

#[cfg(test)]
impl Image {
    pub(super) fn alive() -> isize {
        ALIVE.get()
    }

    const PAINT: u8 = 0xa5;

    /// So that it shows what is used of the stack.
    pub(super) fn paint(&mut self) {
        self.stack.fill_with(|| MaybeUninit::new(UnsafeCell::new(u128::from_ne_bytes([Self::PAINT; 16]))));
    }

    pub(super) fn used_stack(&self) -> usize {
        let (start, size) = self.stack();
        // SAFETY: all of it has been painted, and nobody uses it any more.
        #[expect(unsafe_code, reason = "the compiler does not know that it is painted")]
        let bytes = unsafe { std::slice::from_raw_parts(ptr::with_exposed_provenance::<u8>(start), size) };
        size - bytes.iter().take_while(|byte| **byte == Self::PAINT).count()
    }
}
