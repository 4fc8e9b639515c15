//! Writing to standard output: a reader that stops early (`amdahl show … | head`) is no error.

use std::io::IsTerminal;

pub use amdahl_clustering::verbs::output::{print, say};

use amdahl_explain::show::Style;
use amdahl_record::error::{Error, Result};

/// Colour on a terminal, unless `NO_COLOR` is set and not empty (no-color.org) or the terminal is
/// dumb.
pub fn style() -> Style {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
        || std::env::var_os("TERM").is_some_and(|v| v == "dumb");
    Style { colour: !refused && std::io::stdout().is_terminal() }
}

/// Writes a file and makes its folder. A file of that name is replaced at once, so that a reader
/// never sees half of it.
pub(crate) fn write_bytes(path: &std::path::Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| Error::io("create", folder, e))?;
    }
    let mut scratch = path.as_os_str().to_owned();
    scratch.push(format!(".{}.tmp", std::process::id()));
    let scratch = std::path::PathBuf::from(scratch);
    let written = std::fs::write(&scratch, bytes).and_then(|()| std::fs::rename(&scratch, path));
    written.map_err(|e| {
        let _ = std::fs::remove_file(&scratch);
        Error::io("write", path, e)
    })
}

/// Says which characters paper cannot show.
#[cfg(feature = "explain")]
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
#[cfg(feature = "explain")]
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

/// What a build without figures says.
#[cfg(not(feature = "explain"))]
pub(crate) fn without_explain(what: &str) -> Error {
    Error::unavailable(format!(
        "this build of amdahl has no {what}: it was built without the feature 'explain'"
    ))
    .hint("build it with 'cargo build --release'; 'amdahl show' works in every build")
}
