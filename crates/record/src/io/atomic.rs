//! Files that appear whole or not at all.
//!
//! The bytes go to a file of another name in the same folder, `.NAME.XXXXXX.part`, which takes the
//! name of the target by `rename(2)` when all of them are written. A reader sees the old file or
//! the new one. The letters are drawn anew and the file must not exist, so that ranks and programs
//! that write the same target at the same time never share it; the last to end wins. What fails or
//! is given up leaves nothing; only a process that is killed leaves the `.part` file.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use super::litter::Litter;
use super::written;
use crate::error::{Error, Result};

/// Bytes that are collected before they go to the file.
const BUFFER: usize = 1 << 18;

/// Names up to this length are part of the scratch file's name, which may have 255 bytes.
const LONGEST_NAME: usize = 200;

/// A file on its way: [`Pending::commit`] gives it its name. Dropped before that, nothing is left.
///
/// Where something other than a regular file is named (a pipe, a device), it is written to
/// directly. A symbolic link stays one: the file that it leads to is replaced.
#[derive(Debug)]
pub struct Pending {
    /// As the caller named it.
    path: PathBuf,
    /// None where the file is written to directly.
    rename: Option<Rename>,
    /// None once all is written.
    file: Option<BufWriter<File>>,
    durable: bool,
    noted: bool,
}

#[derive(Debug)]
struct Rename {
    scratch: TempPath,
    target: PathBuf,
    _litter: Litter,
}

impl Pending {
    /// Begins the file `path`; its folder must be there.
    ///
    /// # Errors
    /// Where `path` is a folder or not the name of a file, or the folder cannot be written to.
    pub fn create(path: &Path) -> Result<Pending> {
        let Some(name) = path.file_name() else {
            return Err(Error::usage(format!("'{}' is not the name of a file", path.display())));
        };
        let target = match std::fs::metadata(path) {
            Ok(there) if there.is_dir() => {
                return Err(Error::usage(format!(
                    "'{}' is a folder, a file is to be written there",
                    path.display()
                )));
            }
            Ok(there) if !there.is_file() => {
                let file = File::options().write(true).open(path).map_err(|e| cannot(path, e))?;
                return Ok(Pending::new(path, None, file));
            }
            Ok(_) => std::fs::canonicalize(path).map_err(|e| cannot(path, e))?,
            Err(_) => path.to_path_buf(),
        };
        let mut prefix = OsString::from(".");
        if let Some(name) =
            Some(target.file_name().unwrap_or(name)).filter(|name| name.len() <= LONGEST_NAME)
        {
            prefix.push(name);
            prefix.push(".");
        }
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // Not `tempfile_in`, whose files are for their owner alone: the mode of these is the one
        // that the umask leaves, as for any file that a program creates.
        let made: NamedTempFile = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(".part")
            .make_in(folder, |scratch| {
                OpenOptions::new().write(true).create_new(true).open(scratch)
            })
            .map_err(|e| cannot(path, e))?;
        let (file, scratch) = made.into_parts();
        let litter = Litter::new(&scratch);
        Ok(Pending::new(path, Some(Rename { scratch, target, _litter: litter }), file))
    }

    fn new(path: &Path, rename: Option<Rename>, file: File) -> Pending {
        let file = Some(BufWriter::with_capacity(BUFFER, file));
        Pending { path: path.to_path_buf(), rename, file, durable: false, noted: false }
    }

    /// Waits until the bytes are on the disk before the file gets its name, so that a power cut
    /// leaves the old file or the new one and not an empty one.
    pub fn durable(mut self) -> Pending {
        self.durable = true;
        self
    }

    /// Has the file noted in the list of what was written beside it: [`super::outputs`].
    pub fn noted(mut self) -> Pending {
        self.noted = true;
        self
    }

    /// Where the bytes are until the file has its name: for another program that writes or reads
    /// them there. Call [`Pending::finish`] before it reads.
    pub fn scratch(&self) -> &Path {
        self.rename.as_ref().map_or(&self.path, |rename| &rename.scratch)
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// Where the disk is full, say.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(bytes).map_err(|e| cannot(&self.path, e)),
            None => Err(Error::internal("a file was written after its end")),
        }
    }

    /// Writes what is still in memory. The file still has its other name.
    ///
    /// # Errors
    /// Where the disk is full, say.
    pub fn finish(&mut self) -> Result<()> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let sync = self.durable && self.rename.is_some();
        let written =
            file.flush().and_then(|()| if sync { file.get_ref().sync_all() } else { Ok(()) });
        written.map_err(|e| cannot(&self.path, e))
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// Where the rest cannot be written, or the target's name has become that of a folder.
    pub fn commit(mut self) -> Result<()> {
        self.finish()?;
        let Some(Rename { scratch, target, _litter }) = self.rename.take() else { return Ok(()) };
        if self.noted {
            // Before it has its name: a file that is not noted would not be known again. Where it
            // cannot be, replacing it takes --force.
            let _ = written::note_file(&target, &scratch);
        }
        scratch.persist(target).map_err(|e| cannot(&self.path, e.error))
    }
}

/// Writes a file whole or not at all. Its folder must be there.
///
/// # Errors
/// As [`Pending`] has them; then the file is as it was.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    let mut file = Pending::create(path)?;
    file.write(bytes.as_ref())?;
    file.commit()
}

/// As [`write()`]; the folder is made if need be.
///
/// # Errors
/// Also where the folder cannot be made.
pub fn write_with_folder(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    make_folder(path)?;
    write(path, bytes)
}

/// As [`write_with_folder()`], and noted: see [`Pending::noted`].
///
/// # Errors
/// As there.
pub fn write_noted(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    make_folder(path)?;
    let mut file = Pending::create(path)?.noted();
    file.write(bytes.as_ref())?;
    file.commit()
}

fn make_folder(path: &Path) -> Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|e| Error::io("create the folder", folder, e))
        }
        None => Ok(()),
    }
}

fn cannot(path: &Path, error: std::io::Error) -> Error {
    let missing = error.kind() == ErrorKind::NotFound;
    let error = Error::io("write", path, error);
    if missing { error.hint("the folder must be there") } else { error }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("a folder");
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_file_is_there_when_it_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.txt");
        let mut file = Pending::create(&path).expect("created");
        file.write(b"half").expect("written");
        assert!(!path.exists());
        let scratch = file.scratch().file_name().expect("a name").to_string_lossy().into_owned();
        assert!(scratch.starts_with(".a.txt.") && scratch.ends_with(".part"), "{scratch}");
        assert_eq!(names(folder.path()), [scratch]);
        drop(file);
        assert_eq!(names(folder.path()), [""; 0], "nothing is left of what was given up");
        write(&path, "whole").expect("written");
        assert_eq!(std::fs::read(&path).expect("there"), b"whole");
        let mut file = Pending::create(&path).expect("created").durable();
        file.write(b"anew").and_then(|()| file.finish()).expect("written");
        assert_eq!(std::fs::read(file.scratch()).expect("there"), b"anew");
        assert_eq!(std::fs::read(&path).expect("there"), b"whole", "until it is committed");
        assert!(file.write(b"more").is_err(), "it has come to its end");
        file.commit().expect("renamed");
        assert_eq!(std::fs::read(&path).expect("there"), b"anew");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn writers_of_one_file_do_not_meet() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.txt");
        std::thread::scope(|scope| {
            for letter in b'a'..b'i' {
                let path = &path;
                scope.spawn(move || write(path, vec![letter; 100_000]).expect("written"));
            }
        });
        let bytes = std::fs::read(&path).expect("there");
        assert!(bytes.len() == 100_000 && bytes.iter().all(|b| *b == bytes[0]), "one of them");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn the_mode_is_that_of_any_new_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write(&ours, "").expect("written");
        std::fs::write(&plain, "").expect("written");
        let mode = |path| std::fs::metadata(path).expect("there").permissions().mode();
        assert_eq!(mode(ours), mode(plain));
    }

    #[test]
    fn names_may_be_long_and_folders_are_made_where_asked() {
        let folder = tempfile::tempdir().expect("a folder");
        let long = folder.path().join("n".repeat(255));
        write(&long, "x").expect("written");
        assert_eq!(std::fs::read(&long).expect("there"), b"x");
        let below = folder.path().join("a/b/c.txt");
        write_with_folder(&below, "y").expect("written");
        assert_eq!(names(&folder.path().join("a/b")), ["c.txt"]);
        std::fs::write(folder.path().join("file"), "").expect("written");
        let error = write_with_folder(&folder.path().join("file/x"), "").expect_err("a file");
        assert!(error.message.contains("create the folder"), "{error}");
    }

    #[test]
    fn errors_name_the_file_and_leave_it_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = write(&folder.path().join("no/such/a.txt"), "").expect_err("no folder");
        let missing = missing.to_string();
        assert!(missing.contains("a.txt: No such file or directory (os error 2)\n"), "{missing}");
        assert!(missing.contains("folder must be there"), "{missing}");
        let is_folder = write(folder.path(), "").expect_err("a folder");
        assert!(is_folder.message.contains("is a folder"), "{is_folder}");
        assert!(write(Path::new("/"), "").is_err() && write(Path::new(".."), "").is_err());
        // A folder takes the target's name before the file does.
        let path = folder.path().join("a.txt");
        let file = Pending::create(&path).expect("created");
        std::fs::create_dir(&path).expect("made");
        let error = file.commit().expect_err("a folder");
        assert!(error.message.contains("cannot write") && error.message.contains("a.txt"));
        assert_eq!(names(folder.path()), ["a.txt"], "nothing is left of what failed");
    }

    #[test]
    fn links_stay_and_devices_are_written_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("link.txt");
        std::os::unix::fs::symlink("target.txt", &link).expect("a link");
        std::fs::write(folder.path().join("target.txt"), "old").expect("written");
        write(&link, "new").expect("written");
        assert!(link.is_symlink() && std::fs::read(&link).expect("there") == b"new");
        let full = write(Path::new("/dev/full"), "x").expect_err("no room").message;
        assert!(full.contains("cannot write /dev/full: No space left on device"), "{full}");
        write(Path::new("/dev/null"), "x").expect("room for all");
        let null = std::fs::metadata("/dev/null").expect("there").file_type();
        assert!(null.is_char_device());
    }
}
