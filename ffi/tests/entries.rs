//! Rule 8 cannot be forgotten: every exported function goes in through `guard`, under its own name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The ways in that are told the function's name, the helpers of the values among them, and those that are not.
const NAMED: [&str; 5] = ["guard::entry(", "guard::pure(", "add(", "begin(", "typed("];
const UNNAMED: [&str; 2] = ["guard::get(", "guard::free("];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

#[test]
fn every_exported_function_goes_in_through_the_guard() {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    )
    .unwrap();
    let mut functions = 0;
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        for exported in source.split("#[unsafe(no_mangle)]").skip(1) {
            let (_, signature) = exported.split_once("extern \"C\" fn ").unwrap();
            let (name, rest) = signature.split_once('(').unwrap();
            let body = rest.split("\n}\n").next().unwrap();
            let under_its_name = body.contains(&format!("\"{name}\""));
            let named = under_its_name && NAMED.iter().any(|way| body.contains(way));
            let unnamed = !body.contains("\"wool_") && UNNAMED.iter().any(|way| body.contains(way));
            assert!(
                named || unnamed,
                "{name} in {} does not go in through guard",
                file.display()
            );
            functions += 1;
        }
    }
    assert!(
        functions > 80,
        "only {functions} exported functions were found"
    );
}
