//! Values for C: written by a builder, read by a reader.

mod builder;
mod building;
mod reader;
mod reading;
#[cfg(test)]
mod tests;

pub use builder::*;
pub use reader::*;
