//! Many at once: each entry answers once, and what is recorded is recorded once.

use std::collections::HashSet;
use std::sync::Arc;

use mockwire::Reply;
use mockwire::cassette::{
    Cassette, Entry, Options, RecordMode, RecordedBody, RecordedRequest, RecordedResponse,
};
use mockwire::sync::{MockTransport, Recorder};

const TASKS: usize = 64;
const ROUNDS: usize = 50;

fn cassette(entries: usize) -> Cassette {
    let mut cassette = Cassette::new();
    for number in 0..entries {
        let url = "https://api.test/next".parse().unwrap();
        let request = RecordedRequest::new(http::Method::GET, url);
        let mut response = RecordedResponse::new(http::StatusCode::OK);
        response.body = RecordedBody::Whole(number.to_string().into());
        cassette.entries.push(Entry::new(request, response));
    }
    cassette
}

async fn next(transport: &MockTransport) -> mockwire::Result<String> {
    let request = http::Request::get("https://api.test/next")
        .body(())
        .unwrap();
    transport.call(request).await?.into_body().text().await
}

#[test]
fn sixty_four_tasks_use_every_entry_exactly_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    for round in 0..ROUNDS {
        let recorder = Recorder::new(cassette(TASKS), Options::new());
        let transport = MockTransport::new();
        transport.otherwise().replay(&recorder);
        let barrier = Arc::new(tokio::sync::Barrier::new(TASKS + 1));
        let (got, late) = runtime.block_on(async {
            let tasks = (0..TASKS).map(|_| {
                let (transport, barrier) = (transport.clone(), barrier.clone());
                tokio::spawn(async move {
                    barrier.wait().await;
                    next(&transport).await.unwrap()
                })
            });
            let tasks: Vec<_> = tasks.collect();
            barrier.wait().await;
            let mut got = HashSet::new();
            for task in tasks {
                assert!(got.insert(task.await.unwrap()), "an entry answered twice");
            }
            (got, next(&transport).await)
        });
        assert_eq!(got.len(), TASKS, "round {round}");
        recorder.assert_all_used();
        // One more is one too many.
        let error = late.unwrap_err();
        assert!(error.is_unmatched());
        assert!(error.to_string().contains("used up"), "{error}");
    }
}

#[test]
fn more_tasks_than_entries_share_them_and_the_others_are_told() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    let recorder = Recorder::new(cassette(TASKS / 2), Options::new());
    let transport = MockTransport::new();
    transport.otherwise().replay(&recorder);
    let results = runtime.block_on(async {
        let tasks = (0..TASKS).map(|_| {
            let transport = transport.clone();
            tokio::spawn(async move { next(&transport).await })
        });
        futures::future::join_all(tasks.collect::<Vec<_>>()).await
    });
    let (got, told): (Vec<_>, Vec<_>) = results
        .into_iter()
        .map(Result::unwrap)
        .partition(Result::is_ok);
    assert_eq!((got.len(), told.len()), (TASKS / 2, TASKS / 2));
    let got: HashSet<_> = got.into_iter().map(Result::unwrap).collect();
    assert_eq!(got.len(), TASKS / 2);
    assert!(told.into_iter().all(|it| it.unwrap_err().is_unmatched()));
}

#[test]
fn sixty_four_tasks_are_recorded_once_each() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    let real = MockTransport::new();
    real.get("/{n}").reply_with(|request: &mockwire::Request| {
        Reply::stream([request.path().to_owned(), " and more".to_owned()])
    });
    let options = Options::new().mode(RecordMode::Record);
    let recorder = Recorder::new(Cassette::new(), options);
    let transport = MockTransport::new();
    transport
        .otherwise()
        .record(&recorder, move |request| real.call(request));
    runtime.block_on(async {
        let tasks = (0..TASKS).map(|n| {
            let transport = transport.clone();
            tokio::spawn(async move {
                let request = http::Request::get(format!("https://api.test/{n}"))
                    .body(())
                    .unwrap();
                let body = transport.call(request).await.unwrap().into_body();
                assert_eq!(body.text().await.unwrap(), format!("/{n} and more"));
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
    assert_eq!(recorder.going_on(), 0);
    let cassette = recorder.cassette();
    let answered = cassette.entries.iter().map(|entry| {
        let body = entry.response.body.to_bytes();
        assert_eq!(body, format!("{} and more", entry.request.url.path()));
        entry.request.url.path().to_owned()
    });
    assert_eq!(answered.collect::<HashSet<_>>().len(), TASKS);
    assert_eq!(cassette.entries.len(), TASKS);
}
