//! Which MPI library is it? Launchers speak different dialects, and a rank started by another
//! library's launcher believes that it is alone.

use std::fmt;

/// A family of MPI libraries with one dialect of launcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// Open MPI.
    OpenMpi,
    /// MPICH and what descends from it with the same launcher (hydra).
    Mpich,
    /// Intel MPI.
    Intel,
}

impl Library {
    /// From what `mpiexec --version` prints, or from what the library says of itself
    /// (`MPI_Get_library_version`).
    pub fn parse(text: &str) -> Option<Library> {
        // Intel MPI's launcher names hydra as well, so it goes first.
        let known: [(&str, Library); 7] = [
            ("Intel(R) MPI", Library::Intel),
            ("Open MPI", Library::OpenMpi),
            ("OpenRTE", Library::OpenMpi),
            ("open-mpi.org", Library::OpenMpi),
            ("MPICH", Library::Mpich),
            ("HYDRA", Library::Mpich),
            ("MVAPICH", Library::Mpich),
        ];
        known.iter().find(|(word, _)| text.contains(word)).map(|&(_, library)| library)
    }

    /// Can a launcher of `other` start programs of this library? Intel MPI descends from MPICH and
    /// shares its process interface.
    pub fn launched_by(self, other: Library) -> bool {
        self == other || (self != Library::OpenMpi && other != Library::OpenMpi)
    }
}

impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Library::OpenMpi => "Open MPI",
            Library::Mpich => "MPICH",
            Library::Intel => "Intel MPI",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launchers_and_libraries_are_told_apart() {
        let open =
            "mpiexec (OpenRTE) 4.1.4\n\nReport bugs to http://www.open-mpi.org/community/help/\n";
        let open5 =
            "mpiexec (Open MPI) 5.0.3\n\nReport bugs to https://www.open-mpi.org/community/help/\n";
        let hydra = "HYDRA build details:\n    Version:                                 4.0.2\n    Release Date: 2022\n";
        let intel = "Intel(R) MPI Library for Linux* OS, Version 2021.9 Build 20230307 (id: d82b3071db)\nhydra\n";
        assert_eq!(Library::parse(open), Some(Library::OpenMpi));
        assert_eq!(Library::parse(open5), Some(Library::OpenMpi));
        assert_eq!(Library::parse(hydra), Some(Library::Mpich));
        assert_eq!(Library::parse(intel), Some(Library::Intel));
        assert_eq!(
            Library::parse("Open MPI v4.1.4, package: Debian OpenMPI"),
            Some(Library::OpenMpi)
        );
        assert_eq!(Library::parse("MPICH Version:\t4.0.2"), Some(Library::Mpich));
        assert_eq!(Library::parse("prun (PRRTE) 3.0"), None);
        assert_eq!(Library::parse(""), None);
    }
}
