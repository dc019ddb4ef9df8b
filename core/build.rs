//! Compiles the wire contract. protox is a protobuf compiler in Rust: nobody needs `protoc`.

use std::error::Error;
use std::path::PathBuf;

use prost::Message;

const FILES: [&str; 6] = [
    "wool/v1/session.proto",
    "wool/v1/worker.proto",
    "wool/v1/catalog.proto",
    "wool/v1/control.proto",
    "wool/v1/spawn.proto",
    "wool/v1/pool.proto",
];

/// What is rare or large, so that a frame is small: frames are moved several times on their way.
const BOXED: [&str; 11] = [
    ".wool.v1.Frame.kind.hello",
    ".wool.v1.Frame.kind.serving",
    ".wool.v1.Frame.kind.start",
    ".wool.v1.Frame.kind.fault",
    ".wool.v1.Frame.kind.throw",
    ".wool.v1.Frame.kind.send",
    ".wool.v1.Item.context",
    ".wool.v1.Result.context",
    ".wool.v1.End.context",
    ".wool.v1.Credit.context",
    ".wool.v1.Fault.context",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let descriptors = protox::compile(FILES, [&root])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("wool.v1.bin"), descriptors.encode_to_vec())?;
    let mut builder = tonic_prost_build::configure()
        .bytes(".")
        .codec_path("crate::codec::SharingCodec");
    for path in BOXED {
        builder = builder.boxed(path);
    }
    builder.compile_fds(descriptors)?;
    Ok(())
}
