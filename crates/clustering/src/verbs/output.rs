//! Writing to standard output: a reader that stops early (`amdahl show … | head`) is no error.

use std::io::Write;

use amdahl_record::error::{Error, Kind, Result};

/// Prints `text` as it is. A closed pipe ends quietly.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(Kind::Io, format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints text beside standard output. Where nobody reads it any more, that is no reason to stop.
pub fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
