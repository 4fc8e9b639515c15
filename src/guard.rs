//! `amdahl guard`: ends the processes of a sweep that was killed. A killed process can do nothing
//! any more, and not all that it started hears of it: ranks that are stopped, children with groups
//! of their own.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::output;
use amdahl_record::error::Result;
use amdahl_run::launch::orphans;

/// How long a launcher may take to end its ranks by itself.
const GRACE: Duration = Duration::from_secs(3);
/// How long processes are looked for after that.
const PATIENCE: Duration = Duration::from_secs(10);

const EXAMPLES: &str = "\
Examples:
  amdahl guard 20260102T030405Z-4711-1a2b3c4d     # waits for the end of its input first
  amdahl guard 20260102T030405Z-4711-1a2b3c4d -v  # and says more";

/// Arguments of `amdahl guard`.
#[derive(clap::Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The run whose processes are ended
    pub run: String,
}

/// Runs the verb: waits for the end of standard input, which the kernel brings about when the sweep
/// ends, however that happens.
pub fn run(args: &Args) -> Result<()> {
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink()); // its end is all that counts
    orphans::end_run(&args.run, GRACE, PATIENCE);
    Ok(())
}

/// A guard that sleeps until this process ends, or it is dropped. It uses no CPU meanwhile.
pub struct Guard(Option<Child>);

impl Guard {
    /// Starts one for this run. Where none can be started the sweep goes on without.
    pub fn start(run: &str) -> Guard {
        use std::os::unix::process::CommandExt;
        let start = || {
            Command::new(std::env::current_exe()?)
                .args(["guard", run])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .process_group(0) // Ctrl-C is for the sweep
                .spawn()
        };
        let started = start();
        if let Err(error) = &started {
            let what = "nobody ends what this sweep leaves behind if it is killed";
            output::say(&format!("amdahl: {what}: {error}\n"));
        }
        Guard(started.ok())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            drop(child.stdin.take());
            let _ = child.wait(); // it finds nothing and ends
        }
    }
}
