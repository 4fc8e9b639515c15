//! What can go wrong, said so that a person can act on it, and the exit code that says which kind
//! it was.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::io::regular::NotRegular;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an error decides the exit code of the process (`docs/exit-codes.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A defect of this program.
    Internal,
    /// A command line or an environment variable that cannot be used.
    Usage,
    /// A manifest or a cell file that cannot be used.
    Manifest,
    /// A data set that is missing, damaged or unfit (not finite, ragged, too few rows).
    Data,
    /// The operating system refused: a file, a process, a full disk.
    Io,
    /// A communicator failed, or another lane did.
    Comm,
    /// Something this machine lacks (MPI, a device).
    Unavailable,
    /// An accelerator, or what drives it, failed or computed what it should not.
    Device,
    /// An answer that differs from the oracle's.
    WrongAnswer,
    /// Time got worse.
    Regression,
    /// The measurements do not decide.
    Inconclusive,
    /// Nothing was measured: never a pass.
    NothingMeasured,
    /// Stopped by a signal.
    Interrupted,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 13] = [
        Kind::Internal,
        Kind::Usage,
        Kind::Manifest,
        Kind::Data,
        Kind::Io,
        Kind::Comm,
        Kind::Unavailable,
        Kind::Device,
        Kind::WrongAnswer,
        Kind::Regression,
        Kind::Inconclusive,
        Kind::NothingMeasured,
        Kind::Interrupted,
    ];

    /// The process exit code for this kind.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Internal | Kind::Io | Kind::Comm | Kind::Device => 1,
            Kind::Usage | Kind::Manifest | Kind::Data | Kind::Unavailable => 2,
            Kind::Regression => 3,
            Kind::Inconclusive => 4,
            Kind::WrongAnswer => 5,
            Kind::NothingMeasured => 6,
            Kind::Interrupted => 130,
        }
    }

    /// The word for this kind in records and JSON output.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Internal => "internal",
            Kind::Usage => "usage",
            Kind::Manifest => "manifest",
            Kind::Data => "data",
            Kind::Io => "io",
            Kind::Comm => "comm",
            Kind::Unavailable => "unavailable",
            Kind::Device => "device",
            Kind::WrongAnswer => "wrong-answer",
            Kind::Regression => "regression",
            Kind::Inconclusive => "inconclusive",
            Kind::NothingMeasured => "nothing-measured",
            Kind::Interrupted => "interrupted",
        }
    }
}

/// Where in a text file. Lines and columns count from 1; a column counts characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as the user named it.
    pub file: PathBuf,
    /// Line, from 1; 0 when only the file is known.
    pub line: usize,
    /// Column, from 1; 0 when only the line is known.
    pub column: usize,
}

/// What is wrong, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Decides the exit code.
    pub kind: Kind,
    /// What is wrong, with the values involved; one sentence, no trailing full stop.
    pub message: String,
    /// Where, for errors in files.
    pub place: Option<Place>,
    /// What to do, when there is something to do.
    pub hint: Option<String>,
}

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), place: None, hint: None }
    }
    /// A defect of this program.
    pub fn internal(message: impl Into<String>) -> Self {
        Error::new(Kind::Internal, message)
    }
    /// A command line that cannot be used.
    pub fn usage(message: impl Into<String>) -> Self {
        Error::new(Kind::Usage, message)
    }
    /// A data set that cannot be used.
    pub fn data(message: impl Into<String>) -> Self {
        Error::new(Kind::Data, message)
    }
    /// A communicator that failed.
    pub fn comm(message: impl Into<String>) -> Self {
        Error::new(Kind::Comm, message)
    }
    /// Something that this machine or build lacks.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Error::new(Kind::Unavailable, message)
    }
    /// The operating system's refusal, with the file it concerns and what was being done ("read",
    /// "create" …).
    pub fn io(doing: &str, path: &Path, source: std::io::Error) -> Self {
        let not_regular = source.get_ref().is_some_and(|inner| inner.is::<NotRegular>());
        let kind = match source.kind() {
            std::io::ErrorKind::NotFound
            | std::io::ErrorKind::IsADirectory
            | std::io::ErrorKind::NotADirectory => Kind::Usage,
            _ if not_regular => Kind::Usage,
            _ => Kind::Io,
        };
        Error::new(kind, format!("cannot {doing} {}: {source}", path.display()))
    }
    /// The same for a file of this program's own, in a folder that it made: that it is missing is
    /// no fault of the command line.
    pub fn lost(doing: &str, path: &Path, source: std::io::Error) -> Self {
        let removed = source.kind() == std::io::ErrorKind::NotFound;
        let error = Error { kind: Kind::Io, ..Error::io(doing, path, source) };
        match removed {
            true => error
                .hint("its folder was removed while it was in use: leave it alone until the end"),
            false => error,
        }
    }
    /// Adds what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
    /// Adds where. `line` and `column` count from 1; 0 means unknown.
    pub fn at(mut self, file: impl Into<PathBuf>, line: usize, column: usize) -> Self {
        self.place = Some(Place { file: file.into(), line, column });
        self
    }
    /// The exit code of a process that ends with this error.
    pub fn exit_code(&self) -> u8 {
        self.kind.exit_code()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}", place.file.display())?;
            if place.line > 0 {
                write!(f, ":{}", place.line)?;
            }
            if place.column > 0 {
                write!(f, ":{}", place.column)?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_where_and_what_to_do() {
        let error = Error::new(Kind::Manifest, "unknown key 'rank'")
            .at("a.toml", 3, 7)
            .hint("did you mean 'ranks'?");
        assert_eq!(
            error.to_string(),
            "a.toml:3:7: unknown key 'rank'\n  hint: did you mean 'ranks'?"
        );
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn documented_exit_codes() {
        let codes: Vec<u8> = [
            Kind::Internal,
            Kind::Usage,
            Kind::Regression,
            Kind::Inconclusive,
            Kind::WrongAnswer,
            Kind::NothingMeasured,
            Kind::Interrupted,
        ]
        .iter()
        .map(|k| k.exit_code())
        .collect();
        assert_eq!(codes, [1, 2, 3, 4, 5, 6, 130]);
    }
}
