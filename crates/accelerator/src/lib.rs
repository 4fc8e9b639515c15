//! Accelerators behind the PJRT C interface: AWS Trainium, GPUs, and a reference plugin of our own.
//! See `docs/trainium.md`.
//!
//! [`abi`] has the interface's declarations, [`plugin`] and [`client`] a small host for it,
//! [`environment`] where plugins are. The programs that run there belong to the workloads.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use amdahl_record::cell::hex;
use amdahl_record::error::{Error, Result};
use sha2::{Digest, Sha256};

pub mod abi;
pub mod client;
pub mod environment;
pub mod plugin;

use environment::{Look, Wanted};

/// Finds the plugin on this machine, for this program or the one that is named.
pub fn settle(wanted: &Wanted, program: Option<&Path>) -> Result<environment::Settled> {
    let on_path = |name: &str| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    };
    // Beside this program, or where cargo leaves it.
    let program = program.map(Path::to_path_buf).or_else(|| std::env::current_exe().ok());
    let here = program.and_then(|program| Some(program.parent()?.to_path_buf()));
    // Where `make devices` puts plugins: beside the folder of programs, or above cargo's own.
    let installed = here.iter().flat_map(|here| here.ancestors().skip(1).take(2));
    let installed = installed.map(|folder| folder.join("devices")).collect();
    let beside = here.into_iter().flat_map(|here| [here.clone(), here.join("deps")]).collect();
    environment::settle(
        wanted,
        &Look {
            variable: &|name| std::env::var(name).ok(),
            is_file: &Path::is_file,
            list: &|folder| {
                let mut inside: Vec<PathBuf> = std::fs::read_dir(folder)
                    .into_iter()
                    .flatten()
                    .flatten()
                    .map(|entry| entry.path())
                    .collect();
                inside.sort();
                inside
            },
            program: &|name| {
                let output = std::process::Command::new(on_path(name)?).output().ok()?;
                output
                    .status
                    .success()
                    .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
            },
            has_program: &|name| on_path(name).is_some(),
            beside,
            installed,
        },
    )
}

/// A file as it was when it was read: its place, its length, its number, and when it was changed.
type Seen = (PathBuf, u64, u64, i64, i64);

/// The SHA-256 of a file, in hexadecimal. A file is read once by a process, and again when it has
/// changed: plugins have hundreds of megabytes, and a sweep asks before every repeat.
pub fn sha256(path: &Path) -> Result<String> {
    static KNOWN: Mutex<BTreeMap<Seen, String>> = Mutex::new(BTreeMap::new());
    let error = |e| Error::io("read the plugin", path, e);
    let facts = std::fs::metadata(path).map_err(error)?;
    let seen = (path.to_path_buf(), facts.len(), facts.ino(), facts.mtime(), facts.mtime_nsec());
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(hash) = known().get(&seen) {
        return Ok(hash.clone());
    }
    let hash = read_sha256(path)?;
    known().insert(seen, hash.clone());
    Ok(hash)
}

fn read_sha256(path: &Path) -> Result<String> {
    let error = |e| Error::io("read the plugin", path, e);
    let mut file = std::fs::File::open(path).map_err(error)?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0u8; 1 << 20]);
    loop {
        match file.read(&mut piece).map_err(error)? {
            0 => return Ok(hex(&hash.finalize())),
            got => hash.update(&piece[..got]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_again_when_it_has_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plugin.so");
        std::fs::write(&path, "abc").expect("written");
        let hash = sha256(&path).expect("a hash");
        // FIPS 180-2, appendix B.1.
        assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(sha256(&path).expect("a hash"), hash);
        std::fs::write(&path, "abcd").expect("written");
        assert_ne!(sha256(&path).expect("a hash"), hash);
    }
}
