//! Processes that do not become workers, and what is told of them.

use super::*;
use crate::ErrorKind;

/// The message of the crash loop, after the deaths that lead to it.
fn crash_loop(spawned: &Spawned) -> String {
    for _ in 0..3 {
        spawned.ended();
    }
    loop {
        match spawned.next() {
            SpawnEvent::CrashLoop(error) => {
                assert_eq!(error.kind(), ErrorKind::SpawnFailed);
                return error.message().to_owned();
            }
            SpawnEvent::Ended { .. } => {}
            event => panic!("{event:?}"),
        }
    }
}

fn assert_story(command: SpawnCommand, parts: &[&str]) {
    let shown = command.to_string();
    let spawned = Spawned::new(command, 1);
    let message = crash_loop(&spawned);
    for part in parts.iter().chain([&shown.as_str()]) {
        assert!(message.contains(part), "no \"{part}\" in: {message}");
    }
    spawned.stop(Grace::Forever);
}

#[test]
fn a_crash_loop_tells_how_and_ends_when_one_serves() {
    let path = fresh_path("database");
    let name = format!("crash_until={}", path.display());
    let spawned = Spawned::new(act(&name), 1);
    let message = crash_loop(&spawned);
    for part in ["exit status 3", "stderr:\nno database at db.example", &name] {
        assert!(message.contains(part), "no \"{part}\" in: {message}");
    }
    std::fs::write(&path, "").unwrap();
    let mut next = spawned.next();
    while matches!(next, SpawnEvent::Ended { .. }) {
        next = spawned.next();
    }
    assert!(matches!(next, SpawnEvent::Ready { .. }), "{next:?}");
    let next = spawned.next();
    assert!(matches!(next, SpawnEvent::Recovered), "{next:?}");
    spawned.stop(Grace::Now);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_program_that_is_not_there_is_a_crash_loop() {
    let command = SpawnCommand::new(["/nowhere/at all", "x"]).unwrap();
    assert_story(command, &["No such file", "'/nowhere/at all' x"]);
}

#[test]
fn a_program_without_wool_is_a_crash_loop() {
    let command = SpawnCommand::new(["sh", "-c", "kill -SEGV $$"]).unwrap();
    assert_story(
        command,
        &["signal 11 (SIGSEGV)", "had not passed wool's main"],
    );
}

#[test]
fn a_process_that_never_serves_is_killed() {
    let times = SpawnTimes {
        start: Duration::from_millis(20),
        ..quick()
    };
    let command = SpawnCommand::new(["sleep", "1000"]).unwrap();
    let spawned = Spawned::with(command, 1, times);
    let message = crash_loop(&spawned);
    assert!(message.contains("did not serve within 20ms"), "{message}");
    assert!(message.contains("signal 9"), "{message}");
    spawned.stop(Grace::Now);
}

#[test]
fn a_command_that_keeps_the_control_socket_to_itself_is_told() {
    for script in [
        "\"$@\" </dev/null >/dev/null; exit 7",
        "exec \"$@\" </dev/null >/dev/null",
    ] {
        let command = wrapped(&["sh", "-c", script, "sh"], "fail");
        assert_story(command, &["did not pass its standard input on"]);
    }
}

#[test]
fn what_is_no_worker_on_the_control_socket_is_refused() {
    for (how, told) in [
        ("nonce", "did not know what its environment variable"),
        (
            "major",
            "(cobol libwool 9.9.9) speaks protocol 2.0, this one 1.0",
        ),
        ("garbage", "carried what is no message"),
        ("turn", "out of turn"),
    ] {
        assert_story(act(&format!("forge={how}")), &[told, "signal 9"]);
    }
}

#[test]
fn a_worker_that_cannot_start_says_why() {
    let runtime = Runtime::new(RuntimeOptions::default()).unwrap();
    let (told, events) = channel();
    let sink = Arc::new(move |event| {
        let _ = told.send(event);
    });
    let discovery = crate::LocalDiscovery::new("n").unwrap();
    let directory = fresh_path("file");
    std::fs::write(&directory, "no directory").unwrap();
    let plan = SpawnPlan {
        command: act("fail"),
        count: 1,
        worker: WorkerSetup {
            publish: Some(discovery.in_directory(&directory)),
            ..WorkerSetup::default()
        },
        times: quick(),
    };
    let spawner = Spawner::start(&runtime, plan, sink).unwrap();
    let spawned = Spawned {
        runtime,
        spawner,
        events,
    };
    let story = spawned.ended();
    // Over the control socket, and as the program itself told it.
    let (said, written) = story.split_once("stderr:\n").unwrap();
    let error = written.trim();
    assert!(said.contains("exit status 4"), "{story}");
    assert!(!error.is_empty() && said.contains(error), "{story}");
    spawned.stop(Grace::Now);
    std::fs::remove_file(directory).unwrap();
}

#[test]
fn this_program_is_not_started_again_before_it_can_be_a_worker() {
    let runtime = Runtime::new(RuntimeOptions::default()).unwrap();
    let plan = SpawnPlan {
        command: SpawnCommand::this_program().unwrap(),
        count: 1,
        worker: WorkerSetup::default(),
        times: quick(),
    };
    let error = Spawner::start(&runtime, plan, Arc::new(|_| {}))
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::SpawnFailed);
    assert!(error.message().contains("wool_serve_if_spawned"), "{error}");
    // In a process that has passed.
    acts::play("again");
}
