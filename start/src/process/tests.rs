use std::{
    fs,
    io::{PipeReader, PipeWriter, Read, Write, pipe},
    os::fd::{AsFd, AsRawFd},
    path::Path,
    thread,
};

use nix::{
    sys::{
        signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction},
        wait::{WaitStatus, waitpid},
    },
    unistd::Pid,
};

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

type Fork = fn(&Image) -> Answer;
const BOTH: [Fork; 2] = [fork_without_handlers, fork_with_handlers];

struct Started {
    child: Child,
    stdin: PipeWriter,
    stdout: PipeReader,
}

impl Started {
    fn new(fork: Fork, words: &[&str], inherited: Option<BorrowedFd<'_>>) -> Self {
        Self::of(fork, words, inherited, |image| image)
    }

    fn of(
        fork: Fork,
        words: &[&str],
        inherited: Option<BorrowedFd<'_>>,
        change: impl FnOnce(Image) -> Image,
    ) -> Self {
        let ((their_stdin, stdin), (stdout, their_stdout)) = (pipe().unwrap(), pipe().unwrap());
        let words: Vec<_> = words.iter().map(OsStr::new).collect();
        let descriptors = Descriptors { stdin: their_stdin.as_fd(), stdout: their_stdout.as_fd(), inherited };
        let image = change(Image::new(words[0], &words[1..], &descriptors).unwrap());
        Self { child: Child::of(image, fork).unwrap(), stdin, stdout }
    }

    /// What it says up to its end.
    fn said(mut self) -> String {
        drop(self.stdin);
        let mut said = String::new();
        self.stdout.read_to_string(&mut said).unwrap();
        assert!(matches!(end(&self.child), WaitStatus::Exited(_, 0)), "{said}");
        said
    }
}

fn open(path: &str) -> fs::File {
    fs::File::open(path).unwrap()
}

fn end(child: &Child) -> WaitStatus {
    waitpid(Pid::from_raw(child.id()), None).unwrap()
}

fn said(fork: Fork, words: &[&str]) -> String {
    Started::new(fork, words, None).said()
}

#[test]
fn a_program_runs_with_its_words_and_without_environment() {
    for fork in BOTH {
        assert_eq!(said(fork, &["/usr/bin/env"]), "");
        assert_eq!(said(fork, &["/bin/echo", "", "two  words", "-"]), " two  words -\n");
        let mut started = Started::new(fork, &["/bin/cat"], None);
        started.stdin.write_all(b"heard").unwrap();
        assert_eq!(started.said(), "heard");
    }
}

#[test]
fn it_has_its_descriptors_and_no_others() {
    for fork in BOTH {
        // Closed on exec, like that which is handed on.
        let (other, inherited) = (open("/proc/self/ns/uts"), open("/proc/self/ns/net"));
        let list = |inherited| {
            let script = "for fd in /proc/$$/fd/*; do echo $fd $(readlink $fd); done";
            Started::new(fork, &["/bin/sh", "-c", script], inherited).said()
        };
        let (without, with) = (list(None), list(Some(inherited.as_fd())));
        for said in [&without, &with] {
            for number in 0..3 {
                assert!(said.contains(&format!("/fd/{number} pipe:[")), "{said}");
            }
            assert!(!said.contains(" uts:["), "{said}");
        }
        assert!(!without.contains(" net:["), "{without}");
        assert!(with.contains(&format!("/fd/{} net:[", inherited.as_raw_fd())), "{with}");
        // Still closed on exec here.
        for file in [&other, &inherited] {
            let flags = nix::fcntl::fcntl(file, nix::fcntl::FcntlArg::F_GETFD).unwrap();
            assert_eq!(flags, libc::FD_CLOEXEC);
        }
    }
}

#[test]
fn its_standard_error_leads_nowhere() {
    for fork in BOTH {
        assert_eq!(said(fork, &["/bin/sh", "-c", "echo lost >&2; echo $?"]), "1\n");
    }
}

#[test]
fn a_standard_stream_is_not_given_away() {
    let (stdin, stdout) = pipe().unwrap();
    let lost = std::io::stderr();
    for descriptors in [
        Descriptors { stdin: lost.as_fd(), stdout: stdout.as_fd(), inherited: None },
        Descriptors { stdin: stdin.as_fd(), stdout: lost.as_fd(), inherited: None },
        Descriptors { stdin: stdin.as_fd(), stdout: stdout.as_fd(), inherited: Some(lost.as_fd()) },
    ] {
        let error = Child::start(OsStr::new("/bin/true"), &[], &descriptors).unwrap_err();
        assert!(error.to_string().contains("descriptor 2"), "{error}");
    }
}

#[test]
fn why_a_program_cannot_be_executed_is_told() {
    let directory = std::env::temp_dir().join(format!("start-process-{}", std::process::id()));
    fs::create_dir(&directory).unwrap();
    let busy = directory.join("busy");
    fs::copy("/bin/true", &busy).unwrap();
    let _writer = fs::File::options().write(true).open(&busy).unwrap();
    let missing = directory.join("missing");
    for (program, errno) in [
        (missing.as_path(), libc::ENOENT),
        (&busy, libc::ETXTBSY),
        (Path::new("/etc/passwd"), libc::EACCES),
        (Path::new("/"), libc::EACCES),
        (Path::new("/etc/passwd/x"), libc::ENOTDIR),
    ] {
        for fork in BOTH {
            let mut started = Started::new(fork, &[program.to_str().unwrap()], None);
            // Known as soon as nothing more can be said.
            assert_eq!(started.stdout.read(&mut [0]).unwrap(), 0);
            assert_eq!(started.child.failure().unwrap().raw_os_error(), Some(errno), "{program:?}");
            assert!(matches!(end(&started.child), WaitStatus::Exited(_, 127)));
        }
    }
    fs::remove_dir_all(directory).unwrap();
    let (stdin, stdout) = pipe().unwrap();
    let descriptors = Descriptors { stdin: stdin.as_fd(), stdout: stdout.as_fd(), inherited: None };
    let error = Child::start(OsStr::new("/bin/\0true"), &[], &descriptors).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

/// The mask of `/proc/PID/status` of a program that this thread starts.
fn mask_of(fork: Fork) -> u64 {
    let status = said(fork, &["/bin/cat", "/proc/self/status"]);
    let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap()
}

#[test]
fn signals_reach_it_and_this_threads_mask_stays() {
    let [with_clone3, with_clone] = BOTH;
    let mut mask = SigSet::empty();
    for signal in [None, Some(Signal::SIGTERM)] {
        mask.extend(signal);
        mask.thread_set_mask().unwrap();
        assert_eq!(mask_of(with_clone3), 0);
        // All but the two that cannot be blocked: it has to let them in itself.
        let unblockable = 1 << (libc::SIGKILL - 1) | 1 << (libc::SIGSTOP - 1);
        assert_eq!(mask_of(with_clone), !unblockable);
        assert_eq!(SigSet::thread_get_mask().unwrap(), mask);
    }
}

/// Where the handler ran.
static HANDLED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn handle(_: c_int) {
    HANDLED.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn a_handler_does_not_run_in_a_child() {
    let action = SigAction::new(SigHandler::Handler(handle), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler adds to a number.
    #[expect(unsafe_code, reason = "a handler may do anything")]
    unsafe { sigaction(Signal::SIGUSR1, &action) }.unwrap();
    for fork in BOTH {
        for _ in 0..200 {
            // It waits for a writer, and meanwhile is where it can be hit before and after its execution.
            let started = Started::new(fork, &["/bin/cat"], None);
            let _ = nix::sys::signal::kill(Pid::from_raw(started.child.id()), Signal::SIGUSR1);
            drop(started.stdin);
            end(&started.child);
        }
    }
    assert_eq!(HANDLED.load(Ordering::SeqCst), 0);
    raise(Signal::SIGUSR1).unwrap();
    assert_eq!(HANDLED.load(Ordering::SeqCst), 1);
}

#[test]
fn errno_of_this_thread_is_not_touched() {
    // SAFETY: this thread's own.
    #[expect(unsafe_code, reason = "it is behind a pointer")]
    let errno = unsafe { &mut *libc::__errno_location() };
    for fork in BOTH {
        let ((their_stdin, _stdin), (_stdout, their_stdout)) = (pipe().unwrap(), pipe().unwrap());
        let descriptors =
            Descriptors { stdin: their_stdin.as_fd(), stdout: their_stdout.as_fd(), inherited: None };
        let image = Image::new(OsStr::new("/missing"), &[], &descriptors).unwrap();
        *errno = libc::EXDEV;
        let child = Child::of(image, fork).unwrap();
        while child.image().is_used() {
            std::hint::spin_loop();
        }
        assert_eq!(*errno, libc::EXDEV);
        assert_eq!(child.failure().unwrap().raw_os_error(), Some(libc::ENOENT));
        end(&child);
    }
}

#[test]
fn most_of_its_stack_is_left() {
    for fork in BOTH {
        for program in ["/bin/true", "/missing"] {
            let inherited = open("/");
            let started = Started::of(fork, &[program], Some(inherited.as_fd()), |mut image| {
                image.paint();
                image
            });
            end(&started.child);
            let used = started.child.image().used_stack();
            assert!((16..2048).contains(&used), "{used}");
        }
    }
}

#[test]
fn the_image_stays_until_the_child_has_left_it() {
    let mut started = Started::new(fork, &["/bin/cat"], None);
    started.stdin.write_all(b"x").unwrap();
    started.stdout.read_exact(&mut [0]).unwrap();
    // It has said something, so it has been executed.
    assert!(!started.child.image().is_used());
    drop(started.stdin);
    end(&started.child);
}

#[test]
fn a_thousand_leave_nothing_behind() {
    let (stdin, stdout) = (pipe().unwrap(), pipe().unwrap());
    let descriptors = Descriptors { stdin: stdin.0.as_fd(), stdout: stdout.1.as_fd(), inherited: None };
    let run = |program: &str| {
        let child = Child::start(OsStr::new(program), &[], &descriptors).unwrap();
        end(&child);
        assert!(!child.image().is_used());
        waitpid(Pid::from_raw(child.id()), None).unwrap_err();
    };
    for _ in 0..500 {
        run("/bin/true");
        run("/missing");
    }
    assert_eq!(Image::alive(), 0);
    // The lowest number that is free; other tests run beside this one.
    assert!(open("/").as_raw_fd() < 250);
}

#[test]
fn they_can_be_started_in_many_threads_at_once() {
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|_| assert_eq!(said(fork, &["/bin/echo", "x"]), "x\n")));
        }
    });
}
