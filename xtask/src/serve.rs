//! A small static server for the local machine, with media types, the strict policy and compression.

use crate::{Result, build, layout, root, weight};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The content security policy under which the page must work on any host.
pub const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; \
                          object-src 'none'; base-uri 'none'";

const FIRST_PORT: u16 = 8080;

/// The media type that a host sends for files of unknown type.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// Builds the page and serves it until the program is stopped. `open` also opens it in the default browser.
///
/// # Errors
/// The page does not build, or no port is free.
pub fn command(port: Option<u16>, open: bool) -> Result<()> {
    let dist = root().join("dist");
    build::page(&dist)?;
    let server = match port {
        Some(port) => Server::start(&dist, port)?,
        None => (FIRST_PORT..FIRST_PORT + 20)
            .find_map(|port| Server::start(&dist, port).ok())
            .ok_or("all ports from 8080 to 8099 are in use: choose another with --port")?,
    };
    println!("\nConverge is served at {}\nPress Ctrl-C to stop.", server.address());
    if open {
        let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        if Command::new(opener).arg(server.address()).spawn().is_err() {
            println!("`{opener}` is not available: open the address in a browser.");
        }
    }
    loop {
        thread::park();
    }
}

/// A server of one folder. Its threads run until the program ends.
#[derive(Clone, Debug)]
pub struct Server {
    socket: SocketAddr,
    site: Arc<Site>,
}

impl Server {
    /// Serves a folder on a port of 127.0.0.1; port 0 selects a free one.
    ///
    /// # Errors
    /// The port is in use.
    pub fn start(folder: &Path, port: u16) -> Result<Server> {
        Server::serve(Site { folder: folder.to_path_buf(), ..Site::default() }, port)
    }

    /// Serves a folder like a host that does not know the media type of wasm files.
    ///
    /// # Errors
    /// No port is free.
    pub fn without_wasm_type(folder: &Path) -> Result<Server> {
        Server::serve(Site { folder: folder.to_path_buf(), lacks_wasm: true, ..Site::default() }, 0)
    }

    fn serve(site: Site, port: u16) -> Result<Server> {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .map_err(|error| format!("127.0.0.1:{port} cannot be used: {error}"))?;
        let socket = listener.local_addr().map_err(|error| error.to_string())?;
        let site = Arc::new(site);
        let served = site.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let site = served.clone();
                thread::spawn(move || site.answer_all(stream));
            }
        });
        Ok(Server { socket, site })
    }

    /// The address, as in `http://127.0.0.1:8080/`.
    pub fn address(&self) -> String {
        format!("http://{}/", self.socket)
    }

    /// The paths, inside the folder, of the files that were requested and served.
    pub fn requested(&self) -> Vec<String> {
        self.site.requested.lock().map(|paths| paths.iter().cloned().collect()).unwrap_or_default()
    }
}

/// The bytes of a file and their compressed form.
type Compressed = (Vec<u8>, Arc<Vec<u8>>);

#[derive(Debug, Default)]
struct Site {
    folder: PathBuf,
    /// Wasm files are served with an unknown media type.
    lacks_wasm: bool,
    compressed: Mutex<BTreeMap<PathBuf, Compressed>>,
    requested: Mutex<BTreeSet<String>>,
}

struct Answer {
    status: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Arc<Vec<u8>>,
}

impl Site {
    /// Answers the requests of a connection until it ends.
    fn answer_all(&self, stream: TcpStream) {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
        let _ = stream.set_nodelay(true);
        let Ok(mut writer) = stream.try_clone() else { return };
        let mut reader = BufReader::new(stream);
        while let Some((method, target, gzip)) = read_request(&mut reader) {
            let mut answer = self.answer(&method, &target, gzip);
            answer.headers.push(("Content-Length", answer.body.len().to_string()));
            let mut head = format!("HTTP/1.1 {}\r\n", answer.status);
            for (name, value) in &answer.headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("\r\n");
            let body: &[u8] = if method == "HEAD" { &[] } else { &answer.body };
            if writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(body)).is_err() {
                return;
            }
        }
    }

    fn answer(&self, method: &str, target: &str, gzip: bool) -> Answer {
        if method != "GET" && method != "HEAD" {
            return plain("405 Method Not Allowed", "Only GET and HEAD are supported.");
        }
        let path = target.split(['?', '#']).next().unwrap_or("/");
        let Some(mut file) = self.resolve(path) else {
            return plain("404 Not Found", "No file has this address.");
        };
        if file.is_dir() {
            if !path.ends_with('/') {
                let mut answer = plain("301 Moved Permanently", "");
                answer.headers.push(("Location", format!("{path}/")));
                return answer;
            }
            file.push("index.html");
        }
        let Ok(bytes) = fs::read(&file) else {
            return plain("404 Not Found", "No file has this address.");
        };
        if let (Ok(mut requested), Ok(path)) = (self.requested.lock(), file.strip_prefix(&self.folder)) {
            requested.insert(path.to_string_lossy().into_owned());
        }
        let mut headers = common_headers();
        // The examples are course pages, which have other policies or none.
        if file.starts_with(self.folder.join("examples")) {
            headers.retain(|(name, _)| *name != "Content-Security-Policy");
        }
        // The paths of all files of a version contain its hash.
        if file.starts_with(self.folder.join(layout::VERSIONS)) {
            headers.retain(|(name, _)| *name != "Cache-Control");
            headers.push(("Cache-Control", "public, max-age=31536000, immutable".into()));
        }
        headers.push(("Content-Type", self.media_type(&file).into()));
        let body = if gzip {
            headers.push(("Content-Encoding", "gzip".into()));
            self.compress(file, bytes)
        } else {
            Arc::new(bytes)
        };
        headers.push(("Vary", "Accept-Encoding".into()));
        Answer { status: "200 OK", headers, body }
    }

    fn media_type(&self, file: &Path) -> &'static str {
        match media_type(file) {
            "application/wasm" if self.lacks_wasm => UNKNOWN_TYPE,
            known => known,
        }
    }

    /// Returns the file of a path, unless the path leaves the folder.
    fn resolve(&self, path: &str) -> Option<PathBuf> {
        let relative = Path::new(path.trim_start_matches('/'));
        let is_inside = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        is_inside.then(|| self.folder.join(relative))
    }

    /// Returns the compressed bytes of a file, from a cache unless the file has changed.
    fn compress(&self, file: PathBuf, bytes: Vec<u8>) -> Arc<Vec<u8>> {
        let Ok(mut cache) = self.compressed.lock() else { return Arc::new(weight::gzip(&bytes)) };
        match cache.get(&file) {
            Some((original, compressed)) if *original == bytes => compressed.clone(),
            Some(_) | None => {
                let compressed = Arc::new(weight::gzip(&bytes));
                cache.insert(file, (bytes, compressed.clone()));
                compressed
            }
        }
    }
}

/// Reads the method and the target of a request, and whether the client accepts gzip. Returns `None` at the end of the
/// connection.
fn read_request(reader: &mut BufReader<TcpStream>) -> Option<(String, String, bool)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|&length| length > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_string(), words.next()?.to_string());
    let mut gzip = false;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|&length| length > 0)?;
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            return Some((method, target, gzip));
        }
        gzip |= header.starts_with("accept-encoding:") && header.contains("gzip");
    }
}

fn common_headers() -> Vec<(&'static str, String)> {
    vec![
        ("Content-Security-Policy", POLICY.into()),
        ("X-Content-Type-Options", "nosniff".into()),
        // A sandboxed embed has an opaque origin, so even its own files are cross-origin.
        ("Access-Control-Allow-Origin", "*".into()),
        ("Cache-Control", "no-cache".into()),
    ]
}

fn plain(status: &'static str, text: &str) -> Answer {
    let mut headers = common_headers();
    headers.push(("Content-Type", "text/plain; charset=utf-8".into()));
    Answer { status, headers, body: Arc::new(text.as_bytes().to_vec()) }
}

fn media_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        _ => UNKNOWN_TYPE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// Sends one request and closes the connection for writing, so that the server ends it too.
    fn ask(server: &Server, request_line: &str) -> String {
        let mut stream = TcpStream::connect(server.socket).expect("the server listens");
        write!(stream, "{request_line} HTTP/1.1\r\nHost: x\r\n\r\n").expect("the server reads");
        stream.shutdown(std::net::Shutdown::Write).expect("the connection closes");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the server answers");
        answer
    }

    fn get(server: &Server, path: &str) -> String {
        ask(server, &format!("GET {path}"))
    }

    fn site() -> Server {
        Server::start(&root().join("xtask"), 0).expect("a free port")
    }

    #[test]
    fn files_are_served_with_the_strict_policy() {
        let answer = get(&site(), "/src/lib.rs");
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.contains("Content-Security-Policy: default-src 'self'; script-src 'self' 'wasm-unsafe-eval'"));
        assert!(answer.contains("nosniff"));
    }

    #[test]
    fn no_file_outside_the_folder_is_served() {
        for path in ["/../Cargo.toml", "//etc/passwd", "/src/../../Cargo.toml", "/nothing"] {
            let answer = get(&site(), path);
            assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        }
    }

    #[test]
    fn a_folder_without_its_slash_is_redirected_so_that_relative_paths_work() {
        assert!(get(&site(), "/src").contains("Location: /src/"));
    }

    #[test]
    fn other_methods_are_refused() {
        let answer = ask(&site(), "POST /src/lib.rs");
        assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    }
}
