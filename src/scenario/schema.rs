//! The JSON Schema of scenarios, generated from the types.

use super::Scenario;

/// Returns the schema, which the page serves as `www/scenario.schema.json`.
pub fn json_schema() -> String {
    let schema = schemars::schema_for!(Scenario);
    let text = serde_json::to_string_pretty(&schema);
    text.expect("a schema serializes") + "\n"
}

#[cfg(test)]
mod tests {
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/www/scenario.schema.json");

    #[test]
    fn the_published_schema_matches_the_types() {
        let schema = super::json_schema();
        if std::env::var_os("CONVERGE_RENEW").is_some() {
            std::fs::write(FILE, &schema).expect("www is writable");
        }
        let published = std::fs::read_to_string(FILE).expect("www/scenario.schema.json exists");
        assert!(published == schema, "renew www/scenario.schema.json with CONVERGE_RENEW=1");
    }
}
