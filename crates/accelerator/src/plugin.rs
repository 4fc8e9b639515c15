//! A plugin: a shared library that drives devices, behind the PJRT C interface.

use std::cell::Cell;
use std::ffi::{c_char, c_int};
use std::fmt;
use std::mem::{ManuallyDrop, offset_of, size_of};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::abi;
use crate::abi::{Api, Arguments, Padded};
use amdahl_record::error::{Error, Kind};

/// What a plugin refuses, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The function that was called.
    pub during: &'static str,
    /// Its number: those of gRPC and Abseil.
    pub code: c_int,
    /// Its words.
    pub words: String,
}

impl Refusal {
    /// What this program refuses itself: arguments that the interface does not allow.
    pub(crate) fn invalid(during: &'static str, words: String) -> Refusal {
        Refusal { during, code: 3, words }
    }

    /// Out of memory?
    pub fn is_out_of_memory(&self) -> bool {
        self.code == 8
    }

    /// The name of the number.
    pub fn name(&self) -> &'static str {
        const NAMES: [&str; 17] = [
            "ok",
            "cancelled",
            "unknown",
            "invalid argument",
            "deadline exceeded",
            "not found",
            "already exists",
            "permission denied",
            "resource exhausted",
            "failed precondition",
            "aborted",
            "out of range",
            "unimplemented",
            "internal",
            "unavailable",
            "data loss",
            "unauthenticated",
        ];
        usize::try_from(self.code)
            .ok()
            .and_then(|code| NAMES.get(code))
            .copied()
            .unwrap_or("unknown")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.during, self.name(), self.words.trim())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        let error = Error::new(Kind::Device, format!("the device's plugin refused {refusal}"));
        match refusal.is_out_of_memory() {
            true => error.hint(
                "the rows do not fit into the device's memory: take fewer points, or more ranks with a device each",
            ),
            false => error,
        }
    }
}

/// A result whose error is the plugin's.
pub type Told<T> = std::result::Result<T, Refusal>;

/// A loaded plugin. It stays loaded until the process ends: plugins start threads that outlive
/// their clients.
pub struct Plugin {
    /// Its file.
    pub path: PathBuf,
    api: *const Api,
    /// Do structures claim room behind them? Settled by the first call.
    padded: Cell<bool>,
    _library: ManuallyDrop<libloading::Library>,
}

impl Plugin {
    /// Loads the plugin and checks that its version is one that is understood.
    pub fn load(path: &Path) -> Result<Rc<Plugin>, Error> {
        let broken = |what: String| {
            Error::unavailable(format!("{} is no PJRT plugin that can be used: {what}", path.display())).hint(
                "a plugin is a shared library that exports GetPjrtApi, such as libneuronpjrt.so or xla_cuda_plugin.so",
            )
        };
        if !path.is_file() {
            return Err(broken("there is no such file".into()));
        }
        // SAFETY: loading runs the library's initialisers. That is what the user asked for by
        // naming it.
        let library =
            unsafe { libloading::Library::new(path) }.map_err(|e| broken(e.to_string()))?;
        let library = ManuallyDrop::new(library);
        // SAFETY: the symbol, where it exists, has this type in every version of the interface; the
        // library stays loaded.
        let api = unsafe {
            let entry = library.get::<abi::Entry>(abi::ENTRY).map_err(|e| broken(e.to_string()))?;
            entry()
        };
        if api.is_null() {
            return Err(broken("GetPjrtApi returned nothing".into()));
        }
        let plugin = Plugin { path: path.into(), api, padded: Cell::new(true), _library: library };
        plugin.check_version(&broken)?;
        plugin.settle_sizes()?;
        Ok(Rc::new(plugin))
    }

    fn check_version(&self, broken: &dyn Fn(String) -> Error) -> Result<(), Error> {
        // The first word of every version is the table's size.
        // SAFETY: the table is the plugin's, aligned, and lives as long as the library.
        let size = unsafe { (&raw const (*self.api).struct_size).read() };
        if size < offset_of!(Api, functions) {
            return Err(broken(format!("its table has {size} bytes, too few for a version")));
        }
        let (major, minor) = self.version();
        if major != abi::MAJOR || minor < abi::OLDEST {
            return Err(broken(format!(
                "its interface is version {major}.{minor}, and this program speaks {}.{} and later of {}",
                abi::MAJOR,
                abi::OLDEST,
                abi::MAJOR
            )));
        }
        let needed = offset_of!(Api, functions)
            + (abi::BufferToHostBuffer::FUNCTION + 1) * size_of::<usize>();
        if size < needed {
            return Err(broken(format!("its table has {size} bytes, and {needed} are needed")));
        }
        // Memory that a device copies to or from is given back only after a wait.
        if !self.has::<abi::EventAwait>() {
            return Err(broken("it cannot wait for events".into()));
        }
        Ok(())
    }

    /// Finds out whether the plugin takes structures that claim to be longer than ours are. Newer
    /// plugins want them at least as long as their own; some want exactly the size of their
    /// version.
    fn settle_sizes(&self) -> Result<(), Error> {
        if self.has::<abi::PluginInitialize>() {
            // SAFETY: there is no pointer among these arguments.
            let initialize = || unsafe { self.call(abi::PluginInitialize::zero()) };
            let first = initialize();
            if first.is_err() {
                self.padded.set(false);
                initialize().map_err(|exact| match first {
                    Err(padded) if padded.words != exact.words => {
                        let error = Error::unavailable(format!(
                            "the plugin {} refused {exact}",
                            self.path.display()
                        ));
                        error.hint(format!("with longer structures it refused {padded}"))
                    }
                    _ => Error::unavailable(format!(
                        "the plugin {} refused {exact}",
                        self.path.display()
                    )),
                })?;
            }
        }
        Ok(())
    }

    /// The version of its interface.
    pub fn version(&self) -> (c_int, c_int) {
        // SAFETY: `load` has checked that the table holds a version.
        unsafe { ((*self.api).version.major, (*self.api).version.minor) }
    }

    /// Are structures claimed to be longer than they are?
    pub fn pads(&self) -> bool {
        self.padded.get()
    }

    /// Has it this function?
    pub fn has<A: Arguments>(&self) -> bool {
        self.function(A::FUNCTION).is_some()
    }

    fn function(&self, number: usize) -> Option<abi::Call> {
        // SAFETY: the size says how far the table may be read, and each place holds a function or
        // null.
        unsafe {
            let end = offset_of!(Api, functions) + (number + 1) * size_of::<usize>();
            if (&raw const (*self.api).struct_size).read() < end {
                return None;
            }
            (&raw const (*self.api).functions).cast::<Option<abi::Call>>().add(number).read()
        }
    }

    /// Calls the function that these arguments are for. Returns them with what it filled in.
    ///
    /// # Safety
    /// Pointers in `arguments` are valid for what the interface says that the function does with
    /// them: the plugin's own are those that it handed out and that were not given back, the others
    /// have as many values as the arguments say, for as long as it says.
    pub(crate) unsafe fn call<A: Arguments>(&self, arguments: A) -> Told<A> {
        let missing = || Refusal {
            during: A::NAME,
            code: 12,
            words: "the plugin has no such function".into(),
        };
        let function = self.function(A::FUNCTION).ok_or_else(missing)?;
        let mut padded = Padded::new(arguments);
        let size = if self.padded.get() { size_of::<Padded<A>>() } else { A::SIZE };
        // SAFETY: the structure begins with its size and has at least as many bytes as that says,
        // with zeros behind its fields; the function is the one that these arguments are for, and
        // what they point to is the caller's promise.
        let error = unsafe {
            (&raw mut padded.inner).cast::<usize>().write(size);
            function((&raw mut padded).cast())
        };
        if error.is_null() {
            return Ok(padded.inner);
        }
        Err(self.refusal(A::NAME, error))
    }

    /// The size that a structure inside arguments claims.
    pub(crate) fn claimed<T>(&self) -> usize {
        if self.padded.get() { size_of::<Padded<T>>() } else { size_of::<T>() }
    }

    /// Reads and frees an error.
    fn refusal(&self, during: &'static str, error: *mut abi::Error) -> Refusal {
        // SAFETY: the error is one that the plugin has just returned; it is freed last, and its
        // words are copied before.
        unsafe {
            let told = self.quiet(abi::ErrorMessage { error, ..Arguments::zero() });
            let words = text(told.message, told.message_size);
            let code = self.quiet(abi::ErrorGetCode { error, ..Arguments::zero() }).code;
            self.quiet(abi::ErrorDestroy { error, ..Arguments::zero() });
            Refusal { during, code, words }
        }
    }

    /// Calls a function that says nothing of errors: two of these return nothing, and what they
    /// leave in the register is not looked at. Arguments come back as they were where there is no
    /// such function.
    ///
    /// # Safety
    /// As for [`Plugin::call`].
    unsafe fn quiet<A: Arguments>(&self, arguments: A) -> A {
        let mut padded = Padded::new(arguments);
        let size = if self.padded.get() { size_of::<Padded<A>>() } else { A::SIZE };
        if let Some(function) = self.function(A::FUNCTION) {
            // SAFETY: as in `call`.
            unsafe {
                (&raw mut padded.inner).cast::<usize>().write(size);
                function((&raw mut padded).cast());
            }
        }
        padded.inner
    }

    /// What the plugin says of itself, as names and values.
    pub fn attributes(&self) -> Vec<(String, String)> {
        // SAFETY: the plugin fills the pointer in, and its attributes live as long as it does.
        unsafe {
            match self.call(abi::PluginAttributes::zero()) {
                Ok(told) => named(told.attributes, told.num_attributes),
                Err(_) => Vec::new(),
            }
        }
    }
}

/// Words of the plugin's, which are not ended by a zero.
///
/// # Safety
/// So many bytes are there, or the pointer is null.
pub(crate) unsafe fn text(start: *const c_char, length: usize) -> String {
    if start.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(start.cast::<u8>(), length) };
    String::from_utf8_lossy(bytes).into_owned()
}

/// Names and values of the plugin's.
///
/// # Safety
/// So many are there, with names and values as their sizes and kinds say, or the pointer is null.
pub(crate) unsafe fn named(start: *const abi::NamedValue, count: usize) -> Vec<(String, String)> {
    if start.is_null() {
        return Vec::new();
    }
    let one = |i: usize| {
        // SAFETY: the caller's promise; the kind says which part of the union is set.
        unsafe {
            let named = &*start.add(i);
            let value = match named.kind {
                0 => text(named.value.text, named.value_size),
                1 => named.value.integer.to_string(),
                2 if named.value.integers.is_null() => String::new(),
                2 => {
                    let list = std::slice::from_raw_parts(named.value.integers, named.value_size);
                    list.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
                }
                3 => named.value.float.to_string(),
                4 => (named.value.truth != 0).to_string(),
                other => format!("a value of kind {other}"),
            };
            (text(named.name, named.name_size), value)
        }
    };
    (0..count).map(one).collect()
}
