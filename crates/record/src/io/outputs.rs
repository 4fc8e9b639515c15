//! What a verb reads and what it is going to write, compared before it begins.
//!
//! - **No output is an input, nor another output.** Files that are there are the same where device
//!   and inode are, so links are seen through; of one that is not there yet, its folder and its name
//!   decide.
//! - **What somebody else wrote is not replaced** unless they say so (`--force`). A file is ours
//!   where it proves that itself, as a model does by its checksum, or where the list of written
//!   files beside it ([`super::written`]) has a file with these very bytes: one that was changed
//!   since is somebody's work.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::written;
use crate::error::{Error, Result};

/// Says of a file that is there whether this program wrote it.
type Ours<'a> = Box<dyn Fn(&Path) -> bool + 'a>;

/// The inputs and outputs of a verb.
#[derive(Default)]
pub struct Outputs<'a> {
    force: bool,
    inputs: Vec<Named>,
    outputs: Vec<(Named, Ours<'a>)>,
    /// Folders in which a verb makes and removes what it needs for itself.
    own: Vec<Named>,
}

/// A file by what it is for and by what it is.
struct Named {
    what: String,
    path: PathBuf,
    /// Device and inode, where a regular file is there.
    node: Option<(u64, u64)>,
    /// Where it is or would be, links seen through; none for pipes, devices and what has no folder.
    place: Option<PathBuf>,
}

impl Named {
    fn new(what: &str, path: &Path) -> Named {
        let there = std::fs::metadata(path).ok();
        let node = there.as_ref().filter(|facts| facts.is_file()).map(|f| (f.dev(), f.ino()));
        let special = there.is_some_and(|facts| !facts.is_file() && !facts.is_dir());
        let place = if special { None } else { place(path) };
        Named { what: what.into(), path: path.into(), node, place }
    }

    fn is(&self, other: &Named) -> bool {
        self.node.is_some() && self.node == other.node
            || self.place.is_some() && self.place == other.place
    }

    fn words(&self) -> String {
        format!("{} ({})", self.what, self.path.display())
    }
}

/// Where a path leads; of what is not there, where it would be.
fn place(path: &Path) -> Option<PathBuf> {
    if let Ok(place) = std::fs::canonicalize(path) {
        return Some(place);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Some(std::fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?.join(path.file_name()?))
}

impl<'a> Outputs<'a> {
    /// None yet. With `force`, what somebody else wrote is replaced too; an input never is.
    pub fn new(force: bool) -> Outputs<'a> {
        Outputs { force, ..Outputs::default() }
    }

    /// A file that is read; `what` it is, in the words of the command line.
    pub fn reads(&mut self, what: &str, path: &Path) -> &mut Self {
        self.inputs.push(Named::new(what, path));
        self
    }

    /// The files with this ending in a folder that is read.
    pub fn reads_in(&mut self, what: &str, folder: &Path, ending: &str) -> &mut Self {
        self.reads_where(what, folder, |path| path.extension().is_some_and(|own| own == ending))
    }

    /// Data that is read: a file, or all files of a folder.
    pub fn reads_data(&mut self, what: &str, path: &Path) -> &mut Self {
        match path.is_dir() {
            true => self.reads_where(what, path, |_| true),
            false => self.reads(what, path),
        }
    }

    fn reads_where(
        &mut self,
        what: &str,
        folder: &Path,
        is_read: impl Fn(&Path) -> bool,
    ) -> &mut Self {
        // A folder that cannot be read has no files that are.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if is_read(&path) {
                self.reads(what, &path);
            }
        }
        self
    }

    /// A file that is written, and noted in the list beside it.
    pub fn writes(&mut self, what: &str, path: &Path) -> &mut Self {
        self.writes_if(what, path, written::has)
    }

    /// A file that is written; `ours` says whether the one that is there is this program's.
    pub fn writes_if(
        &mut self,
        what: &str,
        path: &Path,
        ours: impl Fn(&Path) -> bool + 'a,
    ) -> &mut Self {
        self.outputs.push((Named::new(what, path), Box::new(ours)));
        self
    }

    /// A folder in which files are made and removed as they are needed.
    pub fn fills(&mut self, what: &str, folder: &Path) -> &mut Self {
        self.own.push(Named::new(what, folder));
        self
    }

    /// Compares them all.
    ///
    /// # Errors
    /// Usage, where an output is an input or another output, or would replace what somebody else
    /// wrote.
    pub fn check(&self) -> Result<()> {
        let another = "name another file for what is written";
        for (at, (output, _)) in self.outputs.iter().enumerate() {
            if let Some(input) = self.inputs.iter().find(|input| input.is(output)) {
                return Err(Error::usage(format!(
                    "{} would be written over {}: they are the same file",
                    output.words(),
                    input.words()
                ))
                .hint(another));
            }
            if let Some((other, _)) = self.outputs[..at].iter().find(|(other, _)| other.is(output))
            {
                return Err(Error::usage(format!(
                    "{} and {} would be the same file",
                    other.words(),
                    output.words()
                ))
                .hint(another));
            }
        }
        let within = |input: &Named, folder: &Named| {
            let places = input.place.as_ref().zip(folder.place.as_ref());
            places.is_some_and(|(input, folder)| input.starts_with(folder))
        };
        for folder in &self.own {
            if let Some(input) = self.inputs.iter().find(|input| within(input, folder)) {
                return Err(Error::usage(format!(
                    "{} lies within {}, where files are made and removed",
                    input.words(),
                    folder.words()
                ))
                .hint("keep it elsewhere, or name another folder for what is written"));
            }
        }
        if self.force {
            return Ok(());
        }
        for (output, ours) in &self.outputs {
            if output.node.is_some() && !ours(&output.path) {
                return Err(Error::usage(format!(
                    "{} is there already, and amdahl did not write it as it is now",
                    output.words()
                ))
                .hint("--force replaces it; or name another place"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::io::atomic;

    fn refused(outputs: &Outputs<'_>) -> String {
        let error = outputs.check().expect_err("refused");
        assert_eq!(error.kind, Kind::Usage);
        error.to_string()
    }

    #[test]
    fn an_output_is_no_input_whatever_it_is_called() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("data"), "1").expect("written");
        std::fs::hard_link(at("data"), at("hard")).expect("a link");
        std::os::unix::fs::symlink("data", at("soft")).expect("a link");
        std::os::unix::fs::symlink(".", at("here")).expect("a link");
        for name in ["data", "hard", "soft", "here/data", "./data"] {
            // Not even by force.
            let mut outputs = Outputs::new(true);
            let said =
                refused(outputs.reads("the data", &at("data")).writes("--labels", &at(name)));
            assert!(said.contains("--labels (") && said.contains("the data ("), "{name}: {said}");
        }
        let mut other = Outputs::new(false);
        other.reads("the data", &at("data")).writes("--labels", &at("labels"));
        other.check().expect("another file");
    }

    #[test]
    fn an_output_is_no_part_of_data_in_a_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let part = folder.path().join("part-0.parquet");
        std::fs::write(&part, "rows").expect("written");
        for data in [folder.path(), &part] {
            let mut outputs = Outputs::new(true);
            outputs.reads_data("the data", data).writes("--labels", &part);
            let error = outputs.check().expect_err("a part of the data").to_string();
            assert!(error.contains("would be written over the data"), "{error}");
        }
        let mut outputs = Outputs::new(false);
        outputs.reads_data("the data", folder.path());
        outputs.writes("--labels", &folder.path().join("labels.npy"));
        assert!(outputs.check().is_ok(), "a file that is not there yet");
    }

    #[test]
    fn two_outputs_are_two_files_before_any_of_them_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::os::unix::fs::symlink(".", at("here")).expect("a link");
        let mut outputs = Outputs::new(true);
        outputs.writes("the centroids", &at("m.npy")).writes("--labels", &at("here/m.npy"));
        let said = refused(&outputs);
        assert!(said.contains("the centroids (") && said.contains("--labels ("), "{said}");
        let mut devices = Outputs::new(false);
        devices.writes("a", Path::new("/dev/null")).writes("b", Path::new("/dev/null"));
        devices.check().expect("a device takes both");
    }

    #[test]
    fn what_somebody_else_wrote_is_replaced_by_force_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.svg");
        let check = |force| Outputs::new(force).writes("the figure", &path).check();
        check(false).expect("nothing is there");
        atomic::write_noted(&path, "ours").expect("written");
        check(false).expect("as it was written");
        std::fs::write(&path, "edited by hand").expect("written");
        let error = check(false).expect_err("somebody's work").to_string();
        assert!(error.contains("a.svg") && error.contains("--force"), "{error}");
        check(true).expect("by force");
        Outputs::new(false).writes_if("a model", &path, |_| true).check().expect("it says so");
    }

    #[test]
    fn folders_that_are_emptied_hold_no_inputs() {
        let folder = tempfile::tempdir().expect("a folder");
        let work = folder.path().join("work");
        std::fs::create_dir(&work).expect("made");
        std::fs::write(work.join("m.toml"), "").expect("written");
        let mut outputs = Outputs::new(false);
        outputs.reads("the manifest", &work.join("m.toml")).fills("work", &work);
        assert!(refused(&outputs).contains("lies within work ("));
    }
}
