//! Buffers on pages of a chosen size.

use std::ffi::c_void;

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// Values of f32 in a mapping of their own, aligned to a huge page, all of them touched.
pub struct Buffer {
    base: *mut f32,
    values: usize,
    mapping: (*mut c_void, usize),
}

/// Size of a huge page on most processors.
const HUGE: usize = 2 << 20;

/// Share of a buffer that must lie on huge pages for it to be called so.
const MOST: f64 = 0.9;

impl Buffer {
    /// `bytes` (at least; whole huge pages are mapped) of ones, with or without huge pages, touched
    /// by the calling thread so that they lie near it. The error says why not.
    pub fn new(bytes: u64, huge_pages: bool) -> Result<Buffer, String> {
        let values = usize::try_from(bytes)
            .map_err(|_| "more than this system can address".to_string())?
            / size_of::<f32>();
        let whole = (values * size_of::<f32>()).next_multiple_of(HUGE).max(HUGE);
        let length = whole + HUGE;
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping wherever the system likes, which nothing else has an address of.
        let mapped =
            unsafe { mmap_anonymous(std::ptr::null_mut(), length, protection, MapFlags::PRIVATE) };
        let mapped = mapped.map_err(|e| format!("no memory for {length} bytes: {e}"))?;
        let skip = (mapped as usize).next_multiple_of(HUGE) - mapped as usize;
        // SAFETY: less than a huge page, of which the mapping has one more than the buffer needs.
        let base = unsafe { mapped.byte_add(skip) };
        let mut buffer = Buffer {
            base: base.cast(),
            values: whole / size_of::<f32>(),
            mapping: (mapped, length),
        };
        advise(base, whole, huge_pages)?;
        buffer.values_mut().fill(1.0);
        buffer.values = values;
        if huge_pages {
            match huge_share(base as usize, whole) {
                Some(share) if share < MOST => {
                    return Err(format!(
                        "the kernel put {:.0} % of the buffer on huge pages",
                        100.0 * share
                    ));
                }
                Some(_) => {}
                None => return Err("the kernel does not say which pages are huge".into()),
            }
        }
        Ok(buffer)
    }

    /// The values.
    pub fn values(&self) -> &[f32] {
        // SAFETY: the mapping holds that many values and lives as long as this; all were written.
        unsafe { std::slice::from_raw_parts(self.base, self.values) }
    }

    /// The values, for writing.
    pub fn values_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and they are borrowed by nobody else; fresh pages of the system are
        // zero, which is a value.
        unsafe { std::slice::from_raw_parts_mut(self.base, self.values) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` and nothing borrows from it any more.
        let unmapped = unsafe { munmap(self.mapping.0, self.mapping.1) };
        debug_assert!(unmapped.is_ok(), "{unmapped:?}");
    }
}

#[cfg(target_os = "linux")]
fn advise(base: *mut c_void, bytes: usize, huge_pages: bool) -> Result<(), String> {
    use rustix::mm::{Advice, madvise};
    let advice = if huge_pages { Advice::LinuxHugepage } else { Advice::LinuxNoHugepage };
    // SAFETY: advice on pages of our own mapping; it changes no contents.
    match unsafe { madvise(base, bytes, advice) } {
        Err(e) if huge_pages => Err(format!("this kernel gives no transparent huge pages: {e}")),
        // A kernel without huge pages refuses both words, and then has what the second asks for.
        _ => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn advise(_: *mut c_void, _: usize, huge_pages: bool) -> Result<(), String> {
    if huge_pages { Err("huge pages are asked for on Linux only".into()) } else { Ok(()) }
}

/// Share of the bytes from `address` on that lies on huge pages, as `/proc/self/smaps` has it.
fn huge_share(address: usize, bytes: usize) -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/smaps").ok()?;
    Some(huge_bytes(&text, address)? as f64 / bytes as f64)
}

/// `AnonHugePages` of the mapping that holds the address.
fn huge_bytes(smaps: &str, address: usize) -> Option<u64> {
    let mut inside = false;
    for line in smaps.lines() {
        let range = line.split_whitespace().next().and_then(|word| word.split_once('-'));
        if let Some((from, to)) = range
            && let (Ok(from), Ok(to)) =
                (usize::from_str_radix(from, 16), usize::from_str_radix(to, 16))
        {
            inside = (from..to).contains(&address);
        } else if inside && let Some(rest) = line.strip_prefix("AnonHugePages:") {
            return rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_can_be_read_and_written() {
        let mut buffer = Buffer::new(1000 * 4, false).expect("memory");
        assert_eq!(buffer.values(), [1.0; 1000]);
        assert_eq!(buffer.values().as_ptr() as usize % HUGE, 0);
        buffer.values_mut()[999] = 2.0;
        assert_eq!(buffer.values()[998..], [1.0, 2.0]);
    }

    #[test]
    fn huge_pages_are_given_or_refused_with_a_reason() {
        match Buffer::new(8 << 20, true) {
            Ok(buffer) => assert_eq!(buffer.values().len(), 2 << 20),
            Err(why) => assert!(why.len() > 10, "{why}"),
        }
        assert!(Buffer::new(u64::MAX / 2, false).is_err());
    }

    #[test]
    fn huge_pages_are_counted_in_the_right_mapping() {
        let smaps = "1000-2000 rw-p 00000000 00:00 0\nSize: 4 kB\nAnonHugePages:      2048 kB\n\
                     a000-c000 rw-p 00000000 00:00 0 \nRss: 4 kB\nAnonHugePages:      4096 kB\nVmFlags: rd\n";
        assert_eq!(huge_bytes(smaps, 0xb000), Some(4096 << 10));
        assert_eq!(huge_bytes(smaps, 0x1000), Some(2048 << 10));
        assert_eq!(huge_bytes(smaps, 0x9000), None);
    }
}
