//! The files that browsers get: the phone app and the library for pages of others, as they were built into the program.
//!
//! It knows paths, types and caching. Who may ask at all is the router's business and that of `front_door.rs`.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, VARY,
};
use hyper::{HeaderMap, StatusCode};
use router::Response;

/// A file of the site.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File {
    /// Where it is, from the root.
    pub(crate) path: &'static str,
    /// Tells its content from every other; an entity tag (RFC 9110 §8.8.3).
    pub(crate) tag: &'static str,
    pub(crate) plain: &'static [u8],
    /// The same, compressed.
    pub(crate) gzip: Option<&'static [u8]>,
}

/// What was built in.
pub(crate) static BUILT: &[File] = include!(concat!(env!("OUT_DIR"), "/site.rs"));

/// The library for pages of others.
pub(crate) const LIBRARY: &str = "/deskconn.js";

/// Files whose names change with their content: a browser need never ask again.
const HASHED: &str = "/assets/";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Everything else is asked for each time, and not sent again while it is the same.
const ASK: &str = "no-cache";

/// What stands in the place of an app that was not built.
const UNBUILT: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=width=device-width>\
<title>deskconn</title><h1>This desktop is here</h1><p>Its app was not built into this program: it needs Node.js 20 or \
newer. <code>make build</code> in the source makes both.</html>\n";

/// The site.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site {
    files: &'static [File],
}

impl Site {
    pub(crate) const fn new(files: &'static [File]) -> Self {
        Self { files }
    }

    /// The answer to a request for a path, if there is such a file.
    pub(crate) fn answer(&self, path: &str, asked: &HeaderMap) -> Option<Response> {
        let path = if path == "/" { "/index.html" } else { path };
        let Some(file) = self.files.iter().find(|file| file.path == path) else {
            let is_missing = path == "/index.html" && self.files.is_empty();
            return is_missing.then(|| page(UNBUILT));
        };
        let mut response = Response::default();
        let headers = response.headers_mut();
        headers.insert(ETAG, HeaderValue::from_static(file.tag));
        let caching = if path.starts_with(HASHED) { FOR_EVER } else { ASK };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding, Origin"));
        if list(asked, &IF_NONE_MATCH).any(|tag| tag == file.tag || tag == "*") {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Some(response);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind(path)));
        let takes_gzip = list(asked, &ACCEPT_ENCODING).any(|coding| coding == "gzip");
        let body = match file.gzip.filter(|_| takes_gzip) {
            Some(gzip) => {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                gzip
            }
            None => file.plain,
        };
        *response.body_mut() = Full::new(Bytes::from_static(body));
        Some(response)
    }
}

/// The elements of a header that is a list. A coding with a weight of its own is not looked at closer: a browser that
/// has gzip at all sends it without one.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn page(text: &'static str) -> Response {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind(".html")));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(ASK));
    response
}

/// The media type of a file, by its name.
fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        Some("json" | "map") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static FILES: &[File] = &[
        File {
            path: "/index.html",
            tag: "\"1\"",
            plain: b"<p>app",
            gzip: Some(b"squeezed"),
        },
        File {
            path: "/assets/app-8a7b.js",
            tag: "\"2\"",
            plain: b"app()",
            gzip: None,
        },
    ];

    fn asked(headers: &[(HeaderName, &'static str)]) -> HeaderMap {
        let pairs = headers.iter().cloned();
        pairs
            .map(|(name, value)| (name, HeaderValue::from_static(value)))
            .collect()
    }

    fn header(response: &Response, name: &HeaderName) -> String {
        let value = response.headers().get(name);
        value.map_or_else(String::new, |value| value.to_str().expect("we wrote it").to_owned())
    }

    #[test]
    fn the_root_is_the_app_and_is_asked_for_each_time() {
        let site = Site::new(FILES);
        let response = site.answer("/", &HeaderMap::new()).expect("it is there");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, &CONTENT_TYPE), "text/html; charset=utf-8");
        assert_eq!(header(&response, &CACHE_CONTROL), "no-cache");
        assert_eq!(header(&response, &CONTENT_ENCODING), "");
    }

    #[test]
    fn who_takes_gzip_gets_it() {
        let site = Site::new(FILES);
        for coding in ["gzip", "deflate, gzip", "gzip, deflate, br"] {
            let response = site
                .answer("/", &asked(&[(ACCEPT_ENCODING, coding)]))
                .expect("it is there");
            assert_eq!(header(&response, &CONTENT_ENCODING), "gzip", "{coding}");
        }
        let response = site
            .answer("/", &asked(&[(ACCEPT_ENCODING, "br, gzipped")]))
            .expect("it is there");
        assert_eq!(header(&response, &CONTENT_ENCODING), "");
    }

    #[test]
    fn what_a_browser_has_is_not_sent_again() {
        let site = Site::new(FILES);
        let response = site
            .answer("/", &asked(&[(IF_NONE_MATCH, "\"0\", \"1\"")]))
            .expect("it is there");
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(header(&response, &ETAG), "\"1\"");
        let response = site
            .answer("/", &asked(&[(IF_NONE_MATCH, "\"0\"")]))
            .expect("it is there");
        assert_eq!(response.status(), StatusCode::OK);
    }

    #[test]
    fn a_file_that_is_named_by_its_content_is_kept_for_ever() {
        let response = Site::new(FILES)
            .answer("/assets/app-8a7b.js", &HeaderMap::new())
            .expect("it is there");
        assert!(header(&response, &CACHE_CONTROL).contains("immutable"));
        assert_eq!(header(&response, &CONTENT_TYPE), "text/javascript; charset=utf-8");
    }

    #[test]
    fn there_is_nothing_beside_the_files() {
        let site = Site::new(FILES);
        for path in [
            "/index",
            "/../index.html",
            "//index.html",
            "/assets/",
            "/index.html.gz",
            "",
        ] {
            assert!(site.answer(path, &HeaderMap::new()).is_none(), "{path}");
        }
    }

    #[test]
    fn without_the_app_a_page_says_how_to_build_it() {
        let site = Site::new(&[]);
        let response = site.answer("/", &HeaderMap::new()).expect("there is a page");
        assert_eq!(response.status(), StatusCode::OK);
        assert!(UNBUILT.contains("make build"));
        assert!(site.answer("/assets/app.js", &HeaderMap::new()).is_none());
    }
}
