//! Regular files, told from pipes and devices before anybody waits for them.
//!
//! Opening a named pipe waits for its other end, and reading a device may never end: where a file
//! is expected, both are refused by their kind. The kind is looked at twice: before the file is
//! opened, for opening some devices does something, and once it is open, for its name may have
//! become another file's in between.

use std::fmt;
use std::fs::{File, FileType};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// What was found where a regular file was expected. [`Error::io`](crate::error::Error::io) knows
/// it, and makes a mistake of the command line of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotRegular(&'static str);

impl fmt::Display for NotRegular {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it is {}, a regular file is expected", self.0)
    }
}

impl std::error::Error for NotRegular {}

/// Refuses all but regular files.
///
/// # Errors
/// [`NotRegular`], within an error of the system's.
pub fn check(kind: FileType) -> io::Result<()> {
    let what = match kind {
        _ if kind.is_file() => return Ok(()),
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a named pipe",
        _ if kind.is_socket() => "a socket",
        _ if kind.is_char_device() || kind.is_block_device() => "a device",
        _ => "something else",
    };
    Err(io::Error::new(ErrorKind::InvalidInput, NotRegular(what)))
}

/// Opens a regular file for reading; links are followed.
///
/// # Errors
/// The system's, and [`NotRegular`].
pub fn open(path: &Path) -> io::Result<File> {
    check(std::fs::metadata(path)?.file_type())?;
    let file =
        File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    check(file.metadata()?.file_type())?;
    Ok(file)
}

/// The bytes of a regular file.
///
/// # Errors
/// As [`open`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of a regular file.
///
/// # Errors
/// As [`open`], and where it is not UTF-8.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Kind};

    #[test]
    fn pipes_sockets_devices_and_folders_are_refused_without_waiting() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let pipe = std::ffi::CString::new(at("pipe").to_string_lossy().as_bytes()).expect("a path");
        // SAFETY: the path is a string that ends with a zero.
        assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).expect("a socket");
        std::os::unix::fs::symlink("pipe", at("link")).expect("a link");
        for (path, what) in [
            (at("pipe"), "a named pipe"),
            (at("link"), "a named pipe"),
            (at("socket"), "a socket"),
            ("/dev/zero".into(), "a device"),
            (folder.path().into(), "a folder"),
        ] {
            let error = Error::io("read", &path, read(&path).expect_err("refused"));
            assert_eq!(error.kind, Kind::Usage, "{error}");
            assert!(error.message.contains(what), "{error}");
        }
        std::fs::write(at("file"), "text").expect("written");
        std::os::unix::fs::symlink("file", at("other")).expect("a link");
        assert_eq!(read_to_string(&at("other")).expect("a file"), "text");
        assert_eq!(read(&at("missing")).expect_err("none").kind(), ErrorKind::NotFound);
    }
}
