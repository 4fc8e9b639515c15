//! The crates of the workspace that a program links, along the paths in their `Cargo.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use crate::modules::normal;
use crate::{Crates, Result, table};

/// The crates that a program links.
pub struct Closure {
    /// Those that decide, by name.
    pub deciding: Vec<Member>,
    /// Folders of the others, by name.
    others: BTreeMap<String, PathBuf>,
}

/// A crate of the workspace.
#[derive(Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its folder, from the top of the workspace.
    pub folder: PathBuf,
    /// The edition of Rust that it is written in.
    pub edition: String,
    /// Files of it that do not decide.
    pub explains: BTreeSet<String>,
    /// Its features, a line each.
    pub features: Vec<String>,
    /// What it depends on, a line each; crates of the workspace that do not decide are left out.
    pub dependencies: Vec<String>,
    /// Names of the packages from elsewhere that it depends on.
    pub packages: BTreeSet<String>,
}

/// What a crate declares of itself: `[package.metadata.amdahl]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    #[serde(default = "yes")]
    decides: bool,
    #[serde(default)]
    explains: BTreeSet<String>,
}

fn yes() -> bool {
    true
}

impl Closure {
    /// The crates that the package in this folder of the workspace links, itself included.
    pub fn of(root: &Path, package: &str) -> Result<Closure> {
        let workspace = table(&root.join("Cargo.toml"))?;
        let mut read = BTreeMap::new();
        let mut waiting = vec![PathBuf::from(package)];
        while let Some(folder) = waiting.pop() {
            if !read.contains_key(&folder) {
                let manifest = Manifest::read(root, &folder, &workspace)?;
                if manifest.declared.decides {
                    waiting.extend(manifest.used.iter().filter_map(|used| used.folder.clone()));
                }
                read.insert(folder, manifest);
            }
        }
        let decides = |folder: &PathBuf| read[folder].declared.decides;
        let mut closure = Closure { deciding: Vec::new(), others: BTreeMap::new() };
        for (folder, manifest) in &read {
            if !decides(folder) {
                closure.others.insert(manifest.name.clone(), folder.clone());
                continue;
            }
            let mut lines: Vec<String> = manifest
                .used
                .iter()
                .filter(|used| used.folder.as_ref().is_none_or(decides))
                .map(Used::line)
                .collect();
            lines.sort();
            let elsewhere = manifest.used.iter().filter(|used| used.folder.is_none());
            closure.deciding.push(Member {
                name: manifest.name.clone(),
                folder: folder.clone(),
                edition: manifest.edition.clone(),
                explains: manifest.declared.explains.clone(),
                features: manifest.features.clone(),
                dependencies: lines,
                packages: elsewhere.map(|used| used.package.clone()).collect(),
            });
        }
        closure.deciding.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(closure)
    }

    /// The names of the crates.
    pub fn crates(&self) -> Crates {
        Crates {
            deciding: self
                .deciding
                .iter()
                .map(|member| (member.name.clone(), member.folder.clone()))
                .collect(),
            others: self.others.clone(),
        }
    }

    /// Files and folders of the crates whose change may change the digest.
    pub fn watched(&self) -> BTreeSet<PathBuf> {
        let deciding = self.deciding.iter().map(|member| &member.folder);
        let manifests =
            deciding.chain(self.others.values()).map(|folder| folder.join("Cargo.toml"));
        let sources = self.deciding.iter().map(|member| member.folder.join("src"));
        let workspace = ["Cargo.toml", "Cargo.lock"].map(PathBuf::from);
        manifests.chain(sources).chain(workspace).collect()
    }
}

/// What a `Cargo.toml` says that matters here.
struct Manifest {
    name: String,
    edition: String,
    declared: Declared,
    features: Vec<String>,
    used: Vec<Used>,
}

impl Manifest {
    fn read(root: &Path, folder: &Path, workspace: &Table) -> Result<Manifest> {
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
            None => Declared { decides: true, explains: BTreeSet::new() },
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
        Ok(Manifest {
            name: text(package.get("name"), "name")?,
            edition: text(edition, "edition")?,
            declared,
            features: features
                .map(|(name, on)| format!("{name} = {}", words(Some(on)).join(" ")))
                .collect(),
            used,
        })
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
