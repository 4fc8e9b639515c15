//! Room for cell files and reports while a sweep runs.

use std::path::{Path, PathBuf};

use super::claim::{Claim, lock};
use crate::error::{Error, Result};

/// A folder of one run's own below `work/`, removed when dropped. What a killed run left there is removed by the next one.
pub struct Scratch {
    path: PathBuf,
    _lock: Option<Claim>,
}

impl Scratch {
    /// Makes the folder, and removes those whose owners are gone.
    pub fn create(results: &Path, run: &str) -> Result<Scratch> {
        let work = results.join("work");
        let path = work.join(run);
        std::fs::create_dir_all(&path).map_err(|e| Error::io("create the folder", &path, e))?;
        // Locked before others are looked at, so that two that start at once leave each other alone.
        let own = lock(&path.join("lock"))?;
        for entry in std::fs::read_dir(&work).map_err(|e| Error::io("read the folder", &work, e))?.flatten() {
            let other = entry.path();
            if other == path || !other.join("lock").is_file() {
                continue;
            }
            if let Ok(Some(claim)) = lock(&other.join("lock"))
                && claim.is_real()
            {
                let _ = std::fs::remove_dir_all(&other); // only tidiness is lost if it stays
            }
        }
        Ok(Scratch { path, _lock: own })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path); // the next run tries again
    }
}
