//! Numbers of fixed width in the bytes of a file.

use amdahl_parquet::half;

/// How one number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 8 bits without sign.
    U8,
    /// 8 bits.
    I8,
    /// 16 bits without sign.
    U16,
    /// 16 bits.
    I16,
    /// 32 bits without sign.
    U32,
    /// 32 bits.
    I32,
    /// 64 bits without sign.
    U64,
    /// 64 bits.
    I64,
    /// IEEE half precision.
    F16,
    /// The upper half of an IEEE single: bfloat16.
    BF16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
}

/// The order of a number's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The least significant first.
    Little,
    /// The most significant first.
    Big,
}

/// Runs `$body` with `$from` bound to the conversion from bytes of the element's type, and `$width`
/// to its size.
macro_rules! with_element {
    ($element:expr, $order:expr, |$from:ident, $width:ident| $body:expr) => {
        match ($element, $order) {
            (Element::U8, _) => with_element!(u8, from_le_bytes, $from, $width, $body),
            (Element::I8, _) => with_element!(i8, from_le_bytes, $from, $width, $body),
            (Element::U16, Order::Little) => {
                with_element!(u16, from_le_bytes, $from, $width, $body)
            }
            (Element::U16, Order::Big) => with_element!(u16, from_be_bytes, $from, $width, $body),
            (Element::I16, Order::Little) => {
                with_element!(i16, from_le_bytes, $from, $width, $body)
            }
            (Element::I16, Order::Big) => with_element!(i16, from_be_bytes, $from, $width, $body),
            (Element::U32, Order::Little) => {
                with_element!(u32, from_le_bytes, $from, $width, $body)
            }
            (Element::U32, Order::Big) => with_element!(u32, from_be_bytes, $from, $width, $body),
            (Element::I32, Order::Little) => {
                with_element!(i32, from_le_bytes, $from, $width, $body)
            }
            (Element::I32, Order::Big) => with_element!(i32, from_be_bytes, $from, $width, $body),
            (Element::U64, Order::Little) => {
                with_element!(u64, from_le_bytes, $from, $width, $body)
            }
            (Element::U64, Order::Big) => with_element!(u64, from_be_bytes, $from, $width, $body),
            (Element::I64, Order::Little) => {
                with_element!(i64, from_le_bytes, $from, $width, $body)
            }
            (Element::I64, Order::Big) => with_element!(i64, from_be_bytes, $from, $width, $body),
            (Element::F16, order) => {
                const $width: usize = size_of::<u16>();
                let $from = move |bytes: [u8; 2]| {
                    half(match order {
                        Order::Little => u16::from_le_bytes(bytes),
                        Order::Big => u16::from_be_bytes(bytes),
                    })
                };
                $body
            }
            (Element::BF16, order) => {
                const $width: usize = size_of::<u16>();
                let $from = move |bytes: [u8; 2]| {
                    let bits = match order {
                        Order::Little => u16::from_le_bytes(bytes),
                        Order::Big => u16::from_be_bytes(bytes),
                    };
                    f32::from_bits(u32::from(bits) << 16)
                };
                $body
            }
            (Element::F32, Order::Little) => {
                with_element!(f32, from_le_bytes, $from, $width, $body)
            }
            (Element::F32, Order::Big) => with_element!(f32, from_be_bytes, $from, $width, $body),
            (Element::F64, Order::Little) => {
                with_element!(f64, from_le_bytes, $from, $width, $body)
            }
            (Element::F64, Order::Big) => with_element!(f64, from_be_bytes, $from, $width, $body),
        }
    };
    ($type:ty, $method:ident, $from:ident, $width:ident, $body:expr) => {{
        const $width: usize = size_of::<$type>();
        let $from = <$type>::$method;
        $body
    }};
}

impl Element {
    /// Bytes of one number.
    pub fn width(self) -> usize {
        with_element!(self, Order::Little, |_from, WIDTH| WIDTH)
    }

    /// Converts the numbers in `bytes` to the nearest f32 each; as many as `out` is long.
    #[allow(
        clippy::unnecessary_cast,
        reason = "one body for all elements, the target type among them"
    )]
    pub fn singles(self, order: Order, bytes: &[u8], out: &mut [f32]) {
        with_element!(self, order, |from, WIDTH| {
            for (out, bytes) in out.iter_mut().zip(bytes.as_chunks::<WIDTH>().0) {
                *out = from(*bytes) as f32;
            }
        });
    }

    /// Converts the numbers in `bytes` to double precision, as many as `out` is long.
    #[allow(
        clippy::unnecessary_cast,
        reason = "one body for all elements, the target type among them"
    )]
    pub fn doubles(self, order: Order, bytes: &[u8], out: &mut [f64]) {
        with_element!(self, order, |from, WIDTH| {
            for (out, bytes) in out.iter_mut().zip(bytes.as_chunks::<WIDTH>().0) {
                *out = from(*bytes) as f64;
            }
        });
    }

    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Element::U8 => "u8",
            Element::I8 => "i8",
            Element::U16 => "u16",
            Element::I16 => "i16",
            Element::U32 => "u32",
            Element::I32 => "i32",
            Element::U64 => "u64",
            Element::I64 => "i64",
            Element::F16 => "f16",
            Element::BF16 => "bf16",
            Element::F32 => "f32",
            Element::F64 => "f64",
        }
    }
}
