//! Standard output: redrawn in place on a terminal, plain lines elsewhere, in colour unless NO_COLOR says otherwise.

use std::env;
use std::io::{self, IsTerminal, Stdout, Write};

use crate::team::Language;

/// How text looks here.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    colour: bool,
    utf8: bool,
}

/// Where lines go.
pub(crate) struct Screen {
    out: Stdout,
    live: bool,
    style: Style,
    /// Lines that the next frame replaces.
    drawn: usize,
}

impl Screen {
    pub(crate) fn new() -> Screen {
        let out = io::stdout();
        let live = out.is_terminal() && variable("TERM").is_some_and(|term| term != "dumb");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(variable);
        let style = Style {
            colour: live && variable("NO_COLOR").is_none(),
            utf8: locale.is_some_and(|locale| {
                let locale = locale.to_ascii_lowercase();
                locale.contains("utf-8") || locale.contains("utf8")
            }),
        };
        Screen {
            out,
            live,
            style,
            drawn: 0,
        }
    }

    pub(crate) fn style(&self) -> Style {
        self.style
    }

    /// Whether frames are drawn.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// Lines that stay.
    pub(crate) fn print<L: AsRef<str>>(&mut self, lines: &[L]) -> io::Result<()> {
        let mut text = String::new();
        for line in lines {
            text.push_str(line.as_ref());
            text.push('\n');
        }
        self.drawn = 0;
        self.write(&text)
    }

    /// Lines that the next frame replaces, or that [`Screen::settle`] makes stay. Nothing happens where there is no
    /// terminal.
    pub(crate) fn frame(&mut self, lines: &[String]) -> io::Result<()> {
        if !self.live {
            return Ok(());
        }
        let mut text = String::new();
        if self.drawn > 0 {
            text.push_str(&format!("\x1b[{}A", self.drawn));
        }
        // Without wrapping a line stays one, however narrow the terminal. It is put right again in the same write, so
        // that an end at any moment leaves the terminal as it was.
        text.push_str("\r\x1b[?7l");
        for line in lines {
            text.push_str(line);
            text.push_str("\x1b[K\n");
        }
        text.push_str("\x1b[J\x1b[?7h");
        self.drawn = lines.len();
        self.write(&text)
    }

    /// The last frame: its lines stay, also where there is no terminal.
    pub(crate) fn settle(&mut self, lines: &[String]) -> io::Result<()> {
        if self.live {
            self.frame(lines)?;
            self.drawn = 0;
            return Ok(());
        }
        self.print(lines)
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

/// An environment variable that is set and not empty.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

impl Style {
    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    pub(crate) fn language(self, language: Language, text: &str) -> String {
        let code = match language {
            Language::Rust => "33",
            Language::C => "35",
            Language::Go => "36",
            Language::Node => "32",
        };
        self.paint(code, text)
    }

    /// A bar of `width` characters, of which `part / whole` are filled; the two pieces, to be painted.
    pub(crate) fn bar(self, part: u64, whole: u64, width: usize) -> (String, String) {
        let filled = match whole {
            0 => 0,
            whole => (width as u64 * part.min(whole) / whole) as usize,
        };
        let (full, empty) = if self.utf8 {
            ("█", "░")
        } else {
            ("#", ".")
        };
        (full.repeat(filled), empty.repeat(width - filled))
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
            return format!("\x1b[{code}m{text}\x1b[0m");
        }
        text.to_owned()
    }
}
