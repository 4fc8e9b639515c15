//! What tells one state of a file from another without reading it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The state of a file: whoever replaces it, or writes to it, leaves another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// The state of this file; of a link, that of the file it leads to.
    ///
    /// # Errors
    /// Where the file cannot be looked at.
    pub fn of(path: &Path) -> std::io::Result<Stamp> {
        let facts = std::fs::metadata(path)?;
        Ok(Stamp {
            device: facts.dev(),
            inode: facts.ino(),
            bytes: facts.len(),
            modified: (facts.mtime(), facts.mtime_nsec()),
            changed: (facts.ctime(), facts.ctime_nsec()),
        })
    }

    /// Is it the same file, and not written to? Its owner, its permissions and the number of its
    /// names may have changed.
    pub fn is_unwritten(&self, before: &Stamp) -> bool {
        Stamp { changed: before.changed, ..*self } == *before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_replaced_or_written_to_has_another() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        std::fs::write(&path, "one").expect("written");
        let first = Stamp::of(&path).expect("there");
        assert_eq!(Stamp::of(&path).expect("there"), first);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).expect("ours");
        assert!(Stamp::of(&path).expect("there").is_unwritten(&first));
        let other = folder.path().join("b");
        std::fs::write(&other, "two").expect("written");
        std::fs::rename(&other, &path).expect("replaced");
        let second = Stamp::of(&path).expect("there");
        assert!(second != first && !second.is_unwritten(&first));
        std::fs::write(&path, "longer").expect("written");
        assert!(!Stamp::of(&path).expect("there").is_unwritten(&second));
        assert!(Stamp::of(&folder.path().join("none")).is_err());
    }
}
