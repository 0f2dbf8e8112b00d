//! memcpy(3) and memmove(3) in place of musl's for x86-64.
//!
//! musl's leaves every length to `rep movs`, of which the start alone takes some thirty cycles, and what does not fill a
//! word it takes byte by byte (`src/string/x86_64/memcpy.s`). That is good for pages. But a hook copies words of JSON: of
//! the 1,150 copies of an attach all but 65 are shorter than 64 bytes. Here these are two loads that may overlap, and
//! two stores.
//!
//! There is no loop in Rust here: the compiler would find that it is memcpy(3), and call it.

use std::arch::{asm, x86_64::__m128i};

/// What the processor takes at once.
type Wide = __m128i;

/// memcpy(3).
///
/// # Safety
///
/// `length` bytes can be read at `from` and written at `to`, and these do not overlap.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[expect(unsafe_code, reason = "whoever calls it knows what is behind the pointers")]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    // SAFETY: what the caller promised.
    unsafe {
        if !copy_short(to, from, length) {
            copy_upwards(to, from, length);
        }
    }
    to
}

/// memmove(3).
///
/// # Safety
///
/// `length` bytes can be read at `from` and written at `to`.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[expect(unsafe_code, reason = "whoever calls it knows what is behind the pointers")]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    // SAFETY: what the caller promised. Upwards, nothing is overwritten before it was read, if it begins below `from` or
    // beyond its end.
    unsafe {
        if !copy_short(to, from, length) {
            if to.addr().wrapping_sub(from.addr()) >= length {
                copy_upwards(to, from, length);
            } else {
                copy_downwards(to, from, length);
            }
        }
    }
    to
}

/// Up to 128 bytes, which may overlap: all is read before anything is written. Tells whether it was that few.
///
/// # Safety
///
/// That of [`memmove`].
#[inline]
#[expect(unsafe_code, reason = "whoever calls it knows what is behind the pointers")]
unsafe fn copy_short(to: *mut u8, from: *const u8, length: usize) -> bool {
    // SAFETY: what the caller promised; of each pair of ends, one is not longer than `length`.
    unsafe {
        match length {
            0 => {}
            1 => to.write(from.read()),
            2..4 => copy_ends::<u16>(to, from, length),
            4..8 => copy_ends::<u32>(to, from, length),
            8..16 => copy_ends::<u64>(to, from, length),
            16..32 => copy_ends::<Wide>(to, from, length),
            32..64 => copy_ends::<[Wide; 2]>(to, from, length),
            64..=128 => copy_ends::<[Wide; 4]>(to, from, length),
            _ => return false,
        }
    }
    true
}

/// Copies the first and the last bytes, which meet or overlap.
///
/// # Safety
///
/// That of [`memmove`], and `length` is from one to two times that of a `T`, of which all bytes are values.
#[inline]
#[expect(unsafe_code, reason = "whoever calls it knows what is behind the pointers")]
unsafe fn copy_ends<T: Copy>(to: *mut u8, from: *const u8, length: usize) {
    let last = length - size_of::<T>();
    // SAFETY: both are within what the caller promised.
    unsafe {
        let first_bytes = from.cast::<T>().read_unaligned();
        let last_bytes = from.add(last).cast::<T>().read_unaligned();
        to.cast::<T>().write_unaligned(first_bytes);
        to.add(last).cast::<T>().write_unaligned(last_bytes);
    }
}

/// # Safety
///
/// That of [`memmove`], and nothing is overwritten that comes later.
#[inline]
#[expect(unsafe_code, reason = "whoever calls it knows what is behind the pointers")]
unsafe fn copy_upwards(to: *mut u8, from: *const u8, length: usize) {
    // SAFETY: what the caller promised; the direction is upwards in every function (System V ABI).
    unsafe {
        asm!(
            "rep movsb",
            inout("rcx") length => _, inout("rdi") to => _, inout("rsi") from => _,
            options(nostack, preserves_flags),
        );
    }
}

/// # Safety
///
/// That of [`memmove`], and there is at least one byte.
#[inline]
#[expect(unsafe_code, reason = "whoever calls it knows what is behind the pointers")]
unsafe fn copy_downwards(to: *mut u8, from: *const u8, length: usize) {
    let last = length - 1;
    // SAFETY: what the caller promised; the direction is set back.
    unsafe {
        asm!(
            "std",
            "rep movsb",
            "cld",
            inout("rcx") length => _, inout("rdi") to.add(last) => _, inout("rsi") from.add(last) => _,
            options(nostack),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than what is short, by some.
    const ROOM: usize = 400;

    /// All bytes differ from their neighbours.
    fn bytes() -> [u8; ROOM] {
        std::array::from_fn(|n| u8::try_from(n % 251).unwrap())
    }

    /// What is told is the pointer that it returned, too.
    fn moved(from: usize, to: usize, length: usize) -> [u8; ROOM] {
        let mut room = bytes();
        let start = room.as_mut_ptr();
        assert!(from + length <= ROOM && to + length <= ROOM);
        // SAFETY: both are in the room.
        #[expect(unsafe_code, reason = "it is what is tested")]
        unsafe {
            assert_eq!(memmove(start.add(to), start.add(from), length), start.add(to));
        }
        room
    }

    #[test]
    fn every_length_is_copied_and_nothing_beside_it() {
        let source = bytes();
        for length in 0..=300 {
            for offset in [0, 1, 7, 50] {
                let mut room = [0xff; ROOM];
                // SAFETY: at most 350 of 400 bytes.
                #[expect(unsafe_code, reason = "it is what is tested")]
                let end = unsafe {
                    let to = room.as_mut_ptr().add(offset);
                    assert_eq!(memcpy(to, source.as_ptr(), length), to);
                    offset + length
                };
                assert_eq!(room[offset..end], source[..length]);
                assert!(room[..offset].iter().chain(&room[end..]).all(|byte| *byte == 0xff), "{length}");
            }
        }
    }

    #[test]
    fn what_overlaps_is_moved_as_it_was() {
        for length in 0..=200 {
            for (from, to) in [(50, 50), (50, 51), (51, 50), (50, 66), (66, 50), (0, 150), (150, 0), (10, 90)]
            {
                let mut expected = bytes();
                expected.copy_within(from..from + length, to);
                assert_eq!(moved(from, to, length), expected, "{length} bytes from {from} to {to}");
            }
        }
    }
}
