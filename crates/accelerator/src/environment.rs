//! Where plugins are and what their environment must be: a pure function of what is looked up, so
//! that it is tested without them.
//!
//! A device that is asked for by name is that device or nothing: there is no fallback, and what was
//! looked for is said.

use std::path::{Path, PathBuf};

use crate::client::Choice;
use amdahl_record::cell::Platform;
use amdahl_record::error::{Error, Result};

/// Names a plugin for the backend `pjrt`; for the others, each its own.
pub const PLUGIN: &str = "AMDAHL_PJRT_PLUGIN";

/// The reference plugin's file, beside the worker.
pub const REFERENCE: &str = "libamdahl_reference.so";

/// XLA's plugin for the processor, below a folder of devices: where `make devices` puts it.
pub const XLA_CPU: &str = "xla-cpu/pjrt_c_api_cpu_plugin.so";

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Which device.
    pub platform: Platform,
    /// The plugin that the cell names.
    pub plugin: Option<PathBuf>,
    /// Number of this rank among those of its node.
    pub local: usize,
    /// Number of ranks on this node.
    pub count: usize,
    /// Products in f32.
    pub full_precision: bool,
}

/// What can be looked up.
pub struct Look<'a> {
    /// A variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Is this a file?
    pub is_file: &'a dyn Fn(&Path) -> bool,
    /// What is in a folder.
    pub list: &'a dyn Fn(&Path) -> Vec<PathBuf>,
    /// What a program on the search path prints when it is called without arguments; none where
    /// there is no such program.
    pub program: &'a dyn Fn(&str) -> Option<String>,
    /// Is there such a program on the search path?
    pub has_program: &'a dyn Fn(&str) -> bool,
    /// Folders beside this program.
    pub beside: Vec<PathBuf>,
    /// Folders of plugins that were installed for this program (`make devices`).
    pub installed: Vec<PathBuf>,
}

/// A plugin and what it needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// Its file.
    pub plugin: PathBuf,
    /// Variables to set before it is loaded.
    pub set: Vec<(String, String)>,
    /// Options of its client.
    pub options: Vec<(String, Choice)>,
}

/// Finds the plugin and says what must be set. The error says what was looked for, or which
/// variable forbids to start.
pub fn settle(wanted: &Wanted, look: &Look<'_>) -> Result<Settled> {
    match wanted.platform {
        Platform::Any => {
            let named = wanted.plugin.clone().or_else(|| path(look, PLUGIN));
            let plugin = named.ok_or_else(|| {
                Error::unavailable("the backend 'pjrt' was asked for, and no plugin is named")
                    .hint(format!("name one: plugin = \"FILE\" in [workload], or {PLUGIN}=FILE"))
            })?;
            plain(found(wanted, look, "a PJRT plugin", vec![("as named".into(), Some(plugin))])?)
        }
        Platform::Reference => {
            let variable = "AMDAHL_REFERENCE_PLUGIN";
            let mut places = vec![(variable.to_string(), path(look, variable))];
            places.extend(
                look.beside
                    .iter()
                    .map(|folder| (REFERENCE.to_string(), Some(folder.join(REFERENCE)))),
            );
            let error = |e: Error| e.hint("'make build' puts it beside the worker");
            plain(found(wanted, look, "the reference plugin", places).map_err(error)?)
        }
        Platform::XlaCpu => {
            let variable = "AMDAHL_XLA_CPU_PLUGIN";
            let mut places = vec![(variable.to_string(), path(look, variable))];
            let installed = look.installed.iter().map(|folder| folder.join(XLA_CPU));
            places.extend(installed.map(|file| ("make devices".to_string(), Some(file))));
            let hint = format!("install it: make devices; or name the file in {variable}");
            let error = |e: Error| e.hint(hint);
            plain(found(wanted, look, "PJRT plugin of XLA for processors", places).map_err(error)?)
        }
        Platform::Cuda => cuda(wanted, look),
        Platform::Trainium => trainium(wanted, look),
    }
}

fn plain(plugin: PathBuf) -> Result<Settled> {
    Ok(Settled { plugin, set: Vec::new(), options: Vec::new() })
}

fn path(look: &Look<'_>, variable: &str) -> Option<PathBuf> {
    (look.variable)(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The first place that is a file.
fn found(
    wanted: &Wanted,
    look: &Look<'_>,
    what: &str,
    mut places: Vec<(String, Option<PathBuf>)>,
) -> Result<PathBuf> {
    if let Some(named) = &wanted.plugin {
        places = vec![("plugin of the manifest".into(), Some(named.clone()))];
    }
    if let Some((_, Some(place))) =
        places.iter().find(|(_, place)| place.as_deref().is_some_and(look.is_file))
    {
        return Ok(place.clone());
    }
    let looked: Vec<String> = places
        .iter()
        .map(|(how, place)| match place {
            Some(place) => format!("{} ({how})", place.display()),
            None => format!("{how} (it says nothing)"),
        })
        .collect();
    Err(Error::unavailable(format!(
        "there is no {}; looked for {}",
        what.trim_start_matches("the "),
        looked.join(", ")
    )))
}

fn cuda(wanted: &Wanted, look: &Look<'_>) -> Result<Settled> {
    let mut places = vec![("AMDAHL_CUDA_PLUGIN".to_string(), path(look, "AMDAHL_CUDA_PLUGIN"))];
    for root in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        let Some(root) = path(look, root) else { continue };
        for python in (look.list)(&root.join("lib")) {
            for version in ["xla_cuda13", "xla_cuda12"] {
                let file = python
                    .join("site-packages/jax_plugins")
                    .join(version)
                    .join("xla_cuda_plugin.so");
                places.push(("package jax-cuda13-pjrt or jax-cuda12-pjrt".into(), Some(file)));
            }
        }
    }
    let hint = "install it: pip install jax-cuda13-pjrt, in a virtual environment that is active; or name the file in AMDAHL_CUDA_PLUGIN";
    let plugin = found(wanted, look, "PJRT plugin for CUDA", places).map_err(|e| e.hint(hint))?;
    // Memory is taken as it is needed, so that ranks can share a GPU.
    Ok(Settled {
        plugin,
        set: Vec::new(),
        options: vec![("preallocate".into(), Choice::Truth(false))],
    })
}

fn trainium(wanted: &Wanted, look: &Look<'_>) -> Result<Settled> {
    let refuse = |variable: &str, value: &str, why: &str| {
        Error::unavailable(format!("{variable}={value} is set: {why}"))
            .hint(format!("unset {variable}"))
    };
    let variable = |name: &str| (look.variable)(name).filter(|value| !value.is_empty());
    let on = |value: &str| !matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "off");
    if let Some(value) = variable("NEURON_RUN_TRIVIAL_COMPUTATION_ON_CPU").filter(|value| on(value))
    {
        let name = "NEURON_RUN_TRIVIAL_COMPUTATION_ON_CPU";
        return Err(refuse(name, &value, "the plugin would run these programs on the processor"));
    }
    if let Some(value) = variable("NEURON_RT_STOCHASTIC_ROUNDING_EN").filter(|value| on(value)) {
        return Err(refuse(
            "NEURON_RT_STOCHASTIC_ROUNDING_EN",
            &value,
            "answers would not be the same twice",
        ));
    }
    let flags = variable("NEURON_CC_FLAGS").unwrap_or_default();
    let cast = flags
        .split_whitespace()
        .find(|flag| flag.starts_with("--auto-cast=") && *flag != "--auto-cast=none");
    if let Some(cast) = cast.filter(|_| wanted.full_precision) {
        return Err(refuse(
            "NEURON_CC_FLAGS",
            &flags,
            &format!("{cast} would compute in less than f32"),
        ));
    }
    let file = "libneuronpjrt.so";
    let inside = |path: PathBuf| {
        if path.extension().is_some_and(|e| e == "so") { path } else { path.join(file) }
    };
    let named = path(look, "NEURON_LIBRARY_PATH").map(inside);
    let mut places = vec![("NEURON_LIBRARY_PATH".to_string(), named)];
    let printed =
        (look.program)("libneuronpjrt-path").map(|text| PathBuf::from(text.trim())).map(inside);
    places.push(("the program libneuronpjrt-path".into(), printed));
    let hint = "on a Trainium instance: activate the Neuron environment, which has libneuronxla; see docs/trainium.md";
    let plugin = found(wanted, look, "Neuron plugin (libneuronpjrt.so)", places)
        .map_err(|e| e.hint(hint))?;
    if !(look.has_program)("neuronx-cc") {
        let error = Error::unavailable(
            "there is no neuronx-cc on the search path: the plugin compiles programs with it",
        );
        return Err(error.hint(hint));
    }
    let mut set = vec![(
        "NEURON_RT_VISIBLE_CORES".to_string(),
        core(wanted, variable("NEURON_RT_VISIBLE_CORES"))?,
    )];
    if !flags.contains("--auto-cast") {
        set.push(("NEURON_CC_FLAGS".into(), format!("{flags} --auto-cast=none").trim().into()));
    }
    set.push(("NEURON_RT_STOCHASTIC_ROUNDING_EN".into(), "0".into()));
    Ok(Settled { plugin, set, options: Vec::new() })
}

/// The core of this rank: one of those that the user allows (`0-3`, `2,5`), else that of its number
/// on the node.
fn core(wanted: &Wanted, allowed: Option<String>) -> Result<String> {
    let Some(allowed) = allowed else { return Ok(wanted.local.to_string()) };
    let mut cores: Vec<usize> = Vec::new();
    for part in allowed.split(',') {
        let (first, last) = part.trim().split_once('-').unwrap_or((part.trim(), part.trim()));
        match (first.parse::<usize>(), last.parse::<usize>()) {
            (Ok(first), Ok(last)) if first <= last && last - first < 4096 => {
                cores.extend(first..=last)
            }
            _ => {
                let message = format!(
                    "NEURON_RT_VISIBLE_CORES={allowed} is no list of cores such as 0-3 or 2,5"
                );
                return Err(Error::unavailable(message));
            }
        }
    }
    cores.get(wanted.local).map(usize::to_string).ok_or_else(|| {
        let (count, ranks) = (cores.len(), wanted.count.max(wanted.local + 1));
        Error::unavailable(format!(
            "{ranks} ranks on this node, and NEURON_RT_VISIBLE_CORES={allowed} allows {count} cores"
        ))
        .hint("a core belongs to one rank: start fewer ranks, or allow more cores")
    })
}

/// Is this the platform that was asked for, by the device's own name?
pub fn is_platform(wanted: Platform, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    match wanted {
        Platform::Any => true,
        Platform::Reference => name == "amdahl-reference",
        Platform::XlaCpu => name == "cpu",
        Platform::Cuda => name.contains("cuda") || name.contains("gpu"),
        Platform::Trainium => name.contains("neuron") || name.contains("trainium"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Settles with these variables and files, and these programs with what they print.
    fn with(
        wanted: &Wanted,
        variables: &[(&str, &str)],
        files: &[&str],
        programs: &[(&str, &str)],
    ) -> Result<Settled> {
        let of = |list: &[(&str, &str)], name: &str| {
            list.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string())
        };
        settle(
            wanted,
            &Look {
                variable: &|name| of(variables, name),
                is_file: &|path| files.iter().any(|file| Path::new(file) == path),
                list: &|folder| vec![folder.join("python3.12")],
                program: &|name| of(programs, name),
                has_program: &|name| of(programs, name).is_some(),
                beside: vec!["/t/bin".into()],
                installed: vec!["/t/devices".into()],
            },
        )
    }

    fn wanted(platform: Platform, local: usize) -> Wanted {
        Wanted { platform, local, count: local + 1, full_precision: true, plugin: None }
    }

    const NEURON: &[(&str, &str)] =
        &[("neuronx-cc", ""), ("libneuronpjrt-path", "/n/libneuronpjrt.so\n")];
    const FILES: &[&str] = &["/n/libneuronpjrt.so", "/t/bin/libamdahl_reference.so", "/p.so"];

    #[test]
    fn trainium_gets_a_core_a_rank_and_no_casts() {
        let settled =
            with(&wanted(Platform::Trainium, 3), &[], FILES, NEURON).expect("all is there");
        assert_eq!(settled.plugin, Path::new("/n/libneuronpjrt.so"));
        let set: Vec<String> =
            settled.set.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            set,
            [
                "NEURON_RT_VISIBLE_CORES=3",
                "NEURON_CC_FLAGS=--auto-cast=none",
                "NEURON_RT_STOCHASTIC_ROUNDING_EN=0"
            ]
        );
        let own = [
            ("NEURON_LIBRARY_PATH", "/n"),
            ("NEURON_CC_FLAGS", "-O1"),
            ("NEURON_RT_VISIBLE_CORES", "4-5,9"),
        ];
        let settled =
            with(&wanted(Platform::Trainium, 2), &own, FILES, NEURON).expect("all is there");
        assert_eq!(settled.set[0].1, "9");
        assert_eq!(settled.set[1].1, "-O1 --auto-cast=none");
    }

    #[test]
    fn trainium_refuses_what_would_make_its_numbers_untrue() {
        let refused = |variables: &[(&str, &str)], local| {
            with(&wanted(Platform::Trainium, local), variables, FILES, NEURON)
                .expect_err("refused")
                .to_string()
        };
        assert!(
            refused(&[("NEURON_RUN_TRIVIAL_COMPUTATION_ON_CPU", "1")], 0)
                .contains("on the processor")
        );
        assert!(
            refused(&[("NEURON_RT_STOCHASTIC_ROUNDING_EN", "1")], 0).contains("the same twice")
        );
        assert!(refused(&[("NEURON_CC_FLAGS", "--auto-cast=all")], 0).contains("less than f32"));
        assert!(refused(&[("NEURON_RT_VISIBLE_CORES", "0-1")], 2).contains("3 ranks on this node"));
        assert!(refused(&[("NEURON_RT_VISIBLE_CORES", "all")], 0).contains("no list of cores"));
        let half = Wanted { full_precision: false, ..wanted(Platform::Trainium, 0) };
        assert!(with(&half, &[("NEURON_CC_FLAGS", "--auto-cast=all")], FILES, NEURON).is_ok());
    }

    #[test]
    fn what_was_looked_for_is_said() {
        let error = with(&wanted(Platform::Trainium, 0), &[], &[], &[]).expect_err("nothing there");
        assert_eq!(error.kind, amdahl_record::error::Kind::Unavailable);
        let text = error.to_string();
        assert!(
            text.contains("NEURON_LIBRARY_PATH (it says nothing), the program libneuronpjrt-path"),
            "{text}"
        );
        let error = with(&wanted(Platform::Trainium, 0), &[], FILES, &NEURON[1..])
            .expect_err("no compiler");
        assert!(error.message.contains("neuronx-cc"), "{error}");
        let virtual_environment = [("VIRTUAL_ENV", "/v")];
        let text = with(&wanted(Platform::Cuda, 0), &virtual_environment, &[], &[])
            .expect_err("nothing")
            .to_string();
        assert!(
            text.contains(
                "/v/lib/python3.12/site-packages/jax_plugins/xla_cuda13/xla_cuda_plugin.so"
            ),
            "{text}"
        );
        let text =
            with(&wanted(Platform::Any, 0), &[], FILES, &[]).expect_err("not named").to_string();
        assert!(text.contains(PLUGIN), "{text}");
        let text = with(&wanted(Platform::Any, 0), &[(PLUGIN, "/no.so")], FILES, &[])
            .expect_err("no file")
            .to_string();
        assert!(text.contains("/no.so"), "{text}");
        let text = with(&wanted(Platform::Reference, 0), &[], &[], &[])
            .expect_err("not built")
            .to_string();
        assert!(
            text.contains("/t/bin/libamdahl_reference.so") && text.contains("make build"),
            "{text}"
        );
        let text =
            with(&wanted(Platform::XlaCpu, 0), &[], FILES, &[]).expect_err("none").to_string();
        let places = "AMDAHL_XLA_CPU_PLUGIN (it says nothing), \
             /t/devices/xla-cpu/pjrt_c_api_cpu_plugin.so (make devices)";
        assert!(text.contains(places) && text.contains("install it: make devices"), "{text}");
    }

    #[test]
    fn plugins_are_found_by_name_or_beside_the_worker() {
        let plugin = |wanted: &Wanted, variables: &[(&str, &str)], files: &[&str]| {
            with(wanted, variables, files, &[]).expect("found").plugin
        };
        assert_eq!(
            plugin(&wanted(Platform::Any, 0), &[(PLUGIN, "/p.so")], FILES),
            Path::new("/p.so")
        );
        let named = Wanted { plugin: Some("/p.so".into()), ..wanted(Platform::Reference, 0) };
        assert_eq!(plugin(&named, &[], FILES), Path::new("/p.so"));
        assert_eq!(
            plugin(&wanted(Platform::Reference, 0), &[], FILES),
            Path::new("/t/bin/libamdahl_reference.so")
        );
        let installed = "/t/devices/xla-cpu/pjrt_c_api_cpu_plugin.so";
        let own = [("AMDAHL_XLA_CPU_PLUGIN", "/p.so")];
        let xla = wanted(Platform::XlaCpu, 0);
        assert_eq!(plugin(&xla, &[], &[installed]), Path::new(installed));
        assert_eq!(plugin(&xla, &own, &[installed, "/p.so"]), Path::new("/p.so"));
        let package = "/v/lib/python3.12/site-packages/jax_plugins/xla_cuda12/xla_cuda_plugin.so";
        assert_eq!(
            plugin(&wanted(Platform::Cuda, 0), &[("VIRTUAL_ENV", "/v")], &[package]),
            Path::new(package)
        );
    }

    #[test]
    fn nothing_but_a_neuron_device_is_trainium() {
        for other in ["amdahl-reference", "cpu", "cuda", "gpu", ""] {
            assert!(!is_platform(Platform::Trainium, other), "{other}");
        }
        assert!(is_platform(Platform::Trainium, "neuron") && is_platform(Platform::Cuda, "CUDA"));
        assert!(
            !is_platform(Platform::Reference, "neuron") && is_platform(Platform::Any, "whatever")
        );
        assert!(is_platform(Platform::XlaCpu, "cpu"));
        for other in ["amdahl-reference", "cuda", "neuron", ""] {
            assert!(!is_platform(Platform::XlaCpu, other), "{other}");
        }
    }
}
