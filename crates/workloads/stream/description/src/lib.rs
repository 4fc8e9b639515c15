//! The four kernels of STREAM as planning, checking and explaining know them.
//!
//! J. D. McCalpin, *Memory Bandwidth and Machine Balance in Current High Performance Computers*,
//! IEEE TCCA Newsletter (1995): copy `c = a`, scale `b = s·c`, add `c = a + b`, triad `a = b + s·c`
//! over arrays of f64, and bytes are those that the formulas name. Here `a` begins with the values
//! of the data set, row by row, so an array has rows × columns elements. To measure memory, an
//! array needs at least four times the last cache of all lanes (STREAM's own rule).

use amdahl_record::cell::{Backend, Cell, WorkloadSpec};
use amdahl_record::error::Result;
use amdahl_record::{Answer, Measured, Role};
use amdahl_workload::parameter::{COUNT, Kind, Refusal};
use amdahl_workload::work::{Formulas, PhaseWork, Resident};
use amdahl_workload::{Cost, Facts, Parameter, Precision, SizeName, Values, Work, Workload};

pub mod spec;

use spec::{NAME, Stream};

/// Timed iterations where the manifest does not say: McCalpin's NTIMES.
const ITERATIONS: u32 = 10;
/// Iterations that are simulated at most; all are alike.
const SIMULATED_ITERATIONS: u32 = 3;
/// The kernels in their order: flop of an element, and arrays that are read or written.
const KERNELS: [(&str, f64, f64); 4] =
    [("copy", 0.0, 2.0), ("scale", 1.0, 2.0), ("add", 1.0, 3.0), ("triad", 2.0, 3.0)];
/// For plans: an iteration's bytes of an element take a lane as long as so many multiply-adds.
const TERMS: f64 = 48.0;

/// The kernels, as the registry knows them.
pub struct StreamWorkload;

/// The parameters of a cell that was checked; of one that was not (a damaged record), no
/// iterations.
fn read(spec: &WorkloadSpec) -> Stream {
    Stream::of(spec).unwrap_or(Stream { iterations: 0, warmup: 0 })
}

impl Workload for StreamWorkload {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "STREAM"
    }

    fn phases(&self) -> &'static [(&'static str, Role)] {
        &[
            ("copy", Role::Compute),
            ("scale", Role::Compute),
            ("add", Role::Compute),
            ("triad", Role::Compute),
        ]
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "iterations",
                kind: COUNT,
                about: "Timed iterations: each runs the four kernels once. 10 where absent.",
                shown: |spec, _| Some(read(spec).iterations.to_string()),
            },
            Parameter {
                name: "warmup",
                kind: Kind::Whole { least: 0, most: u32::MAX as u64 },
                about: "Iterations that are run first, untimed. 1 where absent.",
                shown: |spec, _| Some(read(spec).warmup.to_string()),
            },
        ]
    }

    fn resolve(&self, values: &dyn Values) -> std::result::Result<WorkloadSpec, Refusal> {
        let backend = values.backend();
        if backend.platform().is_some() || backend.peer().is_some() {
            return Err(Refusal::LeftOut {
                what: format!("backend={backend}"),
                why: "the kernels of STREAM run on processors, in our own program".into(),
            });
        }
        let iterations = values.small("iterations").unwrap_or(ITERATIONS);
        Ok(Stream { iterations, warmup: values.small("warmup").unwrap_or(1) }.spec())
    }

    fn validate(&self, spec: &WorkloadSpec) -> Result<()> {
        Stream::of(spec)?.validate()
    }

    fn oracle_of(&self, cell: &Cell) -> Cell {
        let backend = Backend::SERIAL;
        Cell { backend, ranks: 1, threads: 1, oversubscribe: false, ..cell.clone() }
    }

    fn smaller(&self, spec: &WorkloadSpec) -> WorkloadSpec {
        let Stream { iterations, warmup } = read(spec);
        let iterations = iterations.min(SIMULATED_ITERATIONS);
        Stream { iterations, warmup: warmup.max(1) }.spec()
    }

    fn cost(&self, spec: &WorkloadSpec, rows: u64, columns: u64, _: Option<u32>) -> Cost {
        let Stream { iterations, warmup } = read(spec);
        let values = rows as f64 * columns as f64;
        // And once more, untimed, to check every element.
        let passes = 2.0 * (f64::from(iterations) + f64::from(warmup));
        Cost { terms: TERMS * values * passes, values: 2.0 * values, at_most: false }
    }

    fn check(
        &self,
        _: &WorkloadSpec,
        measured: &Measured,
        oracle: &Answer,
    ) -> std::result::Result<(), String> {
        spec::check_elements(&measured.answer)?;
        measured.answer.check_exact(oracle, self.effort())
    }

    fn in_words(&self, spec: &WorkloadSpec) -> String {
        let Stream { iterations, warmup } = read(spec);
        let more = match warmup {
            1 => String::new(),
            n => format!(" after {n} untimed"),
        };
        match iterations {
            1 => format!("STREAM, 1 iteration{more}"),
            n => format!("STREAM, {n} iterations{more}"),
        }
    }

    fn sizes(&self) -> &'static [SizeName] {
        &[
            SizeName {
                key: "points",
                symbol: "n",
                label: "rows (n)",
                one: "element",
                many: "elements",
            },
            SizeName {
                key: "dims",
                symbol: "d",
                label: "columns (d)",
                one: "column",
                many: "columns",
            },
        ]
    }

    fn size(&self, _: &WorkloadSpec, rows: Option<u64>, columns: Option<u32>) -> Option<Vec<f64>> {
        let size = [rows? as f64, f64::from(columns?)];
        size.iter().all(|value| *value > 0.0).then(|| size.to_vec())
    }

    /// Bytes as STREAM counts them: those of the formulas, without lines that caches read before
    /// they are written.
    fn work(&self, _: &WorkloadSpec, size: &[f64]) -> Work {
        let (rows, columns) = match *size {
            [rows, columns] => (rows, columns),
            _ => (0.0, 0.0),
        };
        let (elements, width) = (rows * columns, Precision::F64.bytes());
        Work {
            flop: KERNELS.iter().map(|(_, flop, _)| flop).sum::<f64>() * elements,
            bytes: KERNELS.iter().map(|(.., arrays)| arrays * width).sum::<f64>() * elements,
            resident: Resident { rows: rows as u64, row_bytes: 3 * 8 * columns as u64 },
            precision: Precision::F64,
        }
    }

    fn formulas(&self) -> Option<Formulas> {
        Some(Formulas {
            flop: "4·n·d",
            bytes: "80·n·d",
            counted: "those that the kernels' formulas name",
        })
    }

    fn work_by_phase(&self, _: &WorkloadSpec, size: &[f64]) -> Vec<PhaseWork> {
        let elements: f64 = size.iter().product();
        let of = |(phase, flop, arrays)| PhaseWork {
            phase,
            flop: flop * elements,
            bytes: arrays * Precision::F64.bytes() * elements,
            bandwidth_bound: true,
        };
        KERNELS.map(of).into()
    }

    fn facts(&self, _: &WorkloadSpec, answer: &Answer) -> Facts {
        Facts {
            rows: answer.rows(),
            columns: answer.columns(),
            iterations: answer.iterations,
            ..Facts::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_workload::parameter::Value;

    struct Given(Backend, Option<u64>);

    impl Values for Given {
        fn get(&self, name: &str) -> Option<Value> {
            self.1.filter(|_| name == "iterations").map(Value::Whole)
        }
        fn backend(&self) -> &Backend {
            &self.0
        }
        fn seed(&self) -> u64 {
            0
        }
    }

    #[test]
    fn it_runs_on_processors_ten_times_unless_told_otherwise() {
        let of = |backend: &str, iterations| {
            let backend = Backend::from_name(backend).expect("known");
            StreamWorkload.resolve(&Given(backend, iterations))
        };
        let usual = of("hybrid", None).expect("nothing is needed");
        assert_eq!(read(&usual), Stream { iterations: 10, warmup: 1 });
        assert_eq!(read(&of("mpi", Some(3)).expect("good")).iterations, 3);
        assert!(matches!(of("pjrt-reference", None), Err(Refusal::LeftOut { .. })));
        let parameter = &StreamWorkload.parameters()[0];
        assert_eq!((parameter.shown)(&usual, &Backend::SERIAL).as_deref(), Some("10"));
        assert_eq!(StreamWorkload.in_words(&usual), "STREAM, 10 iterations");
    }

    #[test]
    fn an_element_moves_eighty_bytes() {
        let spec = Stream { iterations: 10, warmup: 1 }.spec();
        let size = StreamWorkload.size(&spec, Some(1000), Some(2)).expect("known");
        let work = StreamWorkload.work(&spec, &size);
        assert_eq!((work.flop, work.bytes), (8_000.0, 160_000.0));
        let phases = StreamWorkload.work_by_phase(&spec, &size);
        let bytes: Vec<_> = phases.iter().map(|of| (of.phase, of.bytes / 2_000.0)).collect();
        assert_eq!(bytes, [("copy", 16.0), ("scale", 16.0), ("add", 24.0), ("triad", 24.0)]);
        assert_eq!(phases.iter().map(|of| of.flop).sum::<f64>(), work.flop);
        let own = StreamWorkload.phases().iter().map(|(name, _)| *name);
        assert!(own.eq(phases.iter().map(|of| of.phase)), "the phases that are measured");
        assert_eq!(work.resident.of_a_lane(2), 500 * 48);
        assert_eq!(StreamWorkload.size(&spec, Some(0), Some(2)), None);
    }
}
