//! Files that appear whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use amdahl_record::error::{Error, Result};

/// A file on its way: written under another name beside its own, which [`Pending::commit`] gives
/// it. Dropped before that, nothing is left.
///
/// What is there and no regular file (a pipe, a device) is written to at once. A link stays one:
/// the file that it names is replaced.
pub struct Pending {
    /// As the user named it.
    path: PathBuf,
    /// Where it belongs, and its name until then; none where it is written to at once.
    rename: Option<(PathBuf, PathBuf)>,
    file: Option<BufWriter<File>>,
}

impl Pending {
    /// Begins the file `path`; its folder must be there.
    pub fn create(path: &Path) -> Result<Pending> {
        let Some(name) = path.file_name() else {
            return Err(Error::usage(format!("'{}' is not the name of a file", path.display())));
        };
        if path.is_dir() {
            return Err(Error::usage(format!(
                "'{}' is a folder, a file is to be written there",
                path.display()
            )));
        }
        let there = std::fs::canonicalize(path).ok().filter(|target| target.exists());
        let (file, rename) = match there {
            Some(target) if !target.is_file() => {
                (File::options().write(true).open(path).map_err(|e| cannot(path, e))?, None)
            }
            there => {
                let target = there.unwrap_or_else(|| path.into());
                let mut scratch = std::ffi::OsString::from(".");
                scratch.push(target.file_name().unwrap_or(name));
                scratch.push(format!(".{}.part", std::process::id()));
                let scratch = target.with_file_name(scratch);
                (File::create(&scratch).map_err(|e| cannot(path, e))?, Some((scratch, target)))
            }
        };
        Ok(Pending {
            path: path.into(),
            rename,
            file: Some(BufWriter::with_capacity(1 << 18, file)),
        })
    }

    /// Writes bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(bytes).map_err(|e| cannot(&self.path, e)),
            None => Err(Error::internal("a file was written after its end")),
        }
    }

    /// Writes what is still in memory, and sees to it that it is on the disk. The file still has
    /// its other name.
    pub fn finish(&mut self) -> Result<()> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let whole = |file: &BufWriter<File>| match self.rename {
            Some(_) => file.get_ref().sync_all(),
            None => Ok(()),
        };
        let written = file.flush().and_then(|()| whole(&file));
        written.map_err(|e| cannot(&self.path, e))
    }

    /// Gives the file its name.
    pub fn commit(mut self) -> Result<()> {
        self.finish()?;
        if let Some((scratch, target)) = &self.rename {
            std::fs::rename(scratch, target).map_err(|e| cannot(&self.path, e))?;
        }
        self.rename = None;
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some((scratch, _)) = &self.rename {
            // Nothing more can be done about a file that cannot be removed.
            let _ = std::fs::remove_file(scratch);
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
        let missing = Pending::create(&folder.path().join("no/such/a.txt"))
            .err()
            .expect("no folder")
            .to_string();
        assert!(missing.contains("a.txt") && missing.contains("folder must be there"), "{missing}");
        let link = folder.path().join("link.txt");
        std::os::unix::fs::symlink("target.txt", &link).expect("a link");
        std::fs::write(folder.path().join("target.txt"), "old").expect("written");
        pending(&link, b"new").and_then(Pending::commit).expect("written");
        assert!(link.is_symlink() && std::fs::read(&link).expect("there") == b"new");
        let full = pending(Path::new("/dev/full"), b"x").err().expect("no room").message;
        assert!(full.contains("cannot write /dev/full"), "{full}");
        pending(Path::new("/dev/null"), b"x").and_then(Pending::commit).expect("room for all");
        assert!(
            Pending::create(folder.path()).err().expect("a folder").message.contains("is a folder")
        );
    }
}
