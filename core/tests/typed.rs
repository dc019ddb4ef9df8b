//! The example of `docs/values.md`: a routine of typed parameters, called by position and by name.

use serde::{Deserialize, Serialize};
use wool::{
    Fault, PoolOptions, Result, Routine, Runtime, Serde, Worker, WorkerPool, args, from_value,
    to_value,
};

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Point {
    x: f64,
    y: f64,
}

fn scale() -> Routine {
    let routine = Routine::unary("geometry.scale", |_task, arguments| async move {
        let (Serde(points), factor): (Serde<Vec<Point>>, Option<f64>) = arguments.extract()?;
        let factor = factor.unwrap_or(1.0);
        let scaled = points.into_iter().map(|point| Point {
            x: point.x * factor,
            y: point.y * factor,
        });
        Ok::<_, Fault>(to_value(&scaled.collect::<Vec<_>>())?)
    });
    routine.parameters(["points", "factor"])
}

#[test]
fn structs_and_names() -> Result<()> {
    let runtime = Runtime::new(Default::default())?;
    runtime.register(scale())?;
    let worker = Worker::start(&runtime, Default::default())?;
    let addresses = vec![worker.address().to_owned()];
    let pool = WorkerPool::new(
        &runtime,
        PoolOptions {
            addresses,
            ..Default::default()
        },
    )?;
    let executor = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    executor.block_on(async {
        let points = vec![Point { x: 1.0, y: 2.0 }];
        let arguments = args![to_value(&points)?; factor = 10];
        let scaled: Vec<Point> = from_value(pool.call("geometry.scale", arguments).await?)?;
        assert_eq!(scaled, [Point { x: 10.0, y: 20.0 }]);

        let wrong = args![vec!["north"]];
        let error = pool.call("geometry.scale", wrong).await.unwrap_err();
        assert_eq!(
            error.fault().map(|fault| fault.message.as_str()),
            Some(r#"geometry.scale: argument 1 "points" ($[0][0]): expected map, found string"#)
        );
        assert_eq!(
            error.fault().map(|fault| fault.type_name.as_str()),
            Some("ArgumentError")
        );
        Ok::<_, wool::Error>(())
    })?;
    runtime.close_blocking(None)
}
