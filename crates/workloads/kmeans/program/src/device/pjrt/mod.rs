//! Accelerators behind the PJRT C interface: AWS Trainium, GPUs, and a reference plugin of our own.
//! See `docs/trainium.md`.
//!
//! The crate [`amdahl_accelerator`] is a small host for that interface. Here are the programs
//! ([`text`]), what they take ([`layout`]), what a device's arithmetic decides ([`bound`]), and a
//! lane's rows on a device ([`shard`]).
//!
//! What ran is named by the device itself: [`KMeansDevice::platform`] hands on what the plugin
//! calls its platform.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Instant;

use crate::device::cpu::Cpu;
use crate::device::{KMeansDevice, KMeansShard};
use amdahl_data::RowSource;
use amdahl_kmeans_description::spec::{Offload, Precision, Update};
use amdahl_lanes::probe::recorder::Recorder;
use amdahl_record::Phase;
use amdahl_record::cell::Platform;
use amdahl_record::device::{DeviceFacts, LaneDevice};
use amdahl_record::error::{Error, Result};

pub mod bound;
pub mod layout;
pub mod shard;
pub mod text;

use amdahl_accelerator::client::{Client, Executable};
use amdahl_accelerator::environment::{self, Wanted};
use amdahl_accelerator::plugin::Plugin;
use amdahl_accelerator::{settle, sha256};
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
    /// Finds the plugin, sets what it needs in this process's environment, loads it and starts it.
    /// Phases go to `recorder`.
    ///
    /// # Safety
    /// No other thread reads the environment meanwhile, but through `std::env`, which locks it.
    ///
    /// # Errors
    /// Where there is no plugin, it cannot be loaded, or it has no such device.
    pub unsafe fn open(order: &Order, recorder: Option<&'a Recorder>) -> Result<Pjrt<'a>> {
        let Order { platform, offload, certify, local, count } = order.clone();
        let full_precision = offload.precision == Precision::F32;
        let wanted =
            Wanted { platform, plugin: offload.plugin.clone(), local, count, full_precision };
        let settled = settle(&wanted, None)?;
        for (name, value) in &settled.set {
            // SAFETY: the caller's promise.
            unsafe { std::env::set_var(name, value) };
        }
        let plugin = Plugin::load(&settled.plugin)?;
        let options: Vec<_> =
            settled.options.iter().map(|(name, choice)| (name.as_str(), choice.clone())).collect();
        let client = Client::new(&plugin, &options).map_err(|refusal| {
            Error::unavailable(format!(
                "{} has no device here: it refused {refusal}",
                settled.plugin.display()
            ))
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
        let (module, outputs) = (text.module(), text.outputs());
        // SAFETY: the module returns as many values as that says: a test counts them.
        let compiled =
            self.during(Phase::COMPILE, || unsafe { self.client.compile(&module, outputs) })?;
        let program = Rc::new(compiled);
        let mut notes = self.notes.borrow_mut();
        notes.compile_s += start.elapsed().as_secs_f64();
        notes.programs += 1;
        self.programs.borrow_mut().insert(text, program.clone());
        Ok(program)
    }

    /// Does this in a phase of its own. Within the warm-up or at the end, what is timed belongs to
    /// those.
    fn during<R>(&self, phase: Phase, work: impl FnOnce() -> R) -> R {
        let Some(recorder) = self.recorder else { return work() };
        let timed = recorder.current().is_some_and(Phase::is_timed);
        if phase != Phase::COMPILE && !timed {
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
            api: format!(
                "{major}.{minor}, structures {}",
                if self.plugin.pads() { "padded" } else { "exact" }
            ),
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

#[cfg(test)]
mod tests;
