//! Inside an async server: one model, many requests, each a task; who goes away cancels. Here the network is a channel.

use std::sync::Arc;
use std::time::Duration;

use onelaunch::{
    AnyBackend, AnyPipeline, BackendName, Cancel, GenerateError, Precision, Request, find_model,
};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};

/// Cancels when dropped, as a handler is when its client hangs up.
struct OnDrop(Cancel);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = find_model(None)?;
    let chosen = AnyBackend::open(BackendName::Auto, None).await?;
    println!("device: {} ({})", chosen.backend.caps().name, chosen.why);
    let pipeline = Arc::new(AnyPipeline::load(chosen.backend, &folder, Precision::F32, &|_| {}).await?);
    // One image is made while the next one waits: more in flight only cost memory.
    let turns = Arc::new(Semaphore::new(1));

    let mut answers = Vec::new();
    for (seed, prompt) in (1..).zip(["a red apple", "a fox", "a snowman"]) {
        let (pipeline, turns) = (pipeline.clone(), turns.clone());
        let (answer, received) = oneshot::channel();
        let cancel = Cancel::new();
        let client = OnDrop(cancel.clone());
        let request = Request { prompt: prompt.into(), seed, steps: Some(4), ..Request::default() };
        tokio::spawn(async move {
            let Ok(_turn) = turns.acquire().await else { return };
            // Making an image occupies the thread that polls it: one of its own, so that the server goes on.
            let work = move || Handle::current().block_on(pipeline.generate(&request, &cancel, None));
            if let Ok(made) = tokio::task::spawn_blocking(work).await {
                // A client that went away hears nothing.
                let _ = answer.send(made);
            }
        });
        answers.push((prompt, client, received));
    }
    // The last client does not wait.
    let (_, impatient, last) = answers.pop().expect("three were sent");
    drop(impatient);
    for (prompt, _client, received) in answers {
        let made = tokio::time::timeout(Duration::from_secs(300), received).await???;
        println!("{prompt}: {}x{} pixels in {:.2} s", made.width, made.height, made.timings.image);
    }
    assert!(matches!(last.await?, Err(GenerateError::Cancelled)), "the last client went away");
    Ok(())
}
