//! Which data sets of the catalogue are here, and intact.

use super::check::Check;
use super::programs::refused;
use amdahl_data::catalogue::{Asset, Folders, Set, SetLabels, sets};

const TOPIC: &str = "Data sets";

/// The folders, then the data sets that are here in one line and the others one by one. Nothing is
/// fetched.
pub fn checks() -> Vec<Check> {
    let folders = Folders::from_env();
    let mut checks = vec![match &folders.data {
        Some(path) if path.is_dir() => Check::yes(TOPIC, "AMDAHL_DATA", path.display().to_string()),
        Some(path) => Check::no(
            TOPIC,
            "AMDAHL_DATA",
            format!("{} is no folder", path.display()),
            "name a folder that exists",
        ),
        None => Check::no(
            TOPIC,
            "AMDAHL_DATA",
            "not set",
            "only for real data sets that cannot be fetched: name the folder that has them; synthetic data needs none",
        ),
    }];
    if let Some(cache) = &folders.cache {
        checks.push(Check::fact(TOPIC, "cache", cache.display().to_string()));
    }
    let sets = match sets() {
        Ok(sets) => sets,
        Err(error) => return vec![refused(TOPIC, "catalogue", &error)],
    };
    let mut here = Vec::new();
    let mut fetchable = Vec::new();
    for set in sets {
        match look(set, &folders) {
            Found::Here => here.push(set.name.as_str()),
            Found::Fetchable => fetchable.push(set.name.as_str()),
            Found::No(check) => checks.push(check),
        }
    }
    if !fetchable.is_empty() {
        checks.push(Check::fact(TOPIC, "fetched when first used", fetchable.join(", ")));
    }
    if !here.is_empty() {
        checks.push(Check::yes(TOPIC, "here", here.join(", ")));
    }
    checks
}

enum Found {
    Here,
    Fetchable,
    No(Check),
}

fn look(set: &Set, folders: &Folders) -> Found {
    let labels = match &set.labels {
        SetLabels::File(asset) => Some(asset),
        SetLabels::None | SetLabels::LastColumn | SetLabels::Column(_) => None,
    };
    let is_here = |asset: &Asset| {
        [&folders.data, &folders.cache]
            .into_iter()
            .flatten()
            .any(|folder| folder.join(&asset.path).exists())
    };
    let missing: Vec<&Asset> =
        [Some(&set.file), labels].into_iter().flatten().filter(|asset| !is_here(asset)).collect();
    if !missing.is_empty()
        && folders.curl.is_some()
        && missing.iter().all(|asset| asset.url.is_some())
    {
        return Found::Fetchable;
    }
    // What is here is checked against the catalogue; what is missing says where to put it.
    let only_look = Folders { curl: None, ..folders.clone() };
    match set.dataset(&only_look, None) {
        Ok(_) => Found::Here,
        Err(_) if !missing.is_empty() => {
            let paths: Vec<&str> = missing.iter().map(|asset| asset.path.as_str()).collect();
            let why = match folders.curl {
                Some(_) => "and the catalogue knows no address to fetch it from",
                None => "and nothing may be fetched (AMDAHL_OFFLINE)",
            };
            Found::No(Check::no(
                TOPIC,
                set.name.as_str(),
                format!("{} is not here, {why}", paths.join(" and ")),
                format!(
                    "put it below the folder that AMDAHL_DATA names; it comes from {}",
                    set.origin
                ),
            ))
        }
        Err(error) => Found::No(refused(TOPIC, &set.name, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: &Set, folders: &Folders) -> &'static str {
        match look(set, folders) {
            Found::Here => "here",
            Found::Fetchable => "fetchable",
            Found::No(check) if check.help.is_some() => "no",
            Found::No(_) => "no, without help",
        }
    }

    #[test]
    fn missing_damaged_and_fetchable_are_told_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.csv");
        let mut set = sets().expect("a catalogue")[0].clone();
        set.labels = SetLabels::None;
        set.file = Asset { path: "a.csv".into(), sha256: "0".repeat(64), url: None };
        let online =
            Folders { data: Some(folder.path().into()), cache: None, curl: Some("curl".into()) };
        let offline = Folders { curl: None, ..online.clone() };
        assert_eq!(of(&set, &online), "no", "no address");
        set.file.url = Some("https://example.org/a.csv".into());
        assert_eq!(of(&set, &online), "fetchable");
        assert_eq!(of(&set, &offline), "no");
        std::fs::write(&path, "1,2\n").expect("a file");
        assert_eq!(of(&set, &online), "no", "another SHA-256");
        set.file.sha256 = amdahl_data::catalogue::sha256(&path).expect("readable");
        assert_eq!(of(&set, &offline), "here");
    }
}
