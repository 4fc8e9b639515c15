//! STREAM as a bulk-synchronous program: every lane runs copy, scale, add and triad over its part
//! of the arrays, and all lanes meet after each kernel.
//!
//! The seconds of a kernel on a lane are those of its phase, without waiting for other lanes, which
//! is a phase of its own. Bytes per second of a kernel are 16 (copy, scale) or 24 (add, triad) bytes
//! × elements of the lane × iterations over these seconds.
//!
//! **The answer.** Array `a` begins with the values of the data set. After the timed part each
//! element of each array is compared, bit by bit, with what its value becomes without arrays, and
//! the arrays are added up exactly, so that any number of lanes has the same sums.

use std::time::Instant;

use amdahl_data::digest;
use amdahl_data::shard::shard;
use amdahl_lanes::comm::{Buf, Comm, Op, agreed};
use amdahl_lanes::exact::accumulator::ExactSum;
use amdahl_program::load::Part;
use amdahl_program::{LaneContext, LaneResult, Program, load};
use amdahl_record::cell::{Backend, Cell, DeviceKind, hex};
use amdahl_record::error::{Error, Result};
use amdahl_record::{Answer, Phase, Role};
use amdahl_stream_description::spec::{NAME, SCALAR, Stream, WRONG};

pub mod kernels;

use kernels::BLOCK;

/// Values of the data set that are read at once, about.
const PIECE: usize = 1 << 14;

/// The kernels, as the registry of programs knows them.
pub struct StreamProgram;

impl Program for StreamProgram {
    fn name(&self) -> &'static str {
        NAME
    }

    fn run(&self, cell: &Cell, context: &LaneContext<'_>) -> Result<LaneResult> {
        match &cell.backend {
            Backend::Native { device: DeviceKind::Cpu, .. } => {
                run(&Stream::of(&cell.workload)?, context)
            }
            other => Err(Error::unavailable(format!("'{NAME}' does not run on '{other}'"))
                .hint("its backends are serial, threads, mpi and hybrid")),
        }
    }
}

/// Runs the kernels on this lane.
pub fn run(spec: &Stream, context: &LaneContext<'_>) -> Result<LaneResult> {
    let LaneContext { comm, recorder, .. } = *context;
    recorder.enter(Phase::LOAD);
    let part = load::part(comm, context.source)?;
    let mut arrays = agreed(comm, Arrays::load(&part, comm))?;

    recorder.enter(Phase::INIT);
    for _ in 0..spec.warmup {
        arrays.iterate(comm, |_| ())?;
    }
    let phases = ["copy", "scale", "add", "triad"].map(|name| Phase::named(name, Role::Compute));
    comm.barrier()?;
    recorder.enter(phases[0]);
    let start = Instant::now();
    for iteration in 1..=spec.iterations {
        context.fault.at(comm.lane(), iteration)?;
        arrays.iterate(comm, |kernel| {
            recorder.enter(phases[kernel as usize]);
        })?;
    }
    let mut seconds = [start.elapsed().as_secs_f64()];

    recorder.enter(Phase::FINISH);
    comm.all_reduce(Op::Max, Buf::F64(&mut seconds))?;
    if context.fault.spoils_the_answer(comm.lane())
        && let Some(first) = arrays.a.first_mut()
    {
        *first += 1.0;
    }
    let iterations = u64::from(spec.warmup) + u64::from(spec.iterations);
    let wrong = agreed(comm, arrays.wrong(&part, iterations))?;
    Ok(LaneResult {
        answer: arrays.answer(comm, &part, spec.iterations, wrong)?,
        seconds: seconds[0],
        platform: "cpu".into(),
        kernel: "plain loops".into(),
        rows: arrays.rows,
        device: None,
        lane_device: None,
    })
}

/// The kernels in their order.
#[derive(Clone, Copy, Debug)]
enum Kernel {
    Copy,
    Scale,
    Add,
    Triad,
}

/// A lane's part of the three arrays.
struct Arrays {
    a: Vec<f64>,
    b: Vec<f64>,
    c: Vec<f64>,
    /// Rows of the data set whose values `a` began with.
    rows: u64,
    /// Their digest, to be added over lanes.
    digest: u64,
}

impl Arrays {
    /// From the lane's rows. The lane writes every element itself, so that memory is near it.
    fn load(part: &Part<'_>, comm: &dyn Comm) -> Result<Arrays> {
        let lane = comm.lane();
        let mine = shard(lane.index as u64, lane.count as u64, part.whole.rows);
        let rows = mine.end - mine.start;
        let length = rows.saturating_mul(part.whole.dims as u64);
        let mut a = room(length)?;
        let (mut b, mut c) = (room(length)?, room(length)?);
        let mut seen = 0;
        each_piece(part, |first, values| {
            seen = digest::rows(first, values, part.whole.dims).wrapping_add(seen);
            a.extend(values.iter().map(|&value| f64::from(value)));
        })?;
        b.resize(a.len(), 2.0);
        c.resize(a.len(), 0.0);
        Ok(Arrays { a, b, c, rows, digest: seen })
    }

    /// Runs the four kernels. Every kernel is told to `enter`; after each, all lanes meet.
    fn iterate(&mut self, comm: &dyn Comm, enter: impl Fn(Kernel)) -> Result<()> {
        let Arrays { a, b, c, .. } = self;
        enter(Kernel::Copy);
        kernels::copy(c, a);
        comm.barrier()?;
        enter(Kernel::Scale);
        kernels::scale(b, c, SCALAR);
        comm.barrier()?;
        enter(Kernel::Add);
        kernels::add(c, a, b);
        comm.barrier()?;
        enter(Kernel::Triad);
        kernels::triad(a, b, c, SCALAR);
        comm.barrier()
    }

    /// Elements of this lane that are not what so many iterations make of the data's values.
    fn wrong(&self, part: &Part<'_>, iterations: u64) -> Result<u64> {
        let (mut at, mut wrong) = (0, 0);
        each_piece(part, |_, values| {
            for block in values.chunks(BLOCK) {
                let mut start = [0.0; BLOCK];
                start.iter_mut().zip(block).for_each(|(start, &value)| *start = f64::from(value));
                let expected = kernels::expected(start, iterations, SCALAR);
                for (array, expected) in [&self.a, &self.b, &self.c].into_iter().zip(&expected) {
                    let found = array.get(at..at + block.len()).unwrap_or_default();
                    let same =
                        found.iter().zip(expected).filter(|(x, y)| x.to_bits() == y.to_bits());
                    wrong += (block.len() - same.count()) as u64;
                }
                at += block.len();
            }
        })?;
        Ok(wrong)
    }

    /// The answer of all lanes.
    fn answer(
        &self,
        comm: &dyn Comm,
        part: &Part<'_>,
        iterations: u32,
        wrong: u64,
    ) -> Result<Answer> {
        let mut counts = [wrong, self.digest];
        comm.all_reduce(Op::Sum, Buf::U64(&mut counts))?;
        let mut values = std::collections::BTreeMap::new();
        for (name, array) in [("sum_a", &self.a), ("sum_b", &self.b), ("sum_c", &self.c)] {
            let mut sum = ExactSum::default();
            array.iter().for_each(|&value| sum.add(value));
            comm.all_reduce(Op::Sum, Buf::I64(sum.limbs_mut()))?;
            values.insert(name.to_string(), sum.value());
        }
        let (rows, dims) = (part.whole.rows, part.whole.dims as u64);
        let counted =
            [("rows", rows), ("dims", dims), ("elements", rows * dims), (WRONG, counts[0])];
        Ok(Answer {
            of: NAME.into(),
            data: hex(&counts[1].to_be_bytes()),
            iterations,
            counts: counted.into_iter().map(|(name, count)| (name.into(), count)).collect(),
            values,
            ..Answer::default()
        })
    }
}

/// Room for an array of this lane, untouched.
fn room(length: u64) -> Result<Vec<f64>> {
    let mut array = Vec::new();
    let granted =
        usize::try_from(length).is_ok_and(|length| array.try_reserve_exact(length).is_ok());
    match granted {
        true => Ok(array),
        false => Err(Error::unavailable(format!(
            "there is no memory for three arrays of {length} elements on each lane"
        ))
        .hint("take fewer points, or more machines")),
    }
}

/// Hands the lane's values to `look`, some rows at a time, with the number of the first row.
fn each_piece(part: &Part<'_>, mut look: impl FnMut(u64, &[f32])) -> Result<()> {
    let dims = part.whole.dims;
    let mut piece = vec![0f32; (PIECE / dims).max(1) * dims];
    part.pass(|rows| {
        loop {
            let first = rows.position();
            match rows.read(&mut piece)? {
                0 => return Ok(()),
                got => look(first, &piece[..got * dims]),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_lanes::comm::solo::Solo;
    use amdahl_lanes::comm::timed::Timed;
    use amdahl_lanes::probe::recorder::Recorder;
    use amdahl_lanes::probe::{PROBES, Seat};
    use amdahl_lanes::spawn::on_threads;
    use amdahl_program::fault::Fault;
    use amdahl_program::load::SharedSource;
    use amdahl_program::shared::ProcessShared;
    use amdahl_record::cell::{Dataset, Synthetic};
    use amdahl_stream_description::spec::check_elements;

    const SPEC: Stream = Stream { iterations: 3, warmup: 1 };

    fn source(points: u64) -> SharedSource {
        let shape = Synthetic::Mixture;
        SharedSource::new(Dataset::Synthetic { shape, points, dims: 3, clusters: 2, seed: 7 })
    }

    /// The answer, and the seconds of the kernels and of waiting on the first lane.
    fn on(lanes: usize, points: u64, fault: &str) -> Result<(Answer, [f64; 5])> {
        let (source, shared) = (source(points), ProcessShared::default());
        let fault = if fault.is_empty() { Fault::NONE } else { Fault::parse(fault)? };
        let program = |comm: &dyn Comm| {
            let recorder = Recorder::new(&PROBES[..1], Seat::ALONE);
            let comm = Timed::new(comm, &recorder);
            let (source, shared, fault) = (&source, &shared, &fault);
            let context = LaneContext { comm: &comm, recorder: &recorder, source, shared, fault };
            let answer = run(&SPEC, &context)?.answer;
            let seconds = ["copy", "scale", "add", "triad", "wait"]
                .map(|name| Phase::find(name).map_or(f64::NAN, |phase| recorder.wall(phase)));
            Ok((answer, seconds))
        };
        match lanes {
            0 => program(&Solo),
            lanes => on_threads(lanes, true, &program),
        }
    }

    #[test]
    fn any_number_of_lanes_has_the_answer_of_one() {
        for points in [1, 2, 4_001] {
            let (serial, seconds) = on(0, points, "").expect("runs");
            assert_eq!(check_elements(&serial), Ok(()));
            assert_eq!(serial.count("elements"), Some(3 * points));
            assert!(seconds[..4].iter().all(|&s| s > 0.0) && seconds[4] == 0.0, "{seconds:?}");
            for lanes in [1, 2, 3] {
                let (answer, _) = on(lanes, points, "").expect("runs");
                assert_eq!(answer, serial, "{points} rows on {lanes} lanes");
            }
        }
    }

    #[test]
    fn an_element_that_is_off_is_found() {
        let (answer, _) = on(2, 100, "wrong").expect("runs");
        assert_eq!(answer.count(WRONG), Some(1));
        assert!(check_elements(&answer).is_err());
        assert!(on(2, 100, "error:iteration=2").is_err(), "and no lane hangs");
    }
}
