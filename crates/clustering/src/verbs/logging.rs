//! What a program says of its own work, on standard error, when it is asked to: by `-v`, or by
//! `AMDAHL_LOG`. It is silent otherwise.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;
use log::{Level, LevelFilter};

use amdahl_record::visible::visible;

/// The variable with a filter, such as `debug` or `amdahl_data=trace,info`.
pub const VARIABLE: &str = "AMDAHL_LOG";

/// How much to say.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Verbosity {
    /// Say on standard error what is done: each command line with what it adds to the environment;
    /// -vv says more, -vvv also what libraries say. AMDAHL_LOG=FILTER chooses by module
    #[arg(short = 'v', long = "verbose", action = clap::ArgAction::Count, global = true, display_order = 1000)]
    pub verbose: u8,
}

impl Verbosity {
    /// Begins to listen, where anybody asked. Lines begin with `name`.
    pub fn start(self, name: String) {
        self.start_with(name, std::env::var(VARIABLE).ok())
    }

    fn start_with(self, name: String, filter: Option<String>) {
        let filter = filter.filter(|filter| !filter.trim().is_empty());
        if self.verbose == 0 && filter.is_none() {
            return;
        }
        let mut builder = env_logger::Builder::new();
        if let Some(filter) = &filter {
            builder.parse_filters(filter);
        }
        // Our own crates, whose names begin so.
        let ours = Some("amdahl");
        match self.verbose {
            0 => &mut builder,
            1 => builder.filter(ours, LevelFilter::Info),
            2 => builder.filter(ours, LevelFilter::Debug),
            _ => builder.filter(ours, LevelFilter::Trace).filter(None, LevelFilter::Debug),
        };
        builder.format(move |out, record| {
            let level = record.level().as_str().to_ascii_lowercase();
            let words = record.args().to_string();
            let words = visible(&words);
            match record.level() {
                Level::Error | Level::Warn | Level::Info => {
                    writeln!(out, "{name}: {level}: {words}")
                }
                // Where it comes from is what a filter needs to know.
                _ => writeln!(out, "{name}: {level}: {}: {words}", record.target()),
            }
        });
        builder.target(env_logger::Target::Pipe(Box::new(StandardError)));
        // A second start finds the first one's listener, and keeps it.
        let _ = builder.try_init();
    }
}

/// Calls what it is given, which writes.
pub type Around = dyn Fn(&mut dyn FnMut()) + Send;

/// What takes a progress bar away while a line is written.
static AROUND: Mutex<Option<Box<Around>>> = Mutex::new(None);

/// From now on lines are written within `around`, which takes a progress bar away and shows it
/// again; `None` where there is none any more.
pub fn around(around: Option<Box<Around>>) {
    *AROUND.lock().unwrap_or_else(PoisonError::into_inner) = around;
}

/// For [`around`]: takes this bar away and shows it again.
pub fn suspending(bar: &ProgressBar) -> Box<Around> {
    let bar = bar.clone();
    Box::new(move |write| bar.suspend(write))
}

/// Standard error, a whole record at a time: the lines of several processes must not mix.
struct StandardError;

impl Write for StandardError {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut written = Ok(());
        let mut write = || written = std::io::stderr().lock().write_all(bytes);
        match &*AROUND.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(around) => around(&mut write),
            None => write(),
        }
        written.map(|()| bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_listens_unless_asked() {
        let quiet = Verbosity { verbose: 0 };
        quiet.start_with("a".into(), None);
        quiet.start_with("a".into(), Some(" ".into()));
        assert_eq!(log::max_level(), LevelFilter::Off);
        quiet.start_with("a".into(), Some("amdahl_data=debug".into()));
        assert_eq!(log::max_level(), LevelFilter::Debug);
        assert!(log::log_enabled!(target: "amdahl_data::open", Level::Debug));
        assert!(!log::log_enabled!(target: "amdahl_run", Level::Error));
    }
}
