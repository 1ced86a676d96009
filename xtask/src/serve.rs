//! A server of plain files on localhost, where browsers allow WebGPU without TLS.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Result;

/// Serves until the process is ended.
pub(crate) fn serve(folder: &Path, port: u16) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .map_err(|why| format!("port {port}: {why}; take another with --port"))?;
    println!("http://localhost:{}/ (Ctrl-C ends)", listener.local_addr()?.port());
    let folder: Arc<Path> = folder.into();
    for stream in listener.incoming().flatten() {
        let folder = folder.clone();
        // Browsers open several connections at once. One that breaks off is nobody's failure.
        std::thread::spawn(move || drop(answer(&stream, &folder)));
    }
    Ok(())
}

fn answer(stream: &TcpStream, folder: &Path) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut range = None;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.split_once(':') else { break };
        if name.eq_ignore_ascii_case("range") {
            range = Some(value.trim().to_owned());
        }
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if method != "GET" && method != "HEAD" {
        return refuse(stream, "405 Method Not Allowed");
    }
    let Some(path) = located(folder, target) else { return refuse(stream, "404 Not Found") };
    let Ok(mut file) = std::fs::File::open(&path) else { return refuse(stream, "404 Not Found") };
    let length = file.metadata()?.len();
    let part = range.and_then(|range| part(&range, length));
    if part.is_some_and(|(start, end)| start >= end) {
        return refuse(stream, "416 Range Not Satisfiable");
    }
    let (start, end) = part.unwrap_or((0, length));
    let status = if part.is_some() { "206 Partial Content" } else { "200 OK" };
    let mut head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\nAccept-Ranges: bytes\r\nCache-Control: no-cache\r\nConnection: close\r\n",
        kind(&path),
        end - start
    );
    if part.is_some() {
        head += &format!("Content-Range: bytes {start}-{}/{length}\r\n", end - 1);
    }
    let mut out = stream;
    out.write_all(head.as_bytes())?;
    out.write_all(b"\r\n")?;
    if method == "GET" {
        file.seek(SeekFrom::Start(start))?;
        std::io::copy(&mut file.take(end - start), &mut out)?;
    }
    Ok(())
}

fn refuse(mut stream: &TcpStream, status: &str) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

/// The file that a request means; `None` outside of the folder.
fn located(folder: &Path, target: &str) -> Option<PathBuf> {
    let path = target.split(['?', '#']).next()?.strip_prefix('/')?;
    let mut at = folder.to_owned();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let part = decoded(part)?;
        if part == ".." || part.contains(['/', '\\']) {
            return None;
        }
        at.push(part);
    }
    if at.is_dir() {
        at.push("index.html");
    }
    at.is_file().then_some(at)
}

/// Percent signs undone.
fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let code = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
        bytes.push(u8::try_from(code).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// First byte and one past the last of `bytes=a-b` or `bytes=a-`; `None` for what is not understood, which counts as no range.
fn part(range: &str, length: u64) -> Option<(u64, u64)> {
    let (start, end) = range.strip_prefix("bytes=")?.split_once('-')?;
    let start = start.parse().ok()?;
    let end = if end.is_empty() { length } else { end.parse::<u64>().ok()?.saturating_add(1).min(length) };
    Some((start, end))
}

fn kind(path: &Path) -> &'static str {
    match path.extension().and_then(|ending| ending.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "md" | "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(part("bytes=0-7", 100), Some((0, 8)));
        assert_eq!(part("bytes=90-200", 100), Some((90, 100)));
        assert_eq!(part("bytes=5-", 100), Some((5, 100)));
        assert_eq!(part("bytes=-5", 100), None);
        assert_eq!(part("lines=1-2", 100), None);
    }

    #[test]
    fn paths_stay_inside() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(located(own, "/src/serve.rs?v=1").is_some());
        assert!(located(own, "/../Cargo.toml").is_none());
        assert!(located(own, "/%2e%2e/Cargo.toml").is_none());
        assert!(located(own, "/src%2fserve.rs").is_none());
    }
}
