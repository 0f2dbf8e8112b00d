//! A filter of system calls as that of Underlay's helper is: as many calls, found by a binary search, and death
//! for all others.

use libc::{c_long, sock_filter};

/// Instructions of `linux/bpf_common.h`: load a word; jump if equal, if not less; return.
const LOAD: u16 = 0x20;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_NOT_LESS: u16 = 0x35;
const RETURN: u16 = 0x06;
/// Where `struct seccomp_data` has the call's number and the architecture.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
/// `AUDIT_ARCH_X86_64` and `AUDIT_ARCH_AARCH64` of `linux/audit.h`.
const OURS: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };

/// The helper's, but for openat(2), in place of which stands the ioctl(2) that tells the link's index.
const CALLS: [c_long; 13] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_sendto,
    libc::SYS_recvfrom,
    libc::SYS_ioctl,
    libc::SYS_close,
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_brk,
    libc::SYS_mremap,
    libc::SYS_exit_group,
];

pub(crate) fn program() -> Vec<sock_filter> {
    let mut numbers = CALLS.map(|call| u32::try_from(call).unwrap_or_default());
    numbers.sort_unstable();
    let head = [
        instruction(LOAD, [0, 0], ARCHITECTURE),
        instruction(JUMP_IF_EQUAL, [1, 0], OURS),
        KILL,
        instruction(LOAD, [0, 0], NUMBER),
    ];
    [&head[..], &search(&numbers)].concat()
}

const ALLOW: sock_filter = instruction(RETURN, [0, 0], libc::SECCOMP_RET_ALLOW);
const KILL: sock_filter = instruction(RETURN, [0, 0], libc::SECCOMP_RET_KILL_PROCESS);

fn search(numbers: &[u32]) -> Vec<sock_filter> {
    if let [number] = numbers {
        return vec![instruction(JUMP_IF_EQUAL, [0, 1], *number), ALLOW, KILL];
    }
    let (low, high) = numbers.split_at(numbers.len() / 2);
    let (lower, higher) = (search(low), search(high));
    // Fewer instructions than a jump can pass over: there are 13 numbers.
    let over = u8::try_from(lower.len()).unwrap_or_default();
    let first = high.first().copied().unwrap_or_default();
    [vec![instruction(JUMP_IF_NOT_LESS, [over, 0], first)], lower, higher].concat()
}

const fn instruction(code: u16, [jt, jf]: [u8; 2], k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}
