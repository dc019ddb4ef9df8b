//! The table for people and the JSON for programs.

use std::fmt::Write as _;

use crate::plan::{Section, Unit};
use crate::rounds::{Cell, Missing};

/// A section's part of the table.
pub fn table(section: &Section, cells: &[Cell], missing: &[Missing]) -> String {
    let mut text = String::new();
    let mut line = |columns: [&str; 7]| {
        let [name, in_flight, p50, p99, rate, cpu, ratio] = columns;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{name:<46}{in_flight:>9}{p50:>10}{p99:>10}{rate:>12}{cpu:>10}{ratio:>9}"
        );
    };
    line([
        section.title,
        "in flight",
        "p50 us",
        "p99 us",
        section.unit.name(),
        "CPU us",
        "to tonic",
    ]);
    for cell in cells {
        let rate = section.unit.of(cell.per_second);
        line([
            &format!("  {}", cell.contender),
            &cell.in_flight.to_string(),
            &format!("{:.1}", cell.p50_us),
            &format!("{:.1}", cell.p99_us),
            &thousands(rate),
            &format!("{:.1}", cell.cpu_us),
            &cell
                .to_rival
                .map_or("-".to_owned(), |ratio| format!("{ratio:.2}x")),
        ]);
    }
    for lost in missing {
        let _ = writeln!(text, "  {} is missing: {}", lost.contender, lost.why);
    }
    text
}

/// One JSON object of the section. All strings are names of this program's own.
pub fn json(section: &Section, cells: &[Cell], missing: &[Missing]) -> String {
    let rate = match section.unit {
        Unit::Calls => "calls_per_second",
        Unit::Items => "items_per_second",
        Unit::Megabytes => "megabytes_per_second",
    };
    let rows: Vec<String> = cells
        .iter()
        .map(|cell| {
            format!(
                concat!(
                    r#"{{"contender":"{}","in_flight":{},"p50_us":{},"p99_us":{},"{}":{},"#,
                    r#""cpu_us":{},"to_rival":{}}}"#
                ),
                cell.contender,
                cell.in_flight,
                number(cell.p50_us),
                number(cell.p99_us),
                rate,
                number(section.unit.of(cell.per_second)),
                number(cell.cpu_us),
                cell.to_rival.map_or("null".to_owned(), number),
            )
        })
        .collect();
    let missing: Vec<String> = missing
        .iter()
        .map(|lost| format!("\"{}\"", lost.contender))
        .collect();
    format!(
        "{{\"section\":\"{}\",\"missing\":[{}],\"rows\":[\n{}\n]}}",
        section.word,
        missing.join(","),
        rows.join(",\n")
    )
}

fn number(value: f64) -> String {
    if value.is_finite() {
        format!("{value:.3}")
    } else {
        "null".to_owned()
    }
}

/// `1234567.8` as `1,234,568`.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
