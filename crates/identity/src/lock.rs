//! `Cargo.lock`: the packages from elsewhere, by version and checksum.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use serde::Deserialize;

use crate::Result;
use crate::closure::Member;

/// The file.
#[derive(Debug, Deserialize)]
pub struct Lock {
    package: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// A package from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    /// Its name.
    pub name: String,
    version: String,
    /// The checksum of what was downloaded, or the place and revision that it comes from.
    contents: String,
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.version, self.contents)
    }
}

impl Lock {
    /// Reads that of the workspace.
    pub fn read(root: &Path) -> Result<Lock> {
        let path = root.join("Cargo.lock");
        toml::from_str(&crate::read(&path)?).map_err(|e| format!("{}: {e}", path.display()))
    }

    /// The packages that these crates use, and those that they use in turn.
    pub fn closure(&self, members: &[&Member]) -> Result<BTreeSet<Package>> {
        let mut waiting = Vec::new();
        for member in members {
            // Dependencies of all kinds stand there, those of tests too.
            let all = &self.entry(&member.name)?.dependencies;
            for package in member.packages() {
                let of_it = |line: &&String| line.split(' ').next() == Some(package);
                let before = waiting.len();
                waiting.extend(all.iter().filter(of_it));
                if waiting.len() == before {
                    let name = &member.name;
                    return Err(format!("Cargo.lock does not say which {package} {name} uses"));
                }
            }
        }
        let mut found = BTreeSet::new();
        while let Some(line) = waiting.pop() {
            let entry = self.entry(line)?;
            let contents = entry.checksum.as_ref().or(entry.source.as_ref()).ok_or_else(|| {
                format!(
                    "Cargo.lock has no checksum of {}: its sources are not looked at",
                    entry.name
                )
            })?;
            let package = Package {
                name: entry.name.clone(),
                version: entry.version.clone(),
                contents: contents.clone(),
            };
            if found.insert(package) {
                waiting.extend(&entry.dependencies);
            }
        }
        Ok(found)
    }

    /// The entry that a line such as `name`, `name 1.0.0` or `name 1.0.0 (source)` means.
    fn entry(&self, line: &str) -> Result<&Entry> {
        let mut words = line.split(' ');
        let (name, version) = (words.next().unwrap_or_default(), words.next());
        let is_meant = |entry: &&Entry| {
            entry.name == name && version.is_none_or(|version| entry.version == version)
        };
        self.package
            .iter()
            .find(is_meant)
            .ok_or_else(|| format!("Cargo.lock has no entry '{line}'"))
    }
}
