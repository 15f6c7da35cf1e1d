//! Pages on the desktop: an address of the web, and nothing else that a program might open.

use std::sync::Arc;
use std::time::Duration;

use ::url::Url;
use client::Value;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::backends::opener::Opener;
use crate::rate::Rate;
use crate::{Arguments, Component, Entry, Home, Missing, Procedure, Refusal};

/// The component's row.
pub const ENTRY: Entry = Entry {
    name: "url",
    procedures: PROCEDURES,
    topics: &[],
    home: Home::Session,
    make: |machine, _| Arc::new(Pages::new(Arc::clone(&machine.opener))),
};

/// The longest address: what servers should take at least (RFC 9110, section 4.1).
pub const MAX_BYTES: usize = 8_000;

/// How many pages are opened at once after a pause.
pub const BURST: u32 = 5;

/// The time that each one more costs: a desktop full of pages is of no use to anybody.
pub const PERIOD: Duration = Duration::from_secs(5);

const OPEN: Procedure = Procedure::new(
    "org.deskconn.url.open",
    "(url) → null",
    "Open a page of the web in the browser",
    &["full"],
);

/// Every procedure of the pages.
pub const PROCEDURES: &[Procedure] = &[OPEN, OPEN.also("org.deskconn.deskconn.url.open")];

/// Opens pages.
#[derive(Debug)]
pub struct Pages {
    opener: Arc<dyn Opener>,
    rate: Rate,
}

impl Pages {
    /// Pages by that opener.
    #[must_use]
    pub fn new(opener: Arc<dyn Opener>) -> Self {
        Self {
            opener,
            rate: Rate::new(BURST, PERIOD),
        }
    }

    async fn open(&self, mut arguments: Arguments) -> Result<Value, Refusal> {
        let address = address(&arguments.text("url")?)?;
        arguments.end()?;
        self.rate.count("pages")?;
        self.opener.open(address).await?;
        Ok(Value::Null)
    }
}

/// The address, if it is one of the web. Files, scripts and programs have schemes too.
fn address(text: &str) -> Result<Url, Refusal> {
    let wrong = |what: String| Refusal::BadArgument(format!("argument 1 (url) {what}"));
    if text.len() > MAX_BYTES {
        return Err(wrong(format!(
            "has to have at most {MAX_BYTES} bytes, not {}",
            text.len()
        )));
    }
    let address = Url::parse(text).ok();
    let is_of_the_web = |address: &Url| ["http", "https"].contains(&address.scheme());
    let address = address.filter(is_of_the_web);
    address.ok_or_else(|| wrong("has to be an address that begins with http:// or https://".into()))
}

impl Component for Pages {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn call(&self, _procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>> {
        self.open(arguments).boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        self.opener.missing()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::backends::fake::FakeOpener;

    fn stage() -> (Arc<FakeOpener>, Pages) {
        let fake = Arc::new(FakeOpener::default());
        let pages = Pages::new(Arc::clone(&fake) as Arc<dyn Opener>);
        (fake, pages)
    }

    async fn open(pages: &Pages, url: &str) -> Result<Value, Refusal> {
        let arguments = Arguments::new(vec![url.into()], BTreeMap::new());
        pages.call(&OPEN, arguments).await
    }

    #[tokio::test]
    async fn pages_of_the_web_are_opened_as_a_browser_reads_their_address() {
        let (fake, pages) = stage();
        for url in [
            "https://example.org/a?b=c#d",
            "HTTP://Example.ORG/ä b",
            " https://example.org/\n;rm",
        ] {
            assert_eq!(open(&pages, url).await, Ok(Value::Null), "{url}");
        }
        let expected = [
            "https://example.org/a?b=c#d",
            "http://example.org/%C3%A4%20b",
            "https://example.org/;rm",
        ];
        assert_eq!(fake.opened(), expected);
    }

    #[tokio::test]
    async fn nothing_else_is_opened() {
        let (fake, pages) = stage();
        for url in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:text/html,x",
            "ssh://example.org",
            "--help",
            "/usr/bin/true",
            "example.org",
            "https://",
            "http://[::1",
            "",
        ] {
            let refusal = open(&pages, url).await.unwrap_err();
            assert_eq!(refusal.uri(), "org.deskconn.error.bad_argument", "{url}");
            assert!(refusal.to_string().starts_with("argument 1 (url) "), "{refusal}");
        }
        assert_eq!(fake.opened(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn an_address_is_taken_up_to_the_limit_and_not_past_it() {
        let (fake, pages) = stage();
        let most = format!("https://example.org/{}", "a".repeat(MAX_BYTES - 20));
        assert_eq!(open(&pages, &most).await, Ok(Value::Null));
        let refusal = open(&pages, &format!("{most}a")).await.unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "argument 1 (url) has to have at most 8000 bytes, not 8001"
        );
        assert_eq!(fake.opened(), [most]);
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_pages_are_opened_and_then_one_at_a_time() {
        let (fake, pages) = stage();
        for _ in 0..BURST {
            assert!(open(&pages, "https://example.org").await.is_ok());
        }
        let refusal = open(&pages, "https://example.org").await.unwrap_err();
        assert_eq!(refusal.uri(), "org.deskconn.error.busy");
        assert_eq!(fake.opened().len(), BURST as usize);
        tokio::time::advance(PERIOD).await;
        assert!(open(&pages, "https://example.org").await.is_ok());
    }
}
