use super::*;
use crate::context::Context;
use crate::task_events::{TaskEventSink, TaskEvents};

/// Kind and outcome.
type Event = (TaskEventKind, Option<Result<(), ErrorKind>>);

/// What was told.
#[derive(Default)]
struct Kept(Mutex<Vec<Event>>);

impl TaskEventSink for Kept {
    fn event(&self, event: &TaskEvent) {
        self.0.lock().unwrap().push((event.kind, event.outcome));
    }
}

impl Kept {
    fn listen(runtime: &Runtime) -> (Arc<Kept>, TaskEvents) {
        let kept = Arc::new(Kept::default());
        let sink = Arc::clone(&kept) as Arc<dyn TaskEventSink>;
        let listening = runtime.tell_task_events(sink).unwrap();
        (kept, listening)
    }

    fn kinds(&self) -> Vec<TaskEventKind> {
        self.0.lock().unwrap().iter().map(|told| told.0).collect()
    }
}

fn info() -> TaskInfo {
    TaskInfo {
        peer: Arc::default(),
        id: [1; 16],
        caller: None,
        routine: "test.told".into(),
        parameters: Arc::new([]),
        tag: String::new(),
        context: Context::new(),
        worker_uid: [2; 16],
        deadline: None,
    }
}

#[test]
fn who_listens_to_none_is_told_nothing() {
    let runtime = Runtime::new(Default::default()).unwrap();
    assert!(CallTeller::created(&runtime, [1; 16], None, &"test.told".into()).is_none());
    assert!(TaskTeller::new(&runtime, &info()).is_none());
    let (_kept, listening) = Kept::listen(&runtime);
    assert!(TaskTeller::new(&runtime, &info()).is_some());
    drop(listening);
    assert!(TaskTeller::new(&runtime, &info()).is_none());
}

/// A host may leave a call on one thread while an item of it comes on another, or the session is just writing it.
#[test]
fn nothing_is_told_of_a_call_after_its_end() {
    let runtime = Runtime::new(Default::default()).unwrap();
    let (kept, _listening) = Kept::listen(&runtime);
    let call = CallTeller::created(&runtime, [1; 16], None, &"test.told".into()).unwrap();
    call.completed(Err(ErrorKind::Cancelled));
    call.scheduled("no uid");
    call.initiated(Iteration::Next);
    call.item();
    call.completed(Ok(()));
    let cancelled = Some(Err(ErrorKind::Cancelled));
    assert_eq!(
        *kept.0.lock().unwrap(),
        [
            (TaskEventKind::Created, None),
            (TaskEventKind::Completed, cancelled)
        ]
    );
}

/// What cancels a task may answer it while a thread is about to begin it.
#[test]
fn nothing_is_told_of_a_task_after_its_end() {
    let runtime = Runtime::new(Default::default()).unwrap();
    let (kept, _listening) = Kept::listen(&runtime);
    let task = TaskTeller::new(&runtime, &info()).unwrap();
    task.scheduled();
    task.stop(ErrorKind::DeadlineExceeded);
    task.stop(ErrorKind::Cancelled);
    task.completed(Ok(()));
    task.started();
    task.step(&Step::Next);
    task.item();
    task.completed(Ok(()));
    let expired = Some(Err(ErrorKind::DeadlineExceeded));
    assert_eq!(
        *kept.0.lock().unwrap(),
        [
            (TaskEventKind::Scheduled, None),
            (TaskEventKind::Completed, expired)
        ]
    );
}

#[test]
fn a_routine_starts_once_and_stops_once() {
    let runtime = Runtime::new(Default::default()).unwrap();
    let (kept, _listening) = Kept::listen(&runtime);
    let task = TaskTeller::new(&runtime, &info()).unwrap();
    task.scheduled();
    task.step(&Step::Next);
    task.item();
    task.step(&Step::Next);
    task.step(&Step::Close);
    task.completed(Ok(()));
    use TaskEventKind::*;
    assert_eq!(
        kept.kinds(),
        [
            Scheduled,
            Started,
            IterationStarted,
            IterationCompleted,
            IterationStarted,
            Stopped,
            Completed
        ]
    );
}

#[test]
fn nothing_is_told_of_a_task_that_was_not_let_in() {
    let runtime = Runtime::new(Default::default()).unwrap();
    let (kept, _listening) = Kept::listen(&runtime);
    let task = TaskTeller::new(&runtime, &info()).unwrap();
    task.completed(Err(ErrorKind::Rejected));
    assert!(kept.kinds().is_empty());
}
