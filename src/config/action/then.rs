//! `then`: what is done.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;
use wamp::value::Value;

use super::read_condition;
use super::units::read_span;
use crate::actions::expression::Expression;
use crate::actions::template::{Shape, Template};
use crate::config::MAX_TEXT;
use crate::config::read::{Any, ConfigError, Field, Section};
use crate::config::realm::is_uri;

/// Steps of one action; more are a program, which a command can be.
pub const MAX_STEPS: usize = 16;

/// How often a server may send a request on.
pub const MAX_REDIRECTS: u64 = 5;

/// How often a request is made again.
pub const MAX_RETRIES: u64 = 5;

/// The longest that a call or a request may take.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(600);

/// How long one may take when nothing is said: a plug answers within a second, a service far away within a few.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a request is made again when nothing is said: a plug that is just busy answers the second time.
const DEFAULT_RETRIES: u64 = 2;

/// Headers of one request beside those that it has anyway.
pub(super) const MAX_HEADERS: usize = 16;

/// What ends host and port in a URL (RFC 3986 §3.2).
const ENDS_OF_HOST: [char; 3] = ['/', '?', '#'];

/// Lists in lists and tables in tables, of arguments: as deep as a message may be before its sender has logged in.
pub(super) const MAX_DEPTH: usize = 16;

/// Headers that say where the message ends, and whom it is for.
const OWN_HEADERS: [&str; 6] = [
    "connection",
    "content-length",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does.
    pub what: What,
    /// What must hold; where it does not, the step is left out.
    pub condition: Option<Expression>,
    /// Whether the next step is done although this one failed.
    pub goes_on: bool,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Calls a procedure.
    Call {
        /// The procedure.
        procedure: Template,
        /// Positional arguments.
        args: Vec<Shape>,
        /// Keyword arguments.
        kwargs: BTreeMap<String, Shape>,
        /// How long it may take.
        timeout: Duration,
    },
    /// Publishes an event.
    Publish {
        /// The topic.
        topic: Template,
        /// Positional arguments.
        args: Vec<Shape>,
        /// Keyword arguments.
        kwargs: BTreeMap<String, Shape>,
        /// Whether it is kept for those who come later.
        retain: bool,
        /// Whether the step fails when the router does not take it.
        acknowledge: bool,
    },
    /// Shows a notification.
    Notify {
        /// Its first line.
        summary: Template,
        /// The text below it.
        body: Option<Template>,
    },
    /// Runs a command of the configuration.
    Command {
        /// Its name.
        name: String,
    },
    /// Makes a request of HTTP.
    Post(Box<Post>),
}

/// A request of HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// `POST`, `PUT` or `GET`.
    pub method: &'static str,
    /// The URL, which begins with `http://` or `https://` whatever is put into it.
    pub url: Template,
    /// Further headers.
    pub headers: Vec<(String, Template)>,
    /// What is sent.
    pub body: Body,
    /// A file with a token that goes into `Authorization: Bearer`.
    pub token_file: Option<PathBuf>,
    /// Authorities for the server's certificate, in PEM, in the place of the system's.
    pub ca: Option<PathBuf>,
    /// How often the server may send it on.
    pub redirects: u64,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How often it is made again.
    pub retries: u64,
}

/// What a request sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    None,
    /// A value as JSON.
    Json(Shape),
    /// A text.
    Text(Template),
}

pub(super) fn read(mut section: Section<'_>) -> Result<Step, ConfigError> {
    let condition = read_condition(&mut section)?;
    let goes_on = section.switch("go_on")?;
    let kinds = ["call", "publish", "notify", "command", "post"];
    let mut found = kinds.into_iter().filter(|kind| section.has(kind));
    let (kind, other) = (found.next(), found.next());
    if let (Some(kind), Some(other)) = (kind, other) {
        let what = format!(
            "`{kind}` and `{other}` are two steps: put each into a table of its own, `then = [{{ … }}, {{ … }}]`"
        );
        return Err(section.error(what));
    }
    let what = match kind {
        Some("call") => read_call(&mut section)?,
        Some("publish") => read_publish(&mut section)?,
        Some("notify") => What::Notify {
            summary: template(&section.need("notify", "the first line")?)?,
            body: section.get("body").map(|field| template(&field)).transpose()?,
        },
        Some("command") => What::Command {
            name: section.need("command", "the name of a command")?.short(MAX_TEXT)?,
        },
        Some("post") => What::Post(Box::new(read_post(&mut section)?)),
        _ => {
            let what = "`then` has none of `call`, `publish`, `notify`, `command` and `post`, which say what is done";
            return Err(section.error(what.to_owned()));
        }
    };
    section.finish()?;
    Ok(Step {
        what,
        condition,
        goes_on,
    })
}

fn template(field: &Field<'_>) -> Result<Template, ConfigError> {
    field.accepts("a text, with {{ expressions }}");
    let text = field.text("a text", |text| Some(text.to_owned()))?;
    template_of(&text, field)
}

fn template_of(text: &str, field: &Field<'_>) -> Result<Template, ConfigError> {
    Template::parse(text)
        .map_err(|why| field.error(&format!("a text with {{{{ expressions }}}} that can be read: {why}")))
}

/// The template of a URI of WAMP.
fn uri(field: &Field<'_>) -> Result<Template, ConfigError> {
    field.accepts("a URI, in which {{ an expression }} may stand for one component");
    let template = template(field)?;
    if !is_uri(&template.with_all("x"), false) {
        return Err(field.error("a URI like \"org.example.plug.set\", where a value may stand for one component"));
    }
    Ok(template)
}

fn read_arguments(section: &mut Section<'_>) -> Result<(Vec<Shape>, BTreeMap<String, Shape>), ConfigError> {
    let args = match section
        .get("args")
        .map(|field| (arguments(&field, "a list of arguments"), field))
    {
        Some((Ok(Shape::List(args)), _)) => args,
        Some((Err(error), _)) => return Err(error),
        Some((_, field)) => return Err(field.error("a list of arguments")),
        None => Vec::new(),
    };
    let kwargs = match section
        .get("kwargs")
        .map(|field| (arguments(&field, "a table of arguments"), field))
    {
        Some((Ok(Shape::Dict(kwargs)), _)) => kwargs,
        Some((Err(error), _)) => return Err(error),
        Some((_, field)) => return Err(field.error("a table of arguments")),
        None => BTreeMap::new(),
    };
    Ok((args, kwargs))
}

fn arguments(field: &Field<'_>, accepted: &str) -> Result<Shape, ConfigError> {
    field.accepts(accepted);
    shape(field, MAX_DEPTH)
}

fn shape(field: &Field<'_>, depth: usize) -> Result<Shape, ConfigError> {
    let Some(below) = depth.checked_sub(1) else {
        return Err(field.error(&format!("at most {MAX_DEPTH} levels deep")));
    };
    Ok(match field.any()? {
        Any::Text(text) => Shape::Text(template_of(text, field)?),
        Any::Bool(truth) => Shape::Plain(truth.into()),
        Any::Float(number) => Shape::Plain(number.into()),
        Any::Whole(number) => Shape::Plain(match (u64::try_from(number), i64::try_from(number)) {
            (Ok(number), _) => Value::UInt(number),
            (_, Ok(number)) => Value::Int(number),
            _ => return Err(field.error("a number of 64 bits")),
        }),
        Any::List(items) => {
            let items = items.iter().map(|item| shape(item, below));
            Shape::List(items.collect::<Result<_, _>>()?)
        }
        Any::Table(items) => {
            let items = items.iter().map(|(key, item)| Ok((key.clone(), shape(item, below)?)));
            Shape::Dict(items.collect::<Result<_, ConfigError>>()?)
        }
    })
}

fn read_timeout(section: &mut Section<'_>) -> Result<Duration, ConfigError> {
    let timeout = section
        .get("timeout")
        .map(|field| read_span(&field, MAX_TIMEOUT))
        .transpose()?;
    Ok(timeout.unwrap_or(DEFAULT_TIMEOUT))
}

fn read_call(section: &mut Section<'_>) -> Result<What, ConfigError> {
    let procedure = uri(&section.need("call", "a procedure")?)?;
    let (args, kwargs) = read_arguments(section)?;
    Ok(What::Call {
        procedure,
        args,
        kwargs,
        timeout: read_timeout(section)?,
    })
}

fn read_publish(section: &mut Section<'_>) -> Result<What, ConfigError> {
    let topic = uri(&section.need("publish", "a topic")?)?;
    let (args, kwargs) = read_arguments(section)?;
    Ok(What::Publish {
        topic,
        args,
        kwargs,
        retain: section.switch("retain")?,
        acknowledge: section.switch("acknowledge")?,
    })
}

fn read_post(section: &mut Section<'_>) -> Result<Post, ConfigError> {
    let url = read_url(&section.need("post", "a URL")?)?;
    let method = match section.get("method") {
        Some(field) => field.text("\"POST\", \"PUT\" or \"GET\"", |text| {
            ["POST", "PUT", "GET"].into_iter().find(|known| *known == text)
        })?,
        None => "POST",
    };
    let body = read_body(section, method)?;
    let token_file = section.get("token_file").map(|field| read_path(&field)).transpose()?;
    let headers = match section.get("headers") {
        Some(field) => read_headers(&field, token_file.is_some())?,
        None => Vec::new(),
    };
    let ca = section.get("ca").map(|field| read_path(&field)).transpose()?;
    let mut number = |key, default, most| section.get(key).map_or(Ok(default), |field| field.number(0..=most));
    let (redirects, retries) = (
        number("redirects", 0, MAX_REDIRECTS)?,
        number("retries", DEFAULT_RETRIES, MAX_RETRIES)?,
    );
    Ok(Post {
        method,
        url,
        headers,
        body,
        token_file,
        ca,
        redirects,
        timeout: read_timeout(section)?,
        retries,
    })
}

fn read_url(field: &Field<'_>) -> Result<Template, ConfigError> {
    field.accepts("a URL with http:// or https://, in which {{ expressions }} may stand behind the host");
    let url = template(field)?;
    let whole = url.with_all("x");
    let rest = behind_scheme(&whole).filter(|_| whole.bytes().all(|byte| byte.is_ascii_graphic()));
    let host = rest.and_then(|rest| rest.split(ENDS_OF_HOST).next());
    // Whoever may publish a value would otherwise choose who gets the request, and the token.
    let is_written_out = url.is_plain() || behind_scheme(url.beginning()).is_some_and(|it| it.contains(ENDS_OF_HOST));
    match host {
        Some(host) if host.contains('@') => {
            Err(field.error("a URL without a name and password; a `token_file` is for secrets"))
        }
        Some(_) if !is_written_out => Err(field.error(
            "a URL of which host and port are written out, with expressions only behind them, like \
             \"http://192.0.2.20/rpc?watt={{ value }}\"",
        )),
        Some(host) if !host.is_empty() => match Url::parse(&whole) {
            Ok(_) => Ok(url),
            Err(error) => Err(field.error(&format!("a URL like \"http://192.0.2.20/rpc\": {error}"))),
        },
        _ => {
            Err(field
                .error("a URL that begins with http:// or https:// and has no blanks, like \"http://192.0.2.20/rpc\""))
        }
    }
}

fn behind_scheme(url: &str) -> Option<&str> {
    ["http://", "https://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme))
}

fn read_body(section: &mut Section<'_>, method: &str) -> Result<Body, ConfigError> {
    let (json, text) = (section.get("json"), section.get("body"));
    match (json, text) {
        (Some(field), Some(_)) => Err(field.error("left out where there is a `body`: a request has one")),
        (Some(field), None) | (None, Some(field)) if method == "GET" => {
            Err(field.error("left out where the method is GET"))
        }
        (Some(field), None) => arguments(&field, "any value").map(Body::Json),
        (None, Some(field)) => template(&field).map(Body::Text),
        (None, None) => Ok(Body::None),
    }
}

fn read_path(field: &Field<'_>) -> Result<PathBuf, ConfigError> {
    field.text("an absolute path", |text| {
        Some(PathBuf::from(text)).filter(|path| path.is_absolute() && !text.contains('\0'))
    })
}

fn read_headers(field: &Field<'_>, has_token: bool) -> Result<Vec<(String, Template)>, ConfigError> {
    let accepted = format!("a table of at most {MAX_HEADERS} headers, like {{ X-Key = \"7\" }}");
    field.accepts(&accepted);
    let Any::Table(rows) = field.any()? else {
        return Err(field.error(&accepted));
    };
    if rows.len() > MAX_HEADERS {
        return Err(field.error(&accepted));
    }
    let mut headers = Vec::new();
    for (name, row) in rows {
        let lower = name.to_ascii_lowercase();
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if lower.is_empty() || !lower.bytes().all(is_token) || OWN_HEADERS.contains(&lower.as_str()) {
            return Err(row.error(&format!(
                "under the name of a header that may be chosen, and {name:?} may not"
            )));
        }
        if lower == "authorization" && has_token {
            return Err(row.error("without `Authorization` where there is a `token_file`"));
        }
        headers.push((lower, template(&row)?));
    }
    Ok(headers)
}
