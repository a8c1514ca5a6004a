//! Files are replaced in one step, and nobody loses what another one has recorded.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;

use mockwire::Reply;
use mockwire::cassette::{Cassette, RecordMode};
use mockwire::sync::{MockTransport, Recorder};

use super::support::{Directory, fetch, get, load, recorded, recording, sample};

const URL: &str = "https://api.test/";

fn real() -> MockTransport {
    let real = MockTransport::new();
    real.on(mockwire::url("*"))
        .reply_with(|request: &mockwire::Request| {
            Reply::text(format!("answer to {}", request.url()))
        });
    real
}

/// Records these paths onto a file.
fn record(path: &std::path::Path, mode: RecordMode, paths: &[&str]) {
    let recorder = Recorder::open(path, recording(mode)).unwrap();
    let transport = recorded(&real(), &recorder);
    for path in paths {
        fetch(&transport, get(&format!("{URL}{path}")));
    }
    recorder.save().unwrap();
}

fn paths(cassette: &Cassette) -> Vec<&str> {
    let entries = cassette.entries.iter();
    entries.map(|it| &it.request.url.path()[1..]).collect()
}

#[test]
fn a_file_is_made_with_its_directories_and_nothing_else_is_left() {
    let directory = Directory::new();
    let path = directory.file("deep/down/chat.json");
    sample().save(&path).unwrap();
    assert_eq!(load(&path), sample());
    Cassette::new().save(&path).unwrap();
    assert_eq!(load(&path), Cassette::new());
    let names = std::fs::read_dir(path.parent().unwrap()).unwrap();
    assert_eq!(names.count(), 1);
}

#[test]
fn a_file_that_would_stay_the_same_is_not_touched() {
    let directory = Directory::new();
    let path = directory.file("same.json");
    sample().save(&path).unwrap();
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions.clone()).unwrap();
    let before = std::fs::metadata(&path).unwrap().modified().unwrap();
    sample().save(&path).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().modified().unwrap(),
        before
    );
    // A file that is replaced keeps its permissions.
    Cassette::new().save(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions(), permissions);
}

#[cfg(unix)]
#[test]
fn through_a_link_the_file_is_replaced() {
    let directory = Directory::new();
    let (file, link) = (directory.file("file.json"), directory.file("link.json"));
    Cassette::new().save(&file).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    sample().save(&link).unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(load(&file), sample());
}

#[test]
fn a_directory_that_cannot_be_written_is_an_error_with_its_source() {
    let directory = Directory::new();
    std::fs::write(directory.file("file"), "").unwrap();
    let path = directory.file("file/chat.json");
    let error = Cassette::new().save(&path).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_CASSETTE_UNWRITABLE");
    assert!(std::error::Error::source(&error).is_some());
    let error = Cassette::load(directory.file(".")).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_CASSETTE_UNREADABLE");
}

#[test]
fn recorders_of_one_file_keep_what_the_others_have_recorded() {
    let directory = Directory::new();
    let path = directory.file("shared.json");
    record(&path, RecordMode::RecordMissing, &["before"]);
    thread::scope(|scope| {
        for thread in 0..8 {
            let path = &path;
            scope.spawn(move || {
                for round in 0..4 {
                    let name = format!("{thread}-{round}");
                    record(path, RecordMode::RecordMissing, &["before", &name]);
                }
            });
        }
    });
    let cassette = load(&path);
    let mut found = paths(&cassette);
    assert_eq!(found.remove(0), "before");
    found.sort_unstable();
    let all = (0..8).flat_map(|thread| (0..4).map(move |round| format!("{thread}-{round}")));
    assert!(found.iter().map(|it| it.to_string()).eq(all), "{found:?}");
    assert_eq!(directory.names(), ["shared.json"]);
}

#[test]
fn two_recorders_that_began_together_and_save_twice_lose_nothing() {
    let directory = Directory::new();
    let path = directory.file("two.json");
    record(&path, RecordMode::RecordMissing, &["old"]);
    let open = |mode| {
        let recorder = Recorder::open(&path, recording(mode)).unwrap();
        let transport = recorded(&real(), &recorder);
        (recorder, transport)
    };
    let (a, over_a) = open(RecordMode::RecordMissing);
    let (b, over_b) = open(RecordMode::Record);
    fetch(&over_a, get(&format!("{URL}a1")));
    fetch(&over_b, get(&format!("{URL}b1")));
    a.save().unwrap();
    assert_eq!(paths(&load(&path)), ["old", "a1"]);
    // Recording anew takes the place of what was there when it began, and of nothing else.
    b.save().unwrap();
    assert_eq!(paths(&load(&path)), ["b1", "a1"]);
    fetch(&over_a, get(&format!("{URL}a2")));
    a.save().unwrap();
    assert_eq!(paths(&load(&path)), ["old", "a1", "a2", "b1"]);
    fetch(&over_b, get(&format!("{URL}b2")));
    b.save().unwrap();
    b.save().unwrap();
    assert_eq!(paths(&load(&path)), ["b1", "b2", "a1", "a2"]);
}

/// The variable that makes the test binary a process that writes until it is killed.
const VICTIM: &str = "MOCKWIRE_TEST_VICTIM";

#[test]
fn a_process_that_is_killed_while_it_writes_leaves_a_whole_file() {
    if let Some(path) = std::env::var_os(VICTIM) {
        return write_for_ever(path.as_ref());
    }
    let directory = Directory::new();
    let path = directory.file("killed.json");
    sample().save(&path).unwrap();
    for round in 0..10 {
        let name = "files::a_process_that_is_killed_while_it_writes_leaves_a_whole_file";
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--nocapture"])
            .env(VICTIM, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
        let written = lines.map_while(Result::ok).filter(|line| line == "written");
        assert_eq!(written.take(round * 7 + 1).count(), round * 7 + 1);
        victim.kill().unwrap();
        victim.wait().unwrap();
        let after = load(&path);
        assert!(after == sample() || after == twice(), "{round}");
        let _ = std::fs::remove_file(directory.file("killed.json.lock"));
    }
}

fn twice() -> Cassette {
    let mut cassette = sample();
    cassette.entries.extend(sample().entries);
    cassette
}

fn write_for_ever(path: &std::path::Path) {
    loop {
        twice().save(path).unwrap();
        println!("written");
        sample().save(path).unwrap();
        println!("written");
    }
}
