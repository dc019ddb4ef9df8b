//! The text that is counted, in pieces.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::words::separates;

/// A file with a NUL byte among its first bytes, so many of them, is no text; git decides the same way.
const LOOK_FOR_NUL: usize = 8000;

/// Bytes of a piece, about: small, so that there is something to fan out.
const PIECE: usize = 4 << 10;

/// The files' contents, and how often they are gone through.
pub(crate) struct Text {
    times: usize,
    files: Vec<Vec<u8>>,
}

/// A part of a file that begins and ends between words.
#[derive(Clone)]
pub(crate) struct Piece {
    file: usize,
    range: Range<usize>,
}

impl Text {
    /// Reads files; those that are not text are left out. They are gone through until they are `at_least` so many
    /// bytes, and once at least.
    ///
    /// # Errors
    /// Names the file that cannot be read; no text at all is an error, too.
    pub(crate) fn read(paths: &[PathBuf], at_least: usize) -> Result<Text, Failure> {
        let mut files = Vec::new();
        for path in paths {
            let content = fs::read(path).map_err(|error| {
                Failure::usage(format!("{} cannot be read: {error}", path.display()))
            })?;
            if !content.iter().take(LOOK_FOR_NUL).any(|&byte| byte == 0) {
                files.push(content);
            }
        }
        let once: usize = files.iter().map(Vec::len).sum();
        if once == 0 {
            return Err(Failure::usage("there is no text to count words in"));
        }
        let times = at_least.div_ceil(once).max(1);
        Ok(Text { times, files })
    }

    pub(crate) fn times(&self) -> usize {
        self.times
    }

    /// How many files there are.
    pub(crate) fn files(&self) -> usize {
        self.files.len()
    }

    /// The files from the first to the last, time after time.
    pub(crate) fn contents(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.times).flat_map(|_| self.files.iter().map(Vec::as_slice))
    }

    /// Bytes that are gone through.
    pub(crate) fn len(&self) -> usize {
        self.contents().map(<[u8]>::len).sum()
    }

    pub(crate) fn pieces(&self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (file, content) in self.files.iter().enumerate() {
            pieces.extend(
                cut(content, PIECE)
                    .into_iter()
                    .map(|range| Piece { file, range }),
            );
        }
        std::iter::repeat_n(pieces, self.times).flatten().collect()
    }

    pub(crate) fn bytes(&self, piece: &Piece) -> &[u8] {
        &self.files[piece.file][piece.range.clone()]
    }
}

/// Cuts where words are separated: at the first such place after `size` bytes.
fn cut(content: &[u8], size: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < content.len() {
        let least = (start + size).min(content.len());
        let end = content[least..]
            .iter()
            .position(|&byte| separates(byte))
            .map_or(content.len(), |offset| least + offset);
        pieces.push(start..end);
        start = end;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_cut() {
        let content = b"one two, three";
        let parts: Vec<_> = cut(content, 2)
            .into_iter()
            .map(|range| &content[range])
            .collect();
        assert_eq!(parts, [&b"one"[..], b" two", b", three"]);
    }

    #[test]
    fn a_word_without_end_is_one_piece() {
        let lengths: Vec<_> = cut(b"aaaaaaaa", 3).iter().map(Range::len).collect();
        assert_eq!(lengths, [8]);
        assert!(cut(b"", 3).is_empty());
    }
}
