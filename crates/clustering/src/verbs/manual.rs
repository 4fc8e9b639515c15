//! Manual pages, made from the same words as `--help`.

use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;

use amdahl_record::error::{Error, Result};
use amdahl_record::io::atomic;

/// Writes the pages of a program, one for each verb that is shown, into a folder. Returns where.
///
/// # Errors
/// Where the folder cannot be written to.
pub fn write(program: Command, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let source = format!("{} {}", program.get_name(), program.get_version().unwrap_or_default());
    let verbs = program.get_subcommands().filter(|verb| !verb.is_hide_set());
    let mut written = Vec::new();
    for command in std::iter::once(&program).chain(verbs) {
        let man = Man::new(command.clone()).source(&source).manual("amdahl");
        let path = folder.join(man.get_filename());
        let page = page(&man, command)
            .map_err(|e| Error::internal(format!("the page {}: {e}", path.display())))?;
        atomic::write_with_folder(&path, page)?;
        written.push(path);
    }
    Ok(written)
}

fn page(man: &Man, command: &Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    // Not `render_extra_section`: it would fill the lines of examples as those of a paragraph.
    let more = command.get_after_long_help().or(command.get_after_help());
    page.extend(more.map(|text| sections(&text.to_string())).unwrap_or_default().into_bytes());
    Ok(page)
}

/// What stands below the options, a section for each paragraph. One whose first line ends with a
/// colon has lines of its own below it; `Exit codes: …` is a sentence.
fn sections(text: &str) -> String {
    let mut page = String::new();
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        let (first, rest) = paragraph.split_once('\n').unwrap_or((paragraph, ""));
        if let Some(heading) = first.strip_suffix(':') {
            page += &format!(".SH {}\n.nf\n", quoted(&heading.to_uppercase()));
            rest.lines().for_each(|line| page += &(escaped(line) + "\n"));
            page += ".fi\n";
        } else if let Some(codes) = paragraph.strip_prefix("Exit codes: ") {
            page += &format!(".SH \"EXIT STATUS\"\n{}\n", escaped(&codes.replace('\n', " ")));
        } else {
            page += &format!(".SH NOTES\n{}\n", escaped(&paragraph.replace('\n', " ")));
        }
    }
    page
}

fn quoted(heading: &str) -> String {
    format!("\"{}\"", escaped(&heading.replace('"', "'")))
}

/// Text in which nothing is an instruction to the typesetter.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', r"\(rs").replace('-', r"\-");
    if line.starts_with(['.', '\'']) { format!(r"\&{line}") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_keep_their_lines_and_nothing_is_an_instruction() {
        let text = "Examples:\n  a --b c\n.d\n\nExit codes: 0 ok,\n1 not.\n\nSee 'x' \\ y";
        let expected = concat!(
            ".SH \"EXAMPLES\"\n.nf\n  a \\-\\-b c\n\\&.d\n.fi\n",
            ".SH \"EXIT STATUS\"\n0 ok, 1 not.\n",
            ".SH NOTES\nSee 'x' \\(rs y\n",
        );
        assert_eq!(sections(text), expected);
    }

    #[test]
    fn each_verb_that_is_shown_has_a_page() {
        let folder = tempfile::tempdir().expect("a folder");
        let verb = |name: &'static str| Command::new(name).about("does it").after_help("For:\n  x");
        let program = Command::new("p")
            .version("1.2")
            .about("A program")
            .subcommands([verb("run"), verb("secret").hide(true)]);
        let written = write(program, &folder.path().join("man1")).expect("written");
        let names: Vec<_> = written.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        assert_eq!(names, ["p.1", "p-run.1"]);
        let page = std::fs::read_to_string(&written[1]).expect("a page");
        assert!(page.contains(".TH p-run 1  \"p 1.2\" amdahl"), "{page}");
        assert!(page.contains("does it") && page.contains(".SH \"FOR\"\n.nf\n  x\n.fi"), "{page}");
    }
}
