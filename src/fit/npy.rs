//! Writing NPY, the format of `numpy.save`, version 1.0 in C order.

use crate::measure::comm::bytes;

/// The header for elements of the type `descr` (such as `<f4`) and these extents. Its length is a multiple of 64, as NumPy aligns it.
pub fn header(descr: &str, extents: &[u64]) -> Vec<u8> {
    let shape = match extents {
        [only] => format!("({only},)"),
        more => format!("({})", more.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
    };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic number, version and length make 10 bytes, the line's end one more.
    let blanks = (64 - (10 + text.len() + 1) % 64) % 64;
    text.extend(std::iter::repeat_n(' ', blanks));
    text.push('\n');
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    // A shape of few extents is far below 2^16 bytes.
    header.extend_from_slice(&(text.len() as u16).to_le_bytes());
    header.extend_from_slice(text.as_bytes());
    header
}

/// A matrix of f32 as the bytes of a file.
pub fn matrix(values: &[f32], dims: usize) -> Vec<u8> {
    let mut file = header("<f4", &[(values.len() / dims.max(1)) as u64, dims as u64]);
    file.extend_from_slice(&little(values, f32::to_le_bytes));
    file
}

/// Numbers of four bytes, little-endian.
pub fn little<T: bytes::Plain>(values: &[T], to_le: impl Fn(T) -> [u8; 4]) -> std::borrow::Cow<'_, [u8]> {
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
        assert!(text.starts_with("{'descr': '<i4', 'fortran_order': False, 'shape': (5,), }"), "{text}");
    }
}
