//! Writing NPY, the format of `numpy.save`, version 1.0 in C order.

pub use amdahl_data::write::header;

use amdahl_lanes::comm::bytes;

/// A matrix of f32 as the bytes of a file.
pub fn matrix(values: &[f32], dims: usize) -> Vec<u8> {
    let mut file = header("<f4", &[(values.len() / dims.max(1)) as u64, dims as u64]);
    file.extend_from_slice(&little(values, f32::to_le_bytes));
    file
}

/// Numbers of four bytes, little-endian.
pub fn little<T: bytes::Plain>(
    values: &[T],
    to_le: impl Fn(T) -> [u8; 4],
) -> std::borrow::Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        std::borrow::Cow::Borrowed(bytes::of(values))
    } else {
        values.iter().flat_map(|&value| to_le(value)).collect::<Vec<u8>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_aligned_and_say_the_shape() {
        for extents in [&[5u64][..], &[0], &[3, 4], &[1 << 40, 784]] {
            let header = header("<i4", extents);
            assert_eq!(header.len() % 64, 0);
            assert_eq!(usize::from(u16::from_le_bytes([header[8], header[9]])), header.len() - 10);
            assert!(header.ends_with(b"\n"));
        }
        let text = String::from_utf8_lossy(&header("<i4", &[5])[10..]).into_owned();
        assert!(
            text.starts_with("{'descr': '<i4', 'fortran_order': False, 'shape': (5,), }"),
            "{text}"
        );
    }
}
