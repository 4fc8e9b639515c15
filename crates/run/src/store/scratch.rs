//! Room for cell files and reports while a sweep runs.

use std::path::{Path, PathBuf};

use super::claim::{Claim, lock};
use amdahl_record::error::{Error, Result};

/// A folder of one run's own below `work/`, removed when dropped. What a killed run left there is
/// removed by the next one.
pub struct Scratch {
    path: PathBuf,
    _lock: Option<Claim>,
}

impl Scratch {
    /// Makes the folder, and removes those whose owners are gone.
    pub fn create(results: &Path, run: &str) -> Result<Scratch> {
        let work = results.join("work");
        let path = work.join(run);
        let own = make(&path)?;
        for entry in
            std::fs::read_dir(&work).map_err(|e| Error::io("read the folder", &work, e))?.flatten()
        {
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

/// Makes a folder with a lock that is held before others are looked at, so that two that start at
/// once leave each other alone. Between the making and the locking another may take the folder for
/// an abandoned one, and remove it: then once more.
fn make(path: &Path) -> Result<Option<Claim>> {
    let file = path.join("lock");
    for _ in 0..100 {
        std::fs::create_dir_all(path).map_err(|e| Error::io("create the folder", path, e))?;
        match lock(&file) {
            Ok(Some(own)) if own.holds(&file) => return Ok(Some(own)),
            Ok(_) => std::thread::sleep(std::time::Duration::from_millis(1)),
            Err(_) if !path.exists() => {}
            Err(other) => return Err(other),
        }
    }
    Err(Error::internal(format!("{} is removed as often as it is made", path.display())))
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path); // the next run tries again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_start_at_once_leave_each_other_s_folders_alone() {
        let results = tempfile::tempdir().expect("a temporary folder");
        std::thread::scope(|scope| {
            for run in 0..8 {
                let results = results.path();
                scope.spawn(move || {
                    for turn in 0..40 {
                        let scratch =
                            Scratch::create(results, &format!("{run}-{turn}")).expect("a folder");
                        let file = scratch.path().join("cell.json");
                        std::fs::write(&file, "{}").expect("the folder is there");
                        std::thread::yield_now();
                        assert!(file.is_file(), "and stays");
                    }
                });
            }
        });
        assert_eq!(
            std::fs::read_dir(results.path().join("work")).expect("a folder").count(),
            0,
            "nothing is left"
        );
    }
}
