//! What a program was built from, as its build script found out.

use crate::BuildFacts;

/// What a build script left in the environment of the compiler.
pub struct Told {
    /// Version of the package.
    pub version: &'static str,
    /// See [`BuildFacts::id`]; none for a program that measures nothing.
    pub id: Option<&'static str>,
    /// Git revision.
    pub revision: Option<&'static str>,
    /// "true" where there were uncommitted changes.
    pub dirty: Option<&'static str>,
    /// The compiler's version line.
    pub compiler: Option<&'static str>,
    /// Flags given to the compiler beside the profile's.
    pub flags: Option<&'static str>,
    /// Profile, level of optimisation and target.
    pub profile: Option<&'static str>,
}

impl Told {
    /// As records have it. `mpi` is for the caller to fill in.
    pub fn facts(self) -> BuildFacts {
        let known = |value: Option<&'static str>| value.filter(|text| !text.is_empty());
        BuildFacts {
            id: self.id.unwrap_or_default().into(),
            version: self.version.into(),
            revision: known(self.revision).map(String::from),
            dirty: known(self.dirty).map(|dirty| dirty == "true"),
            compiler: known(self.compiler).unwrap_or("unknown").into(),
            flags: self.flags.unwrap_or_default().into(),
            profile: known(self.profile).unwrap_or("unknown profile").into(),
            mpi: None,
        }
    }
}

/// The [`BuildFacts`] of the crate that calls this, as its build script found out
/// (`crates/identity`).
#[macro_export]
macro_rules! build_facts {
    () => {
        $crate::build::Told {
            version: env!("CARGO_PKG_VERSION"),
            id: option_env!("AMDAHL_BUILD_ID"),
            revision: option_env!("AMDAHL_BUILD_REVISION"),
            dirty: option_env!("AMDAHL_BUILD_DIRTY"),
            compiler: option_env!("AMDAHL_BUILD_COMPILER"),
            flags: option_env!("AMDAHL_BUILD_FLAGS"),
            profile: option_env!("AMDAHL_BUILD_PROFILE"),
        }
        .facts()
    };
}
