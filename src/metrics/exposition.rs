//! The text that Prometheus and others read: OpenMetrics 1.0, or the older text format of Prometheus for who does not ask
//! for that.

use std::fmt::Write as _;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method, StatusCode};
use router::Response;

use super::catalogue::Kind;
use super::collect::{Collector, Family, Sample, Value};

/// Where the text is.
const PATH: &str = "/metrics";

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    OpenMetrics,
    Prometheus,
}

impl Form {
    /// What the client asks for; OpenMetrics only if it names that.
    fn wanted(headers: &HeaderMap) -> Self {
        let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        if accepted.any(|value| value.contains("application/openmetrics-text")) {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// Answers a request for the figures.
pub(crate) fn answer<B>(request: &hyper::Request<B>, collector: &Collector) -> Response {
    let text = |status, sentence: &'static str| {
        let mut response = Response::new(Full::new(Bytes::from_static(sentence.as_bytes())));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    };
    if request.uri().path() != PATH {
        return text(StatusCode::NOT_FOUND, "figures are at /metrics\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD are understood here\n");
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let form = Form::wanted(request.headers());
    let mut response = Response::new(Full::new(Bytes::from(write(&collector.collect(), form))));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(form.content_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn write(families: &[Family], form: Form) -> String {
    let mut text = String::new();
    for family in families.iter().filter(|family| !family.samples.is_empty()) {
        write_family(&mut text, family, form);
    }
    if form == Form::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn write_family(text: &mut String, Family { figure, samples }: &Family, form: Form) {
    let ending = match figure.kind {
        Kind::Counter => "_total",
        Kind::Info => "_info",
        Kind::Gauge | Kind::Histogram => "",
    };
    // The older form knows neither units nor infos, and has the ending in the name of the whole.
    let (name, kind) = match (form, figure.kind) {
        (Form::OpenMetrics, kind) => (figure.name.to_owned(), kind),
        (Form::Prometheus, Kind::Info) => (format!("{}{ending}", figure.name), Kind::Gauge),
        (Form::Prometheus, kind) => (format!("{}{ending}", figure.name), kind),
    };
    let _ = writeln!(text, "# TYPE {name} {}", kind.name());
    if form == Form::OpenMetrics && !figure.unit.is_empty() {
        let _ = writeln!(text, "# UNIT {name} {}", figure.unit);
    }
    let _ = writeln!(text, "# HELP {name} {}", figure.help);
    for Sample { labels, value } in samples {
        let labels: Vec<_> = figure
            .labels
            .iter()
            .copied()
            .zip(labels.iter().map(String::as_str))
            .collect();
        let full = format!("{}{ending}", figure.name);
        match value {
            Value::Whole(number) => write_line(text, &full, &labels, None, &number.to_string()),
            Value::Real(number) => write_line(text, &full, &labels, None, &number.to_string()),
            Value::Histogram(buckets, sum) => {
                for (bound, count) in buckets {
                    let bound = bound.map_or_else(|| "+Inf".to_owned(), real);
                    write_line(
                        text,
                        &format!("{full}_bucket"),
                        &labels,
                        Some(&bound),
                        &count.to_string(),
                    );
                }
                let count = buckets.last().map_or(0, |(_, count)| *count);
                write_line(text, &format!("{full}_sum"), &labels, None, &sum.to_string());
                write_line(text, &format!("{full}_count"), &labels, None, &count.to_string());
            }
        }
    }
}

/// A bound as OpenMetrics wants it: with a point, so that it is the same text everywhere.
fn real(number: f64) -> String {
    let text = number.to_string();
    if text.contains('.') { text } else { format!("{text}.0") }
}

fn write_line(text: &mut String, name: &str, labels: &[(&str, &str)], bound: Option<&str>, value: &str) {
    text.push_str(name);
    let all = labels.iter().copied().chain(bound.map(|bound| ("le", bound)));
    for (number, (label, value)) in all.enumerate() {
        text.push(if number == 0 { '{' } else { ',' });
        let _ = write!(text, "{label}=\"");
        for letter in value.chars() {
            match letter {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                other => text.push(other),
            }
        }
        text.push('"');
    }
    if !labels.is_empty() || bound.is_some() {
        text.push('}');
    }
    let _ = writeln!(text, " {value}");
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::CATALOGUE;
    use super::*;

    fn family(name: &str, samples: Vec<Sample>) -> Family {
        let figure = CATALOGUE.iter().find(|figure| figure.name == name).expect("it is told");
        Family { figure, samples }
    }

    fn families() -> Vec<Family> {
        let sample = |labels: &[&str], value| Sample {
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            value,
        };
        let buckets = vec![(Some(0.5), 1), (Some(5.0), 2), (None, 3)];
        vec![
            family("deskconn_build", vec![sample(&["1.2"], Value::Whole(1))]),
            family("deskconn_calls", vec![sample(&["a\"\\\n"], Value::Whole(7))]),
            family("deskconn_link_up", Vec::new()),
            family(
                "deskconn_invocation_duration_seconds",
                vec![sample(&["r"], Value::Histogram(buckets, 7.25))],
            ),
            family("process_cpu_seconds", vec![sample(&[], Value::Real(0.25))]),
        ]
    }

    #[test]
    fn openmetrics_is_as_its_specification_wants_it() {
        let expected = r#"# TYPE deskconn_build info
# HELP deskconn_build The version of the daemon.
deskconn_build_info{version="1.2"} 1
# TYPE deskconn_calls counter
# HELP deskconn_calls CALL messages, those that were refused too.
deskconn_calls_total{realm="a\"\\\n"} 7
# TYPE deskconn_invocation_duration_seconds histogram
# UNIT deskconn_invocation_duration_seconds seconds
# HELP deskconn_invocation_duration_seconds How long callees took from the INVOCATION to the YIELD or ERROR that ended it.
deskconn_invocation_duration_seconds_bucket{realm="r",le="0.5"} 1
deskconn_invocation_duration_seconds_bucket{realm="r",le="5.0"} 2
deskconn_invocation_duration_seconds_bucket{realm="r",le="+Inf"} 3
deskconn_invocation_duration_seconds_sum{realm="r"} 7.25
deskconn_invocation_duration_seconds_count{realm="r"} 3
# TYPE process_cpu_seconds counter
# UNIT process_cpu_seconds seconds
# HELP process_cpu_seconds Processor time of user and system.
process_cpu_seconds_total 0.25
# EOF
"#;
        assert_eq!(write(&families(), Form::OpenMetrics), expected);
    }

    #[test]
    fn the_older_form_has_its_endings_in_every_name_and_no_units() {
        let text = write(&families(), Form::Prometheus);
        assert!(text.contains("# TYPE deskconn_build_info gauge\n"), "{text}");
        assert!(text.contains("# TYPE deskconn_calls_total counter\n"), "{text}");
        assert!(!text.contains("# UNIT") && !text.contains("# EOF"), "{text}");
    }

    #[test]
    fn who_names_openmetrics_gets_it_and_others_the_older_form() {
        let wanted = |accept: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.extend(accept.map(|accept| (ACCEPT, HeaderValue::from_static(accept))));
            Form::wanted(&headers)
        };
        for accept in [None, Some("*/*"), Some("text/html"), Some("text/plain;version=0.0.4")] {
            assert_eq!(wanted(accept), Form::Prometheus, "{accept:?}");
        }
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1";
        for accept in ["application/openmetrics-text", prometheus] {
            assert_eq!(wanted(Some(accept)), Form::OpenMetrics, "{accept}");
        }
    }
}
