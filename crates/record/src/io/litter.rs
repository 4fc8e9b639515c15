//! What has to go when this process ends before its time: files that have no name yet, folders for
//! scratch. What is dropped in good order removes itself; [`clear`] is for an end that drops
//! nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

static ALL: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A file or folder that is litter until this is dropped.
#[derive(Debug)]
pub struct Litter(PathBuf);

impl Litter {
    /// From now on it is.
    pub fn new(path: &Path) -> Litter {
        // Removing comes too late to ask where this process was when it began.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
        ALL.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
        Litter(path)
    }
}

impl Drop for Litter {
    fn drop(&mut self) {
        ALL.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

/// Removes all that is litter now. For a process that ends.
pub fn clear() {
    remove(&ALL.lock().unwrap_or_else(PoisonError::into_inner));
}

fn remove(litter: &BTreeSet<PathBuf>) {
    for path in litter {
        // What cannot be removed is a file of a name that says what it is.
        let _ = match path.symlink_metadata().is_ok_and(|facts| facts.is_dir()) {
            true => std::fs::remove_dir_all(path),
            false => std::fs::remove_file(path),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_litter_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("d")).expect("made");
        for name in ["a", "b", "d/c"] {
            std::fs::write(at(name), "").expect("written");
        }
        let litter = [Litter::new(&at("a")), Litter::new(&at("d"))];
        drop(Litter::new(&at("b")));
        // Other tests have litter of their own, and need it.
        let all = ALL.lock().expect("nobody panicked").clone();
        let own = all.into_iter().filter(|path| path.starts_with(folder.path())).collect();
        remove(&own);
        assert!(!at("a").exists() && !at("d").exists() && at("b").exists());
        drop(litter);
    }
}
