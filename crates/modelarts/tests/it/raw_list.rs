//! Untyped lists, page by page.

use futures::TryStreamExt;
use modelarts::{ManualClock, Method, Pagination};
use serde_json::{Value, json};

use crate::support::{Clients, Recorded, Reply, Server, code, json as respond};

const JOBS: &str = "/v2/{project_id}/training-jobs";

/// Returns a number from the query of a request.
fn number(sent: &Recorded, name: &str) -> usize {
    let (_, query) = sent.target.split_once('?').unwrap();
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(known, _)| *known == name).unwrap();
    value.parse().unwrap()
}

/// Responds with a page of seven jobs.
fn jobs(sent: &Recorded) -> Reply {
    let (offset, limit) = (number(sent, "offset"), number(sent, "limit"));
    let items: Vec<Value> = (offset..7.min(offset + limit))
        .map(|n| json!({ "id": n }))
        .collect();
    respond(200, &json!({"items": items, "total": 7}).to_string())
}

fn pagination() -> Pagination {
    Pagination::by_offset("limit", "offset")
        .items(["items"])
        .total("total")
        .page_size(3)
}

#[tokio::test]
async fn an_untyped_list_is_read_to_its_end() {
    let server = Server::start(|sent, _| jobs(sent));
    let client = server.client(&ManualClock::default()).await;
    let list = client.request(Method::GET, JOBS).query("status", "Running");
    let items: Vec<Value> = list
        .clone()
        .items(pagination())
        .try_collect()
        .await
        .unwrap();
    assert!(
        items
            .iter()
            .map(|item| item["id"].as_u64().unwrap())
            .eq(0..7)
    );
    let targets: Vec<_> = server.requests().into_iter().map(|it| it.target).collect();
    let target = |offset| format!("/v2/p1/training-jobs?status=Running&limit=3&offset={offset}");
    assert_eq!(targets, [0, 3, 6].map(target));
    // Page size and position in the query take precedence.
    let list = list.query("limit", 4).query("offset", 2);
    let pages: Vec<_> = list.pages(pagination()).try_collect().await.unwrap();
    let pages: Vec<_> = pages
        .iter()
        .map(|page| (page.items.len(), page.is_last))
        .collect();
    assert_eq!(pages, [(4, false), (1, true)]);
}

#[tokio::test]
async fn an_empty_list_has_one_page() {
    let server = Server::start(|_, _| respond(200, r#"{"items": [], "total": 0, "state": "ok"}"#));
    let client = server.client(&ManualClock::default()).await;
    let list = client.request(Method::GET, JOBS);
    let pages: Vec<_> = list.pages(pagination()).try_collect().await.unwrap();
    assert_eq!((pages.len(), pages[0].items.len()), (1, 0));
    assert_eq!(pages[0].body["state"], "ok");
}

#[tokio::test]
async fn an_untyped_list_ends_with_the_error_of_a_call() {
    let server = Server::start(|sent, number| match number {
        0 => jobs(sent),
        _ => code(400, "ModelArts.6318"),
    });
    let client = server.client(&ManualClock::default()).await;
    let mut items = client.request(Method::GET, JOBS).items(pagination());
    for _ in 0..3 {
        assert!(items.try_next().await.unwrap().is_some());
    }
    let error = items.try_next().await.unwrap_err();
    assert_eq!(error.code().unwrap().as_str(), "ModelArts.6318");
    assert!(items.try_next().await.unwrap().is_none());
    for (name, value) in [("limit", "many"), ("offset", "-"), ("limit", "-1")] {
        let list = client.request(Method::GET, JOBS).query(name, value);
        let error = list.items(pagination()).try_next().await.unwrap_err();
        assert!(
            error.is_usage() && error.to_string().contains(&format!("`{name}`")),
            "{error}"
        );
    }
    let mut unknown = client.call("listNothing").items(pagination());
    assert!(unknown.try_next().await.unwrap_err().is_usage());
}

#[tokio::test]
async fn a_page_without_a_list_is_an_error_that_names_the_operation() {
    let server = Server::start(|_, _| respond(200, r#"{"total": 3}"#));
    let client = server.client(&ManualClock::default()).await;
    let mut items = client.call("listNotebooks").items(pagination());
    let error = items.try_next().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "listNotebooks: the response contains no list: `items` is missing"
    );
}
