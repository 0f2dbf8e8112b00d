//! Makes the pages read-only that hold nothing but what this program's start relocated: tables of functions
//! and pointers to constants (`.data.rel.ro`, `.got`).
//!
//! `PT_GNU_RELRO` in the program's file asks for it, and a dynamic linker does it (`_dl_protect_relro`). A
//! static PIE has none: it relocates itself, and musl's start of it (`rcrt1`) leaves the pages writable.

use std::{
    io::{Error, ErrorKind, Result},
    ops::Range,
    ptr, slice,
};

use libc::{Elf64_Phdr, c_int, c_void, dl_phdr_info, size_t};

/// Takes the right to write to them from the whole process, for good. A program without such pages is left as
/// it is.
pub fn protect() -> Result<()> {
    let Some(pages) = pages(&Program::this()?, page_size()?)? else { return Ok(()) };
    let start = ptr::with_exposed_provenance_mut(pages.start);
    // SAFETY: the linker put nothing on these pages that is written to after the relocation, which is done
    // before `main`; and whoever only reads does not notice.
    #[expect(unsafe_code, reason = "mprotect is unsafe for what it may take from others")]
    let result = unsafe { libc::mprotect(start, pages.len(), libc::PROT_READ) };
    if result == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}

/// A program in memory.
struct Program<'a> {
    headers: &'a [Elf64_Phdr],
    /// What is to be added to the addresses in its headers.
    base: u64,
}

/// The pages that `PT_GNU_RELRO` covers. The last one may hold variables, too, so only whole ones count, as for
/// the dynamic linker.
fn pages(program: &Program<'_>, size: usize) -> Result<Option<Range<usize>>> {
    let mut headers = program.headers.iter();
    let Some(relro) = headers.find(|header| header.p_type == libc::PT_GNU_RELRO) else { return Ok(None) };
    let start = program.base.checked_add(relro.p_vaddr);
    let end = start.and_then(|start| start.checked_add(relro.p_memsz));
    let down = |address: Option<u64>| {
        let address = usize::try_from(address?).ok()?;
        address.checked_sub(address.checked_rem(size)?)
    };
    let covered = down(start).zip(down(end)).map(|(start, end)| start..end);
    let covered = covered.ok_or_else(|| invalid("the program headers lead beyond the end of memory"))?;
    Ok(Some(covered).filter(|pages| !pages.is_empty()))
}

impl Program<'static> {
    fn this() -> Result<Self> {
        let mut this = None;
        // SAFETY: `note` is given the address of `this`, which outlives the call.
        #[expect(unsafe_code, reason = "there is no other way to the headers")]
        unsafe {
            libc::dl_iterate_phdr(Some(note), ptr::from_mut(&mut this).cast());
        }
        this.ok_or_else(|| invalid("this program has no program headers"))
    }
}

/// Notes the first program, which is this one, and ends the round.
#[expect(unsafe_code, reason = "dl_iterate_phdr(3) has pointers for it")]
unsafe extern "C" fn note(info: *mut dl_phdr_info, _: size_t, this: *mut c_void) -> c_int {
    // SAFETY: the C library hands over what it says of the program, and the pointer that it was given, which is
    // that of `Program::this`. The headers are in a segment that nobody writes to, and stay for as long as
    // the program does.
    unsafe {
        let headers = slice::from_raw_parts((*info).dlpi_phdr, (*info).dlpi_phnum.into());
        *this.cast() = Some(Program { headers, base: (*info).dlpi_addr });
    }
    1
}

fn page_size() -> Result<usize> {
    // SAFETY: getauxval only reads what the kernel put on the stack, and knows an answer to every number.
    #[expect(unsafe_code, reason = "it has no wrapper")]
    let size = unsafe { libc::getauxval(libc::AT_PAGESZ) };
    usize::try_from(size).map_err(|_| invalid("the kernel's pages are larger than memory"))
}

fn invalid(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u64 = 0x7f00_0000_0000;

    fn header(kind: u32, address: u64, size: u64) -> Elf64_Phdr {
        Elf64_Phdr {
            p_type: kind,
            p_flags: libc::PF_R,
            p_offset: 0,
            p_vaddr: address,
            p_paddr: address,
            p_filesz: size,
            p_memsz: size,
            p_align: 1,
        }
    }

    fn found(address: u64, size: u64, page: usize) -> Result<Option<Range<usize>>> {
        let headers = [header(libc::PT_LOAD, 0, 0x5000), header(libc::PT_GNU_RELRO, address, size)];
        pages(&Program { headers: &headers, base: BASE }, page)
    }

    #[test]
    fn its_first_page_counts_and_its_last_only_if_all_of_it_is_covered() {
        assert_eq!(found(0x6000, 0x2000, 0x1000).unwrap(), Some(0x7f00_0000_6000..0x7f00_0000_8000));
        assert_eq!(found(0x6e10, 0x21f0, 0x1000).unwrap(), Some(0x7f00_0000_6000..0x7f00_0000_9000));
        assert_eq!(found(0x6e10, 0x21ef, 0x1000).unwrap(), Some(0x7f00_0000_6000..0x7f00_0000_8000));
        assert_eq!(found(0x6e10, 0x100, 0x1000).unwrap(), None);
        assert_eq!(found(0x6000, 0x2000, 0x10000).unwrap(), None);
    }

    #[test]
    fn a_program_without_it_is_left_as_it_is() {
        let headers = [header(libc::PT_LOAD, 0, 0x5000)];
        assert_eq!(pages(&Program { headers: &headers, base: BASE }, 0x1000).unwrap(), None);
    }

    #[test]
    fn headers_that_make_no_sense_are_an_error() {
        for (address, size, page) in
            [(u64::MAX, 0x1000, 0x1000), (0x6000, u64::MAX, 0x1000), (0x6000, 0x1000, 0)]
        {
            assert!(found(address, size, page).is_err(), "{address:x} {size:x} {page:x}");
        }
    }

    #[test]
    fn a_running_program_finds_its_own() {
        /// A constant of pointers.
        static RELOCATED: [&(dyn Send + Sync); 2] = [&1_u8, &2_u16];
        let pages = pages(&Program::this().unwrap(), page_size().unwrap()).unwrap().unwrap();
        assert!(pages.contains(&ptr::from_ref(&RELOCATED).addr()), "{pages:x?}");
        protect().unwrap();
    }
}
