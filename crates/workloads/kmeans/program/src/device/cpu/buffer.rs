//! Memory for values that kernels stream over.

use std::ops::{Deref, DerefMut};

/// Bytes of a huge page.
const HUGE: usize = 2 << 20;

/// Bytes of a cache line.
const LINE: usize = 64;

/// Values that start on a cache line, so that no vector is split over two; large ones start on a
/// huge page and lie on huge pages where the system gives them: fewer TLB misses while rows stream.
/// Pages belong to the thread that first writes to them.
pub struct Buffer {
    values: Vec<f32>,
    start: usize,
    length: usize,
}

impl Buffer {
    /// This many zeros.
    pub fn zeros(length: usize) -> Buffer {
        let align = if size_of::<f32>() * length >= HUGE { HUGE } else { LINE };
        // Zeroed memory that is not written to takes no room, so the part before the start costs
        // nothing.
        let values = vec![0f32; length + align / size_of::<f32>()];
        let start = (values.as_ptr().addr().next_multiple_of(align) - values.as_ptr().addr())
            / size_of::<f32>();
        #[cfg(target_os = "linux")]
        if align == HUGE {
            let bytes = size_of::<f32>() * length / HUGE * HUGE;
            use rustix::mm::{Advice, madvise};
            // SAFETY: the range lies within the allocation; the advice changes how it is backed,
            // not what it holds.
            let advised = unsafe {
                let range = values.as_ptr().add(start).cast_mut().cast();
                madvise(range, bytes, Advice::LinuxHugepage)
            };
            // Small pages do as well, only slower.
            let _ = advised;
        }
        Buffer { values, start, length }
    }
}

impl Deref for Buffer {
    type Target = [f32];
    #[inline(always)]
    fn deref(&self) -> &[f32] {
        &self.values[self.start..][..self.length]
    }
}

impl DerefMut for Buffer {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.start..][..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_start_on_a_line_or_a_page() {
        for length in [0, 1, 1000, HUGE / 4 - 1, HUGE / 4, HUGE] {
            let mut buffer = Buffer::zeros(length);
            let align = if length * 4 >= HUGE { HUGE } else { LINE };
            assert_eq!(buffer.as_ptr().addr() % align, 0, "{length} values");
            assert_eq!(buffer.len(), length);
            assert!(buffer.iter().all(|&x| x == 0.0));
            buffer.fill(1.0);
            assert_eq!(buffer.iter().sum::<f32>() as usize, length);
        }
    }
}
