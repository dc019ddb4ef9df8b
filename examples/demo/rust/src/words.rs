//! What a word is, and counting them. The other languages define the same.

use std::cmp::Reverse;
use std::collections::HashMap;

/// How often each word is there.
pub(crate) type Counts = HashMap<String, u64>;

/// A word is a run of ASCII letters, in lower case; every other byte separates.
pub(crate) fn words(text: &[u8]) -> impl Iterator<Item = String> {
    text.split(|&byte| separates(byte))
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.iter()
                .map(|byte| char::from(byte.to_ascii_lowercase()))
                .collect()
        })
}

pub(crate) fn separates(byte: u8) -> bool {
    !byte.is_ascii_alphabetic()
}

pub(crate) fn count(words: impl IntoIterator<Item = String>) -> Counts {
    let mut counts = Counts::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    counts
}

/// Adds counts to others.
pub(crate) fn add(sum: &mut Counts, counts: Counts) {
    for (word, count) in counts {
        *sum.entry(word).or_default() += count;
    }
}

/// The most frequent words, in alphabetical order where they are equally so.
pub(crate) fn top(counts: &Counts, most: usize) -> Vec<(String, u64)> {
    let mut ranked: Vec<_> = counts.iter().collect();
    ranked.sort_unstable_by_key(|&(word, count)| (Reverse(*count), word));
    ranked.truncate(most);
    ranked
        .into_iter()
        .map(|(word, count)| (word.clone(), *count))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ascii_letters_make_words() {
        let found: Vec<_> = words(b"Don't 3x\xc3\xa9Y_z").collect();
        assert_eq!(found, ["don", "t", "x", "y", "z"]);
        assert_eq!(words(b" 123 ").count(), 0);
        assert_eq!(words(b"").count(), 0);
    }

    #[test]
    fn the_most_frequent_come_first_then_the_alphabet_decides() {
        let counts = count(words(b"b a c a b a d c"));
        let ranked = top(&counts, 3);
        let names: Vec<_> = ranked.iter().map(|(word, _)| word.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn counting_in_parts_is_counting_the_whole() {
        let mut sum = count(words(b"one two"));
        add(&mut sum, count(words(b"two three")));
        assert_eq!(sum, count(words(b"one two two three")));
    }
}
