//! The table's functions by their names, and what answers for those that are not there: an error
//! that says so, since a host that calls an empty place of the table ends.

use std::ffi::c_void;

use crate::abi::{self, Call};
use crate::calls::unimplemented;

macro_rules! slots {
    ($($name:ident)*) => {
        /// A function for each place, which answers with "unimplemented" and the function's name.
        pub fn refusals() -> [Option<Call>; abi::FUNCTIONS] {
            [$({
                unsafe extern "C" fn refuse(_: *mut c_void) -> *mut abi::Error {
                    unimplemented(stringify!($name))
                }
                Some(refuse as Call)
            }),*]
        }
    };
}

// In the order of the table, as of minor version 114. The host's own are in `abi.rs`.
slots! {
    ErrorDestroy ErrorMessage ErrorGetCode PluginInitialize PluginAttributes EventDestroy
    EventIsReady EventError EventAwait EventOnReady ClientCreate ClientDestroy ClientPlatformName
    ClientProcessIndex ClientPlatformVersion ClientDevices ClientAddressableDevices
    ClientLookupDevice ClientLookupAddressableDevice ClientAddressableMemories ClientCompile
    ClientDefaultDeviceAssignment BufferFromHostBuffer DescriptionId DescriptionProcessIndex
    DescriptionAttributes DescriptionKind DescriptionDebugString DescriptionToString
    DeviceGetDescription DeviceIsAddressable DeviceLocalHardwareId DeviceAddressableMemories
    DeviceDefaultMemory DeviceMemoryStats MemoryId MemoryKind MemoryDebugString MemoryToString
    MemoryAddressableByDevices ExecutableDestroy ExecutableName ExecutableNumReplicas
    ExecutableNumPartitions ExecutableNumOutputs ExecutableSizeOfGeneratedCodeInBytes
    ExecutableGetCostAnalysis ExecutableOutputMemoryKinds ExecutableOptimizedProgram
    ExecutableSerialize LoadedExecutableDestroy LoadedExecutableGetExecutable
    LoadedExecutableAddressableDevices LoadedExecutableDelete LoadedExecutableIsDeleted Execute
    ExecutableDeserializeAndLoad LoadedExecutableFingerprint BufferDestroy BufferElementType
    BufferDimensions BufferUnpaddedDimensions BufferDynamicDimensionIndices BufferGetMemoryLayout
    BufferOnDeviceSizeInBytes BufferDevice BufferMemory BufferDelete BufferIsDeleted
    BufferCopyToDevice BufferToHostBuffer BufferIsOnCpu BufferReadyEvent BufferUnsafePointer
    BufferIncreaseExternalReferenceCount BufferDecreaseExternalReferenceCount
    BufferOpaqueDeviceMemoryDataPointer CopyToDeviceStreamDestroy CopyToDeviceStreamAddChunk
    CopyToDeviceStreamTotalBytes CopyToDeviceStreamGranuleSize CopyToDeviceStreamCurrentBytes
    TopologyCreate TopologyDestroy TopologyPlatformName TopologyPlatformVersion
    TopologyGetDeviceDescriptions TopologySerialize TopologyAttributes Compile
    ExecutableOutputElementTypes ExecutableOutputDimensions BufferCopyToMemory
    ClientCreateViewOfDeviceBuffer ExecutableFingerprint ClientTopology
    ExecutableGetCompiledMemoryStats MemoryKindId ExecuteContextCreate ExecuteContextDestroy
    BufferCopyRawToHost TransferDestroy TransferData ClientCreateBuffersForAsyncHostToDevice
    TransferRetrieveBuffer TransferDevice TransferBufferCount TransferBufferSize
    TransferSetBufferError TransferAddMetadata ClientDmaMap ClientDmaUnmap
    ClientCreateUninitializedBuffer ClientUpdateGlobalProcessInfo TopologyDeserialize
    ClientCreateAliasBuffer ClientFulfillAliasBuffer LoadedExecutableGetDeviceAssignment
    ClientCreateErrorBuffer TransferLiteral BufferCopyRawToHostFuture DevicePoisonExecution
    DeviceCreateAsyncTrackingEvent AsyncTrackingEventDestroy ExecutableGetCompileOptions
    BufferDonateWithControlDependency EventCreate EventSet DeviceGetAttributes ClientLoad
    LoadedExecutableAddressableDeviceLogicalIds BufferBitcast ErrorForEachPayload
    TopologyFingerprint ExecutableParameterMemoryKinds DeviceClearMemoryStats
    TopologyMakeCanonicalShapeForMemorySpace TopologyGetMemorySpaceKindIds
}
