//! Peers: outside programs that speak the worker protocol, declared in one TOML file
//! (`docs/peers.md`).
//!
//! The list in `peers/peers.toml` is built in. A manifest names another one by `peers` in
//! `[experiment]`, else the environment does by `AMDAHL_PEERS`. What is declared is a name, what
//! its lanes are, and words that start it; whether it can run is found out when it is asked for its
//! version.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::plan::place::{At, Text};
use amdahl_record::cell::{Backend, Peer, PeerLanes};
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::io::regular;

/// The list that is built in.
const BUILT_IN: &str = include_str!("../../../../peers/peers.toml");

/// The outside programs that a manifest can name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Peers {
    /// Them, in the order of their file.
    pub list: Vec<Declared>,
    /// Folder of the file; `None` for the list that is built in.
    pub folder: Option<PathBuf>,
}

/// How a peer's answer is judged: a rule of the workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule(String);

impl Rule {
    /// The word in lists of peers.
    pub fn word(&self) -> &str {
        &self.0
    }

    fn known() -> Vec<&'static str> {
        amdahl_workloads::ALL.iter().flat_map(|w| w.peer_rules()).copied().collect()
    }
}

impl Default for Rule {
    fn default() -> Rule {
        Rule(Rule::known().first().map_or(String::new(), |rule| (*rule).into()))
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Rule, D::Error> {
        let word = String::deserialize(deserializer)?;
        let known = Rule::known();
        match known.contains(&word.as_str()) {
            true => Ok(Rule(word)),
            // The words in which a list of alternatives is refused elsewhere.
            false => Err(serde::de::Error::custom(format!(
                "unknown variant `{word}`, expected one of `{}`",
                known.join("`, `")
            ))),
        }
    }
}

/// An outside program as it is declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// Its name and what its lanes are.
    pub peer: Peer,
    /// One line for people.
    pub about: String,
    /// The words that start it; `--cell FILE --record FILE` are added. `{here}` is the folder of
    /// the peers file, `{home}` where `make peers` puts things.
    pub run: Vec<String>,
    /// The words that make it print its version, in one line.
    pub version: Vec<String>,
    /// What it needs, for people.
    pub needs: String,
    /// What installs it, for people.
    pub install: String,
    /// How its answers are checked.
    pub check: Rule,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    peer: Vec<WrittenPeer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenPeer {
    name: At<String>,
    about: At<String>,
    lanes: PeerLanes,
    run: At<Vec<String>>,
    version: Option<At<Vec<String>>>,
    #[serde(default)]
    needs: String,
    #[serde(default)]
    install: String,
    #[serde(default)]
    check: Rule,
}

impl Peers {
    /// The list that counts: of the manifest's file, else of `AMDAHL_PEERS`, else the one that is
    /// built in.
    pub fn find(manifest: Option<&Path>) -> Result<Peers> {
        let named =
            std::env::var_os("AMDAHL_PEERS").filter(|path| !path.is_empty()).map(PathBuf::from);
        match manifest.map(Path::to_path_buf).or(named) {
            Some(file) => Peers::read(&file),
            None => Peers::built_in(),
        }
    }

    /// The list that is built in.
    pub fn built_in() -> Result<Peers> {
        Peers::parse(BUILT_IN, Path::new("peers.toml"), None)
    }

    /// Reads a file.
    pub fn read(file: &Path) -> Result<Peers> {
        let text = regular::read_to_string(file).map_err(|e| {
            Error::new(Kind::Manifest, format!("cannot read the list of peers: {e}"))
                .at(file, 0, 0)
                .hint("it is named by 'peers' in [experiment] of the manifest, or by AMDAHL_PEERS; see docs/peers.md")
        })?;
        let path = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
        Peers::parse(&text, file, path.parent())
    }

    /// Reads `text`; `file` names it in errors.
    pub fn parse(text: &str, file: &Path, folder: Option<&Path>) -> Result<Peers> {
        let source = Text { file, text };
        let written: Written = toml::from_str(text).map_err(|error| source.toml_error(error))?;
        let mut list: Vec<Declared> = Vec::new();
        for one in written.peer {
            let At { value: name, span } = one.name;
            if Backend::from_name(&name).is_some() {
                return Err(source
                    .error(&span, format!("'{name}' is a backend of amdahl itself"))
                    .hint("take another name"));
            }
            if !Peer::is_name(&name) {
                return Err(source
                    .error(&span, format!("'{name}' cannot name a peer"))
                    .hint("small letters, digits and '-', begun by a letter"));
            }
            if list.iter().any(|other| other.peer.name == name) {
                return Err(source.error(&span, format!("the peer '{name}' is declared twice")));
            }
            for (key, words) in [("run", Some(&one.run)), ("version", one.version.as_ref())] {
                if let Some(words) = words
                    && words.value.first().is_none_or(|word| word.trim().is_empty())
                {
                    return Err(
                        source.error(&words.span, format!("{key} of '{name}' has no program"))
                    );
                }
            }
            let run = one.run.value;
            let version = one
                .version
                .map_or_else(|| [&run[..], &["--version".into()]].concat(), |words| words.value);
            list.push(Declared {
                peer: Peer { name, lanes: one.lanes },
                about: one.about.value,
                run,
                version,
                needs: one.needs,
                install: one.install,
                check: one.check,
            });
        }
        Ok(Peers { list, folder: folder.map(Path::to_path_buf) })
    }

    /// The peer of this name.
    pub fn get(&self, name: &str) -> Option<&Declared> {
        self.list.iter().find(|declared| declared.peer.name == name)
    }

    /// The names of all, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|declared| declared.peer.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Peers::parse(text, Path::new("p.toml"), None).expect_err(text).to_string()
    }

    #[test]
    fn the_list_that_is_built_in_is_sound() {
        let peers = Peers::built_in().expect("valid");
        assert!(peers.list.len() >= 8);
        for declared in &peers.list {
            assert!(
                !declared.about.is_empty()
                    && !declared.install.is_empty()
                    && !declared.needs.is_empty()
            );
            assert!(
                declared.run.iter().any(|word| word.contains("{home}")),
                "{}: runs where make peers put it",
                declared.peer
            );
        }
    }

    #[test]
    fn a_declaration_and_what_is_left_out() {
        let text = "[[peer]]\nname = 'mine'\nabout = 'My own'\nlanes = 'processes'\nrun = ['{here}/mine', 'fast']\n";
        let peers = Peers::parse(text, Path::new("p.toml"), Some(Path::new("/x"))).expect("valid");
        let mine = peers.get("mine").expect("declared");
        assert_eq!(mine.peer, Peer { name: "mine".into(), lanes: PeerLanes::Processes });
        assert_eq!(mine.version, ["{here}/mine", "fast", "--version"]);
        assert_eq!(
            (mine.check.clone(), peers.folder.as_deref()),
            (Rule("lloyd".into()), Some(Path::new("/x")))
        );
        assert!(peers.get("yours").is_none());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let peer = |name: &str, more: &str| {
            format!("[[peer]]\nname = '{name}'\nabout = 'x'\nlanes = 'serial'\nrun = ['x']\n{more}")
        };
        assert!(
            refused(&peer("mpi", ""))
                .starts_with("p.toml:2:8: 'mpi' is a backend of amdahl itself")
        );
        assert!(refused(&peer("A b", "")).contains("'A b' cannot name a peer"));
        assert!(
            refused(&(peer("x", "") + &peer("x", "")))
                .starts_with("p.toml:7:8: the peer 'x' is declared twice")
        );
        assert!(refused(&peer("x", "version = []")).contains("version of 'x' has no program"));
        assert!(refused(&peer("x", "instal = 'y'")).contains("unknown key 'instal'"));
        assert!(
            refused(&peer("x", "").replace("'serial'", "'thread'"))
                .contains("did you mean 'threads'?")
        );
        assert!(refused("peer = 1").starts_with("p.toml:1"));
    }
}
