//! What a worker is made of: the part of a record's key that says which code measured.
//!
//! A result is measured anew when code that decides an answer or a time has changed, and only then.
//! So a worker is known by a digest of its sources rather than of its executable, which holds the
//! folder it was built in, the lines of its comments (a panic names them) and code for people.
//!
//! What counts: the tokens of the workspace's crates that the worker links, without comments, the
//! text of documentation and tests; files that they include; versions and checksums of other
//! crates; the compiler, its flags, and the profile. What does not is declared by the crate itself,
//! in its `Cargo.toml`:
//!
//! ```toml
//! [package.metadata.amdahl]
//! decides = false                    # nothing in this crate decides an answer or a time
//! explains = ["src/reading.rs"]      # or: these files do not
//! workload = "stream"                # it counts for cells of this workload alone
//! ```
//!
//! So a workload that is added or changed has no other measured anew. This crate is for build
//! scripts; `tests/identity.rs` computes the digests of changed copies of the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

mod closure;
mod lock;
mod modules;
pub mod script;
mod settings;
pub mod tokens;

use closure::Closure;
use lock::Lock;
use modules::Files;
pub use settings::Settings;

/// Why something cannot be told: file and reason.
pub type Result<T> = std::result::Result<T, String>;

/// All that a program may be made of: of the workspace what it links, and `Cargo.lock`.
pub struct Sources {
    root: PathBuf,
    closure: Closure,
    files: BTreeMap<PathBuf, Files>,
    lock: Lock,
}

/// What a program is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The first 64 bits of the SHA-256 of `text`, in hexadecimal.
    pub id: String,
    /// The same of the part of `text` that tells sources, not settings of the compiler.
    pub sources: String,
    /// All that the id is made of, a line each.
    pub text: String,
    /// Files that count, from the top of the workspace.
    pub files: BTreeSet<PathBuf>,
}

impl Sources {
    /// Reads the sources of the package in the folder `package` of the workspace at `root`.
    ///
    /// # Errors
    /// Says which file cannot be read or understood.
    pub fn read(root: &Path, package: &str) -> Result<Sources> {
        let closure = Closure::of(root, Path::new(package))?;
        let mut files = BTreeMap::new();
        for member in closure.members(None) {
            let found = modules::files(root, &member.folder, &member.explains)?;
            files.insert(member.folder.clone(), found);
        }
        Ok(Sources { root: root.into(), closure, files, lock: Lock::read(root)? })
    }

    /// The workloads that have an identity of their own.
    pub fn workloads(&self) -> BTreeSet<&str> {
        self.closure.members(None).into_iter().filter_map(|m| m.workload.as_deref()).collect()
    }

    /// The identity of the program, for cells of this workload or for all.
    ///
    /// # Errors
    /// Says what `Cargo.lock` lacks, or that the compiler is not known.
    pub fn identity(&self, workload: Option<&str>, settings: &Settings) -> Result<Identity> {
        let members = self.closure.members(workload);
        let is_there = |folder: &PathBuf| members.iter().any(|member| member.folder == *folder);
        let mut lines = Vec::new();
        let mut files = BTreeSet::new();
        for member in &members {
            lines.push(format!("crate {} edition {}", member.name, member.edition));
            lines.extend(member.features.iter().map(|feature| format!("  feature {feature}")));
            lines.extend(member.uses(&is_there).map(|used| format!("  uses {used}")));
            for file in &self.files[&member.folder].deciding {
                lines.push(format!("  {} {}", file.name, file.digest));
                files.insert(file.path.clone());
            }
        }
        let packages = self.lock.closure(&members)?;
        lines.extend(packages.iter().map(|package| format!("package {package}")));
        let sources = lines.join("\n");
        let is_used = |name: &str| {
            packages.iter().any(|package| package.name == name)
                || members.iter().any(|member| member.name == name)
        };
        lines.extend(settings.lines(&self.root, &is_used)?);
        let text = lines.join("\n") + "\n";
        Ok(Identity {
            id: short_hash(text.as_bytes()),
            sources: short_hash(sources.as_bytes()),
            text,
            files,
        })
    }

    /// Folders of the crates that are declared not to decide, by name. What they alone depend on is
    /// not looked at.
    pub fn others(&self) -> BTreeMap<&str, &Path> {
        let others = self.closure.others();
        others.map(|member| (member.name.as_str(), member.folder.as_path())).collect()
    }

    /// Folders of the crates that decide, by name.
    pub fn deciding(&self) -> BTreeMap<&str, &Path> {
        let members = self.closure.members(None).into_iter();
        members.map(|member| (member.name.as_str(), member.folder.as_path())).collect()
    }

    /// Files of the deciding crates that are declared not to, from the top of the workspace.
    pub fn left_out(&self) -> BTreeSet<&Path> {
        self.files.values().flat_map(|files| &files.others).map(PathBuf::as_path).collect()
    }

    /// Files and folders whose change may change an identity, from the top of the workspace.
    pub fn watched(&self) -> BTreeSet<PathBuf> {
        let mut watched: BTreeSet<PathBuf> =
            ["Cargo.toml", "Cargo.lock"].iter().map(PathBuf::from).collect();
        for member in self.closure.others().chain(self.closure.members(None)) {
            watched.insert(member.folder.join("Cargo.toml"));
        }
        for member in self.closure.members(None) {
            let folder = member.folder.join("src");
            // A file that they include may lie elsewhere.
            let files = self.files[&member.folder].deciding.iter().map(|file| &file.path);
            watched.extend(files.filter(|file| !file.starts_with(&folder)).cloned());
            watched.insert(folder);
        }
        watched
    }
}

/// The first 64 bits of the SHA-256, in hexadecimal.
fn short_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn table(path: &Path) -> Result<toml::Table> {
    read(path)?.parse().map_err(|e| format!("{}: {e}", path.display()))
}
