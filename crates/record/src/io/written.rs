//! The list of what this program wrote into a folder, so that it knows its own files again.
//!
//! `.amdahl-wrote` has a line for each file, in the form of sha256sum(1). It only grows, by one
//! write a line, so several programs may fill a folder; the same bytes under the same name are noted
//! once. A file that was changed since it was written is not in it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::regular;
use crate::cell::hex;

/// The list's name.
pub const LIST: &str = ".amdahl-wrote";

/// Did this program write the file as it is now?
pub fn has(path: &Path) -> bool {
    let known = || -> io::Result<bool> {
        let line = line(path, &sha256(regular::open(path)?)?);
        Ok(text(&list(path))?.contains(&line))
    };
    known().unwrap_or(false)
}

/// Notes that the file `path` is going to have the bytes that `scratch` has.
pub(super) fn note_file(path: &Path, scratch: &Path) -> io::Result<()> {
    note(path, &sha256(File::open(scratch)?)?)
}

fn note(path: &Path, sha256: &str) -> io::Result<()> {
    let (list, line) = (list(path), line(path, sha256));
    if text(&list).is_ok_and(|text| text.contains(&line)) {
        return Ok(());
    }
    let mut file = File::options()
        .append(true)
        .create(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(list)?;
    file.write_all(line.as_bytes())
}

/// The list beside a file.
fn list(path: &Path) -> PathBuf {
    path.with_file_name(LIST)
}

fn line(path: &Path, sha256: &str) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("{sha256}  {}\n", name.replace('\n', " "))
}

fn text(list: &Path) -> io::Result<String> {
    regular::read(list).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn sha256(mut file: File) -> io::Result<String> {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_as_long_as_nobody_changes_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.txt");
        assert!(!has(&path), "nothing is there");
        std::fs::write(&path, "x").expect("written");
        assert!(!has(&path), "nobody noted it");
        for _ in 0..2 {
            note_file(&path, &path).expect("noted");
            assert!(has(&path));
        }
        let text = std::fs::read_to_string(folder.path().join(LIST)).expect("a list");
        assert_eq!(text.lines().count(), 1, "once: {text}");
        assert!(text.ends_with("  a.txt\n"));
        std::fs::rename(&path, folder.path().join("b.txt")).expect("renamed");
        assert!(!has(&folder.path().join("b.txt")), "under another name it is another file");
    }
}
