//! What this program was built from, as `build.rs` found out.

use super::BuildFacts;

impl BuildFacts {
    /// Of the running program. The id is empty: it is the hash of an executable, and whoever launches the worker takes it.
    pub fn of_this_program() -> BuildFacts {
        let known = |value: Option<&'static str>| value.filter(|text| !text.is_empty());
        BuildFacts {
            id: String::new(),
            version: env!("CARGO_PKG_VERSION").into(),
            revision: known(option_env!("AMDAHL_BUILD_REVISION")).map(String::from),
            dirty: known(option_env!("AMDAHL_BUILD_DIRTY")).map(|dirty| dirty == "true"),
            compiler: known(option_env!("AMDAHL_BUILD_COMPILER")).unwrap_or("unknown").into(),
            flags: option_env!("AMDAHL_BUILD_FLAGS").unwrap_or_default().into(),
            profile: profile(),
            mpi: mpi(),
        }
    }
}

fn profile() -> String {
    let profile = option_env!("AMDAHL_BUILD_PROFILE").unwrap_or("unknown profile");
    let features = [("explain", cfg!(feature = "explain")), ("mpi", cfg!(feature = "mpi"))];
    let on: Vec<&str> = features.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    format!("{profile} features {}", if on.is_empty() { "none".into() } else { on.join(",") })
}

/// The MPI library's own words, first line. It answers before it is initialised (MPI 3.0, section 8.1.1).
#[cfg(feature = "mpi")]
fn mpi() -> Option<String> {
    let version = mpi::environment::library_version().ok()?;
    // Open MPI ends its text with a null character.
    let line = version.trim_matches('\0').lines().next().unwrap_or_default().trim().to_string();
    (!line.is_empty()).then_some(line)
}

#[cfg(not(feature = "mpi"))]
fn mpi() -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_says_what_it_is_made_of() {
        let build = BuildFacts::of_this_program();
        assert!(build.compiler.starts_with("rustc "), "{}", build.compiler);
        assert!(build.profile.contains("opt-level"), "{}", build.profile);
        assert!(build.revision.as_ref().is_none_or(|r| r.len() >= 40 && r.chars().all(|c| c.is_ascii_hexdigit())));
        assert_eq!(build.revision.is_none(), build.dirty.is_none(), "both or neither");
        assert_eq!(build.mpi.is_some(), cfg!(feature = "mpi"));
    }
}
