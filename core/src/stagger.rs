//! Attempts of which one has to succeed, begun one after the other without waiting long for each.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

/// The next begins when those before have taken so long.
const STAGGER: Duration = Duration::from_millis(250);

/// Begins with the first; the next begins when one before has failed, or has taken a while. The first that succeeds ends the
/// others.
///
/// # Errors
/// Those of all.
pub(crate) async fn staggered<T, E, F: Future<Output = std::result::Result<T, E>>>(
    attempts: Vec<F>,
) -> std::result::Result<T, Vec<E>> {
    let mut attempts = attempts.into_iter();
    let mut running: Vec<Pin<Box<F>>> = Vec::new();
    let mut failures = Vec::new();
    loop {
        running.extend(attempts.next().map(Box::pin));
        if running.is_empty() {
            return Err(failures);
        }
        tokio::select! {
            ended = first_of(&mut running) => match ended {
                Ok(done) => return Ok(done),
                Err(error) => failures.push(error),
            },
            () = tokio::time::sleep(STAGGER), if attempts.len() > 0 => {}
        }
    }
}

/// The next that ends, which is then taken out.
async fn first_of<F: Future>(running: &mut Vec<Pin<Box<F>>>) -> F::Output {
    poll_fn(|cx| {
        for index in 0..running.len() {
            if let Poll::Ready(output) = running[index].as_mut().poll(cx) {
                drop(running.swap_remove(index));
                return Poll::Ready(output);
            }
        }
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    type Attempt = Pin<Box<dyn Future<Output = std::result::Result<u32, u32>>>>;

    fn run(attempts: Vec<Attempt>) -> std::result::Result<u32, Vec<u32>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(staggered(attempts))
    }

    fn fails(number: u32) -> Attempt {
        Box::pin(std::future::ready(Err(number)))
    }

    fn answers(number: u32) -> Attempt {
        Box::pin(std::future::ready(Ok(number)))
    }

    fn hangs() -> Attempt {
        Box::pin(std::future::pending())
    }

    #[test]
    fn the_first_address_that_answers_is_taken() {
        assert_eq!(run(vec![answers(1), answers(2)]), Ok(1));
        assert_eq!(run(vec![fails(1), answers(2), hangs()]), Ok(2));
        assert_eq!(run(vec![hangs(), hangs(), fails(3), answers(4)]), Ok(4));
        assert_eq!(run(vec![fails(1), fails(2)]), Err(vec![1, 2]));
        assert_eq!(run(vec![]), Err(vec![]));
    }
}
