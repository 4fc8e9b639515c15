//! Writing to standard output: a reader that stops early (`amdahl show … | head`) is no error.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

pub use amdahl_clustering::verbs::output::{
    print, print_data, print_json, say, say_of_command_line,
};

use amdahl_explain::terminal::Style;
use amdahl_record::error::{Error, Result};
use amdahl_record::io::outputs::Outputs;

/// Colour on a terminal, unless `NO_COLOR` is set and not empty (no-color.org) or the terminal is
/// dumb.
pub fn style() -> Style {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
        || std::env::var_os("TERM").is_some_and(|v| v == "dumb");
    Style { colour: !refused && std::io::stdout().is_terminal() }
}

/// Says which characters paper cannot show.
#[cfg(feature = "pdf")]
pub(crate) fn warn_of_boxes(missing: &[char]) {
    if missing.is_empty() {
        return;
    }
    let some: Vec<String> = missing.iter().take(8).map(|c| format!("'{c}'")).collect();
    let more = if missing.len() > some.len() {
        format!(" and {} more", missing.len() - some.len())
    } else {
        String::new()
    };
    say(&format!(
        "amdahl: warning: the fonts for paper do not have {}{more}: boxes stand in their place\n  write them in Latin or Greek letters in the manifest; the page and \
         'amdahl show' have them all\n",
        some.join(", ")
    ));
}

/// The folder with a person's own texts: the one that is named, which has to be there, else
/// `report`, which has not.
pub(crate) fn own_texts(named: Option<&Path>) -> Result<PathBuf> {
    match named {
        Some(folder) if !folder.is_dir() => {
            Err(Error::usage(format!("there is no folder {}", folder.display()))
                .hint("what goes into it: report/README.md"))
        }
        Some(folder) => Ok(folder.into()),
        None => Ok("report".into()),
    }
}

/// The flag of verbs that fill a folder with files.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Force {
    /// Replace files that are there and that amdahl did not write, or that were changed since
    #[arg(long)]
    pub force: bool,
}

impl Force {
    /// Checks the files that a verb is going to write, before it writes the first. They are made
    /// from the records in `results`.
    pub(crate) fn allows<'a>(
        self,
        what: &str,
        files: impl IntoIterator<Item = &'a PathBuf>,
        results: &Path,
    ) -> Result<()> {
        let mut outputs = Outputs::new(self.force);
        outputs.reads_in("the records", results, "jsonl");
        for file in files {
            outputs.writes(what, file);
        }
        outputs.check()
    }
}

/// An experiment's name as the beginning of a file name: letters, digits, `-` and `_`.
pub(crate) fn file_stem(experiment: &str) -> String {
    let keep = |c: char| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    let stem: String = experiment.chars().take(80).map(keep).collect();
    if stem.is_empty() { "results".into() } else { stem }
}

/// Can this build make PDF and PNG?
pub(crate) const PAPER: bool = cfg!(feature = "pdf");

/// The error of a build that lacks something.
pub(crate) fn left_out(what: &str, feature: &str) -> Error {
    Error::unavailable(format!(
        "this build of amdahl has no {what}: it was built without the feature '{feature}'"
    ))
    .hint(
        "'make build' (or 'cargo build --release') makes one that has; tables, figures as SVG and \
         the page are in every build",
    )
}
