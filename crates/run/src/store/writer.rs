//! A file that only grows, by whole lines, whatever happens.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
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
///
/// A results folder may be any folder: only what begins as a writer's file does is one, and links
/// lead to files that somebody else looks after.
pub fn mend(folder: &Path) -> Result<Vec<String>> {
    let files = super::lengths(folder)?.into_keys();
    // What cannot be mended is read as it is, and said there.
    Ok(files.filter_map(|path| mend_file(&path).ok().flatten()).collect())
}

fn mend_file(path: &Path) -> std::io::Result<Option<String>> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    let length = file.metadata()?.len();
    // One that is locked has a writer that lives.
    if length == 0 || !file.metadata()?.is_file() || file.try_lock().is_err() {
        return Ok(None);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(length - 1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    if !has_records(path, &bytes) {
        return Ok(None);
    }
    let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    let cut = &bytes[whole..];
    let name = path.display();
    if sum::read(cut).is_ok() {
        file.write_all(b"\n")?;
        return Ok(Some(format!("{name}: its last line had lost its end, and has it again")));
    }
    let kept = keep(path, whole, cut)?;
    file.set_len(whole as u64)?;
    Ok(Some(format!(
        "{name}: its last line was cut off after {} bytes; it was mended, and its repeat will be measured again (the bytes are in {kept})",
        cut.len(),
    )))
}

/// Does it begin with the line of a run, as every writer's file does? Of one whose writer was
/// killed within that line, the name has to say so too.
fn has_records(path: &Path, bytes: &[u8]) -> bool {
    let first = bytes.split_inclusive(|&b| b == b'\n').next().unwrap_or_default();
    if first.ends_with(b"\n") {
        return matches!(serde_json::from_slice::<Line>(first), Ok(Line::Run(_)));
    }
    let begun = b"{\"line\":\"run\",";
    let begun = first.starts_with(begun) || begun.starts_with(first);
    begun && path.file_stem().and_then(|stem| stem.to_str()).is_some_and(super::is_run_name)
}

/// Puts the bytes that are cut off at `place` into a file of their own beside it. Returns its name.
fn keep(path: &Path, place: usize, bytes: &[u8]) -> std::io::Result<String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut number = 1;
    loop {
        let more = if number > 1 { format!("-{number}") } else { String::new() };
        let kept = format!("{name}.cut-{place}{more}");
        match OpenOptions::new().write(true).create_new(true).open(path.with_file_name(&kept)) {
            Ok(mut file) => {
                file.write_all(bytes).and_then(|()| sync(&file))?;
                return Ok(kept);
            }
            Err(e) if e.kind() == ErrorKind::AlreadyExists && number < 1000 => number += 1,
            Err(e) => return Err(e),
        }
    }
}
