//! Runs a server on its own thread, to measure its CPU time without that of the clients.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use cpu_time::ThreadTime;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};

/// A thread with its own runtime that runs a server. Dropping it stops both.
pub struct Host<T> {
    /// The description of the server.
    pub server: T,
    questions: mpsc::UnboundedSender<oneshot::Sender<Duration>>,
}

impl<T: Send + 'static> Host<T> {
    /// Starts a server. The second value that `start` returns is kept until the thread ends.
    pub async fn start<F, G>(start: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = (T, G)>,
    {
        let (questions, mut asked) = mpsc::unbounded_channel::<oneshot::Sender<Duration>>();
        let (sender, server) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (server, _guard) = start().await;
                let _ = sender.send(server);
                while let Some(response) = asked.recv().await {
                    let _ = response.send(ThreadTime::now().as_duration());
                }
            });
        });
        Self {
            server: server.await.unwrap(),
            questions,
        }
    }

    /// Returns the CPU time that the thread has used so far.
    pub async fn cpu_time(&self) -> Duration {
        let (response, answered) = oneshot::channel();
        self.questions.send(response).unwrap();
        answered.await.unwrap()
    }
}

impl<T> fmt::Debug for Host<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}
