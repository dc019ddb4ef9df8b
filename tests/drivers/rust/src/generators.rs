//! The standard generators that are sent to, thrown into, and closed in odd ways.

use std::future::pending;
use std::sync::Arc;

use wool::value::Value;
use wool::{Fault, Result, Routine, Runtime};

use crate::routines::{Cleaning, Counters, Waiting, blow_up};

pub(crate) fn register(runtime: &Runtime, counters: &Arc<Counters>) -> Result<()> {
    runtime.register(mirror(Arc::clone(counters)))?;
    runtime.register(panic_after(Arc::clone(counters)))?;
    runtime.register(accumulate(Arc::clone(counters)))?;
    runtime.register(stubborn(Arc::clone(counters)))?;
    runtime.register(fail_clean(Arc::clone(counters)))?;
    runtime.register(stall(Arc::clone(counters)))
}

fn mirror(counters: Arc<Counters>) -> Routine {
    Routine::stream("conf.mirror", move |_task, _arguments, mut out| {
        let running = counters.begin();
        let cleaning = Cleaning(Arc::clone(&counters));
        async move {
            let (_running, _cleaning) = (running, cleaning);
            let mut seen = Value::Null;
            loop {
                seen = out.yield_(seen).await?;
            }
        }
    })
}

fn panic_after(counters: Arc<Counters>) -> Routine {
    Routine::stream("conf.panicafter", move |_task, arguments, mut out| {
        let running = counters.begin();
        let cleaning = Cleaning(Arc::clone(&counters));
        async move {
            let (_running, _cleaning) = (running, cleaning);
            let (n, message): (i64, String) = arguments.extract()?;
            for i in 0..n {
                out.yield_(i).await?;
            }
            blow_up(message);
            Ok(())
        }
    })
}

fn accumulate(counters: Arc<Counters>) -> Routine {
    Routine::stream("conf.accumulate", move |_task, arguments, mut out| {
        let running = counters.begin();
        let cleaning = Cleaning(Arc::clone(&counters));
        async move {
            let (_running, _cleaning) = (running, cleaning);
            let (mut total,): (i64,) = arguments.extract()?;
            while total >= 0 {
                match out.yield_(total).await {
                    Ok(sent) => total += sent.as_i64().unwrap_or(0),
                    Err(fault) if fault.type_name == "conf.Reset" => total = 0,
                    Err(fault) => return Err(fault),
                }
            }
            Ok(())
        }
    })
}

fn stubborn(counters: Arc<Counters>) -> Routine {
    Routine::stream("conf.stubborn", move |_task, _arguments, mut out| {
        let running = counters.begin();
        async move {
            let _running = running;
            let mut next = 0_i64;
            while out.yield_(next).await.is_ok() {
                next += 1;
            }
            out.yield_(next).await?;
            Ok(())
        }
    })
}

fn fail_clean(counters: Arc<Counters>) -> Routine {
    Routine::stream("conf.failclean", move |_task, arguments, mut out| {
        let running = counters.begin();
        let cleaning = Cleaning(Arc::clone(&counters));
        async move {
            let (_running, _cleaning) = (running, cleaning);
            let (message,): (String,) = arguments.extract()?;
            let mut next = 0_i64;
            while out.yield_(next).await.is_ok() {
                next += 1;
            }
            Err(Fault::new("CleanUpError", message))
        }
    })
}

fn stall(counters: Arc<Counters>) -> Routine {
    Routine::stream("conf.stall", move |_task, _arguments, mut out| {
        let running = counters.begin();
        let counters = Arc::clone(&counters);
        async move {
            let _running = running;
            out.yield_(0_i64).await?;
            let _waiting = Waiting(counters);
            pending().await
        }
    })
}
