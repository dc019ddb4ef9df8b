//! The standard routines that fail in particular ways, and the application's own errors.

use std::fmt;
use std::sync::Arc;

use wool::value::{Map, Value};
use wool::{ApplicationError, Fault, Result, Routine, Runtime};

use crate::routines::Counters;

/// The error that all drivers have registered.
#[derive(Debug)]
pub(crate) struct OutOfStock {
    pub(crate) item: String,
    pub(crate) left: i64,
}

impl fmt::Display for OutOfStock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} left", self.item, self.left)
    }
}

impl std::error::Error for OutOfStock {}

impl ApplicationError for OutOfStock {
    const NAME: &'static str = "conf.OutOfStock";

    fn to_value(&self) -> Value {
        let entries = vec![
            ("item".into(), self.item.as_str().into()),
            ("left".into(), self.left.into()),
        ];
        // Two names that differ are a map.
        Map::from_entries(entries).map_or(Value::Null, Value::Map)
    }

    fn from_value(value: Value) -> Option<OutOfStock> {
        let map = value.as_map()?;
        Some(OutOfStock {
            item: map.get("item")?.as_str()?.to_owned(),
            left: map.get("left")?.as_i64()?,
        })
    }
}

/// An error whose data cannot be encoded.
#[derive(Debug)]
struct Odd;

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("odd")
    }
}

impl std::error::Error for Odd {}

impl ApplicationError for Odd {
    const NAME: &'static str = "conf.Odd";

    fn to_value(&self) -> Value {
        too_deep()
    }

    fn from_value(_value: Value) -> Option<Odd> {
        Some(Odd)
    }
}

/// What the codec refuses.
pub(crate) fn too_deep() -> Value {
    (0..1000).fold(Value::Null, |inner, _| Value::List(vec![inner]))
}

/// An error with causes.
#[derive(Debug)]
struct Caused {
    message: String,
    cause: Option<Box<Caused>>,
}

impl fmt::Display for Caused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Caused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause
            .as_deref()
            .map(|cause| cause as &dyn std::error::Error)
    }
}

pub(crate) fn register(runtime: &Runtime, all: &Arc<Counters>) -> Result<()> {
    let counters = Arc::clone(all);
    runtime.register(Routine::unary(
        "conf.outofstock",
        move |_task, arguments| {
            let running = counters.begin();
            async move {
                let _running = running;
                let (item, left): (String, i64) = arguments.extract()?;
                Err::<(), _>(Fault::of(&OutOfStock { item, left }))
            }
        },
    ))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.failcause", move |_task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (n, message): (u32, String) = arguments.extract()?;
            let cause = (1..=n).rev().fold(None, |cause, number| {
                let message = format!("cause {number}");
                Some(Box::new(Caused { message, cause }))
            });
            Err::<(), _>(Fault::from(Caused { message, cause }))
        }
    }))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.failbig", move |_task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (n,): (u32,) = arguments.extract()?;
            Err::<(), _>(Fault::new("BigError", "x".repeat(n as usize)))
        }
    }))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.failodd", move |_task, arguments| {
        let running = counters.begin();
        async move {
            let _running = running;
            let (what,): (String,) = arguments.extract()?;
            match what.as_str() {
                "nothing" => std::panic::resume_unwind(Box::new(Odd)),
                "data" => Err(Fault::of(&Odd)),
                _ => Ok(too_deep()),
            }
        }
    }))
}
