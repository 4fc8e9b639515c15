//! A file and its content, which may be compressed by gzip.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use amdahl_record::error::{Error, Result};
use amdahl_record::io::regular;

/// Bytes of the content that formats are recognised by.
const HEAD: usize = 4096;
/// Deflate makes at most 1032 bytes of one (a match of 258 bytes coded in 2 bits).
const MOST_EXPANSION: u64 = 1032;
/// Bytes read from a file at a time.
const BUFFER: usize = 64 * 1024;

/// What to do with rows that come through a pipe.
pub const ONLY_FILES: &str =
    "rows are read more than once: put them into a file first, such as … > points.csv";

/// A file that has been looked at.
#[derive(Clone, Debug)]
pub struct Input {
    path: PathBuf,
    bytes: u64,
    gzip: bool,
    head: Vec<u8>,
    dataset: Option<String>,
}

impl Input {
    /// Looks at a file. Refuses what is no regular file, an empty one, and a gzip file that is
    /// damaged in its first bytes.
    pub fn open(path: &Path) -> Result<Input> {
        let cannot = |e| Error::io("read", path, e);
        let facts = std::fs::metadata(path).map_err(cannot)?;
        if !facts.is_file() {
            let error = Error::data("not a regular file").at(path, 0, 0);
            return Err(match facts.is_dir() {
                true => error.hint("name a file in it"),
                false => error.hint(ONLY_FILES),
            });
        }
        let mut input = Input {
            path: path.into(),
            bytes: facts.len(),
            gzip: false,
            head: Vec::new(),
            dataset: None,
        };
        let mut first = Vec::new();
        regular::open(path)
            .and_then(|file| file.take(4).read_to_end(&mut first))
            .map_err(cannot)?;
        // RFC 1952: two bytes of identification, method 8 (deflate), and three flags that are
        // reserved and zero.
        input.gzip = matches!(first[..], [0x1f, 0x8b, 8, flags] if flags & 0xe0 == 0);
        let mut content = input.content()?;
        let mut head = vec![0; HEAD];
        match content.fill(&mut head) {
            Ok(length) => head.truncate(length),
            // Damage after some good bytes is reported by whoever reads on.
            Err(_) if content.position > 0 => head.truncate(content.position as usize),
            Err(error) => return Err(error),
        }
        if head.is_empty() {
            let what =
                if input.gzip { "holds 0 bytes when decompressed" } else { "is empty: 0 bytes" };
            return Err(input.refuse(format!("the file {what}")));
        }
        drop(content);
        input.head = head;
        Ok(input)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says which data set of the file is meant.
    pub fn choose(&mut self, dataset: &str) {
        self.dataset = Some(dataset.into());
    }

    /// Which data set of the file is meant, if it was said.
    pub fn dataset(&self) -> Option<&str> {
        self.dataset.as_deref()
    }

    /// The first bytes of the content, at most 4096.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// The file's name in lower case without `.gz`.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        name.strip_suffix(".gz").unwrap_or(&name).to_string()
    }

    /// Is the content compressed?
    pub fn compressed(&self) -> bool {
        self.gzip
    }

    /// Bytes of the content, where that is known without decompressing it.
    pub fn length(&self) -> Option<u64> {
        (!self.gzip).then_some(self.bytes)
    }

    /// The content can be no longer than this.
    pub fn longest(&self) -> u64 {
        if self.gzip { self.bytes.saturating_mul(MOST_EXPANSION) } else { self.bytes }
    }

    /// The file itself, for seeking in content that is not compressed.
    pub fn file(&self) -> Result<BufReader<File>> {
        let file = regular::open(&self.path).map_err(|e| Error::io("read", &self.path, e))?;
        Ok(BufReader::with_capacity(BUFFER, file))
    }

    /// A stream of the content from its beginning.
    pub fn content(&self) -> Result<Content<'_>> {
        let file = self.file()?;
        let reader: Box<dyn Read + Send> =
            if self.gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        Ok(Content { input: self, reader, position: 0 })
    }

    /// An error about this file.
    pub fn refuse(&self, message: impl Into<String>) -> Error {
        Error::data(message).at(&self.path, 0, 0)
    }

    /// What an error in reading the content at `position` means.
    pub fn damaged(&self, position: u64, error: io::Error) -> Error {
        let after = format!("after {position} decompressed bytes");
        match error.kind() {
            io::ErrorKind::UnexpectedEof if self.gzip => self
                .refuse(format!("the gzip stream ends early, {after}: the file is truncated"))
                .hint("fetch the file again"),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if self.gzip => self
                .refuse(format!("the gzip stream is damaged {after}: {error}"))
                .hint("fetch the file again"),
            _ => Error::io("read", &self.path, error),
        }
    }
}

/// A stream of a file's content whose errors say what is wrong with the file.
pub struct Content<'a> {
    input: &'a Input,
    reader: Box<dyn Read + Send>,
    position: u64,
}

impl Content<'_> {
    /// Bytes that have been read.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Fills `out` and returns its length; less only where the content ends.
    pub fn fill(&mut self, out: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < out.len() {
            match self.reader.read(&mut out[filled..]) {
                Ok(0) => break,
                Ok(read) => {
                    filled += read;
                    self.position += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.input.damaged(self.position, error)),
            }
        }
        Ok(filled)
    }

    /// The stream itself, for readers of lines; they pass its errors to [`Input::damaged`].
    pub fn into_reader(self) -> BufReader<Box<dyn Read + Send>> {
        BufReader::with_capacity(BUFFER, self.reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).expect("in memory");
        encoder.finish().expect("in memory")
    }

    fn read(bytes: &[u8]) -> Result<Vec<u8>> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.GZ");
        std::fs::write(&path, bytes).expect("written");
        let input = Input::open(&path)?;
        assert_eq!(input.name(), "a");
        let mut content = Vec::new();
        let mut stream = input.content()?;
        let mut buffer = [0; 1000];
        loop {
            let filled = stream.fill(&mut buffer)?;
            content.extend(&buffer[..filled]);
            if filled < buffer.len() {
                assert!(content.starts_with(input.head()));
                assert!(content.len() as u64 <= input.longest());
                return Ok(content);
            }
        }
    }

    #[test]
    fn reads_plain_and_gzip_of_several_members() {
        let text: Vec<u8> = (0..100_000u32).flat_map(|i| i.to_le_bytes()).collect();
        assert_eq!(read(&text).expect("plain"), text);
        assert_eq!(read(&gzip(&text)).expect("one member"), text);
        let two = [gzip(&text), gzip(b"more")].concat();
        assert_eq!(read(&two).expect("two members"), [&text[..], b"more"].concat());
        let zeros = vec![0; 1 << 20];
        assert_eq!(read(&gzip(&zeros)).expect("expands a lot"), zeros);
    }

    #[test]
    fn damage_is_said() {
        let whole = gzip(&(0..50_000u32).flat_map(|i| i.to_le_bytes()).collect::<Vec<_>>());
        let message = |bytes: &[u8]| read(bytes).expect_err("damaged").to_string();
        for length in [5, 12, whole.len() / 2, whole.len() - 9, whole.len() - 8, whole.len() - 1] {
            let text = message(&whole[..length]);
            assert!(
                text.contains("ends early") && text.contains("a.GZ"),
                "{length} of {} bytes: {text}",
                whole.len()
            );
        }
        let mut checksum = whole.clone();
        let at = checksum.len() - 6;
        checksum[at] ^= 1;
        assert!(message(&checksum).contains("checksum"), "{}", message(&checksum));
        let mut middle = whole.clone();
        let at = middle.len() / 2;
        middle[at] ^= 0xff;
        assert!(message(&middle).contains("damaged"), "{}", message(&middle));
        let text = message(&[&whole[..], b"bytes that are no member"].concat());
        assert!(
            text.contains("damaged") && text.contains("after 200000 decompressed bytes"),
            "{text}"
        );
        assert!(message(&gzip(b"")).contains("0 bytes when decompressed"));
        assert!(message(b"").contains("is empty: 0 bytes"));
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert!(
            Input::open(folder.path())
                .expect_err("a folder")
                .message
                .contains("not a regular file")
        );
        assert!(
            Input::open(&folder.path().join("none"))
                .expect_err("missing")
                .message
                .contains("cannot read")
        );
    }
}
