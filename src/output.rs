//! Writing to standard output: a reader that stops early (`amdahl show … | head`) is no error.

use std::io::IsTerminal;

pub use amdahl_clustering::verbs::output::{print, say};

use amdahl_explain::terminal::Style;
use amdahl_record::error::{Error, Result};

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
pub(crate) fn own_texts(named: Option<&std::path::Path>) -> Result<std::path::PathBuf> {
    match named {
        Some(folder) if !folder.is_dir() => {
            Err(Error::usage(format!("there is no folder {}", folder.display()))
                .hint("what goes into it: report/README.md"))
        }
        Some(folder) => Ok(folder.into()),
        None => Ok("report".into()),
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
