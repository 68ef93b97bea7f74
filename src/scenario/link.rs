//! Scenario links.
