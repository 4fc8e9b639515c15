use std::io::Write;

use super::state::{State, state};
use super::writer::mend;
use super::*;
use amdahl_kmeans_description::spec::{KMeans, Stop};
use amdahl_record::cell::{Backend, CellId, Dataset, ReductionName, Synthetic};
use amdahl_record::{BuildFacts, Failure, Outcome, PhaseNames, SCHEMA};
use amdahl_testing::skipped;

pub(crate) fn cell() -> Cell {
    Cell {
        workload: KMeans::new(3, Stop::Iterations(2), 0).spec(),
        dataset: Dataset::Synthetic {
            shape: Synthetic::Mixture,
            points: 100,
            dims: 2,
            clusters: 3,
            seed: 1,
        },
        backend: Backend::SERIAL,
        ranks: 1,
        threads: 1,
        oversubscribe: false,
        reduction: ReductionName::default(),
    }
}

pub(crate) fn run(name: &str, started_ms: u64) -> RunFacts {
    let build = BuildFacts {
        id: "b".into(),
        version: "0".into(),
        revision: None,
        dirty: None,
        compiler: "c".into(),
        flags: String::new(),
        profile: "release".into(),
        mpi: None,
    };
    RunFacts {
        url: None,
        price: None,
        schema: SCHEMA,
        number: 0,
        run: name.into(),
        started_ms,
        experiment: "e".into(),
        title: "t".into(),
        question: "q".into(),
        base: "serial".into(),
        build,
        command: vec!["amdahl".into()],
        fresh: false,
        phases: PhaseNames::known(),
    }
}

pub(crate) fn host() -> HostFacts {
    let mut host = amdahl_record::host::gather();
    host.id = "host-1".into();
    host
}

fn key() -> Key {
    Key { cell: cell().id(), build: "b".into(), data: "d".into(), host: "host-1".into(), mpi: None }
}

fn failed(store: &Store, class: Failure, started_ms: u64) -> Record {
    Record {
        key: key().into(),
        run: store.run().run.clone().into(),
        repeat: 0,
        started_ms,
        process_s: Some(10.0),
        outcome: Outcome::Failed { class, reason: "because".into() },
        measured: None,
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = lengths(folder)
        .expect("a folder")
        .into_keys()
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_has_its_run_first_and_each_fact_once_before_its_first_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path(), run("r1", 1)).expect("opens");
    assert_eq!(
        names(folder.path()),
        Vec::<String>::new(),
        "a run that records nothing leaves nothing"
    );
    for at in [5, 6] {
        let record = failed(&store, Failure::Killed, at);
        store.append(&cell(), &[&host(), &host()], record).expect("appends");
    }
    assert_eq!(names(folder.path()), ["r1.jsonl"]);
    let text = std::fs::read_to_string(folder.path().join("r1.jsonl")).expect("readable");
    let kinds: Vec<String> = text
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("JSON")["line"]
                .as_str()
                .expect("a kind")
                .into()
        })
        .collect();
    assert_eq!(kinds, ["run", "host", "cell", "record", "record"]);
    let again = read(folder.path()).expect("reads");
    assert_eq!(again.records, store.results().records);
    assert!(again.warnings.is_empty());
}

#[test]
fn a_line_that_was_cut_off_is_mended_once_its_writer_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path(), run("r1", 1)).expect("opens");
    let record = failed(&store, Failure::Killed, 5);
    store.append(&cell(), &[&host()], record).expect("appends");
    let path = folder.path().join("r1.jsonl");
    let whole = std::fs::read(&path).expect("readable");
    let cut = |bytes: &[u8]| {
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .expect("opens")
            .write_all(bytes)
            .expect("writes");
    };
    cut(b"{\"line\":\"record\",\"key\":{\"ce");
    let other = Store::open(folder.path(), run("r2", 2)).expect("opens");
    assert_eq!(other.results().warnings.len(), 1, "it is only said, as the writer lives");
    drop(store);
    let other = Store::open(folder.path(), run("r3", 3)).expect("opens");
    assert!(other.results().warnings[0].contains("mended"), "{:?}", other.results().warnings);
    assert_eq!(other.results().records.len(), 1);
    assert_eq!(std::fs::read(&path).expect("readable"), whole);
    // A last line that lacks nothing but its end is whole.
    std::fs::write(&path, &whole[..whole.len() - 1]).expect("writes");
    let other = Store::open(folder.path(), run("r4", 4)).expect("opens");
    assert_eq!(other.results().records.len(), 1);
    assert_eq!(std::fs::read(&path).expect("readable"), whole);
}

#[test]
fn a_lost_line_of_a_cell_or_a_machine_is_written_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path(), run("r1", 1)).expect("opens");
    for at in [5, 6] {
        let record = failed(&store, Failure::Killed, at);
        store.append(&cell(), &[&host()], record).expect("appends");
    }
    drop(store);
    let path = folder.path().join("r1.jsonl");
    let text = std::fs::read_to_string(&path).expect("readable");
    let lost =
        |line: &&str| !line.contains(r#""line":"cell""#) && !line.contains(r#""line":"host""#);
    let left: Vec<&str> = text.lines().filter(lost).collect();
    std::fs::write(&path, left.join("\n") + "\n").expect("written");

    let mut store = Store::open(folder.path(), run("r2", 2)).expect("opens");
    let without = store.results().without_cell();
    assert_eq!(without.into_iter().collect::<Vec<_>>(), [(&cell().id(), 2)]);
    assert_eq!(store.restore_cell(&cell().id(), &cell()).expect("written"), 2);
    assert_eq!(store.restore_cell(&cell().id(), &cell()).expect("nothing to do"), 0);
    store.restore_host(&host()).expect("written");
    store.restore_host(&host()).expect("nothing to do");
    drop(store);
    let again = read(folder.path()).expect("reads");
    assert!(again.without_cell().is_empty() && again.hosts.contains_key("host-1"));
    assert_eq!(lengths(folder.path()).expect("a folder").len(), 2);
    // A folder without a repeat of them asks for nothing.
    let empty = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(empty.path(), run("r1", 1)).expect("opens");
    assert_eq!(store.restore_cell(&cell().id(), &cell()).expect("nothing to do"), 0);
    store.restore_host(&host()).expect("nothing to do");
    assert!(names(empty.path()).is_empty());
}

#[test]
fn only_records_are_mended_and_what_is_cut_off_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let outside = tempfile::tempdir().expect("a folder");
    let run_line = serde_json::to_string(&Line::Run(run("r", 1))).expect("JSON") + "\n";
    let half = |text: &str| format!("{text}{{\"line\":\"rec");
    let foreign = [
        ("train.jsonl", "{\"text\":\"one\"}\n{\"text\":\"two\"}".to_string()),
        ("single.jsonl", "[1,2,3]".into()),
        ("begun.jsonl", run_line[..20].into()),
    ];
    for (name, text) in &foreign {
        std::fs::write(at(name), text).expect("written");
    }
    std::fs::write(outside.path().join("x"), half(&run_line)).expect("written");
    std::os::unix::fs::symlink(outside.path().join("x"), at("link.jsonl")).expect("a link");
    std::fs::write(at("copy.jsonl"), half(&run_line)).expect("written");
    let killed = "20260102T030405Z-47-1a2b3c4d.jsonl";
    std::fs::write(at(killed), &run_line[..20]).expect("written");

    let said = mend(folder.path()).expect("readable");
    assert_eq!(said.len(), 2, "{said:?}");
    let read = |path: PathBuf| std::fs::read_to_string(path).expect("there");
    for (name, text) in &foreign {
        assert_eq!(read(at(name)), *text, "{name}");
    }
    assert_eq!(read(outside.path().join("x")), half(&run_line));
    assert_eq!(read(at("copy.jsonl")), run_line);
    let kept = format!("copy.jsonl.cut-{}", run_line.len());
    assert!(said.iter().any(|words| words.contains(&kept)), "{said:?}");
    assert_eq!(read(at(&kept)), half(""));
    assert_eq!(read(at(killed)), "");
    assert_eq!(read(at(&format!("{killed}.cut-0"))), run_line[..20]);
}

#[test]
fn a_write_that_fails_is_said_and_leaves_whole_lines() {
    let mut full = Writer::over(OpenFull.open(), Path::new("/dev/full"));
    let error = full.append(&[Line::Run(run("r", 1))]).expect_err("no space");
    assert_eq!(error.exit_code(), 1);
    assert!(
        error.to_string().contains("/dev/full") && error.to_string().contains("free space"),
        "{error}"
    );
}

/// A file on which every write fails for lack of space.
struct OpenFull;
impl OpenFull {
    fn open(&self) -> std::fs::File {
        std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it")
    }
}

#[test]
fn a_record_file_that_is_lost_while_a_run_writes_is_written_anew() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm, &[&str]); 4] = [
        ("removed", |path| std::fs::remove_file(path).expect("removed"), &["r1.jsonl"]),
        (
            "0 bytes instead of",
            |path| std::fs::write(path, "").expect("cut"),
            &["r1-2.jsonl", "r1.jsonl"],
        ),
        (
            "replaced",
            |path| {
                let other = path.with_extension("other");
                std::fs::copy(path, &other).expect("copied");
                std::fs::rename(other, path).expect("replaced");
            },
            &["r1-2.jsonl", "r1.jsonl"],
        ),
        (
            "removed",
            |path| {
                std::fs::remove_dir_all(path.parent().expect("a folder")).expect("removed");
            },
            &["r1.jsonl"],
        ),
    ];
    for (said, harm, files) in harms {
        let above = tempfile::tempdir().expect("a folder");
        let folder = above.path().join("results");
        let mut store = Store::open(&folder, run("r1", 1)).expect("opens");
        for at in [5, 6, 7] {
            let record = failed(&store, Failure::Killed, at);
            store.append(&cell(), &[&host()], record).expect("appends");
            if at == 6 {
                assert!(store.notices().is_empty());
                harm(&folder.join("r1.jsonl"));
            }
        }
        let notices = store.notices();
        assert!(notices.len() == 1 && notices[0].contains(said), "{notices:?}");
        assert_eq!(names(&folder), files);
        let again = read(&folder).expect("reads");
        assert_eq!((again.records.len(), again.runs.len()), (3, 1), "{said}");
        assert!(again.without_cell().is_empty() && again.warnings.is_empty(), "{again:?}");
        // After the last line too.
        harm(store.writer.as_ref().expect("it has written").path());
        store.keep().expect("written anew");
        assert_eq!(read(&folder).expect("reads").records.len(), 3, "{said}");
        assert_eq!(store.notices().len(), 1);
        store.keep().expect("nothing to do");
        assert!(store.notices().is_empty());
    }
}

#[test]
fn a_record_file_that_cannot_be_written_anew_is_not_called_safe() {
    let above = tempfile::tempdir().expect("a folder");
    let folder = above.path().join("results");
    let mut store = Store::open(&folder, run("r1", 1)).expect("opens");
    let record = failed(&store, Failure::Killed, 5);
    store.append(&cell(), &[&host()], record).expect("appends");
    std::fs::remove_dir_all(&folder).expect("removed");
    std::fs::write(&folder, "no folder").expect("written");
    let record = failed(&store, Failure::Killed, 6);
    let error = store.append(&cell(), &[&host()], record).expect_err("no place for it");
    assert!(error.to_string().contains("what was in it is lost"), "{error}");
    assert!(store.keep().is_err());
}

#[test]
fn others_records_are_seen_after_a_refresh() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut mine = Store::open(folder.path(), run("r1", 1)).expect("opens");
    let mut theirs = Store::open(folder.path(), run("r2", 2)).expect("opens");
    let record = failed(&theirs, Failure::Panicked, 5);
    theirs.append(&cell(), &[&host()], record).expect("appends");
    assert_eq!(mine.standing(&key()).count(), 0);
    mine.refresh().expect("reads");
    assert_eq!(mine.standing(&key()).count(), 1);
    let record = failed(&mine, Failure::Killed, 6);
    mine.append(&cell(), &[&host()], record).expect("appends");
    mine.refresh().expect("reads");
    assert_eq!(mine.standing(&key()).count(), 2);
}

#[test]
fn a_claim_excludes_others_until_it_is_dropped() {
    let folder = tempfile::tempdir().expect("a folder");
    let _store = Store::open(folder.path(), run("r1", 1)).expect("opens");
    let mine = claim::claim(folder.path(), &key()).expect("a lock file").expect("free");
    if !mine.is_real() {
        let test = "a_claim_excludes_others_until_it_is_dropped";
        return skipped(test, "this file system knows no locks");
    }
    assert!(claim::claim(folder.path(), &key()).expect("a lock file").is_none());
    let other = Key { data: "other".into(), ..key() };
    assert!(
        claim::claim(folder.path(), &other).expect("a lock file").is_some(),
        "another key is another claim"
    );
    drop(mine);
    assert!(claim::claim(folder.path(), &key()).expect("a lock file").is_some());
}

#[test]
fn what_depends_on_the_moment_is_tried_again_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path(), run("r1", 1)).expect("opens");
    let judge = |class, limit, retry| state([failed(&store, class, 1)].iter(), 3, limit, retry);
    for class in [
        Failure::Unavailable,
        Failure::Changed,
        Failure::Launch,
        Failure::Killed,
        Failure::Unchecked,
    ] {
        assert_eq!(judge(class, 5.0, false), State::Missing(3), "{class:?}");
    }
    for class in [Failure::Panicked, Failure::Error, Failure::Data, Failure::NoReport] {
        assert!(matches!(judge(class, 5.0, false), State::Final(_)), "{class:?}");
        assert_eq!(judge(class, 5.0, true), State::Missing(3), "{class:?} when asked for");
    }
    assert!(
        matches!(judge(Failure::Timeout, 10.0, false), State::Final(_)),
        "no more time than then"
    );
    assert_eq!(judge(Failure::Timeout, 11.0, false), State::Missing(3), "more time than then");
    let wrong = Record {
        outcome: Outcome::Wrong { reason: "7".into() },
        ..failed(&store, Failure::Error, 1)
    };
    assert!(
        matches!(state([wrong].iter(), 3, 5.0, true), State::Final(_)),
        "a wrong answer is never tried again"
    );
}

#[test]
fn a_fresh_run_replaces_what_it_measured_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut old = Store::open(folder.path(), run("r1", 1)).expect("opens");
    let other = Key { cell: CellId("other".into()), ..key() };
    for (key, at) in [(key(), 5), (other.clone(), 6)] {
        let record = Record { key: key.into(), ..failed(&old, Failure::Panicked, at) };
        old.append(&cell(), &[&host()], record).expect("appends");
    }
    let mut fresh =
        Store::open(folder.path(), RunFacts { fresh: true, ..run("r2", 10) }).expect("opens");
    assert_eq!(fresh.standing(&key()).count(), 0, "it counts its own alone");
    let record = failed(&fresh, Failure::Killed, 11);
    fresh.append(&cell(), &[&host()], record).expect("appends");
    let later = Store::open(folder.path(), run("r3", 20)).expect("opens");
    assert_eq!(later.standing(&key()).map(|r| r.started_ms).collect::<Vec<_>>(), [11]);
    assert_eq!(later.standing(&other).map(|r| r.started_ms).collect::<Vec<_>>(), [6]);
}

#[test]
fn runs_have_numbers_in_the_order_in_which_they_begin_to_write() {
    let folder = tempfile::tempdir().expect("a folder");
    // Opened first and written last; the clock goes back meanwhile.
    let mut last = Store::open(folder.path(), run("r3", 30)).expect("opens");
    for (name, started_ms) in [("r1", 20), ("r2", 10)] {
        let mut store = Store::open(folder.path(), run(name, started_ms)).expect("opens");
        let record = failed(&store, Failure::Killed, started_ms + 1);
        store.append(&cell(), &[&host()], record).expect("appends");
    }
    let record = failed(&last, Failure::Killed, 5);
    last.append(&cell(), &[&host()], record).expect("appends");
    let results = read(folder.path()).expect("reads");
    let numbers: Vec<_> = results.runs.iter().map(|run| (run.run.as_str(), run.number)).collect();
    assert_eq!(numbers, [("r1", 1), ("r2", 2), ("r3", 3)]);
    assert_eq!(results.records.iter().map(|r| r.started_ms).collect::<Vec<_>>(), [21, 11, 5]);
}

#[test]
fn a_fresh_run_replaces_what_it_measured_also_where_the_clock_was_set_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut old = Store::open(folder.path(), run("r1", 1000)).expect("opens");
    let record = failed(&old, Failure::Panicked, 1005);
    old.append(&cell(), &[&host()], record).expect("appends");
    let mut fresh =
        Store::open(folder.path(), RunFacts { fresh: true, ..run("r2", 10) }).expect("opens");
    for at in [12, 11] {
        let record = failed(&fresh, Failure::Killed, at);
        fresh.append(&cell(), &[&host()], record).expect("appends");
    }
    let later = Store::open(folder.path(), run("r3", 5)).expect("opens");
    assert_eq!(later.standing(&key()).map(|r| r.started_ms).collect::<Vec<_>>(), [12, 11]);
}

#[test]
fn runs_are_named_by_their_time_in_utc() {
    assert_eq!(run_name(0, 7, "0123456789abcdef"), "19700101T000000Z-7-01234567");
    assert_eq!(run_name(951_827_696_789, 1, "ab"), "20000229T123456Z-1-ab");
    assert_eq!(run_name(1_735_689_599_000, 1, "ab"), "20241231T235959Z-1-ab");
}
