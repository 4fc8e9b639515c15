//! Each lane's rows: read by the lane itself where the format allows it, else read by one lane and
//! scattered.

use std::ops::Range;
use std::sync::OnceLock;

use amdahl_data as data;
use amdahl_data::shard::shard;
use amdahl_data::spread::{Centred, Spread};
use amdahl_data::{MatrixRows, RowSource, Shape, Source, Value};
use amdahl_lanes::comm::bytes::Plain;
use amdahl_lanes::comm::{Buf, Comm, Op, Recv, Send, agreed, bytes};
use amdahl_record::cell::Dataset;
use amdahl_record::error::{Error, Result};

/// A data set that the threads of a process open once, when the first of them needs it.
pub struct SharedSource {
    open: Box<Open>,
    opened: OnceLock<Result<Box<dyn Source>>>,
}

/// How a data set is opened.
type Open = dyn Fn() -> Result<Box<dyn Source>> + std::marker::Send + Sync;

impl SharedSource {
    /// Not opened yet.
    pub fn new(dataset: Dataset) -> Self {
        SharedSource::by(move || data::open(&dataset))
    }

    /// To be opened in this way.
    pub fn by(
        open: impl Fn() -> Result<Box<dyn Source>> + std::marker::Send + Sync + 'static,
    ) -> Self {
        SharedSource { open: Box::new(open), opened: OnceLock::new() }
    }

    /// Already opened.
    pub fn of(source: Box<dyn Source>) -> Self {
        let open = || Err(Error::internal("this source was opened before"));
        SharedSource { open: Box::new(open), opened: OnceLock::from(Ok(source)) }
    }
}

/// What hands out an opened data set to the lanes of a process.
pub trait Opens: Sync {
    /// The opened data set.
    fn get(&self) -> Result<&dyn Source>;
}

impl Opens for SharedSource {
    fn get(&self) -> Result<&dyn Source> {
        match self.opened.get_or_init(&self.open) {
            Ok(source) => Ok(source.as_ref()),
            Err(error) => Err(error.clone()),
        }
    }
}

/// A lane's part of a data set.
pub struct Part<'a, T = f32> {
    /// Rows and columns of the whole.
    pub whole: Shape,
    /// Global number of the lane's first row.
    pub first: u64,
    rows: Rows<'a, T>,
    /// True labels of the lane's rows.
    pub truth: Option<Vec<u32>>,
    /// What is taken off each column before values are rounded; empty where nothing is.
    pub offsets: Vec<f64>,
}

enum Rows<'a, T> {
    Own(&'a dyn Source, Range<u64>),
    Scattered(Vec<T>),
}

impl<T: Value> Part<'_, T> {
    /// Hands the lane's rows to `look` as a stream, and keeps them for another pass.
    pub fn pass<R>(&self, look: impl FnOnce(&mut dyn RowSource) -> Result<R>) -> Result<R> {
        match &self.rows {
            Rows::Own(source, range) => {
                look(less(source.rows(range.clone())?, &self.offsets).as_mut())
            }
            Rows::Scattered(values) => {
                look(&mut MatrixRows::new(values, self.whole.dims, self.first))
            }
        }
    }

    /// Hands the lane's rows to `take` as a stream, for the last time.
    pub fn stream<R>(&mut self, take: impl FnOnce(&mut dyn RowSource) -> Result<R>) -> Result<R> {
        let result = self.pass(take);
        if let Rows::Scattered(values) = &mut self.rows {
            *values = Vec::new();
        }
        result
    }
}

/// What is taken off the columns of rows before they are rounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Offsets<'a> {
    /// Nothing.
    None,
    /// What columns that lie far from 0 need ([`Spread`]), of the first columns of the data.
    Needed {
        /// So many; the others (weights) stay as they are.
        columns: Columns,
    },
    /// These.
    Given(&'a [f64]),
}

/// Which columns of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// All.
    All,
    /// All but the last, which holds weights.
    AllButLast,
}

impl Columns {
    fn of(self, dims: usize) -> usize {
        dims - usize::from(self == Columns::AllButLast)
    }
}

/// Of a whole data set what columns that lie far from 0 need.
pub const NEEDED: Offsets<'static> = Offsets::Needed { columns: Columns::All };

/// Opens the data set and takes this lane's part, as it is rounded to f32. All lanes call it; an
/// error on one is an error on all.
pub fn part<'a>(comm: &dyn Comm, source: &'a dyn Opens) -> Result<Part<'a>> {
    part_less(comm, source, Offsets::None)
}

/// The same as values of any kind, less an offset for each column, which is taken off before values are rounded. What is
/// needed does not depend on the number of lanes or the order of rows.
pub fn part_less<'a, T: Value + Plain>(
    comm: &dyn Comm,
    source: &'a dyn Opens,
    offsets: Offsets<'_>,
) -> Result<Part<'a, T>> {
    let lane = comm.lane();
    // One lane looks first: text has to be read to know its shape, and one reading of it is enough.
    let facts = agreed(comm, if lane.is_root() { look(source).map(Some) } else { Ok(None) })?;
    let mut facts = facts.unwrap_or_default();
    comm.broadcast(0, bytes::of_mut(&mut facts))?;
    let [rows, dims, seekable, has_truth] = facts;
    let whole = Shape { rows, dims: dims as usize };
    let mine = shard(lane.index as u64, lane.count as u64, rows);
    comm.agree(room::<T>(mine.end - mine.start, whole.dims))?;
    // What one lane of a process has read lies in memory that all its lanes see.
    if seekable != 0 || lane.ranks == 1 {
        let opened = source.get().and_then(|source| Ok((source, source.truth(mine.clone())?)));
        let (source, truth) = agreed(comm, opened)?;
        let offsets = match offsets {
            Offsets::None => Vec::new(),
            Offsets::Given(given) => given.to_vec(),
            Offsets::Needed { columns } => {
                needed(comm, Some((source, mine.clone())), columns.of(whole.dims))?
            }
        };
        return Ok(Part {
            whole,
            first: mine.start,
            rows: Rows::Own(source, mine),
            truth,
            offsets,
        });
    }
    let offsets = match offsets {
        Offsets::None => Vec::new(),
        Offsets::Given(given) => given.to_vec(),
        Offsets::Needed { columns } => {
            let all = if lane.is_root() {
                source.get().map(|source| Some((source, 0..rows)))
            } else {
                Ok(None)
            };
            needed(comm, agreed(comm, all)?, columns.of(whole.dims))?
        }
    };
    let count = (mine.end - mine.start) as usize;
    let mut values = vec![T::default(); count * whole.dims];
    let mut truth = vec![0u32; if has_truth != 0 { count } else { 0 }];
    // One lane after the other, so that the reader holds one part at a time beside the file's
    // content.
    for to in 0..lane.count {
        let read = if lane.is_root() {
            read_part::<T>(source, whole, (to, lane.count), &offsets).map(Some)
        } else {
            Ok(None)
        };
        let read = agreed(comm, read)?;
        let (part, labels) = read.unwrap_or_default();
        let receive = |send: &[u8], into: &mut [u8]| {
            let sends = [Send { to, bytes: send }];
            let mut recvs = [Recv { from: 0, bytes: into }];
            let sends = if lane.is_root() { &sends[..] } else { &[] };
            comm.exchange(sends, if lane.index == to { &mut recvs[..] } else { &mut [] })
        };
        receive(bytes::of(&part), bytes::of_mut(&mut values))?;
        if has_truth != 0 {
            receive(bytes::of(&labels), bytes::of_mut(&mut truth))?;
        }
    }
    let truth = (has_truth != 0).then_some(truth);
    Ok(Part { whole, first: mine.start, rows: Rows::Scattered(values), truth, offsets })
}

/// The offsets that all lanes' rows together need. A lane without rows to look at gives none.
///
/// A lane stops to look as soon as its own rows lie near 0: then all rows do, and nothing is needed.
fn needed(
    comm: &dyn Comm,
    mine: Option<(&dyn Source, Range<u64>)>,
    columns: usize,
) -> Result<Vec<f64>> {
    let mut spread = Spread::new(columns);
    let look = mine.map_or(Ok(false), |(source, range)| {
        Ok(source.is_near() || spread.look(source.rows(range)?.as_mut())?)
    });
    let mut is_near = [u64::from(agreed(comm, look)?)];
    comm.all_reduce(Op::Max, Buf::U64(&mut is_near))?;
    if is_near[0] != 0 {
        return Ok(Vec::new());
    }
    comm.all_reduce(Op::Min, Buf::F64(&mut spread.low))?;
    comm.all_reduce(Op::Max, Buf::F64(&mut spread.high))?;
    Ok(spread.offsets())
}

/// A stream of rows less these offsets; nothing is taken off where there are none.
pub fn less<'a>(rows: Box<dyn RowSource + 'a>, offsets: &'a [f64]) -> Box<dyn RowSource + 'a> {
    if offsets.is_empty() { rows } else { Box::new(Centred::new(rows, offsets)) }
}

/// So many bytes of rows are asked for once, untouched, before they are needed: what the system
/// refuses then would end the process.
const MUCH: u64 = 1 << 30;

/// Can there be room for so many rows?
fn room<T>(rows: u64, dims: usize) -> Result<()> {
    let bytes =
        rows.checked_mul(dims as u64).and_then(|values| values.checked_mul(size_of::<T>() as u64));
    let granted = bytes.is_some_and(|bytes| {
        bytes < MUCH
            || usize::try_from(bytes)
                .is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok())
    });
    if granted {
        return Ok(());
    }
    Err(Error::unavailable(format!(
        "there is no memory for {rows} rows x {dims} columns on each lane"
    ))
    .hint("take fewer rows, or more machines"))
}

/// Rows, columns, seekable, has true labels.
fn look(source: &dyn Opens) -> Result<[u64; 4]> {
    let source = source.get()?;
    let shape = source.shape();
    let has_truth = source.truth(0..0)?.is_some();
    Ok([shape.rows, shape.dims as u64, u64::from(source.seekable()), u64::from(has_truth)])
}

/// The rows and true labels of lane `lane`.
fn read_part<T: Value>(
    source: &dyn Opens,
    whole: Shape,
    (lane, lanes): (usize, usize),
    offsets: &[f64],
) -> Result<(Vec<T>, Vec<u32>)> {
    let source = source.get()?;
    let range = shard(lane as u64, lanes as u64, whole.rows);
    let mut values = vec![T::default(); (range.end - range.start) as usize * whole.dims];
    if !values.is_empty() {
        T::read(less(source.rows(range.clone())?, offsets).as_mut(), &mut values)?;
    }
    Ok((values, source.truth(range)?.unwrap_or_default()))
}
