//! Ctrl-C and SIGTERM: the first asks for an end in good order, the second ends what runs at once.
//!
//! What does not come to its end by itself within a second, because it reads a large file or waits
//! for a slow disk, is ended then, and what it has begun to write is removed. While a worker is
//! supervised that is the supervisor's business.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::io::litter;

static COUNT: AtomicUsize = AtomicUsize::new(0);
/// While true, the supervisor sees a second signal itself and ends the worker first.
static SUPERVISED: AtomicBool = AtomicBool::new(false);

/// How often this looks whether the process still lives after a signal, and how often it may.
const LOOK: Duration = Duration::from_millis(50);
const PATIENCE: u32 = 14;

/// Ends this process when it does not end by itself after the first signal.
fn watch(wake: BorrowedFd<'static>, safe: &str) {
    use rustix::event::{PollFd, PollFlags, poll};
    while COUNT.load(Ordering::SeqCst) == 0 {
        // Where it fails, it is asked again.
        if poll(&mut [PollFd::from_borrowed_fd(wake, PollFlags::IN)], None).is_err() {
            std::thread::sleep(LOOK);
        }
    }
    let mut looked = 0;
    while looked < PATIENCE {
        std::thread::sleep(LOOK);
        looked = if SUPERVISED.load(Ordering::SeqCst) { 0 } else { looked + 1 };
    }
    if crate::process::rank_hint() == 0 {
        let words = format!("amdahl: interrupted\n  hint: {safe}\n");
        let _ = std::io::stderr().write_all(words.as_bytes());
    }
    litter::clear();
    signal_hook::low_level::exit(i32::from(Kind::Interrupted.exit_code()));
}

/// Undoes what whoever started this program may have set for it: with SIGCHLD ignored the system
/// forgets how children ended.
pub fn reset() {
    // SAFETY: the default disposition is set; no handler of ours is there yet.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// Knows whether the user asked to stop.
pub struct Interrupts {
    /// Readable once a signal came; never drained, never closed: the handler lives as long as the
    /// process.
    wake: Option<BorrowedFd<'static>>,
}

impl Interrupts {
    /// For tests and for verbs that nobody needs to stop in good order.
    pub fn none() -> Self {
        Interrupts { wake: None }
    }

    /// Catches SIGINT and SIGTERM from now on. Called once, before anything is measured.
    ///
    /// SIGXFSZ is caught too: a limit on file sizes then is an error of a write, like a full disk,
    /// and not the end of the process.
    ///
    /// `safe`: what a person should know where this process is ended before it can say more.
    pub fn install(safe: &'static str) -> Result<Self> {
        let refused =
            |e: std::io::Error| Error::new(Kind::Io, format!("cannot catch signals: {e}"));
        let (read, write) = UnixStream::pair().map_err(refused)?;
        write.set_nonblocking(true).map_err(refused)?;
        // Both ends stay open as long as the process.
        let (read, write): (&UnixStream, &UnixStream) =
            (Box::leak(Box::new(read)), Box::leak(Box::new(write)));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            let action = move || {
                let before = COUNT.fetch_add(1, Ordering::SeqCst);
                // A full pipe wakes as well as one more byte would.
                let _ = rustix::io::write(write, b"!");
                if before >= 1 && !SUPERVISED.load(Ordering::SeqCst) || before >= 2 {
                    signal_hook::low_level::exit(i32::from(Kind::Interrupted.exit_code()));
                }
            };
            // SAFETY: the action uses atomics, write(2) on a descriptor that does not block, and
            // _exit(2) only, which are async-signal-safe.
            unsafe { signal_hook::low_level::register(signal, action) }.map_err(refused)?;
        }
        let wake = read.as_fd();
        // Where there can be no thread more, a second signal still ends it.
        let _ = std::thread::Builder::new().name("signals".into()).spawn(move || watch(wake, safe));
        const XFSZ: i32 = rustix::process::Signal::XFSZ.as_raw();
        // SAFETY: the action does nothing.
        unsafe { signal_hook::low_level::register(XFSZ, || {}) }.map_err(refused)?;
        Ok(Interrupts { wake: Some(wake) })
    }

    /// How often the user asked to stop.
    pub fn count(&self) -> usize {
        if self.wake.is_some() { COUNT.load(Ordering::SeqCst) } else { 0 }
    }

    /// An error of the kind [`Kind::Interrupted`] when the user asked to stop.
    pub fn check(&self) -> Result<()> {
        if self.count() == 0 { Ok(()) } else { Err(Error::new(Kind::Interrupted, "interrupted")) }
    }

    /// Becomes readable when the user asks to stop.
    pub fn descriptor(&self) -> Option<BorrowedFd<'static>> {
        self.wake
    }

    /// Tells the handler whether somebody ends the worker on a second signal.
    pub fn supervised(&self, yes: bool) {
        SUPERVISED.store(yes, Ordering::SeqCst);
    }
}
