//! Where a machine's noise certificate is kept between runs: `amdahl/noise/HOST.json` in the user's
//! cache folder, a file a machine.

use std::path::{Path, PathBuf};

use amdahl_data::catalogue::Folders;
use amdahl_record::Line;
use amdahl_record::error::{Error, Result};
use amdahl_record::io::{atomic, regular};
use amdahl_record::noise::{NOISE, Noise};
use amdahl_record::sum;

/// The file of a machine's certificate; `None` where there is no cache folder (neither
/// XDG_CACHE_HOME nor HOME is set).
pub fn path(host: &str) -> Option<PathBuf> {
    // Beside the data: the same cache folder of this program.
    let folder = Folders::from_env().cache?.parent()?.join("noise");
    let plain: String = host.chars().filter(char::is_ascii_alphanumeric).collect();
    Some(folder.join(format!("{plain}.json")))
}

/// The certificate of this machine; `None` where none was measured.
///
/// # Errors
/// Where the file is there and cannot be read, or is no certificate of this machine or version.
pub fn load(host: &str) -> Result<Option<Noise>> {
    path(host).map_or(Ok(None), |path| load_from(&path, host))
}

fn load_from(path: &Path, host: &str) -> Result<Option<Noise>> {
    let text = match regular::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("read", path, e)),
    };
    let again = "measure it anew with 'amdahl doctor --noise'";
    match sum::read(text.as_bytes()) {
        Ok(Line::Noise(noise)) if noise.version <= NOISE && noise.host == host => Ok(Some(*noise)),
        Ok(Line::Noise(noise)) if noise.version > NOISE => Err(Error::data(format!(
            "a noise certificate of version {}, this program reads up to {NOISE}",
            noise.version
        ))
        .at(path, 0, 0)
        .hint("use a newer amdahl")),
        Ok(_) => {
            Err(Error::data("no noise certificate of this machine").at(path, 0, 0).hint(again))
        }
        Err(e) => Err(Error::data(format!("no noise certificate: {e}")).at(path, 0, 0).hint(again)),
    }
}

/// Keeps the certificate of a machine in place of an older one. Returns where; `None` where there
/// is no cache folder.
///
/// # Errors
/// Where the file cannot be written.
pub fn save(noise: &Noise) -> Result<Option<PathBuf>> {
    let Some(path) = path(&noise.host) else { return Ok(None) };
    save_to(&path, noise)?;
    Ok(Some(path))
}

fn save_to(path: &Path, noise: &Noise) -> Result<()> {
    let mut text = Vec::new();
    sum::write(&Line::Noise(Box::new(noise.clone())), &mut text)
        .map_err(|e| Error::internal(format!("a noise certificate as JSON: {e}")))?;
    atomic::write_with_folder(path, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_record::LoadFacts;

    #[test]
    fn kept_and_found_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("noise/h0.json");
        assert_eq!(load_from(&path, "h0").expect("nothing there"), None);
        let noise = Noise {
            version: NOISE,
            host: "h0".into(),
            build: "b0".into(),
            measured_ms: 7,
            cells: vec![],
            load: LoadFacts::default(),
        };
        save_to(&path, &noise).expect("written");
        assert_eq!(load_from(&path, "h0").expect("readable"), Some(noise.clone()));
        assert!(load_from(&path, "h1").is_err(), "another machine's");
        save_to(&path, &Noise { version: NOISE + 1, ..noise }).expect("written");
        assert!(load_from(&path, "h0").expect_err("newer").message.contains("version 2"));
        std::fs::write(&path, "{}").expect("written");
        assert!(
            load_from(&path, "h0")
                .expect_err("damaged")
                .hint
                .is_some_and(|hint| hint.contains("doctor --noise"))
        );
        assert_eq!(
            std::fs::read_dir(folder.path().join("noise")).expect("a folder").count(),
            1,
            "nothing is left over"
        );
    }
}
