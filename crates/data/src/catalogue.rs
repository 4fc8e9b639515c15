//! Real data sets by name: what they are, where they come from and where they are found.
//!
//! A file is looked for under `AMDAHL_DATA`, then in `amdahl/data` in the user's cache folder
//! (`XDG_CACHE_HOME`, else `~/.cache`). One that is in neither is fetched into the cache by `curl`,
//! unless `AMDAHL_OFFLINE` is set (to anything but `0`). A file counts when its SHA-256 is that of
//! the catalogue, which is verified once in a process.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::stamp::Stamp;
use amdahl_record::cell;
use amdahl_record::cell::{Dataset, Labels, Sample};
use amdahl_record::error::{Error, Result};
use amdahl_record::io::atomic::Pending;
use amdahl_record::io::regular;

/// A data set of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// Its name in manifests.
    pub name: String,
    /// One line for people.
    pub about: String,
    /// Rows.
    pub rows: u64,
    /// Columns, without labels.
    pub dims: usize,
    /// Name of the format.
    pub format: String,
    /// The file of the rows.
    pub file: Asset,
    /// Where the true labels are.
    #[serde(default)]
    pub labels: SetLabels,
    /// The page that describes it.
    pub origin: String,
    /// Under which licence it is published, as far as known.
    pub licence: String,
}

impl Set {
    /// The data set as files that are found, or fetched to, in `folders`.
    pub fn dataset(&self, folders: &Folders, sample: Option<Sample>) -> Result<Dataset> {
        let labels = match &self.labels {
            SetLabels::None => Labels::None,
            SetLabels::LastColumn => Labels::LastColumn,
            SetLabels::Column(name) => Labels::Column(name.clone()),
            SetLabels::File(asset) => Labels::File(folders.locate(&self.name, asset)?),
        };
        let path = folders.locate(&self.name, &self.file)?;
        Ok(Dataset::File { path, format: Some(self.format.clone()), labels, dataset: None, sample })
    }
}

/// Where the true labels of a data set are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SetLabels {
    /// There are none.
    #[default]
    None,
    /// The last column.
    LastColumn,
    /// The column with this name.
    Column(String),
    /// A file of their own.
    File(Asset),
}

/// A file of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// Path below the data folder.
    pub path: String,
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
    /// Where the file can be fetched from.
    pub url: Option<String>,
}

/// All data sets, in the order of the catalogue.
pub fn sets() -> Result<&'static [Set]> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Catalogue {
        set: Vec<Set>,
    }
    static SETS: OnceLock<Result<Vec<Set>>> = OnceLock::new();
    let sets = SETS.get_or_init(|| {
        let catalogue: Catalogue = toml::from_str(include_str!("catalogue.toml"))
            .map_err(|e| Error::internal(format!("the catalogue of data sets is damaged: {e}")))?;
        Ok(catalogue.set)
    });
    sets.as_deref().map_err(Clone::clone)
}

/// The data set with this name.
pub fn set(name: &str) -> Result<&'static Set> {
    let sets = sets()?;
    sets.iter().find(|set| set.name == name).ok_or_else(|| {
        let known: Vec<_> = sets.iter().map(|set| &set.name[..]).collect();
        let error =
            Error::data(format!("unknown data set '{name}', expected one of {}", known.join(", ")));
        crate::suggest::suggest(error, name, known)
    })
}

/// Where files are looked for and fetched to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// The user's data folder, never written to.
    pub data: Option<PathBuf>,
    /// The cache.
    pub cache: Option<PathBuf>,
    /// The program that fetches; `None` when nothing may be fetched.
    pub curl: Option<PathBuf>,
}

impl Folders {
    /// As the environment says.
    pub fn from_env() -> Folders {
        let folder = |name: &str| {
            std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        let cache = folder("XDG_CACHE_HOME").filter(|path| path.is_absolute());
        let offline = folder("AMDAHL_OFFLINE").is_some_and(|value| value.as_os_str() != "0");
        Folders {
            data: folder("AMDAHL_DATA"),
            cache: cache
                .or_else(|| Some(folder("HOME")?.join(".cache")))
                .map(|path| path.join("amdahl/data")),
            curl: (!offline).then(|| "curl".into()),
        }
    }

    /// The path of a file of the set `name`, fetched if need be. Its SHA-256 is the catalogue's.
    pub fn locate(&self, name: &str, asset: &Asset) -> Result<PathBuf> {
        let known =
            [&self.data, &self.cache].into_iter().flatten().map(|folder| folder.join(&asset.path));
        for path in known {
            if path.try_exists().map_err(|e| Error::io("find", &path, e))? {
                verify(name, &path, asset)?;
                log::debug!("data set {name}: {}", path.display());
                return Ok(path);
            }
        }
        let fetched = match (&self.curl, &self.cache, &asset.url) {
            (None, ..) => Err("AMDAHL_OFFLINE is set, so it was not fetched".to_string()),
            (_, None, _) => Err(
                "there is no cache folder to fetch it to (neither XDG_CACHE_HOME nor HOME is set)"
                    .into(),
            ),
            (.., None) => Err("the catalogue knows no address to fetch it from".into()),
            (Some(curl), Some(cache), Some(url)) => {
                let path = cache.join(&asset.path);
                fetch(curl, url, &path, |fetched| verify(name, fetched, asset)).map(|()| path)
            }
        };
        fetched.map_err(|why| {
            let place = match (&self.data, &self.cache) {
                (Some(data), _) => data.join(&asset.path).display().to_string(),
                (None, Some(cache)) => {
                    format!(
                        "{}, or below a folder that AMDAHL_DATA names",
                        cache.join(&asset.path).display()
                    )
                }
                (None, None) => format!("{} below a folder that AMDAHL_DATA names", asset.path),
            };
            let from = asset.url.as_deref().unwrap_or("its origin");
            Error::data(format!("data set '{name}': the file {} is missing; {why}", asset.path))
                .hint(format!("put the file from {from} (SHA-256 {}) at {place}", asset.sha256))
        })
    }
}

/// Refuses a file whose SHA-256 is not the catalogue's.
fn verify(name: &str, path: &Path, asset: &Asset) -> Result<()> {
    let got = sha256(path)?;
    if got == asset.sha256 {
        return Ok(());
    }
    Err(Error::data(format!("data set '{name}': the file's SHA-256 is {got}, the catalogue says {}", asset.sha256))
        .at(path, 0, 0)
        .hint("the file is damaged or another one: remove it, and it is fetched again, or put the right one there"))
}

/// Fetches `url` to a file of another name beside `path`, checks it and gives it its name. On
/// failure nothing is left.
fn fetch(
    curl: &Path,
    url: &str,
    path: &Path,
    check: impl Fn(&Path) -> Result<()>,
) -> Result<(), String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
    let file = Pending::create(path).map_err(|e| e.message)?;
    log::info!("fetches {url} to {}", path.display());
    let output = Command::new(curl)
        .args(["-fsSL", "--proto", "=https", "--connect-timeout", "15", "--max-time", "900", "-o"])
        .arg(file.scratch())
        .arg(url)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("fetching it needs the program {}: {e}", curl.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("fetching {url} failed: {} ({})", said.trim(), output.status));
    }
    check(file.scratch()).map_err(|e| format!("what {url} holds is not it: {}", e.message))?;
    file.commit().map_err(|e| e.message)
}

/// The SHA-256 of a file as 64 hexadecimal digits; read once in a process while its length and time
/// of change stay.
pub fn sha256(path: &Path) -> Result<String> {
    type Known = HashMap<(PathBuf, Stamp), String>;
    static KNOWN: Mutex<Option<Known>> = Mutex::new(None);
    let cannot = |e| Error::io("read", path, e);
    let key = (path.to_path_buf(), Stamp::of(path).map_err(cannot)?);
    // A lane that died while it held the lock left a map of true entries.
    if let Some(digest) =
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().get(&key)
    {
        return Ok(digest.clone());
    }
    let mut file = regular::open(path).map_err(cannot)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match std::io::Read::read(&mut file, &mut buffer) {
            Ok(0) => break,
            Ok(read) => hash.update(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(cannot(error)),
        }
    }
    let digest = cell::hex(&hash.finalize());
    KNOWN
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get_or_insert_default()
        .insert(key, digest.clone());
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: &[u8] = b"1,2\n3,4\n";

    fn asset(url: Option<&str>) -> Asset {
        let sha256 = cell::hex(&Sha256::digest(CONTENT));
        Asset { path: "set/a.csv".into(), sha256, url: url.map(str::to_string) }
    }

    /// A program that takes curl's place: it writes `content` to the file after `-o`, or fails.
    fn curl(folder: &Path, script: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.join("curl");
        let text = format!(
            "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\nout=$2; url=$3\n{script}\n"
        );
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
            .expect("made a program");
        path
    }

    #[test]
    fn the_catalogue_is_sound() {
        let sets = sets().expect("the embedded catalogue parses");
        for (i, set) in sets.iter().enumerate() {
            assert!(
                sets[..i].iter().all(|other| other.name != set.name),
                "{} is there once",
                set.name
            );
            crate::format::by_name(&set.format).expect("a known format");
            assert!(
                set.rows > 0 && set.dims > 0 && !set.about.is_empty() && !set.licence.is_empty()
            );
            let labels = if let SetLabels::File(asset) = &set.labels { Some(asset) } else { None };
            for asset in [Some(&set.file), labels].into_iter().flatten() {
                assert!(
                    asset.sha256.len() == 64 && asset.sha256.bytes().all(|b| b.is_ascii_hexdigit()),
                    "{}",
                    set.name
                );
                assert!(
                    !asset.path.starts_with('/') && !asset.path.contains(".."),
                    "{}",
                    asset.path
                );
                assert!(
                    asset.url.as_ref().is_none_or(|url| url.starts_with("https://")),
                    "{}",
                    set.name
                );
            }
        }
        let error = set("mnist-t10").expect_err("a typo");
        assert_eq!(error.hint.as_deref(), Some("did you mean 'mnist-t10k'?"));
    }

    #[test]
    fn the_data_folder_comes_before_the_cache() {
        let (data, cache) =
            (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let folders = Folders {
            data: Some(data.path().into()),
            cache: Some(cache.path().into()),
            curl: None,
        };
        for folder in [cache.path(), data.path()] {
            std::fs::create_dir(folder.join("set")).expect("made");
            std::fs::write(folder.join("set/a.csv"), CONTENT).expect("written");
            assert_eq!(folders.locate("a", &asset(None)).expect("there"), folder.join("set/a.csv"));
        }
        std::fs::write(data.path().join("set/a.csv"), b"1,2\n").expect("written");
        let error = folders.locate("a", &asset(None)).expect_err("another file");
        let got = cell::hex(&Sha256::digest(b"1,2\n"));
        assert!(
            error.message.contains(&got) && error.message.contains(&asset(None).sha256),
            "{error}"
        );
    }

    #[test]
    fn a_missing_file_says_where_it_belongs() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = "https://example.org/a.csv";
        let offline = Folders { data: None, cache: Some(folder.path().into()), curl: None };
        let text = offline.locate("a", &asset(Some(url))).expect_err("missing").to_string();
        let place = folder.path().join("set/a.csv").display().to_string();
        for said in ["AMDAHL_OFFLINE", url, &place, &asset(None).sha256, "AMDAHL_DATA"] {
            assert!(text.contains(said), "'{said}' is not in: {text}");
        }
        let unknown = Folders { curl: Some("curl".into()), ..offline.clone() };
        let text = unknown.locate("a", &asset(None)).expect_err("missing").to_string();
        assert!(text.contains("knows no address"), "{text}");
        let homeless = Folders { cache: None, ..unknown };
        assert!(
            homeless
                .locate("a", &asset(Some(url)))
                .expect_err("missing")
                .message
                .contains("no cache folder")
        );
    }

    #[test]
    fn a_missing_file_is_fetched_and_checked() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = folder.path().join("cache");
        let locate = |script: &str| {
            let curl = curl(folder.path(), script);
            let folders = Folders { data: None, cache: Some(cache.clone()), curl: Some(curl) };
            folders.locate("a", &asset(Some("https://example.org/a.csv")))
        };
        let left = || std::fs::read_dir(cache.join("set")).map_or(0, Iterator::count);
        let text = locate("echo no such host >&2; exit 6").expect_err("no network").to_string();
        assert!(text.contains("no such host") && text.contains("put the file from"), "{text}");
        let text = locate("printf '<html>' > \"$out\"").expect_err("a page").to_string();
        assert!(text.contains("is not it") && text.contains(&asset(None).sha256), "{text}");
        assert_eq!(left(), 0, "nothing is left of what failed");
        let path = locate("printf '1,2\\n3,4\\n' > \"$out\"").expect("fetched");
        assert_eq!(std::fs::read(&path).expect("there"), CONTENT);
        assert_eq!(left(), 1);
        assert_eq!(locate("exit 1").expect("in the cache"), path, "not fetched again");
    }
}
