//! As much JSON as a record on the network needs: a list of strings, and an object.

use std::fmt::Write as _;

/// Deeper values are none, so that nobody's bytes use up a thread's stack.
const DEEPEST: usize = 32;

pub(super) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut json = String::from("[");
    for (index, text) in texts.into_iter().enumerate() {
        json.push_str(if index == 0 { "" } else { "," });
        write_string(&mut json, text);
    }
    json.push(']');
    json
}

pub(super) fn object<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut json = String::from("{");
    for (index, (name, text)) in pairs.into_iter().enumerate() {
        json.push_str(if index == 0 { "" } else { "," });
        write_string(&mut json, name);
        json.push(':');
        write_string(&mut json, text);
    }
    json.push('}');
    json
}

fn write_string(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            control @ '\0'..='\u{1f}' => {
                // Writing to a String cannot fail.
                let _ = write!(json, "\\u{:04x}", u32::from(control));
            }
            character => json.push(character),
        }
    }
    json.push('"');
}

/// `None` for what is no list of strings.
pub(super) fn read_list(json: &str) -> Option<Vec<String>> {
    let mut reader = Reader::new(json);
    let mut texts = Vec::new();
    reader.list(|reader| {
        texts.push(reader.string()?);
        Some(())
    })?;
    reader.end()?;
    Some(texts)
}

/// The names and values of an object, values that are no strings as they are written. `None` for what is no object.
pub(super) fn read_object(json: &str) -> Option<Vec<(String, String)>> {
    let mut reader = Reader::new(json);
    let mut pairs = Vec::new();
    reader.object(|reader, name| {
        let value = if reader.peek() == Some(b'"') {
            reader.string()?
        } else {
            let begin = reader.position;
            reader.value(0)?;
            reader.json.get(begin..reader.position)?.to_owned()
        };
        pairs.push((name, value));
        Some(())
    })?;
    reader.end()?;
    Some(pairs)
}

struct Reader<'a> {
    json: &'a str,
    position: usize,
}

impl<'a> Reader<'a> {
    fn new(json: &'a str) -> Reader<'a> {
        Reader { json, position: 0 }
    }

    fn byte(&self) -> Option<u8> {
        self.json.as_bytes().get(self.position).copied()
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.position += 1;
        }
        self.byte()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        let is_next = self.peek() == Some(byte);
        self.position += usize::from(is_next);
        is_next.then_some(())
    }

    fn end(&mut self) -> Option<()> {
        self.peek().is_none().then_some(())
    }

    fn list(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        if self.take(b']').is_some() {
            return Some(());
        }
        loop {
            item(self)?;
            if self.take(b',').is_none() {
                return self.take(b']');
            }
        }
    }

    fn object(&mut self, mut entry: impl FnMut(&mut Self, String) -> Option<()>) -> Option<()> {
        self.take(b'{')?;
        if self.take(b'}').is_some() {
            return Some(());
        }
        loop {
            let name = self.string()?;
            self.take(b':')?;
            entry(self, name)?;
            if self.take(b',').is_none() {
                return self.take(b'}');
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        if depth == DEEPEST {
            return None;
        }
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'[' => self.list(|reader| reader.value(depth + 1)),
            b'{' => self.object(|reader, _| reader.value(depth + 1)),
            _ => self.word(),
        }
    }

    /// A number, or one of the three names. Python also writes `NaN` and `Infinity`.
    fn word(&mut self) -> Option<()> {
        let rest = self.json.get(self.position..)?;
        let length = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'))
            .unwrap_or(rest.len());
        let word = &rest[..length];
        let is_name = matches!(
            word,
            "true" | "false" | "null" | "NaN" | "Infinity" | "-Infinity"
        );
        let begins_as_number = word.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        let is_value = is_name || (begins_as_number && word.parse::<f64>().is_ok());
        self.position += length;
        is_value.then_some(())
    }

    fn string(&mut self) -> Option<String> {
        self.take(b'"')?;
        let mut text = String::new();
        loop {
            let character = self.json.get(self.position..)?.chars().next()?;
            self.position += character.len_utf8();
            match character {
                '"' => return Some(text),
                '\\' => text.push(self.escaped()?),
                '\0'..='\u{1f}' => return None,
                character => text.push(character),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let kind = self.byte()?;
        self.position += 1;
        Some(match kind {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return None,
        })
    }

    /// Half a pair of surrogates is no character, and becomes the one for that.
    fn unicode(&mut self) -> Option<char> {
        let unit = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&unit) {
            return Some(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before = self.position;
        let has_second = self
            .json
            .get(self.position..)
            .is_some_and(|rest| rest.starts_with("\\u"));
        if has_second {
            self.position += 2;
            let second = self.four_digits()?;
            if (0xdc00..0xe000).contains(&second) {
                return char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (second - 0xdc00));
            }
        }
        self.position = before;
        Some(char::REPLACEMENT_CHARACTER)
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.json.get(self.position..self.position + 4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.position += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn what_python_writes_is_read() {
        let tags = read_list(r#"["x", "gpu", "Gr\u00f6\u00dfe", "\ud83d\udccf", "\ud800!"]"#);
        let expected = ["x", "gpu", "Größe", "📏", "\u{fffd}!"];
        assert_eq!(tags.expect("a list"), expected);
        let json = r#"{"zone": "a", "n": 3, "deep": {"a": [1, null]}, "none": null, "f": -1.5e3, "t": true}"#;
        assert_eq!(
            read_object(json).expect("an object"),
            pairs(&[
                ("zone", "a"),
                ("n", "3"),
                ("deep", r#"{"a": [1, null]}"#),
                ("none", "null"),
                ("f", "-1.5e3"),
                ("t", "true"),
            ])
        );
        assert_eq!(read_list(" [ ] "), Some(Vec::new()));
        assert_eq!(read_object("{}"), Some(Vec::new()));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for wrong in [
            "",
            "[",
            "[\"a\"",
            "[\"a\",]",
            "[1]",
            "[\"a\"] x",
            "[\"\\x\"]",
            "[\"\\u12\"]",
            "[\"\n\"]",
            "{}",
        ] {
            assert_eq!(read_list(wrong), None, "{wrong:?}");
        }
        for wrong in [
            "",
            "[]",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":x}",
            "{\"a\":inf}",
            "{1:2}",
            "{\"a\":1,}",
            "{\"a\":[1}",
        ] {
            assert_eq!(read_object(wrong), None, "{wrong:?}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(9_999), "]".repeat(9_999));
        assert_eq!(read_object(&deep), None);
    }

    proptest! {
        #[test]
        fn a_list_comes_back(texts in prop::collection::vec(any::<String>(), 0..8)) {
            let json = list(texts.iter().map(String::as_str));
            prop_assert_eq!(read_list(&json), Some(texts));
        }

        #[test]
        fn an_object_comes_back(entries in prop::collection::vec(any::<(String, String)>(), 0..8)) {
            let json = object(entries.iter().map(|(name, text)| (name.as_str(), text.as_str())));
            prop_assert_eq!(read_object(&json), Some(entries));
        }

        #[test]
        fn no_text_does_harm(text in r#"[\[\]{}:,"\\u0-9a-f \PC]*"#) {
            let _ = read_list(&text);
            let _ = read_object(&text);
        }
    }
}
