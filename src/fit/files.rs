//! Files that appear whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A file on its way: written under another name beside its own, which [`Pending::commit`] gives it. Dropped before that, nothing is left.
pub struct Pending {
    path: PathBuf,
    scratch: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Pending {
    /// Begins the file `path`; its folder must be there.
    pub fn create(path: &Path) -> Result<Pending> {
        let Some(name) = path.file_name() else {
            return Err(Error::usage(format!("'{}' is not the name of a file", path.display())));
        };
        if path.is_dir() {
            return Err(Error::usage(format!("'{}' is a folder, a file is to be written there", path.display())));
        }
        let mut scratch = std::ffi::OsString::from(".");
        scratch.push(name);
        scratch.push(format!(".{}.part", std::process::id()));
        let scratch = path.with_file_name(scratch);
        let file = File::create(&scratch).map_err(|e| cannot(path, e))?;
        Ok(Pending { path: path.into(), scratch, file: Some(BufWriter::with_capacity(1 << 18, file)) })
    }

    /// Writes bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(bytes).map_err(|e| cannot(&self.path, e)),
            None => Err(Error::internal("a file was written after its end")),
        }
    }

    /// Writes what is still in memory, and sees to it that it is on the disk. The file still has its other name.
    pub fn finish(&mut self) -> Result<()> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let written = file.flush().and_then(|()| file.get_ref().sync_all());
        written.map_err(|e| cannot(&self.path, e))
    }

    /// Gives the file its name.
    pub fn commit(mut self) -> Result<()> {
        self.finish()?;
        std::fs::rename(&self.scratch, &self.path).map_err(|e| cannot(&self.path, e))?;
        self.scratch = PathBuf::new();
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.scratch.as_os_str().is_empty() {
            // Nothing more can be done about a file that cannot be removed.
            let _ = std::fs::remove_file(&self.scratch);
        }
    }
}

fn cannot(path: &Path, error: std::io::Error) -> Error {
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    let error = Error::io("write", path, error);
    if missing { error.hint("the folder must be there") } else { error }
}

/// Writes a small file whole.
pub fn pending(path: &Path, bytes: &[u8]) -> Result<Pending> {
    let mut file = Pending::create(path)?;
    file.write(bytes)?;
    file.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_when_it_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.txt");
        let names = || std::fs::read_dir(folder.path()).expect("a folder").count();
        let mut file = Pending::create(&path).expect("created");
        file.write(b"half").expect("written");
        assert!(!path.exists());
        drop(file);
        assert_eq!(names(), 0, "nothing is left of what was given up");
        pending(&path, b"whole").and_then(Pending::commit).expect("written");
        assert_eq!(std::fs::read(&path).expect("there"), b"whole");
        assert_eq!(names(), 1);
    }

    #[test]
    fn what_cannot_be_written_names_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = Pending::create(&folder.path().join("no/such/a.txt")).err().expect("no folder").to_string();
        assert!(missing.contains("a.txt") && missing.contains("folder must be there"), "{missing}");
        assert!(Pending::create(folder.path()).err().expect("a folder").message.contains("is a folder"));
    }
}
