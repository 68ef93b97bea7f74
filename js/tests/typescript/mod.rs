//! Generates TypeScript declarations from JSON Schemas.

use serde_json::{Map, Value};

/// Declares a type: an interface for an object with fixed fields, otherwise an alias.
pub fn declaration(name: &str, schema: &Value) -> String {
    let comment = comment(schema, "");
    match schema.as_object() {
        Some(object) if is_plain_object(object) => {
            format!("{comment}export interface {name} {}\n", object_type(object, ""))
        }
        _ => format!("{comment}export type {name} = {};\n", type_of(schema, "")),
    }
}

/// The names of the types to which a schema refers.
pub fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(object) => {
            let direct = object.get("$ref").and_then(Value::as_str).map(|path| name_of(path).to_string());
            direct.into_iter().chain(object.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

fn name_of(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

fn is_plain_object(schema: &Map<String, Value>) -> bool {
    schema.contains_key("properties") && !["oneOf", "anyOf", "allOf"].iter().any(|key| schema.contains_key(*key))
}

fn comment(schema: &Value, indent: &str) -> String {
    let Some(text) = schema.get("description").and_then(Value::as_str) else { return String::new() };
    let text = text.replace("*/", "* /");
    let lines: Vec<&str> = text.lines().collect();
    match lines.as_slice() {
        [line] => format!("{indent}/** {line} */\n"),
        _ => {
            let lines: String =
                lines.iter().map(|line| format!("{indent} * {line}").trim_end().to_string() + "\n").collect();
            format!("{indent}/**\n{lines}{indent} */\n")
        }
    }
}

/// The type of a schema, to be written on lines indented by `indent`.
fn type_of(schema: &Value, indent: &str) -> String {
    let Some(object) = schema.as_object() else { return "unknown".into() };
    if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
        return name_of(reference).into();
    }
    if let Some(value) = object.get("const") {
        return value.to_string();
    }
    if let Some(values) = object.get("enum").and_then(Value::as_array) {
        return union(values.iter().map(Value::to_string));
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(variants) = object.get(key).and_then(Value::as_array) {
            let alternatives = union(variants.iter().map(|variant| type_of(variant, indent)));
            let common = is_object_with_fields(object).then(|| object_type(object, indent));
            return common.map_or(alternatives.clone(), |fields| format!("{fields} & ({alternatives})"));
        }
    }
    if let Some(parts) = object.get("allOf").and_then(Value::as_array) {
        return parts.iter().map(|part| type_of(part, indent)).collect::<Vec<_>>().join(" & ");
    }
    match object.get("type") {
        Some(Value::String(name)) => named_type(name, object, indent),
        Some(Value::Array(names)) => {
            union(names.iter().filter_map(Value::as_str).map(|name| named_type(name, object, indent)))
        }
        _ => "unknown".into(),
    }
}

fn is_object_with_fields(schema: &Map<String, Value>) -> bool {
    schema.get("properties").and_then(Value::as_object).is_some_and(|fields| !fields.is_empty())
}

fn named_type(name: &str, schema: &Map<String, Value>, indent: &str) -> String {
    match name {
        "integer" | "number" => "number".into(),
        "array" => array_type(schema, indent),
        "object" => object_type(schema, indent),
        other => other.into(),
    }
}

fn array_type(schema: &Map<String, Value>, indent: &str) -> String {
    if let Some(items) = schema.get("prefixItems").and_then(Value::as_array) {
        let items: Vec<String> = items.iter().map(|item| type_of(item, indent)).collect();
        return format!("[{}]", items.join(", "));
    }
    let item = schema.get("items").map_or("unknown".into(), |items| type_of(items, indent));
    let length = |key: &str| schema.get(key).and_then(Value::as_u64);
    match (length("minItems"), length("maxItems")) {
        (Some(min), Some(max)) if min == max && max < 5 => format!("[{}]", vec![item; max as usize].join(", ")),
        _ if item.contains(['|', '{', ' ']) => format!("({item})[]"),
        _ => format!("{item}[]"),
    }
}

fn object_type(schema: &Map<String, Value>, indent: &str) -> String {
    let Some(fields) = schema.get("properties").and_then(Value::as_object).filter(|fields| !fields.is_empty()) else {
        let additional = schema.get("additionalProperties");
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        // Keys that are numbers have a pattern, and no others are permitted.
        let values = additional.filter(|values| values.is_object()).or(patterns.and_then(|all| all.values().next()));
        return match (values, additional) {
            (Some(values), _) => format!("{{ [key: string]: {} }}", type_of(values, indent)),
            (None, Some(Value::Bool(false))) => "{ [key: string]: never }".into(),
            (None, _) => "{ [key: string]: unknown }".into(),
        };
    };
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let inner = format!("{indent}  ");
    let field = |(name, schema): (&String, &Value)| {
        let optional = if required.contains(&name.as_str()) { "" } else { "?" };
        format!("{}{inner}{name}{optional}: {};\n", comment(schema, &inner), type_of(schema, &inner))
    };
    let fields: String = fields.iter().map(field).collect();
    format!("{{\n{fields}{indent}}}")
}

/// Joins alternatives, each once.
fn union(types: impl Iterator<Item = String>) -> String {
    let mut alternatives: Vec<String> = Vec::new();
    for alternative in types {
        if !alternatives.contains(&alternative) {
            alternatives.push(alternative);
        }
    }
    alternatives.join(" | ")
}
