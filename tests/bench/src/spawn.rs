//! A second process, with the descriptors that a helper gets: pipes, and a namespace.

use std::{
    ffi::{CStr, c_char, c_int},
    mem::MaybeUninit,
    ptr::null,
};

use crate::wire::check;

/// The number that the namespace's descriptor has in the child.
pub(crate) const NAMESPACE: c_int = 9;

/// A process that was started, and the pipes' ends on this side.
pub(crate) struct Child {
    pid: libc::pid_t,
    stdin: c_int,
    stdout: c_int,
}

impl Child {
    /// Starts a program with an empty environment.
    pub(crate) fn start(words: &[&CStr], namespace: c_int) -> Option<Self> {
        let ([their_stdin, stdin], [stdout, their_stdout]) = (pipe()?, pipe()?);
        let pid = spawn(words, [(their_stdin, 0), (their_stdout, 1), (namespace, NAMESPACE)])?;
        close(their_stdin);
        close(their_stdout);
        Some(Self { pid, stdin, stdout })
    }

    /// Writes all that it will ever hear, and reads all that it says.
    pub(crate) fn ask(&self, words: &[u8]) -> Option<Vec<u8>> {
        write(self.stdin, words)?;
        close(self.stdin);
        read_all(self.stdout)
    }

    /// Waits for its end, and tells its exit code.
    pub(crate) fn end(self) -> Option<c_int> {
        let mut status = 0;
        // SAFETY: the kernel writes to `status` alone.
        check(unsafe { libc::waitpid(self.pid, &raw mut status, 0) })?;
        libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status))
    }
}

pub(crate) fn write(to: c_int, bytes: &[u8]) -> Option<()> {
    // SAFETY: the kernel reads as many bytes as there are.
    let written = unsafe { libc::write(to, bytes.as_ptr().cast(), bytes.len()) };
    (usize::try_from(written) == Ok(bytes.len())).then_some(())
}

/// To the end of file.
pub(crate) fn read_all(from: c_int) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let mut chunk = [0_u8; 1024];
        // SAFETY: the kernel writes at most as many bytes as there are.
        let read = unsafe { libc::read(from, chunk.as_mut_ptr().cast(), chunk.len()) };
        match chunk.get(..usize::try_from(read).ok()?)? {
            [] => return Some(all),
            bytes => all.extend_from_slice(bytes),
        }
    }
}

/// With vfork(2) and execve(2), in the end. Its standard error leads nowhere, as the helper's does.
fn spawn(words: &[&CStr], descriptors: [(c_int, c_int); 3]) -> Option<libc::pid_t> {
    let program = words.first()?;
    let mut arguments: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
    arguments.push(std::ptr::null_mut());
    let environment = [std::ptr::null_mut()];
    let mut actions = MaybeUninit::uninit();
    let mut pid = 0;
    // SAFETY: the actions are set up before they are used; both lists end with a null pointer.
    let error = unsafe {
        libc::posix_spawn_file_actions_init(actions.as_mut_ptr());
        for (ours, theirs) in descriptors {
            libc::posix_spawn_file_actions_adddup2(actions.as_mut_ptr(), ours, theirs);
        }
        let nowhere = c"/dev/null".as_ptr();
        libc::posix_spawn_file_actions_addopen(actions.as_mut_ptr(), 2, nowhere, libc::O_RDWR, 0);
        libc::posix_spawn(
            &raw mut pid,
            program.as_ptr(),
            actions.as_ptr(),
            null(),
            arguments.as_ptr(),
            environment.as_ptr(),
        )
    };
    (error == 0).then_some(pid)
}

/// The end to read from and the end to write to.
fn pipe() -> Option<[c_int; 2]> {
    let mut ends = [0; 2];
    // SAFETY: the kernel writes two numbers.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) })?;
    Some(ends)
}

fn close(descriptor: c_int) {
    // SAFETY: the descriptor is this process's, and used no more. That it fails leaves nothing to be done.
    unsafe { libc::close(descriptor) };
}
