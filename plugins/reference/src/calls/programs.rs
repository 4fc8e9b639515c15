//! Compiled programs: what they are made of, where they run, their bytes.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::arguments as args;
use crate::arguments::Deleter;

/// A program with what hosts ask of it.
pub struct Compiled {
    pub program: Program,
    text: String,
    fingerprint: String,
    kinds: Vec<c_int>,
    dims: Vec<i64>,
    ranks: Vec<usize>,
    memory_kinds: Constant<Vec<*const c_char>>,
    memory_kind_sizes: Vec<usize>,
    cost: Constant<[abi::NamedValue; 1]>,
}

/// A program on the device.
pub struct Loaded {
    pub compiled: Arc<Compiled>,
    pub deleted: AtomicBool,
}

impl Loaded {
    pub fn new(compiled: Arc<Compiled>) -> Loaded {
        Loaded { compiled, deleted: AtomicBool::new(false) }
    }
}

impl Compiled {
    /// # Safety
    /// A program of the host's, whose code and format are as long as it says.
    pub unsafe fn of(program: *const abi::Program) -> Result<Arc<Compiled>, Failed> {
        if fault() == Fault::Compile {
            return failed(INTERNAL, "told not to compile");
        }
        // SAFETY: the caller's promise.
        let (code, format) = unsafe {
            let program = &*program;
            (bytes(program.code, program.code_size), bytes(program.format, program.format_size))
        };
        if format != b"mlir" {
            let format = String::from_utf8_lossy(format);
            return failed(UNIMPLEMENTED, format!("programs of the format '{format}'"));
        }
        Compiled::from_text(code)
    }

    fn from_text(code: &[u8]) -> Result<Arc<Compiled>, Failed> {
        let refused = |words| Failed { code: UNIMPLEMENTED, words };
        let text = str::from_utf8(code).map_err(|_| refused("a program that is no text".into()))?;
        let program = Program::parse(text).map_err(refused)?;
        let results: Vec<&program::Type> =
            program.results.iter().map(|&value| program.type_of(value)).collect();
        // As many kinds of memory as the longer of the lists of parameters and results has.
        let most = results.len().max(program.parameters.len());
        let (kind, kind_size) = places::memory_kind();
        Ok(Arc::new(Compiled {
            kinds: results.iter().map(|of| number_of(of.element)).collect(),
            dims: results.iter().flat_map(|of| of.shape.iter().map(|&n| n as i64)).collect(),
            ranks: results.iter().map(|of| of.shape.len()).collect(),
            memory_kinds: Constant(vec![kind; most]),
            memory_kind_sizes: vec![kind_size; most],
            cost: Constant([flops(program.flops())]),
            fingerprint: format!("{:016x}", fnv(code)),
            text: text.into(),
            program,
        }))
    }
}

/// Bytes of a value.
fn size(of: &program::Type) -> i64 {
    of.count() as i64 * width(number_of(of.element)) as i64
}

fn flops(count: f32) -> abi::NamedValue {
    let name = "flops";
    abi::NamedValue {
        struct_size: size_of::<abi::NamedValue>(),
        extensions: ptr::null_mut(),
        name: name.as_ptr().cast(),
        name_size: name.len(),
        kind: 3,
        value: abi::Value { float: count },
        value_size: 1,
    }
}

/// Bytes with their owner and what frees it.
pub fn serialized(bytes: Vec<u8>) -> (*const c_char, usize, *mut c_void, Option<Deleter>) {
    unsafe extern "C" fn free(owner: *mut c_void) {
        // SAFETY: it was handed out below, and the host frees it once.
        unsafe { take::<Vec<u8>, _>(owner) };
    }
    let (start, length) = (bytes.as_ptr().cast(), bytes.len());
    // Moving a vector leaves its values where they are.
    (start, length, give(bytes), Some(free))
}

/// # Safety
/// A compiled program of ours that was not freed.
unsafe fn compiled<'a>(raw: *const args::Compiled) -> &'a Compiled {
    // SAFETY: the caller's promise.
    unsafe { seen::<Arc<Compiled>, _>(raw) }
}

/// A function on a compiled program.
macro_rules! of_program {
    ($name:ident, $arguments:ty, |$a:ident, $program:ident| $body:expr) => {
        function!($name, $arguments, |$a| {
            // SAFETY: a compiled program of ours.
            let $program = unsafe { compiled($a.executable) };
            $body;
            Ok(())
        });
    };
}

function!(destroy, args::ExecutableDestroy, |a| {
    // SAFETY: a compiled program of ours.
    unsafe { take::<Arc<Compiled>, _>(a.executable) };
    Ok(())
});
of_program!(name, args::ExecutableName, |a, of| {
    let name = of.program.name.as_str();
    (a.text, a.text_size) = (name.as_ptr().cast(), name.len());
});
of_program!(replicas, args::ExecutableNumReplicas, |a, _of| a.count = 1);
of_program!(partitions, args::ExecutableNumPartitions, |a, _of| a.count = 1);
of_program!(outputs, args::ExecutableNumOutputs, |a, of| a.count = of.kinds.len());
of_program!(code_size, args::ExecutableSizeOfGeneratedCodeInBytes, |a, of| {
    a.size = of.text.len() as i64;
});
of_program!(costs, args::ExecutableGetCostAnalysis, |a, of| {
    (a.properties, a.num_properties) = (of.cost.0.as_ptr(), of.cost.0.len());
});
of_program!(output_memories, args::ExecutableOutputMemoryKinds, |a, of| {
    a.count = of.kinds.len();
    (a.kinds, a.kind_sizes) = (of.memory_kinds.0.as_ptr(), of.memory_kind_sizes.as_ptr());
});
of_program!(parameter_memories, args::ExecutableParameterMemoryKinds, |a, of| {
    a.count = of.program.parameters.len();
    (a.kinds, a.kind_sizes) = (of.memory_kinds.0.as_ptr(), of.memory_kind_sizes.as_ptr());
});
of_program!(output_types, args::ExecutableOutputElementTypes, |a, of| {
    (a.kinds, a.count) = (of.kinds.as_ptr(), of.kinds.len());
});
of_program!(output_dimensions, args::ExecutableOutputDimensions, |a, of| {
    a.count = of.ranks.len();
    (a.dims, a.dim_sizes) = (of.dims.as_ptr(), of.ranks.as_ptr());
});
of_program!(fingerprint, args::ExecutableFingerprint, |a, of| {
    (a.text, a.text_size) = (of.fingerprint.as_ptr().cast(), of.fingerprint.len());
});
of_program!(memory, args::ExecutableGetCompiledMemoryStats, |a, of| {
    let program = &of.program;
    (a.code, a.aliases) = (of.text.len() as i64, 0);
    a.arguments = program.parameters.iter().map(size).sum();
    a.outputs = program.results.iter().map(|&value| size(program.type_of(value))).sum();
    // Every value is kept to the end.
    a.temporary = program.operations.iter().map(|(_, of)| size(of)).sum();
    (a.host_code, a.host_arguments, a.host_outputs) = (0, 0, 0);
    (a.host_aliases, a.host_temporary) = (0, 0);
});
of_program!(serialize, args::ExecutableSerialize, |a, of| {
    (a.bytes, a.bytes_size, a.owner, a.deleter) = serialized(of.text.clone().into());
});
function!(optimized, args::ExecutableOptimizedProgram, |a| {
    // SAFETY: a compiled program of ours, and a place for a program that the host has.
    let (of, program) = unsafe { (compiled(a.executable), &mut *a.program) };
    let format = "mlir";
    (program.format, program.format_size) = (format.as_ptr().cast(), format.len());
    // Asked without room, it says how much is needed.
    if !program.code.is_null() {
        if program.code_size < of.text.len() {
            return failed(INVALID, format!("{} bytes are needed", of.text.len()));
        }
        // SAFETY: the host has room for so many bytes.
        unsafe {
            ptr::copy_nonoverlapping(of.text.as_ptr(), program.code as *mut u8, of.text.len())
        };
    }
    program.code_size = of.text.len();
    Ok(())
});
function!(deserialize, args::ExecutableDeserializeAndLoad, |a| {
    // SAFETY: the host's bytes, which live for the call.
    let text = unsafe { bytes(a.bytes, a.bytes_size) };
    a.loaded = give(Loaded::new(Compiled::from_text(text)?));
    Ok(())
});
function!(of_loaded, args::LoadedExecutableGetExecutable, |a| {
    // SAFETY: a program of ours.
    a.executable = give(unsafe { seen::<Loaded, _>(a.loaded) }.compiled.clone());
    Ok(())
});
function!(devices_of, args::LoadedExecutableAddressableDevices, |a| {
    (a.devices, a.num_devices) = places::devices();
    Ok(())
});
function!(delete, args::LoadedExecutableDelete, |a| {
    // SAFETY: a program of ours.
    unsafe { seen::<Loaded, _>(a.executable) }.deleted.store(true, Ordering::SeqCst);
    Ok(())
});
function!(is_deleted, args::LoadedExecutableIsDeleted, |a| {
    // SAFETY: a program of ours.
    a.is_deleted = unsafe { seen::<Loaded, _>(a.executable) }.deleted.load(Ordering::SeqCst);
    Ok(())
});

/// The functions of this file, by their places.
pub fn functions() -> Vec<(usize, abi::Call)> {
    vec![
        (args::ExecutableDestroy::FUNCTION, destroy),
        (args::ExecutableName::FUNCTION, name),
        (args::ExecutableNumReplicas::FUNCTION, replicas),
        (args::ExecutableNumPartitions::FUNCTION, partitions),
        (args::ExecutableNumOutputs::FUNCTION, outputs),
        (args::ExecutableSizeOfGeneratedCodeInBytes::FUNCTION, code_size),
        (args::ExecutableGetCostAnalysis::FUNCTION, costs),
        (args::ExecutableOutputMemoryKinds::FUNCTION, output_memories),
        (args::ExecutableParameterMemoryKinds::FUNCTION, parameter_memories),
        (args::ExecutableOutputElementTypes::FUNCTION, output_types),
        (args::ExecutableOutputDimensions::FUNCTION, output_dimensions),
        (args::ExecutableFingerprint::FUNCTION, fingerprint),
        (args::ExecutableGetCompiledMemoryStats::FUNCTION, memory),
        (args::ExecutableSerialize::FUNCTION, serialize),
        (args::ExecutableOptimizedProgram::FUNCTION, optimized),
        (args::ExecutableDeserializeAndLoad::FUNCTION, deserialize),
        (args::LoadedExecutableGetExecutable::FUNCTION, of_loaded),
        (args::LoadedExecutableAddressableDevices::FUNCTION, devices_of),
        (args::LoadedExecutableDelete::FUNCTION, delete),
        (args::LoadedExecutableIsDeleted::FUNCTION, is_deleted),
    ]
}
