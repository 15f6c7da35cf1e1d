//! A rule of nft, given as JSON, in words like those in which it was written.

use serde_json::Value;

/// The words of a rule's expressions.
pub(super) fn shown(expressions: &[Value]) -> String {
    let objects = expressions.iter().filter_map(|it| it.as_object()?.iter().next());
    let words = objects.map(|(kind, body)| match kind.as_str() {
        "match" => matching(body),
        "xt" => value(body),
        "jump" | "goto" => format!("{kind} {}", value(body.get("target").unwrap_or(&Value::Null))),
        _ => kind.clone(),
    });
    let words: Vec<String> = words
        .filter(|words| !matches!(words.as_str(), "" | "counter" | "log"))
        .collect();
    words.join(" ")
}

fn matching(body: &Value) -> String {
    let of = |key| body.get(key).unwrap_or(&Value::Null);
    let not = if of("op") == "!=" { "!= " } else { "" };
    format!("{} {not}{}", asked(of("left")), value(of("right")))
}

/// What a rule looks at.
fn asked(left: &Value) -> String {
    let of = |path: &str| left.pointer(path).and_then(Value::as_str);
    match (of("/payload/protocol"), of("/payload/field")) {
        (Some(protocol), Some(field)) => format!("{protocol} {field}"),
        _ => match (of("/meta/key"), of("/ct/key"), of("/fib/result")) {
            (Some(key), _, _) => key.to_owned(),
            (_, Some(key), _) => format!("ct {key}"),
            (_, _, Some(result)) => format!("fib {result}"),
            (None, None, None) => left.to_string(),
        },
    }
}

fn value(right: &Value) -> String {
    let list = |parts: &[Value], between: &str| parts.iter().map(value).collect::<Vec<_>>().join(between);
    if let Some(text) = right.as_str() {
        return text.to_owned();
    }
    let many = right.get("set").unwrap_or(right).as_array();
    match (many, right.pointer("/range"), right.pointer("/prefix")) {
        (Some(many), _, _) => list(many, ","),
        (None, Some(range), _) => list(range.as_array().map_or(&[], Vec::as_slice), "-"),
        (None, None, Some(prefix)) => {
            let of = |key| prefix.get(key).map(value).unwrap_or_default();
            format!("{}/{}", of("addr"), of("len"))
        }
        (None, None, None) => right.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_reads_as_it_was_written() {
        let rule = json!([
            {"match": {"op": "!=", "left": {"meta": {"key": "iifname"}}, "right": "lo"}},
            {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}},
                "right": {"prefix": {"addr": "10.0.0.0", "len": 8}}}},
            {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}},
                "right": {"set": [22, {"range": [5000, 5100]}]}}},
            {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["new", "related"]}},
            {"counter": {"packets": 0}},
            {"accept": null}
        ]);
        let expected = "iifname != lo ip saddr 10.0.0.0/8 tcp dport 22,5000-5100 ct state new,related accept";
        assert_eq!(shown(rule.as_array().unwrap()), expected);
        assert_eq!(
            shown(json!([{"jump": {"target": "more"}}]).as_array().unwrap()),
            "jump more"
        );
        assert_eq!(
            shown(json!([{"fresh": 1}, 7]).as_array().unwrap()),
            "fresh",
            "what is new is no trouble"
        );
    }
}
