//! Labels on their way out: from all lanes, in row order, to the first.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use amdahl_data::shard::shard;
use amdahl_data::write;
use amdahl_kmeans::device::LabelSink;
use amdahl_lanes::comm::{Comm, Recv, Send, agreed, bytes};
use amdahl_record::error::{Error, Result};
use amdahl_record::io::atomic::Pending;

/// Where labels go.
pub enum Labels {
    /// Nobody wants them.
    Unwanted,
    /// To memory.
    Memory(Vec<u32>),
    /// To a file.
    File(LabelFile),
}

impl Labels {
    /// Those in memory.
    pub fn into_memory(self) -> Vec<u32> {
        if let Labels::Memory(labels) = self { labels } else { Vec::new() }
    }

    /// The file with its other name still; none where no file was wanted.
    pub fn finish(self) -> Result<Option<Pending>> {
        if let Labels::File(file) = self { file.finish() } else { Ok(None) }
    }

    fn begin(&mut self, rows: u64) -> Result<()> {
        if let Labels::File(file) = self { file.begin(rows) } else { Ok(()) }
    }
}

impl LabelSink for Labels {
    fn put(&mut self, first: u64, labels: &[u32]) -> Result<()> {
        match self {
            Labels::Unwanted => Ok(()),
            Labels::Memory(all) => {
                all.extend_from_slice(labels);
                Ok(())
            }
            Labels::File(file) => file.put(first, labels),
        }
    }
}

/// Hands the labels of all `rows` rows to `sink` on the first lane, each lane's `mine` after the
/// other. Collective; the first lane holds those of one other lane at a time.
pub fn deliver(comm: &dyn Comm, mine: &[u32], rows: u64, sink: &Mutex<Labels>) -> Result<()> {
    let lane = comm.lane();
    let sink = || sink.lock().unwrap_or_else(PoisonError::into_inner);
    agreed(comm, if lane.is_root() { sink().begin(rows) } else { Ok(()) })?;
    for from in 0..lane.count {
        let range = shard(from as u64, lane.count as u64, rows);
        let mut received = Vec::new();
        let labels = if from == 0 {
            mine
        } else {
            let sends = [Send { to: 0, bytes: bytes::of(mine) }];
            if lane.is_root() {
                received = vec![0u32; (range.end - range.start) as usize];
            }
            let mut recvs = [Recv { from, bytes: bytes::of_mut(&mut received) }];
            let sends = if lane.index == from { &sends[..] } else { &[] };
            comm.exchange(sends, if lane.is_root() { &mut recvs[..] } else { &mut [] })?;
            &received
        };
        agreed(comm, if lane.is_root() { sink().put(range.start, labels) } else { Ok(()) })?;
    }
    Ok(())
}

/// How a file of labels is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A vector of i32, as scikit-learn has it.
    Npy,
    /// One label a line.
    Text,
}

/// A file of labels: NPY (i32) where the name ends so, else text with one label a line.
pub struct LabelFile {
    form: Form,
    out: Out,
    text: String,
}

enum Out {
    File(Pending),
    Print,
}

impl LabelFile {
    /// Begins the file. `-` prints labels as text.
    pub fn create(path: &Path) -> Result<LabelFile> {
        let form = match path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy")) {
            true => Form::Npy,
            false => Form::Text,
        };
        let out = if path == Path::new("-") {
            Out::Print
        } else {
            Out::File(Pending::create(path)?.durable().noted())
        };
        Ok(LabelFile { form, out, text: String::new() })
    }

    fn begin(&mut self, rows: u64) -> Result<()> {
        match (self.form, &mut self.out) {
            (Form::Npy, Out::File(file)) => file.write(&write::header("<i4", &[rows])),
            _ => Ok(()),
        }
    }

    /// The file with its other name still; none where labels were printed.
    fn finish(self) -> Result<Option<Pending>> {
        match self.out {
            Out::Print => Ok(None),
            Out::File(mut file) => file.finish().map(|()| Some(file)),
        }
    }
}

impl LabelSink for LabelFile {
    fn put(&mut self, _first: u64, labels: &[u32]) -> Result<()> {
        // Labels are below 2^31: k centroids of at least 4 bytes fit a file.
        let bytes: std::borrow::Cow<[u8]> = match self.form {
            Form::Npy => write::values(labels, u32::to_le_bytes).into(),
            Form::Text => {
                self.text.clear();
                for label in labels {
                    self.text.push_str(&label.to_string());
                    self.text.push('\n');
                }
                self.text.as_bytes().into()
            }
        };
        match &mut self.out {
            Out::File(file) => file.write(&bytes),
            Out::Print => print(&bytes),
        }
    }
}

/// Prints, and takes a reader that stops early (`… | head`) for one that has enough.
fn print(bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::io("write", Path::new("standard output"), e))
        }
        _ => Ok(()),
    }
}
