//! Values for C: written by a builder, read by a reader.

mod builder;
mod reader;

pub use builder::*;
pub use reader::*;
