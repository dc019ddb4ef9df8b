//! The attributes of the crate `wool`, which exports them.

mod main_function;

use proc_macro::TokenStream;

/// The main function of a program whose processes may be workers of its own pools.
///
/// The attribute names a function that registers the routines, `fn(&Runtime) -> wool::Result<()>`. A process
/// that was spawned to be a worker serves them and never gets to main; any other one goes on with main, which
/// is given the runtime and may return what any main may. An async main runs on a tokio runtime of its own.
/// Afterwards the runtime is closed.
///
/// ```
/// use wool::{Routine, Runtime};
///
/// fn routines(runtime: &Runtime) -> wool::Result<()> {
///     runtime.register(Routine::unary("calc.add", |_task, arguments| async move {
///         let (a, b): (i64, i64) = arguments.extract()?;
///         Ok(a + b)
///     }))
/// }
///
/// #[wool::main(routines)]
/// async fn main(runtime: Runtime) -> Result<(), Box<dyn std::error::Error>> {
///     // pools, calls
///     # let _ = runtime;
///     Ok(())
/// }
/// ```
///
/// A plain main runs as it is, and may wait:
///
/// ```
/// # fn routines(_: &wool::Runtime) -> wool::Result<()> { Ok(()) }
/// #[wool::main(routines)]
/// fn main(runtime: wool::Runtime) {
///     let worker = wool::Worker::start(&runtime, Default::default()).unwrap();
///     worker.stop_blocking(wool::Grace::Now, None).unwrap();
/// }
/// ```
///
/// What it cannot do without:
///
/// ```compile_fail
/// #[wool::main]
/// async fn main(runtime: wool::Runtime) {}
/// ```
///
/// ```compile_fail
/// fn routines(_: &wool::Runtime) -> wool::Result<()> { Ok(()) }
/// #[wool::main(routines)]
/// async fn main() {}
/// ```
///
/// ```compile_fail
/// fn routines(_: &wool::Runtime) -> wool::Result<()> { Ok(()) }
/// #[wool::main(routines)]
/// async fn other(runtime: wool::Runtime) {}
/// # fn main() {}
/// ```
#[proc_macro_attribute]
pub fn main(attribute: TokenStream, item: TokenStream) -> TokenStream {
    main_function::expand(attribute, item)
}
