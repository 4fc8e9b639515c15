//! Crates for k-means as peers: `amdahl-rust-peers CRATE --version` and `amdahl-rust-peers CRATE
//! --cell FILE --record FILE` (docs/peers.md). Their iterations are timed as those of the Python
//! libraries are: by the difference of two fits.

mod crates;
mod npy;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

/// A difference of two fits is taken of as many pairs as take this many seconds together.
const ENOUGH_S: f64 = 0.3;
/// One that is not above 0 is measured again.
const TRIES: usize = 3;

/// Rows, start and stop of a cell.
pub struct Job {
    id: String,
    /// Row-major rows.
    pub rows: npy::Matrix,
    /// Row-major initial centroids.
    pub start: npy::Matrix,
    iterations: u64,
    fixed: bool,
    threads: usize,
    load_s: f64,
}

/// What a fit gives.
pub struct Fit {
    /// Iterations that were run.
    pub iterations: u64,
    /// k × columns, row-major.
    pub centroids: Vec<f32>,
    /// In the crate's own words.
    pub inertia: Option<f64>,
}

/// One fit of so many iterations.
pub type Fits<'a> = dyn FnMut(u64) -> Result<Fit, String> + 'a;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [name, "--version"] => match crates::version(name) {
            Ok(line) => println!("{line}"),
            Err(why) => {
                eprintln!("{why}");
                std::process::exit(1);
            }
        },
        [name, "--cell", cell, "--record", record] => run(name, Path::new(cell), Path::new(record)),
        _ => {
            eprintln!("amdahl-rust-peers CRATE --version | CRATE --cell FILE --record FILE");
            std::process::exit(2);
        }
    }
}

fn run(name: &str, cell: &Path, record: &Path) {
    let read = || -> Result<Value, String> {
        let text = std::fs::read_to_string(cell).map_err(|e| format!("cannot read {}: {e}", cell.display()))?;
        serde_json::from_str(&text).map_err(|e| format!("{} is no cell: {e}", cell.display()))
    };
    let cell = read().unwrap_or_else(|why| {
        eprintln!("{why}");
        std::process::exit(2);
    });
    let end = match measure(name, &cell, record) {
        Ok(done) => json!({ "done": done }),
        Err(reason) => json!({ "failed": { "class": "unavailable", "reason": reason } }),
    };
    let report = json!({ "protocol": 1, "cell": cell["id"], "end": end });
    let part = beside(record, "part");
    let written = std::fs::write(&part, report.to_string()).and_then(|()| std::fs::rename(&part, record));
    if let Err(e) = written {
        eprintln!("cannot write {}: {e}", record.display());
        std::process::exit(1);
    }
}

fn beside(record: &Path, ending: &str) -> PathBuf {
    record.with_extension(ending)
}

fn measure(name: &str, cell: &Value, record: &Path) -> Result<Value, String> {
    let version = crates::version(name)?;
    let job = load(cell)?;
    pin(job.threads);
    let mut fit = |iterations| crates::fit(name, &job, iterations);
    let first = fit(1)?;
    let measured = by_difference(&job, &mut fit)?;
    crates::goes_on(name, &job, &measured.answer)?;
    let save = |fit: &Fit, ending: &str| -> Result<String, String> {
        let file = beside(record, ending);
        npy::write(&file, &fit.centroids, job.start.dims)?;
        Ok(file.file_name().unwrap_or_default().to_string_lossy().into_owned())
    };
    let (fewer, more) = fewer_and_more(&job);
    Ok(json!({
        "version": version,
        "seconds": measured.wall_s * measured.answer.iterations as f64,
        "cpu_seconds": measured.cpu_s * measured.answer.iterations as f64,
        "timed": format!("by the difference of fits of {more} and {fewer} iterations"),
        "load_seconds": job.load_s,
        "iterations": measured.answer.iterations,
        "converged": !job.fixed && measured.answer.iterations < job.iterations,
        "inertia": measured.answer.inertia,
        "centroids": save(&measured.answer, "centroids.npy")?,
        "first": save(&first, "first.npy")?,
        "peak_rss_bytes": peak_rss(),
    }))
}

fn load(cell: &Value) -> Result<Job, String> {
    let lacks = |what: &str| format!("the cell has no {what}: have it written by 'amdahl-worker --export'");
    if cell["protocol"] != 1 {
        return Err(lacks("protocol of 1"));
    }
    let path = |value: &Value, what: &str| value.as_str().map(PathBuf::from).ok_or_else(|| lacks(what));
    let began = Instant::now();
    let rows = npy::read(&path(&cell["dataset"]["path"], "file of rows")?)?;
    let load_s = began.elapsed().as_secs_f64();
    let stop = &cell["workload"]["stop"];
    let rule = &stop["converged"];
    if rule["tolerance"].as_f64().is_some_and(|tolerance| tolerance > 0.0) {
        return Err("its tolerance is another than ours: give tolerance = 0 or a number of iterations".into());
    }
    Ok(Job {
        id: cell["id"].as_str().ok_or_else(|| lacks("id"))?.into(),
        rows,
        start: npy::read(&path(&cell["workload"]["init"]["given"]["path"], "file of the start")?)?,
        iterations: stop["iterations"].as_u64().or(rule["max_iterations"].as_u64()).ok_or_else(|| lacks("stop"))?,
        fixed: stop["iterations"].is_u64(),
        threads: cell["threads"].as_u64().unwrap_or(1) as usize,
        load_s,
    })
}

fn fewer_and_more(job: &Job) -> (u64, u64) {
    let fewer = if job.fixed && job.iterations >= 6 { 2 } else { 1 };
    (fewer, job.iterations.max(fewer + 1))
}

/// Seconds of an iteration, and the answer of all that were asked for.
struct Timed {
    wall_s: f64,
    cpu_s: f64,
    answer: Fit,
}

fn by_difference(job: &Job, fit: &mut Fits<'_>) -> Result<Timed, String> {
    let (fewer, more) = fewer_and_more(job);
    for _ in 0..TRIES {
        let (mut wall_s, mut cpu_s, mut counted, mut answer) = (0.0, 0.0, 0.0, None);
        let began = Instant::now();
        while answer.is_none() || began.elapsed().as_secs_f64() < ENOUGH_S {
            for (iterations, sign) in [(fewer, -1.0), (more, 1.0)] {
                let (wall, cpu) = (Instant::now(), cpu_seconds());
                let done = fit(iterations)?;
                wall_s += sign * wall.elapsed().as_secs_f64();
                cpu_s += sign * (cpu_seconds() - cpu);
                counted += sign * done.iterations as f64;
                if job.fixed && done.iterations != iterations {
                    return Err(format!(
                        "asked for {iterations} iterations it ended after {}: it converges, give it fewer",
                        done.iterations
                    ));
                }
                answer = Some(done);
            }
        }
        if let (true, true, Some(answer)) = (wall_s > 0.0, counted > 0.0, answer) {
            let answer = if job.fixed && more != job.iterations { fit(job.iterations)? } else { answer };
            return Ok(Timed { wall_s: wall_s / counted, cpu_s: cpu_s / counted, answer });
        }
    }
    Err(format!("the time of iterations is lost in the noise of what a fit does beside them (cell {})", job.id))
}

/// CPU seconds of this process, all threads together.
fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one timespec, which is there.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Largest resident set so far, bytes.
fn peak_rss() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// Keeps this process on its first `lanes` CPUs, as ours are kept there. Threads that are started
/// later inherit it.
fn pin(lanes: usize) {
    // SAFETY: the set is plain bits that the calls read and write, all of the size that they are
    // told.
    unsafe {
        let size = std::mem::size_of::<libc::cpu_set_t>();
        let mut allowed: libc::cpu_set_t = std::mem::zeroed();
        if libc::sched_getaffinity(0, size, &mut allowed) != 0 {
            return;
        }
        let mut chosen: libc::cpu_set_t = std::mem::zeroed();
        let cpus = (0..libc::CPU_SETSIZE as usize).filter(|&cpu| libc::CPU_ISSET(cpu, &allowed));
        cpus.take(lanes.max(1)).for_each(|cpu| libc::CPU_SET(cpu, &mut chosen));
        libc::sched_setaffinity(0, size, &chosen);
    }
}
