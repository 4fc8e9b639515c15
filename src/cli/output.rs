//! Writing to standard output: a reader that stops early (`amdahl show … | head`) is no error.

use std::io::{IsTerminal, Write};

use crate::error::{Error, Kind, Result};
use crate::explain::show::Style;

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

/// Colour on a terminal, unless `NO_COLOR` is set and not empty (no-color.org) or the terminal is dumb.
pub fn style() -> Style {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
        || std::env::var_os("TERM").is_some_and(|v| v == "dumb");
    Style { colour: !refused && std::io::stdout().is_terminal() }
}
