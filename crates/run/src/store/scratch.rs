//! Room for cell files and reports while a sweep runs.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::claim::{Claim, lock};
use super::is_run_name;
use amdahl_record::error::{Error, Result};

/// A folder of one run's own below `work/`, removed when dropped. What a killed run left there is
/// removed by the next one.
pub struct Scratch {
    path: PathBuf,
    run: String,
    _lock: Option<Claim>,
}

impl Scratch {
    /// Makes the folder, and removes those whose owners are gone. It is named after the run; where
    /// that name is taken, as by a run that another container began in the same second with the
    /// same process number, it gets a number.
    pub fn create(results: &Path, run: &str) -> Result<Scratch> {
        let work = results.join("work");
        std::fs::create_dir_all(&work).map_err(|e| Error::io("create the folder", &work, e))?;
        let own = make(results, &work, run)?;
        for entry in
            std::fs::read_dir(&work).map_err(|e| Error::io("read the folder", &work, e))?.flatten()
        {
            let other = entry.path();
            if other == own.path || !is_ours(&entry) {
                continue;
            }
            if let Ok(Some(claim)) = lock(&other.join("lock"))
                && claim.is_real()
            {
                let _ = std::fs::remove_dir_all(&other); // only tidiness is lost if it stays
            }
        }
        Ok(own)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the run: no other run of these results has it, or had it.
    pub fn run(&self) -> &str {
        &self.run
    }
}

/// Is it a folder that a run made? Not what a person keeps there, nor a link.
fn is_ours(entry: &std::fs::DirEntry) -> bool {
    let is_file = |path: PathBuf| path.symlink_metadata().is_ok_and(|facts| facts.is_file());
    entry.file_type().is_ok_and(|kind| kind.is_dir())
        && entry.file_name().to_str().is_some_and(is_run_name)
        && is_file(entry.path().join("lock"))
}

/// Makes a folder with a lock that is held before others are looked at, so that two that start at
/// once leave each other alone. Between the making and the locking another may take the folder for
/// an abandoned one, and remove it: then one of another name.
fn make(results: &Path, work: &Path, run: &str) -> Result<Scratch> {
    for number in 1..=1000 {
        let run = if number > 1 { format!("{run}-{number}") } else { run.to_string() };
        // One that is over has left its records.
        if results.join(format!("{run}.jsonl")).symlink_metadata().is_ok() {
            continue;
        }
        let path = work.join(&run);
        match std::fs::create_dir(&path) {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::AlreadyExists => continue,
            Err(e) => return Err(Error::lost("create the folder", &path, e)),
        }
        let file = path.join("lock");
        match lock(&file) {
            Ok(Some(own)) if own.holds(&file) => {
                return Ok(Scratch { path, run, _lock: Some(own) });
            }
            Ok(_) => {}
            Err(_) if !path.exists() => {}
            Err(other) => return Err(other),
        }
    }
    Err(Error::internal(format!("no name like {run} is free in {}", work.display())))
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

    #[test]
    fn what_a_person_keeps_there_stays_and_what_a_run_left_goes() {
        let results = tempfile::tempdir().expect("a temporary folder");
        let work = results.path().join("work");
        let (left, linked) = ("20260102T030405Z-47-1a2b3c4d", "20260102T030405Z-48-1a2b3c4d");
        for folder in [&work.join("thesis"), &work.join(left), &results.path().join("outside")] {
            std::fs::create_dir_all(folder).expect("made");
            std::fs::write(folder.join("lock"), "").expect("written");
        }
        std::os::unix::fs::symlink("../outside", work.join(linked)).expect("a link");
        drop(Scratch::create(results.path(), "20260102T030406Z-47-1a2b3c4d").expect("a folder"));
        assert!(!work.join(left).exists());
        for kept in ["work/thesis/lock", "outside/lock"] {
            assert!(results.path().join(kept).is_file(), "{kept}");
        }
        assert!(work.join(linked).is_symlink());
    }

    #[test]
    fn no_two_runs_have_the_same_name() {
        let results = tempfile::tempdir().expect("a temporary folder");
        let create = || Scratch::create(results.path(), "20260102T030405Z-1-h").expect("a folder");
        let first = create();
        let second = create();
        assert_eq!((first.run(), second.run()), ("20260102T030405Z-1-h", "20260102T030405Z-1-h-2"));
        assert!(is_run_name(second.run()));
        drop((first, second));
        std::fs::write(results.path().join("20260102T030405Z-1-h.jsonl"), "").expect("written");
        assert_eq!(create().run(), "20260102T030405Z-1-h-2", "the first has records");
    }
}
