//! A thread for a server alone, so that its CPU time can be told from that of its clients.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use cpu_time::ThreadTime;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};

/// A thread with a runtime of its own, and a server in it; dropping it ends both.
pub struct Host<T> {
    /// What the server is known by.
    pub server: T,
    questions: mpsc::UnboundedSender<oneshot::Sender<Duration>>,
}

impl<T: Send + 'static> Host<T> {
    /// Starts a server. What `start` returns beside its description lives as long as the thread.
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

    /// The CPU time that the thread has taken so far.
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
