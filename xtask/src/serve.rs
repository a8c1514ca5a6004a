//! A small server for the demo page: files only, to this machine only.
//!
//! `/` is `www/`, and `/pkg/dist/` is the built package. It answers GET and HEAD, one request to a
//! connection, and gives up on a client that is slow, talkative or one too many. The page may run code, and
//! load nothing but itself: whatever is typed into it, no request leaves it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::{paths, ui};

/// Tried first, so that the address stays the same from run to run.
const PORT: u16 = 4173;
const MOST_CONNECTIONS: usize = 32;
const LONGEST_HEAD: u64 = 8 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

/// What the page may do (Content Security Policy Level 3): its code comes as blobs, and so do its pictures.
const POLICY: &str = "default-src 'none'; script-src 'self' blob: 'wasm-unsafe-eval'; worker-src 'self'; \
    style-src 'self'; img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Serves until the process is interrupted.
pub(crate) fn run() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, PORT))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .context("listening on 127.0.0.1")?;
    let address = listener.local_addr()?;
    ui::note(&format!(
        "{}   (Ctrl-C ends it)",
        ui::bold(&format!("http://{address}/"))
    ));
    serve(&listener);
    Ok(())
}

/// Serves as long as the process goes on, at the address that is returned.
pub(crate) fn in_background() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening on 127.0.0.1")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || serve(&listener));
    Ok(address)
}

fn serve(listener: &TcpListener) {
    let open = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        // A connection that failed before it began is the client's affair.
        let Ok(stream) = stream else { continue };
        if open.fetch_add(1, Ordering::Relaxed) >= MOST_CONNECTIONS {
            open.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let open = Arc::clone(&open);
        std::thread::spawn(move || {
            // So is one that breaks off.
            let _ = answer(stream);
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let head = read_head(&mut stream)?;
    let reply = reply(&head, &paths::root());
    let length = reply.body.len();
    write!(
        stream,
        "HTTP/1.1 {}\r\ncontent-type: {}\r\ncontent-length: {length}\r\n\
         cache-control: no-store\r\ncontent-security-policy: {POLICY}\r\n\
         x-content-type-options: nosniff\r\nconnection: close\r\n\r\n",
        reply.status, reply.kind
    )?;
    if !head.starts_with("HEAD ") {
        stream.write_all(&reply.body)?;
    }
    stream.flush()
}

/// The request up to its empty line, or as much of it as we care to read.
fn read_head(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    let mut bounded = stream.take(LONGEST_HEAD);
    let mut chunk = [0; 1024];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match bounded.read(&mut chunk)? {
            0 => break,
            count => head.extend_from_slice(&chunk[..count]),
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

struct Reply {
    status: &'static str,
    kind: &'static str,
    body: Vec<u8>,
}

impl Reply {
    fn refusal(status: &'static str) -> Self {
        Self {
            status,
            kind: "text/plain",
            body: format!("{status}\n").into_bytes(),
        }
    }
}

fn reply(head: &str, root: &Path) -> Reply {
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    if !head.contains("\r\n\r\n") {
        return Reply::refusal("400 Bad Request");
    }
    // A page elsewhere may have its name lead to 127.0.0.1: it is not who we serve.
    if !is_for_us(head) {
        return Reply::refusal("403 Forbidden");
    }
    if !matches!(method, "GET" | "HEAD") {
        return Reply::refusal("405 Method Not Allowed");
    }
    let Some(file) = resolve(target, root) else {
        return Reply::refusal("404 Not Found");
    };
    match std::fs::read(&file) {
        Ok(body) => Reply {
            status: "200 OK",
            kind: media_type(&file),
            body,
        },
        Err(_) => Reply::refusal("404 Not Found"),
    }
}

fn is_for_us(head: &str) -> bool {
    let host = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then_some(value.trim())
    });
    let name = host.map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name));
    matches!(name, Some("127.0.0.1" | "localhost"))
}

/// The file that a target names: below `www` or `pkg/dist`, whatever links or dots it goes through.
fn resolve(target: &str, root: &Path) -> Option<PathBuf> {
    let path = target.split(['?', '#']).next()?.strip_prefix('/')?;
    // Our files have plain names: nothing that needs decoding is one of them.
    if path.contains(['%', '\\', '\0']) {
        return None;
    }
    let (base, inside) = match path.strip_prefix("pkg/dist/") {
        Some(inside) => (root.join("pkg/dist"), inside),
        None => (root.join("www"), path),
    };
    if !Path::new(inside)
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
    {
        return None;
    }
    let mut file = base.join(inside);
    if file.is_dir() {
        file.push("index.html");
    }
    let (file, base) = (file.canonicalize().ok()?, base.canonicalize().ok()?);
    (file.starts_with(base) && file.is_file()).then_some(file)
}

fn media_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs" | "cjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("wasm") => "application/wasm",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::reply;

    /// A site on disk with a page, a package and, beside them, something that is not to be served.
    struct Site(PathBuf);

    impl Site {
        fn new(name: &str) -> Self {
            let root = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
            fs::create_dir_all(root.join("www/sub")).unwrap();
            fs::create_dir_all(root.join("pkg/dist")).unwrap();
            fs::write(root.join("secret"), "secret").unwrap();
            fs::write(root.join("www/index.html"), "page").unwrap();
            fs::write(root.join("pkg/dist/index.mjs"), "code").unwrap();
            std::os::unix::fs::symlink(root.join("secret"), root.join("www/link")).unwrap();
            Self(root)
        }

        fn ask(&self, request: &str) -> (&'static str, String) {
            let answer = reply(&format!("{request}\r\n\r\n"), &self.0);
            (
                answer.status,
                String::from_utf8_lossy(&answer.body).into_owned(),
            )
        }

        fn get(&self, target: &str) -> (&'static str, String) {
            self.ask(&format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:4173"))
        }
    }

    impl Drop for Site {
        fn drop(&mut self) {
            // It is in the directory for what may go.
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_page_and_the_package_are_served() {
        let site = Site::new("served");
        assert_eq!(site.get("/"), ("200 OK", "page".into()));
        assert_eq!(site.get("/index.html?x=1"), ("200 OK", "page".into()));
        assert_eq!(site.get("/pkg/dist/index.mjs"), ("200 OK", "code".into()));
    }

    #[test]
    fn nothing_else_is() {
        let site = Site::new("not-served");
        for target in [
            "/../secret",
            "/sub/../../secret",
            "/pkg/dist/../../secret",
            "//secret",
            "/%2e%2e/secret",
            "/link",
            "/sub",
        ] {
            assert_eq!(site.get(target).0, "404 Not Found", "{target}");
        }
    }

    #[test]
    fn only_reading_is_allowed_and_only_by_our_name() {
        let site = Site::new("refused");
        let post = site.ask("POST / HTTP/1.1\r\nHost: localhost");
        assert_eq!(post.0, "405 Method Not Allowed");
        for stranger in ["GET / HTTP/1.1\r\nHost: evil.example", "GET / HTTP/1.1", ""] {
            assert_eq!(site.ask(stranger).0, "403 Forbidden", "{stranger}");
        }
    }
}
