//! What hosts other than ours ask of buffers, and buffers that are filled in pieces.

use std::sync::{Mutex, PoisonError};

use super::*;
use crate::arguments as args;

/// # Safety
/// A buffer of ours that was not freed.
unsafe fn live<'a>(raw: *const abi::Buffer) -> Result<&'a Buffer, Failed> {
    // SAFETY: the caller's promise.
    unsafe { seen::<Buffer, _>(raw) }.live()
}

/// A function on a buffer that was not deleted.
macro_rules! of_buffer {
    ($name:ident, $arguments:ty, |$a:ident, $buffer:ident| $body:expr) => {
        function!($name, $arguments, |$a| {
            // SAFETY: a buffer of ours.
            let $buffer = unsafe { live($a.buffer) }?;
            $body;
            Ok(())
        });
    };
}

of_buffer!(element_type, args::BufferElementType, |a, of| a.kind = of.kind);
of_buffer!(unpadded, args::BufferUnpaddedDimensions, |a, of| {
    (a.dims, a.num_dims) = (of.shape.as_ptr(), of.shape.len());
});
of_buffer!(dynamic, args::BufferDynamicDimensionIndices, |a, _of| {
    (a.indices, a.count) = (ptr::null(), 0);
});
of_buffer!(layout, args::BufferGetMemoryLayout, |a, of| {
    let tiled = args::Tiled {
        struct_size: size_of::<args::Tiled>(),
        extensions: ptr::null_mut(),
        minor_to_major: of.minor_to_major.as_ptr(),
        minor_to_major_size: of.minor_to_major.len(),
        tile_dims: ptr::null(),
        tile_dim_sizes: ptr::null(),
        num_tiles: 0,
    };
    let struct_size = size_of::<args::Layout>();
    a.layout = args::Layout { struct_size, extensions: ptr::null_mut(), tiled, kind: 0 };
});
of_buffer!(device_size, args::BufferOnDeviceSizeInBytes, |a, of| a.size = of.bytes as usize);
of_buffer!(device, args::BufferDevice, |a, _of| a.device = places::device());
of_buffer!(memory, args::BufferMemory, |a, _of| a.memory = places::memory());
of_buffer!(is_on_cpu, args::BufferIsOnCpu, |a, _of| a.is_on_cpu = true);
of_buffer!(ready, args::BufferReadyEvent, |a, _of| a.event = now(Ok(())));
of_buffer!(address, args::BufferUnsafePointer, |a, of| {
    a.address = of.address()?.addr();
});
of_buffer!(opaque, args::BufferOpaqueDeviceMemoryDataPointer, |a, of| {
    a.address = of.address()?.cast();
});
of_buffer!(hold, args::BufferIncreaseExternalReferenceCount, |_a, of| {
    of.held.fetch_add(1, Ordering::SeqCst)
});
of_buffer!(to_device, args::BufferCopyToDevice, |a, of| a.copy = of.copy());
of_buffer!(to_memory, args::BufferCopyToMemory, |a, of| a.copy = of.copy());
function!(release, args::BufferDecreaseExternalReferenceCount, |a| {
    // SAFETY: a buffer of ours.
    let buffer: &Buffer = unsafe { seen(a.buffer) };
    let less = |held: usize| held.checked_sub(1);
    match buffer.held.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) {
        Ok(_) => Ok(()),
        Err(_) => failed(INVALID, "nobody holds this buffer"),
    }
});
function!(delete, args::BufferDelete, |a| {
    // SAFETY: a buffer of ours. Its memory is given back when it is destroyed.
    unsafe { seen::<Buffer, _>(a.buffer) }.deleted.store(true, Ordering::SeqCst);
    Ok(())
});
function!(is_deleted, args::BufferIsDeleted, |a| {
    // SAFETY: a buffer of ours.
    a.is_deleted = unsafe { seen::<Buffer, _>(a.buffer) }.deleted.load(Ordering::SeqCst);
    Ok(())
});
function!(raw_to_host, args::BufferCopyRawToHost, |a| {
    // SAFETY: a buffer of ours.
    let all = unsafe { live(a.buffer) }?.to_bytes();
    let part = usize::try_from(a.offset).ok().zip(usize::try_from(a.size).ok());
    let part = part.and_then(|(first, size)| all.get(first..)?.get(..size));
    let Some(part) = part else {
        return failed(INVALID, format!("{} from {} of {} bytes", a.size, a.offset, all.len()));
    };
    // SAFETY: the host has room for so many bytes.
    unsafe { ptr::copy_nonoverlapping(part.as_ptr(), a.dst.cast(), part.len()) };
    a.event = now(Ok(()));
    Ok(())
});

/// A buffer that is being filled.
struct Part {
    kind: c_int,
    shape: Vec<i64>,
    bytes: Vec<u8>,
    whole: bool,
}

type Parts = Mutex<Vec<Part>>;

fn with_part<R>(
    transfer: *const args::Transfer,
    index: c_int,
    work: impl FnOnce(&mut Part) -> Result<R, Failed>,
) -> Result<R, Failed> {
    // SAFETY: a transfer of ours, as the host says.
    let parts: &Parts = unsafe { seen(transfer) };
    let mut parts = parts.lock().unwrap_or_else(PoisonError::into_inner);
    let part = usize::try_from(index).ok().and_then(|index| parts.get_mut(index));
    match part {
        Some(part) => work(part),
        None => failed(INVALID, format!("there is no buffer {index}")),
    }
}

function!(transfer_create, args::ClientCreateBuffersForAsyncHostToDevice, |a| {
    let mut parts = Vec::new();
    // SAFETY: the host's shapes, as many as it says, which live for the call.
    for spec in unsafe { slice(a.shapes, a.num_shapes) } {
        // SAFETY: as above.
        let shape = unsafe { slice(spec.dims, spec.num_dims) }.to_vec();
        let size = count(&shape)? * known_width(spec.kind)?;
        parts.push(Part { kind: spec.kind, shape, bytes: vec![0; size], whole: false });
    }
    a.transfer = give(Parts::new(parts));
    Ok(())
});
function!(transfer_destroy, args::TransferDestroy, |a| {
    // SAFETY: a transfer of ours.
    unsafe { take::<Parts, _>(a.transfer) };
    Ok(())
});
function!(transfer_data, args::TransferData, |a| {
    with_part(a.transfer, a.index, |part| {
        let place = usize::try_from(a.offset).ok().zip(usize::try_from(a.size).ok());
        let place = place.and_then(|(first, size)| part.bytes.get_mut(first..)?.get_mut(..size));
        let Some(place) = place else {
            return failed(INVALID, format!("{} bytes at {} do not fit", a.size, a.offset));
        };
        // SAFETY: the host's bytes, as many as it says.
        place.copy_from_slice(unsafe { slice(a.data.cast::<u8>(), place.len()) });
        part.whole |= a.is_last;
        Ok(())
    })?;
    a.done = now(Ok(()));
    Ok(())
});
function!(transfer_retrieve, args::TransferRetrieveBuffer, |a| {
    a.buffer = with_part(a.transfer, a.index, |part| {
        if !part.whole {
            return failed(PRECONDITION, "the last piece of this buffer has not come");
        }
        Ok(buffer(value_of(part.kind, &part.bytes), part.kind, part.shape.clone()))
    })?;
    Ok(())
});
function!(transfer_device, args::TransferDevice, |a| {
    a.device = places::device();
    Ok(())
});
function!(transfer_count, args::TransferBufferCount, |a| {
    // SAFETY: a transfer of ours.
    let parts: &Parts = unsafe { seen(a.transfer) };
    a.count = parts.lock().unwrap_or_else(PoisonError::into_inner).len();
    Ok(())
});
function!(transfer_size, args::TransferBufferSize, |a| {
    a.size = with_part(a.transfer, a.index, |part| Ok(part.bytes.len()))?;
    Ok(())
});
function!(context_create, args::ExecuteContextCreate, |a| {
    a.context = give(());
    Ok(())
});
function!(context_destroy, args::ExecuteContextDestroy, |a| {
    // SAFETY: a context of ours.
    unsafe { take::<(), _>(a.context) };
    Ok(())
});

/// The functions of this file, by their places.
pub fn functions() -> Vec<(usize, abi::Call)> {
    vec![
        (args::BufferElementType::FUNCTION, element_type),
        (args::BufferUnpaddedDimensions::FUNCTION, unpadded),
        (args::BufferDynamicDimensionIndices::FUNCTION, dynamic),
        (args::BufferGetMemoryLayout::FUNCTION, layout),
        (args::BufferOnDeviceSizeInBytes::FUNCTION, device_size),
        (args::BufferDevice::FUNCTION, device),
        (args::BufferMemory::FUNCTION, memory),
        (args::BufferIsOnCpu::FUNCTION, is_on_cpu),
        (args::BufferReadyEvent::FUNCTION, ready),
        (args::BufferUnsafePointer::FUNCTION, address),
        (args::BufferOpaqueDeviceMemoryDataPointer::FUNCTION, opaque),
        (args::BufferIncreaseExternalReferenceCount::FUNCTION, hold),
        (args::BufferDecreaseExternalReferenceCount::FUNCTION, release),
        (args::BufferCopyToDevice::FUNCTION, to_device),
        (args::BufferCopyToMemory::FUNCTION, to_memory),
        (args::BufferDelete::FUNCTION, delete),
        (args::BufferIsDeleted::FUNCTION, is_deleted),
        (args::BufferCopyRawToHost::FUNCTION, raw_to_host),
        (args::ClientCreateBuffersForAsyncHostToDevice::FUNCTION, transfer_create),
        (args::TransferDestroy::FUNCTION, transfer_destroy),
        (args::TransferData::FUNCTION, transfer_data),
        (args::TransferRetrieveBuffer::FUNCTION, transfer_retrieve),
        (args::TransferDevice::FUNCTION, transfer_device),
        (args::TransferBufferCount::FUNCTION, transfer_count),
        (args::TransferBufferSize::FUNCTION, transfer_size),
        (args::ExecuteContextCreate::FUNCTION, context_create),
        (args::ExecuteContextDestroy::FUNCTION, context_destroy),
    ]
}
