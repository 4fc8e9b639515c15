//! A file that only grows, by whole lines, whatever happens.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use amdahl_record::Line;
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::sum;

/// One writer's record file. It is locked as long as it is open, so that nobody mends it under the
/// writer's hands.
pub struct Writer {
    file: File,
    path: PathBuf,
    /// Bytes of whole lines.
    whole: u64,
}

impl Writer {
    /// Makes a new file.
    pub fn create(path: &Path) -> Result<Writer> {
        // Whoever cuts the file meanwhile must not find holes in it.
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(path)
            .map_err(|e| refused(path, "create", &e))?;
        let _ = file.try_lock(); // where locks are not supported, mending is not either
        Ok(Writer::over(file, path))
    }

    /// Writes to an empty file.
    pub(super) fn over(file: File, path: &Path) -> Writer {
        Writer { file, path: path.to_path_buf(), whole: 0 }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a new file for the lines of a run whose own file was lost, under the first name that
    /// is free: `RUN.jsonl`, `RUN-2.jsonl` …
    pub fn create_anew(folder: &Path, run: &str) -> Result<Writer> {
        std::fs::create_dir_all(folder).map_err(|e| refused(folder, "create the folder", &e))?;
        let names = (2..1000).map(|n| format!("{run}-{n}.jsonl"));
        let free = std::iter::once(format!("{run}.jsonl"))
            .chain(names)
            .map(|name| folder.join(name))
            .find(|path| std::fs::symlink_metadata(path).is_err());
        let path = free.ok_or_else(|| Error::internal("a record file is lost a thousand times"))?;
        Writer::create(&path)
    }

    /// What became of the file, where it is no longer the one that was written, or not as long.
    pub fn lost(&self) -> Option<String> {
        let own = self.file.metadata().ok()?;
        match std::fs::metadata(&self.path) {
            Err(e)
                if matches!(
                    e.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                Some("was removed".into())
            }
            // It cannot be looked at now; a write will say why.
            Err(_) => None,
            Ok(there) if (there.dev(), there.ino()) != (own.dev(), own.ino()) => {
                Some("was replaced by another file".into())
            }
            Ok(there) if there.is_file() && there.len() != self.whole => Some(format!(
                "was changed by someone else: it has {} bytes instead of {}",
                there.len(),
                self.whole
            )),
            Ok(_) => None,
        }
    }

    /// Appends lines in one write and waits until they are on the disk. On an error the file ends
    /// with the last whole line as before.
    pub fn append(&mut self, lines: &[Line]) -> Result<()> {
        let mut bytes = Vec::new();
        for line in lines {
            sum::write(line, &mut bytes)
                .map_err(|e| Error::internal(format!("a record as JSON: {e}")))?;
        }
        let written = self.file.write_all(&bytes).and_then(|()| sync(&self.file));
        if let Err(e) = written {
            let back = self
                .file
                .set_len(self.whole)
                .and_then(|()| self.file.seek(SeekFrom::Start(self.whole)));
            let mut error = refused(&self.path, "write a record to", &e);
            if back.is_err() {
                error.message.push_str(
                    "; the line that was begun could not be taken back, the next run will",
                );
            }
            return Err(error);
        }
        self.whole += bytes.len() as u64;
        Ok(())
    }
}

/// Waits until the bytes are on the disk. What is no disk (a pipe, a device) has nothing to wait
/// for.
fn sync(file: &File) -> std::io::Result<()> {
    match file.sync_data() {
        Err(e) if e.raw_os_error() == Some(libc::EINVAL) => Ok(()),
        other => other,
    }
}

fn refused(path: &Path, doing: &str, e: &std::io::Error) -> Error {
    let error = Error::io(doing, path, std::io::Error::new(e.kind(), e.to_string()));
    let kept = "records written before are safe and are not measured again";
    match e.raw_os_error() {
        Some(libc::ENOSPC | libc::EDQUOT) => Error::new(Kind::Io, error.message)
            .hint(format!("free space there and run the same command again: {kept}")),
        Some(libc::EFBIG) => Error::new(Kind::Io, error.message).hint(format!(
            "raise the limit on file sizes (ulimit -f) and run the same command again: {kept}"
        )),
        _ => Error::new(Kind::Io, error.message)
            .hint(format!("run the same command again when that is mended: {kept}")),
    }
}

/// Takes back the last line of every record file that ends within one, if its writer is gone.
/// Returns what was done, for people.
pub fn mend(folder: &Path) -> Result<Vec<String>> {
    let mut done = Vec::new();
    for path in super::lengths(folder)?.into_keys() {
        let Ok(mut file) = OpenOptions::new().read(true).write(true).open(&path) else { continue };
        if file.try_lock().is_err() {
            continue; // its writer lives
        }
        let mut bytes = Vec::new();
        if file.read_to_end(&mut bytes).is_err() || bytes.is_empty() || bytes.ends_with(b"\n") {
            continue;
        }
        let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        // A last line that only lacks its end is kept: the end is what is added.
        let mended = if sum::read(&bytes[whole..]).is_ok() {
            file.write_all(b"\n")
        } else {
            file.set_len(whole as u64)
        };
        if mended.is_ok() {
            done.push(format!(
                "{}: its last line was cut off after {} bytes; it was mended, and its repeat will be measured again if it is lost",
                path.display(),
                bytes.len() - whole
            ));
        }
    }
    Ok(done)
}
