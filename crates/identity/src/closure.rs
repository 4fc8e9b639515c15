//! The crates of the workspace that a program links, along the paths in their `Cargo.toml`.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use crate::modules::normal;
use crate::{Result, table};

/// The crates that a program links, by folder.
pub struct Closure {
    program: PathBuf,
    crates: BTreeMap<PathBuf, Member>,
}

/// A crate of the workspace.
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its folder, from the top of the workspace.
    pub folder: PathBuf,
    /// The edition of Rust that it is written in.
    pub edition: String,
    /// Files of it that do not decide.
    pub explains: BTreeSet<String>,
    /// The workload that it is a part of.
    pub workload: Option<String>,
    /// Its features, a line each.
    pub features: Vec<String>,
    decides: bool,
    used: Vec<Used>,
}

/// What a crate declares of itself: `[package.metadata.amdahl]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    #[serde(default = "yes")]
    decides: bool,
    #[serde(default)]
    explains: BTreeSet<String>,
    workload: Option<String>,
}

fn yes() -> bool {
    true
}

impl Closure {
    /// The crates that the package in this folder of the workspace links, itself included. What a
    /// crate that decides nothing depends on is not followed.
    pub fn of(root: &Path, program: &Path) -> Result<Closure> {
        let workspace = table(&root.join("Cargo.toml"))?;
        let mut crates = BTreeMap::new();
        let mut waiting = vec![program.to_path_buf()];
        while let Some(folder) = waiting.pop() {
            if let Entry::Vacant(place) = crates.entry(folder.clone()) {
                let member = Member::read(root, &folder, &workspace)?;
                if member.decides {
                    waiting.extend(member.used.iter().filter_map(|used| used.folder.clone()));
                }
                place.insert(member);
            }
        }
        Ok(Closure { program: program.into(), crates })
    }

    /// The crates that decide, by name; with a workload, those that its cells are computed by.
    pub fn members(&self, workload: Option<&str>) -> Vec<&Member> {
        let mut found = BTreeMap::new();
        let mut waiting = vec![&self.program];
        while let Some(folder) = waiting.pop() {
            let member = &self.crates[folder];
            let elsewhere = workload.is_some()
                && member.workload.is_some()
                && member.workload.as_deref() != workload;
            if member.decides && !elsewhere && found.insert(&member.name, member).is_none() {
                waiting.extend(member.used.iter().filter_map(|used| used.folder.as_ref()));
            }
        }
        found.into_values().collect()
    }

    /// The crates that are declared not to decide.
    pub fn others(&self) -> impl Iterator<Item = &Member> {
        self.crates.values().filter(|member| !member.decides)
    }
}

impl Member {
    fn read(root: &Path, folder: &Path, workspace: &Table) -> Result<Member> {
        let path = root.join(folder).join("Cargo.toml");
        let manifest = table(&path)?;
        let fail = |why: String| format!("{}: {why}", path.display());
        let text = |value: Option<&Value>, what: &str| {
            value
                .and_then(Value::as_str)
                .map(String::from)
                .ok_or_else(|| fail(format!("no {what}")))
        };
        let package = manifest.get("package").ok_or_else(|| fail("no package".into()))?;
        let edition = match package.get("edition") {
            Some(Value::Table(_)) => lookup(workspace, &["workspace", "package", "edition"]),
            own => own,
        };
        let declared = match package.get("metadata").and_then(|metadata| metadata.get("amdahl")) {
            Some(declared) => declared.clone().try_into().map_err(|e| fail(e.to_string()))?,
            None => Declared { decides: true, explains: BTreeSet::new(), workload: None },
        };
        let named = |target: &Value| target.get("path").is_some();
        let bins = manifest.get("bin").and_then(Value::as_array).into_iter().flatten();
        if manifest.get("lib").into_iter().chain(bins).any(named) {
            return Err(fail("a root that is named by 'path' is not looked for".into()));
        }
        let mut kinds = vec!["dependencies"];
        // What only generates code, or facts, decides where its code does.
        if root.join(folder).join("build.rs").is_file() && !declared.explains.contains("build.rs") {
            kinds.push("build-dependencies");
        }
        let targets = manifest.get("target").and_then(Value::as_table).into_iter().flatten();
        let tables = targets.map(|(_, target)| target).filter_map(Value::as_table);
        let mut used = Vec::new();
        for table in std::iter::once(&manifest).chain(tables) {
            for kind in &kinds {
                let entries = table.get(*kind).and_then(Value::as_table).into_iter().flatten();
                for (name, value) in entries {
                    used.push(Used::resolve(name, value, folder, workspace).map_err(fail)?);
                }
            }
        }
        let features = manifest.get("features").and_then(Value::as_table).into_iter().flatten();
        let features = features.map(|(name, on)| format!("{name} = {}", words(Some(on)).join(" ")));
        Ok(Member {
            name: text(package.get("name"), "name")?,
            folder: folder.into(),
            edition: text(edition, "edition")?,
            explains: declared.explains,
            workload: declared.workload,
            features: features.collect(),
            decides: declared.decides,
            used,
        })
    }

    /// What it depends on, a line each: of the workspace's crates those that are there.
    pub fn uses(&self, is_there: &impl Fn(&PathBuf) -> bool) -> impl Iterator<Item = String> {
        let is_meant = |used: &&Used| used.folder.as_ref().is_none_or(is_there);
        let lines: BTreeSet<String> = self.used.iter().filter(is_meant).map(Used::line).collect();
        lines.into_iter()
    }

    /// Names of the packages from elsewhere that it depends on.
    pub fn packages(&self) -> impl Iterator<Item = &String> {
        self.used.iter().filter(|used| used.folder.is_none()).map(|used| &used.package)
    }
}

/// A dependency.
struct Used {
    /// How the crate calls it.
    name: String,
    /// The package's name.
    package: String,
    /// Its folder from the top of the workspace, where it is a crate of ours.
    folder: Option<PathBuf>,
    features: Vec<String>,
    default_features: bool,
    is_optional: bool,
}

impl Used {
    fn resolve(name: &str, value: &Value, folder: &Path, workspace: &Table) -> Result<Used> {
        let own = value.as_table().cloned().unwrap_or_default();
        let is_shared = own.get("workspace").and_then(Value::as_bool) == Some(true);
        let (base, from) = if is_shared {
            let shared = lookup(workspace, &["workspace", "dependencies", name])
                .ok_or_else(|| format!("the workspace has no dependency '{name}'"))?;
            (shared.as_table().cloned().unwrap_or_default(), Path::new(""))
        } else {
            (own.clone(), folder)
        };
        let flag = |table: &Table, key: &str| table.get(key).and_then(Value::as_bool);
        let mut features = [words(base.get("features")), words(own.get("features"))].concat();
        features.sort();
        features.dedup();
        let text = |key: &str| base.get(key).and_then(Value::as_str);
        Ok(Used {
            name: name.into(),
            package: text("package").unwrap_or(name).into(),
            folder: text("path").map(|path| normal(&from.join(path))),
            features,
            default_features: flag(&base, "default-features").unwrap_or(true),
            is_optional: flag(&own, "optional").unwrap_or(false),
        })
    }

    fn line(&self) -> String {
        let mut line = format!("{} {}", self.name, self.features.join(" "));
        for (is_so, word) in [(!self.default_features, "lean"), (self.is_optional, "optional")] {
            if is_so {
                line = format!("{line} ({word})");
            }
        }
        line
    }
}

fn words(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(String::from).collect()
}

/// The value at the end of these keys.
pub fn lookup<'a>(table: &'a Table, keys: &[&str]) -> Option<&'a Value> {
    let (first, rest) = keys.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(key))
}
