//! The one process, its one device, and the device's one memory.

use super::*;
use crate::arguments as args;

/// Numbers of device, memory and process.
const ONLY: c_int = 0;
const MEMORY_KIND: &str = "device";

static DEVICES: Constant<[*mut abi::Device; 1]> = Constant([ptr::without_provenance_mut(1)]);
static MEMORIES: Constant<[*mut abi::Memory; 1]> = Constant([ptr::without_provenance_mut(2)]);
static DESCRIPTIONS: Constant<[*mut abi::Description; 1]> =
    Constant([ptr::without_provenance_mut(1)]);

/// The device.
pub fn device() -> *mut abi::Device {
    DEVICES.0[0]
}

/// Its memory.
pub fn memory() -> *mut abi::Memory {
    MEMORIES.0[0]
}

/// A list of the device.
pub fn devices() -> (*const *mut abi::Device, usize) {
    (DEVICES.0.as_ptr(), DEVICES.0.len())
}

/// A list of what is known of the device.
pub fn descriptions() -> (*const *mut abi::Description, usize) {
    (DESCRIPTIONS.0.as_ptr(), DESCRIPTIONS.0.len())
}

/// The kind of the memory, as a text that lives as long as the plugin.
pub fn memory_kind() -> (*const c_char, usize) {
    (MEMORY_KIND.as_ptr().cast(), MEMORY_KIND.len())
}

fn words(text: &'static str) -> (*const c_char, usize) {
    (text.as_ptr().cast(), text.len())
}

function!(process_index, args::ClientProcessIndex, |a| {
    a.process_index = ONLY;
    Ok(())
});
function!(all_devices, args::ClientDevices, |a| {
    // SAFETY: a client of ours.
    let client: &Client = unsafe { seen(a.client) };
    (a.devices, a.num_devices) = (client.devices.as_ptr(), client.devices.len());
    Ok(())
});

fn lookup(id: c_int) -> Result<*mut abi::Device, Failed> {
    match id {
        ONLY => Ok(device()),
        other => failed(NOT_FOUND, format!("there is no device {other}, only {ONLY}")),
    }
}

function!(lookup_device, args::ClientLookupDevice, |a| {
    a.device = lookup(a.id)?;
    Ok(())
});
function!(lookup_addressable_device, args::ClientLookupAddressableDevice, |a| {
    a.device = lookup(a.id)?;
    Ok(())
});
function!(memories, args::ClientAddressableMemories, |a| {
    (a.memories, a.num_memories) = (MEMORIES.0.as_ptr(), MEMORIES.0.len());
    Ok(())
});
function!(assignment, args::ClientDefaultDeviceAssignment, |a| {
    if (a.num_replicas, a.num_partitions) != (1, 1) || a.size < 1 || a.assignment.is_null() {
        return failed(INVALID, "one replica of one partition has room, on one device");
    }
    // SAFETY: the host has room for one number, as it says.
    unsafe { a.assignment.write(ONLY) };
    Ok(())
});
function!(description_id, args::DescriptionId, |a| {
    a.id = ONLY;
    Ok(())
});
function!(description_process, args::DescriptionProcessIndex, |a| {
    a.process_index = ONLY;
    Ok(())
});
function!(description_debug, args::DescriptionDebugString, |a| {
    (a.text, a.text_size) = words("the interpreter of amdahl-reference, on the processor");
    Ok(())
});
function!(description_text, args::DescriptionToString, |a| {
    (a.text, a.text_size) = words("interpreter 0");
    Ok(())
});
function!(is_addressable, args::DeviceIsAddressable, |a| {
    a.is_addressable = true;
    Ok(())
});
function!(hardware_id, args::DeviceLocalHardwareId, |a| {
    a.id = ONLY;
    Ok(())
});
function!(memories_of_device, args::DeviceAddressableMemories, |a| {
    (a.memories, a.num_memories) = (MEMORIES.0.as_ptr(), MEMORIES.0.len());
    Ok(())
});
function!(default_memory, args::DeviceDefaultMemory, |a| {
    a.memory = memory();
    Ok(())
});
function!(live_attributes, args::DeviceGetAttributes, |a| {
    (a.attributes, a.num_attributes) = named();
    // They are the plugin's: nothing is to be freed, and hosts call what they are given.
    unsafe extern "C" fn nothing(_: *mut c_void) {}
    (a.owner, a.deleter) = (ptr::null_mut(), Some(nothing as args::Deleter));
    Ok(())
});
function!(clear_memory_stats, args::DeviceClearMemoryStats, |_a| {
    PEAK.store(BYTES.load(Ordering::SeqCst), Ordering::SeqCst);
    Ok(())
});
function!(memory_id, args::MemoryId, |a| {
    a.id = ONLY;
    Ok(())
});
function!(memory_kind_id, args::MemoryKindId, |a| {
    a.id = ONLY;
    Ok(())
});
function!(kind_of_memory, args::MemoryKind, |a| {
    (a.text, a.text_size) = memory_kind();
    Ok(())
});
function!(memory_debug, args::MemoryDebugString, |a| {
    (a.text, a.text_size) = words("the processor's own memory");
    Ok(())
});
function!(memory_text, args::MemoryToString, |a| {
    (a.text, a.text_size) = words("device memory 0");
    Ok(())
});
function!(devices_of_memory, args::MemoryAddressableByDevices, |a| {
    (a.devices, a.num_devices) = devices();
    Ok(())
});

/// The functions of this file, by their places.
pub fn functions() -> Vec<(usize, abi::Call)> {
    vec![
        (args::ClientProcessIndex::FUNCTION, process_index),
        (args::ClientDevices::FUNCTION, all_devices),
        (args::ClientLookupDevice::FUNCTION, lookup_device),
        (args::ClientLookupAddressableDevice::FUNCTION, lookup_addressable_device),
        (args::ClientAddressableMemories::FUNCTION, memories),
        (args::ClientDefaultDeviceAssignment::FUNCTION, assignment),
        (args::DescriptionId::FUNCTION, description_id),
        (args::DescriptionProcessIndex::FUNCTION, description_process),
        (args::DescriptionDebugString::FUNCTION, description_debug),
        (args::DescriptionToString::FUNCTION, description_text),
        (args::DeviceIsAddressable::FUNCTION, is_addressable),
        (args::DeviceLocalHardwareId::FUNCTION, hardware_id),
        (args::DeviceAddressableMemories::FUNCTION, memories_of_device),
        (args::DeviceDefaultMemory::FUNCTION, default_memory),
        (args::DeviceGetAttributes::FUNCTION, live_attributes),
        (args::DeviceClearMemoryStats::FUNCTION, clear_memory_stats),
        (args::MemoryId::FUNCTION, memory_id),
        (args::MemoryKindId::FUNCTION, memory_kind_id),
        (args::MemoryKind::FUNCTION, kind_of_memory),
        (args::MemoryDebugString::FUNCTION, memory_debug),
        (args::MemoryToString::FUNCTION, memory_text),
        (args::MemoryAddressableByDevices::FUNCTION, devices_of_memory),
    ]
}
