//! `amdahl doctor --trainium`: each assumption about Trainium, checked in the order in which they
//! build on each other. It prints what to report back.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use super::check::Check;
use super::{Format, print};
use amdahl_accelerator::environment::Wanted;
use amdahl_accelerator::plugin::Plugin;
use amdahl_data::MatrixRows;
use amdahl_kmeans::device::cpu::Cpu;
use amdahl_kmeans::device::pjrt::{Order, Pjrt};
use amdahl_kmeans::device::{Centroids, KMeansDevice, Partial};
use amdahl_kmeans_description::spec::{Offload, Precision, Update};
use amdahl_lanes::exact::Grid;
use amdahl_lanes::probe::{Availability, Probe, Seat, neuron};
use amdahl_record::accelerators;
use amdahl_record::accelerators::Price;
use amdahl_record::cell::Platform;
use amdahl_record::error::{Error, Result};

const TOPIC: &str = "Trainium";

/// Variables that decide how the plugin works.
const VARIABLES: [&str; 6] = [
    "NEURON_RT_VISIBLE_CORES",
    "NEURON_CC_FLAGS",
    "NEURON_RT_STOCHASTIC_ROUNDING_EN",
    "NEURON_COMPILE_CACHE_URL",
    "NEURON_RUN_TRIVIAL_COMPUTATION_ON_CPU",
    "NEURON_RT_ROOT_COMM_ID",
];

/// Runs the checks. `plugin` names another plugin: a rehearsal, which proves nothing about Trainium
/// and says so.
pub fn run(format: Format, plugin: Option<PathBuf>, price: Option<&str>) -> Result<()> {
    let price = price.map(Price::parse).transpose()?;
    let mut checks = surroundings();
    match device(plugin, &mut checks) {
        Ok(()) => {}
        Err((name, error)) => {
            let help = error.hint.unwrap_or_else(|| "what follows could not be tried".into());
            checks.push(Check::no(TOPIC, name, error.message, help));
        }
    }
    published(&mut checks, price.as_ref())?;
    let ask = "to the project: all of this, with --format json; instance type, AMI and the versions of aws-neuronx-* and libneuronxla";
    checks.push(Check::fact("Report back", "what", ask));
    print(format, &checks)
}

/// Devices, programs and variables, before anything is loaded.
fn surroundings() -> Vec<Check> {
    let mut checks = Vec::new();
    let root =
        std::env::var_os(neuron::VARIABLE).map_or(PathBuf::from(neuron::ROOT), PathBuf::from);
    let devices = neuron::devices(&root);
    checks.push(match devices.len() {
        0 => {
            let why = format!("there is nothing in {}", root.display());
            Check::no(
                TOPIC,
                "1 driver",
                why,
                "run this on a trn1 or trn2 instance with aws-neuronx-dkms",
            )
        }
        n => {
            let cores: usize =
                devices.iter().map(|device| neuron::inside(device, "neuron_core").len()).sum();
            Check::yes(TOPIC, "1 driver", format!("{n} devices, {cores} cores"))
        }
    });
    let probe = neuron::Neuron::below(&root, Seat::ALONE);
    for (metric, availability) in probe.available() {
        checks.push(match availability {
            Availability::Yes | Availability::Elsewhere => {
                Check::yes(TOPIC, format!("2 {}", metric.name), "")
            }
            Availability::No { why, help } => {
                Check::no(TOPIC, format!("2 {}", metric.name), why, help)
            }
        });
    }
    if let Some(file) = std::env::var_os(neuron::MONITOR).map(PathBuf::from) {
        checks.push(monitored(&file));
    }
    for (program, argument) in [("neuronx-cc", "--version"), ("neuron-ls", "--json-output")] {
        let said = Command::new(program).arg(argument).output();
        checks.push(match said {
            Ok(out) if out.status.success() => {
                let text = String::from_utf8_lossy(&out.stdout).into_owned()
                    + &String::from_utf8_lossy(&out.stderr);
                Check::yes(TOPIC, format!("3 {program}"), text.lines().next().unwrap_or_default())
            }
            Ok(out) => Check::no(
                TOPIC,
                format!("3 {program}"),
                format!("it ended with {}", out.status),
                "report what it prints",
            ),
            Err(e) => {
                let help = "activate the Neuron environment of the AMI: see docs/trainium.md";
                Check::no(TOPIC, format!("3 {program}"), e.to_string(), help)
            }
        });
    }
    for name in VARIABLES {
        if let Ok(value) = std::env::var(name) {
            checks.push(Check::fact(TOPIC, format!("4 {name}"), value));
        }
    }
    checks
}

/// The last whole line that `neuron-monitor` left in a file.
fn monitored(file: &Path) -> Check {
    const NAME: &str = "2 neuron-monitor";
    let read =
        std::fs::read_to_string(file).map_err(|e| format!("cannot read {}: {e}", file.display()));
    let last = read.and_then(|text| match text.trim().lines().next_back() {
        Some(line) => neuron::monitor(line),
        None => Err("there is no line in it".into()),
    });
    match last {
        Ok(cores) => {
            let one = |core: &neuron::Core| match core.flops {
                Some(flops) => format!(
                    "core {} {} %, {:.3} TFLOP/s",
                    core.core,
                    core.utilization,
                    flops / 1e12
                ),
                None => format!("core {} {} %", core.core, core.utilization),
            };
            Check::yes(TOPIC, NAME, cores.iter().map(one).collect::<Vec<_>>().join("; "))
        }
        Err(why) => {
            Check::no(TOPIC, NAME, why, "its form is known from documentation: report the file")
        }
    }
}

/// What failed, and how.
type Failed = (&'static str, Error);

fn device(plugin: Option<PathBuf>, checks: &mut Vec<Check>) -> std::result::Result<(), Failed> {
    let rehearsal = plugin.is_some();
    let platform = if rehearsal { Platform::Any } else { Platform::Trainium };
    let wanted = Wanted {
        platform,
        plugin: plugin.clone(),
        count: 1,
        full_precision: true,
        ..Wanted::default()
    };
    let settled = amdahl_accelerator::settle(&wanted, None).map_err(|e| ("5 plugin", e))?;
    checks.push(Check::yes(TOPIC, "5 plugin", settled.plugin.display().to_string()));
    for (name, value) in &settled.set {
        checks.push(Check::fact(TOPIC, format!("5 sets {name}"), value.clone()));
    }
    let loaded = Plugin::load(&settled.plugin).map_err(|e| ("6 interface", e))?;
    let (major, minor) = loaded.version();
    let sizes = if loaded.pads() {
        "longer structures are taken"
    } else {
        "structures of its own sizes are wanted"
    };
    checks.push(Check::yes(TOPIC, "6 interface", format!("PJRT {major}.{minor}, {sizes}")));
    drop(loaded);
    for precision in [Precision::F32, Precision::Bf16] {
        for update in [Update::Host, Update::Device] {
            let offload = Offload { update, precision, plugin: plugin.clone() };
            let order =
                Order { platform, offload, certify: update == Update::Host, local: 0, count: 1 };
            // SAFETY: the doctor has no other thread here.
            let device = unsafe { Pjrt::open(&order, None) }.map_err(|e| ("7 device", e))?;
            if checks.iter().all(|check| check.name != "7 device") {
                let facts = device.facts();
                let kind = facts.map_or(String::new(), |facts| {
                    format!(", {} {}", facts.device, facts.platform_version)
                });
                let remark = if rehearsal { " (a rehearsal: this is not Trainium)" } else { "" };
                checks.push(Check::yes(
                    TOPIC,
                    "7 device",
                    format!("{}{kind}{remark}", device.platform()),
                ));
            }
            let name = format!("8 {}, sums on the {}", precision.name(), update.name());
            checks.push(match step(&device) {
                Ok(found) => Check::yes(TOPIC, name, found),
                Err(error) => {
                    Check::no(TOPIC, name, error.message, "report this, and the plugin's log")
                }
            });
        }
    }
    Ok(())
}

/// A step on a few rows against the processor's.
fn step(device: &Pjrt<'_>) -> Result<String> {
    let (rows, dims, k) = (4096, 16, 8);
    // Made by a formula, so that everybody has the same.
    let value = |i: usize| ((i.wrapping_mul(2_654_435_761)) % 10_007) as f32 * 0.01 - 50.0;
    let values: Vec<f32> = (0..rows * dims).map(value).collect();
    let grid = Grid::new(&vec![50.07; dims], rows as u64)?;
    let centroids = Centroids { values: &values[..k * dims], k, dims };
    let sums = |device: &dyn KMeansDevice| {
        let (mut sums, start) = (Partial::new(k, dims), Instant::now());
        let mut shard = device.prepare(&mut MatrixRows::new(&values, dims, 0))?;
        shard.restart(&grid, k)?;
        let ready = start.elapsed().as_secs_f64();
        shard.step(centroids, &mut sums)?;
        let first = Instant::now();
        let stats = shard.step(centroids, &mut sums)?;
        let again = first.elapsed().as_secs_f64();
        shard.inertia(centroids, &mut grid.distance_sum())?;
        Ok::<_, Error>((sums, ready, again, stats.rescanned))
    };
    let (right, ..) = sums(&Cpu::new()?)?;
    let (mine, ready, again, by_host) = sums(device)?;
    let off =
        mine.sums.iter().zip(&right.sums).map(|(a, b)| (a - b).abs() as f64).fold(0.0, f64::max);
    let equal = if mine == right {
        "the processor's bits".into()
    } else {
        format!("largest difference of a sum {off:e} grid units")
    };
    let ties = device.lane_facts().and_then(|facts| facts.proven_ties);
    let ties = ties.map_or(format!("{by_host} of {rows} rows decided by the host"), |n| {
        format!("{n} proven ties of {rows} rows")
    });
    Ok(format!("{equal}; {ties}; ready after {ready:.3} s, a step {again:.6} s"))
}

/// Published figures, and the price of an hour where the user gives one.
fn published(checks: &mut Vec<Check>, price: Option<&Price>) -> Result<()> {
    for chip in accelerators::chips()? {
        let per_core = f64::from(chip.cores);
        let value = format!(
            "{} cores; of each {:.1} f32 TFLOP/s, {:.0} GB/s (published: {})",
            chip.cores,
            chip.f32_flops / per_core / 1e12,
            chip.bandwidth / per_core / 1e9,
            chip.source
        );
        checks.push(Check::fact("Published", chip.name.clone(), value));
    }
    if let Some(price) = price {
        let of = format!("{} {} (price of {})", price.of(1.0), price.currency, price.date);
        checks.push(Check::fact("Published", "a second of the instance", of));
    }
    Ok(())
}
