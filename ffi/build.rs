//! Writes `include/wool.h` from the sources, and tells the linker what a shared library needs.

use std::error::Error;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// In the order in which the header has them.
const SOURCES: [&str; 35] = [
    "src/types/status.rs",
    "src/types/memory.rs",
    "src/memory.rs",
    "src/error.rs",
    "src/types/admission.rs",
    "src/types/balancer.rs",
    "src/types/peer_check.rs",
    "src/types/options.rs",
    "src/runtime.rs",
    "src/types/event.rs",
    "src/queue/mod.rs",
    "src/types/routine.rs",
    "src/routine.rs",
    "src/task.rs",
    "src/types/task_events.rs",
    "src/task_events.rs",
    "src/types/credentials.rs",
    "src/credentials.rs",
    "src/types/discovery.rs",
    "src/discovery.rs",
    "src/custom_discovery.rs",
    "src/context.rs",
    "src/worker.rs",
    "src/admission.rs",
    "src/pool.rs",
    "src/balancer.rs",
    "src/peer_check.rs",
    "src/spawn.rs",
    "src/call.rs",
    "src/stream.rs",
    "src/types/fan_out.rs",
    "src/map.rs",
    "src/types/value.rs",
    "src/value/builder.rs",
    "src/value/reader.rs",
];

fn main() -> Result<(), Box<dyn Error>> {
    link()?;
    header()
}

/// Threads of the library outlive a dlclose, so it stays loaded. Symbols are hidden but for the exported ones by
/// rustc itself.
fn link() -> Result<(), Box<dyn Error>> {
    let soname = concat!("libwool.so.", env!("CARGO_PKG_VERSION_MAJOR"));
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{soname}");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");

    // Programs look for the library by its SONAME, which cargo does not make: it is a link beside the library, so that
    // what is linked against the build's folder runs, too. OUT_DIR is <folder>/build/<package>/out.
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let folder = out
        .ancestors()
        .nth(3)
        .ok_or("OUT_DIR is not where cargo puts it")?;
    let link = folder.join(soname);
    match fs::read_link(&link) {
        Ok(target) if target == Path::new("libwool.so") => Ok(()),
        Ok(_) => Err(format!("{} is not a link to libwool.so: remove it", link.display()).into()),
        Err(_) => Ok(symlink("libwool.so", &link)?),
    }
}

fn header() -> Result<(), Box<dyn Error>> {
    let here = env::var("CARGO_MANIFEST_DIR")?;
    let here = Path::new(&here);
    let target = here.join("../include/wool.h");
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=cbindgen.toml");
    println!("cargo:rerun-if-changed=header");
    println!("cargo:rerun-if-changed={}", target.display());
    println!("cargo:rerun-if-env-changed=CI");

    let mut config = cbindgen::Config::from_file(here.join("cbindgen.toml"))?;
    config.header = Some(fs::read_to_string(here.join("header/rules.h"))?);
    config.after_includes = Some(fs::read_to_string(here.join("header/init.h"))?);
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(here.join(source));
    }
    let mut written = Vec::new();
    builder.generate()?.write(&mut written);

    if fs::read(&target).is_ok_and(|committed| committed == written) {
        return Ok(());
    }
    if env::var_os("CI").is_some_and(|ci| ci == "true") {
        return Err("include/wool.h is stale: run `cargo build -p libwool` and commit it".into());
    }
    fs::write(&target, written)?;
    Ok(())
}
