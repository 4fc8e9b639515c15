//! The four kernels over a lane's part of the arrays, and what they make of one element.
//!
//! Plain loops, of which the compiler makes vectors as wide as the target has for certain; of the
//! copy it makes a call of `memcpy`, as compilers of C do with STREAM's. Products and sums are
//! rounded one by one (nothing is fused), so every processor computes the same bits. None is
//! inlined: what comes between two of them cannot merge their loops.

/// Copy: `c = a`.
#[inline(never)]
pub fn copy(c: &mut [f64], a: &[f64]) {
    c.iter_mut().zip(a).for_each(|(c, a)| *c = *a);
}

/// Scale: `b = s·c`.
#[inline(never)]
pub fn scale(b: &mut [f64], c: &[f64], s: f64) {
    b.iter_mut().zip(c).for_each(|(b, c)| *b = s * *c);
}

/// Add: `c = a + b`.
#[inline(never)]
pub fn add(c: &mut [f64], a: &[f64], b: &[f64]) {
    c.iter_mut().zip(a.iter().zip(b)).for_each(|(c, (a, b))| *c = *a + *b);
}

/// Triad: `a = b + s·c`.
#[inline(never)]
pub fn triad(a: &mut [f64], b: &[f64], c: &[f64], s: f64) {
    a.iter_mut().zip(b.iter().zip(c)).for_each(|(a, (b, c))| *a = *b + s * *c);
}

/// Elements that are looked at together.
pub const BLOCK: usize = 64;

/// What `iterations` make of elements that begin with these values: `a`, `b` and `c`. Element by
/// element, without arrays.
pub fn expected(start: [f64; BLOCK], iterations: u64, s: f64) -> [[f64; BLOCK]; 3] {
    let (mut a, mut b, mut c) = (start, [0.0; BLOCK], [0.0; BLOCK]);
    for _ in 0..iterations {
        for i in 0..BLOCK {
            b[i] = s * a[i];
            c[i] = a[i] + b[i];
            a[i] = b[i] + s * c[i];
        }
    }
    [a, b, c]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_compute_what_their_formulas_say() {
        let (mut a, mut b, mut c) = (vec![1.0, -2.0, 0.5], vec![2.0; 3], vec![0.0; 3]);
        copy(&mut c, &a);
        assert_eq!(c, a);
        scale(&mut b, &c, 3.0);
        assert_eq!(b, [3.0, -6.0, 1.5]);
        add(&mut c, &a, &b);
        assert_eq!(c, [4.0, -8.0, 2.0]);
        triad(&mut a, &b, &c, 3.0);
        // McCalpin's: fifteen times what it was.
        assert_eq!(a, [15.0, -30.0, 7.5]);
        let mut start = [1.0; BLOCK];
        start[1] = -2.0;
        let [ea, eb, ec] = expected(start, 1, 3.0);
        assert_eq!((&ea[..2], &eb[..2], &ec[..2]), (&a[..2], &b[..2], &c[..2]));
        assert_eq!(expected(start, 2, 3.0)[0][1], -450.0);
    }
}
