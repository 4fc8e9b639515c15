//! Accelerators behind the PJRT C interface: AWS Trainium, GPUs, and a reference plugin of our own. See `docs/trainium.md`.
//!
//! [`abi`] has the interface's declarations, [`plugin`] and [`client`] a small host for it, [`text`] the programs, [`environment`] where
//! plugins are, [`bound`] what a device's arithmetic decides; [`shard`] is a lane's rows on a device.
//!
//! What ran is named by the device itself: [`KMeansDevice::platform`] hands on what the plugin calls its platform.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::cell::{Offload, Platform, Precision, Update, hex};
use crate::data::RowSource;
use crate::error::{Error, Result};
use crate::measure::device::cpu::Cpu;
use crate::measure::device::{KMeansDevice, KMeansShard};
use crate::measure::probe::recorder::Recorder;
use crate::record::Phase;
use crate::record::device::{DeviceFacts, LaneDevice};

pub mod abi;
pub mod bound;
pub mod client;
pub mod environment;
pub mod plugin;
pub mod shard;
pub mod text;

use client::{Client, Executable};
use environment::{Look, Wanted};
use plugin::Plugin;
use text::{Format, Text};

/// A device, with what was compiled for it.
pub struct Pjrt<'a> {
    plugin: Rc<Plugin>,
    client: Rc<Client>,
    platform: String,
    offload: Offload,
    certify: bool,
    cpu: Cpu,
    recorder: Option<&'a Recorder>,
    set: Vec<(String, String)>,
    programs: RefCell<HashMap<Text, Rc<Executable>>>,
    notes: RefCell<LaneDevice>,
}

/// How a device is asked for.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// Which one.
    pub platform: Platform,
    /// How it works.
    pub offload: Offload,
    /// Are near ties decided in f64?
    pub certify: bool,
    /// Number of this lane among those of its node.
    pub local: usize,
    /// Number of lanes on the node.
    pub count: usize,
}

impl<'a> Pjrt<'a> {
    /// Finds the plugin, sets what it needs in this process's environment, loads it and starts it. Phases go to `recorder`.
    ///
    /// # Safety
    /// No other thread reads the environment meanwhile, but through `std::env`, which locks it.
    ///
    /// # Errors
    /// Where there is no plugin, it cannot be loaded, or it has no such device.
    pub unsafe fn open(order: &Order, recorder: Option<&'a Recorder>) -> Result<Pjrt<'a>> {
        let Order { platform, offload, certify, local, count } = order.clone();
        let full_precision = offload.precision == Precision::F32;
        let wanted = Wanted { platform, plugin: offload.plugin.clone(), local, count, full_precision };
        let settled = settle(&wanted, None)?;
        for (name, value) in &settled.set {
            // SAFETY: the caller's promise.
            unsafe { std::env::set_var(name, value) };
        }
        let plugin = Plugin::load(&settled.plugin)?;
        let options: Vec<_> = settled.options.iter().map(|(name, choice)| (name.as_str(), choice.clone())).collect();
        let client = Client::new(&plugin, &options).map_err(|refusal| {
            Error::unavailable(format!("{} has no device here: it refused {refusal}", settled.plugin.display()))
                .hint("the plugin itself was loaded, and these are its words")
        })?;
        let name = client.platform()?;
        if !environment::is_platform(platform, &name) {
            let plugin = settled.plugin.display();
            return Err(Error::unavailable(format!(
                "{plugin} drives the platform '{name}', which is not what was asked for ({platform:?})"
            ))
            .hint("nothing else runs in its place; for any other plugin take the backend 'pjrt'"));
        }
        Ok(Pjrt {
            plugin,
            client,
            platform: name,
            offload,
            certify: certify && order.offload.update == Update::Host,
            cpu: Cpu::new()?,
            recorder,
            set: settled.set,
            programs: RefCell::default(),
            notes: RefCell::default(),
        })
    }

    fn format(&self) -> Format {
        match self.offload.precision {
            Precision::F32 => Format::F32,
            Precision::Bf16 => Format::Bf16,
        }
    }

    /// The program, compiled at most once.
    fn program(&self, text: Text) -> Result<Rc<Executable>> {
        if let Some(program) = self.programs.borrow().get(&text) {
            return Ok(program.clone());
        }
        let start = Instant::now();
        let compiled = self.during(Phase::Compile, || self.client.compile(&text.module(), text.outputs()))?;
        let program = Rc::new(compiled);
        let mut notes = self.notes.borrow_mut();
        notes.compile_s += start.elapsed().as_secs_f64();
        notes.programs += 1;
        self.programs.borrow_mut().insert(text, program.clone());
        Ok(program)
    }

    /// Does this in a phase of its own. Within the warm-up or at the end, what is timed belongs to those.
    fn during<R>(&self, phase: Phase, work: impl FnOnce() -> R) -> R {
        let Some(recorder) = self.recorder else { return work() };
        let timed = recorder.current().is_some_and(|current| Phase::TIMED.contains(&current));
        if phase != Phase::Compile && !timed {
            return work();
        }
        let before = recorder.enter(phase);
        let result = work();
        recorder.resume(before);
        result
    }
}

impl KMeansDevice for Pjrt<'_> {
    fn platform(&self) -> String {
        self.platform.clone()
    }

    fn kernel(&self, _dims: usize, _k: usize) -> String {
        let Offload { update, precision, .. } = &self.offload;
        let labels = if self.certify { "certified" } else { "rounded" };
        format!("StableHLO, {}, {labels} labels, sums on the {}", precision.name(), update.name())
    }

    fn prepare<'a>(&'a self, rows: &mut dyn RowSource) -> Result<Box<dyn KMeansShard + 'a>> {
        Ok(Box::new(shard::Shard::new(self, rows)?))
    }

    fn facts(&self) -> Option<DeviceFacts> {
        let (device, attributes) = self.client.device();
        let (major, minor) = self.plugin.version();
        let attributes = self.plugin.attributes().into_iter().chain(attributes);
        Some(DeviceFacts {
            plugin: self.plugin.path.display().to_string(),
            sha256: sha256(&self.plugin.path).unwrap_or_else(|error| format!("unknown: {error}")),
            api: format!("{major}.{minor}, structures {}", if self.plugin.pads() { "padded" } else { "exact" }),
            platform_version: self.client.platform_version(),
            device,
            attributes: attributes.collect::<BTreeMap<_, _>>(),
            environment: self.set.iter().cloned().collect(),
            update: self.offload.update.name().into(),
            precision: self.offload.precision.name().into(),
            exact: self.certify,
        })
    }

    fn lane_facts(&self) -> Option<LaneDevice> {
        let mut notes = *self.notes.borrow();
        notes.peak_memory_bytes = self.client.memory().and_then(|(_, peak, _)| peak);
        Some(notes)
    }
}

/// Finds the plugin on this machine, for this program or the one that is named.
pub fn settle(wanted: &Wanted, program: Option<&Path>) -> Result<environment::Settled> {
    let on_path = |name: &str| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    };
    // Beside this program, or where cargo leaves it.
    let program = program.map(Path::to_path_buf).or_else(|| std::env::current_exe().ok());
    let here = program.and_then(|program| Some(program.parent()?.to_path_buf()));
    let beside = here.into_iter().flat_map(|here| [here.clone(), here.join("deps")]).collect();
    environment::settle(
        wanted,
        &Look {
            variable: &|name| std::env::var(name).ok(),
            is_file: &Path::is_file,
            list: &|folder| {
                let mut inside: Vec<PathBuf> =
                    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
                inside.sort();
                inside
            },
            program: &|name| {
                let output = std::process::Command::new(on_path(name)?).output().ok()?;
                output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
            },
            has_program: &|name| on_path(name).is_some(),
            beside,
        },
    )
}

/// A file as it was when it was read: its place, its length, its number, and when it was changed.
type Seen = (PathBuf, u64, u64, i64, i64);

/// The SHA-256 of a file, in hexadecimal. A file is read once by a process, and again when it has changed: plugins have hundreds of
/// megabytes, and a sweep asks before every repeat.
pub fn sha256(path: &Path) -> Result<String> {
    static KNOWN: Mutex<BTreeMap<Seen, String>> = Mutex::new(BTreeMap::new());
    let error = |e| Error::io("read the plugin", path, e);
    let facts = std::fs::metadata(path).map_err(error)?;
    let seen = (path.to_path_buf(), facts.len(), facts.ino(), facts.mtime(), facts.mtime_nsec());
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(hash) = known().get(&seen) {
        return Ok(hash.clone());
    }
    let hash = read_sha256(path)?;
    known().insert(seen, hash.clone());
    Ok(hash)
}

fn read_sha256(path: &Path) -> Result<String> {
    let error = |e| Error::io("read the plugin", path, e);
    let mut file = std::fs::File::open(path).map_err(error)?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0u8; 1 << 20]);
    loop {
        match file.read(&mut piece).map_err(error)? {
            0 => return Ok(hex(&hash.finalize())),
            got => hash.update(&piece[..got]),
        }
    }
}

#[cfg(test)]
mod tests;
