//! The parts of a cell's run that are told apart.
//!
//! A phase is a name and a [`Role`]. The names that all programs share are constants; a workload
//! adds its own by [`Phase::named`]. Programs that plan, measure and explain ask for roles: what
//! computes, what waits, what is outside the timed part.

use std::borrow::Cow;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// What a phase is for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Before the timed part: loading, first values, warm-up, compiling.
    Setup,
    /// The lanes share this work: more lanes, less of it for each.
    Compute,
    /// Every lane does all of this work for itself.
    Replicate,
    /// An accelerator computes while the lane waits for it.
    Offload,
    /// Data to an accelerator or from it.
    Transfer,
    /// Data between lanes.
    Communicate,
    /// Waiting for other lanes.
    Wait,
    /// After the timed part.
    Finish,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 8] = [
        Role::Setup,
        Role::Compute,
        Role::Replicate,
        Role::Offload,
        Role::Transfer,
        Role::Communicate,
        Role::Wait,
        Role::Finish,
    ];

    /// The word in records.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Setup => "setup",
            Role::Compute => "compute",
            Role::Replicate => "replicate",
            Role::Offload => "offload",
            Role::Transfer => "transfer",
            Role::Communicate => "communicate",
            Role::Wait => "wait",
            Role::Finish => "finish",
        }
    }

    /// The role of this word.
    pub fn from_word(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }

    /// Is it inside the timed part?
    pub const fn is_timed(self) -> bool {
        !matches!(self, Role::Setup | Role::Finish)
    }

    /// Does it bring the answer nearer: computing by lanes or their accelerators, with the
    /// transfers that these need?
    pub const fn computes(self) -> bool {
        matches!(self, Role::Compute | Role::Replicate | Role::Offload | Role::Transfer)
    }

    /// Is it the work of an accelerator, or for one?
    pub const fn is_of_accelerators(self) -> bool {
        matches!(self, Role::Offload | Role::Transfer)
    }
}

/// A named part of a cell's run. Its index holds for this process; records have its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phase {
    index: u16,
    role: Role,
}

/// The vocabulary that all programs share. The order is that of values in memory.
const SHARED: [(&str, Role); 11] = [
    ("load", Role::Setup),
    ("init", Role::Setup),
    ("assign", Role::Compute),
    ("reduce", Role::Communicate),
    ("update", Role::Replicate),
    ("wait", Role::Wait),
    ("finish", Role::Finish),
    ("compile", Role::Setup),
    ("upload", Role::Transfer),
    ("execute", Role::Offload),
    ("download", Role::Transfer),
];

/// The others that this process knows, behind [`SHARED`]. They only become more.
static OTHERS: RwLock<Vec<(&'static str, Role)>> = RwLock::new(Vec::new());

/// So many others can be told apart.
const MOST: usize = 1000;

/// A name of a phase is not longer.
const LONGEST: usize = 40;

/// A name with a hyphen for each sign that it cannot have.
fn plain(name: &str) -> String {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let small = name.chars().map(|c| c.to_ascii_lowercase());
    let plain: String = small.map(|c| if good(c) { c } else { '-' }).take(LONGEST).collect();
    let plain = plain.trim_matches('-');
    if plain.is_empty() { "other".into() } else { plain.into() }
}

const fn shared(index: u16) -> Phase {
    Phase { index, role: SHARED[index as usize].1 }
}

impl Phase {
    /// Rows into memory.
    pub const LOAD: Phase = shared(0);
    /// First values and warm-up.
    pub const INIT: Phase = shared(1);
    /// Each row is compared with what the last iteration found, and the lane's sums are made.
    pub const ASSIGN: Phase = shared(2);
    /// Sums over all lanes.
    pub const REDUCE: Phase = shared(3);
    /// The next iteration's values and the convergence rule, on every lane.
    pub const UPDATE: Phase = shared(4);
    /// Waiting for the slowest lane before a collective.
    pub const WAIT: Phase = shared(5);
    /// Final answers and digests.
    pub const FINISH: Phase = shared(6);
    /// Programs for an accelerator.
    pub const COMPILE: Phase = shared(7);
    /// Values to an accelerator.
    pub const UPLOAD: Phase = shared(8);
    /// An accelerator computes.
    pub const EXECUTE: Phase = shared(9);
    /// Results from an accelerator.
    pub const DOWNLOAD: Phase = shared(10);

    /// Number of phases that all programs share: as many values has a lane at least.
    pub const SHARED: usize = SHARED.len();

    /// The phase of this name, which is added where it is new. The first role that is given to a
    /// name stands. Signs that a name cannot have become hyphens; of more names than a thousand,
    /// the rest is taken for one phase, `other`.
    pub fn named(name: &str, role: Role) -> Phase {
        let plain: Cow<'_, str> = match Phase::is_name(name) {
            true => name.into(),
            false => plain(name).into(),
        };
        let name = plain.as_ref();
        if let Some(known) = Phase::find(name) {
            return known;
        }
        let mut others = OTHERS.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have been faster.
        if let Some(at) = others.iter().position(|(known, _)| *known == name) {
            return Phase::other(at, others[at].1);
        }
        let name = if others.len() < MOST { name } else { "other" };
        let last = others.last().filter(|(last, _)| *last == name).map(|(_, role)| *role);
        if let Some(role) = last {
            return Phase::other(others.len() - 1, role);
        }
        others.push((Box::leak(name.to_string().into_boxed_str()), role));
        Phase::other(others.len() - 1, role)
    }

    fn other(at: usize, role: Role) -> Phase {
        Phase { index: (SHARED.len() + at) as u16, role }
    }

    /// The phase of this name, where it is known.
    pub fn find(name: &str) -> Option<Phase> {
        if let Some(at) = SHARED.iter().position(|(known, _)| *known == name) {
            return Some(shared(at as u16));
        }
        let others = OTHERS.read().unwrap_or_else(PoisonError::into_inner);
        let at = others.iter().position(|(known, _)| *known == name)?;
        Some(Phase::other(at, others[at].1))
    }

    /// Can it be a phase's name: small letters, digits and hyphens?
    pub fn is_name(name: &str) -> bool {
        let good = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        (1..=LONGEST).contains(&name.len()) && name.bytes().all(good) && !name.starts_with('-')
    }

    /// The phase with this index, where it is known.
    pub fn at(index: usize) -> Option<Phase> {
        if index < SHARED.len() {
            return Some(shared(index as u16));
        }
        let at = index - SHARED.len();
        let others = OTHERS.read().unwrap_or_else(PoisonError::into_inner);
        others.get(at).map(|(_, role)| Phase::other(at, *role))
    }

    /// All phases that this process knows, in the order of their indices.
    pub fn all() -> Vec<Phase> {
        let shared = (0..SHARED.len() as u16).map(shared);
        let others = OTHERS.read().unwrap_or_else(PoisonError::into_inner);
        let others = others.iter().enumerate().map(|(at, (_, role))| Phase::other(at, *role));
        shared.chain(others).collect()
    }

    /// Those of them inside the timed part.
    pub fn timed() -> Vec<Phase> {
        Phase::all().into_iter().filter(|phase| phase.is_timed()).collect()
    }

    /// Those of them with this role.
    pub fn with_role(role: Role) -> Vec<Phase> {
        Phase::all().into_iter().filter(|phase| phase.role == role).collect()
    }

    /// How many this process knows.
    pub fn count() -> usize {
        SHARED.len() + OTHERS.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Position among the values of a lane.
    pub const fn index(self) -> usize {
        self.index as usize
    }

    /// What it is for.
    pub const fn role(self) -> Role {
        self.role
    }

    /// Is it inside the timed part?
    pub const fn is_timed(self) -> bool {
        self.role.is_timed()
    }

    /// Is it one of those that all programs share?
    pub const fn is_shared(self) -> bool {
        (self.index as usize) < SHARED.len()
    }

    /// Its name: the word in records, tables and figures.
    pub fn word(self) -> &'static str {
        match SHARED.get(self.index()) {
            Some((name, _)) => name,
            None => {
                let others = OTHERS.read().unwrap_or_else(PoisonError::into_inner);
                others.get(self.index() - SHARED.len()).map_or("other", |(name, _)| name)
            }
        }
    }
}

impl fmt::Debug for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Serialize for Phase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_know_their_place() {
        for (i, phase) in Phase::all().into_iter().enumerate() {
            assert_eq!(phase.index(), i);
            assert_eq!(Phase::find(phase.word()), Some(phase));
        }
        assert_eq!((Phase::LOAD.index(), Phase::DOWNLOAD.index()), (0, 10));
        assert_eq!(Phase::DOWNLOAD.word(), "download");
        let timed: Vec<&str> =
            Phase::timed().into_iter().filter(|p| p.is_shared()).map(Phase::word).collect();
        assert_eq!(timed, ["assign", "reduce", "update", "wait", "upload", "execute", "download"]);
    }

    #[test]
    fn a_new_name_becomes_a_phase_once() {
        let halo = Phase::named("phase-test-halo", Role::Communicate);
        assert_eq!(Phase::named("phase-test-halo", Role::Compute), halo, "the first role stands");
        assert_eq!((halo.word(), halo.role()), ("phase-test-halo", Role::Communicate));
        assert!(halo.index() >= Phase::SHARED && halo.is_timed() && !halo.is_shared());
        assert!(Phase::with_role(Role::Communicate).contains(&halo));
        assert_eq!(Phase::named("assign", Role::Wait), Phase::ASSIGN);
    }

    #[test]
    fn roles_have_the_words_of_records() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).expect("a word"), role.word());
            assert_eq!(Role::from_word(role.word()), Some(role));
        }
    }

    #[test]
    fn names_are_plain_words() {
        assert!(Phase::is_name("halo-2") && Phase::is_name("assign"));
        for bad in ["", "-a", "a b", "Ä", "A", "a=b", &"x".repeat(41)] {
            assert!(!Phase::is_name(bad), "{bad}");
            assert!(Phase::is_name(&plain(bad)), "{bad}");
        }
        assert_eq!((plain("My Phase"), plain("")), ("my-phase".into(), "other".into()));
    }
}
