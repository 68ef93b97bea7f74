//! Changes of the scenario document that a person makes: pure, checked, undoable.
