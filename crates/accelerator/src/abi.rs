//! The part of the PJRT C interface that is used: our own declarations, laid out as the interface
//! has them.
//!
//! PJRT is a table of functions. Each takes one structure of arguments and returns an error, or
//! nothing. Every structure begins with its own size and a list of extensions (none here), so that
//! either side may know a newer, longer version of it: whoever reads a field looks at the size
//! first. Results are fields of the same structure, marked "out".
//!
//! This file stands alone: the reference plugin (`plugins/reference`) is compiled from the same
//! declarations.

use std::ffi::{c_char, c_int, c_void};
use std::mem::{offset_of, size_of};

/// The interface's major version that these declarations are of.
pub const MAJOR: c_int = 0;
/// The newest minor version that they were compared with.
pub const NEWEST: c_int = 114;
/// The oldest minor version whose structures begin like these.
pub const OLDEST: c_int = 54;

/// A plugin's one exported symbol: it returns the table.
pub const ENTRY: &[u8] = b"GetPjrtApi\0";
/// Its type.
pub type Entry = unsafe extern "C" fn() -> *const Api;

/// A function of the table: arguments in, error (or null) out. Two of them return nothing.
pub type Call = unsafe extern "C" fn(*mut c_void) -> *mut Error;

/// Functions that the table of minor version [`NEWEST`] has; later ones may have more.
pub const FUNCTIONS: usize = 138;

/// What the plugin's version says of itself.
#[repr(C)]
pub struct Version {
    /// Size of this structure.
    pub struct_size: usize,
    /// None.
    pub extensions: *mut c_void,
    /// Major version.
    pub major: c_int,
    /// Minor version.
    pub minor: c_int,
}

/// The table. A plugin's may be shorter or longer than this one: `struct_size` says.
#[repr(C)]
pub struct Api {
    /// Size of the plugin's table.
    pub struct_size: usize,
    /// Its extensions.
    pub extensions: *mut c_void,
    /// The version it was built with.
    pub version: Version,
    /// Its functions, by the numbers of [`Function`].
    pub functions: [Option<Call>; FUNCTIONS],
}

macro_rules! opaque {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $(
        $(#[$doc])*
        #[repr(C)]
        pub struct $name { _opaque: [u8; 0] }
    )* };
}

opaque! {
    /// An error of the plugin's.
    Error,
    /// Something that will have happened.
    Event,
    /// A plugin's state: its devices, their memory.
    Client,
    /// A device.
    Device,
    /// What is known of a device.
    Description,
    /// A kind of memory.
    Memory,
    /// A compiled program on devices.
    Executable,
    /// Values on a device.
    Buffer,
}

/// Types of values in buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum Type {
    /// Truth values, a byte each.
    Pred = 1,
    /// 32-bit signed integers.
    S32 = 4,
    /// 32-bit floating point.
    F32 = 11,
    /// bfloat16.
    Bf16 = 13,
}

/// The plugin reads the host's memory during the call alone.
pub const DURING_CALL: c_int = 0;
/// The host's memory stays as it is until the transfer is done.
pub const UNTIL_DONE: c_int = 1;

/// A name with a value.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NamedValue {
    /// Size of this structure.
    pub struct_size: usize,
    /// None.
    pub extensions: *mut c_void,
    /// Name, not ended by a zero.
    pub name: *const c_char,
    /// Its length.
    pub name_size: usize,
    /// 0 text, 1 integer, 2 list of integers, 3 f32, 4 truth value.
    pub kind: c_int,
    /// The value, or a pointer to it.
    pub value: Value,
    /// Length of a text or a list; else 1.
    pub value_size: usize,
}

/// The value of a [`NamedValue`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union Value {
    /// Kind 0.
    pub text: *const c_char,
    /// Kind 1.
    pub integer: i64,
    /// Kind 2.
    pub integers: *const i64,
    /// Kind 3.
    pub float: f32,
    /// Kind 4: 0 or 1, in a byte, since not every byte of a plugin's is a bool.
    pub truth: u8,
}

/// Arguments of a function.
///
/// # Safety
/// The type is a C structure that begins with its size and its extensions, for which all bytes zero is a value.
pub unsafe trait Arguments: Sized {
    /// The function's number in the table.
    const FUNCTION: usize;
    /// Its name, for errors.
    const NAME: &'static str;
    /// The size up to the end of the last field, as the interface counts.
    const SIZE: usize;

    /// All zero.
    fn zero() -> Self {
        // SAFETY: the trait's promise.
        unsafe { std::mem::zeroed() }
    }
}

macro_rules! arguments {
    ($($(#[$doc:meta])* $name:ident = $number:literal { $($field:ident: $type:ty),* ; $last:ident: $last_type:ty })*) => { $(
        $(#[$doc])*
        #[repr(C)]
        #[allow(missing_docs)]
        pub struct $name {
            pub struct_size: usize,
            pub extensions: *mut c_void,
            $(pub $field: $type,)*
            pub $last: $last_type,
        }
        // SAFETY: a C structure of numbers and pointers.
        unsafe impl Arguments for $name {
            const FUNCTION: usize = $number;
            const NAME: &'static str = stringify!($name);
            const SIZE: usize = offset_of!($name, $last) + size_of::<$last_type>();
        }
    )* };
}

arguments! {
    /// Frees an error. Returns nothing.
    ErrorDestroy = 0 { ; error: *mut Error }
    /// An error's words. Returns nothing. Out: message, message_size.
    ErrorMessage = 1 { error: *const Error, message: *const c_char; message_size: usize }
    /// An error's number. Out: code.
    ErrorGetCode = 2 { error: *const Error; code: c_int }
    /// The first call of all.
    PluginInitialize = 3 { ; nothing: [u8; 0] }
    /// What the plugin says of itself. Out: attributes, num_attributes.
    PluginAttributes = 4 { attributes: *const NamedValue; num_attributes: usize }
    /// Frees an event.
    EventDestroy = 5 { ; event: *mut Event }
    /// Has it happened? Out: is_ready.
    EventIsReady = 6 { event: *mut Event; is_ready: bool }
    /// Waits for an event, and returns the error it ended with.
    EventAwait = 8 { ; event: *mut Event }
    /// Starts the plugin on its devices. Out: client.
    ClientCreate = 10 {
        create_options: *const NamedValue, num_options: usize, kv_get: *mut c_void, kv_get_arg: *mut c_void, kv_put: *mut c_void,
        kv_put_arg: *mut c_void, client: *mut Client, kv_try_get: *mut c_void; kv_try_get_arg: *mut c_void
    }
    /// Ends it.
    ClientDestroy = 11 { ; client: *mut Client }
    /// What computes, by the device's own name. Out: platform_name, platform_name_size.
    ClientPlatformName = 12 { client: *mut Client, platform_name: *const c_char; platform_name_size: usize }
    /// The version of what it runs on. Out: platform_version, platform_version_size.
    ClientPlatformVersion = 14 { client: *mut Client, platform_version: *const c_char; platform_version_size: usize }
    /// Devices that the client can give work. Out: devices, num_devices.
    ClientAddressableDevices = 16 { client: *mut Client, devices: *const *mut Device; num_devices: usize }
    /// Compiles a program. Out: executable.
    ClientCompile = 20 {
        client: *mut Client, program: *const Program, compile_options: *const c_char, compile_options_size: usize;
        executable: *mut Executable
    }
    /// Copies values of the host to a device. Out: done_with_host_buffer, buffer.
    BufferFromHostBuffer = 22 {
        client: *mut Client, data: *const c_void, kind: c_int, dims: *const i64, num_dims: usize, byte_strides: *const i64,
        num_byte_strides: usize, host_buffer_semantics: c_int, device: *mut Device, memory: *mut Memory, device_layout: *mut c_void,
        done_with_host_buffer: *mut Event; buffer: *mut Buffer
    }
    /// A device's attributes. Out: num_attributes, attributes.
    DescriptionAttributes = 25 { description: *mut Description, num_attributes: usize; attributes: *const NamedValue }
    /// A device's kind. Out: kind, kind_size.
    DescriptionKind = 26 { description: *mut Description, kind: *const c_char; kind_size: usize }
    /// What is known of a device. Out: description.
    DeviceGetDescription = 29 { device: *mut Device; description: *mut Description }
    /// A device's memory. Out: all but the device; a value counts where its mark is set.
    DeviceMemoryStats = 34 {
        device: *mut Device, bytes_in_use: i64, peak_bytes_in_use: i64, peak_bytes_in_use_is_set: bool, num_allocs: i64,
        num_allocs_is_set: bool, largest_alloc_size: i64, largest_alloc_size_is_set: bool, bytes_limit: i64, bytes_limit_is_set: bool,
        bytes_reserved: i64, bytes_reserved_is_set: bool, peak_bytes_reserved: i64, peak_bytes_reserved_is_set: bool,
        bytes_reservable_limit: i64, bytes_reservable_limit_is_set: bool, largest_free_block_bytes: i64,
        largest_free_block_bytes_is_set: bool, pool_bytes: i64, pool_bytes_is_set: bool, peak_pool_bytes: i64;
        peak_pool_bytes_is_set: bool
    }
    /// Frees a compiled program.
    ExecutableDestroy = 50 { ; executable: *mut Executable }
    /// Runs a compiled program. Out: what output_lists and device_complete_events point to.
    Execute = 55 {
        executable: *mut Executable, options: *mut ExecuteOptions, argument_lists: *const *const *mut Buffer, num_devices: usize,
        num_args: usize, output_lists: *const *mut *mut Buffer, device_complete_events: *mut *mut Event; execute_device: *mut Device
    }
    /// Frees a buffer.
    BufferDestroy = 58 { ; buffer: *mut Buffer }
    /// A buffer's shape. Out: dims, num_dims.
    BufferDimensions = 60 { buffer: *mut Buffer, dims: *const i64; num_dims: usize }
    /// Copies a buffer's values to the host. Out: event; dst_size where dst is null.
    BufferToHostBuffer = 70 { src: *mut Buffer, host_layout: *mut c_void, dst: *mut c_void, dst_size: usize; event: *mut Event }
}

/// A program's text.
#[repr(C)]
pub struct Program {
    /// Size of this structure.
    pub struct_size: usize,
    /// None.
    pub extensions: *mut c_void,
    /// The text.
    pub code: *const c_char,
    /// Its length.
    pub code_size: usize,
    /// `mlir`.
    pub format: *const c_char,
    /// Its length.
    pub format_size: usize,
}

/// How a program is run. All zero but for the size.
#[repr(C)]
#[allow(missing_docs)]
pub struct ExecuteOptions {
    pub struct_size: usize,
    pub extensions: *mut c_void,
    pub send_callbacks: *mut c_void,
    pub recv_callbacks: *mut c_void,
    pub num_send_ops: usize,
    pub num_recv_ops: usize,
    pub launch_id: c_int,
    pub non_donatable: *const i64,
    pub num_non_donatable: usize,
    pub context: *mut c_void,
    pub call_location: *const c_char,
    pub num_tasks: usize,
    pub task_ids: *mut c_int,
    pub incarnation_ids: *mut i64,
    pub multi_slice_config: *mut c_void,
    pub major_to_minor: bool,
    pub output_callbacks: *mut c_void,
    pub num_output_callbacks: usize,
}

/// Room behind a structure, so that it may claim to be as long as newer versions of it are.
pub const ROOM: usize = 256;

/// A structure with [`ROOM`] zero bytes behind it.
#[repr(C)]
pub struct Padded<T> {
    /// The structure.
    pub inner: T,
    /// The zeros.
    pub room: [u64; ROOM / 8],
}

impl<T> Padded<T> {
    /// Behind `inner`, zeros.
    pub fn new(inner: T) -> Padded<T> {
        Padded { inner, room: [0; ROOM / 8] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_lie_as_the_interface_has_them() {
        assert_eq!((size_of::<Version>(), offset_of!(Api, functions)), (24, 40));
        assert_eq!(size_of::<Api>(), 40 + 8 * FUNCTIONS);
        assert_eq!((size_of::<NamedValue>(), offset_of!(NamedValue, value)), (56, 40));
        assert_eq!((size_of::<Program>(), offset_of!(Program, format)), (48, 32));
        assert_eq!((ErrorDestroy::SIZE, ErrorMessage::SIZE, ErrorGetCode::SIZE), (24, 40, 28));
        assert_eq!((PluginInitialize::SIZE, PluginAttributes::SIZE), (16, 32));
        assert_eq!((EventDestroy::SIZE, EventIsReady::SIZE, EventAwait::SIZE), (24, 25, 24));
        // A plugin of version 0.112 names 88 bytes for this one.
        assert_eq!((ClientCreate::SIZE, offset_of!(ClientCreate, client)), (88, 64));
        assert_eq!((ClientPlatformName::SIZE, ClientAddressableDevices::SIZE), (40, 40));
        assert_eq!((ClientCompile::SIZE, offset_of!(ClientCompile, executable)), (56, 48));
        assert_eq!(
            (BufferFromHostBuffer::SIZE, offset_of!(BufferFromHostBuffer, device)),
            (120, 80)
        );
        assert_eq!(offset_of!(BufferFromHostBuffer, host_buffer_semantics), 72);
        assert_eq!(
            (DescriptionAttributes::SIZE, DescriptionKind::SIZE, DeviceGetDescription::SIZE),
            (40, 40, 32)
        );
        assert_eq!(
            (DeviceMemoryStats::SIZE, offset_of!(DeviceMemoryStats, bytes_limit)),
            (185, 80)
        );
        assert_eq!((Execute::SIZE, offset_of!(Execute, output_lists)), (80, 56));
        assert_eq!((size_of::<ExecuteOptions>(), offset_of!(ExecuteOptions, context)), (144, 72));
        assert_eq!((BufferDimensions::SIZE, BufferToHostBuffer::SIZE), (40, 56));
        assert_eq!(offset_of!(Padded<ClientCreate>, room), size_of::<ClientCreate>());
    }
}
