//! Facts of this machine and environment that command lines depend on.

use super::Site;

impl Site {
    /// Looks around.
    pub fn gather() -> Site {
        Site {
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            // SAFETY: geteuid takes no arguments and cannot fail.
            root: unsafe { libc::geteuid() } == 0,
            ..Site::default()
        }
    }
}
