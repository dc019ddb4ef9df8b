//! What happens to a call and to a stream, as their caller and their worker tell of it.

use tokio::sync::mpsc;
use wool::{
    PoolOptions, Routine, Runtime, TaskEvent, TaskEventKind, TaskSide, Worker, WorkerOptions,
    WorkerPool,
};

fn routines(runtime: &Runtime) -> wool::Result<()> {
    runtime.register(Routine::unary("wool.card", |_task, arguments| async move {
        let (n,): (i64,) = arguments.extract()?;
        Ok(n)
    }))?;
    let spin = Routine::stream("wool.spin", |_task, arguments, mut out| async move {
        let (n,): (i64,) = arguments.extract()?;
        for i in 0..n {
            out.yield_(i).await?;
        }
        Ok(())
    });
    runtime.register(spin)
}

/// What was told of one task, up to its end on both sides.
async fn story(told: &mut mpsc::UnboundedReceiver<TaskEvent>, before: Vec<TaskEvent>) {
    let mut events = before;
    let is_end = |event: &&TaskEvent| event.kind == TaskEventKind::Completed;
    while events.iter().filter(is_end).count() < 2
        && let Some(event) = told.recv().await
    {
        events.push(event);
    }
    for side in [TaskSide::Caller, TaskSide::Worker] {
        for event in events.iter().filter(|event| event.side == side) {
            print!("{} {}", side.name(), event.kind.name());
            if let Some(step) = event.iteration {
                print!(" {}", step.name());
            }
            match event.outcome {
                Some(Ok(())) => println!(" OK"),
                Some(Err(kind)) => println!(" {kind}"),
                None => println!(),
            }
        }
    }
}

#[wool::main(routines)]
async fn main(runtime: Runtime) -> wool::Result<()> {
    let worker = Worker::start(&runtime, WorkerOptions::default())?;
    let options = PoolOptions {
        addresses: vec![worker.address().to_owned()],
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&runtime, options)?;
    let (tell, mut told) = mpsc::unbounded_channel();
    // On a thread of its own; events that it is too slow for are missed, and counted.
    let events = runtime.on_task_event(0, move |event| {
        // Nobody reads on once the program ends.
        let _ = tell.send(event.clone());
    })?;

    pool.call("wool.card", (1,)).await?;
    story(&mut told, Vec::new()).await;

    let mut items = pool.stream("wool.spin", (2,)).open()?;
    // One who asks at once may ask before a worker has it.
    let mut before = Vec::new();
    while let Some(event) = told.recv().await {
        let scheduled = event.kind == TaskEventKind::Scheduled && event.side == TaskSide::Caller;
        before.push(event);
        if scheduled {
            break;
        }
    }
    while let Some(item) = items.next().await {
        item?;
    }
    story(&mut told, before).await;
    assert_eq!(events.missed(), 0);
    Ok(())
}
