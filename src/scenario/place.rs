//! Where in a document an error of reading lies: serde tells line and column, people want the path.

use super::ScenarioError;
use serde_json::error::Category;

/// What is wrong with a text, by its path where it is JSON, else by line and column.
pub(super) fn reading_error(text: &str, error: &serde_json::Error) -> ScenarioError {
    let said = error.to_string();
    let problem = said.rsplit_once(" at line ").map_or(said.as_str(), |(problem, _)| problem);
    match error.classify() {
        Category::Data => ScenarioError::new(path_at(text, error.line(), error.column()), problem),
        Category::Syntax | Category::Eof | Category::Io => {
            ScenarioError::new(format!("line {}, column {}", error.line(), error.column()), problem)
        }
    }
}

/// A list or an object that the walk is in.
enum Within<'a> {
    List(usize),
    Object(&'a str),
}

/// The path of the token that ends at a line and column, both from 1: `services[1].fails`. Up to there the text is
/// JSON, for the reader came so far.
fn path_at(text: &str, line: usize, column: usize) -> String {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let end = start + column;
    let bytes = text.as_bytes();
    let mut way: Vec<Within> = Vec::new();
    let mut expects_key = false;
    let mut at = 0;
    while at < bytes.len() {
        let from = at;
        at += 1;
        match bytes[from] {
            b'"' => {
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
                if expects_key && let Some(Within::Object(key)) = way.last_mut() {
                    *key = text.get(from + 1..at - 1).unwrap_or_default();
                    expects_key = false;
                }
            }
            opening @ (b'{' | b'[') => {
                if at >= end {
                    break;
                }
                expects_key = opening == b'{';
                way.push(if expects_key { Within::Object("") } else { Within::List(0) });
            }
            b'}' | b']' => {
                way.pop();
                expects_key = false;
            }
            b',' => match way.last_mut() {
                Some(Within::List(index)) => *index += 1,
                Some(Within::Object(_)) => expects_key = true,
                None => {}
            },
            b':' | b' ' | b'\n' | b'\r' | b'\t' => continue,
            _ => {
                while at < bytes.len() && !matches!(bytes[at], b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t') {
                    at += 1;
                }
            }
        }
        if at >= end {
            break;
        }
    }
    let mut path = String::new();
    for step in way {
        match step {
            Within::List(index) => path.push_str(&format!("[{index}]")),
            Within::Object(key) => {
                if !path.is_empty() && !key.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::super::Scenario;

    #[test]
    fn errors_of_shape_lie_where_people_look_for_them() {
        let service = |inner: &str| {
            format!("{{\"converge\": 1,\n \"services\": [{{\"id\": \"a\"}},\n  {{\"id\": \"b\", {inner}}}]}}")
        };
        let cases = [
            (service("\"concurrency\": \"many\""), "services[1].concurrency"),
            (service("\"concurrency\": -4, \"queue\": 3"), "services[1].concurrency"),
            (service("\"servce_time\": 1"), "services[1].servce_time"),
            (
                service("\"subscribes\": [{\"to\": \"x\"}, {\"to\": \"y\", \"acknowledge\": \"nevr\"}]"),
                "services[1].subscribes[1].acknowledge",
            ),
            (service("\"service_time\": {\"uniform\": {\"low_ms\": 1}}"), "services[1].service_time.uniform"),
            (service("\"service_time\": {\"triangle\": {\"low_ms\": 1}}"), "services[1].service_time.triangle"),
            (service("\"data\": {\"a \\\" , b\": [1, [2]]}"), "services[1].data.a \\\" , b"),
            (service("\"calls\": [{}]"), "services[1].calls[0]"),
            (service("\"position\": [1, 2.5]"), "services[1].position[1]"),
            (service("\"calls\": 5"), "services[1].calls"),
            ("{\"services\": []}".to_string(), ""),
            ("[1]".to_string(), ""),
            ("{\"converge\": 1, \"titel\": \"x\"}".to_string(), "titel"),
        ];
        for (text, path) in cases {
            let errors = Scenario::from_json(&text).expect_err(&text);
            let found = errors[0].path.trim_end_matches('.');
            assert!(found == path || found == format!("[0]{path}"), "{text}: {errors:?}, expected {path}");
        }
    }

    #[test]
    fn what_is_not_json_is_told_by_line_and_column() {
        let errors = Scenario::from_json("{\n  \"converge\": 1,\n  oops\n}").expect_err("no JSON");
        assert_eq!(errors[0].to_string(), "line 3, column 3: key must be a string");
    }
}
