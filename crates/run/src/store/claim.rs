//! Claims: who measures what, so that two sweeps can share a folder.
//!
//! A claim is a lock on a file, held by the kernel for the process that measures: it dies with its
//! process, however that dies, and there is nothing to clean up. The file itself stays and means
//! nothing.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use amdahl_record::Key;
use amdahl_record::cell::{canonical, short_hash};
use amdahl_record::error::{Error, Result};
use amdahl_record::simulation::Caches;

/// The right to measure a key, until it is dropped.
#[derive(Debug)]
#[must_use = "a claim ends when it is dropped"]
pub struct Claim(Option<File>);

/// Claims `key` in the results folder. `None` when another sweep has it.
///
/// Where the file system knows no locks, everything is granted: there two sweeps must not share a
/// folder.
pub fn claim(folder: &Path, key: &Key) -> Result<Option<Claim>> {
    let name = format!("{}-{}", key.cell, &short_hash(canonical(key).as_bytes())[..8]);
    lock(&folder.join("claims").join(name))
}

/// Claims the simulation of `key` with these caches. `None` when another sweep is at it.
pub fn claim_simulation(folder: &Path, key: &Key, caches: &Caches) -> Result<Option<Claim>> {
    let name = format!(
        "{}-simulated-{}",
        key.cell,
        &short_hash(canonical(&(key, caches)).as_bytes())[..8]
    );
    lock(&folder.join("claims").join(name))
}

/// Claims the measuring of the limits of this machine by this build. `None` when another sweep is
/// at it.
pub fn claim_limits(folder: &Path, host: &str, build: &str) -> Result<Option<Claim>> {
    lock(
        &folder
            .join("claims")
            .join(format!("limits-{}", short_hash(format!("{host} {build}").as_bytes()))),
    )
}

/// Locks a file of that name, `None` when another process has it.
pub(super) fn lock(path: &Path) -> Result<Option<Claim>> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        // Neither a link that leads elsewhere nor a pipe that waits for a reader.
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
        .map_err(|e| Error::lost("create the lock file", path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Claim(Some(file)))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) if e.kind() == std::io::ErrorKind::Unsupported => {
            Ok(Some(Claim(None)))
        }
        Err(TryLockError::Error(e)) => Err(Error::io("lock", path, e)),
    }
}

impl Claim {
    /// Is the file that was locked still the one of this name? Yes where the file system knows no
    /// locks.
    pub fn holds(&self, path: &Path) -> bool {
        use std::os::unix::fs::MetadataExt;
        let same = |file: &File| {
            let (own, there) = (file.metadata().ok()?, std::fs::metadata(path).ok()?);
            Some((own.dev(), own.ino()) == (there.dev(), there.ino()))
        };
        self.0.as_ref().is_none_or(|file| same(file).unwrap_or(false))
    }

    /// Does the file system know locks?
    pub fn is_real(&self) -> bool {
        self.0.is_some()
    }
}
