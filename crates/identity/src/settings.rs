//! What else makes machine code of sources: the compiler, its flags, the profile.

use std::path::Path;
use std::process::Command;

use toml::{Table, Value};

use crate::closure::lookup;
use crate::{Result, table};

/// How a program is compiled. A worker says these words of itself too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The compiler's version line.
    pub compiler: String,
    /// Flags given to the compiler beside the profile's.
    pub flags: String,
    /// Profile, level of optimisation, target, and variables that change the profile.
    pub profile: String,
}

impl Settings {
    /// Those of the package whose build script this is.
    pub fn from_environment() -> Settings {
        let compiler = Command::new(variable("RUSTC")).arg("--version").output();
        let compiler =
            compiler.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
        let mut profile = format!(
            "{} opt-level {} {}",
            variable("PROFILE"),
            variable("OPT_LEVEL"),
            variable("TARGET")
        );
        let mut overrides: Vec<(String, String)> =
            std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PROFILE_")).collect();
        overrides.sort();
        for (name, value) in overrides {
            profile.push_str(&format!(" {name}={value}"));
        }
        Settings {
            compiler: compiler.unwrap_or_default(),
            // Flags arrive separated by an unprintable character, so that they may hold spaces.
            flags: variable("CARGO_ENCODED_RUSTFLAGS").replace('\u{1f}', " "),
            profile,
        }
    }

    /// All of it, and what the workspace's profile says of all packages and of those that `concerns`
    /// names, a line each.
    pub fn lines(&self, root: &Path, concerns: &dyn Fn(&str) -> bool) -> Result<Vec<String>> {
        if self.compiler.is_empty() {
            return Err("the compiler does not say its version".into());
        }
        let mut lines = vec![
            format!("compiler {}", self.compiler),
            format!("flags {}", self.flags),
            format!("profile {}", self.profile),
        ];
        let name = match self.profile.split(' ').next() {
            Some("debug") => "dev",
            name => name.unwrap_or_default(),
        };
        let workspace = table(&root.join("Cargo.toml"))?;
        let profile = lookup(&workspace, &["profile", name]).and_then(Value::as_table);
        let packages = profile.and_then(|profile| profile.get("package")).and_then(Value::as_table);
        let for_programs = |table: &Table| {
            let mut table = table.clone();
            // These are for build scripts.
            table.retain(|key, _| key != "package" && key != "build-override");
            table
        };
        if let Some(profile) = profile {
            lines.extend(said("*all*", &for_programs(profile)));
        }
        for (package, settings) in packages.into_iter().flatten() {
            // The name may be followed by a version.
            let name = package.split(['@', ':']).next().unwrap_or_default();
            if let Some(settings) = settings.as_table().filter(|_| package == "*" || concerns(name))
            {
                lines.extend(said(package, settings));
            }
        }
        Ok(lines)
    }
}

fn said(package: &str, settings: &Table) -> Vec<String> {
    let mut lines: Vec<String> = settings
        .iter()
        .map(|(key, value)| format!("profile of {package}: {key} = {value}"))
        .collect();
    lines.sort();
    lines
}

/// A variable of the environment, empty where it is not set.
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
