//! A plugin's client: one device of it, programs that are compiled for it, and values in its
//! memory. All are freed when dropped.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::rc::Rc;

use crate::abi;
use crate::abi::{Arguments, Padded, Type};
use crate::plugin::{Plugin, Refusal, Told, named, text};

/// Options for one replica and one partition: a serialised `CompileOptionsProto`, field 3 with its
/// fields 4 and 5.
const ONE_DEVICE: [u8; 6] = [0x1a, 0x04, 0x20, 0x01, 0x28, 0x01];

/// An option of a client, as its plugin knows it.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// A truth value.
    Truth(bool),
    /// A list of integers.
    Integers(Vec<i64>),
}

/// The devices of a plugin that this process may use. The first of them is used.
pub struct Client {
    plugin: Rc<Plugin>,
    raw: *mut abi::Client,
    device: *mut abi::Device,
    /// Number of devices that it may use.
    pub devices: usize,
}

impl Client {
    /// Starts the plugin on its devices.
    pub fn new(plugin: &Rc<Plugin>, options: &[(&str, Choice)]) -> Told<Rc<Client>> {
        let values: Vec<abi::NamedValue> =
            options.iter().map(|(name, choice)| option(name, choice)).collect();
        let create = abi::ClientCreate {
            create_options: values.as_ptr(),
            num_options: values.len(),
            ..Arguments::zero()
        };
        // SAFETY: the options, their names and their values live to the end of this function; no
        // key-value store is given.
        let raw = unsafe { plugin.call(create) }?.client;
        // From here on it is freed, whatever else fails.
        let mut client =
            Client { plugin: plugin.clone(), raw, device: ptr::null_mut(), devices: 0 };
        let devices = abi::ClientAddressableDevices { client: raw, ..Arguments::zero() };
        // SAFETY: the client was just made.
        let told = unsafe { plugin.call(devices) }?;
        client.devices = told.num_devices;
        if told.num_devices == 0 || told.devices.is_null() {
            let words = "the plugin has no device".to_string();
            return Err(Refusal { during: abi::ClientAddressableDevices::NAME, code: 5, words });
        }
        // SAFETY: the plugin says that there is at least one.
        client.device = unsafe { *told.devices };
        Ok(Rc::new(client))
    }

    /// The platform's name, by the device itself.
    pub fn platform(&self) -> Told<String> {
        let name = abi::ClientPlatformName { client: self.raw, ..Arguments::zero() };
        // SAFETY: the client lives as long as this; its platform's name lives as long as it.
        unsafe {
            let told = self.plugin.call(name)?;
            Ok(text(told.platform_name, told.platform_name_size))
        }
    }

    /// The version of what it runs on; empty where the plugin does not say.
    pub fn platform_version(&self) -> String {
        let version = abi::ClientPlatformVersion { client: self.raw, ..Arguments::zero() };
        // SAFETY: as for the name.
        unsafe {
            match self.plugin.call(version) {
                Ok(told) => text(told.platform_version, told.platform_version_size),
                Err(_) => String::new(),
            }
        }
    }

    /// The kind of the device and its attributes; empty where the plugin does not say.
    pub fn device(&self) -> (String, Vec<(String, String)>) {
        let plugin = &self.plugin;
        // SAFETY: the device, its description and what that points to belong to the client, and
        // live as long as it.
        unsafe {
            let device = abi::DeviceGetDescription { device: self.device, ..Arguments::zero() };
            let Ok(told) = plugin.call(device) else { return Default::default() };
            let description = told.description;
            let kind = plugin.call(abi::DescriptionKind { description, ..Arguments::zero() });
            let attributes =
                plugin.call(abi::DescriptionAttributes { description, ..Arguments::zero() });
            (
                kind.map_or_else(|_| String::new(), |told| text(told.kind, told.kind_size)),
                attributes.map_or_else(
                    |_| Vec::new(),
                    |told| named(told.attributes, told.num_attributes),
                ),
            )
        }
    }

    /// Bytes of the device's memory that are in use, their peak and their limit, where the plugin
    /// knows them.
    pub fn memory(&self) -> Option<(i64, Option<i64>, Option<i64>)> {
        let stats = abi::DeviceMemoryStats { device: self.device, ..Arguments::zero() };
        // SAFETY: the device belongs to the client, and lives as long as it.
        let told = unsafe { self.plugin.call(stats) }.ok()?;
        let peak = told.peak_bytes_in_use_is_set.then_some(told.peak_bytes_in_use);
        Some((told.bytes_in_use, peak, told.bytes_limit_is_set.then_some(told.bytes_limit)))
    }

    /// Compiles a StableHLO module.
    ///
    /// # Safety
    /// The module has exactly so many outputs: that many the plugin writes where it is run.
    pub unsafe fn compile(self: &Rc<Client>, module: &str, outputs: usize) -> Told<Executable> {
        let format = "mlir";
        let program = Padded::new(abi::Program {
            struct_size: self.plugin.claimed::<abi::Program>(),
            extensions: ptr::null_mut(),
            code: module.as_ptr().cast(),
            code_size: module.len(),
            format: format.as_ptr().cast(),
            format_size: format.len(),
        });
        let compile = abi::ClientCompile {
            client: self.raw,
            program: &raw const program.inner,
            compile_options: ONE_DEVICE.as_ptr().cast(),
            compile_options_size: ONE_DEVICE.len(),
            ..Arguments::zero()
        };
        // SAFETY: the program, its text, its format and the options live through the call, and each
        // is as long as is said.
        let told = unsafe { self.plugin.call(compile) }?;
        Ok(Executable { client: self.clone(), raw: told.executable, outputs })
    }

    /// Copies values to the device, and waits until the host's are no longer needed. Refused where
    /// the shape has another number of values.
    pub fn upload<T: Element>(self: &Rc<Client>, values: &[T], shape: &[i64]) -> Told<Buffer> {
        let wanted = shape.iter().try_fold(1i64, |all, &n| all.checked_mul(n).filter(|_| n >= 0));
        if wanted.is_none_or(|wanted| i64::try_from(values.len()) != Ok(wanted)) {
            let words = format!("{} values for a buffer of the shape {shape:?}", values.len());
            return Err(Refusal::invalid(abi::BufferFromHostBuffer::NAME, words));
        }
        let copy = abi::BufferFromHostBuffer {
            client: self.raw,
            data: values.as_ptr().cast(),
            kind: T::TYPE as c_int,
            dims: shape.as_ptr(),
            num_dims: shape.len(),
            host_buffer_semantics: abi::UNTIL_DONE,
            device: self.device,
            ..Arguments::zero()
        };
        // SAFETY: there are as many values as the shape says, of the type that is named, and they
        // are borrowed until the plugin says that it is done with them.
        let told = unsafe { self.plugin.call(copy) }?;
        let buffer = Buffer { client: self.clone(), raw: told.buffer };
        // SAFETY: the event was just handed out.
        unsafe { Event::new(self, told.done_with_host_buffer) }.wait()?;
        Ok(buffer)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let destroy = abi::ClientDestroy { client: self.raw, ..Arguments::zero() };
        // SAFETY: whatever is on the client keeps it alive, so nothing uses it any more.
        // What a plugin says to that helps nobody.
        let _ = unsafe { self.plugin.call(destroy) };
    }
}

/// An option; its name and its list stay the caller's.
fn option(name: &str, choice: &Choice) -> abi::NamedValue {
    let (kind, value, value_size) = match choice {
        Choice::Truth(truth) => (4, abi::Value { truth: u8::from(*truth) }, 1),
        Choice::Integers(list) => (2, abi::Value { integers: list.as_ptr() }, list.len()),
    };
    abi::NamedValue {
        struct_size: size_of::<abi::NamedValue>(),
        extensions: ptr::null_mut(),
        name: name.as_ptr().cast(),
        name_size: name.len(),
        kind,
        value,
        value_size,
    }
}

/// Values that buffers can hold. Sealed: numbers without padding, for which every pattern of bytes
/// is a value.
pub trait Element: Copy + Default + sealed::Sealed {
    /// Their type.
    const TYPE: Type;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for i32 {}
    impl Sealed for super::Bf16 {}
}

impl Element for f32 {
    const TYPE: Type = Type::F32;
}

impl Element for i32 {
    const TYPE: Type = Type::S32;
}

/// A bfloat16: the upper half of an f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Bf16(pub u16);

impl Element for Bf16 {
    const TYPE: Type = Type::Bf16;
}

impl Bf16 {
    /// The nearest bfloat16 of a finite value, ties to even.
    pub fn nearest(x: f32) -> Bf16 {
        let bits = x.to_bits();
        Bf16(((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16)
    }

    /// The value.
    pub fn value(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}

/// Something that will have happened.
struct Event<'a> {
    plugin: &'a Plugin,
    /// One that the plugin handed out and that is freed here alone, or null.
    raw: *mut abi::Event,
}

impl<'a> Event<'a> {
    /// # Safety
    /// The event is one that the client's plugin has just handed out, or null.
    unsafe fn new(client: &'a Client, raw: *mut abi::Event) -> Event<'a> {
        Event { plugin: &client.plugin, raw }
    }

    /// Waits until it has happened, well or not. What needs no waiting has none.
    fn wait(self) -> Told<()> {
        if self.raw.is_null() {
            return Ok(());
        }
        // SAFETY: the event is freed when this is dropped, not before.
        unsafe { self.plugin.call(abi::EventAwait { event: self.raw, ..Arguments::zero() }) }
            .map(drop)
    }
}

impl Drop for Event<'_> {
    fn drop(&mut self) {
        if !self.raw.is_null() {
            let destroy = abi::EventDestroy { event: self.raw, ..Arguments::zero() };
            // SAFETY: nobody else knows the event.
            let _ = unsafe { self.plugin.call(destroy) };
        }
    }
}

/// Values on the device.
pub struct Buffer {
    client: Rc<Client>,
    raw: *mut abi::Buffer,
}

impl Buffer {
    /// Copies all values to the host and waits for them.
    pub fn download<T: Element>(&self, into: &mut [T]) -> Told<()> {
        let copy = abi::BufferToHostBuffer {
            src: self.raw,
            dst: into.as_mut_ptr().cast::<c_void>(),
            dst_size: size_of_val(into),
            ..Arguments::zero()
        };
        // SAFETY: the buffer is this one's; the plugin writes no more bytes than is said, into
        // values that are borrowed until the event has happened and are numbers whatever is
        // written.
        unsafe {
            let told = self.client.plugin.call(copy)?;
            Event::new(&self.client, told.event).wait()
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let destroy = abi::BufferDestroy { buffer: self.raw, ..Arguments::zero() };
        // SAFETY: nobody else knows the buffer, and programs that read it are waited for.
        let _ = unsafe { self.client.plugin.call(destroy) };
    }
}

/// A compiled program.
pub struct Executable {
    client: Rc<Client>,
    raw: *mut abi::Executable,
    outputs: usize,
}

impl Executable {
    /// Runs it on these inputs, and waits until the device is done. Refused where an input belongs
    /// to another client.
    pub fn run(&self, inputs: &[&Buffer]) -> Told<Vec<Buffer>> {
        let plugin = &self.client.plugin;
        if inputs.iter().any(|buffer| !Rc::ptr_eq(&buffer.client, &self.client)) {
            let words = "an input belongs to another client".to_string();
            return Err(Refusal::invalid(abi::Execute::NAME, words));
        }
        let inputs: Vec<*mut abi::Buffer> = inputs.iter().map(|buffer| buffer.raw).collect();
        let mut outputs: Vec<*mut abi::Buffer> = vec![ptr::null_mut(); self.outputs];
        // No rows or programs are given away: all inputs stay ours.
        let kept: Vec<i64> = (0..inputs.len() as i64).collect();
        // SAFETY: a C structure of numbers and pointers, for which zero is a value.
        let mut options: Padded<abi::ExecuteOptions> = unsafe { std::mem::zeroed() };
        options.inner.struct_size = plugin.claimed::<abi::ExecuteOptions>();
        (options.inner.non_donatable, options.inner.num_non_donatable) =
            (kept.as_ptr(), kept.len());
        let mut done: *mut abi::Event = ptr::null_mut();
        let (lists, results) = ([inputs.as_ptr()], [outputs.as_mut_ptr()]);
        let execute = abi::Execute {
            executable: self.raw,
            options: &raw mut options.inner,
            argument_lists: lists.as_ptr(),
            num_devices: 1,
            num_args: inputs.len(),
            output_lists: results.as_ptr(),
            device_complete_events: &raw mut done,
            ..Arguments::zero()
        };
        // SAFETY: program and inputs are of this client; the lists have as many places as is said,
        // the list of outputs as many as the program has, and all of them live through the call.
        unsafe { plugin.call(execute) }?;
        let own = |raw: *mut abi::Buffer| Buffer { client: self.client.clone(), raw };
        let outputs: Vec<Buffer> = outputs.into_iter().map(own).collect();
        // SAFETY: the event was just handed out.
        unsafe { Event::new(&self.client, done) }.wait()?;
        Ok(outputs)
    }
}

impl Drop for Executable {
    fn drop(&mut self) {
        let destroy = abi::ExecutableDestroy { executable: self.raw, ..Arguments::zero() };
        // SAFETY: nobody else knows the program, and its runs are waited for.
        let _ = unsafe { self.client.plugin.call(destroy) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_rounded_to_the_nearest_bfloat16() {
        // Half a step above 1 is a tie, and goes to the even one; so does that above the next.
        let half = 1.0 / 256.0;
        for (x, bits) in [
            (1.0, 0x3f80),
            (-2.5, 0xc020),
            (1.0 + half, 0x3f80),
            (1.0 + 3.0 * half, 0x3f82),
            (0.0, 0),
        ] {
            assert_eq!(Bf16::nearest(x), Bf16(bits), "{x}");
            assert_eq!(Bf16::nearest(Bf16(bits).value()), Bf16(bits), "{x}");
        }
    }
}
