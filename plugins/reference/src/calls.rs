//! The functions of the table.
//!
//! What is handed out as an opaque pointer is a box of ours. Every function looks at the size that
//! its arguments claim before anything else.

use std::ffi::{c_char, c_int, c_void};
use std::mem::{offset_of, size_of};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::abi::{self, Api, Arguments, Type, Version};
use crate::program::{self, Element, Program};
use crate::run::Value;
use crate::{Fault, PLATFORM, arguments, fault, slots};

use programs::{Compiled, Loaded};

static LIVE: AtomicI64 = AtomicI64::new(0);
static BYTES: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);

pub fn live() -> i64 {
    LIVE.load(Ordering::SeqCst)
}

/// What it says of its version.
const VERSION: &str = concat!("interpreter ", env!("CARGO_PKG_VERSION"));

/// Codes of errors.
const INVALID: c_int = 3;
const NOT_FOUND: c_int = 5;
const EXHAUSTED: c_int = 8;
const PRECONDITION: c_int = 9;
const UNIMPLEMENTED: c_int = 12;
const INTERNAL: c_int = 13;

#[derive(Clone)]
struct Failed {
    code: c_int,
    words: String,
}

fn failed<T>(code: c_int, words: impl Into<String>) -> Result<T, Failed> {
    Err(Failed { code, words: words.into() })
}

struct Event {
    /// When it happens; none for never.
    at: Option<Instant>,
    end: Result<(), Failed>,
}

/// An error that says that there is no such function.
pub fn unimplemented(name: &str) -> *mut abi::Error {
    give(Failed { code: UNIMPLEMENTED, words: format!("{name} is not implemented") })
}

struct Client {
    devices: Vec<*mut abi::Device>,
    topology: *mut arguments::Topology,
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: it was made with the client, and hosts do not free it.
        unsafe { topology::free(self.topology) };
    }
}

/// Something that points to constants and is never written.
struct Constant<T>(T);

// SAFETY: as the type says.
unsafe impl<T> Send for Constant<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Constant<T> {}

struct Buffer {
    value: Value,
    /// The number of the type of its values.
    kind: c_int,
    shape: Vec<i64>,
    minor_to_major: Vec<i64>,
    bytes: i64,
    deleted: AtomicBool,
    /// How often hosts hold it outside of the interface.
    held: AtomicUsize,
}

impl Buffer {
    fn live(&self) -> Result<&Buffer, Failed> {
        match self.deleted.load(Ordering::SeqCst) {
            true => failed(INVALID, "this buffer was deleted"),
            false => Ok(self),
        }
    }

    fn copy(&self) -> *mut abi::Buffer {
        buffer(self.value.clone(), self.kind, self.shape.clone())
    }

    /// Its values as the interface lays them out.
    fn to_bytes(&self) -> Vec<u8> {
        match &self.value {
            Value::Floats(values) if self.kind == Type::Bf16 as c_int => {
                values.iter().flat_map(|x| ((x.to_bits() >> 16) as u16).to_ne_bytes()).collect()
            }
            Value::Floats(values) => values.iter().flat_map(|x| x.to_ne_bytes()).collect(),
            Value::Integers(values) => values.iter().flat_map(|x| x.to_ne_bytes()).collect(),
            Value::Truths(values) => values.iter().map(|&x| u8::from(x)).collect(),
        }
    }

    /// Where they are, if they are there as the interface lays them out.
    fn address(&self) -> Result<*const u8, Failed> {
        match &self.value {
            Value::Floats(_) if self.kind == Type::Bf16 as c_int => {
                failed(UNIMPLEMENTED, "bfloat16 is kept as f32: it has no address")
            }
            Value::Floats(values) => Ok(values.as_ptr().cast()),
            Value::Integers(values) => Ok(values.as_ptr().cast()),
            Value::Truths(values) => Ok(values.as_ptr().cast()),
        }
    }
}

/// The number of an element's type.
fn number_of(element: Element) -> c_int {
    let of = match element {
        Element::F32 => Type::F32,
        Element::Bf16 => Type::Bf16,
        Element::I32 => Type::S32,
        Element::Bool => Type::Pred,
    };
    of as c_int
}

/// Bytes of a value of a type that is known.
fn width(kind: c_int) -> usize {
    match kind {
        kind if kind == Type::Pred as c_int => 1,
        kind if kind == Type::Bf16 as c_int => 2,
        _ => 4,
    }
}

/// The same, or what is wrong with the type.
fn known_width(kind: c_int) -> Result<usize, Failed> {
    let known = [Type::F32, Type::S32, Type::Bf16, Type::Pred].map(|of| of as c_int);
    match known.contains(&kind) {
        true => Ok(width(kind)),
        false => failed(UNIMPLEMENTED, format!("values of type {kind}")),
    }
}

/// Number of values of a shape.
fn count(shape: &[i64]) -> Result<usize, Failed> {
    let all = shape.iter().try_fold(1i64, |all, &n| all.checked_mul(n).filter(|_| n >= 0));
    let all = all.and_then(|all| usize::try_from(all).ok()).filter(|&all| all < 1 << 40);
    all.ok_or_else(|| Failed { code: INVALID, words: format!("no shape: {shape:?}") })
}

/// Values from their bytes.
fn value_of(kind: c_int, bytes: &[u8]) -> Value {
    let fours = || bytes.as_chunks::<4>().0.iter();
    match kind {
        kind if kind == Type::Bf16 as c_int => {
            let upper = bytes.as_chunks::<2>().0.iter().map(|&b| u32::from(u16::from_ne_bytes(b)));
            Value::Floats(upper.map(|bits| f32::from_bits(bits << 16)).collect())
        }
        kind if kind == Type::S32 as c_int => {
            Value::Integers(fours().map(|&b| i32::from_ne_bytes(b)).collect())
        }
        kind if kind == Type::Pred as c_int => {
            Value::Truths(bytes.iter().map(|&byte| byte != 0).collect())
        }
        _ => Value::Floats(fours().map(|&b| f32::from_ne_bytes(b)).collect()),
    }
}

/// The hash of Fowler, Noll and Vo, 64 bits, variant 1a.
fn fnv(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

impl Drop for Buffer {
    fn drop(&mut self) {
        BYTES.fetch_sub(self.bytes, Ordering::SeqCst);
    }
}

fn give<T, O>(value: T) -> *mut O {
    LIVE.fetch_add(1, Ordering::SeqCst);
    Box::into_raw(Box::new(value)).cast()
}

/// # Safety
/// The pointer is null or came from [`give`] of a `T` and was not taken before.
unsafe fn take<T, O>(raw: *mut O) {
    if !raw.is_null() {
        LIVE.fetch_sub(1, Ordering::SeqCst);
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(raw.cast::<T>()) });
    }
}

/// # Safety
/// The pointer came from [`give`] of a `T` and was not taken.
unsafe fn seen<'a, T, O>(raw: *const O) -> &'a T {
    // SAFETY: the caller's promise.
    unsafe { &*raw.cast::<T>() }
}

fn now(end: Result<(), Failed>) -> *mut abi::Event {
    give(Event { at: Some(Instant::now()), end })
}

/// A function of the table around what it does.
macro_rules! function {
    ($name:ident, $arguments:ty, |$a:ident| $body:expr) => {
        unsafe extern "C" fn $name(raw: *mut c_void) -> *mut abi::Error {
            // SAFETY: the host passes the structure of this function, or a longer one; its first
            // word is its size.
            let claimed = unsafe { raw.cast::<usize>().read() };
            let work = || -> Result<(), Failed> {
                check::<$arguments>(claimed)?;
                // SAFETY: it is long enough, and the host keeps it for the call.
                let $a = unsafe { &mut *raw.cast::<$arguments>() };
                $body
            };
            match work() {
                Ok(()) => ptr::null_mut(),
                Err(error) => give(error),
            }
        }
    };
}

// After the macro, which they use.
mod buffers;
mod events;
mod places;
mod programs;
mod topology;

fn check<A: Arguments>(claimed: usize) -> Result<(), Failed> {
    let (wanted, exactly) = match fault() {
        Fault::Strict => (A::SIZE, true),
        Fault::Longer => (A::SIZE + 64, false),
        _ => (A::SIZE, false),
    };
    if claimed < wanted || exactly && claimed != wanted {
        return failed(
            INVALID,
            format!("unexpected size of {}: expected {wanted}, got {claimed}", A::NAME),
        );
    }
    Ok(())
}

function!(error_destroy, abi::ErrorDestroy, |a| {
    // SAFETY: an error of ours.
    unsafe { take::<Failed, _>(a.error) };
    Ok(())
});
function!(error_message, abi::ErrorMessage, |a| {
    // SAFETY: an error of ours.
    let error: &Failed = unsafe { seen(a.error) };
    (a.message, a.message_size) = (error.words.as_ptr().cast(), error.words.len());
    Ok(())
});
function!(error_code, abi::ErrorGetCode, |a| {
    // SAFETY: an error of ours.
    a.code = unsafe { seen::<Failed, _>(a.error) }.code;
    Ok(())
});
function!(initialize, abi::PluginInitialize, |_a| Ok(()));
function!(attributes, abi::PluginAttributes, |a| {
    (a.attributes, a.num_attributes) = named();
    Ok(())
});
function!(event_destroy, abi::EventDestroy, |a| {
    // SAFETY: an event of ours.
    unsafe { take::<Event, _>(a.event) };
    Ok(())
});
function!(event_ready, abi::EventIsReady, |a| {
    // SAFETY: an event of ours.
    let event: &Event = unsafe { seen(a.event) };
    a.is_ready = event.at.is_some_and(|at| at <= Instant::now());
    Ok(())
});
function!(event_await, abi::EventAwait, |a| {
    // SAFETY: an event of ours.
    let event: &Event = unsafe { seen(a.event) };
    match event.at {
        Some(at) => std::thread::sleep(at.saturating_duration_since(Instant::now())),
        None => loop {
            std::thread::sleep(Duration::from_secs(1));
        },
    }
    event.end.clone()
});
function!(client_create, abi::ClientCreate, |a| {
    if fault() == Fault::Create {
        return failed(INTERNAL, "told not to create a client");
    }
    let devices = if fault() == Fault::NoDevice { vec![] } else { vec![places::device()] };
    a.client = give(Client { devices, topology: topology::new() });
    Ok(())
});
function!(client_destroy, abi::ClientDestroy, |a| {
    // SAFETY: a client of ours.
    unsafe { take::<Client, _>(a.client) };
    Ok(())
});
function!(platform_name, abi::ClientPlatformName, |a| {
    (a.platform_name, a.platform_name_size) = (PLATFORM.as_ptr().cast(), PLATFORM.len());
    Ok(())
});
function!(platform_version, abi::ClientPlatformVersion, |a| {
    (a.platform_version, a.platform_version_size) = (VERSION.as_ptr().cast(), VERSION.len());
    Ok(())
});
function!(devices, abi::ClientAddressableDevices, |a| {
    // SAFETY: a client of ours.
    let client: &Client = unsafe { seen(a.client) };
    (a.devices, a.num_devices) = (client.devices.as_ptr(), client.devices.len());
    Ok(())
});
function!(compile, abi::ClientCompile, |a| {
    // SAFETY: the host's program, which lives for the call.
    a.executable = give(Loaded::new(unsafe { Compiled::of(a.program) }?));
    Ok(())
});
function!(executable_destroy, abi::ExecutableDestroy, |a| {
    // SAFETY: a program of ours.
    unsafe { take::<Loaded, _>(a.executable) };
    Ok(())
});
function!(from_host, abi::BufferFromHostBuffer, |a| {
    // SAFETY: the host's shape, which lives for the call.
    let shape = unsafe { slice(a.dims, a.num_dims) }.to_vec();
    let count = count(&shape)?;
    if a.num_byte_strides != 0 || !a.device_layout.is_null() {
        return failed(UNIMPLEMENTED, "layouts other than dense rows");
    }
    if fault() == Fault::Memory {
        return failed(
            EXHAUSTED,
            format!("told to be out of memory while allocating {count} values"),
        );
    }
    let size = count * known_width(a.kind)?;
    // SAFETY: the host's values, as many as the shape says.
    let value = value_of(a.kind, unsafe { slice(a.data.cast::<u8>(), size) });
    a.done_with_host_buffer = now(Ok(()));
    a.buffer = buffer(value, a.kind, shape);
    Ok(())
});
function!(buffer_destroy, abi::BufferDestroy, |a| {
    // SAFETY: a buffer of ours.
    unsafe { take::<Buffer, _>(a.buffer) };
    Ok(())
});
function!(dimensions, abi::BufferDimensions, |a| {
    // SAFETY: a buffer of ours.
    let buffer: &Buffer = unsafe { seen(a.buffer) };
    (a.dims, a.num_dims) = (buffer.shape.as_ptr(), buffer.shape.len());
    Ok(())
});
function!(to_host, abi::BufferToHostBuffer, |a| {
    // SAFETY: a buffer of ours.
    let buffer = unsafe { seen::<Buffer, _>(a.src) }.live()?;
    let length = buffer.bytes as usize;
    if a.dst.is_null() {
        a.dst_size = length;
        return Ok(());
    }
    if a.dst_size < length {
        return failed(INVALID, format!("{length} bytes do not fit into {}", a.dst_size));
    }
    if fault() == Fault::Download {
        a.event = now(failed(INTERNAL, "told not to hand values back"));
        return Ok(());
    }
    // SAFETY: the host has room for so many bytes.
    unsafe { ptr::copy_nonoverlapping(buffer.to_bytes().as_ptr(), a.dst.cast(), length) };
    a.event = now(Ok(()));
    Ok(())
});
function!(execute, abi::Execute, |a| {
    if fault() == Fault::Execute {
        return failed(INTERNAL, "told not to execute");
    }
    // SAFETY: a program of ours, buffers of ours, and the host's lists of them for one device.
    let (program, inputs, outputs) = unsafe {
        if a.num_devices != 1 {
            return failed(INVALID, format!("{} devices, there is one", a.num_devices));
        }
        let inputs = slice(*a.argument_lists, a.num_args).iter();
        let inputs = inputs.map(|&raw| seen::<Buffer, _>(raw).live());
        let inputs = inputs.collect::<Result<Vec<&Buffer>, Failed>>()?;
        (seen::<Loaded, _>(a.executable), inputs, *a.output_lists)
    };
    if program.deleted.load(Ordering::SeqCst) {
        return failed(INVALID, "this program was deleted");
    }
    let program = &program.compiled.program;
    let of = |buffer: &&Buffer| buffer.shape.iter().map(|&n| n as usize).collect::<Vec<_>>();
    let wanted: Vec<Vec<usize>> = program.parameters.iter().map(|of| of.shape.clone()).collect();
    if inputs.iter().map(of).collect::<Vec<_>>() != wanted {
        return failed(INVALID, "inputs of other shapes than the program's");
    }
    let values: Vec<&Value> = inputs.iter().map(|buffer| &buffer.value).collect();
    let mut results = program.run(&values).map_err(|words| Failed { code: INTERNAL, words })?;
    spoil(program, &mut results);
    for (i, value) in results.into_iter().enumerate() {
        let of: &program::Type = program.type_of(program.results[i]);
        let shape = of.shape.iter().map(|&n| n as i64).collect();
        let result = buffer(value, number_of(of.element), shape);
        // SAFETY: the host has room for as many outputs as the program has.
        unsafe { outputs.add(i).write(result) };
    }
    let (at, end) = match fault() {
        Fault::Event => (Some(Instant::now()), failed(INTERNAL, "told to end with an error")),
        Fault::Slow => (Some(Instant::now() + Duration::from_millis(20)), Ok(())),
        Fault::Hang => (None, Ok(())),
        _ => (Some(Instant::now()), Ok(())),
    };
    if !a.device_complete_events.is_null() {
        // SAFETY: the host has room for one event.
        unsafe { a.device_complete_events.write(give(Event { at, end })) };
    }
    Ok(())
});
function!(memory_stats, abi::DeviceMemoryStats, |a| {
    a.bytes_in_use = BYTES.load(Ordering::SeqCst);
    (a.peak_bytes_in_use, a.peak_bytes_in_use_is_set) = (PEAK.load(Ordering::SeqCst), true);
    Ok(())
});
function!(description, abi::DeviceGetDescription, |a| {
    a.description = a.device.cast();
    Ok(())
});
function!(kind, abi::DescriptionKind, |a| {
    let kind = "interpreter";
    (a.kind, a.kind_size) = (kind.as_ptr().cast(), kind.len());
    Ok(())
});
function!(description_attributes, abi::DescriptionAttributes, |a| {
    (a.attributes, a.num_attributes) = named();
    Ok(())
});

/// Results as a broken device would have them.
fn spoil(program: &Program, results: &mut [Value]) {
    let k = program.parameters.get(1).and_then(|c| c.shape.first()).copied().unwrap_or(1);
    match (fault(), results) {
        (Fault::Label, [Value::Integers(labels), ..]) => {
            labels.iter_mut().for_each(|label| *label = 2 * k as i32)
        }
        (Fault::Wrong, [Value::Integers(labels), ..]) => {
            labels.iter_mut().for_each(|label| *label = (*label + 1) % k as i32)
        }
        (Fault::Wrong, [Value::Floats(labels), ..]) => {
            labels.iter_mut().for_each(|label| *label = (*label + 1.0) % k as f32)
        }
        // The last row of the sums has the counts.
        (Fault::Count, [_, Value::Floats(sums), ..]) => {
            let counts = sums.len() - k;
            sums[counts] -= 1.0;
        }
        _ => {}
    }
}

fn buffer(value: Value, kind: c_int, shape: Vec<i64>) -> *mut abi::Buffer {
    let bytes = width(kind) as i64 * shape.iter().product::<i64>();
    let used = BYTES.fetch_add(bytes, Ordering::SeqCst) + bytes;
    PEAK.fetch_max(used, Ordering::SeqCst);
    let minor_to_major = (0..shape.len() as i64).rev().collect();
    let (deleted, held) = (AtomicBool::new(false), AtomicUsize::new(0));
    give(Buffer { value, kind, shape, minor_to_major, bytes, deleted, held })
}

/// One attribute: whose arithmetic it is.
fn named() -> (*const abi::NamedValue, usize) {
    static LIST: OnceLock<Constant<[abi::NamedValue; 1]>> = OnceLock::new();
    let list = LIST.get_or_init(|| {
        let (name, text) = ("runs_on", "the processor");
        Constant([abi::NamedValue {
            struct_size: size_of::<abi::NamedValue>(),
            extensions: ptr::null_mut(),
            name: name.as_ptr().cast(),
            name_size: name.len(),
            kind: 0,
            value: abi::Value { text: text.as_ptr().cast() },
            value_size: text.len(),
        }])
    });
    (list.0.as_ptr(), 1)
}

/// # Safety
/// So many values are there, or there are none.
unsafe fn slice<'a, T>(start: *const T, count: usize) -> &'a [T] {
    match start.is_null() || count == 0 {
        true => &[],
        // SAFETY: the caller's promise.
        false => unsafe { std::slice::from_raw_parts(start, count) },
    }
}

/// # Safety
/// As [`slice`].
unsafe fn bytes<'a>(start: *const c_char, count: usize) -> &'a [u8] {
    // SAFETY: the caller's promise.
    unsafe { slice(start.cast(), count) }
}

/// The functions of this file, by their places.
fn host_functions() -> Vec<(usize, abi::Call)> {
    vec![
        (abi::ErrorDestroy::FUNCTION, error_destroy),
        (abi::ErrorMessage::FUNCTION, error_message),
        (abi::ErrorGetCode::FUNCTION, error_code),
        (abi::PluginInitialize::FUNCTION, initialize),
        (abi::PluginAttributes::FUNCTION, attributes),
        (abi::EventDestroy::FUNCTION, event_destroy),
        (abi::EventIsReady::FUNCTION, event_ready),
        (abi::EventAwait::FUNCTION, event_await),
        (abi::ClientCreate::FUNCTION, client_create),
        (abi::ClientDestroy::FUNCTION, client_destroy),
        (abi::ClientPlatformName::FUNCTION, platform_name),
        (abi::ClientPlatformVersion::FUNCTION, platform_version),
        (abi::ClientAddressableDevices::FUNCTION, devices),
        (abi::ClientCompile::FUNCTION, compile),
        (abi::BufferFromHostBuffer::FUNCTION, from_host),
        (abi::DescriptionAttributes::FUNCTION, description_attributes),
        (abi::DescriptionKind::FUNCTION, kind),
        (abi::DeviceGetDescription::FUNCTION, description),
        (abi::DeviceMemoryStats::FUNCTION, memory_stats),
        (abi::ExecutableDestroy::FUNCTION, executable_destroy),
        (abi::Execute::FUNCTION, execute),
        (abi::BufferDestroy::FUNCTION, buffer_destroy),
        (abi::BufferDimensions::FUNCTION, dimensions),
        (abi::BufferToHostBuffer::FUNCTION, to_host),
    ]
}

/// The table, made once.
pub fn table() -> *const Api {
    static TABLE: OnceLock<Constant<Api>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        // What is not here answers that it is not.
        let mut functions = slots::refusals();
        let more = [
            host_functions(),
            events::functions(),
            places::functions(),
            programs::functions(),
            buffers::functions(),
            topology::functions(),
        ];
        for (number, call) in more.into_iter().flatten() {
            functions[number] = Some(call);
        }
        let struct_size = match fault() {
            Fault::Short => {
                offset_of!(Api, functions) + abi::Execute::FUNCTION * size_of::<usize>()
            }
            _ => size_of::<Api>(),
        };
        let minor = if fault() == Fault::Old { abi::OLDEST - 1 } else { abi::NEWEST };
        let (extensions, major) = (ptr::null_mut(), abi::MAJOR);
        let version = Version { struct_size: size_of::<Version>(), extensions, major, minor };
        Constant(Api { struct_size, extensions, version, functions })
    });
    &raw const table.0
}
