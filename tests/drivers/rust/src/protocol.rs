//! The lines between the runner and this driver: options, tokens, commands.

use std::fmt;
use std::io::{BufRead, Write};
use std::str::{FromStr, SplitAsciiWhitespace};

use wool::value::{Arguments, Limits, Value, decode, encode};
use wool::{ApplicationError, ContextValue, Error};

use crate::failures::OutOfStock;

/// Encodings up to this many bytes are reported whole.
const REPORTED_WHOLE: usize = 4096;

/// Why the driver cannot go on: the runner broke the protocol, or a pipe is gone.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(why: impl Into<String>) -> Failure {
        Failure(why.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure(error.to_string())
    }
}

/// The `key=value` arguments of the command line, or of a command.
pub(crate) struct Options(Vec<(String, String)>);

impl Options {
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Options {
        let pairs = arguments.filter_map(|argument| {
            let (key, value) = argument.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        });
        Options(pairs.collect())
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        let (_, value) = pairs.find(|(found, _)| found == key)?;
        Some(value)
    }

    /// The values of an option that may come several times, each a text.
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<String>, Failure> {
        let pairs = self.0.iter().filter(|(found, _)| found == key);
        pairs.map(|(_, value)| untext(value)).collect()
    }

    /// The same, as they were written.
    pub(crate) fn tokens(&self, key: &'static str) -> impl Iterator<Item = &str> {
        let pairs = self.0.iter().filter(move |(found, _)| found == key);
        pairs.map(|(_, value)| value.as_str())
    }

    pub(crate) fn number<T: FromStr>(&self, key: &str) -> Result<Option<T>, Failure> {
        self.text(key).map(|text| parse(key, text)).transpose()
    }
}

fn parse<T: FromStr>(what: &str, text: &str) -> Result<T, Failure> {
    text.parse()
        .map_err(|_| Failure::new(format!("{what} is a number, not {text:?}")))
}

/// The tokens of one command.
pub(crate) struct Tokens<'a>(SplitAsciiWhitespace<'a>);

impl<'a> Tokens<'a> {
    pub(crate) fn of(line: &'a str) -> Tokens<'a> {
        Tokens(line.split_ascii_whitespace())
    }

    pub(crate) fn next(&mut self, what: &str) -> Result<&'a str, Failure> {
        self.0
            .next()
            .ok_or_else(|| Failure::new(format!("a command ends before its {what}")))
    }

    pub(crate) fn number<T: FromStr>(&mut self, what: &str) -> Result<T, Failure> {
        parse(what, self.next(what)?)
    }

    /// `N VALUE*N`.
    pub(crate) fn values(&mut self) -> Result<Vec<Value>, Failure> {
        let count: usize = self.number("number of values")?;
        (0..count)
            .map(|_| Ok(value(self.next("values")?)??))
            .collect()
    }

    pub(crate) fn rest(self) -> impl Iterator<Item = &'a str> {
        self.0
    }

    /// All that is left.
    pub(crate) fn options(self) -> Options {
        Options::parse(self.0.map(str::to_owned))
    }

    /// `N VALUE*N`, then options, of which those that begin with `named=` are arguments, too. What the codec refuses is
    /// the request's own error.
    pub(crate) fn arguments(mut self) -> Result<(Result<Arguments, Error>, Options), Failure> {
        let count: usize = self.number("number of values")?;
        let positional: Vec<&str> = (0..count)
            .map(|_| self.next("values"))
            .collect::<Result<_, _>>()?;
        let (named, options): (Vec<&str>, Vec<&str>) =
            self.0.partition(|token| token.starts_with("named="));
        let options = Options::parse(options.into_iter().map(str::to_owned));
        let mut arguments = Arguments::default();
        for token in positional {
            match value(token)? {
                Ok(value) => arguments.positional.push(value),
                Err(error) => return Ok((Err(error), options)),
            }
        }
        for token in named {
            let (name, token) = token
                .trim_start_matches("named=")
                .split_once(':')
                .ok_or_else(|| Failure::new("named= wants a name and a value"))?;
            match value(token)? {
                Ok(value) => arguments.named.push((untext(name)?, value)),
                Err(error) => return Ok((Err(error), options)),
            }
        }
        Ok((Ok(arguments), options))
    }
}

/// What rides along with one call, by the options `context=NAMESPACE:NAME:VALUE`; or why it cannot.
pub(crate) fn context(options: &Options) -> Result<Result<Vec<ContextValue>, Error>, Failure> {
    let context = wool::Context::new();
    for (_, token) in options.0.iter().filter(|(key, _)| key == "context") {
        let (namespace, name, value) = context_value(token)?;
        if let Err(error) = value.and_then(|value| context.set(namespace, name, value)) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(context.values()))
}

/// `NAMESPACE:NAME:VALUE`.
pub(crate) fn context_value(
    token: &str,
) -> Result<(String, String, Result<Value, Error>), Failure> {
    let mut parts = token.splitn(3, ':');
    let (Some(namespace), Some(name), Some(token)) = (parts.next(), parts.next(), parts.next())
    else {
        return Err(Failure::new(
            "a value of a context has a namespace, a name and a value",
        ));
    };
    Ok((untext(namespace)?, untext(name)?, value(token)?))
}

/// The value of a token, or why the codec refuses it.
pub(crate) fn value(token: &str) -> Result<Result<Value, Error>, Failure> {
    if let Some(digits) = token.strip_prefix("hex:") {
        return Ok(decode(&unhex(digits)?, &Limits::default()).map_err(Error::from));
    }
    if let Some((size, seed)) = token
        .strip_prefix("fill:")
        .and_then(|rest| rest.split_once(':'))
    {
        let bytes = fill(parse("size", size)?, parse("seed", seed)?);
        return Ok(Ok(Value::from(bytes)));
    }
    Err(Failure::new(format!("{token:?} is no value")))
}

pub(crate) fn unhex(digits: &str) -> Result<Vec<u8>, Failure> {
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return Err(Failure::new("hex digits come in pairs"));
    }
    (0..digits.len())
        .step_by(2)
        .map(|at| Ok(u8::from_str_radix(&digits[at..at + 2], 16)?))
        .collect()
}

/// The bytes of `fill:<size>:<seed>`.
pub(crate) fn fill(size: usize, seed: usize) -> Vec<u8> {
    (0..size)
        .map(|i| seed.wrapping_add(i * 31).wrapping_add((i >> 8) * 17) as u8)
        .collect()
}

/// The token that reports a value.
pub(crate) fn report(value: &Value) -> Result<String, Failure> {
    let encoded = encode(value, &Limits::default())?;
    match value {
        Value::Bytes(bytes) if encoded.len() > REPORTED_WHOLE => {
            Ok(format!("sum:{}:{:08x}", bytes.len(), adler32(bytes)))
        }
        _ => Ok(format!("hex:{}", hex(&encoded))),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65521;
    // As many additions as fit 32 bits before the sums have to be reduced.
    const RUN: usize = 5552;
    let (mut a, mut b) = (1_u32, 0_u32);
    for run in bytes.chunks(RUN) {
        for byte in run {
            a += u32::from(*byte);
            b += a;
        }
        a %= MODULUS;
        b %= MODULUS;
    }
    b << 16 | a
}

/// One token for any text.
pub(crate) fn text(text: &str) -> String {
    match text {
        "" => "-".to_owned(),
        "-" => "%2D".to_owned(),
        _ => text
            .bytes()
            .map(|byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    char::from(byte).to_string()
                }
                _ => format!("%{byte:02X}"),
            })
            .collect(),
    }
}

/// The text of a token.
pub(crate) fn untext(token: &str) -> Result<String, Failure> {
    if token == "-" {
        return Ok(String::new());
    }
    let mut bytes = Vec::new();
    let mut rest = token.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = after
            .get(..2)
            .ok_or_else(|| Failure::new("text ends within an escape"))?;
        bytes.extend(unhex(std::str::from_utf8(digits)?)?);
        rest = &after[2..];
    }
    Ok(String::from_utf8(bytes)?)
}

/// The answer that reports an error.
pub(crate) fn error(id: &str, error: &Error) -> String {
    let (type_name, traceback, language, causes) = match error.fault() {
        Some(fault) => (
            &*fault.type_name,
            fault.traceback.len(),
            &*fault.language,
            fault.causes().count(),
        ),
        None => ("", 0, "", 0),
    };
    let own = error.downcast::<OutOfStock>();
    let own = own.and_then(|own| report(&own.to_value()).ok());
    format!(
        "error {id} {} {} {} {traceback} {} {causes} {} {}",
        error.kind().name(),
        text(type_name),
        text(error.message()),
        text(language),
        own.as_deref().unwrap_or("-"),
        u8::from(error.retryable())
    )
}

/// What a driver writes instead of `ready`, and `driver worker` instead of an answer.
pub(crate) fn not_ready(error: &Error) -> String {
    format!("error {} {}", error.kind().name(), text(error.message()))
}

/// Writes one line to the runner, from any thread.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    if let Err(problem) = written {
        // The runner has gone; end-of-file on stdin ends this process.
        log(&format!("the runner no longer listens: {problem}"));
    }
}

/// Writes to the log that the runner shows when something fails.
pub(crate) fn log(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Calls `serve` with every command until `exit` or end-of-file.
pub(crate) fn serve_commands(
    mut serve: impl FnMut(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line == "exit" {
            break;
        }
        serve(&line)?;
    }
    Ok(())
}
