//! Numbers as a page holds them, and what they become.

/// How a number is stored, the least significant byte first but where it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// A truth value, 0 or 1.
    U8,
    /// 32 bits.
    I32,
    /// 32 bits without sign.
    U32,
    /// 64 bits.
    I64,
    /// 64 bits without sign.
    U64,
    /// IEEE half precision.
    F16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
    /// Nanoseconds of a day (64 bits), then its Julian number (32 bits): nanoseconds since 1970.
    Int96,
    /// An integer that is to be divided by a power of ten.
    Decimal {
        /// Bytes of the integer, from 1 to 16.
        width: u8,
        /// Is the most significant byte the first?
        big: bool,
        /// The power of ten, at most 38.
        scale: u8,
    },
}

/// Hands the values of `bytes` to `$out`, each through `$convert`.
macro_rules! each {
    ($type:ty, $bytes:expr, $out:expr, $convert:expr) => {
        for (out, bytes) in $out.iter_mut().zip($bytes.as_chunks::<{ size_of::<$type>() }>().0) {
            *out = $convert(<$type>::from_le_bytes(*bytes));
        }
    };
}

/// Hands the integers of decimals to `$out`, each through `$convert`.
macro_rules! each_decimal {
    ($width:expr, $big:expr, $bytes:expr, $out:expr, $convert:expr) => {
        for (out, bytes) in $out.iter_mut().zip($bytes.chunks_exact(usize::from($width))) {
            *out = $convert(integer(bytes, $big));
        }
    };
}

impl Number {
    /// Bytes of one number.
    pub fn width(self) -> usize {
        match self {
            Number::U8 => 1,
            Number::F16 => 2,
            Number::I32 | Number::U32 | Number::F32 => 4,
            Number::I64 | Number::U64 | Number::F64 => 8,
            Number::Int96 => 12,
            Number::Decimal { width, .. } => usize::from(width),
        }
    }

    /// Are they stored as bytes of a fixed width, not as one of the format's own numbers?
    pub fn is_fixed(self) -> bool {
        matches!(self, Number::F16 | Number::Decimal { big: true, .. })
    }

    /// The numbers in `bytes`, each as the nearest f32 (ties to even); as many as `out` is long.
    pub fn singles(self, bytes: &[u8], out: &mut [f32]) {
        match self {
            Number::U8 => each!(u8, bytes, out, f32::from),
            Number::I32 => each!(i32, bytes, out, |x| x as f32),
            Number::U32 => each!(u32, bytes, out, |x| x as f32),
            Number::I64 => each!(i64, bytes, out, |x| x as f32),
            Number::U64 => each!(u64, bytes, out, |x| x as f32),
            Number::F16 => each!(u16, bytes, out, half),
            Number::F32 => each!(f32, bytes, out, |x| x),
            Number::F64 => each!(f64, bytes, out, |x| x as f32),
            Number::Int96 => each_int96(bytes, out, |x| x as f32),
            Number::Decimal { width, big, scale } => {
                each_decimal!(width, big, bytes, out, |x| decimal(x, scale));
            }
        }
    }

    /// The numbers in `bytes` in double precision; as many as `out` is long.
    pub fn doubles(self, bytes: &[u8], out: &mut [f64]) {
        match self {
            Number::U8 => each!(u8, bytes, out, f64::from),
            Number::I32 => each!(i32, bytes, out, f64::from),
            Number::U32 => each!(u32, bytes, out, f64::from),
            Number::I64 => each!(i64, bytes, out, |x| x as f64),
            Number::U64 => each!(u64, bytes, out, |x| x as f64),
            Number::F16 => each!(u16, bytes, out, |x| f64::from(half(x))),
            Number::F32 => each!(f32, bytes, out, f64::from),
            Number::F64 => each!(f64, bytes, out, |x| x),
            Number::Int96 => each_int96(bytes, out, |x| x as f64),
            Number::Decimal { width, big, scale } => {
                let exact = |x| parse(x, scale).unwrap_or(f64::NAN);
                each_decimal!(width, big, bytes, out, exact);
            }
        }
    }
}

/// The value of 16 bits in IEEE half precision; every one is an f32.
pub fn half(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10 & 0x1f);
    let fraction = u32::from(bits & 0x3ff);
    match exponent {
        // Multiples of 2^-24, zero among them.
        0 => f32::from_bits(sign | 0x3f80_0000) * (fraction as f32 / 16_777_216.0),
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

/// Hands moments of 12 bytes, as nanoseconds since 1970, to `out`, each through `convert`.
fn each_int96<T>(bytes: &[u8], out: &mut [T], convert: impl Fn(i128) -> T) {
    // The Julian day that begins at noon of the day before 1970, and the nanoseconds of a day.
    const JULIAN_1970: i128 = 2_440_588;
    const DAY: i128 = 86_400_000_000_000;
    for (out, bytes) in out.iter_mut().zip(bytes.as_chunks::<12>().0) {
        let day = integer(&bytes[8..], false) - JULIAN_1970;
        *out = convert(day * DAY + integer(&bytes[..8], false));
    }
}

/// An integer of 1 to 16 bytes in two's complement.
fn integer(bytes: &[u8], big: bool) -> i128 {
    let next = |value: i128, byte: &u8| value << 8 | i128::from(*byte);
    let value = match big {
        true => bytes.iter().fold(0, next),
        false => bytes.iter().rev().fold(0, next),
    };
    let unused = 128 - 8 * bytes.len() as u32;
    value << unused >> unused
}

/// The f32 nearest to `integer` / 10^`scale`.
fn decimal(integer: i128, scale: u8) -> f32 {
    const POWERS: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];
    // Both are exact, so the quotient is the nearest f64; the nearest f32 to that is the nearest to the
    // value, unless the quotient lies in the middle of two of them.
    if let Some(power) = POWERS.get(usize::from(scale))
        && integer.unsigned_abs() <= 1 << 53
    {
        let quotient = integer as f64 / power;
        if quotient.to_bits() & 0x1fff_ffff != 0x1000_0000 {
            return quotient as f32;
        }
    }
    parse(integer, scale).unwrap_or(f32::NAN)
}

/// `integer` / 10^`scale`, rounded once.
fn parse<T: std::str::FromStr>(integer: i128, scale: u8) -> Option<T> {
    format!("{integer}e-{scale}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn singles(number: Number, bytes: &[u8]) -> Vec<f32> {
        let mut out = vec![0.0; bytes.len() / number.width()];
        number.singles(bytes, &mut out);
        let mut doubles = vec![0.0; out.len()];
        number.doubles(bytes, &mut doubles);
        for (single, double) in out.iter().zip(&doubles) {
            let near =
                (f64::from(*single) - double).abs() <= double.abs() * 6e-8 || single.is_infinite();
            assert!(near, "{single} and {double}");
        }
        out
    }

    #[test]
    fn integers_and_floats() {
        assert_eq!(singles(Number::U8, &[0, 1]), [0.0, 1.0]);
        assert_eq!(singles(Number::I32, &(-5i32).to_le_bytes()), [-5.0]);
        assert_eq!(singles(Number::U32, &u32::MAX.to_le_bytes()), [4_294_967_296.0]);
        assert_eq!(singles(Number::I64, &i64::MIN.to_le_bytes()), [i64::MIN as f32]);
        assert_eq!(singles(Number::U64, &u64::MAX.to_le_bytes()), [u64::MAX as f32]);
        assert_eq!(singles(Number::F32, &1.5f32.to_le_bytes()), [1.5]);
        assert_eq!(singles(Number::F64, &1e300f64.to_le_bytes()), [f32::INFINITY]);
    }

    #[test]
    fn halves() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x83ff, -6.097_555e-5),
            (0x3555, 0.333_251_95),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(singles(Number::F16, &u16::to_le_bytes(bits)), [value], "{bits:04x}");
        }
        assert!(half(0x8000).is_sign_negative() && half(0x7e00).is_nan());
    }

    #[test]
    fn moments_of_96_bits() {
        let moment = |nanoseconds: i64, day: i32| {
            [&nanoseconds.to_le_bytes()[..], &day.to_le_bytes()].concat()
        };
        assert_eq!(singles(Number::Int96, &moment(7, 2_440_588)), [7.0]);
        assert_eq!(singles(Number::Int96, &moment(0, 2_440_587)), [-86_400e9]);
    }

    #[test]
    fn decimals_are_rounded_once() {
        let little = |x: i64, scale| {
            singles(Number::Decimal { width: 8, big: false, scale }, &x.to_le_bytes())[0]
        };
        assert_eq!(little(12345, 2), 123.45);
        assert_eq!(little(-1, 10), -1e-10);
        assert_eq!(little(7, 0), 7.0);
        // In double precision the quotient is 1 + 2^-24, in the middle of two f32: above it the exact value is.
        assert_eq!(little(100_000_005_960_464_478, 17), 1.000_000_1);
        assert_eq!((100_000_005_960_464_478f64 / 1e17) as f32, 1.0);
        let big = |x: i128, width: u8, scale| {
            let bytes = x.to_be_bytes();
            let number = Number::Decimal { width, big: true, scale };
            singles(number, &bytes[16 - usize::from(width)..])[0]
        };
        assert_eq!(big(-12345, 3, 2), -123.45);
        assert_eq!(big(-12345, 16, 2), -123.45);
        assert_eq!(big(5, 1, 38), 5e-38);
        assert_eq!(big(99_999_999_999_999_999_999_999_999_999_999_999_999, 16, 0), 1e38);
    }
}
