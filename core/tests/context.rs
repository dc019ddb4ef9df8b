//! Contexts flow to the callee, on to what it calls, and back; concurrent tasks have their own.

#![allow(clippy::unwrap_used, reason = "tests: a panic is a failure")]

mod common;

use common::{Peers, block_on};
use wool::{Context, ErrorKind, Fault, Routine, Value, current_context};

/// Sets what it is given, `a.name` to `value`; null takes it away. With a depth, by way of others.
fn routines() -> Vec<Routine> {
    fn change(name: &str, value: Value) -> Result<(), Fault> {
        let context = current_context().unwrap();
        match value {
            Value::Null => context.unset("a", name),
            value => context.set("a", name.to_owned(), value)?,
        }
        Ok(())
    }
    let set = Routine::unary("test.set", |_task, arguments| async move {
        let (name, value, depth): (String, Value, i64) = arguments.extract()?;
        if depth > 0 {
            wool::call("test.set", (name, value, depth - 1)).await?;
        } else {
            change(&name, value)?;
        }
        Ok(())
    });
    let fail = Routine::unary("test.fail", |_task, arguments| async move {
        let (name, value): (String, Value) = arguments.extract()?;
        change(&name, value)?;
        Err::<(), _>(Fault::new("Failed", "as asked"))
    });
    let get = Routine::unary("test.get", |task, arguments| async move {
        let (name,): (String,) = arguments.extract()?;
        Ok(task.info().context.get("a", &name)?.unwrap_or(Value::Null))
    });
    // Yields what `a.x` is, then counts it up.
    let count = Routine::stream("test.count", |task, _arguments, mut out| async move {
        loop {
            let x = task.info().context.get("a", "x")?.unwrap_or(0.into());
            let next = x.as_i64().unwrap() + 1;
            task.info().context.set("a", "x", next)?;
            out.yield_(x).await?;
        }
    });
    let own = Routine::unary("test.own", |task, arguments| async move {
        let (n,): (i64,) = arguments.extract()?;
        let context = &task.info().context;
        context.set("a", "own", n)?;
        wool::call("test.get", ("own",)).await?;
        tokio::task::yield_now().await;
        Ok(context.get("a", "own")? == Some(n.into()))
    });
    vec![set, fail, get, count, own]
}

#[test]
fn what_is_changed_flows_back() {
    let peers = Peers::new(routines());
    block_on(async {
        let context = Context::new();
        context.set("a", "gone", 1).unwrap();
        for depth in [0, 3] {
            let set = peers.pool.call("test.set", ("x", 7, depth));
            set.context(&context).await.unwrap();
            assert_eq!(context.get("a", "x").unwrap(), Some(7.into()));
            let unset = peers.pool.call("test.set", ("x", Value::Null, depth));
            unset.context(&context).await.unwrap();
            assert_eq!(context.get("a", "x").unwrap(), None);
        }
        assert_eq!(context.get("a", "gone").unwrap(), Some(1.into()));
        let failed = peers
            .pool
            .call("test.fail", ("why", "so"))
            .context(&context);
        failed.await.unwrap_err();
        assert_eq!(context.get("a", "why").unwrap(), Some("so".into()));
        // Nothing of it is there for calls without it, and those inside of its scope have it.
        let other = peers.pool.call("test.get", ("why",)).await.unwrap();
        assert_eq!(other, Value::Null);
        let inside = context.scope(async { peers.pool.call("test.get", ("why",)).await });
        assert_eq!(inside.await.unwrap(), "so".into());
    });
    peers.close();
}

#[test]
fn between_items_it_flows_both_ways() {
    let peers = Peers::new(routines());
    block_on(async {
        let context = Context::new();
        context.set("a", "x", 10).unwrap();
        let stream = peers.pool.stream("test.count", ()).context(&context);
        let mut items = stream.open().unwrap();
        assert_eq!(items.next().await.unwrap().unwrap(), 10.into());
        assert_eq!(context.get("a", "x").unwrap(), Some(11.into()));
        context.set("a", "x", 20).unwrap();
        assert_eq!(items.next().await.unwrap().unwrap(), 20.into());
        context.unset("a", "x");
        assert_eq!(items.send(1).await.unwrap().unwrap(), 0.into());
        assert_eq!(context.get("a", "x").unwrap(), Some(1.into()));
        items.close().await.unwrap();
    });
    peers.close();
}

#[test]
fn concurrent_tasks_have_their_own() {
    let peers = Peers::new(routines());
    block_on(async {
        let calls: Vec<_> = (0..100)
            .map(|n| peers.pool.call("test.own", (n,)))
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap(), true.into());
        }
    });
    peers.close();
}

#[test]
fn more_than_travels_is_refused_where_it_is_made() {
    let peers = Peers::new(routines());
    block_on(async {
        let large = "x".repeat(40_000);
        let context = Context::new();
        let set = peers.pool.call("test.set", ("x", large.as_str(), 0));
        set.context(&context).await.unwrap();
        // Each is small enough; together they are not.
        let other = peers.pool.call("test.set", ("y", large.as_str(), 0));
        other.context(&Context::new()).await.unwrap();
        let set = peers.pool.call("test.set", ("y", large.as_str(), 0));
        let refused = set.context(&context).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TaskFailed);
        assert!(refused.message().contains("context"), "{refused}");
        assert_eq!(context.get("a", "y").unwrap(), None);
    });
    peers.close();
}
