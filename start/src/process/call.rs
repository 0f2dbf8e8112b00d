//! System calls as the kernel takes them, and answers them: a failure is a negative number. The C library would put it
//! into `errno`, which a child that shares its parent's memory shares, too.

use std::{
    arch::asm,
    ffi::{c_int, c_long},
};

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("how a system call is made on this processor is to be written here");

/// The arguments, and how many registers there are for them here: no call of ours has more.
pub(super) type Words = [usize; 5];

/// Its answer, or the number of its error.
///
/// # Safety
///
/// What the call of this number asks of its arguments. It does not fork.
#[inline]
#[expect(unsafe_code, reason = "a system call may do anything")]
pub(super) unsafe fn call(number: c_long, words: Words) -> Result<c_long, c_int> {
    let answer: c_long;
    let [first, second, third, fourth, fifth] = words;
    // SAFETY: what the caller promised; besides memory, the kernel changes the registers that are named.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => answer,
            in("rdi") first, in("rsi") second, in("rdx") third, in("r10") fourth, in("r8") fifth,
            lateout("rcx") _, lateout("r11") _,
            options(nostack, preserves_flags),
        );
    }
    // SAFETY: the same.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(
            "svc #0",
            in("x8") number,
            inlateout("x0") first => answer,
            in("x1") second, in("x2") third, in("x3") fourth, in("x4") fifth,
            options(nostack, preserves_flags),
        );
    }
    check(answer)
}

/// Forks by clone(2) or clone3(2). The child runs `run(argument)` and nothing else; its parent is told its number.
///
/// # Safety
///
/// The arguments are those of a call that gives the child a stack of its own, aligned to 16 bytes, which nobody else
/// uses before the child has ended or executed a program; and so long `argument` points at what `run` expects.
#[expect(unsafe_code, reason = "the child goes on where its parent is, on another stack")]
pub(super) unsafe fn fork<T>(
    number: c_long,
    words: Words,
    run: extern "C" fn(*const T) -> !,
    argument: *const T,
) -> Result<c_long, c_int> {
    let answer: c_long;
    let [first, second, third, fourth, fifth] = words;
    // SAFETY: the parent sees a system call. The child has its registers, but for the stack's and that of the answer,
    // uses nothing of the stack that it left, and never comes to the end.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            // No frame is above this one.
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") number => answer,
            in("rdi") first, in("rsi") second, in("rdx") third, in("r10") fourth, in("r8") fifth,
            in("r12") argument, in("r13") run,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    // SAFETY: the same.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, x9",
            "br x10",
            "2:",
            in("x8") number,
            inlateout("x0") first => answer,
            in("x1") second, in("x2") third, in("x3") fourth, in("x4") fifth,
            in("x9") argument, in("x10") run,
        );
    }
    check(answer)
}

/// The last page of numbers is errors (`MAX_ERRNO`).
fn check(answer: c_long) -> Result<c_long, c_int> {
    match c_int::try_from(answer) {
        Ok(errno @ -4095..=-1) => Err(-errno),
        _ => Ok(answer),
    }
}
