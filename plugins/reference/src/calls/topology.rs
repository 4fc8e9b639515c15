//! What is known of the device without a client, and programs that are compiled for it so.

use super::programs::{Compiled, serialized};
use super::*;
use crate::arguments as args;

/// The only one: this plugin's.
struct Topology;

function!(create, args::TopologyCreate, |a| {
    // SAFETY: the host's name, which lives for the call.
    match unsafe { bytes(a.name, a.name_size) } {
        b"" => {}
        name if name == PLATFORM.as_bytes() => {}
        name => {
            let name = String::from_utf8_lossy(name);
            return failed(NOT_FOUND, format!("'{name}' is not {PLATFORM}, which is all there is"));
        }
    }
    a.topology = give(Topology);
    Ok(())
});
function!(of_client, args::ClientTopology, |a| {
    // SAFETY: a client of ours, which keeps the topology.
    a.topology = unsafe { seen::<Client, _>(a.client) }.topology;
    Ok(())
});
function!(destroy, args::TopologyDestroy, |a| {
    // SAFETY: a topology of ours.
    unsafe { take::<Topology, _>(a.topology) };
    Ok(())
});
function!(platform, args::TopologyPlatformName, |a| {
    (a.text, a.text_size) = (PLATFORM.as_ptr().cast(), PLATFORM.len());
    Ok(())
});
function!(version, args::TopologyPlatformVersion, |a| {
    (a.text, a.text_size) = (VERSION.as_ptr().cast(), VERSION.len());
    Ok(())
});
function!(descriptions, args::TopologyGetDeviceDescriptions, |a| {
    (a.descriptions, a.count) = places::descriptions();
    Ok(())
});
function!(attributes, args::TopologyAttributes, |a| {
    (a.attributes, a.num_attributes) = named();
    Ok(())
});
function!(fingerprint, args::TopologyFingerprint, |a| {
    a.fingerprint = fnv(PLATFORM.as_bytes());
    Ok(())
});
function!(serialize, args::TopologySerialize, |a| {
    (a.bytes, a.bytes_size, a.owner, a.deleter) = serialized(PLATFORM.into());
    Ok(())
});
function!(deserialize, args::TopologyDeserialize, |a| {
    // SAFETY: the host's bytes, which live for the call.
    if unsafe { bytes(a.bytes, a.bytes_size) } != PLATFORM.as_bytes() {
        return failed(INVALID, format!("these bytes are no topology of {PLATFORM}"));
    }
    a.topology = give(Topology);
    Ok(())
});
function!(compile, args::Compile, |a| {
    // SAFETY: the host's program, which lives for the call.
    a.executable = give(unsafe { Compiled::of(a.program) }?);
    Ok(())
});

/// For a client, which frees it when it ends.
pub fn new() -> *mut args::Topology {
    give(Topology)
}

/// # Safety
/// It came from [`new`] and was not freed.
pub unsafe fn free(topology: *mut args::Topology) {
    // SAFETY: the caller's promise.
    unsafe { take::<Topology, _>(topology) };
}

/// The functions of this file, by their places.
pub fn functions() -> Vec<(usize, abi::Call)> {
    vec![
        (args::TopologyCreate::FUNCTION, create),
        (args::ClientTopology::FUNCTION, of_client),
        (args::TopologyDestroy::FUNCTION, destroy),
        (args::TopologyPlatformName::FUNCTION, platform),
        (args::TopologyPlatformVersion::FUNCTION, version),
        (args::TopologyGetDeviceDescriptions::FUNCTION, descriptions),
        (args::TopologyAttributes::FUNCTION, attributes),
        (args::TopologyFingerprint::FUNCTION, fingerprint),
        (args::TopologySerialize::FUNCTION, serialize),
        (args::TopologyDeserialize::FUNCTION, deserialize),
        (args::Compile::FUNCTION, compile),
    ]
}
