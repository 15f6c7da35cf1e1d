//! From a step of the configuration to what is really done: its templates filled in. The dry run ends here.

use std::path::PathBuf;
use std::time::Duration;

use components::notify::{MAX_BODY_CHARS, MAX_SUMMARY_CHARS};
use url::Url;
use wamp::value::{Dict, Value};

use super::expression::Trouble;
use super::template::{Escape, Shape, dict};
use crate::config::action::{Body, Post, Step, What};

/// A step with nothing left to fill in.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rendered {
    Call {
        procedure: String,
        args: Vec<Value>,
        kwargs: Dict,
        timeout: Duration,
    },
    Publish {
        topic: String,
        args: Vec<Value>,
        kwargs: Dict,
        retain: bool,
        acknowledge: bool,
    },
    Notify {
        summary: String,
        body: String,
    },
    Command {
        name: String,
    },
    Post(Box<Request>),
}

/// A request of HTTP with nothing left to fill in.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, String)>,
    /// The type and what is sent.
    pub(super) body: Option<(&'static str, String)>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) ca: Option<PathBuf>,
    pub(super) redirects: u64,
    pub(super) timeout: Duration,
    pub(super) retries: u64,
}

/// What a step is called.
pub(super) const fn kind(what: &What) -> &'static str {
    match what {
        What::Call { .. } => "call",
        What::Publish { .. } => "publish",
        What::Notify { .. } => "notify",
        What::Command { .. } => "command",
        What::Post(_) => "post",
    }
}

/// What a step is about, as it is written: its procedure, topic, first line, name or URL.
pub(super) fn subject(what: &What) -> &str {
    match what {
        What::Call { procedure, .. } => procedure.source(),
        What::Publish { topic, .. } => topic.source(),
        What::Notify { summary, .. } => summary.source(),
        What::Command { name } => name,
        What::Post(post) => post.url.source(),
    }
}

/// What a step is about, as the audit log has it ([`Rendered::subject`]), also where the rest of the step cannot be filled in.
pub(super) fn subject_of(what: &What, scope: &Dict) -> Option<String> {
    match what {
        What::Call { procedure: it, .. } | What::Publish { topic: it, .. } => it.text(scope, Escape::Uri).ok(),
        What::Command { name } => Some(name.clone()),
        What::Notify { .. } => None,
        What::Post(post) => {
            let url = post.url.text(scope, Escape::Url).ok()?;
            Some(Url::parse(&url).ok()?.origin().ascii_serialization())
        }
    }
}

/// Whether the step is to be done at all.
///
/// # Errors
/// Its condition cannot be decided.
pub(super) fn is_wanted(step: &Step, scope: &Dict) -> Result<bool, Trouble> {
    step.condition
        .as_ref()
        .map_or(Ok(true), |condition| condition.holds(scope))
}

/// Fills it in.
///
/// # Errors
/// A template has no value, or one that cannot stand where it is.
pub(super) fn render(what: &What, scope: &Dict) -> Result<Rendered, Trouble> {
    let list = |args: &[Shape]| args.iter().map(|arg| arg.value(scope)).collect::<Result<Vec<_>, _>>();
    Ok(match what {
        What::Call {
            procedure,
            args,
            kwargs,
            timeout,
        } => Rendered::Call {
            procedure: procedure.text(scope, Escape::Uri)?,
            args: list(args)?,
            kwargs: dict(kwargs, scope)?,
            timeout: *timeout,
        },
        What::Publish {
            topic,
            args,
            kwargs,
            retain,
            acknowledge,
        } => Rendered::Publish {
            topic: topic.text(scope, Escape::Uri)?,
            args: list(args)?,
            kwargs: dict(kwargs, scope)?,
            retain: *retain,
            acknowledge: *acknowledge,
        },
        What::Notify { summary, body } => {
            let body = body.as_ref().map(|body| body.text(scope, Escape::None)).transpose()?;
            Rendered::Notify {
                summary: cut(&summary.text(scope, Escape::None)?, MAX_SUMMARY_CHARS),
                body: cut(&body.unwrap_or_default(), MAX_BODY_CHARS),
            }
        }
        What::Command { name } => Rendered::Command { name: name.clone() },
        What::Post(post) => Rendered::Post(Box::new(request(post, scope)?)),
    })
}

fn request(post: &Post, scope: &Dict) -> Result<Request, Trouble> {
    let url = post.url.text(scope, Escape::Url)?;
    check_path(&post.url.with_all("x"), &url)?;
    let wrong = |error| Trouble::Wrong(format!("{url} is no URL: {error}"));
    let url = Url::parse(&url).map_err(wrong)?;
    let header =
        |(name, value): &(String, super::template::Template)| Ok((name.clone(), value.text(scope, Escape::Header)?));
    let body = match &post.body {
        Body::None => None,
        Body::Json(shape) => {
            let json = serde_json::to_string(&shape.value(scope)?);
            let json = json.map_err(|error| Trouble::Wrong(error.to_string()))?;
            Some(("application/json", json))
        }
        Body::Text(text) => Some(("text/plain; charset=utf-8", text.text(scope, Escape::None)?)),
    };
    Ok(Request {
        method: post.method,
        url,
        headers: post.headers.iter().map(header).collect::<Result<_, Trouble>>()?,
        body,
        token_file: post.token_file.clone(),
        ca: post.ca.clone(),
        redirects: post.redirects,
        timeout: post.timeout,
        retries: post.retries,
    })
}

/// Fails where a value became `.` or `..` in the path: such a component is taken away with the one before it, encoded or not
/// (URL Standard, "double-dot path segment"), and the request would go to another path than the owner wrote.
fn check_path(written: &str, url: &str) -> Result<(), Trouble> {
    let components = |url: &str| -> Vec<bool> {
        let path = url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        let components = path.split(['/', '\\']).map(|it| it.replace("%2e", "."));
        components.map(|it| it == "." || it == "..").collect()
    };
    let mut both = components(written).into_iter().zip(components(url));
    if both.any(|(was_written, is_there)| is_there && !was_written) {
        return Err(Trouble::Wrong(format!(
            "the URL would be {url}: a value that is \".\" or \"..\" there changes the path"
        )));
    }
    Ok(())
}

/// So many characters, of which the last says that there were more. No text of D-Bus has a character with the number 0.
fn cut(text: &str, most: usize) -> String {
    let text = text.replace('\0', "\u{fffd}");
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

impl Rendered {
    /// What it is about, as the audit log has it: its procedure, topic, name or host. Nothing that is sent is in it: the path of a
    /// URL may be a secret.
    pub(super) fn subject(&self) -> Option<String> {
        match self {
            Self::Call { procedure: it, .. } | Self::Publish { topic: it, .. } | Self::Command { name: it } => {
                Some(it.clone())
            }
            Self::Notify { .. } => None,
            Self::Post(request) => Some(request.url.origin().ascii_serialization()),
        }
    }

    /// As the dry run and reports show it: never with a token, only with the file that has it.
    pub(super) fn shown(&self) -> Dict {
        let pairs = |pairs: &[(&str, Value)]| {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect()
        };
        match self {
            Self::Call {
                procedure,
                args,
                kwargs,
                ..
            } => pairs(&[
                ("call", procedure.as_str().into()),
                ("args", Value::List(args.clone())),
                ("kwargs", Value::Dict(kwargs.clone())),
            ]),
            Self::Publish {
                topic,
                args,
                kwargs,
                retain,
                ..
            } => pairs(&[
                ("publish", topic.as_str().into()),
                ("args", Value::List(args.clone())),
                ("kwargs", Value::Dict(kwargs.clone())),
                ("retain", (*retain).into()),
            ]),
            Self::Notify { summary, body } => {
                pairs(&[("notify", summary.as_str().into()), ("body", body.as_str().into())])
            }
            Self::Command { name } => pairs(&[("command", name.as_str().into())]),
            Self::Post(request) => {
                let headers = request
                    .headers
                    .iter()
                    .map(|(name, value)| (name.clone(), value.as_str().into()));
                let shown = |file: &PathBuf| file.display().to_string();
                let body = request.body.as_ref().map(|(_, body)| body.clone());
                let mut all: Dict = pairs(&[
                    ("post", request.url.as_str().into()),
                    ("method", request.method.into()),
                    ("headers", Value::Dict(headers.collect())),
                    ("body", body.into()),
                    ("token_file", request.token_file.as_ref().map(shown).into()),
                ]);
                all.extend(request.ca.as_ref().map(|ca| ("ca".to_owned(), shown(ca).into())));
                all
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_climb_out_of_the_path_that_the_owner_wrote() {
        let written = "http://plug/a/x/b?to=x";
        for url in [
            "http://plug/a/../b?to=1",
            "http://plug/a/./b?to=1",
            "http://plug/a/%2E%2e/b?to=1",
        ] {
            let refused = check_path(written, url).unwrap_err().to_string();
            assert!(refused.contains("changes the path"), "{refused}");
        }
        check_path(written, "http://plug/a/1..2/b?to=..").unwrap();
        check_path(written, "http://plug/a/.../b?to=/../").unwrap();
        // What the owner wrote is the owner's.
        check_path("http://plug/a/../x", "http://plug/a/../1").unwrap();
    }

    #[test]
    fn a_text_that_is_too_long_for_a_notification_is_cut_and_says_so() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("äbcd", 3), "äb…");
        assert_eq!(cut("a\0b", 3), "a\u{fffd}b");
    }
}
