//! The files of a crate: from its roots along the declarations of modules, as the compiler goes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use crate::tokens::{self, Module, Source};
use crate::{Result, short_hash};

/// A file that decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path in its package, with slashes.
    pub name: String,
    /// Its path from the top of the workspace.
    pub path: PathBuf,
    /// A digest of its tokens, or of its bytes where it is no Rust.
    pub digest: String,
}

/// The files of a package.
#[derive(Debug)]
pub struct Files {
    /// Those that decide, by name.
    pub deciding: Vec<File>,
    /// Those that are declared not to, from the top of the workspace.
    pub others: BTreeSet<PathBuf>,
}

/// The files of the package in `folder` of the workspace at `root`. Those that `explains` names do
/// not decide; what they lead to does, unless it is named too.
pub fn files(root: &Path, folder: &Path, explains: &BTreeSet<String>) -> Result<Files> {
    let package = root.join(folder);
    let mut walk =
        Walk { package: &package, explains, digests: BTreeMap::new(), others: BTreeSet::new() };
    for file in roots(&package)? {
        walk.file(&file, Place::Root)?;
    }
    if let Some(name) = explains.difference(&walk.others).next() {
        let manifest = folder.join("Cargo.toml");
        return Err(format!(
            "{}: '{name}' is no file that the crate is made of",
            manifest.display()
        ));
    }
    let path = |name: &String| normal(&folder.join(name));
    Ok(Files {
        others: walk.others.iter().map(path).collect(),
        deciding: walk
            .digests
            .iter()
            .map(|(name, digest)| File {
                path: path(name),
                name: name.clone(),
                digest: digest.clone(),
            })
            .collect(),
    })
}

/// Where a file stands, which says where the modules that it declares are.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// A root, a `mod.rs` or a file that an attribute names: beside it.
    Root,
    /// Any other module: in the folder of its name.
    Module,
    /// Included by another file: it declares none.
    Included,
}

struct Walk<'a> {
    package: &'a Path,
    explains: &'a BTreeSet<String>,
    digests: BTreeMap<String, String>,
    /// Names in `explains` that were met.
    others: BTreeSet<String>,
}

impl Walk<'_> {
    /// A file, named from the package, and all that it leads to.
    fn file(&mut self, file: &Path, place: Place) -> Result<()> {
        let name = file.to_string_lossy().into_owned();
        if self.digests.contains_key(&name) || self.others.contains(&name) {
            return Ok(());
        }
        let path = self.package.join(file);
        let source = if file.extension().is_some_and(|ending| ending == "rs") {
            tokens::source(&crate::read(&path)?)
                .map_err(|why| format!("{}: {why}", path.display()))?
        } else {
            let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            Source { tokens: short_hash(&bytes), ..Source::default() }
        };
        if !self.explains.contains(&name) {
            self.digests.insert(name, short_hash(source.tokens.as_bytes()));
        } else {
            self.others.insert(name);
        }
        let folder = file.parent().unwrap_or(Path::new(""));
        for included in &source.includes {
            self.file(&normal(&folder.join(included)), Place::Included)?;
        }
        for module in &source.modules {
            let (file, place) = self.module(file, place, module).ok_or_else(|| {
                format!("{}: where is its module {:?}?", path.display(), module.names)
            })?;
            self.file(&file, place)?;
        }
        Ok(())
    }

    /// The file of a module that `file` declares.
    fn module(&self, file: &Path, place: Place, module: &Module) -> Option<(PathBuf, Place)> {
        let folder = file.parent()?;
        let (name, within) = module.names.split_last()?;
        match (&module.path, place) {
            (_, Place::Included) => None,
            (Some(path), _) => within.is_empty().then(|| (normal(&folder.join(path)), Place::Root)),
            (None, _) => {
                let mut folder = folder.to_path_buf();
                if place == Place::Module {
                    folder.push(file.file_stem()?);
                }
                folder.extend(within);
                let choices = [
                    (folder.join(format!("{name}.rs")), Place::Module),
                    (folder.join(name).join("mod.rs"), Place::Root),
                ];
                choices.into_iter().find(|(file, _)| self.package.join(file).is_file())
            }
        }
    }
}

/// The roots of a package where cargo looks for them.
fn roots(package: &Path) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> =
        ["build.rs", "src/lib.rs", "src/main.rs"].iter().map(PathBuf::from).collect();
    if let Ok(entries) = std::fs::read_dir(package.join("src/bin")) {
        for entry in entries {
            let name = entry.map_err(|e| e.to_string())?.file_name();
            let file = Path::new("src/bin").join(name);
            found.push(file.join("main.rs"));
            found.push(file);
        }
    }
    found.retain(|file| package.join(file).is_file());
    found.sort();
    Ok(found)
}

/// A path without `.` and `..`, as far as it has folders to leave.
pub fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => drop(normal.pop()),
            part => normal.push(part),
        }
    }
    normal
}
