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
//! ```
//!
//! This crate is for build scripts. Its tests, and those in `tests/identity.rs`, compute the digest
//! of changed copies of the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

mod closure;
mod lock;
mod modules;
pub mod script;
mod settings;
pub mod tokens;

pub use settings::Settings;

/// Why something cannot be told: file and reason.
pub type Result<T> = std::result::Result<T, String>;

/// A program's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The first 64 bits of the SHA-256 of `text`, in hexadecimal.
    pub id: String,
    /// The same of the part of `text` that tells sources, not settings of the compiler.
    pub sources: String,
    /// All that the id is made of, a line each.
    pub text: String,
    /// Names of the workspace's crates that decide, and of those that are declared not to.
    pub crates: Crates,
    /// Files that count, from the top of the workspace.
    pub files: BTreeSet<PathBuf>,
    /// Files of the deciding crates that do not: those that are declared, and what they alone lead
    /// to.
    pub left_out: BTreeSet<PathBuf>,
    /// Files and folders whose change may change the id, from the top of the workspace.
    pub watched: BTreeSet<PathBuf>,
}

/// The workspace's crates that a program links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crates {
    /// Folders of those that decide, by name.
    pub deciding: BTreeMap<String, PathBuf>,
    /// Those that are declared not to. What they alone depend on is not looked at.
    pub others: BTreeMap<String, PathBuf>,
}

/// The identity of the package in the folder `package` of the workspace at `root`, compiled with
/// these settings.
///
/// # Errors
/// Says which file cannot be read or understood.
pub fn identity(root: &Path, package: &str, settings: &Settings) -> Result<Identity> {
    let closure = closure::Closure::of(root, package)?;
    let mut lines = Vec::new();
    let (mut files, mut left_out) = (BTreeSet::new(), BTreeSet::new());
    for member in &closure.deciding {
        lines.push(format!("crate {} edition {}", member.name, member.edition));
        lines.extend(member.features.iter().map(|feature| format!("  feature {feature}")));
        lines.extend(member.dependencies.iter().map(|used| format!("  uses {used}")));
        let found = modules::files(root, &member.folder, &member.explains)?;
        for file in found.deciding {
            lines.push(format!("  {} {}", file.name, file.digest));
            files.insert(file.path);
        }
        left_out.extend(found.others);
    }
    let packages = lock::Lock::read(root)?.closure(&closure)?;
    lines.extend(packages.iter().map(|package| format!("package {package}")));
    let sources = lines.join("\n");
    let names: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    lines.extend(settings.lines(root, &|name| {
        names.contains(name) || closure.deciding.iter().any(|member| member.name == name)
    })?);
    let text = lines.join("\n") + "\n";
    let mut watched = closure.watched();
    // Folders of sources are watched already; a file that they include may lie elsewhere.
    let elsewhere = |file: &&PathBuf| !watched.iter().any(|folder| file.starts_with(folder));
    let included: Vec<PathBuf> = files.iter().filter(elsewhere).cloned().collect();
    watched.extend(included);
    Ok(Identity {
        id: short_hash(text.as_bytes()),
        sources: short_hash(sources.as_bytes()),
        text,
        crates: closure.crates(),
        files,
        left_out,
        watched,
    })
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
