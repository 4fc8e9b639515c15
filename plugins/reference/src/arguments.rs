//! Arguments of the functions that our own host does not call, laid out as the interface has them:
//! version 0.114.

use std::ffi::{c_char, c_int, c_void};
use std::mem::{offset_of, size_of};

use crate::abi::{
    Arguments, Buffer, Client, Description, Device, Error, Event, Executable, Memory, NamedValue,
    Program,
};

/// A compiled program that is on no device.
#[repr(C)]
pub struct Compiled {
    _opaque: [u8; 0],
}

/// What is known of devices without a client.
#[repr(C)]
pub struct Topology {
    _opaque: [u8; 0],
}

/// Buffers that are filled in pieces.
#[repr(C)]
pub struct Transfer {
    _opaque: [u8; 0],
}

/// What is called when an event has happened: with its error, which becomes the callee's, or null.
pub type Callback = unsafe extern "C" fn(*mut Error, *mut c_void);

/// Frees what was handed out.
pub type Deleter = unsafe extern "C" fn(*mut c_void);

/// A shape and a type of values.
#[repr(C)]
pub struct ShapeSpec {
    pub struct_size: usize,
    pub extensions: *mut c_void,
    pub dims: *const i64,
    pub num_dims: usize,
    pub kind: c_int,
}

/// How values lie: here always in tiles of one, by rows.
#[repr(C)]
pub struct Layout {
    pub struct_size: usize,
    pub extensions: *mut c_void,
    pub tiled: Tiled,
    /// 0: tiled.
    pub kind: c_int,
}

/// Dimensions from the fastest to the slowest.
#[repr(C)]
pub struct Tiled {
    pub struct_size: usize,
    pub extensions: *mut c_void,
    pub minor_to_major: *const i64,
    pub minor_to_major_size: usize,
    pub tile_dims: *const i64,
    pub tile_dim_sizes: *const usize,
    pub num_tiles: usize,
}

arguments! {
    EventError = 7 { ; event: *mut Event }
    EventOnReady = 9 { event: *mut Event, callback: Option<Callback>; argument: *mut c_void }
    ClientProcessIndex = 13 { client: *mut Client; process_index: c_int }
    ClientDevices = 15 { client: *mut Client, devices: *const *mut Device; num_devices: usize }
    ClientLookupDevice = 17 { client: *mut Client, id: c_int; device: *mut Device }
    ClientLookupAddressableDevice = 18 { client: *mut Client, id: c_int; device: *mut Device }
    ClientAddressableMemories = 19 {
        client: *mut Client, memories: *const *mut Memory; num_memories: usize
    }
    ClientDefaultDeviceAssignment = 21 {
        client: *mut Client, num_replicas: c_int, num_partitions: c_int, size: usize;
        assignment: *mut c_int
    }
    DescriptionId = 23 { description: *mut Description; id: c_int }
    DescriptionProcessIndex = 24 { description: *mut Description; process_index: c_int }
    DescriptionDebugString = 27 {
        description: *mut Description, text: *const c_char; text_size: usize
    }
    DescriptionToString = 28 {
        description: *mut Description, text: *const c_char; text_size: usize
    }
    DeviceIsAddressable = 30 { device: *mut Device; is_addressable: bool }
    DeviceLocalHardwareId = 31 { device: *mut Device; id: c_int }
    DeviceAddressableMemories = 32 {
        device: *mut Device, memories: *const *mut Memory; num_memories: usize
    }
    DeviceDefaultMemory = 33 { device: *mut Device; memory: *mut Memory }
    MemoryId = 35 { memory: *mut Memory; id: c_int }
    MemoryKind = 36 { memory: *mut Memory, text: *const c_char; text_size: usize }
    MemoryDebugString = 37 { memory: *mut Memory, text: *const c_char; text_size: usize }
    MemoryToString = 38 { memory: *mut Memory, text: *const c_char; text_size: usize }
    MemoryAddressableByDevices = 39 {
        memory: *mut Memory, devices: *const *mut Device; num_devices: usize
    }
    ExecutableDestroy = 40 { ; executable: *mut Compiled }
    ExecutableName = 41 { executable: *mut Compiled, text: *const c_char; text_size: usize }
    ExecutableNumReplicas = 42 { executable: *mut Compiled; count: usize }
    ExecutableNumPartitions = 43 { executable: *mut Compiled; count: usize }
    ExecutableNumOutputs = 44 { executable: *mut Compiled; count: usize }
    ExecutableSizeOfGeneratedCodeInBytes = 45 { executable: *mut Compiled; size: i64 }
    ExecutableGetCostAnalysis = 46 {
        executable: *mut Compiled, num_properties: usize; properties: *const NamedValue
    }
    ExecutableOutputMemoryKinds = 47 {
        executable: *mut Compiled, count: usize, kinds: *const *const c_char;
        kind_sizes: *const usize
    }
    ExecutableOptimizedProgram = 48 { executable: *mut Compiled; program: *mut Program }
    ExecutableSerialize = 49 {
        executable: *mut Compiled, bytes: *const c_char, bytes_size: usize, owner: *mut c_void;
        deleter: Option<Deleter>
    }
    LoadedExecutableGetExecutable = 51 { loaded: *mut Executable; executable: *mut Compiled }
    LoadedExecutableAddressableDevices = 52 {
        executable: *mut Executable, devices: *const *mut Device; num_devices: usize
    }
    LoadedExecutableDelete = 53 { ; executable: *mut Executable }
    LoadedExecutableIsDeleted = 54 { executable: *mut Executable; is_deleted: bool }
    ExecutableDeserializeAndLoad = 56 {
        client: *mut Client, bytes: *const c_char, bytes_size: usize;
        loaded: *mut Executable
    }
    BufferElementType = 59 { buffer: *mut Buffer; kind: c_int }
    BufferUnpaddedDimensions = 61 { buffer: *mut Buffer, dims: *const i64; num_dims: usize }
    BufferDynamicDimensionIndices = 62 {
        buffer: *mut Buffer, indices: *const usize; count: usize
    }
    BufferGetMemoryLayout = 63 { buffer: *mut Buffer; layout: Layout }
    BufferOnDeviceSizeInBytes = 64 { buffer: *mut Buffer; size: usize }
    BufferDevice = 65 { buffer: *mut Buffer; device: *mut Device }
    BufferMemory = 66 { buffer: *mut Buffer; memory: *mut Memory }
    BufferDelete = 67 { ; buffer: *mut Buffer }
    BufferIsDeleted = 68 { buffer: *mut Buffer; is_deleted: bool }
    BufferCopyToDevice = 69 { buffer: *mut Buffer, device: *mut Device; copy: *mut Buffer }
    BufferIsOnCpu = 71 { buffer: *mut Buffer; is_on_cpu: bool }
    BufferReadyEvent = 72 { buffer: *mut Buffer; event: *mut Event }
    BufferUnsafePointer = 73 { buffer: *mut Buffer; address: usize }
    BufferIncreaseExternalReferenceCount = 74 { ; buffer: *mut Buffer }
    BufferDecreaseExternalReferenceCount = 75 { ; buffer: *mut Buffer }
    BufferOpaqueDeviceMemoryDataPointer = 76 { buffer: *mut Buffer; address: *const c_void }
    TopologyCreate = 82 {
        name: *const c_char, name_size: usize, options: *const NamedValue, num_options: usize;
        topology: *mut Topology
    }
    TopologyDestroy = 83 { ; topology: *mut Topology }
    TopologyPlatformName = 84 { topology: *mut Topology, text: *const c_char; text_size: usize }
    TopologyPlatformVersion = 85 {
        topology: *mut Topology, text: *const c_char; text_size: usize
    }
    TopologyGetDeviceDescriptions = 86 {
        topology: *mut Topology, descriptions: *const *mut Description; count: usize
    }
    TopologySerialize = 87 {
        topology: *mut Topology, bytes: *const c_char, bytes_size: usize, owner: *mut c_void;
        deleter: Option<Deleter>
    }
    TopologyAttributes = 88 {
        topology: *mut Topology, attributes: *const NamedValue; num_attributes: usize
    }
    Compile = 89 {
        topology: *mut Topology, program: *const Program, options: *const c_char,
        options_size: usize, client: *mut Client; executable: *mut Compiled
    }
    ExecutableOutputElementTypes = 90 {
        executable: *mut Compiled, kinds: *const c_int; count: usize
    }
    ExecutableOutputDimensions = 91 {
        executable: *mut Compiled, count: usize, dims: *const i64; dim_sizes: *const usize
    }
    BufferCopyToMemory = 92 { buffer: *mut Buffer, memory: *mut Memory; copy: *mut Buffer }
    ExecutableFingerprint = 94 { executable: *mut Compiled, text: *const c_char; text_size: usize }
    ClientTopology = 95 { client: *mut Client; topology: *mut Topology }
    ExecutableGetCompiledMemoryStats = 96 {
        executable: *mut Compiled, code: i64, arguments: i64, outputs: i64, aliases: i64,
        temporary: i64, host_code: i64, host_arguments: i64, host_outputs: i64,
        host_aliases: i64; host_temporary: i64
    }
    MemoryKindId = 97 { memory: *mut Memory; id: c_int }
    ExecuteContextCreate = 98 { ; context: *mut c_void }
    ExecuteContextDestroy = 99 { ; context: *mut c_void }
    BufferCopyRawToHost = 100 {
        buffer: *mut Buffer, dst: *mut c_void, offset: i64, size: i64; event: *mut Event
    }
    TransferDestroy = 101 { ; transfer: *mut Transfer }
    TransferData = 102 {
        transfer: *mut Transfer, index: c_int, data: *const c_void, offset: i64, size: i64,
        is_last: bool; done: *mut Event
    }
    ClientCreateBuffersForAsyncHostToDevice = 103 {
        client: *mut Client, shapes: *const ShapeSpec, num_shapes: usize,
        layouts: *const *mut c_void, num_layouts: usize, memory: *mut Memory;
        transfer: *mut Transfer
    }
    TransferRetrieveBuffer = 104 { transfer: *mut Transfer, index: c_int; buffer: *mut Buffer }
    TransferDevice = 105 { transfer: *mut Transfer; device: *mut Device }
    TransferBufferCount = 106 { transfer: *mut Transfer; count: usize }
    TransferBufferSize = 107 { transfer: *mut Transfer, index: c_int; size: usize }
    TopologyDeserialize = 114 {
        bytes: *const c_char, bytes_size: usize; topology: *mut Topology
    }
    DeviceGetAttributes = 128 {
        device: *mut Device, attributes: *const NamedValue, num_attributes: usize,
        owner: *mut c_void; deleter: Option<Deleter>
    }
    ErrorForEachPayload = 132 { error: *mut Error, visitor: *mut c_void; argument: *mut c_void }
    TopologyFingerprint = 133 { topology: *mut Topology; fingerprint: u64 }
    ExecutableParameterMemoryKinds = 134 {
        executable: *mut Compiled, count: usize, kinds: *const *const c_char;
        kind_sizes: *const usize
    }
    DeviceClearMemoryStats = 135 { ; device: *mut Device }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_lie_as_the_interface_has_them() {
        assert_eq!((size_of::<ShapeSpec>(), size_of::<Layout>(), size_of::<Tiled>()), (40, 80, 56));
        assert_eq!(offset_of!(Layout, kind), 72);
        assert_eq!((EventOnReady::SIZE, ClientDefaultDeviceAssignment::SIZE), (40, 48));
        assert_eq!((ExecutableSerialize::SIZE, BufferGetMemoryLayout::SIZE), (56, 104));
        assert_eq!(offset_of!(ClientLookupDevice, device), 32);
        assert_eq!((TopologyCreate::SIZE, Compile::SIZE), (56, 64));
        assert_eq!(offset_of!(ExecutableGetCompiledMemoryStats, host_temporary), 96);
        assert_eq!((offset_of!(TransferData, data), TransferData::SIZE), (32, 72));
        assert_eq!(ClientCreateBuffersForAsyncHostToDevice::SIZE, 72);
        assert_eq!(offset_of!(TransferBufferSize, size), 32);
        assert_eq!(DeviceGetAttributes::SIZE, 56);
    }
}
