//! The client without async.

use modelarts::blocking::ModelArts;
use modelarts::{Credentials, ManualClock};

use crate::support::{Clients, Server, json};

/// A server on a runtime of its own, as the service is.
fn server() -> (tokio::runtime::Runtime, Server) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = Server::start(|recorded, _| match recorded.target.contains('?') {
        true => json(200, r#"{"data": [{"id": "n1"}, {"id": "n2"}], "total": 2}"#),
        false => json(200, r#"{"id": "n1", "status": "RUNNING"}"#),
    });
    (runtime, server)
}

#[test]
fn calls_waiters_and_lists_work_without_async() {
    let (_runtime, server) = server();
    let builder = server.builder(&ManualClock::default());
    let client = ModelArts::build(builder.credentials(Credentials::token("t"))).unwrap();
    let notebook = client
        .run(|client| async move { client.notebooks().show("n1").await })
        .unwrap();
    assert_eq!(notebook.id.as_deref(), Some("n1"));
    client
        .run(|client| client.notebooks().wait_until_running("n1"))
        .unwrap();
    let ids: Result<Vec<_>, _> = client
        .iter(|client| client.notebooks().list().items())
        .map(|item| item.map(|notebook| notebook.id.unwrap()))
        .collect();
    assert_eq!(ids.unwrap(), ["n1", "n2"]);
    let mut seen = client.iter(|client| {
        let waiter = client.notebooks().wait_until_running("n1");
        waiter.events()
    });
    assert!(seen.next().unwrap().unwrap().done);
    assert!(seen.next().is_none() && seen.next().is_none());
}

#[test]
fn inside_async_code_it_is_refused_instead_of_hanging() {
    let (runtime, server) = server();
    let build = || {
        ModelArts::build(
            server
                .builder(&ManualClock::default())
                .credentials(Credentials::token("t")),
        )
    };
    let client = build().unwrap();
    runtime.block_on(async {
        assert!(build().unwrap_err().is_usage());
        let call = client.run(|client| async move { client.notebooks().show("n1").await });
        assert!(call.unwrap_err().is_usage());
        let list = client.iter(|client| client.notebooks().list().items());
        let items: Vec<_> = list.collect();
        assert_eq!(items.len(), 1);
        assert!(items[0].as_ref().unwrap_err().is_usage());
        drop(client);
    });
}

#[test]
fn a_thread_that_may_block_may_use_it() {
    let (_service, server) = server();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let builder = server.builder(&ManualClock::default());
    let work = move || {
        let client = ModelArts::build(builder.credentials(Credentials::token("t")))?;
        client.run(|client| async move { client.notebooks().show("n1").await })?;
        let items: Result<Vec<_>, _> = client
            .iter(|client| client.notebooks().list().items())
            .collect();
        Ok::<_, modelarts::Error>((client, items?.len()))
    };
    let (client, items) = runtime
        .block_on(async { tokio::task::spawn_blocking(work).await.unwrap() })
        .unwrap();
    assert_eq!(items, 2);
    runtime.block_on(async {
        let show = || client.run(|client| async move { client.notebooks().show("n1").await });
        // The task itself must not block, wherever it runs, unless it says that it does.
        assert!(show().unwrap_err().is_usage());
        let task = {
            let client = client.clone();
            async move {
                let show =
                    || client.run(|client| async move { client.notebooks().show("n1").await });
                assert!(show().unwrap_err().is_usage());
                tokio::task::block_in_place(show).unwrap();
                // The budget of the task was not used up by finding out.
                assert!(tokio::task::coop::has_budget_remaining());
            }
        };
        tokio::spawn(task).await.unwrap();
    });
}
