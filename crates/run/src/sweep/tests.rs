use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::launch::classify::Ending;
use amdahl_kmeans_description::answer::Clustering;
use amdahl_kmeans_description::spec::{KMeans, Stop};
use amdahl_record::cell::{Backend, Cell, CellId, ReductionName, Synthetic};
use amdahl_record::{BuildFacts, LoadFacts, Measured, PhaseNames, RunFacts, SCHEMA};
use amdahl_testing::skipped;

/// Each repeat once, without waiting.
fn once() -> Options {
    Options { limit_s: 60.0, retry: false, pause: Duration::from_millis(1), simulated_points: None }
}

/// Says how an attempt at the cell ends, which is the n-th.
type End<'a> = dyn FnMut(usize, &Cell) -> Result<Ending> + 'a;

/// Ends attempts as the test says, and remembers them.
struct Mock<'a> {
    tried: Vec<CellId>,
    end: Box<End<'a>>,
}

impl<'a> Mock<'a> {
    fn new(end: impl FnMut(usize, &Cell) -> Result<Ending> + 'a) -> Self {
        Mock { tried: Vec::new(), end: Box::new(end) }
    }
}

impl Executor for Mock<'_> {
    fn attempt(&mut self, id: &CellId, cell: &Cell, _limit_s: f64) -> Result<Attempt> {
        self.tried.push(id.clone());
        let ending = (self.end)(self.tried.len() - 1, cell)?;
        Ok(Attempt { started_ms: self.tried.len() as u64, process_s: Some(1.0), ending })
    }
}

fn cell(threads: u32) -> Cell {
    Cell {
        workload: KMeans::new(2, Stop::Iterations(2), 0).spec(),
        dataset: Dataset::Synthetic {
            shape: Synthetic::Mixture,
            points: 100,
            dims: 2,
            clusters: 3,
            seed: 1,
        },
        backend: if threads == 0 {
            Backend::SERIAL
        } else {
            Backend::from_name("threads").expect("registered")
        },
        ranks: 1,
        threads: threads.max(1),
        oversubscribe: false,
        reduction: ReductionName::default(),
    }
}

/// The oracle, and threads 1 and 2.
fn plan(repeats: u32) -> Vec<PlannedCell> {
    let oracle = cell(0).id();
    let planned = |cell: Cell| PlannedCell {
        id: cell.id(),
        cell,
        oracle: oracle.clone(),
        repeats,
        asked: true,
    };
    [0, 1, 2].map(|threads| planned(cell(threads))).into()
}

fn answered(inertia: f64) -> Ending {
    let clustering = Clustering {
        rows: 100,
        dims: 2,
        iterations: 2,
        converged: false,
        inertia,
        sizes: vec![50, 50],
        centroids: "c".into(),
        labels: "l".into(),
        data: "d".into(),
        distances: None,
        init_distances: None,
        quality: BTreeMap::new(),
        warnings: vec![],
    };
    let measured = Measured {
        platform: "cpu".into(),
        kernel: "mock".into(),
        host: "host-1".into(),
        seconds: 0.5,
        answer: Answer::from(clustering).into(),
        lanes: vec![].into(),
        readings: vec![],
        peak_rss_bytes: None,
        load: LoadFacts::default(),
        peer: None,
        device: None,
    };
    Ending::Answered(Box::new(host()), Box::new(measured))
}

fn host() -> HostFacts {
    HostFacts { id: "host-1".into(), ..amdahl_record::host::gather() }
}

fn facts(name: &str, started_ms: u64, fresh: bool) -> RunFacts {
    let text = |s: &str| s.to_string();
    let build = BuildFacts {
        id: text("b"),
        version: text("0"),
        revision: None,
        dirty: None,
        compiler: text("c"),
        flags: text(""),
        profile: text("release"),
        mpi: None,
    };
    let (experiment, title, question, base) = (text("e"), text("t"), text("q"), text("serial"));
    RunFacts {
        url: None,
        price: None,
        schema: SCHEMA,
        number: 0,
        run: text(name),
        started_ms,
        experiment,
        title,
        question,
        base,
        build,
        command: vec![],
        fresh,
        phases: PhaseNames::known(),
    }
}

/// Runs the plan in rounds and returns where the cells stand, and the error that ended it.
fn sweep(
    folder: &Path,
    run: RunFacts,
    cells: &[PlannedCell],
    executor: &mut dyn Executor,
    identify: &mut dyn FnMut(&Dataset) -> Result<String>,
) -> (Vec<Standing>, Result<()>) {
    let mut store = Store::open(folder, run).expect("opens");
    let host = host();
    let rounds = cells.iter().map(|cell| cell.repeats).max().unwrap_or(0);
    let turns: Vec<usize> = (0..rounds)
        .flat_map(|round| (0..cells.len()).filter(move |&at| cells[at].repeats > round))
        .collect();
    let mut sweep = Sweep {
        cells,
        store: &mut store,
        executor,
        identify: &mut |dataset| identify(dataset).map(|digest| Data { digest, stamps: vec![] }),
        host: &host,
        watch: &mut (),
        interrupts: &Interrupts::none(),
        options: once(),
        standing: Vec::new(),
        digests: BTreeMap::new(),
        unsimulated: Vec::new(),
    };
    let result = sweep.run(&turns);
    (sweep.standing, result)
}

fn same_data(_: &Dataset) -> Result<String> {
    Ok("data-1".into())
}

fn outcomes(folder: &Path) -> Vec<(String, u32, Outcome)> {
    let results = amdahl_record::read::read(folder).expect("reads");
    let name = |id: &CellId| format!("{}{}", results.cells[id].backend, results.cells[id].threads);
    results.records.iter().map(|r| (name(&r.key.cell), r.repeat, r.outcome.clone())).collect()
}

#[test]
fn rounds_are_interleaved_and_a_second_run_has_nothing_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let cells = plan(2);
    let mut mock = Mock::new(|_, _| Ok(answered(1.0)));
    let (standing, result) =
        sweep(folder.path(), facts("r1", 1, false), &cells, &mut mock, &mut same_data);
    assert_eq!(result, Ok(()));
    assert_eq!(standing, [Standing::Done, Standing::Done, Standing::Done]);
    let order: Vec<_> = outcomes(folder.path())
        .into_iter()
        .map(|(name, repeat, _)| format!("{name}/{repeat}"))
        .collect();
    assert_eq!(
        order,
        ["serial1/0", "threads1/0", "threads2/0", "serial1/1", "threads1/1", "threads2/1"]
    );

    let mut mock = Mock::new(|_, _| Ok(answered(1.0)));
    let (standing, _) =
        sweep(folder.path(), facts("r2", 2, false), &cells, &mut mock, &mut same_data);
    assert_eq!((mock.tried.len(), standing[2].clone()), (0, Standing::Done));

    let mut mock = Mock::new(|_, _| Ok(answered(1.0)));
    sweep(folder.path(), facts("r3", 3, true), &cells, &mut mock, &mut same_data)
        .1
        .expect("measures");
    assert_eq!(mock.tried.len(), 6, "a fresh run measures all anew");
}

#[test]
fn more_repeats_and_other_data_are_measured_and_no_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let tried = |repeats, name: &str, data: &'static str| {
        let mut mock = Mock::new(|_, _| Ok(answered(1.0)));
        let cells = plan(repeats);
        sweep(folder.path(), facts(name, 1, false), &cells, &mut mock, &mut |_| Ok(data.into()))
            .1
            .expect("measures");
        mock.tried.len()
    };
    assert_eq!(tried(1, "r1", "data-1"), 3);
    assert_eq!(tried(3, "r2", "data-1"), 6, "two more of each");
    assert_eq!(tried(1, "r3", "data-1"), 0);
    assert_eq!(tried(1, "r4", "data-2"), 3, "other data is another key");
}

#[test]
fn a_wrong_answer_is_a_row_that_ends_its_cell_for_good() {
    let folder = tempfile::tempdir().expect("a folder");
    let cells = plan(3);
    let inertia = |cell: &Cell| if cell.threads == 2 { 2.0 } else { 1.0 };
    let mut mock = Mock::new(|_, cell| Ok(answered(inertia(cell))));
    let (standing, result) =
        sweep(folder.path(), facts("r1", 1, false), &cells, &mut mock, &mut same_data);
    assert_eq!(result, Ok(()));
    assert_eq!(standing[2], Standing::Wrong("inertia: got 2, the oracle has 1".into()));
    assert_eq!(mock.tried.len(), 3 + 3 + 1);
    let mut mock = Mock::new(|_, _| Ok(answered(1.0)));
    let (standing, _) =
        sweep(folder.path(), facts("r2", 2, false), &cells, &mut mock, &mut same_data);
    assert_eq!(mock.tried.len(), 0, "never tried again for the same key");
    assert!(matches!(standing[2], Standing::Wrong(_)));
}

#[test]
fn an_oracle_that_contradicts_itself_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let cells = plan(2);
    let mut mock = Mock::new(|n, _| Ok(answered(if n == 3 { 2.0 } else { 1.0 })));
    let (standing, _) =
        sweep(folder.path(), facts("r1", 1, false), &cells, &mut mock, &mut same_data);
    assert!(matches!(standing[0], Standing::Wrong(_)), "{standing:?}");
}

#[test]
fn a_failing_oracle_leaves_its_cells_unchecked_and_unmeasured() {
    let folder = tempfile::tempdir().expect("a folder");
    let cells = plan(2);
    let mut mock = Mock::new(|_, _| Ok(Ending::failed(Failure::Panicked, "a bug")));
    let (standing, result) =
        sweep(folder.path(), facts("r1", 1, false), &cells, &mut mock, &mut same_data);
    assert_eq!((result, mock.tried.len()), (Ok(()), 1));
    let Standing::Failed(Failure::Unchecked, why) = &standing[1] else { panic!("{standing:?}") };
    assert!(why.contains("failed (panicked): a bug"), "{why}");
    assert_eq!(outcomes(folder.path()).len(), 3);
    // Another run says the same: it finds the oracle's failure in the records, and no row is added.
    let mut mock = Mock::new(|_, _| Ok(Ending::failed(Failure::Panicked, "a bug")));
    sweep(folder.path(), facts("r2", 2, false), &cells, &mut mock, &mut same_data)
        .1
        .expect("goes on");
    assert_eq!((mock.tried.len(), outcomes(folder.path()).len()), (0, 3));
}

#[test]
fn what_may_pass_is_tried_twice_and_each_attempt_is_a_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let cells = plan(1);
    let mut mock = Mock::new(|n, _| match n {
        1 => Ok(Ending::failed(Failure::Killed, "by SIGKILL")),
        3.. => Ok(Ending::failed(Failure::Launch, "no")),
        _ => Ok(answered(1.0)),
    });
    let (standing, _) =
        sweep(folder.path(), facts("r1", 1, false), &cells, &mut mock, &mut same_data);
    assert_eq!(standing[..2], [Standing::Done, Standing::Done]);
    assert_eq!(standing[2], Standing::Failed(Failure::Launch, "no".into()));
    assert_eq!(mock.tried.len(), 1 + 2 + 2);
    assert_eq!(outcomes(folder.path()).len(), 5);
}

#[test]
fn other_failures_are_tried_once_and_the_sweep_goes_on() {
    for class in
        [Failure::Panicked, Failure::Error, Failure::Timeout, Failure::NoReport, Failure::Data]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let cells = plan(2);
        let mut mock = Mock::new(|_, cell| {
            Ok(if cell.threads == 2 { Ending::failed(class, "no") } else { answered(1.0) })
        });
        let (standing, result) =
            sweep(folder.path(), facts("r1", 1, false), &cells, &mut mock, &mut same_data);
        assert_eq!(result, Ok(()));
        assert_eq!(
            standing,
            [Standing::Done, Standing::Done, Standing::Failed(class, "no".into())]
        );
        assert_eq!(mock.tried.len(), 2 + 2 + 1, "{class:?}");
    }
}

#[test]
fn an_interruption_keeps_what_was_measured_and_the_next_run_measures_the_rest() {
    let folder = tempfile::tempdir().expect("a folder");
    let cells = plan(2);
    let stop = || Error::new(amdahl_record::error::Kind::Interrupted, "interrupted");
    let mut mock = Mock::new(|n, _| if n == 4 { Err(stop()) } else { Ok(answered(1.0)) });
    let (standing, result) =
        sweep(folder.path(), facts("r1", 1, false), &cells, &mut mock, &mut same_data);
    assert_eq!(result, Err(stop()));
    assert_eq!(standing, [Standing::Done, Standing::Open, Standing::Open]);
    assert_eq!(outcomes(folder.path()).len(), 4, "no row for the repeat that was ended");
    let mut mock = Mock::new(|_, _| Ok(answered(1.0)));
    sweep(folder.path(), facts("r2", 2, false), &cells, &mut mock, &mut same_data)
        .1
        .expect("measures");
    assert_eq!(mock.tried, [cells[1].id.clone(), cells[2].id.clone()]);
}

#[test]
fn data_that_cannot_be_identified_is_a_row_per_cell() {
    let folder = tempfile::tempdir().expect("a folder");
    let cells = plan(2);
    let mut mock = Mock::new(|_, _| Ok(answered(1.0)));
    let missing = |_: &Dataset| Err(Error::data("no such file").hint("put it there"));
    let (standing, result) =
        sweep(folder.path(), facts("r1", 1, false), &cells, &mut mock, &mut { missing });
    assert_eq!((result, mock.tried.len()), (Ok(()), 0));
    assert_eq!(standing[1], Standing::Failed(Failure::Data, "no such file; put it there".into()));
    assert_eq!(outcomes(folder.path()).len(), 3);
    // It is looked for again by the next run.
    let mut mock = Mock::new(|_, _| Ok(answered(1.0)));
    let (standing, _) =
        sweep(folder.path(), facts("r2", 2, false), &cells, &mut mock, &mut same_data);
    assert_eq!(standing, [Standing::Done, Standing::Done, Standing::Done]);
}

#[test]
fn what_another_sweep_has_claimed_is_waited_for_and_not_measured_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let cells = plan(1);
    let key = Key {
        cell: cells[1].id.clone(),
        build: "b".into(),
        data: "data-1".into(),
        host: "host-1".into(),
        mpi: None,
    };
    let mut theirs = Store::open(folder.path(), facts("theirs", 1, false)).expect("opens");
    let mut claimed = claim::claim(folder.path(), &key).expect("a lock file");
    if !claimed.as_ref().is_some_and(claim::Claim::is_real) {
        let test = "what_another_sweep_has_claimed_is_waited_for_and_not_measured_again";
        return skipped(test, "this file system knows no locks");
    }
    // The other sweep ends its repeat while this one measures the third cell.
    let mut mock = Mock::new(|n, _| {
        if n == 1 {
            let Ending::Answered(_, measured) = answered(1.0) else { unreachable!() };
            let record = Record {
                key: key.clone().into(),
                run: "theirs".into(),
                repeat: 0,
                started_ms: 7,
                process_s: Some(1.0),
                outcome: Outcome::Ok,
                measured: Some((*measured).into()),
            };
            theirs.append(&cells[1].cell, &[&host()], record)?;
            claimed.take();
        }
        Ok(answered(1.0))
    });
    let (standing, result) =
        sweep(folder.path(), facts("mine", 2, false), &cells, &mut mock, &mut same_data);
    assert_eq!(result, Ok(()));
    assert_eq!(standing, [Standing::Done, Standing::Done, Standing::Done]);
    assert_eq!(mock.tried, [cells[0].id.clone(), cells[2].id.clone()]);
}

/// The plan over rows of a file.
fn plan_of_a_file(repeats: u32) -> Vec<PlannedCell> {
    let mut cells = plan(repeats);
    for planned in &mut cells {
        planned.cell.dataset = Dataset::File {
            path: "rows.csv".into(),
            format: None,
            labels: amdahl_record::cell::Labels::None,
            dataset: None,
            sample: None,
        };
        planned.id = planned.cell.id();
    }
    let oracle = cells[0].id.clone();
    cells.iter_mut().for_each(|planned| planned.oracle = oracle.clone());
    cells
}

#[test]
fn data_that_is_replaced_during_a_sweep_is_no_wrong_answer_and_heals() {
    let folder = tempfile::tempdir().expect("a folder");
    let cells = plan_of_a_file(2);
    let there = std::cell::RefCell::new("data-1".to_string());
    // The rows are replaced while the second cell is measured; its answer is that of other rows.
    let mut mock = Mock::new(|n, _| {
        if n == 1 {
            *there.borrow_mut() = "data-2".into();
        }
        Ok(answered(if n == 1 { 2.0 } else { 1.0 }))
    });
    let mut identify = |_: &Dataset| Ok(there.borrow().clone());
    let (standing, result) =
        sweep(folder.path(), facts("r1", 1, false), &cells, &mut mock, &mut identify);
    assert_eq!(result, Ok(()));
    assert_eq!(mock.tried.len(), 2, "nothing is measured of other rows");
    assert!(
        standing.iter().all(
            |s| matches!(s, Standing::Failed(Failure::Changed, why) if why.contains("data-2"))
        ),
        "{standing:?}"
    );
    let wrong = |(_, _, outcome): &(String, u32, Outcome)| matches!(outcome, Outcome::Wrong { .. });
    assert!(!outcomes(folder.path()).iter().any(wrong));
    // The old rows are back.
    *there.borrow_mut() = "data-1".into();
    let mut mock = Mock::new(|_, _| Ok(answered(1.0)));
    let mut identify = |_: &Dataset| Ok(there.borrow().clone());
    let (standing, result) =
        sweep(folder.path(), facts("r2", 2, false), &cells, &mut mock, &mut identify);
    assert_eq!((result, standing), (Ok(()), vec![Standing::Done; 3]));
    assert_eq!(mock.tried.len(), 5, "what was measured before counts");
}

#[test]
fn data_that_is_replaced_before_the_first_repeat_is_not_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let cells = plan_of_a_file(1);
    let looked = std::cell::Cell::new(0);
    let mut mock = Mock::new(|_, _| Ok(answered(1.0)));
    let mut identify = |_: &Dataset| {
        looked.set(looked.get() + 1);
        Ok(if looked.get() == 1 { "data-1" } else { "data-2" }.to_string())
    };
    let (standing, _) =
        sweep(folder.path(), facts("r1", 1, false), &cells, &mut mock, &mut identify);
    assert!(mock.tried.is_empty());
    assert!(matches!(standing[0], Standing::Failed(Failure::Changed, _)), "{standing:?}");
}

#[test]
fn a_repeat_during_which_the_data_was_touched_is_measured_again_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, "1").expect("written");
    let cells = plan_of_a_file(1);
    let mut mock = Mock::new(|n, _| {
        if n == 0 {
            // Replaced and put back: the digest is the same again.
            std::fs::write(&path, "12").expect("written");
        }
        Ok(answered(1.0))
    });
    let mut store = Store::open(folder.path(), facts("r1", 1, false)).expect("opens");
    let host = host();
    let mut sweep = Sweep {
        cells: &cells,
        store: &mut store,
        executor: &mut mock,
        identify: &mut |_| {
            Ok(Data { digest: "data-1".into(), stamps: vec![Stamp::of(&path).expect("there")] })
        },
        host: &host,
        watch: &mut (),
        interrupts: &Interrupts::none(),
        options: once(),
        standing: Vec::new(),
        digests: BTreeMap::new(),
        unsimulated: Vec::new(),
    };
    sweep.run(&[0, 1, 2]).expect("ends well");
    assert_eq!(sweep.standing, vec![Standing::Done; 3]);
    assert_eq!(mock.tried.len(), 4);
    let first = &outcomes(folder.path())[0].2;
    assert!(
        matches!(first, Outcome::Failed { class: Failure::Changed, reason } if reason.contains("wrote to")),
        "{first:?}"
    );
}
