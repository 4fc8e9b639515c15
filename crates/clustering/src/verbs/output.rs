//! Writing to standard output and standard error: a reader that stops early (`amdahl show … | head`)
//! is no error, and nothing that is said steers a terminal.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::visible::{visible, visible_beside_styles, visible_json};

/// Prints text for people. A closed pipe ends quietly.
pub fn print(text: &str) -> Result<()> {
    // Only a terminal is sent styles.
    match std::io::stdout().is_terminal() {
        true => write(&visible_beside_styles(text)),
        false => write(&visible(text)),
    }
}

/// Prints JSON, which says the same afterwards.
pub fn print_json(json: &str) -> Result<()> {
    write(&visible_json(json))
}

/// Prints what programs read and what has no way to write a character otherwise: as it is, but for
/// a terminal.
pub fn print_data(text: &str) -> Result<()> {
    if std::io::stdout().is_terminal() { write(&visible(text)) } else { write(text) }
}

fn write(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

fn written(result: std::io::Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(Kind::Io, format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints text beside standard output. Where nobody reads it any more, that is no reason to stop.
pub fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(visible(text).as_bytes());
}

/// Says what clap has to say: help and the version, or what is wrong with a command line.
pub fn say_of_command_line(program: &str, error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        // Its styles can stay where the words have nothing else in them that steers.
        let plain = |word: std::ffi::OsString| {
            let word = word.to_string_lossy().into_owned();
            visible(&word) == word
        };
        match std::env::args_os().all(plain) {
            true => drop(error.print()),
            false => say(&error.render().to_string()),
        }
        return ExitCode::from(error.exit_code() as u8);
    }
    match written(error.print().and_then(|()| std::io::stdout().flush())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{program}: {error}\n"));
            ExitCode::from(error.exit_code())
        }
    }
}
