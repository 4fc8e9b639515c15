//! What Typst sees: a few files in memory, the folders of the user's own texts, the fonts of the
//! program. No network, no other folder, no clock. The rest of the program sees only [`set`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use typst::diag::{FileError, FileResult, PackageError, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Dict, Duration, Str, Value};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World, WorldExt};
use typst_layout::PagedDocument;

use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::io::regular;

/// The fonts of `assets/fonts`, and no others: the same on every machine.
const FONTS: [&[u8]; 3] = [
    include_bytes!("../assets/fonts/Inter-Regular.otf"),
    include_bytes!("../assets/fonts/Inter-SemiBold.otf"),
    include_bytes!("../assets/fonts/JetBrainsMono-Regular.ttf"),
];

static LOADED: LazyLock<(Vec<Font>, LazyHash<FontBook>)> = LazyLock::new(|| {
    let fonts: Vec<Font> = FONTS.iter().flat_map(|data| Font::iter(Bytes::new(*data))).collect();
    let book = LazyHash::new(FontBook::from_fonts(&fonts));
    (fonts, book)
});

/// The files of a document by their paths without a leading slash.
#[derive(Default)]
pub struct Files {
    /// Those that are made; none of these can be replaced.
    pub made: BTreeMap<String, Vec<u8>>,
    /// Templates; a file of the same name in `folders` takes the place of one.
    pub templates: BTreeMap<&'static str, &'static str>,
    /// Folders of the user's own files, the first that has one counts.
    pub folders: Vec<PathBuf>,
}

impl Files {
    /// The file in the user's folders, where there is one. A link that leads out of them is none.
    pub fn own(&self, name: &str) -> Option<PathBuf> {
        let real = |path: &PathBuf| std::fs::canonicalize(path).ok();
        let within = |path: &PathBuf| {
            let path = real(path)?;
            let mut folders = self.folders.iter().filter_map(real);
            (path.is_file() && folders.any(|folder| path.starts_with(folder))).then_some(())
        };
        let mut all = self.folders.iter().map(|folder| folder.join(name));
        all.find(|path| within(path).is_some())
    }

    fn read(&self, path: &VirtualPath) -> FileResult<Bytes> {
        let name = path.get_without_slash();
        if let Some(made) = self.made.get(name) {
            return Ok(Bytes::new(made.clone()));
        }
        if let Some(path) = self.own(name) {
            return regular::read(&path).map(Bytes::new).map_err(|e| FileError::from_io(e, &path));
        }
        match self.templates.get(name) {
            Some(text) => Ok(Bytes::from_string(*text)),
            None => Err(FileError::NotFound(
                self.folders.last().map_or(PathBuf::from(name), |f| f.join(name)),
            )),
        }
    }
}

struct Desk {
    files: Files,
    main: FileId,
    library: LazyHash<Library>,
    read: Mutex<HashMap<FileId, FileResult<Bytes>>>,
    parsed: Mutex<HashMap<FileId, FileResult<Source>>>,
}

/// Remembers what was read, so that one run sees one state of a file.
fn once<T: Clone>(known: &Mutex<HashMap<FileId, T>>, id: FileId, make: impl FnOnce() -> T) -> T {
    if let Some(value) = known.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
        return value.clone();
    }
    let value = make();
    known.lock().unwrap_or_else(PoisonError::into_inner).insert(id, value.clone());
    value
}

impl World for Desk {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &LOADED.1
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let parse = || Ok(Source::new(id, self.file(id)?.to_str()?.as_str().to_string()));
        once(&self.parsed, id, parse)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        match id.root() {
            VirtualRoot::Project => once(&self.read, id, || self.files.read(id.vpath())),
            VirtualRoot::Package(package) => {
                Err(FileError::Package(PackageError::NotFound(package.clone())))
            }
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        LOADED.0.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// The characters of a text that the bundled fonts do not have, each once, in their order.
pub fn missing<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<char> {
    let fonts = &LOADED.0;
    let known = |c: char| {
        c.is_control() || fonts.iter().any(|font| font.info().coverage.contains(u32::from(c)))
    };
    let found: BTreeSet<char> = texts.flat_map(str::chars).filter(|c| !known(*c)).collect();
    found.into_iter().collect()
}

/// Sets the file `main` with these inputs (`sys.inputs`) and gives the document to `out`.
///
/// # Errors
/// Usage with file, line and column, when one of the user's own files has an error; internal, when another has.
pub fn set<T>(
    files: Files,
    main: &str,
    inputs: &[(&str, &str)],
    out: impl FnOnce(&PagedDocument) -> typst::diag::SourceResult<T>,
) -> Result<T> {
    let path =
        VirtualPath::new(main).map_err(|_| Error::internal(format!("'{main}' is no path")))?;
    let value = |text: &str| Value::Str(Str::from(text));
    let inputs: Dict = inputs.iter().map(|(name, text)| (Str::from(*name), value(text))).collect();
    let desk = Desk {
        files,
        main: RootedPath::new(VirtualRoot::Project, path).intern(),
        library: LazyHash::new(Library::builder().with_inputs(inputs).build()),
        read: Mutex::default(),
        parsed: Mutex::default(),
    };
    let made = typst::compile::<PagedDocument>(&desk).output.and_then(|document| out(&document));
    // What it remembers of this document would only take room.
    typst::comemo::evict(0);
    made.map_err(|errors| match errors.first() {
        Some(first) => told(&desk, first, errors.len() - 1),
        None => Error::internal(format!("'{main}' cannot be set")),
    })
}

/// An error of Typst as one of ours: where it is in the user's file, what it is, and Typst's own
/// hints.
fn told(desk: &Desk, error: &SourceDiagnostic, others: usize) -> Error {
    let more = if others > 0 { format!(" (and {others} more)") } else { String::new() };
    let message = format!("{}{more}", error.message);
    let Some(id) = error.span.id() else { return Error::internal(format!("Typst: {message}")) };
    let name = id.vpath().get_without_slash();
    let line_column = || {
        let range = desk.range(error.span)?;
        let text = desk.file(id).ok()?;
        let before = text.as_slice().get(..range.start)?;
        let line = before.split(|byte| *byte == b'\n').next_back().unwrap_or_default();
        Some((
            before.iter().filter(|byte| **byte == b'\n').count() + 1,
            String::from_utf8_lossy(line).chars().count() + 1,
        ))
    };
    let (line, column) = line_column().unwrap_or((1, 1));
    let hints: Vec<&str> = error.hints.iter().map(|hint| hint.v.as_str()).collect();
    let told = match desk.files.own(name) {
        Some(path) => Error::new(Kind::Usage, message).at(path, line, column),
        None => Error::internal(format!("Typst: {message}")).at(
            Path::new("built-in").join(name),
            line,
            column,
        ),
    };
    if hints.is_empty() { told } else { told.hint(hints.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_out_of_the_folder_is_no_file_of_it() {
        let (own, outside) =
            (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let secret = outside.path().join("secret");
        std::fs::write(&secret, "x").expect("written");
        std::fs::write(own.path().join("a.typ"), "x").expect("written");
        std::fs::create_dir(own.path().join("test")).expect("made");
        let link = |to: &Path, name: &str| {
            std::os::unix::fs::symlink(to, own.path().join(name)).expect("a link");
        };
        link(&secret, "out.typ");
        link(outside.path(), "folder");
        link(Path::new("a.typ"), "in.typ");
        link(Path::new("../a.typ"), "test/up.typ");
        let folders = vec![own.path().join("test"), own.path().into()];
        let files = Files { folders, ..Files::default() };
        assert!(files.own("a.typ").is_some() && files.own("in.typ").is_some());
        assert!(files.own("up.typ").is_some(), "within the outer folder");
        assert!(files.own("out.typ").is_none() && files.own("folder/secret").is_none());
    }

    #[test]
    fn the_fonts_have_what_the_program_says() {
        let words = "×µ≥≤→↓√·…–—“”’²³⁶±≈−∞σκαλΣ°éüß½%\u{a0}";
        for font in &LOADED.0[..2] {
            let missing: String =
                words.chars().filter(|c| !font.info().coverage.contains(u32::from(*c))).collect();
            assert_eq!(missing, "", "{}", font.info().family);
        }
        assert_eq!(missing(["größer → 2 ×", "数据 and 数"].into_iter()), ['据', '数']);
        let names: Vec<&str> = LOADED.0.iter().map(|font| font.info().family.as_str()).collect();
        assert_eq!(
            names,
            ["Inter", "Inter", "JetBrains Mono"],
            "the names that templates and figures ask for"
        );
    }
}
