//! The JSON Schema of scenarios, generated from the types.
